"""Preflight: everything that speaks against sending a file, all at once, before anything is sent."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from kagflow.audit.findings import Finding
from kagflow.codes import CODES, Severity
from kagflow.competition import Competition
from kagflow.data import Dataset, Source
from kagflow.runs import Run
from kagflow.submit.candidate import Candidate
from kagflow.submit.form import Expected, form_findings
from kagflow.submit.ledger import SENT, Submission
from kagflow.submit.records import CompetitionInfo, DailyLimits


def file_findings(competition: Competition, candidate: Candidate, data: Dataset) -> list[Finding]:
    """Return what speaks against the file itself: its form, and what it holds.

    Raises
    ------
    DataError
        It is not CSV in UTF-8.
    """
    return form_findings(candidate.frame(), Expected.of(competition, data))


def run_findings(competition: Competition, run: Run | None, data: Dataset, source: Source) -> list[Finding]:
    """Return what speaks against the run that the file is of: the data that it was made on, and its audit."""
    if run is None:
        return []
    found: list[Finding] = []
    if run.facts["fingerprints"].get("data") != data.fingerprint:
        found.append(_finding("KF425", f"it was made on other data than lie in {source.folder} now"))
    if run.quick:
        found.append(_finding("KF427", "it is a quick look: its models saw a part of the training rows or folds only"))
    return [*found, *_audit_findings(competition.runs_folder, run.facts["config"])]


def _audit_findings(runs: Path, config: str) -> Iterator[Finding]:
    """Yield what the latest audit of a config found that is an error."""
    reports = sorted(runs.glob(f"{config}-*.audit.json"), key=lambda path: path.stat().st_mtime)
    if not reports:
        return
    leaks = [each for each in json.loads(reports[-1].read_text("utf-8"))["findings"] if each["severity"] == "error"]
    if leaks:
        codes = ", ".join(sorted({each["code"] for each in leaks}))
        yield _finding("KF426", f"the latest audit of {config} found {codes}: {leaks[0]['message']}")


def sent_before(candidate: Candidate, rows: Sequence[Submission]) -> Submission | None:
    """Return the latest row of a ledger by which the server has this very file; it could be scored, or may yet be."""
    same = [row for row in rows if row.file_hash == candidate.hash and row.status in SENT and row.status != "error"]
    return same[-1] if same else None


def ledger_findings(candidate: Candidate, rows: Sequence[Submission]) -> list[Finding]:
    """Return what the ledger says against the file: it was sent before."""
    row = sent_before(candidate, rows)
    if row is None:
        return []
    score = "without a score so far" if row.public is None else f"public {row.public:g}"
    run = f" as the file of {row.run}" if row.run and candidate.run and row.run != candidate.run.name else ""
    return [_finding("KF421", f"this very file was sent on {_day(row.when)}{run}: reference {row.reference}, {score}")]


def server_findings(info: CompetitionInfo, limits: DailyLimits | None, now: datetime | None = None) -> list[Finding]:
    """Return what the server says against a submission, whatever the file.

    Parameters
    ----------
    info, limits
        As the client tells them; no limits where nobody may ask for them.
    now
        UTC; the present time when absent.
    """
    found: list[Finding] = []
    if info.notebooks_only:
        message, hint = f"{info.slug} takes submissions from notebooks only", f"open {info.url}/code and submit there"
        found.append(_finding("KF428", message, hint=hint))
    elif info.closed:
        found.append(_finding("KF428", f"{info.slug} takes no submissions (any more)", hint=f"open {info.url}"))
    if info.entered is False:
        message, hint = f"the rules of {info.slug} are not accepted", f"open {info.url}/rules, join and accept"
        found.append(_finding("KF424", message, hint=hint))
    if limits is not None and limits.left_now <= 0:
        daily = f" of {info.max_daily_submissions}" if info.max_daily_submissions else ""
        found.append(_finding("KF422", f"no submission is left: {limits.used_today}{daily} were counted today"))
    if info.deadline is not None and info.deadline < (now or datetime.now(UTC)):
        message = f"the deadline was {_day(info.deadline)}: a late submission gets a score and no place"
        found.append(_finding("KF423", message))
    return found


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _finding(code: str, message: str, *, hint: str = "") -> Finding:
    known = CODES[code]
    severity: Severity = known.severity
    return Finding(code=code, severity=severity, message=message, where="submission", hint=hint or known.todo)
