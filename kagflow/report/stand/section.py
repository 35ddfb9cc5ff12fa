"""Where do I stand, and what to do next: the first screen, in sentences that need no script."""

from collections.abc import Callable
from datetime import timedelta

from kagflow.errors import KagflowError
from kagflow.report.board.places import medals
from kagflow.report.board.replies import broken, rank, trust, two, worth
from kagflow.report.html.markup import Html, template
from kagflow.report.html.reply import Reply
from kagflow.report.html.words import duration, plural, score
from kagflow.report.runs.history import labels
from kagflow.report.runs.replies import gain, tried
from kagflow.report.section import Section
from kagflow.report.stand.next_step import next_step
from kagflow.report.state import State
from kagflow.stats import rounded
from kagflow.submit.ledger import team_best

Fact = tuple[str, str | Html, str]
"""What it is, its value, and what belongs to it."""

_REPLIES: tuple[Callable[[State], Reply | None], ...] = (gain, trust, broken, worth, rank, two, tried)


def stand_section(state: State) -> Section:
    """Return the first section: where one stands, the next step, and what is asked every evening."""
    replies = [reply for make in _REPLIES if (reply := _reply(state, make)) is not None]
    step = next_step(state)
    body = template("stand.html", facts=_facts(state), step=step.html(), replies=replies)
    document = {
        "best": None if state.best is None else state.best.name,
        "cv": None if state.best is None else state.best.scores["cv"],
        "se": None if state.best is None else state.best.scores["se"],
        "next": {"why": step.why, "command": step.command},
        "replies": {reply.id: reply.document() for reply in replies},
    }
    return Section("stand", "Where you stand", _answer(state), body, document)


def _reply(state: State, make: Callable[[State], Reply | None]) -> Reply | None:
    """Return a reply; one that cannot be made says why."""
    try:
        return make(state)
    except KagflowError as error:
        return Reply(make.__name__, make.__name__.capitalize(), f"It cannot be said: {error}")


def _answer(state: State) -> str:
    if not state.runs:
        return "Nothing was run yet."
    if state.best is None:
        return f"{plural(len(state.runs), 'run')}, none of which has a whole score."
    claim = "Best honest score" if state.best.honest else "Best score, which makes no claim"
    said = f"{claim}: {score(state.best)} by {labels(state)[state.best.name]}"
    board = state.board
    if board is None or board.rank is None:
        return f"{said}; {'nothing was sent yet' if not state.on_board else 'the rank is not known'}."
    return f"{said}; rank {board.rank:,} of {board.teams:,}{_zone(state)}."


def _zone(state: State) -> str:
    board = state.board
    if board is None or not board.medals or board.rank is None:
        return ""
    zone = medals(board.rank, board.teams).zone
    return f", in the {zone} zone" if zone else ", outside the medals"


def _facts(state: State) -> list[Fact]:
    """Return the numbers of the first screen."""
    named = labels(state)
    facts: list[Fact] = []
    if state.best is not None:
        scores = state.best.scores
        noise = "no standard error" if scores["se"] is None else f"± {rounded(scores['se'], scores['se'])}"
        facts.append(("Best CV", rounded(scores["cv"], scores["se"]), f"{noise}, {named[state.best.name]}"))
    best = team_best(state.on_board, minimize=state.minimize)
    if best is not None:
        facts.append(("Best public score", f"{best.public:.6g}", named.get(best.run or "", best.file)))
    facts.append(("Sent", f"{len(state.on_board)}", f"of {plural(len(state.runs), 'run')}"))
    return facts + _board_facts(state)


def _board_facts(state: State) -> list[Fact]:
    board = state.board
    if board is None:
        return []
    facts: list[Fact] = []
    if board.rank is not None:
        facts.append(
            ("Rank", f"{board.rank:,}", f"of {board.teams:,}, top {max(100 * board.rank / board.teams, 1):.0f} %")
        )
    if not board.over(state.now):
        of = f"of {board.daily_limit} today" if board.daily_limit else "today"
        facts.append(("Submissions left", f"{board.left_today}", of))
    if board.end is not None:
        left = board.end - state.now
        value = "over" if left <= timedelta(0) else duration(left / timedelta(days=1))
        facts.append(("Time left", value, f"until {board.end:%-d %B, %H:%M} UTC"))
    return facts
