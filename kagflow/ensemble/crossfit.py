"""Scores of ensembles: as fitted, which flatters, and cross-fitted, where no row is blended by what it taught.

With the members' predictions held fixed, a fold's cross-fitted predictions do not depend on its own targets, to the
last bit: weights, level-2 models and post-processing are fitted on the other folds. (Those folds' members came from
models that trained on this fold; that is level 1's matter, which refitting the members inside measures.)
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from joblib import cpu_count

from kagflow.ensemble.methods import FittedBlend, Method
from kagflow.ensemble.rows import Array, Level, Part, Rows, Values
from kagflow.ensemble.trails import aim_of
from kagflow.errors import KagflowError
from kagflow.metrics import Metric
from kagflow.stats import Difference, bootstrap_se, paired_difference
from kagflow.training import Layout, run_tasks
from kagflow.training.postprocess import FittedPost, Post


@dataclass(frozen=True, eq=False)
class Scored:
    """An ensemble and its scores.

    Attributes
    ----------
    method
        How members were blended.
    rows
        The rows.
    blend, post
        The fits on all rows, for test rows; ``post`` is ``None`` without post-processing.
    oof
        (n,) or (n, k) cross-fitted blend before post-processing: it may be a member of the next level.
    crossfitted, as_fitted
        Predictions after post-processing, in both ways.
    cv_crossfitted, cv_fitted
        Their scores.
    se
        Standard error of ``cv_crossfitted``.
    folds
        Cross-fitted score of each fold, by number; ``None`` where it is not defined.
    aim
        The metric that weights were looked for by: that of ``rows``, or where that is of labels, one of what these are
        made from.
    """

    method: Method
    rows: Rows
    blend: FittedBlend
    post: FittedPost | None
    oof: Values
    crossfitted: Values
    as_fitted: Values
    cv_crossfitted: float
    cv_fitted: float
    folds: dict[int, float | None]
    aim: Metric

    @cached_property
    def se(self) -> float:
        """Standard error of ``cv_crossfitted``, over independent units; made when it is first asked for."""
        rows = self.rows
        return bootstrap_se(
            rows.metric, rows.y, self.crossfitted, weight=rows.weight, units=rows.units, further=rows.further
        )

    def apply(self, members: Mapping[str, Values]) -> Values:
        """Return predictions of other rows, from the members' predictions of them."""
        blended = self.blend.apply(members)
        return blended if self.post is None else self.post.apply(blended)

    def before_labels(self) -> "Scored | None":
        """Return the same blend by what its labels are made from; ``None`` where the metric is not of labels."""
        if self.aim is self.rows.metric:
            return None
        rows = replace(self.rows, metric=self.aim)
        return replace(self, rows=rows, crossfitted=self.oof, cv_crossfitted=rows.score(self.oof))

    def against(self, other: "Scored") -> Difference:
        """Return this cross-fitted score minus another's, on the same rows."""
        rows = self.rows
        return paired_difference(
            rows.metric,
            rows.y,
            self.crossfitted,
            other.crossfitted,
            weight=rows.weight,
            units=rows.units,
            further=rows.further,
        )


def score(
    method: Method,
    rows: Rows,
    members: Sequence[Values],
    names: Sequence[str],
    post: Post | None = None,
    features: Mapping[str, Values] | None = None,
) -> Scored:
    """Fit a method on all rows and on all folds but one, and score it in both ways.

    Parameters
    ----------
    method
        How to blend.
    rows, members, names, features
        As for ``Level``.
    post
        Post-processing of the blend, cross-fitted as well.

    Raises
    ------
    SplitError
        There are fewer than two folds.
    KagflowError
        Members do not fit the rows, or the method or the post-processing is not for such predictions.
    """
    return score_level(method, Level(rows, members, names, features), post)


