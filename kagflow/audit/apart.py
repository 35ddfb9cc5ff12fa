"""Which keys lie wholly apart: a value is all of train or all of test, where a draw of rows would have torn it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kagflow.audit.chance import FALSE_ALARMS, Floats, alone, counts_of, log_tail, log_whole
from kagflow.audit.keys import Key
from kagflow.data import Rows

_FEW = 0.1  # "almost none" are torn: a tenth of what is expected; a convention, beside the test of chance
_NESTED = 0.95  # share of the finer key's values that lie in one value of the coarser


@dataclass(frozen=True)
class Apartness:
    """How a key's values lie in two sides, beside what a draw of rows would do.

    Attributes
    ----------
    straddling, expected
        Values with rows on both sides, and how many a draw of rows would give.
    log_p
        Logarithm of the probability of so few.
    unseen
        Share of the second side's rows whose value the first side lacks.
    unseen_by_chance, spread
        What a draw of rows would give on average, and its standard deviation.
    """

    straddling: int
    expected: float
    log_p: float
    unseen: float
    unseen_by_chance: float
    spread: float

    @property
    def separation(self) -> float:
        """0 where the second side is as a draw of rows would be, 1 where no value of it is known."""
        room = 1 - self.unseen_by_chance
        return (self.unseen - self.unseen_by_chance) / room if room > 0 else 0.0

    @property
    def z(self) -> float:
        """How many standard deviations the unseen share is from what a draw of rows gives."""
        return (self.unseen - self.unseen_by_chance) / max(self.spread, 1e-9)


def compare_sides(codes: Rows, values: int, first: Rows, second: Rows) -> Apartness:
    """Return how a key's values lie in two sets of rows (such as train and test, or train and valid).

    Parameters
    ----------
    codes, values
        As of a ``Key``.
    first, second
        Row positions.
    """
    in_first, in_second = counts_of(codes, first, values), counts_of(codes, second, values)
    sizes = in_first + in_second
    present = sizes > 0
    total = in_second.sum()
    if not total or not in_first.sum():
        return Apartness(0, 0.0, 0.0, float(total > 0), 1.0, 0.0)
    straddling, log_miss = _straddling(in_first[present], in_second[present])
    chance, spread = alone(sizes[present], total / sizes.sum())
    return Apartness(
        straddling=straddling,
        expected=float(-np.expm1(log_miss).sum()),
        log_p=log_tail(log_miss, straddling),
        unseen=float(in_second[in_first == 0].sum() / total),
        unseen_by_chance=chance,
        spread=spread,
    )


def train_and_test(key: Key) -> Apartness:
    """Return how a key's values lie in train and test."""
    rows = np.arange(len(key.codes))
    return compare_sides(key.codes, key.values, rows[: key.train], rows[key.train :])


def coarsest_apart(keys: Sequence[Key]) -> tuple[Key, Apartness] | None:
    """Return the key by whose values train and test were torn apart, if there is one.

    What lies within a value of it (orders within a customer) is apart as well, without a choice of its own: of keys
    within each other the coarser is taken where the finer one, drawn at random as a whole, would have torn it.
    """
    limit = np.log(FALSE_ALARMS / max(len(keys), 1))
    found = [(key, train_and_test(key)) for key in keys if key.complete]
    whole = [(key, seen) for key, seen in found if seen.straddling <= _FEW * seen.expected and seen.log_p < limit]
    usable = [(key, seen) for key, seen in whole if len(np.unique(key.codes[: key.train])) > 1]
    if not usable:
        return None
    usable.sort(key=lambda pair: -pair[0].values)
    best = usable[0]
    for number, pair in enumerate(usable[1:], start=1):
        units = [finer for finer, _ in usable[:number] if _within(finer, pair[0])]
        if units and _torn_by_units(pair[0], units[-1]) < limit:
            best = pair
    return best


def _straddling(in_first: Floats, in_second: Floats) -> tuple[int, Floats]:
    sizes = in_first + in_second
    return int(np.count_nonzero((in_first > 0) & (in_second > 0))), log_whole(sizes, in_second.sum() / sizes.sum())


def _pairs(finer: Key, coarser: Key) -> Rows:
    """Return (k, 2) the pairs of values that occur together."""
    both: Rows = np.unique(np.column_stack([finer.codes, coarser.codes]), axis=0)
    return both


def _within(finer: Key, coarser: Key) -> bool:
    """Say whether (almost) every value of the finer key lies in one value of the coarser."""
    return bool(finer.values >= _NESTED * len(_pairs(finer, coarser)))


def _torn_by_units(coarser: Key, unit: Key) -> float:
    """Return the logarithm of P(so few values straddle), if whole units had been drawn instead of rows."""
    sides = []
    for codes in (slice(None, coarser.train), slice(coarser.train, None)):
        pairs = np.unique(np.column_stack([unit.codes[codes], coarser.codes[codes]]), axis=0)
        sides.append(np.bincount(pairs[:, 1], minlength=coarser.values).astype(np.float64))
    straddling, log_miss = _straddling(*sides)
    return log_tail(log_miss, straddling)
