"""``kagflow ensemble``: blend runs, and say what that is worth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from kagflow.audit.blends import audit_of
from kagflow.cli.data import ensure_data
from kagflow.cli.options import TrackMode
from kagflow.cli.printing import print_note, print_results, print_wrapped, relative
from kagflow.cli.progress import Bar
from kagflow.competition import load
from kagflow.ensemble import Ensembled, import_member, make_ensemble
from kagflow.errors import ConfigError
from kagflow.runs.submission import SUBMISSION
from kagflow.stats import rounded, with_noise
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
    nested: bool,
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
    with _Refits() as refits:
        made = make_ensemble(
            competition,
            methods=methods,
            members=members,
            without=without,
            most=most,
            post=post,
            added=dict(map(_file_and_share, added)),
            nested=nested,
            source=source,
            tracker=make_tracker(track, competition.runs_folder, "kagflow", print_note),
            note=print_note,
            watcher=refits,
        )
    audit, path = audit_of(made, leverage=leverage, source=source)
    if json:
        result = made.result() | {"findings": audit["findings"], "audit": str(path)}
        print_results([result], result)
    else:
        _print(made)
        _print_audit(audit, path)
    if _leaks(audit):
        raise typer.Exit(1)


class _Refits(Bar):
    """Shows how members are fitted again."""

    def __init__(self) -> None:
        super().__init__("members fitted again {task.description}", first_line=False)

    def began(self, total: int, done: int) -> None:
        """See ``kagflow.ensemble.refits.Watcher``."""
        self.show_work(total, done, f"{done} of {total} fits without two folds are done")

    def finished(self, member: str) -> None:
        """See ``kagflow.ensemble.refits.Watcher``."""
        self.advance(member)


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
        if "cv_nested" in scores:
            nested = with_noise(scores["cv_nested"], scores["se_nested"])
            print(f"  nested   {nested}, with the members fitted again inside the folds")
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


def _leaks(audit: Mapping[str, Any]) -> int:
    return sum(finding["severity"] == "error" for finding in audit["findings"])


def _print_audit(audit: Mapping[str, Any], path: Path) -> None:
    """Print what the audit found, and where it lies."""
    leaks = _leaks(audit)
    found = f"{leaks} leak{'s' * (leaks != 1)} found" if leaks else "no leak found"
    print(f"  audit    {found} in {len(audit['experiments'])} experiments; {relative(path)}")
    for finding in audit["findings"]:
        print_wrapped(f"  {finding['severity']:8} {finding['code']} {finding['where']}: {finding['message']}", indent=9)


def print_candidates(candidates: Sequence[dict[str, Any]], chosen: str) -> None:
    """Print a row a candidate; differences are of nested scores where there are such."""
    nested = "cv_nested" in candidates[0]
    of = "_nested" if nested else ""
    table = Table(box=None, pad_edge=False)
    headings = ["method", "as fitted", "cross-fitted ± s.e.", *(["nested ± s.e."] * nested)]
    for heading in (*headings, "against the best single", ""):
        table.add_column(heading, no_wrap=True)
    noises = ((each[f"difference{of}_se"] or each["se"]) for each in candidates)
    finest = min(filter(None, noises), default=None)  # differences are told to as many digits as their noise allows
    for each in candidates:
        table.add_row(
            each["method"],
            rounded(each["cv_fitted"], finest),
            _score(each["cv_crossfitted"], each["se"], finest),
            *([_score(each["cv_nested"], each["se_nested"], finest)] if nested else []),
            ""
            if each["method"] == "single"
            else with_noise(each[f"difference{of}"], each[f"difference{of}_se"] or None),
            "chosen" if each["method"] == chosen else "",
        )
    Console(width=_WIDE, highlight=False).print(table)


def _score(value: float, se: float | None, finest: float | None) -> str:
    noise = " (no s.e.: fewer than two independent units)" if se is None else f" ± {rounded(se, se)}"
    return rounded(value, finest) + noise


def print_members(members: Sequence[dict[str, Any]]) -> None:
    """Print the members with weight, the heaviest first; those of a method without weights in their order."""
    used = sorted((each for each in members if each["weight"] != 0), key=lambda each: -(abs(each["weight"] or 0)))
    for each in used[:_MOST_MEMBERS]:
        weight = "     " if each["weight"] is None else f"{each['weight']:.3f}"
        mark = "  (foreign)" if each["foreign"] else ""
        print(f"  member   {weight}  {each['run']}{mark}")
    if len(used) > _MOST_MEMBERS:
        print(f"  member   and {len(used) - _MOST_MEMBERS} more in run.json")
