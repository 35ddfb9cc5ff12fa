"""Folds that tear apart what belongs together: groups that are both trained on and scored, time that runs backwards."""

import numpy as np

from kagflow.audit.advice import LATER
from kagflow.audit.chance import FALSE_ALARMS, counts_of, log_last
from kagflow.audit.findings import Finding
from kagflow.audit.look import Look
from kagflow.audit.moments import both_times, share_later
from kagflow.data import Rows
from kagflow.data.table import dense_codes
from kagflow.splits.when import clock


def groups_straddle(look: Look) -> list[Finding]:
    """Find groups that a fold both trains on and scores (KF141): those that are declared, else those advised."""
    groups, key = look.table.groups, look.advised_group
    if look.folds is None or (look.folds.forward and look.advice.splitter.kind != "group_forward"):
        return []  # forward in time a group may go on, unless those of test are new
    if groups is not None:
        codes, name, why = dense_codes(groups), groups.name, "rows of one group belong together"
    elif key is not None:
        codes, name, why = key.codes[: look.n], key.name, "in test every group is new"
    else:
        return []
    torn, scored = _torn(look, codes)
    if not torn:
        return []
    share = scored / sum(len(fold.valid) for fold in look.once)
    return [
        Finding(
            code="KF141",
            severity="error",
            message=f"{torn} groups ({name}) are both trained on and scored, {share:.0%} of the valid rows; {why}",
            where="folds",
            columns=(key.column if groups is None and key is not None else name,),
            size=scored,
            hint=f"paste: {one_line(look.advice.yaml)}"
            if groups is None
            else "write `splitter: {kind: group}`, or remove `group` where rows are independent after all",
        )
    ]


def time_runs_backwards(look: Look) -> list[Finding]:
    """Find valid rows that are earlier than rows which were trained on, where test lies after train (KF142)."""
    if look.time is None or not look.once:
        return []
    train, test = look.time
    rows = np.arange(look.n + len(test))
    later = share_later(both_times(train, test), rows[: look.n], rows[look.n :])
    moments = clock(train)
    earlier = sum(int((moments[fold.valid] < moments[fold.train].max()).sum()) for fold in look.once)
    by_chance = log_last(len(test), look.n, round(later * len(test)))
    if later < LATER or by_chance > np.log(FALSE_ALARMS) or not earlier:
        return []
    share = earlier / sum(len(fold.valid) for fold in look.once)
    return [
        Finding(
            code="KF142",
            severity="error",
            message=f"{share:.0%} of the valid rows are earlier than rows trained on ({train.name}); "
            f"{later:.0%} of the test rows are later than all of train",
            where="folds",
            columns=(train.name,),
            size=earlier,
            hint=f"paste: {one_line(look.advice.yaml)}",
        )
    ]


def one_line(yaml: str) -> str:
    """Return lines of YAML as they can stand in a sentence."""
    return "; ".join(f"`{line}`" for line in yaml.splitlines())


def _torn(look: Look, codes: Rows) -> tuple[int, int]:
    """Return how many groups some fold both trains on and scores, and how many valid rows are of such."""
    values = int(codes.max()) + 1
    torn, rows = np.zeros(values, dtype=bool), 0
    for fold in look.once:
        in_train, in_valid = counts_of(codes, fold.train, values), counts_of(codes, fold.valid, values)
        both = (in_train > 0) & (in_valid > 0)
        torn |= both
        rows += int(in_valid[both].sum())
    return int(torn.sum()), rows
