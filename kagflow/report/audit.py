"""The section of the audit and the check: what was found, what is accepted, and what is declared."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kagflow.audit.check import check_competition
from kagflow.audit.findings import accepted
from kagflow.codes import CODES
from kagflow.report.html.markup import Column, Html, code, folded, joined, listed, paragraph, table
from kagflow.report.html.words import plural
from kagflow.report.section import Section
from kagflow.report.state import State

_MOST_CELLS = 2_000_000  # of train and test, that are checked anew for the page
_MOST_AUDITS = 20
_ORDER = ("error", "warning", "note")

_FOUND = (
    Column("code", "name"),
    Column("severity", "name"),
    Column("by", "name", about="what found it"),
    Column("what was found", "sentence"),
    Column("what to do", "sentence"),
)
_ACCEPTED = (Column("code", "name"), Column("what", "sentence"), Column("why it is accepted", "sentence"))

Finding = Mapping[str, Any]


def audit_section(state: State) -> Section:
    """Return the section."""
    audits = _audits(state)
    check, unchecked = _check(state)
    found = [("check", each) for each in check["findings"]]
    found += [(f"audit {audit['config']}", each) for audit in audits for each in audit["findings"]]
    found.sort(key=lambda pair: (_ORDER.index(pair[1]["severity"]), pair[1]["code"], pair[0]))
    taken = _accepted(state, [check, *audits])
    declared = _declared(state, audits)
    body = joined(
        _experiments(audits, state),
        table(_FOUND, [_row(by, each) for by, each in found]) if found else None,
        _titled("Accepted", table(_ACCEPTED, [[key, *said] for key, said in taken.items()]) if taken else None),
        _titled("Declared", listed(declared) if declared else None),
        paragraph(unchecked, kind="soft") if unchecked else None,
    )
    document = {
        "findings": [{"by": by, **each} for by, each in found],
        "accepted": [{"code": key, "what": what, "reason": reason} for key, (what, reason) in taken.items()],
        "declared": declared,
        "audited": [audit["config"] for audit in audits],
        "checked": not unchecked,
    }
    return Section("audit", "Audit and check", _answer(found, audits, state), body, document)


def _answer(found: Sequence[tuple[str, Finding]], audits: Sequence[Finding], state: State) -> str:
    counts = Counter(each["severity"] for _, each in found)
    said = ", ".join(plural(counts[severity], severity) for severity in _ORDER if counts[severity])
    leaks = sum(each["severity"] == "error" for audit in audits for each in audit["findings"])
    if leaks:
        codes = ", ".join(
            sorted({each["code"] for a in audits for each in a["findings"] if each["severity"] == "error"})
        )
        return f"The audit found {plural(leaks, 'leak')} ({codes}): the CV is not to be trusted before they are mended."
    start = "No pipeline was audited yet" if not audits else f"No leak in {plural(len(audits), 'audit')}"
    best = state.best
    if audits and best is not None and best.facts["config"] not in {audit["config"] for audit in audits}:
        start += f", but the best run's config, {best.facts['config']}, was not audited"
    return f"{start}; {'found: ' + said if said else 'nothing else found'}."


def _row(by: str, finding: Finding) -> list[object]:
    title = CODES[finding["code"]].title if finding["code"] in CODES else ""
    return [finding["code"], finding["severity"], by, finding["message"] or title, finding["hint"]]


def _titled(title: str, body: Html | None) -> Html | None:
    return None if body is None else joined(Html("<h3>{}</h3>").format(title), body)


# --- where findings come from -----------------------------------------------------------------------------------------


def _audits(state: State) -> list[dict[str, Any]]:
    """Return the latest audit of each config, the newest first."""
    folder = state.competition.runs_folder
    paths = sorted(folder.glob("*.audit.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    latest: dict[str, dict[str, Any]] = {}
    for path in paths:
        audit = json.loads(path.read_text(encoding="utf-8"))
        latest.setdefault(audit["config"], audit)
        if len(latest) == _MOST_AUDITS:
            break
    return list(latest.values())


def _check(state: State) -> tuple[dict[str, Any], str]:
    """Return what the check finds, as JSON shows it; or why it was not made."""
    nothing: dict[str, Any] = {"findings": [], "accepted": []}
    data, command = state.data, f"`kagflow check {state.competition.name}`"
    if data is None:
        return nothing, f"The data could not be checked: {state.no_data}"
    cells = sum(table.height * table.x.width for table in (data.train, data.test))
    if cells > _MOST_CELLS:
        return nothing, f"Data of this size are not checked for the page: {command} does so."
    facts = state.competition.facts
    findings, taken = accepted(check_competition(state.competition, data).findings, facts)
    return {
        "findings": [finding.document() for finding in findings],
        "accepted": [{**finding.document(), "reason": reason} for finding, reason in taken],
    }, ""


def _accepted(state: State, reports: Iterable[Finding]) -> dict[str, tuple[str, str]]:
    """Return what was accepted, by code: what it was, and why it is right here."""
    found = [each for report in reports for each in report["accepted"]]
    found += [each for run in state.alike for each in run.facts.get("accepted", [])]
    taken: dict[str, tuple[str, str]] = {}
    for each in found:
        taken.setdefault(each["code"], (each["message"], each["reason"]))
    for key, reason in state.competition.facts.accept.items():
        taken.setdefault(key, (CODES[key].title, reason))
    return dict(sorted(taken.items()))


def _declared(state: State, audits: Iterable[Finding]) -> list[str]:
    """Return what the competition's files declare, and the runs used: pooled steps, extra rows."""
    lines = [line for audit in audits for line in audit.get("declared", [])]
    for run in state.alike:
        config = run.facts["config"]
        lines += [f"pooled: {step} learns from test features ({config})" for step in run.facts.get("pooled", [])]
        extra = run.facts.get("extra") or {"sources": []}
        for source in extra["sources"]:
            name = source.get("file") or source.get("pseudo") or "given rows"
            lines.append(f"extra: {source['rows']:,} rows of {name} join the training rows ({config})")
    return list(dict.fromkeys(lines))


def _experiments(audits: Sequence[Finding], state: State) -> Html:
    if not audits:
        command = code(f"kagflow audit {state.competition.name}")
        return paragraph("Whether a pipeline leaks is found out by experiment: ", command, ".")
    lines = [
        f"{audit['config']}: {sum(each['passed'] for each in audit['experiments'])} of "
        f"{plural(len(audit['experiments']), 'experiment')} passed"
        + (f" ({', '.join(audit['subsampled'])})" if audit.get("subsampled") else "")
        for audit in audits
    ]
    return folded("Experiments", listed(lines)) if len(lines) > 3 else listed(lines)
