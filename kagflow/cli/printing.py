"""How results look: scores with as many digits as their noise allows, errors with a hint."""

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kagflow.errors import KagflowError

if TYPE_CHECKING:
    from kagflow.audit.findings import Finding

_WIDTH = 120


def relative(path: Path) -> Path:
    """Return a path as it is seen from here, where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def print_wrapped(text: str, indent: int = 4) -> None:
    """Print a paragraph in lines that a terminal shows whole, later ones further in than the first."""
    inside = " " * (len(text) - len(text.lstrip()) + indent)
    print(textwrap.fill(text, _WIDTH, subsequent_indent=inside, break_long_words=False, break_on_hyphens=False))


def print_findings(findings: "Iterable[Finding]", accepted: "Iterable[tuple[Finding, str]]") -> None:
    """Print findings with what to do about them, and those that are accepted with the reason."""
    for finding in findings:
        print_wrapped(f"{finding.severity}: {finding.code} {finding.message}")
        if finding.hint:
            print_wrapped(f"  hint: {finding.hint}")
    for finding, reason in accepted:
        print_wrapped(f"accepted: {finding.code} {finding.message}")
        print_wrapped(f"  reason: {reason}")


def print_note(line: str) -> None:
    """Print a line that one should know, on stderr."""
    print(f"note: {line}", file=sys.stderr)


def print_error(error: KagflowError) -> None:
    """Print what was expected, what came, where, and what to do, on stderr."""
    print(f"error: {error}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


def error_document(error: KagflowError) -> dict[str, Any]:
    """Return an error as JSON shows it; with its code, where it has one."""
    shown = {"problem": error.problem, "hint": error.hint, "where": error.where}
    return {"error": {**shown, "code": error.code} if error.code else shown}


def print_results(results: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> None:
    """Print the one JSON document of a verb; the best result's fields also stand at the top."""
    print(json.dumps({"results": list(results), **best}, indent=2, allow_nan=False))
