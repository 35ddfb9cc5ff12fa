"""``kagflow ensemble``: blend runs, and say what that is worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from kagflow.audit.audit import Report
from kagflow.audit.blends import audit_ensemble
from kagflow.cli.data import ensure_data
from kagflow.cli.options import TrackMode
from kagflow.cli.printing import print_note, print_results, print_wrapped, relative, rounded, with_noise
from kagflow.competition import load
from kagflow.ensemble import Ensembled, import_member, make_ensemble
from kagflow.errors import ConfigError
from kagflow.runs.submission import SUBMISSION
from kagflow.tracking import make_tracker

_WIDE = 1000
_MOST_MEMBERS = 12


def ensemble(
    name: str,
    *,
    methods: list[str],
    members: list[str],
    without: list[str],
    most: int | None,
    post: str | None,
    added: list[str],
    imported: tuple[Path, Path] | None,
    folds: str | None,
    member_name: str | None,
    leverage: bool,
    source: Path | None,
    track: TrackMode,
    json: bool,
) -> None:
    """Make an ensemble, and print the candidates and what was chosen."""
    competition = load(name)
    ensure_data(competition, source)
    if imported is not None:
        import_member(competition, *imported, name=member_name, folds=folds, source=source, note=print_note)
    elif folds is not None or member_name is not None:
        raise ConfigError("--name and --folds are of what is imported", hint="add --import oof.csv test.csv")
    made = make_ensemble(
        competition,
        methods=methods,
        members=members,
        without=without,
        most=most,
        post=post,
        added=dict(map(_file_and_share, added)),
        source=source,
        tracker=make_tracker(track, competition.runs_folder, "kagflow", print_note),
        note=print_note,
    )
    report, path = audit_ensemble(made, leverage=leverage, source=source)
    if json:
        found = {"findings": [finding.document() for finding in report.findings], "audit": str(path)}
        result = made.result() | found
        print_results([result], result)
    else:
        _print(made)
        _print_audit(report, path)
    if report.leaks:
        raise typer.Exit(1)


def _file_and_share(text: str) -> tuple[Path, float]:
    file, _, share = text.rpartition("=")
    try:
        return Path(file), float(share)
    except ValueError:
        raise ConfigError(
            f"expected FILE=SHARE, got {text!r}", hint="for example --with best.csv=0.2", where="--with"
        ) from None


def _print(made: Ensembled) -> None:
    run, scores = made.run, made.run.scores
    print(f"data: {run.facts['edition']} edition; {len(made.bank.members)} members")
    print_candidates(made.document["candidates"], made.document["method"])
    better = "less" if scores["direction"] == "minimize" else "more"
    if scores["cv"] is None:
        members = with_noise(scores["members_cv"], scores["members_se"])
        print(f"{run.facts['method']}: no {scores['metric']}, for {scores['why_no_cv']}; that of the rest is {members}")
    else:
        score = with_noise(scores["cv"], scores["se"])
        print(f"{run.facts['method']}: {scores['metric']} {score}, cross-fitted ({better} is better)")
        print(f"  fitted   {rounded(scores['cv_fitted'], scores['se'])}, on the rows that it was fitted on")
    print_members(run.facts["members"])
    for file in run.facts["with"]:
        print(f"  with     {file['weight']:.3f}  {file['file']}")
    for chosen in run.facts["chosen_by_looking"]:
        print(f"  chosen   {chosen.replace(': ', ' ', 1)}")
    if not run.facts["honest"]:
        print_wrapped(f"  foreign  no claim is made for this score: {run.facts['why_not_honest']}", indent=9)
    print(f"  seconds  {run.facts['seconds']:.1f}" + ("" if made.new else ", when it was made before"))
    print(f"  run      {relative(run.path)}")
    print(f"  submit   {relative(run.path / SUBMISSION)}")


def _print_audit(report: Report, path: Path) -> None:
    """Print what the audit found, and where it lies."""
    leaks = len(report.leaks)
    found = f"{leaks} leak{'s' * (leaks != 1)} found" if leaks else "no leak found"
    print(f"  audit    {found} in {len(report.verdicts)} experiments; {relative(path)}")
    for finding in report.findings:
        print_wrapped(f"  {finding.severity:8} {finding.code} {finding.where}: {finding.message}", indent=9)


def print_candidates(candidates: Sequence[dict[str, Any]], chosen: str) -> None:
    """Print a row a candidate; differences to as many digits as their noise allows."""
    table = Table(box=None, pad_edge=False)
    for heading in ("method", "as fitted", "cross-fitted ± s.e.", "against the best single", ""):
        table.add_column(heading, no_wrap=True)
    finest = min(filter(None, (each["difference_se"] or each["se"] for each in candidates)), default=None)
    for each in candidates:
        noise = "" if each["se"] is None else f" ± {rounded(each['se'], each['se'])}"
        single = each["method"] == "single"
        table.add_row(
            each["method"],
            rounded(each["cv_fitted"], finest),
            f"{rounded(each['cv_crossfitted'], finest)}{noise or ' (no s.e.: fewer than two independent units)'}",
            "" if single else with_noise(each["difference"], each["difference_se"] or None),
            "chosen" if each["method"] == chosen else "",
        )
    Console(width=_WIDE, highlight=False).print(table)


def print_members(members: Sequence[dict[str, Any]]) -> None:
    """Print the members with weight, the heaviest first; those of a method without weights in their order."""
    used = sorted((each for each in members if each["weight"] != 0), key=lambda each: -(abs(each["weight"] or 0)))
    for each in used[:_MOST_MEMBERS]:
        weight = "     " if each["weight"] is None else f"{each['weight']:.3f}"
        mark = "  (foreign)" if each["foreign"] else ""
        print(f"  member   {weight}  {each['run']}{mark}")
    if len(used) > _MOST_MEMBERS:
        print(f"  member   and {len(used) - _MOST_MEMBERS} more in run.json")
