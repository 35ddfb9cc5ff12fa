"""``kagflow audit``: prove by experiment that a pipeline does not leak."""

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from kagflow.audit.audit import Report, document
from kagflow.audit.audit import audit as run_audit
from kagflow.cli.data import ensure_data
from kagflow.cli.printing import print_results, print_wrapped, relative
from kagflow.competition import config_name, load


def audit(name: str, *, config: str | None, overrides: tuple[str, ...], source: Path | None, json: bool) -> None:
    """Put a pipeline through every experiment that applies; exit with 1 where one finds a leak."""
    competition = load(name)
    experiment = competition.experiment(config, overrides)
    ensure_data(competition, source)
    report, path = run_audit(competition, experiment, config=config_name(config), source=source)
    if json:
        made = document(report, competition, config_name(config))
        print_results([made], made)
    else:
        _print_report(report, path)
    if report.leaks:
        raise typer.Exit(1)


def _print_report(report: Report, path: Path) -> None:
    table = Table("experiment", "looked at", "result", "s", box=None, pad_edge=False)
    for verdict in report.verdicts:
        codes = ", ".join(finding.code for finding in verdict.findings)
        table.add_row(verdict.name, verdict.looked_at, codes or "nothing moved", f"{verdict.seconds:.1f}")
    Console(highlight=False).print(table)
    print()
    for number, finding in enumerate(report.findings, start=1):
        print_wrapped(f"{number}. {finding.severity}: {finding.code} {finding.message}", indent=3)
        if finding.where:
            print_wrapped(f"   where: {finding.where}")
        if finding.hint:
            print_wrapped(f"   hint: {finding.hint}")
    for finding, reason in report.accepted:
        print_wrapped(f"accepted: {finding.code} {finding.message}")
        print_wrapped(f"   reason: {reason}")
    for line in report.declared:
        print(f"declared: {line}")
    if report.subsampled:
        print(f"looked at: {', '.join(report.subsampled)}")
    leaks = len(report.leaks)
    found = f"{leaks} leak{'s' * (leaks > 1)} found" if leaks else "no leak found"
    print(f"{found} in {len(report.verdicts)} experiments, {report.seconds:.1f} s; {relative(path)}")
