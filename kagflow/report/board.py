"""CV against the leaderboard: what the submissions and their OOFs say of the board, and which two to choose.

Beside it stand ``lineages`` (which submissions belong together), ``averaging_gain`` (what averaging the folds' models is
worth), ``resolve`` (can the board tell two runs apart), ``explain_rank`` and ``medals`` (of the leaderboard).
"""

from collections.abc import Mapping, Sequence

from kagflow.metrics import Metric
from kagflow.metrics.base import Values
from kagflow.report.answers import BoardAnswers, Sent
from kagflow.runs.scores import Known


def study_board(
    metric: Metric,
    sent: Sequence[Sent],
    *,
    rows: Known | None = None,
    oof: Mapping[str, Values] | None = None,
    test_rows: int | None = None,
    public_share: float | None = None,
    others: Sequence[float] = (),
    averaging: Mapping[str, float] | None = None,
    seed: int = 0,
) -> BoardAnswers:
    """Return what CV against the leaderboard says.

    Parameters
    ----------
    metric
        The competition's.
    sent
        Submissions that have a CV, in any order; those without a public score are expected, and may be chosen.
    rows, oof
        What is known of the rows of one repeat (``Known.of(frame)``), and (n, ...) their OOF predictions by the
        submission's name. Submissions without one are taken to be as noisy as the others.
    test_rows, public_share
        Of the competition. Without a share, the noise is given for the range that is usual on Kaggle.
    others
        Public scores of the other teams.
    averaging
        What averaging explains of the offset, by lineage.
    seed
        Of all that is drawn.
    """
    raise NotImplementedError
