"""More rows or more features? What a model gained from more training rows, as quick looks at samples tell."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import yaml

from kagflow.errors import KagflowError
from kagflow.metrics import Metric
from kagflow.report.state import State
from kagflow.runs import Run
from kagflow.runs.record import known_columns, prediction_columns
from kagflow.runs.scores import Known
from kagflow.stats import Difference, paired_difference

_SAMPLES = (0.25, 0.5)


@dataclass(frozen=True)
class Point:
    """A quick look at a sample, against the whole run on the very rows of the sample.

    Attributes
    ----------
    share, rows
        Of the training rows: their share and number.
    score, whole
        Of the models of the sample, and of those of all rows, on the sample's rows.
    lost
        The first less the second, positive where the sample's models are worse, with its noise.
    """

    share: float
    rows: int
    score: float
    whole: float
    lost: Difference


@dataclass(frozen=True)
class Learning:
    """What fewer training rows cost.

    Attributes
    ----------
    config, run
        Whose curve it is.
    metric
        The metric's name.
    rows
        All training rows.
    points
        The largest sample last; none where no quick look fits the run.
    """

    config: str
    run: str
    metric: str
    rows: int
    points: tuple[Point, ...]

    def command(self, competition: str) -> str:
        """Return what makes the curve."""
        config = "" if self.config == "default" else f" --config {self.config}"
        return " && ".join(f"kagflow cv {competition}{config} --sample {share:g}" for share in _SAMPLES)

    @property
    def a_doubling(self) -> Difference | None:
        """What the last doubling of rows was worth, positive for better; ``None`` without a point."""
        if not self.points:
            return None
        last = self.points[-1]
        doublings = -np.log2(last.share)
        return Difference(last.lost.value / doublings, last.lost.se / doublings)

    @property
    def advice(self) -> str:
        """What to do, in a sentence."""
        worth = self.a_doubling
        if worth is None:
            return "Nobody looked at fewer rows yet: two quick looks of the same config tell."
        told = f"A doubling of the training rows is worth {worth.value:.2g} ± {worth.se:.1g} of {self.metric}"
        if worth.is_noise:
            return f"{told}, which is noise: more rows would not help, so look for features."
        if worth.value < 0:
            return f"{told}: fewer rows did better, so look at whether old or odd rows mislead (`keep`, weights)."
        return f"{told}: more rows still help; try extra data, pseudo-labels, and a refit on all rows."


def learning(state: State, run: Run) -> Learning:
    """Return the learning curve of a run from the quick looks at samples that have its very settings."""
    points = [point for look in state.runs if (point := _point(look, run, state.competition.metric)) is not None]
    newest = {point.share: point for point in points}
    rows = int(run.scores.get("rows", 0))
    ordered = tuple(newest[share] for share in sorted(newest))
    return Learning(run.facts["config"], run.name, state.competition.metric.name, rows, ordered)


def _point(look: Run, run: Run, metric: Metric) -> Point | None:
    """Return what a quick look tells of a run; ``None`` where it is none at a sample, or is one of something else."""
    quick = look.facts.get("quick_look")
    if not quick or quick["folds"] or not quick["sample"] < 1 or not _same_settings(look, run):
        return None
    mine = look.oof().filter(pl.col("repeat") == 0)
    whole = run.oof().filter(pl.col("repeat") == 0)
    both = mine.select("id").join(whole, on="id", how="inner", maintain_order="left")
    if both.height != mine.height:
        return None
    known = Known.of(mine.select(known_columns(mine.columns)))
    sample, full = prediction_columns(mine), prediction_columns(both)
    try:
        lost = paired_difference(
            metric, known.y, sample, full, weight=known.weight, units=known.units, further=known.further
        )
        score, best = known.score(metric, sample), known.score(metric, full)
    except KagflowError:
        return None
    sign = 1 if metric.direction == "minimize" else -1
    rows = int(look.scores["rows"])
    return Point(float(quick["sample"]), rows, score, best, Difference(sign * lost.value, lost.se))


def _same_settings(look: Run, run: Run) -> bool:
    """Say whether two runs differ in how many rows they look at only."""
    prints = [each.facts["fingerprints"] for each in (look, run)]
    if any(prints[0][what] != prints[1][what] for what in ("sources", "edition")):
        return False
    if not str(prints[0]["data"]).startswith(str(prints[1]["data"])):
        return False
    return _settings(look) == _settings(run)


def _settings(run: Run) -> object:
    path = run.path / "experiment.yaml"
    if not path.is_file():
        return run.name
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    rounds = settings.get("rounds")
    if isinstance(rounds, dict):
        rounds.pop("refit", None)  # follows from the number of rows
    return settings
