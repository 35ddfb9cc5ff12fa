"""Level 2: what is fitted on OOF predictions, such as post-processing.

With the models' OOF held fixed it is exact: what a fold is processed by does not hang on its own targets. End to end
it cannot be, for the other folds' models trained on these targets; how much that is, is measured.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from kagflow.audit.bench import SEED, Bench, Experiment, rng_of
from kagflow.audit.findings import Finding
from kagflow.audit.leverage import measured, own_label_leverage
from kagflow.audit.pipeline import PipelineSubject
from kagflow.audit.subject import Scored, Seen, as_columns
from kagflow.audit.world import Values, World, other_targets
from kagflow.runs.plan import Plan
from kagflow.training.postprocess import Post, cross_fit

_DRAWS = 3


def post_processing(plan: Plan, subject: PipelineSubject) -> tuple[str, str, Experiment]:
    """Return the experiment on an experiment's post-processing: its name, what it looks at, and itself."""
    assert plan.post is not None
    processed = ProcessedSubject(plan, subject, plan.post)

    def experiment(bench: Bench) -> list[Finding]:
        exact = processed.exact()
        leverage = own_label_leverage(processed, subject.folds[0].number, seed=SEED, draws=_DRAWS)
        return exact or [measured(leverage, f"postprocess: {plan.experiment.postprocess}, end to end")]

    return "post-processing", f"all folds, {_DRAWS} draws of noise", experiment


class ProcessedSubject:
    """A pipeline and what its OOF predictions go through, both run anew in every world."""

    def __init__(self, plan: Plan, subject: PipelineSubject, post: Post) -> None:
        self._subject, self._post = subject, post
        repeat = {fold.number for fold in plan.setup.folds if fold.repeat == 0}
        self.folds: Sequence[Scored] = [fold for fold in subject.folds if fold.number in repeat]
        self.y, self.classes, self.test_rows = subject.y, subject.classes, subject.test_rows
        self.groups, self.time = subject.groups, subject.time
        weight = plan.setup.table.weight
        self._weight = None if weight is None else weight.to_numpy()
        self._before: Values | None = None
        self._rows = np.concatenate([fold.valid for fold in self.folds])
        self._numbers = np.concatenate([np.full(len(fold.valid), fold.number) for fold in self.folds])

    def run(self, world: World, fit: Collection[int], look: Collection[int] = ()) -> Mapping[int, Seen]:
        """Return processed predictions of some folds; the models of all are fitted for them."""
        processed = self._process(self._oof(world), self.y[world.y_from])
        return {number: Seen(processed[self._numbers == number]) for number in {*fit, *look}}

    def exact(self) -> list[Finding]:
        """Hold the OOF fixed, and change one fold's targets: its processed predictions may not move."""
        world = World.unchanged(len(self.y), self.test_rows)
        oof = self._oof(world)
        before = self._process(oof, self.y)
        for fold in self.folds:
            rng = rng_of(fold.number)
            donors = other_targets(self.y, fold.valid, rng, classes=self.classes > 0)
            after = self._process(oof, self.y[world.with_targets(fold.valid, donors).y_from])
            own = self._numbers == fold.number
            share = float((as_columns(before[own]) != as_columns(after[own])).any(axis=1).mean())
            if share:
                return [
                    Finding(
                        code="KF201",
                        severity="error",
                        message=f"with other targets of fold {fold.number}'s valid rows, and the models' OOF held "
                        f"fixed, {share:.0%} of its processed predictions move",
                        where="postprocess",
                        size=share,
                        hint="fit it on the other folds only",
                    )
                ]
        return []

    def _oof(self, world: World) -> Values:
        """Return the models' OOF predictions; those of the real world are made once."""
        if not world.is_unchanged:
            return self._fitted(world)
        if self._before is None:
            self._before = self._fitted(world)
        return self._before

    def _fitted(self, world: World) -> Values:
        numbers = [fold.number for fold in self.folds]
        seen = self._subject.run(world, numbers)
        oof = [each for number in numbers if (each := seen[number].oof) is not None]
        made: Values = np.concatenate(oof)
        return made

    def _process(self, oof: Values, y: Values) -> Values:
        weight = None if self._weight is None else self._weight[self._rows]
        return cross_fit(self._post, self._numbers, oof, y[self._rows], weight)
