"""A submission from the first second on: the same prediction for every row, the best one that knows no features."""

import numpy as np
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.data.table import target_codes
from kagflow.runs.plan import Plan
from kagflow.runs.submission import submission_of
from kagflow.training import Setup


def baseline_submission(plan: Plan) -> Frame:
    """Return the submission that predicts the mean, the median or the shares of the classes, as the metric likes."""
    data, competition = plan.data, plan.competition
    constants = [_constant(setup) for setup in plan.setups]
    made = constants[0] if len(constants) == 1 else np.concatenate(constants)
    prediction = np.broadcast_to(made, (data.test.height, *np.shape(made)))
    if made.shape == (1,) and not competition.facts.several_targets:
        prediction = prediction[:, 0]
    return submission_of(data, competition, prediction)


def _constant(setup: Setup) -> NDArray[np.float64]:
    """Return (1,) value or P(positive), or (k,) shares of the classes; all rows are training rows here."""
    y, x = setup.table.y, setup.pool.x
    assert y is not None
    codes = target_codes(y)
    if setup.problem.task != "regression" or setup.problem.classes:
        shares = np.bincount(codes.astype(np.int64), minlength=len(setup.problem.classes)) / len(codes)
        return shares[1:] if len(shares) == 2 else shares
    transform = setup.transform.fit(x, y)
    centre = np.median if setup.problem.objective == "absolute_error" else np.mean
    value = float(centre(transform.forward(x, y).to_numpy()))
    return np.asarray(transform.back(x[:1], np.array([value])), dtype=np.float64)
