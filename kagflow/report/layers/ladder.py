"""The ladder: what each layer bought on a competition, what it cost, and where the rest is noise.

Layer by layer, from the plainest run up, the best run of each is held against the last rung that bought something, on
the same rows. Not against the rung right below: where that one is worse, the next would be flattered by it, and many
small steps, each inside the noise, would never add up to one that is not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kagflow.competition import Competition
from kagflow.ensemble.bank import ENSEMBLE
from kagflow.report.layers.costs import Costs
from kagflow.report.layers.missing import how_to_make, tried_beside
from kagflow.report.layers.recipe import LAYERS, Layer, Recipe, layer_of, plainest, recipe_of
from kagflow.report.layers.rungs import Rung, Verdict
from kagflow.report.runs.same_rows import SameRows
from kagflow.runs import Run, list_runs
from kagflow.stats import Difference, rounded
from kagflow.tuning.studied import Studied, read_studies

_NO_PAIR = "of another target, weight or group"


@dataclass(frozen=True)
class Ladder:
    """All rungs, from the baseline up.

    Attributes
    ----------
    competition, metric, direction
        What the scores are of; ``direction`` is ``minimize`` or ``maximize``.
    rungs
        One a layer, in the order of ``LAYERS``.
    left_out
        Why a run stands on no rung, by its name.
    """

    competition: str
    metric: str
    direction: str
    rungs: tuple[Rung, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def stop(self) -> Rung | None:
        """The last rung that bought something, or the baseline; ``None`` without a run."""
        bought = [rung for rung in self.rungs if rung.verdict in ("start", "bought")]
        return bought[-1] if bought else None

    @property
    def minutes(self) -> float | None:
        """What all rungs up to the last one that is worth it cost; ``None`` where that of one is unknown."""
        if self.stop is None:
            return None
        costs = [rung.minutes for rung in self.rungs[: self.rungs.index(self.stop) + 1] if rung.run is not None]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    @property
    def sentence(self) -> str:
        """Where to stop, in a sentence."""
        if self.stop is None:
            return f"There is no run to stand on yet: `{self.rungs[0].todo}` makes the first."
        first, last = self.rungs[0], self.stop
        assert first.run is not None
        above = self.rungs[self.rungs.index(last) + 1 :]
        noise = [rung.layer for rung in above if rung.verdict in ("noise", "worse")]
        missing = [rung.layer for rung in self.rungs if rung.verdict == "missing"]
        if last is first:
            said = f"Nothing tried so far buys more than noise over the baseline, {self.metric} {first.score}"
        else:
            assert last.run is not None
            start = rounded(first.run.scores["cv"], last.run.scores["se"])
            cost = "" if self.minutes is None else f" in {_in_minutes(self.minutes)}"
            said = f"Stop at the {last.layer}: {self.metric} {last.score}, from the baseline's {start}{cost}"
        if noise and last is not first:
            said += f"; what {_and(noise)} bought above that is inside the noise, or worse"
        return said + (f". No run yet for: {_and(missing)}." if missing else ".")

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        stop = self.stop
        return {
            "competition": self.competition,
            "metric": self.metric,
            "direction": self.direction,
            "rungs": [rung.document() for rung in self.rungs],
            "stop": None if stop is None else stop.layer,
            "minutes": self.minutes,
            "sentence": self.sentence,
            "left_out": dict(self.left_out),
        }


def ladder(
    competition: Competition, runs: Sequence[Run] | None = None, studies: Sequence[Studied] | None = None
) -> Ladder:
    """Return the ladder of a competition.

    Parameters
    ----------
    competition
        As ``kagflow.load`` returns it.
    runs, studies
        Its complete runs, in any order, and its studies; read when absent.
    """
    known = list_runs(competition.runs_folder) if runs is None else runs
    found = read_studies(competition.runs_folder) if studies is None else studies
    return _Climb(competition, known, found).ladder()


class _Climb:
    """Builds a ladder, rung by rung."""

    def __init__(self, competition: Competition, runs: Sequence[Run], studies: Sequence[Studied]) -> None:
        self._competition, self._metric = competition, competition.metric
        self._studies = {study.name: study for study in studies}
        self._costs = Costs({run.name: run for run in runs}, {study.name: study.seconds for study in studies})
        self._left_out: dict[str, str] = {}
        self._recipes = [recipe_of(run) for run in self._usable(sorted(runs, key=lambda run: run.name))]
        self._standing: tuple[Recipe, Any] | None = None
        self._rungs: list[Rung] = []

    def ladder(self) -> Ladder:
        for layer, recipes in self._layers().items():
            self._rungs.append(self._rung(layer, recipes))
        metric = self._metric
        return Ladder(self._competition.name, metric.name, metric.direction, tuple(self._rungs), self._left_out)

    # --- which runs -------------------------------------------------------------------------------------------------

    def _usable(self, runs: Iterable[Run]) -> list[Run]:
        """Return the runs whose scores make a claim and compare with the newest one's; note why others do not."""
        scored = []
        for run in runs:
            why = _no_claim(run, self._metric.name)
            if why:
                self._left_out[run.name] = why
            else:
                scored.append(run)
        for run in scored:
            if not run.compares_with(scored[-1]):
                self._left_out[run.name] = "of another edition, data set or set of folds than the newest run"
        return [run for run in scored if run.name not in self._left_out]

    def _layers(self) -> dict[Layer, list[Recipe]]:
        """Return the runs of each layer, the best first."""
        layers: dict[Layer, list[Recipe]] = {layer: [] for layer in LAYERS}
        baseline = self._baseline()
        if baseline is None:
            return layers
        for recipe in self._ranked():
            layer = layer_of(recipe, baseline)
            if layer is not None:
                layers[layer].append(recipe)
        # What stands for the start is the plainest run, not the luckiest of its repetitions.
        layers["baseline"].sort(key=lambda recipe: recipe.plainness)
        others = layers["second library"]
        layers["third library"] = [recipe for recipe in others if recipe.family != others[0].family]
        return layers

    def _baseline(self) -> Recipe | None:
        """Return the plainest run of the rows of the newest one."""
        while (first := plainest(self._recipes)) is not None and self._same_rows.oof(first.run) is None:
            self._leave_out(first)
        return first

    def _leave_out(self, recipe: Recipe) -> None:
        self._left_out[recipe.run.name] = _NO_PAIR
        self._recipes.remove(recipe)

    def _ranked(self) -> list[Recipe]:
        sign = 1 if self._metric.direction == "minimize" else -1
        return sorted(self._recipes, key=lambda recipe: (sign * recipe.run.scores["cv"], recipe.run.name))

    @cached_property
    def _same_rows(self) -> SameRows:
        return SameRows(self._recipes[-1].run, self._metric)

    # --- one rung ---------------------------------------------------------------------------------------------------

    def _rung(self, layer: Layer, recipes: Sequence[Recipe]) -> Rung:
        if self._standing is None:
            return self._start(layer, recipes)
        tried = self._read(recipes)
        if not tried:
            return self._missing(layer)
        best, _ = tried[0]
        standing, before = self._standing
        difference, gain = self._same_rows.gain(before, [oof for _, oof in tried])
        gain = Difference(gain.value + self._flattery(best, standing), gain.se)
        verdict = self._verdict(gain)
        if verdict == "bought":
            self._standing = tried[0]
        return Rung(
            layer=layer,
            verdict=verdict,
            run=best.run,
            what=_what(best),
            against=standing.run,
            on=next(rung.layer for rung in self._rungs if rung.run is standing.run),
            difference=difference,
            gain=gain,
            tried=len(recipes),
            minutes=self._costs.pay(best.run),
            minutes_tried=self._costs.of_all(recipe.run for recipe in recipes),
        )

    def _start(self, layer: Layer, recipes: Sequence[Recipe]) -> Rung:
        """Return the baseline."""
        if not recipes:
            return self._missing(layer)
        first = recipes[0]
        self._standing = first, self._same_rows.oof(first.run)
        return Rung(
            layer=layer,
            verdict="start",
            run=first.run,
            what=_what(first),
            tried=len(recipes),
            minutes=self._costs.pay(first.run),
            minutes_tried=self._costs.of_all(recipe.run for recipe in recipes),
        )

    def _missing(self, layer: Layer) -> Rung:
        standing = None if self._standing is None else self._standing[0].run
        todo = how_to_make(layer, self._competition, self._recipes, standing)
        return Rung(layer, "missing", what=tried_beside(layer, self._recipes), todo=todo)

    def _read(self, recipes: Sequence[Recipe]) -> list[tuple[Recipe, Any]]:
        """Return the best runs of a layer with their predictions, as many as are compared at once."""
        found: list[tuple[Recipe, Any]] = []
        for recipe in recipes:
            if len(found) == self._same_rows.most:
                break
            oof = self._same_rows.oof(recipe.run)
            if oof is None:
                self._leave_out(recipe)
            else:
                found.append((recipe, oof))
        return found

    def _flattery(self, best: Recipe, standing: Recipe) -> float:
        """Return what choosing among trials made of a score, which what stands below does not share."""
        study = self._studies.get(best.study or "")
        return 0.0 if study is None or best.study == standing.study else study.flattery

    def _verdict(self, gain: Difference) -> Verdict:
        if gain.is_noise:
            return "noise"
        return "bought" if self._metric.better(gain.value, 0.0) else "worse"


def _no_claim(run: Run, metric: str) -> str:
    """Return why a run's score says nothing here; nothing where it does."""
    if run.quick:
        return "a quick look"
    if not run.scored:
        return f"no score: {run.scores['why_no_cv']}"
    if run.scores["metric"] != metric:
        return "of another metric"
    return "" if run.honest else "foreign: its score makes no claim"


def _what(recipe: Recipe) -> str:
    """Return what a run is, in words."""
    if recipe.run.kind != ENSEMBLE:
        return recipe.made_of
    members = [each for each in recipe.run.facts["members"] if each["weight"] != 0]
    return f"{recipe.family.replace('_', ' ')} of {len(members)} member{'s' * (len(members) != 1)}"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _in_minutes(minutes: float) -> str:
    return f"{minutes:.1f} min" if minutes < 10 else f"{minutes:.0f} min"
