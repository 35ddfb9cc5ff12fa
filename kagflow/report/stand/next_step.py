"""The one next step that the numbers suggest: the first rule that applies."""

from collections.abc import Callable
from dataclasses import dataclass

from kagflow.report.board.replies import should_click, two, worth
from kagflow.report.html.markup import Html, code, joined
from kagflow.report.html.words import listing, plural
from kagflow.report.runs.history import labels
from kagflow.report.state import State
from kagflow.runs import Run

_ENOUGH = 3  # members before a blend is worth the while
_KINDS = 2


@dataclass(frozen=True)
class Step:
    """What to do next.

    Attributes
    ----------
    why
        In a sentence.
    command
        What to type; ``""`` where it is not a command.
    """

    why: str
    command: str = ""

    def html(self) -> Html:
        """Return it as the page shows it."""
        return joined(self.why, " ", code(self.command)) if self.command else joined(self.why)


def next_step(state: State) -> Step:
    """Return the first step whose rule applies."""
    return next(step for rule in _RULES if (step := rule(state)) is not None)


def _first_run(state: State) -> Step | None:
    if state.runs:
        return None
    return Step("Make the first run.", f"kagflow cv {state.competition.name}")


def _a_score(state: State) -> Step | None:
    if state.best is not None:
        return None
    return Step(
        "No whole run has a score yet: run a config without a quick look.", f"kagflow cv {state.competition.name}"
    )


def _ended(state: State) -> Step | None:
    if state.board is None or not state.board.over(state.now):
        return None
    bring = f"kagflow submit {state.competition.name} --sync"
    return Step("The competition has ended: bring in the private scores, and see below what CV foretold.", bring)


def _click(state: State) -> Step | None:
    if not should_click(state):
        return None
    reply = two(state)
    return None if reply is None else Step(f"Select your two submissions: {reply.answer}")


def _first_submission(state: State) -> Step | None:
    if state.on_board or state.best is None:
        return None
    return Step("Send the best run: nothing is known of the board yet.", _submit(state, state.best))


def _another_kind(state: State) -> Step | None:
    kinds = {run.kind for run in state.alike} - {"ensemble", "imported"}
    used = {run.facts["config"] for run in state.runs}
    folder = state.competition.root / "configs" / state.competition.name
    left = sorted(path.stem for path in folder.glob("*.yaml") if path.stem not in used)
    if len(kinds) >= _KINDS or not left:
        return None
    why = f"Try another kind of model: {plural(len(left), 'config')} was not run yet ({listing(left)})."
    return Step(
        why if len(left) == 1 else why.replace("was", "were"), f"kagflow cv {state.competition.name} -c {left[0]}"
    )


def _blend(state: State) -> Step | None:
    members = [run for run in state.alike if run.kind != "ensemble"]
    blends = [run for run in state.alike if run.kind == "ensemble"]
    newer = members if not blends else [run for run in members if run.name > blends[-1].name]
    if len(members) < _ENOUGH or not newer:
        return None
    what = "no blend yet" if not blends else "not in the last blend"
    why = f"Blend the runs: {plural(len(newer), 'member')} {'is' if len(newer) == 1 else 'are'} {what}."
    return Step(why, f"kagflow ensemble {state.competition.name}")


def _send(state: State) -> Step | None:
    reply = worth(state)
    if reply is None or not reply.known.get("run"):
        return None
    run = next(each for each in state.runs if each.name == reply.known["run"])
    return Step("Send the best run that the board does not have.", _submit(state, run))


def _audit(state: State) -> Step | None:
    single = _best_single(state)
    if single is None or list(state.competition.runs_folder.glob(f"{single.facts['config']}-*.audit.json")):
        return None
    why = f"Prove that {single.facts['config']}, the best single model, does not leak."
    return Step(why, f"kagflow audit {state.competition.name} -c {single.facts['config']}")


def _tune(state: State) -> Step | None:
    single = _best_single(state)
    if single is None or (state.competition.runs_folder / "studies.sqlite").is_file():
        return None
    why = f"Tune {single.facts['config']}, the best single model: no study was made yet."
    return Step(why, f"kagflow tune {state.competition.name} -c {single.facts['config']}")


def _features(state: State) -> Step:
    return Step("New features are what is left: begin with the worst segments and rows below.")


def _best_single(state: State) -> Run | None:
    sign = 1 if state.minimize else -1
    own = [run for run in state.alike if run.kind not in {"ensemble", "imported"} and run.honest]
    return min(own, key=lambda run: sign * run.scores["cv"], default=None)


def _submit(state: State, run: Run) -> str:
    return f"kagflow submit {state.competition.name} {labels(state)[run.name]}"


_RULES: tuple[Callable[[State], Step | None], ...] = (
    _first_run,
    _a_score,
    _ended,
    _click,
    _first_submission,
    _another_kind,
    _blend,
    _send,
    _audit,
    _tune,
    _features,
)
