"""``kagflow cv``: cross-validate one or more experiments."""

from pathlib import Path
from statistics import mean
from typing import Any

from kagflow.cli.data import ensure_data
from kagflow.cli.options import TrackMode
from kagflow.cli.printing import print_note, print_results, relative
from kagflow.cli.progress import Bar
from kagflow.competition import Competition, config_name, load
from kagflow.runs import Look, Run, best_run, bought, cross_validate
from kagflow.runs.submission import SUBMISSION
from kagflow.stats import rounded
from kagflow.tracking import make_tracker
from kagflow.training import TaskResult

_MOST_TARGETS = 8


def cv(
    name: str,
    *,
    configs: list[str],
    overrides: tuple[str, ...],
    source: Path | None,
    sample: float,
    only_folds: tuple[int, ...],
    cache: bool,
    track: TrackMode,
    json: bool,
) -> None:
    """Cross-validate one experiment after the other; without a config the default one."""
    competition = load(name)
    ensure_data(competition, source)
    look = Look(sample, only_folds)
    runs: list[Run] = []
    wanted: list[str | None] = [*configs] or [None]
    for chosen in wanted:
        listener = _Bar(config_name(chosen), first_line=not json and not runs)
        runs.append(_run(competition, chosen, overrides, source, look, cache, track, listener))
        if not json:
            _print_run(competition, runs[-1])
    if json:
        print_results([run.result() for run in runs], best_run(runs).result())


def _run(
    competition: Competition,
    config: str | None,
    overrides: tuple[str, ...],
    source: Path | None,
    look: Look,
    cache: bool,
    track: TrackMode,
    listener: "_Bar",
) -> Run:
    experiment = competition.experiment(config, overrides)
    tracker = make_tracker(track, competition.runs_folder, "kagflow", print_note)
    with listener:
        run = cross_validate(
            competition,
            experiment,
            config=config_name(config),
            source=source,
            look=look,
            cache=cache,
            tracker=tracker,
            listener=listener,
        )
    if run.facts["device"]["note"]:
        print_note(run.facts["device"]["note"])
    for origin in run.facts["extra"]["sources"] if run.facts["extra"] else ():
        if "note" in origin:
            print_note(origin["note"])
    for noted in run.facts["accepted"]:
        print_note(f"accepted {noted['code']} ({noted['reason']}): {noted['message']}")
    return run


class _Bar(Bar):
    """Shows how a run goes on."""

    def began(self, edition: str, folder: Path, tasks: int, done: int) -> None:
        """Show where the data come from, and what is left to do."""
        self.show(edition, folder, tasks + done, done, f"{done} of {done + tasks} fits were done before")

    def finished(self, result: TaskResult) -> None:
        """Move the bar."""
        self.advance()


def _print_run(competition: Competition, run: Run) -> None:
    scores: dict[str, Any] = run.scores
    print(run)
    if run.quick:
        print(f"  quick    {_what_was_looked_at(run)}: the score compares with no other run's")
    folds = "  ".join("none" if score is None else rounded(score, scores["se"]) for score in scores["folds"])
    print(f"  folds    {folds}")
    if "targets" in scores:
        print(f"  targets  {_of_targets(scores['targets'], scores['se'])}")
    if scores["rows_scored"] < scores["rows"] and not run.quick:
        print(f"  scored   {scores['rows_scored']} of {scores['rows']} rows; the rest only trains")
    if "seeds_alone" in scores:
        print(f"  seeds    {_what_averaging_did(scores)}")
    for group in bought(run).to_dicts():
        print(f"  auto     {_what_it_bought(group)}")
    for chosen in run.facts["chosen_by_looking"]:
        print(f"  chosen   {chosen.replace(': ', ' ')}: {_what_choosing_did(chosen, scores)}")
    if run.facts["pooled"]:
        print(
            f"  pooled   {', '.join(run.facts['pooled'])} (learned from test features too, as the competition declares)"
        )
    refit = run.facts["test_predicted_by"]
    if "seeds" in refit:
        print(f"  refit    test is predicted by models of all rows{_of_rounds(refit)}; the score is that of the folds")
    print(f"  seconds  {run.facts['seconds']:.1f}")
    print(f"  run      {relative(run.path)}")
    print(f"  submit   {relative(run.path / SUBMISSION)}")


def _of_rounds(refit: dict[str, Any]) -> str:
    rounds = ", ".join(str(each) for each in refit["rounds"] if each is not None)
    return f" ({rounds} rounds)" if rounds else ""


def _what_choosing_did(chosen: str, scores: dict[str, Any]) -> str:
    if chosen.startswith("postprocess"):
        return f"{rounded(scores['cv_fitted'], scores['se'])} as fitted; the score above is cross-fitted"
    return "the score above is of the rows by which they were chosen"


def _what_it_bought(group: dict[str, Any]) -> str:
    """Return what a group of automatic features was worth on training rows, as the folds chose it."""
    worth = f"{100 * group['gain']:+.2g} ± {100 * group['se']:.1g} % of a small model's loss on training rows"
    taken = f"{group['chosen']:.3g} of {group['candidates']:.3g} chosen" if group["taken"] else "none chosen"
    often = f" in {100 * group['taken']:.0f} % of the fits" if 0 < group["taken"] < 1 else ""
    return f"{group['group']}: {taken}{often}; saved {worth}"


def _what_averaging_did(scores: dict[str, Any]) -> str:
    """Return the scores of seeds by themselves, and what averaging them bought over their mean."""
    alone, se = scores["seeds_alone"], scores["se"]
    bought = (mean(alone) - scores["cv"]) * (1 if scores["direction"] == "minimize" else -1)
    spread = max(alone) - min(alone)
    shown = f"{rounded(min(alone), spread or se)} to {rounded(max(alone), spread or se)} alone"
    return f"{shown}; averaging {len(alone)} bought {rounded(bought, spread or se)}"


def _of_targets(scores: dict[str, float | None], se: float | None) -> str:
    """Return the score of each target, or of the first ones."""
    shown = [f"{name} {'none' if score is None else rounded(score, se)}" for name, score in scores.items()]
    more = f"  and {len(shown) - _MOST_TARGETS} more in scores.json" if len(shown) > _MOST_TARGETS else ""
    return "  ".join(shown[:_MOST_TARGETS]) + more


def _what_was_looked_at(run: Run) -> str:
    look = run.facts["quick_look"]
    parts = [f"{look['sample']:.3g} of the training rows"] if look["sample"] < 1 else []
    if look["folds"]:
        parts.append(f"{len(look['folds'])} of the folds")
    return ", ".join(parts)
