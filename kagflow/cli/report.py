"""``kagflow report``: where one stands in a competition, as a page and in a few lines."""

import json as json_
import webbrowser
from pathlib import Path

from kagflow.cli.ladder import print_ladder
from kagflow.cli.printing import print_wrapped, relative
from kagflow.competition import load
from kagflow.report import PAGE, make_report
from kagflow.report.layers.ladder import ladder


def report(name: str, *, out: Path | None, open_: bool, only_ladder: bool, json: bool) -> None:
    """Write the page of a competition, and print what it comes to."""
    competition = load(name)
    if only_ladder:
        print_ladder(ladder(competition), json=json)
        return
    made = make_report(competition)
    path = made.write(out or competition.runs_folder / PAGE)
    if json:
        print(json_.dumps({**made.document(), "page": str(path)}, indent=2, allow_nan=False))
    else:
        for line in made.summary().splitlines():
            print_wrapped(line)
        print(f"page: {relative(path)}")
    if open_:
        webbrowser.open(path.resolve().as_uri())