def score_level(method: Method, level: Level, post: Post | None = None) -> Scored:
    """Score a method on members that were put in order before; see ``score``."""
    rows, blends = level.rows, _Blends(method, level, nested=post is not None)
    oof, whole = blends.crossfitted(()), blends.of(level.whole(), ())
    as_fitted: Values = whole
    crossfitted: Values = oof
    fitted_post = None
    if post is not None:
        fitted_post = post.fit(rows.y, oof, rows.weight)
        as_fitted, crossfitted = fitted_post.apply(whole), _process(post, blends, oof)
    return Scored(
        method=method,
        rows=rows,
        blend=blends.fitted[()],
        post=fitted_post,
        oof=oof,
        crossfitted=crossfitted,
        as_fitted=as_fitted,
        cv_crossfitted=rows.score(crossfitted),
        cv_fitted=rows.score(as_fitted),
        folds=_fold_scores(rows, crossfitted),
        aim=aim_of(level),
    )


@contextmanager
def _without_convergence_warnings() -> Iterator[None]:
    """Keep silent about fits that have not converged: how far they came, their cross-fitted score tells.

    It is around all threads, as filters belong to the process.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


class _Blends:
    """Fits of a method on all rows, without each fold, and with ``nested`` without each two folds."""

    def __init__(self, method: Method, level: Level, *, nested: bool) -> None:
        numbers = level.rows.fold_numbers
        self.level, self.nested = level, nested and len(numbers) > 2
        left_out = [(), *((number,) for number in numbers), *(combinations(numbers, 2) if self.nested else ())]
        parts = {folds: level.without(*folds) for folds in left_out}

        def fit(folds: tuple[int, ...]) -> tuple[tuple[int, ...], FittedBlend]:
            return folds, method.fit_part(parts.pop(folds))  # no longer kept: a part may hold copies of members

        targets = range(level.rows.y.shape[1]) if level.rows.metric.several else ()
        for own in [level.whole().of_target(target).level for target in targets] or [level]:
            method.prepare(own)
        layout = Layout(jobs=min(cpu_count(), len(left_out)), threads=1)
        with _without_convergence_warnings():
            self.fitted = dict(run_tasks(left_out, fit, layout))

    def of(self, part: Part, without: tuple[int, ...]) -> Array:
        """Return the blend of a part's rows by the fit without some folds."""
        return self.fitted[without].apply(part.by_name())

    def crossfitted(self, without: tuple[int, ...]) -> Array:
        """Return (n,) blend of the rows of all folds but some, each fold's by a fit on the others of them."""
        part = self.level.without(*without)
        folds = {number: Part(self.level, (number,)) for number in part.folds}
        made = [self.of(own, tuple(sorted((*without, number)))) for number, own in folds.items()]
        order = np.argsort(np.concatenate([own.index for own in folds.values()]))
        return np.concatenate(made)[order]


def _process(post: Post, blends: _Blends, oof: Array) -> Values:
    """Return predictions of which each fold is processed by what was learned from the others alone.

    Post-processing learns from predictions that were blended without their own targets, as those are that it is
    applied to: the other folds are cross-fitted among themselves. Of two folds only one is left, which is not.
    """
    level = blends.level
    index, made = [], []
    for number in level.rows.fold_numbers:
        others, own = level.without(number), Part(level, (number,))
        learned = blends.crossfitted((number,)) if blends.nested else blends.of(others, (number,))
        made.append(post.fit(others.rows.y, learned, others.rows.weight).apply(oof[own.index]))
        index.append(own.index)
    processed: Values = np.concatenate(made)[np.argsort(np.concatenate(index))]
    return processed


def _fold_scores(rows: Rows, prediction: Values) -> dict[int, float | None]:
    scores: dict[int, float | None] = {}
    for number in rows.fold_numbers:
        own = np.flatnonzero(rows.folds == number)
        try:
            scores[number] = rows.take(own).score(prediction[own])
        except KagflowError:  # one class only, say: the score over all folds is defined nonetheless
            scores[number] = None
    return scores
