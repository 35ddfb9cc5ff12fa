"""``kagflow run``: from data to a checked submission within a time budget."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from kagflow.autopilot import Flight, fly
from kagflow.autopilot.reporter import Planned
from kagflow.cli.data import ensure_data
from kagflow.cli.ensemble import print_candidates, print_members
from kagflow.cli.printing import print_note, print_results, print_wrapped, relative
from kagflow.competition import load
from kagflow.runs import Run
from kagflow.stats import with_noise
from kagflow.tracking import make_tracker
from kagflow.tuning.limits import in_words, parse_seconds


def run(
    name: str,
    *,
    budget: str,
    members: list[str],
    jobs: int | None,
    source: Path | None,
    track: Literal["off", "offline", "online"],
    json: bool,
) -> None:
    """Train members, make the ensemble, and say where the submission lies."""
    seconds = parse_seconds(budget)
    competition = load(name)
    ensure_data(competition, source)
    flight = fly(
        competition,
        seconds,
        members=members,
        jobs=jobs,
        source=source,
        tracker=make_tracker(track, competition.runs_folder, "kagflow", print_note),
        reporter=_Log(silent=json),
    )
    if json:
        print_results([flight.result()], flight.result())
    else:
        _print(flight)


class _Log:
    """Tells the plan on stdout, and what happens on stderr, a line each."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def began(self, edition: str, folder: Path) -> None:
        """Show where the data come from."""
        self._print(f"data: {edition} edition, {folder}")

    def planned(self, plan: Sequence[Planned], seconds: float, workers: int, threads: int) -> None:
        """Show the members, and how long each is expected to take."""
        crew = f"{workers} process{'es' * (workers != 1)} of {threads} thread{'s' * (threads != 1)}"
        self._print(f"plan: {in_words(seconds)}, {crew}; {len(plan)} members, then what time is left for, then a blend")
        width = max((len(each.member.name) for each in plan), default=0)
        for each in plan:
            self._print(f"  {each.member.name:<{width}}  about {in_words(each.seconds)}")

    def finished(self, name: str, run: Run, seconds: float, found: bool) -> None:
        """Show a member's score."""
        score = with_noise(run.scores["cv"], run.scores["se"])
        how = "was there" if found else f"{run.facts['seconds']:.0f}s"
        self._say(f"{_clock(seconds)}  {name}  {score}  {how}")

    def failed(self, name: str, problem: str) -> None:
        """Show what failed, in one line."""
        self._say(f"failed: {name}: {problem}")

    def note(self, line: str) -> None:
        """Print a line."""
        print_note(line)

    def _print(self, line: str) -> None:
        if not self._silent:
            print(line, flush=True)

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:2d}:{int(seconds) % 60:02d}"


def _print(flight: Flight) -> None:
    document: dict[str, Any] = flight.result()
    better = "less" if document["direction"] == "minimize" else "more"
    if "candidates" in document:
        print_candidates(document["candidates"], document["method"])
    how = f", {document['method']} of {len(flight.members)} members, cross-fitted" if "method" in document else ""
    score = with_noise(document["cv"], document["se"])
    print(f"{document['competition']}: {document['metric']} {score}{how} ({better} is better)")
    if "method" in document:
        print_members(document["members"])
    if flight.failed:
        print_wrapped(f"  failed   {', '.join(flight.failed)}", indent=9)
    if flight.left_out:
        print_wrapped(f"  no time  {', '.join(flight.left_out)}", indent=9)
    print(f"  seconds  {flight.seconds:.1f}")
    print(f"  run      {relative(Path(document['run']))}")
    print(f"  submit   {relative(flight.submission)}")
