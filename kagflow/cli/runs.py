"""``kagflow runs``: what was tried, and two runs side by side."""

from rich.console import Console
from rich.table import Table

from kagflow.cli.printing import print_results, with_noise
from kagflow.competition import Competition, load
from kagflow.errors import ConfigError
from kagflow.runs import Run, best_run, compare, list_runs, read_run

_WIDE = 1000


def runs(name: str, *, run: str | None, against: str | None, json: bool) -> None:
    """List the runs of a competition; or compare two, paired over the same rows."""
    competition = load(name)
    known = list_runs(competition.runs_folder)
    if not known:
        raise ConfigError("there are no runs yet", hint=f"run `kagflow cv {name}`", where=str(competition.runs_folder))
    if against is not None:
        chosen = read_run(competition.runs_folder, run) if run else known[-1]
        _print_comparison(competition, chosen, read_run(competition.runs_folder, against), json)
        return
    shown = [read_run(competition.runs_folder, run)] if run else known
    if json:
        print_results([one.result() for one in shown], best_run(shown).result())
    else:
        _print_table(shown)


def _print_table(shown: list[Run]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("run", "config", "edition", "metric", "cv ± s.e.", "seconds"):
        table.add_column(heading, no_wrap=True)
    for run in shown:
        score = with_noise(run.scores["cv"], run.scores["se"]) if run.scored else f"none: {run.scores['why_no_cv']}"
        facts = run.facts
        table.add_row(
            run.name,
            facts["config"] + (" (quick look)" if run.quick else ""),
            facts["edition"],
            run.scores["metric"],
            score,
            f"{facts['seconds']:.1f}",
        )
    # As wide as the table: a name that is cut off can be neither copied nor searched for.
    Console(width=_WIDE).print(table)


def _print_comparison(competition: Competition, run: Run, other: Run, json: bool) -> None:
    comparison = compare(run, other, competition.metric)
    difference = comparison.difference
    if json:
        document = {
            "run": str(run.path),
            "against": str(other.path),
            "difference": difference.value,
            "se": comparison.se,
            "better": comparison.better,
            "changes": comparison.changes,
        }
        print_results([document], document)
        return
    verdict = {True: "better", False: "worse", None: "inside the noise"}[comparison.better]
    print(f"{run.name}\n  against {other.name}")
    noise = with_noise(difference.value, comparison.se)
    print(f"difference in {competition.metric.name}: {noise}, {verdict}")
    for line in comparison.changes:
        print(f"  {line}")
