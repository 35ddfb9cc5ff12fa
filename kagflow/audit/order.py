"""The target in the order of the ids (KF122) or of the file (KF123)."""

import numpy as np
from scipy.stats import norm

from kagflow.audit.chance import FALSE_ALARMS, Floats, serial_z, trend_z
from kagflow.audit.findings import Finding
from kagflow.audit.look import Look
from kagflow.data import Rows

_FEW_ROWS = 20  # of a class; of fewer the normal approximation says nothing
_SMALL = 0.1  # a correlation; below it the order explains less than a hundredth of the variance


def order_carries_target(look: Look) -> list[Finding]:
    """Find a target that goes with the ids, or with the position in the file, beyond chance.

    Tested are the trend (from first to last) and the likeness of neighbours, over one row a group; where nothing is
    wrong, one data set in 10 000 is accused.
    """
    first_of_units = np.sort(np.unique(look.units, return_index=True)[1])
    by_id = look.table.ids.arg_sort().to_numpy().astype(np.int64)
    by_id = by_id[np.isin(by_id, first_of_units)]
    same_order = np.array_equal(by_id, first_of_units)
    whose = "the id, and with it the order of the rows," if same_order else "the id"
    found = _ordered(look, by_id, "KF122", whose, "train")
    return found if same_order else [*found, *_ordered(look, first_of_units, "KF123", "the order of the rows", "train")]


def _ordered(look: Look, order: Rows, code: str, whose: str, where: str) -> list[Finding]:
    trend, likeness, tests = _strongest(look.signals[order])
    z, what = max((abs(trend), "a trend"), (abs(likeness), "neighbours are alike"))
    if not tests or z < norm.isf(FALSE_ALARMS / 2 / tests):
        return []
    size = z / np.sqrt(len(order))
    timed = look.time is not None
    small = size < _SMALL
    explained = "as rows in time do" if timed else "too weak to matter" if small else "it should not"
    return [
        Finding(
            code=code,
            severity="note" if timed or small else "warning",
            message=f"{whose} carries the target, {explained}: {what}, correlation {size:.3f}, {z:.1f} standard "
            "deviations from a random order",
            where=where,
            columns=(look.id,),
            size=float(size),
            hint=""
            if timed
            else "rows may lie in order of time, of a group, or of the target: name it under `time` or `group`, and "
            "make no feature of ids before you know why",
        )
    ]


def _strongest(signals: Floats) -> tuple[float, float, int]:
    """Return the largest trend and likeness of neighbours over the target's signals, and how many tests these are."""
    usable = [signal for signal in signals.T if _is_usable(signal)]
    trends = [trend_z(signal) for signal in usable]
    likenesses = [serial_z(signal) for signal in usable]
    return max(trends, key=abs, default=0.0), max(likenesses, key=abs, default=0.0), 2 * len(usable)


def _is_usable(signal: Floats) -> bool:
    is_class = np.isin(signal, (0, 1)).all()
    return not is_class or min(signal.sum(), len(signal) - signal.sum()) >= _FEW_ROWS
