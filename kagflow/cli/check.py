"""``kagflow check``: look at the files before trusting anything made from them."""

from pathlib import Path

import typer

from kagflow.audit.check import check_files
from kagflow.audit.findings import accepted
from kagflow.cli.printing import print_results
from kagflow.competition import load
from kagflow.data import find_source, read_dataset


def check(name: str, *, source: Path | None, json: bool) -> None:
    """Check that the files are what the competition's facts say; exit with 1 on findings of severity error."""
    competition = load(name)
    found = find_source(competition.name, competition.facts, competition.root, source)
    findings, taken = accepted(
        check_files(read_dataset(found, competition.facts, competition.additions)), competition.facts
    )
    if json:
        document = {
            "competition": competition.name,
            "edition": found.edition,
            "findings": [finding.document() for finding in findings],
            "accepted": [{**finding.document(), "reason": reason} for finding, reason in taken],
        }
        print_results([document], document)
    else:
        print(f"data: {found.edition} edition, {found.folder}")
        for finding in findings:
            print(f"{finding.severity}: {finding.code} {finding.message}")
            if finding.hint:
                print(f"  hint: {finding.hint}")
        for finding, reason in taken:
            print(f"accepted: {finding.code} {finding.message}")
            print(f"  reason: {reason}")
        errors = sum(finding.severity == "error" for finding in findings)
        print(f"{len(findings)} findings, {errors} of them errors" if findings else "nothing to report")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
