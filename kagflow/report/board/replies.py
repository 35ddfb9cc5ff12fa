"""What the submissions and the leaderboard say: can it be trusted, is this worth a submission, which two to choose."""

from datetime import timedelta

from kagflow.report.board.answers import BoardAnswers, Correlation, PointAnswer
from kagflow.report.board.noise import resolve
from kagflow.report.board.places import RankMove, explain_rank
from kagflow.report.board.study import BoardStudy, study_of
from kagflow.report.board_now import FINAL, BoardNow, remember
from kagflow.report.html.reply import Reply
from kagflow.report.html.words import duration, interval, listing, plural
from kagflow.report.runs.history import history, labels
from kagflow.report.state import State
from kagflow.runs import Run
from kagflow.runs.record import prediction_columns
from kagflow.stats import rounded, with_noise

LOOKS = "looks.json"
"""Where the report keeps what the leaderboard looked like, beside the page."""

_SOON = timedelta(days=3)


def trust(state: State) -> Reply | None:
    """Say how far public scores and CV agree, and what the board cannot tell apart."""
    question = "Can the board be trusted?"
    if not state.on_board:
        return None
    answers = study_of(state).answers
    noise = answers.noise
    if noise is None or noise.public is None:
        return Reply("trust", question, "Not known: " + " ".join(answers.notes))
    rows = "Its rows" if noise.public_rows is None else f"About {noise.public_rows:,} public rows"
    told = f"{rows} leave a score uncertain by ± {rounded(noise.public, noise.public)}"
    if noise.cv is not None:
        told += f"; CV by ± {rounded(noise.cv, noise.cv)}"
    if noise.pair:
        blind = 2 * noise.pair
        told += f". Two submissions that differ by less than {rounded(blind, noise.pair)} there are not told apart"
    said = _agreement(answers)
    return Reply("trust", question, f"{told}. {said}".strip(), {"public_se": noise.public, "pair_se": noise.pair})


def _agreement(answers: BoardAnswers) -> str:
    if answers.agreement is None or not _known(answers.agreement.pooled):
        return "There are too few submissions to see whether it orders them as CV does."
    pooled, ceiling = answers.agreement.pooled, answers.agreement.ceiling
    assert pooled.tau is not None and pooled.low is not None and pooled.high is not None
    verdict = (
        "It orders submissions as CV does"
        if pooled.low > 0
        else "It orders them against CV"
        if pooled.high < 0
        else "Whether it orders submissions as CV does cannot be said yet"
    )
    most = "" if ceiling is None else f"; {ceiling:.2f} is what its noise lets expect"
    return f"{verdict}: rank correlation {pooled.tau:.2f} ({interval(pooled.low, pooled.high)}{most})."


def _known(correlation: Correlation) -> bool:
    return correlation.tau is not None and correlation.low is not None and correlation.high is not None


def broken(state: State) -> Reply | None:
    """Say which submissions the board scores otherwise than CV lets expect, and what differs in them."""
    question = "What broke the link between CV and the board?"
    if not state.on_board:
        return None
    answers = study_of(state).answers
    named = {**{row.file: row.file for row in state.on_board}, **labels(state)}
    changed = {entry.run.name: entry.changed for entry in history(state)}
    outside = [point for point in answers.points if point.outside]
    parts = [
        f"{named.get(point.name, point.name)} {_surprise(point)}"
        + (f" (changed: {changed[point.name]})" if point.name in changed else "")
        for point in outside
    ]
    if answers.drift is not None and answers.drift.fits_public:
        gained = with_noise(abs(answers.drift.change), answers.drift.se)
        parts.append(f"public gained {gained} on CV from the first submission to the last: a sign of fitting the board")
    known = {"outside": [point.name for point in outside]}
    if parts:
        return Reply("broken", question, "; ".join(parts) + ".", known)
    there = sum(point.public is not None for point in answers.points)
    if not there:
        return Reply("broken", question, "No submission has a CV and a public score yet.", known)
    said = f"Nothing did: the public {'score lies' if there == 1 else 'scores lie'} where CV and noise let expect"
    return Reply("broken", question, f"{said} ({plural(there, 'submission')}).", known)


def _surprise(point: PointAnswer) -> str:
    wide = (point.high - point.low) / 4
    assert point.public is not None  # else it would not lie outside
    low, high = rounded(point.low, wide), rounded(point.high, wide)
    return f"scored {rounded(point.public, wide)} where {low} to {high} was to be expected"


def worth(state: State) -> Reply | None:
    """Say whether the board could tell the best unsent run from the best one that it has."""
    question = "Is it worth a submission?"
    sent = state.sent_runs()
    candidate = _best(state, [run for run in state.alike if run.name not in sent and run.honest])
    known = _best(state, [run for run in state.alike if run.name in sent])
    named = labels(state)
    if candidate is None:
        return Reply("worth", question, "Every run is sent.") if state.alike else None
    if known is None:
        answer = f"Yes: the first one shows whether CV and the board agree. {named[candidate.name]} has the best CV."
        return Reply("worth", question, answer, {"run": candidate.name})
    if not state.competition.metric.better(candidate.scores["cv"], known.scores["cv"]):
        answer = f"No: no run that was not sent has a better CV than {named[known.name]}, which was."
        return Reply("worth", question, answer, {"run": None})
    return _resolved(question, state, study_of(state), candidate, known)


