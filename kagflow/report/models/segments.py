"""Where the model is bad: kinds of rows that cost more than others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.report.models.binned import SURE, Array, Mean, mean_of
from kagflow.report.models.outcome import Outcome

_DEPTH, _MOST_SEGMENTS = 3, 4
_MOST_ROWS, _MOST_VALUES, _SEED = 20_000, 8_000_000, 20_011
_LEAST_SHARE, _LEAST_ROWS = 0.02, 25  # of the learning half
_TIMES = 1.25  # as bad as the average: less is not worth a word
_MOST_LABELS = 4
_NEARLY_ALL = 0.98


@dataclass(frozen=True)
class Segment:
    """A kind of rows.

    Attributes
    ----------
    words
        Which ones: conditions on columns.
    columns
        The columns that these name.
    rows, share
        How many are of the kind, of those looked at; their share.
    loss
        Mean loss, on rows that had no part in finding the segment.
    more
        That, less the mean loss of all such rows.
    times
        How many times the mean loss of all it is.
    of_loss
        Their share of all loss.
    """

    words: str
    columns: tuple[str, ...]
    rows: int
    share: float
    loss: float
    more: Mean
    times: float
    of_loss: float


@dataclass(frozen=True)
class Segments:
    """The kinds of rows that cost more than others.

    Attributes
    ----------
    loss
        What the loss of a row is.
    found
        The worst first; none where no kind is worse beyond noise.
    rows
        How many rows were looked at.
    """

    loss: str
    found: tuple[Segment, ...]
    rows: int

    @property
    def advice(self) -> str:
        """What to do about them, in a sentence."""
        if not self.found:
            return (
                f"No kind of rows is worse than {_TIMES:g} times the average beyond noise ({self.rows:,} rows looked "
                "at): there is no weak spot that the columns name."
            )
        first = self.found[0]
        return (
            f"Where {first.words}, a row costs {first.times:.1f} times the average; these {first.share:.0%} of rows "
            f"hold {first.of_loss:.0%} of the loss: make a feature for them, unless such rows are just harder."
        )


def worst_segments(outcome: Outcome, x: Frame) -> Segments:
    """Find kinds of rows that cost more, by a shallow tree on the OOF loss.

    Parameters
    ----------
    outcome
        Of a run.
    x
        (n, columns) raw features of the same rows.

    Notes
    -----
    The tree is grown on one half of the independent units and judged on the other, where the loss of a segment is an
    honest mean: without that, a tree finds bad segments in pure noise.
    """
    name, losses = outcome.losses
    rows = _some_rows(outcome, x.width)
    known = outcome.take(rows)
    cost, x = (losses * outcome.weight)[rows], x[rows]
    first = _half(known)
    names, matrix, labels = _as_numbers(x, cost, first)
    if not names or min(first.sum(), (~first).sum()) < 2 * _LEAST_ROWS:
        return Segments(name, (), len(rows))
    tree = _grow(matrix[first], cost[first])
    judged, of_judged = known.take(np.flatnonzero(~first)), cost[~first]
    nulls = {name: np.isnan(matrix[~first, place]) for place, name in enumerate(names)}
    paths = tree.decision_path(matrix[~first]).toarray().astype(bool)
    found = []
    for node, (words, columns) in _nodes(tree, names, labels, paths, nulls).items():
        segment = _judge(words, columns, paths[:, node], of_judged, judged)
        if segment is not None:
            found.append((segment, paths[:, node]))
    return Segments(name, _apart(found), len(rows))


def _apart(found: list[tuple[Segment, NDArray[np.bool_]]]) -> tuple[Segment, ...]:
    """Return the segments that cost most above the average, none of which is a part of another.

    A node costs as much above the average as its children together: it is the larger one unless a child is no worse
    than the average, and then that condition says something.
    """
    ranked = sorted(found, key=lambda each: (-each[0].more.value * each[0].rows, len(each[0].columns)))
    chosen: list[tuple[Segment, NDArray[np.bool_]]] = []
    for segment, inside in ranked:
        if not any((inside & other).any() for _, other in chosen):
            chosen.append((segment, inside))
    return tuple(segment for segment, _ in chosen[:_MOST_SEGMENTS])


def _judge(
    words: str, columns: tuple[str, ...], inside: NDArray[np.bool_], cost: Array, known: Outcome
) -> Segment | None:
    """Return a segment if it is worse than the average beyond noise and by enough."""
    count, whole = int(inside.sum()), float(cost.mean())
    if count < _LEAST_ROWS or whole <= 0:
        return None
    loss = float(cost[inside].mean())
    # Zero within noise where the segment is like all rows: its mean, less the mean of all.
    noise = mean_of(inside * (cost - loss) / inside.mean(), np.ones(len(cost)), known.units).se
    overall = mean_of(cost, np.ones(len(cost)), known.units).se
    more = Mean(loss - whole, float(np.hypot(noise, overall)))
    if not more.value > SURE * more.se or loss < _TIMES * whole:
        return None
    return Segment(
        words, columns, count, count / len(cost), loss, more, loss / whole, float(cost[inside].sum() / cost.sum())
    )


def _some_rows(outcome: Outcome, columns: int) -> NDArray[np.int64]:
    most = min(_MOST_ROWS, _MOST_VALUES // max(columns, 1))
    rows = np.arange(outcome.n)
    if outcome.n <= most:
        return rows
    return np.sort(np.random.default_rng(_SEED).choice(rows, most, replace=False))


def _half(outcome: Outcome) -> NDArray[np.bool_]:
    """Return (n,) which rows the tree is grown on: one half of the units."""
    units, of = np.unique(outcome.units, return_inverse=True)
    half: NDArray[np.bool_] = (np.random.default_rng(_SEED).permutation(len(units)) < len(units) // 2)[of]
    return half


def _as_numbers(
    x: Frame, cost: Array, first: NDArray[np.bool_]
) -> tuple[list[str], NDArray[np.float32], dict[str, list[str]]]:
    """Return names, (n, names) numbers with NaN for null, and the labels of those that are categories.

    Categories are put in the order of their mean loss on the rows that the tree is grown on, so that one cut tells the
    bad ones from the others; rare ones are one category.
    """
    names, columns, labels = [], [], {}
    for column in x:
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            values = column.cast(pl.Float64).to_numpy()
        elif column.dtype.is_temporal():
            values = column.to_physical().cast(pl.Float64).to_numpy()
        else:
            values, labels[column.name] = _ordered(column.cast(pl.String), cost, first)
        names.append(column.name)
        columns.append(np.clip(values, -1e30, 1e30).astype(np.float32))
    return names, np.column_stack(columns) if columns else np.empty((len(x), 0), dtype=np.float32), labels


def _ordered(column: pl.Series, cost: Array, first: NDArray[np.bool_]) -> tuple[Array, list[str]]:
    counts = column.drop_nulls().value_counts()
    common = counts.filter(pl.col("count") >= _LEAST_ROWS)[column.name].sort()
    kept = column.to_frame("v").select(
        pl.when(pl.col("v").is_in(common.implode()) | pl.col("v").is_null()).then("v").otherwise(pl.lit("a rare value"))
    )["v"]
    seen = pl.DataFrame({"v": kept, "cost": cost}).filter(pl.Series(first))
    order = seen.drop_nulls().group_by("v").agg(pl.col("cost").mean()).sort("cost", "v")["v"].to_list()
    place = {value: float(number) for number, value in enumerate(order)}
    codes = kept.replace_strict(place, default=None, return_dtype=pl.Float64)
    return codes.to_numpy().astype(np.float64), order


def _grow(x: NDArray[np.float32], cost: Array) -> Any:
    from sklearn.tree import DecisionTreeRegressor

    least = max(_LEAST_ROWS, int(_LEAST_SHARE * len(x)))
    tree = DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=least, random_state=_SEED)
    # A few extreme losses would be all that the tree cuts off.
    return tree.fit(x, np.minimum(cost, np.quantile(cost, 0.99)))


def _nodes(
    fitted: Any,
    names: Sequence[str],
    labels: Mapping[str, list[str]],
    paths: NDArray[np.bool_],
    nulls: Mapping[str, NDArray[np.bool_]],
) -> dict[int, tuple[str, tuple[str, ...]]]:
    """Return for each node below the root what leads there: the conditions in words, and the columns they name."""
    tree = fitted.tree_
    ranges: dict[int, dict[str, _Range]] = {0: {}}
    for node in range(tree.node_count):  # parents come before their children
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left != right:
            name, cut = names[int(tree.feature[node])], float(tree.threshold[node])
            nulls_left = bool(tree.missing_go_to_left[node])
            now = ranges[node].get(name, _Range())
            ranges[left] = {**ranges[node], name: now.upto(cut, nulls=nulls_left)}
            ranges[right] = {**ranges[node], name: now.above(cut, nulls=not nulls_left)}
    told = {}
    for node, conditions in ranges.items():
        if conditions and paths[:, node].any():
            words = [
                each.words(name, labels.get(name), float(nulls[name][paths[:, node]].mean()))
                for name, each in conditions.items()
            ]
            told[node] = " and ".join(words), tuple(conditions)
    return told


@dataclass(frozen=True)
class _Range:
    """Which values of a column a node takes."""

    low: float = -np.inf
    high: float = np.inf
    nulls: bool = True

    def upto(self, cut: float, *, nulls: bool) -> "_Range":
        return _Range(self.low, min(self.high, cut), self.nulls and nulls)

    def above(self, cut: float, *, nulls: bool) -> "_Range":
        return _Range(max(self.low, cut), self.high, self.nulls and nulls)

    def words(self, name: str, labels: list[str] | None, nulls: float) -> str:
        """Return the condition as people say it; ``nulls`` is the share of nulls in the node."""
        if nulls > _NEARLY_ALL:
            return f"{name} is null"
        if not np.isfinite([self.low, self.high]).any():
            return f"{name} is not null"
        told = self._labels(labels) if labels is not None else self._numbers()
        return f"{name} is {told}{' or null' if nulls else ''}"

    def _numbers(self) -> str:
        above, upto = f"above {self.low:.4g}", f"at most {self.high:.4g}"
        if np.isfinite([self.low, self.high]).all():
            return f"{above} and {upto}"
        return above if np.isfinite(self.low) else upto

    def _labels(self, labels: list[str]) -> str:
        inside = [label for place, label in enumerate(labels) if self.low < place <= self.high]
        more = f" and {len(inside) - _MOST_LABELS} more" if len(inside) > _MOST_LABELS else ""
        return " or ".join(inside[::-1][:_MOST_LABELS]) + more  # the worst first
