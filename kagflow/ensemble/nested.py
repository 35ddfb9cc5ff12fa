"""Nested scores: what a blend is worth end to end, members included.

For each outer fold the members are fitted again on its training rows, the other folds taking turns as inner folds; the
blend is fitted on these inner OOF predictions, and applied to what the members say of the outer fold's valid rows
(models of the outer fold's training rows said that). No target of an outer fold's valid rows has touched any of it
(Stone, 1974), so that they cannot move its predictions, to the last bit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kagflow.config import read_experiment
from kagflow.data import Dataset, Source
from kagflow.ensemble.bank import Bank
from kagflow.ensemble.crossfit import score_level
from kagflow.ensemble.methods import Method
from kagflow.ensemble.refits import InnerPredictions, Nobody, Watcher, refit_members
from kagflow.ensemble.rows import Level, Rows, Values
from kagflow.errors import ConfigError
from kagflow.runs.inner import folds_without_two, inner_folds, lost_nothing, two_of
from kagflow.runs.plan import splitter_of
from kagflow.runs.scores import Known, score_repeats
from kagflow.splits import Fold, Folds, frozen_folds
from kagflow.stats import Difference, paired_difference
from kagflow.training.postprocess import Post

_BLEND = "fit a blend"


@dataclass(frozen=True, eq=False)
class Nested:
    """A method's predictions of which every step was fitted without the rows' own fold.

    Attributes
    ----------
    method
        How members were blended.
    repeats
        The rows of each repeat of the folds.
    predictions
        (n,) or (n, k) of each repeat, post-processed.
    scores
        ``cv``, ``se`` and ``folds``, as of a run.
    """

    method: Method
    repeats: tuple[Rows, ...]
    predictions: tuple[NDArray[Any], ...]
    scores: Mapping[str, Any]

    @property
    def rows(self) -> Rows:
        """The rows of the first repeat."""
        return self.repeats[0]

    @property
    def cv_crossfitted(self) -> float:
        """Its score, under the name by which ``choose`` asks for it."""
        return float(self.scores["cv"])

    def before_labels(self) -> None:
        """None: predictions are kept after post-processing only."""
        return

    def against(self, other: "Nested") -> Difference:
        """Return the paired difference of nested scores, the mean over repeats."""
        found = [
            paired_difference(
                rows.metric, rows.y, mine, theirs, weight=rows.weight, units=rows.units, further=rows.further
            )
            for rows, mine, theirs in zip(self.repeats, self.predictions, other.predictions, strict=True)
        ]
        return Difference(float(np.mean([each.value for each in found])), float(np.mean([each.se for each in found])))

    def document(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it."""
        return {f"{name}_nested": self.scores[name] for name in ("cv", "se", "folds")}


def score_nested(
    bank: Bank,
    methods: Sequence[Method],
    post: Post | None,
    data: Dataset,
    origin: Source,
    watcher: Watcher | None = None,
) -> list[Nested]:
    """Return the nested scores of methods, whose members are fitted again inside each fold.

    Parameters
    ----------
    bank
        The members; ``check_refittable`` let them pass.
    methods
        Ways to blend them; all share the fits.
    post
        Post-processing of the blends.
    data, origin
        The competition's data, and where they were read.
    watcher
        Is told how it goes on.

    Raises
    ------
    ConfigError
        A member cannot be fitted again; it names it.
    SplitError
        An outer fold leaves no two folds to fit on.
    """
    folds = _folds(bank, data)
    fits = folds_without_two(folds, _BLEND)
    inner = refit_members(bank.members, bank.competition, origin, fits, watcher or Nobody())
    repeats = [_Repeat(bank, folds, inner, number) for number in range(len(bank.repeats))]
    made = [each.predict(methods, post) for each in repeats]
    rows = tuple(each.rows for each in repeats)
    return [_scored(bank, method, rows, [each[k] for each in made]) for k, method in enumerate(methods)]


class _Repeat:
    """One repeat of the folds: what members said of its rows, and what they would have said without an outer fold."""

    def __init__(self, bank: Bank, folds: Folds, inner: Sequence[InnerPredictions], number: int) -> None:
        index = bank.repeats[number]
        self.rows = bank.rows(index)
        self._names, self._oof, self._inner, self._whole = bank.names, bank.oof[:, index], inner, folds
        self._outer = [folds.folds[number] for number in self.rows.fold_numbers]
        self._positions = np.sort(np.concatenate([fold.valid for fold in self._outer]))

    def predict(self, methods: Sequence[Method], post: Post | None) -> list[Values]:
        """Return each method's predictions of all rows."""
        by_fold, index = [], []
        for outer in self._outer:
            level, own = self._level(outer), np.flatnonzero(self.rows.folds == outer.number)
            members = dict(zip(self._names, self._oof[:, own], strict=True))
            by_fold.append([_learn(method, level, post)(members) for method in methods])
            index.append(own)
        order = np.argsort(np.concatenate(index))
        return [np.concatenate([each[k] for each in by_fold])[order] for k in range(len(methods))]

    def _level(self, outer: Fold) -> Level:
        """Return what members would have said of an outer fold's training rows, had its valid rows not been there."""
        folds = inner_folds(self._whole, outer, _BLEND)
        places = np.searchsorted(self._positions, np.concatenate([fold.valid for fold in folds]))
        order = np.argsort(places)
        members = [
            np.concatenate([self._member(k, outer, fold) for fold in folds])[order] for k in range(len(self._names))
        ]
        return Level(self.rows.take(places[order]), members, self._names)

    def _member(self, k: int, outer: Fold, inner: Fold) -> Values:
        """Return what a member says of an inner fold's valid rows, in the bank's form."""
        if lost_nothing(self._whole, inner):
            known: Values = self._oof[k, np.searchsorted(self._positions, inner.valid)]
            return known
        made = self._inner[k].of(two_of(outer, inner), inner.valid)
        if made.ndim > self._oof[k].ndim:  # the bank holds the expected class
            made = made @ np.arange(made.shape[1], dtype=np.float64)
        return made.astype(self._oof.dtype)


def _learn(method: Method, level: Level, post: Post | None) -> Callable[[Mapping[str, Values]], Values]:
    """Return what a method and the post-processing make of predictions, as they would for test rows."""
    return method.fit_part(level.whole()).apply if post is None else score_level(method, level, post).apply


def _folds(bank: Bank, data: Dataset) -> Folds:
    """Return the folds of the members, which have all the same.

    Raises
    ------
    ConfigError
        They would be others today.
    """
    run, competition = bank.members[0], bank.competition
    splitter = splitter_of(competition, read_experiment(run.path / "experiment.yaml"))
    folds = frozen_folds(splitter, data.train, data.fingerprint, competition.data_folder / "folds")
    if folds.fingerprint != run.facts["fingerprints"]["folds"]:
        raise ConfigError(
            "the members' folds are not those of today", hint="run the members' configs again", where="--nested"
        )
    return folds


def _scored(bank: Bank, method: Method, rows: tuple[Rows, ...], predictions: Sequence[NDArray[Any]]) -> Nested:
    known = [Known.of(bank.known[index]) for index in bank.repeats]
    scores = score_repeats(bank.competition.metric, list(zip(known, predictions, strict=True)))
    return Nested(method, rows, tuple(predictions), scores)
