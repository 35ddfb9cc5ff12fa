"""The statistics of the board, of what the ledger and the runs hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from kagflow.metrics.base import Values
from kagflow.report.answers import BoardAnswers, PointAnswer, Sent
from kagflow.report.board import study_board
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
    sent = [_sent(name, row, runs.get(name)) for name, row in named.items()]
    board = state.board
    answers = study_board(
        state.competition.metric,
        sent,
        rows=rows,
        oof=oof,
        test_rows=None if state.data is None else state.data.test.height,
        public_share=state.competition.facts.public_share,
        others=() if board is None else [score for team, score in board.scores.items() if team != board.team],
    )
    return BoardStudy(answers, rows, oof, named)


def _sent(name: str, row: Submission, run: Run | None) -> Sent:
    assert row.cv is not None
    made = Sent(name=name, when=row.when, cv=row.cv, se=row.se, public=row.public, private=row.private)
    return made if run is None else replace(made, lineage=_lineage(run))


def _lineage(run: Run) -> str:
    return run.kind


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
