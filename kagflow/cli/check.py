"""``kagflow check``: look at files, rows and folds before trusting anything made from them."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import typer

from kagflow.audit.advice import Advice
from kagflow.audit.check import check_competition
from kagflow.audit.findings import Finding, accepted
from kagflow.cli.data import ensure_data
from kagflow.cli.printing import print_findings, print_results, print_wrapped
from kagflow.competition import load
from kagflow.data import find_source, read_dataset


def check(name: str, *, source: Path | None, json: bool) -> None:
    """Check files, rows and folds against the competition's facts; exit with 1 on findings of severity error."""
    competition = load(name)
    ensure_data(competition, source)
    found = find_source(competition.name, competition.facts, competition.root, source)
    if not json:
        print(f"data: {found.edition} edition, {found.folder}", flush=True)
    report = check_competition(competition, read_dataset(found, competition.facts, competition.additions))
    findings, taken = accepted(report.findings, competition.facts)
    if json:
        document = {
            "competition": competition.name,
            "edition": found.edition,
            "findings": [finding.document() for finding in findings],
            "accepted": [{**finding.document(), "reason": reason} for finding, reason in taken],
            "advice": report.advice.document(),
        }
        print_results([document], document)
    else:
        print_findings(findings, taken)
        _print_advice(report.advice, in_use=report.advice.splitter == competition.facts.splitter)
        print(_counted(findings))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _print_advice(advice: Advice, *, in_use: bool) -> None:
    print("how test was drawn:")
    for sentence in advice.evidence:
        print_wrapped(f"  - {sentence}")
    print("splitter advised, which is the one in use:" if in_use else "splitter advised, for competition.yaml:")
    print(textwrap.indent(advice.yaml, "    "))


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    parts = [
        f"{counts[severity]} {severity}{'s' * (counts[severity] != 1)}" for severity in ("error", "warning", "note")
    ]
    return ", ".join(parts)
