"""How the ladder looks in a terminal."""

from rich.console import Console
from rich.table import Table

from kagflow.cli.printing import print_results, print_wrapped
from kagflow.report.html.words import plural
from kagflow.report.layers.ladder import Ladder
from kagflow.report.layers.rungs import SAID, Rung

_WIDE = 1000


def print_ladder(made: Ladder, *, json: bool) -> None:
    """Print a line a layer, and where to stop; or the one JSON document."""
    if json:
        document = made.document()
        print_results(document.pop("rungs"), document)
        return
    if made.stop is None:
        print(made.sentence)
        return
    better = "less" if made.direction == "minimize" else "more"
    table = Table(box=None, pad_edge=False)
    headings = ["layer", f"{made.metric} ± s.e.", "gained ± s.e.", "over", "min", "verdict", "of", "made of", "run"]
    for heading in headings:
        table.add_column(heading, no_wrap=True, justify="right" if heading in ("min", "of") else "left")
    for rung in made.rungs:
        table.add_row(*_cells(rung, is_last=rung is made.stop))
    Console(width=_WIDE, highlight=False).print(table)
    print()
    for rung in made.rungs:
        if rung.verdict == "missing":
            print_wrapped(f"{rung.layer}: {rung.what or 'no run yet'}; for one: {rung.todo}")
    print_wrapped(made.sentence)
    print_wrapped(
        f"gained: the score minus that of the last layer that bought something ({better} is better), on the same rows "
        "and without the bias of choosing among a layer's runs; of: how many these are"
    )
    if made.left_out:
        reasons = sorted(set(made.left_out.values()))
        print_wrapped(f"left out: {plural(len(made.left_out), 'run')} ({'; '.join(reasons)})")


def _cells(rung: Rung, *, is_last: bool) -> list[str]:
    verdict = SAID[rung.verdict] + (": stop here" if is_last else "")
    if rung.run is None:
        return [rung.layer, "", "", "", "", verdict, "", "", ""]
    minutes = "?" if rung.minutes is None else f"{rung.minutes:.1f}"
    return [
        rung.layer,
        rung.score,
        rung.gained,
        rung.on or "",
        minutes,
        verdict,
        str(rung.tried),
        rung.what,
        rung.run.name,
    ]
