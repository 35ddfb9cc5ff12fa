"""The page: all sections in one HTML file that needs no network, and the same as JSON and in a few lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kagflow.competition import Competition
from kagflow.report.audit import audit_section
from kagflow.report.board.section import board_section
from kagflow.report.data.section import data
from kagflow.report.html.chart import TEMPLATES, script_json
from kagflow.report.html.markup import Html, template
from kagflow.report.layers.bank_section import bank_section
from kagflow.report.layers.ladder_section import ladder_section
from kagflow.report.layers.study_section import study_section
from kagflow.report.models.section import models
from kagflow.report.runs.section import runs_section
from kagflow.report.section import MakeSection, Section, make_sections
from kagflow.report.stand.section import stand_section
from kagflow.report.state import State, read_state

SECTIONS: tuple[MakeSection, ...] = (
    stand_section,
    board_section,
    runs_section,
    models,
    ladder_section,
    bank_section,
    study_section,
    audit_section,
    data,
)
"""What the page consists of, in order."""

PAGE = Path("report") / "index.html"
"""Where it lies, within ``runs/<name>``."""

_HTML = Path(__file__).parent / "html"


@dataclass(frozen=True)
class Report:
    """The report of a competition.

    Attributes
    ----------
    state
        What it is about.
    sections
        In order; the first says where one stands.
    """

    state: State
    sections: Sequence[Section]

    def html(self) -> str:
        """Return the page; plotly is in it where a chart needs it."""
        facts = self.state.competition.facts
        bodies = Html().join(section.body for section in self.sections)
        return template(
            "page.html",
            title=facts.title,
            about=self._about(),
            sections=self.sections,
            style=Html((_HTML / "page.css").read_text(encoding="utf-8")),
            script=Html((_HTML / "page.js").read_text(encoding="utf-8")),
            plotly=_plotly() if 'class="canvas"' in bodies else None,
            templates=script_json(TEMPLATES),
        )

    def document(self) -> dict[str, Any]:
        """Return the same as JSON shows it: each section by its id."""
        state = self.state
        return {
            "competition": state.competition.name,
            "metric": state.competition.metric.name,
            "direction": state.competition.metric.direction,
            "made": state.now.isoformat(timespec="seconds"),
            **{section.id: {"answer": _text(section.answer), **section.document} for section in self.sections},
        }

    def summary(self) -> str:
        """Return what each section comes to, in a line."""
        return "\n".join(f"{section.title}: {_text(section.answer)}" for section in self.sections)

    def write(self, path: Path) -> Path:
        """Write the page, and return where."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.html(), encoding="utf-8")
        return path

    def _about(self) -> str:
        state = self.state
        metric = state.competition.metric
        edition = "no data" if state.data is None else f"{state.data.edition} data"
        parts = [
            f"{metric.name}, {'less' if state.minimize else 'more'} is better",
            edition,
            state.now.astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC"),
        ]
        return " · ".join(parts)


def make_report(competition: Competition, now: datetime | None = None) -> Report:
    """Return the report of a competition as it stands; nothing is asked over a network."""
    state = read_state(competition, now)
    return Report(state, make_sections(state, SECTIONS))


def _text(answer: str | Html) -> str:
    return answer.striptags() if isinstance(answer, Html) else answer


def _plotly() -> Html:
    """Return plotly's own script, which is made to stand within a page."""
    from plotly.offline import get_plotlyjs

    return Html(get_plotlyjs())
