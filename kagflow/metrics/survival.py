"""Concordance: how often the order of predictions is that of the times, among pairs whose order is known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import KagflowError
from kagflow.metrics.base import Array, Metric, Values


def _concordance(y: Values, prediction: Values, weight: Array, event: Values | None = None) -> float:
    """Concordance index (Harrell and others, 1982): a higher prediction stands for a later time.

    A pair counts where the earlier time is an event's, and equal times where one of the two is an event and the other
    is not (which then came later). Equal predictions count half, a pair the product of its weights.

    Parameters
    ----------
    y, prediction, weight
        (n,) times, predictions, weights.
    event
        (n,) whether the time is an event's, true or 1, or that of the last look; all are events when absent.
    """
    happened = np.ones(len(y), dtype=bool) if event is None else _as_flags(event)
    pairs = _pairs(y, happened, weight)
    if not pairs > 0:
        return float("nan")
    # Ties of predictions are broken in one way and then in the other; the mean counts each half.
    up, down = np.arange(len(y)), np.arange(len(y))[::-1]
    won = [_won(y, _places(prediction, ties), happened, weight) for ties in (up, down)]
    return float(np.mean(won) / pairs)


def _stratified(y: Values, prediction: Values, weight: Array, event: Values, stratum: Values) -> float:
    """Mean of the concordance within each stratum, less its standard deviation over the strata."""
    strata = [stratum == value for value in np.unique(stratum)]
    scores = [_concordance(y[own], prediction[own], weight[own], event[own]) for own in strata]
    return float(np.mean(scores) - np.std(scores))


def _as_flags(event: Values) -> NDArray[np.bool_]:
    if not np.isin(event, [0, 1]).all():
        raise KagflowError(
            "the column of events holds something else than 0 and 1",
            hint="1 or true where the event happened, 0 or false where a row was only watched that long",
            where="metric",
        )
    return event.astype(bool)


def _pairs(y: Values, happened: NDArray[np.bool_], weight: Array) -> float:
    """Return the mass of the pairs whose order is known."""
    order = np.lexsort((~happened, y))
    time, early, mass = y[order], happened[order], weight[order]
    changes = (time[1:] != time[:-1]) | (early[1:] != early[:-1])
    group = np.r_[0, np.cumsum(changes)]
    of_group = np.bincount(group, weights=mass)
    later = of_group.sum() - np.cumsum(of_group)
    return float((mass * early * later[group]).sum())


def _places(prediction: Values, ties: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each row in ascending order of prediction, ties in the order given."""
    places = np.empty(len(prediction), dtype=np.int64)
    places[np.lexsort((ties, prediction))] = np.arange(len(prediction))
    return places


def _won(y: Values, places: NDArray[np.int64], happened: NDArray[np.bool_], weight: Array) -> float:
    """Return the mass of known pairs whose later row has the higher place.

    Events of the same time stand in descending order of place, so that no pair of them is won.
    """
    order = np.lexsort((-places, ~happened, y))
    higher = _mass_behind_and_above(places[order], weight[order])
    return float((weight[order] * happened[order] * higher).sum())


def _mass_behind_and_above(places: NDArray[np.int64], weight: Array) -> Array:
    """Return for each row the weight of the rows behind it with a higher place.

    Rows are halved again and again by position: at each level, what a row of a left half sees in the right half
    beside it is a running sum in order of place. O(n log n).
    """
    n = len(places)
    result = np.zeros(n)
    position = np.argsort(places)  # in ascending order of place, within ever smaller blocks of positions
    for bit in reversed(range(max(n - 1, 1).bit_length())):
        block = (position >> (bit + 1)) << (bit + 1)  # where each row's block starts; block after block
        right = (position >> bit) & 1
        mass = np.cumsum(weight[position] * right)
        end = np.minimum(block + (2 << bit), n) - 1
        result[position] += np.where(right == 1, 0.0, mass[end] - mass)
        rights = np.cumsum(right)
        before = rights - right - np.where(block > 0, rights[block - 1], 0)
        place = np.where(right == 1, block + (1 << bit) + before, np.arange(n) - before)
        halved = np.empty_like(position)
        halved[place] = position
        position = halved
    return result


def concordance(name: str, event: str | None) -> Metric:
    """Return the concordance index; `event` names the column that tells events from last looks."""
    return _metric(name, _concordance, () if event is None else (event,))


def stratified_concordance(name: str, event: str, stratum: str) -> Metric:
    """Return the concordance index within strata: its mean less its standard deviation."""
    return _metric(name, _stratified, (event, stratum))


def _metric(name: str, function: Callable[..., float], columns: tuple[str, ...]) -> Metric:
    return Metric(
        name=name,
        direction="maximize",
        wants="value",
        function=function,
        objective="squared_error",
        columns=columns,
    )
