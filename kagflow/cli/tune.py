"""``kagflow tune``: look for better parameters, and say what they are worth."""

from pathlib import Path
from typing import Any

from kagflow.cli.data import ensure_data
from kagflow.cli.options import TrackMode
from kagflow.cli.printing import print_note, print_results, relative
from kagflow.cli.progress import Bar
from kagflow.competition import config_name, load
from kagflow.stats import rounded, with_noise
from kagflow.tracking import make_tracker
from kagflow.tuning import Account, Limits, Tuned
from kagflow.tuning import tune as run_study

_MOST_PARAMS = 12


def tune(
    name: str,
    *,
    config: str | None,
    trials: int | None,
    budget: str | None,
    jobs: int | None,
    seeds: int | None,
    storage: str | None,
    nested: bool,
    prune: bool,
    overrides: tuple[str, ...],
    source: Path | None,
    cache: bool,
    track: TrackMode,
    json: bool,
) -> None:
    """Run a study, cross-validate the best parameters, and give account."""
    limits = Limits.of(trials, budget)
    competition = load(name)
    experiment = competition.experiment(config, overrides)
    ensure_data(competition, source)
    tracker = make_tracker(track, competition.runs_folder, "kagflow", print_note)
    with _Bar(config_name(config), competition.metric.direction, first_line=not json) as watcher:
        tuned = run_study(
            competition,
            experiment,
            config=config_name(config),
            limits=limits,
            jobs=jobs,
            seeds=seeds,
            storage=storage,
            source=source,
            cache=cache,
            nested=nested,
            prune=prune,
            tracker=tracker,
            watcher=watcher,
        )
    if json:
        print_results([tuned.result()], tuned.result())
    else:
        _print(tuned)


class _Bar(Bar):
    """Shows how a study goes on."""

    def __init__(self, config: str, direction: str, *, first_line: bool) -> None:
        super().__init__(f"{config} {{task.description}}", first_line=first_line)
        self._pick = min if direction == "minimize" else max
        self._best: float | None = None

    def began(self, edition: str, folder: Path, trials: int | None, done: int) -> None:
        """Show where the data come from, and what is left to do."""
        wanted = f" of {trials}" if trials is not None else ""
        nothing = "; no trial is left to do" if trials is not None and done >= trials else ""
        self.show(edition, folder, trials, done, f"{done}{wanted} trials were done before{nothing}")

    def finished(self, number: int, state: str, score: float | None, params: dict[str, Any]) -> None:
        """Move the bar, and show the best score of this call."""
        if score is not None:
            self._best = score if self._best is None else self._pick(self._best, score)
        self.advance("" if self._best is None else f"best {self._best:.5g}")

    def note(self, line: str) -> None:
        """Print a line."""
        print_note(line)


def _print(tuned: Tuned) -> None:
    run, account = tuned.run, tuned.account
    scores = run.scores
    better = "less" if scores["direction"] == "minimize" else "more"
    print(f"{run.facts['config']}: {scores['metric']} {with_noise(scores['cv'], scores['se'])} ({better} is better)")
    if run.facts["device"]["note"]:
        print_note(run.facts["device"]["note"])
    parts = [f"{tuned.trials} trials", *([f"{tuned.pruned} stopped early"] if tuned.pruned else [])]
    print(f"  study    {tuned.study}: {', '.join(parts)}, {tuned.new or 'none'} of them now; best is {tuned.best}")
    if account is None:
        print("  account  none: the predictions of the trials lie on another machine")
    else:
        print(f"  before   {_finely(account.before, account.before_se, account)} (trials are scored without a refit)")
        print(f"  tuned    {_finely(account.tuned, account.tuned_se, account)}, on the rows that chose it")
        if account.corrected is not None:
            print(
                f"  expected {_finely(account.corrected, account.corrected_se, account)}, without the bias of choosing"
            )
        print(f"  change   {with_noise(account.difference, account.difference_se)}, paired")
        print(f"  verdict  {account.sentence}")
    if tuned.nested is not None:
        print(f"  nested   {with_noise(tuned.nested.cv, tuned.nested.se)}: tuning itself, on rows that it never saw")
    for name, value in list(tuned.params.items())[:_MOST_PARAMS]:
        print(f"  {name} = {rounded(value, None) if isinstance(value, float) else value}")
    print(f"  seconds  {tuned.seconds:.1f}")
    print(f"  config   {relative(tuned.config)}")
    print(f"  run      {relative(run.path)}")


def _finely(value: float, se: float | None, account: Account) -> str:
    """Return a score with its noise, to the digits in which it may differ from another one of the same rows."""
    if se is None or not account.difference_se:
        return with_noise(value, se)
    return f"{rounded(value, account.difference_se)} ± {rounded(se, se)}"
