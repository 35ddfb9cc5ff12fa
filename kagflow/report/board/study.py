"""The statistics of the board, of what the ledger and the runs hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kagflow.metrics.base import Values
from kagflow.report.board.answers import BoardAnswers, PointAnswer, Sent
from kagflow.report.board.lineage import averaging_gain, lineages
from kagflow.report.board.statistics import study_board
from kagflow.report.runs.history import settings_of
from kagflow.report.state import State
from kagflow.runs import Run
from kagflow.runs.record import known_columns, prediction_columns
from kagflow.runs.scores import Known
from kagflow.submit.ledger import Submission

_VALUES = 40_000_000  # of OOFs that are held at once; further submissions are taken to be as noisy as these


@dataclass(frozen=True, eq=False)
class BoardStudy:
    """What CV against the leaderboard says, and what it was made of.

    Attributes
    ----------
    answers
        The statistics.
    rows
        What is known of the rows of the OOFs; ``None`` without one.
    oof
        OOF predictions by the submission's name.
    submissions
        The ledger's rows by the same names.
    """

    answers: BoardAnswers
    rows: Known | None
    oof: Mapping[str, Values]
    submissions: Mapping[str, Submission]

    @property
    def points(self) -> dict[str, PointAnswer]:
        """The submissions on the chart, by name."""
        return {point.name: point for point in self.answers.points}


@lru_cache(maxsize=1)
def study_of(state: State) -> BoardStudy:
    """Return what the submissions of a competition say of its board."""
    runs = {run.name: run for run in state.runs}
    named = {row.run or row.file: row for row in state.on_board if row.cv is not None}
    rows, oof = _oofs([runs[name] for name in named if name in runs], state.best)
    lineage = lineages(state.runs)
    sent = [_sent(name, row, lineage.get(name, "")) for name, row in named.items()]
    board = state.board
    answers = study_board(
        state.competition.metric,
        sent,
        rows=rows,
        oof=oof,
        test_rows=None if state.data is None else state.data.test.height,
        public_share=state.competition.facts.public_share,
        averaging=_averaging(state, sent, runs),
        others=() if board is None else [score for team, score in board.scores.items() if team != board.team],
    )
    return BoardStudy(answers, rows, oof, named)


def _sent(name: str, row: Submission, lineage: str) -> Sent:
    assert row.cv is not None
    return Sent(name=name, when=row.when, cv=row.cv, se=row.se, public=row.public, private=row.private, lineage=lineage)


def _averaging(state: State, sent: Sequence[Sent], runs: Mapping[str, Run]) -> dict[str, float]:
    """Return what averaging the folds' models explains of each lineage's offset, where a run has repeats to tell it."""
    found = {}
    for each in sent:
        run = runs.get(each.name)
        if run is None or each.lineage in found or (run.scores.get("repeats") or 1) < 2 or _refitted(run):
            continue
        repeats = [run.oof().filter(repeat=number) for number in range(run.scores["repeats"])]
        first = repeats[0].select("id")
        if not all(frame.select("id").equals(first) for frame in repeats):
            continue
        made = averaging_gain(
            state.competition.metric,
            Known.of(repeats[0]),
            [prediction_columns(frame) for frame in repeats],
            members=len(run.scores["folds"]) * (run.scores.get("seeds") or 1),
        )
        if made is not None:
            found[each.lineage] = made.gain
    return found


def _refitted(run: Run) -> bool:
    """Say whether test was predicted by models of all rows, not by those of the folds."""
    return settings_of(run).get("refit.rows") is not None


def _oofs(sent: Sequence[Run], best: Run | None) -> tuple[Known | None, dict[str, Values]]:
    """Return the OOFs of the runs whose rows pair with those of the best one, and what is known of these rows."""
    rows: Known | None = None
    oof: dict[str, Values] = {}
    held = 0
    for run in sent:
        if best is None or not run.compares_with(best):
            continue
        frame = run.oof().filter(repeat=0)
        predictions = prediction_columns(frame)
        if rows is None:
            known = frame.select(known_columns(frame.columns))
            rows = Known.of(frame)
        if not frame.select(known_columns(frame.columns)).equals(known):
            continue  # its facts changed in between: another weight, say
        held += predictions.size
        if oof and held > _VALUES:
            break
        oof[run.name] = np.asarray(predictions)
    return rows, oof
