"""Candidates: ways to blend a bank, scored on every repeat of the folds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kagflow.ensemble.bank import Bank
from kagflow.ensemble.crossfit import Scored, score_level
from kagflow.ensemble.methods import Method, find_method, suited
from kagflow.ensemble.nested import Nested
from kagflow.ensemble.rows import Level, Rows
from kagflow.errors import KagflowError
from kagflow.stats import Difference
from kagflow.training.postprocess import FittedPost, Post

SINGLE = "single"
_SENSIBLE = (SINGLE, "mean", "rank_mean", "weighted", "climb", "ridge", "logistic")
_SLOW, _MOST_NUMBERS, _MOST_WORK = "logistic", 2_000_000, 3e8  # of more it takes minutes

Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Candidate:
    """An ensemble, scored on each repeat of the folds.

    Attributes
    ----------
    method
        How members are blended.
    repeats
        Its fits and scores, one a repeat.
    post
        What blends go through, fitted on all rows of all repeats; ``None`` for nothing.
    nested
        Its score with the members fitted again inside the folds; ``None`` where that was not asked for.
    """

    method: Method
    repeats: tuple[Scored, ...]
    post: FittedPost | None
    nested: Nested | None = None

    @property
    def rows(self) -> Rows:
        """The rows of the first repeat."""
        return self.repeats[0].rows

    @property
    def cv_crossfitted(self) -> float:
        """Score of predictions that were fitted on the other folds, the mean over repeats."""
        return float(np.mean([each.cv_crossfitted for each in self.repeats]))

    @property
    def cv_fitted(self) -> float:
        """Score on the rows that it was fitted on, which flatters; the mean over repeats."""
        return float(np.mean([each.cv_fitted for each in self.repeats]))

    @cached_property
    def se(self) -> float | None:
        """Standard error of ``cv_crossfitted``; ``None`` where there are fewer than two independent units."""
        return finite(float(np.mean([each.se for each in self.repeats])))

    @property
    def weights(self) -> Mapping[str, float] | None:
        """Weight of each member, the mean over repeats; ``None`` where it is no weighted sum."""
        weights = [each.blend.weights for each in self.repeats]
        known = [each for each in weights if each is not None]
        if len(known) < len(weights):
            return None
        return {name: float(np.mean([each.get(name, 0.0) for each in known])) for name in sorted(known[0])}

    def against(self, other: "Candidate") -> Difference:
        """Return the paired difference of cross-fitted scores, the mean over repeats."""
        if self is other:
            return Difference(0.0, 0.0)
        found = [mine.against(theirs) for mine, theirs in zip(self.repeats, other.repeats, strict=True)]
        return Difference(float(np.mean([each.value for each in found])), float(np.mean([each.se for each in found])))

    def before_labels(self) -> "Candidate | None":
        """Return the same, scored by what its labels are made from; ``None`` where the metric is not of labels."""
        softer = [each.before_labels() for each in self.repeats]
        repeats = tuple(each for each in softer if each is not None)
        return replace(self, repeats=repeats, post=None) if repeats else None

    def blend(self, members: Mapping[str, Values]) -> Values:
        """Return the blend of predictions of other rows, not post-processed: the mean of the repeats' blends."""
        made: Values = np.mean([each.blend.apply(members) for each in self.repeats], axis=0)
        return made

    def document(self, single: "Candidate") -> dict[str, Any]:
        """Return it as `ensemble.json` has it, with its difference from the best single member."""
        difference = self.against(single)
        return {
            "method": self.method.kind,
            "cv_fitted": self.cv_fitted,
            "cv_crossfitted": self.cv_crossfitted,
            "se": self.se,
            "difference": difference.value,
            "difference_se": finite(difference.se),
            **({} if self.nested is None else self._nested_document(self.nested, single)),
        }

    def _nested_document(self, nested: Nested, single: "Candidate") -> dict[str, Any]:
        assert single.nested is not None
        difference = nested.against(single.nested)
        return {
            **nested.document(),
            "difference_nested": difference.value,
            "difference_nested_se": finite(difference.se),
        }


def candidates(
    bank: Bank, methods: Sequence[str], post: Post | None, note: Callable[[str], None]
) -> Iterator[Candidate]:
    """Yield the candidates: the best single member first, then the methods that were asked for or are sensible.

    Parameters
    ----------
    bank
        What is blended.
    methods
        Names of methods; the sensible ones when empty.
    post
        Post-processing of every candidate.
    note
        Is told, in a line, why a method that was not asked for by name is left out.

    Raises
    ------
    KagflowError
        A method that was asked for is none, or is not for such predictions.
    """
    levels = levels_of(bank)
    usual = [method.kind for method in suited(levels[0]) if method.kind in _SENSIBLE]
    if _SLOW in usual and not methods and (bank.oof.size > _MOST_NUMBERS or _work(levels[0]) > _MOST_WORK):
        usual.remove(_SLOW)
        note(f"{_SLOW} would take minutes with so many predictions: ask for it by --method {_SLOW}")
    wanted = methods or (usual if len(bank.members) > 1 else [])
    for name in dict.fromkeys([SINGLE, *wanted]):
        method = find_method(name)
        try:
            yield score_method(method, levels, post)
        except KagflowError as error:
            if name in methods or name == SINGLE:
                raise
            note(f"{name} is left out: {error}")


def _work(level: Level) -> float:
    """Return rows times squared coefficients of a logistic regression on the members: what a step of its fit takes."""
    classes = level.classes or 1
    return len(level.rows) * float((len(level.names) + 1) * classes * classes) ** 2


def levels_of(bank: Bank) -> list[Level]:
    """Return what members said of the rows of each repeat."""
    if len(bank.repeats) == 1:
        return [Level(bank.rows(bank.repeats[0]), list(bank.oof), bank.names)]  # without a copy
    return [Level(bank.rows(rows), list(bank.oof[:, rows]), bank.names) for rows in bank.repeats]


def score_method(method: Method, levels: Sequence[Level], post: Post | None = None) -> Candidate:
    """Return a method's fits and scores on each repeat."""
    repeats = tuple(score_level(method, level, post) for level in levels)
    return Candidate(method, repeats, _post_of_all(repeats, post))


def _post_of_all(repeats: Sequence[Scored], post: Post | None) -> FittedPost | None:
    """Return the post-processing fitted on the cross-fitted blends of all repeats, for test rows."""
    if post is None or len(repeats) == 1:
        return repeats[0].post
    rows = [each.rows for each in repeats]
    weights = [each.weight for each in rows if each.weight is not None]
    return post.fit(
        np.concatenate([each.y for each in rows]),
        np.concatenate([each.oof for each in repeats]),
        np.concatenate(weights) if weights else None,
    )


def finite(value: float) -> float | None:
    """Return a number, or ``None`` where there is none."""
    return value if np.isfinite(value) else None