def _resolved(question: str, state: State, study: BoardStudy, candidate: Run, known: Run) -> Reply:
    named, noise = labels(state), study.answers.noise
    rows = None if noise is None else noise.public_rows
    if study.rows is None or known.name not in study.oof or not rows or noise is None:
        return Reply("worth", question, f"{named[candidate.name]} has a better CV than anything sent.")
    theirs = candidate.oof().filter(repeat=0)
    found = resolve(
        state.competition.metric,
        study.rows,
        prediction_columns(theirs),
        study.oof[known.name],
        public_rows=rows,
        digits=noise.digits,
    )
    verdict = "Yes" if found.resolved else "As a candidate for the end, not to learn from its public score"
    needs = "" if found.resolved or found.rows_needed is None else f", where it would take {found.rows_needed:,}"
    answer = (
        f"{verdict}: {named[candidate.name]} is {with_noise(abs(found.difference), found.se)} better in CV than "
        f"{named[known.name]}, which was sent; {rows:,} public rows show that order with {found.right:.0%}{needs}."
    )
    return Reply("worth", question, answer, {"run": candidate.name, "right": found.right, "resolved": found.resolved})


def _best(state: State, runs: list[Run]) -> Run | None:
    sign = 1 if state.minimize else -1
    return min(runs, key=lambda run: sign * run.scores["cv"], default=None)


def rank(state: State) -> Reply | None:
    """Say why the rank is another than at the last look at the leaderboard."""
    question = "Why did my rank move?"
    board = state.board
    if board is None:
        return Reply("rank", question, f"The board could not be asked: {state.no_board}.") if state.no_board else None
    looks = remember(state.competition.runs_folder / "report" / LOOKS, board, state.now)
    if looks is None:
        return None
    if looks.before is None:
        first = f"This is the first look at it: rank {board.rank} of {board.teams:,}"
        answer = f"{first}. The next report tells what moved it."
        return Reply("rank", question, answer, {"rank": board.rank})
    noise = study_of(state).answers.noise
    move = explain_rank(
        looks.before.scores,
        looks.now.scores,
        looks.now.team,
        ranks=(looks.before.rank, looks.now.rank),
        direction=state.competition.metric.direction,
        digits=5 if noise is None else noise.digits,
    )
    since = looks.before.when.strftime("%-d %B, %H:%M UTC")
    return Reply("rank", question, _moved(move, since), {"rank": move.after, "before": move.before})


def _moved(move: RankMove, since: str) -> str:
    tied = f" {plural(move.tied, 'other team')} with the same score." if move.tied else ""
    if move.before == move.after and not (move.own or move.passed or move.field):
        return f"It did not: {move.after} since {since}.{tied}"
    parts = [
        _places(move.own, "by your own score"),
        _places(move.passed, "by teams that scored anew"),
        _places(move.field, "by teams that joined or left"),
        _places(move.ties, "by ties"),
    ]
    told = listing([part for part in parts if part]) or "nothing"
    return f"From {move.before} to {move.after} since {since}: {told}.{tied}"


def _places(places: int, why: str) -> str:
    if not places:
        return ""
    return f"{plural(abs(places), 'place')} {'lost' if places > 0 else 'won'} {why}"


def two(state: State) -> Reply | None:
    """Say which two submissions to select, whether they are, and how long is left."""
    question = "Which two, and are they clicked?"
    if not state.on_board:
        return None
    study = study_of(state)
    choice = study.answers.choice
    if choice is None:
        return Reply("two", question, "It cannot be said: " + " ".join(study.answers.notes))
    named = labels(state)
    names = [named.get(name, name) for name in choice.best.names]
    gained = choice.gain_over_public
    noise = study.answers.noise
    shows = gained is not None and noise is not None and gained >= 10.0**-noise.digits
    over = f", expected to end {gained:.2g} better than the two best public ones" if shows else ""
    known = {"choose": list(choice.best.names), "gain_over_public": gained, "loss": choice.best.loss}
    answer = f"{listing(names)}{over}. {_clicked(state, study, choice.best.names)}"
    return Reply("two", question, answer, known)


def _clicked(state: State, study: BoardStudy, wanted: tuple[str, ...]) -> str:
    board = state.board
    if board is None:
        return "Whether they are selected is not known."
    if board.over(state.now):
        return "The competition has ended."
    named = {row.reference: name for name, row in study.submissions.items()}
    clicked = [named.get(reference, str(reference)) for reference in board.selected]
    shown = listing([labels(state).get(name, name) for name in clicked])
    left = _left(board, state)
    if set(clicked) == set(wanted):
        return f"Both are selected.{left}" if len(wanted) == FINAL else f"It is selected.{left}"
    if not clicked:
        return f"None is selected, so the two best public scores would count; click them on {board.page}.{left}"
    return f"Selected now: {shown}; change that on {board.page}.{left}"


def _left(board: BoardNow, state: State) -> str:
    if board.end is None:
        return ""
    return f" {duration((board.end - state.now) / timedelta(days=1)).capitalize()} left."


def should_click(state: State) -> bool:
    """Say whether the end is near, and what is selected is not what should be."""
    board = state.board
    if board is None or board.end is None or board.over(state.now) or board.end - state.now > _SOON:
        return False
    study = study_of(state)
    choice = study.answers.choice
    references = {row.reference for name, row in study.submissions.items() if choice and name in choice.best.names}
    return choice is not None and references != set(board.selected)
