"""Where do I stand, and what to do next: the first screen, in sentences."""

from kagflow.report.section import Section
from kagflow.report.state import State
from kagflow.report.words import score


def stand(state: State) -> Section:
    """Return the first section."""
    return Section("stand", "Where you stand", "" if state.best is None else score(state.best))
