"""What each group of automatic features bought, as the folds of a run found it."""

import polars as pl

from kagflow.data import Frame
from kagflow.runs.record import Run

_GROUPS = "folds/*/learned/*_AutomaticFeatures*.groups.parquet"


def bought(run: Run) -> Frame:
    """Return a row for each group of automatic features that had candidates; none where the run has no such features.

    The gains are those by which folds chose, measured on their training rows: of what the groups before it had left,
    each saved that share. What the run scores is another matter; compare it with a run without them.

    Returns
    -------
    Frame
        group; candidates, chosen (steps, mean over fits); taken (share of fits that took any); gain, se (shares of a
        small model's loss, mean over fits).
    """
    files = sorted(run.path.glob(_GROUPS))
    if not files:
        return pl.DataFrame()
    return (
        pl.concat([pl.read_parquet(file) for file in files])
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("candidates").mean(),
            pl.col("chosen").mean(),
            (pl.col("chosen") > 0).mean().alias("taken"),
            pl.col("gain").mean(),
            pl.col("se").mean(),
        )
    )
