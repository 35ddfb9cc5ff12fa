"""``kagflow runs``: what was tried, and two runs side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from kagflow.cli.printing import print_note, print_results
from kagflow.competition import Competition, load
from kagflow.ensemble import Bank, Standings, is_quick, standings
from kagflow.ensemble.standing import Standing
from kagflow.errors import ConfigError
from kagflow.report import NEARER, MovedRow, history, markdown, moved_rows, read_state
from kagflow.runs import Run, best_run, compare, list_runs, read_run
from kagflow.stats import with_noise

_WIDE = 1000


def runs(name: str, *, run: str | None, against: str | None, bank: bool, md: bool, json: bool) -> None:
    """List the runs of a competition, and what each adds to a blend; or compare two, paired over the same rows."""
    competition = load(name)
    known = list_runs(competition.runs_folder)
    if not known:
        raise ConfigError("there are no runs yet", hint=f"run `kagflow cv {name}`", where=str(competition.runs_folder))
    if md:
        print(markdown(history(read_state(competition))))
        return
    if against is not None:
        chosen = read_run(competition.runs_folder, run) if run else known[-1]
        _print_comparison(competition, chosen, read_run(competition.runs_folder, against), json)
        return
    shown = [read_run(competition.runs_folder, run)] if run else known
    found = None if run else _standings(competition, even_if_slow=bank)
    standing = {} if found is None else {each.run.name: each for each in found.members}
    if json:
        results = [one.result() | (standing[one.name].document() if one.name in standing else {}) for one in shown]
        blend = {} if found is None else {"bank": found.document()}
        print_results(results, results[shown.index(best_run(shown))] | blend)
        return
    _print_table(shown, standing)
    if found is not None:
        score = with_noise(found.blend.cv_crossfitted, found.blend.se)
        better = "less" if competition.metric.direction == "minimize" else "more"
        print(
            f"\nblend of {len(standing)} members: {competition.metric.name} {score}, cross-fitted ({better} is better)"
        )
        print("  like it: correlation with its OOF; adds: its score minus that of a blend without the member")


def _standings(competition: Competition, *, even_if_slow: bool) -> Standings | None:
    """Return how members stand to the best blend; ``None`` where they are too few, or so many that it lasts."""
    try:
        bank = Bank.of(competition)
    except ConfigError:  # no run is of today's metric, say; they are listed all the same
        return None
    if len(bank.members) < 2:
        return None
    if not (even_if_slow or is_quick(bank)):
        print_note(
            f"what each of {len(bank.members)} members adds to a blend is shown with --bank; it may take minutes"
        )
        return None
    for line in filter(None, [bank.reasons, *(f"{doubt.member}: {doubt.message}" for doubt in bank.doubts)]):
        print_note(line)
    return standings(bank)


def _print_table(shown: list[Run], standing: Mapping[str, Standing]) -> None:
    table = Table(box=None, pad_edge=False)
    headings = ["run", "config", "kind", "edition", "metric", "cv ± s.e."]
    for heading in (*headings, *(("like it", "adds") if standing else ()), "seconds"):
        table.add_column(heading, no_wrap=True)
    for run in shown:
        score = with_noise(run.scores["cv"], run.scores["se"]) if run.scored else f"none: {run.scores['why_no_cv']}"
        facts = run.facts
        table.add_row(
            run.name,
            facts["config"] + (" (quick look)" if run.quick else ""),
            run.kind + ("" if run.honest else " (foreign)"),
            facts["edition"],
            run.scores["metric"],
            score,
            *(_of_standing(standing.get(run.name)) if standing else ()),
            f"{facts['seconds']:.1f}",
        )
    # As wide as the table: a name that is cut off can be neither copied nor searched for.
    Console(width=_WIDE).print(table)


def _of_standing(standing: Standing | None) -> tuple[str, str]:
    """Return what a member has in common with the best blend, and adds to it; nothing of what is no member."""
    if standing is None:
        return "", ""
    like = "" if standing.correlation is None else f"{standing.correlation:.3f}"
    return like, with_noise(standing.adds, standing.adds_se or None) if standing.adds else "0"


def _print_comparison(competition: Competition, run: Run, other: Run, json: bool) -> None:
    comparison = compare(run, other, competition.metric)
    difference = comparison.difference
    moved = moved_rows(run, other, competition) or []
    if json:
        document = {
            "run": str(run.path),
            "against": str(other.path),
            "difference": difference.value,
            "se": comparison.se,
            "better": comparison.better,
            "changes": comparison.changes,
            "moved": [asdict(row) for row in moved],
        }
        print_results([document], document)
        return
    print(f"{run.name}\n  against {other.name}")
    print(comparison)
    for line in comparison.changes:
        print(f"  {line}")
    if moved:
        print(f"rows that moved most ({NEARER} is nearer to the truth)")
        Console(width=_WIDE).print(Padding.indent(_moved_table(moved), 2))


def _moved_table(moved: Sequence[MovedRow]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("row", no_wrap=True)
    for heading in ("truth", "this run", "the other"):
        table.add_column(heading, no_wrap=True, justify="right")
    for row in moved:
        table.add_row(row.row, row.truth, *row.marked)
    return table
