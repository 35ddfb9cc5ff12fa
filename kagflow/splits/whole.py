"""Units that stay whole (groups, blocks of time): dealt out to folds, and drawn as stop rows."""

import numpy as np

from kagflow.data import Rows
from kagflow.errors import SplitError


def deal_whole(codes: Rows, folds: int, rng: np.random.Generator, strata: Rows | None = None) -> Rows:
    """Return (n,) the fold of each row, such that units are whole and folds alike.

    Parameters
    ----------
    codes
        (n,) codes of the units, from 0; at least as many units as folds.
    folds
        How many.
    rng
        Puts units of one size in a random order.
    strata
        (n,) codes of classes to spread evenly too; without them only sizes are made even.

    Notes
    -----
    Units are dealt largest first, each to the fold where it adds least to the sum of squared shares (see
    `StratifiedGroup`); without strata, that is the smallest fold.
    """
    sizes = np.bincount(codes)
    counts = sizes[:, np.newaxis] if strata is None else np.column_stack([sizes, _counts(codes, strata)])
    cost = counts / counts.sum(axis=0).astype(np.float64) ** 2
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled = np.zeros((folds, counts.shape[1]))
    fold_of = np.empty(len(sizes), dtype=np.int64)
    for unit in order:
        fold = np.argmin((filled * cost[unit]).sum(axis=1))  # no BLAS: the same folds on every machine
        fold_of[unit] = fold
        filled[fold] += counts[unit]
    dealt: Rows = fold_of[codes]
    return dealt


def draw_whole(codes: Rows, train: Rows, share: float, seed: int, unit: str) -> Rows:
    """Return the rows of whole units drawn at random, about a share of the training rows.

    Units that would take the stop rows further from their share are passed over.

    Parameters
    ----------
    codes, train
        (n,) unit and position of each training row.
    share, seed
        As for ``carve``.
    unit
        What a unit is called, for messages.

    Raises
    ------
    SplitError
        All training rows are of one unit.
    """
    units = np.random.default_rng(seed).permutation(at_least_two(codes, unit))
    sizes = np.bincount(codes)[units]
    missing, chosen = share * len(train), []
    for one, size in zip(units, sizes, strict=True):
        if abs(missing - size) < missing:
            chosen.append(one)
            missing -= size
        if missing <= 0:
            break
    drawn: Rows = train[np.isin(codes, chosen or units[np.argmin(sizes)])]
    return drawn


def take_part(codes: Rows, train: Rows, share: float, rng: np.random.Generator, strata: Rows, unit: str) -> Rows:
    """Return the rows of whole units that are about a share of the training rows, and alike in strata.

    The units are dealt out to ``1 / share`` parts; the one whose size is nearest to the share is taken.

    Raises
    ------
    SplitError
        All training rows are of one unit.
    """
    units = at_least_two(codes, unit)
    parts = min(round(1 / share), len(units))
    part_of = deal_whole(np.searchsorted(units, codes), parts, rng, strata)
    sizes = np.bincount(part_of, minlength=parts)
    taken: Rows = train[part_of == np.argmin(np.abs(sizes - share * len(train)))]
    return taken


def at_least_two(codes: Rows, unit: str) -> Rows:
    """Return the units that are there; raise a SplitError if it is one only."""
    units: Rows = np.unique(codes)
    if len(units) < 2:
        raise SplitError(f"no stop rows can be carved from one {unit}", hint="give `rounds` a number")
    return units


def _counts(codes: Rows, strata: Rows) -> Rows:
    """Return (units, strata) how many rows of each stratum each unit has."""
    present, stratum = np.unique(strata, return_inverse=True)
    cells = np.bincount(codes * len(present) + stratum, minlength=(int(codes.max()) + 1) * len(present))
    return cells.reshape(-1, len(present))
