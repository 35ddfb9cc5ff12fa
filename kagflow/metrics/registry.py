"""Finding a metric by what `competition.yaml` writes: a name, or a name with a setting as in `pinball@0.9`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from kagflow.errors import ConfigError, did_you_mean
from kagflow.metrics.base import Metric
from kagflow.metrics.columnwise import mean_columnwise
from kagflow.metrics.labels import LABEL_METRICS, mean_average_precision
from kagflow.metrics.probabilities import PROBABILITY_METRICS
from kagflow.metrics.survival import concordance, stratified_concordance
from kagflow.metrics.values import VALUE_METRICS, pinball

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (*VALUE_METRICS, *PROBABILITY_METRICS, *LABEL_METRICS, concordance("concordance", None))
}


@dataclass(frozen=True)
class _Family:
    """A metric with a setting.

    Attributes
    ----------
    example
        How to write it.
    meaning
        What the setting is.
    make
        Takes the whole name and the setting; ``None`` for a setting that is none.
    """

    example: str
    meaning: str
    make: Callable[[str, str], Metric | None]


def _pinball(name: str, setting: str) -> Metric | None:
    try:
        quantile = float(setting)
    except ValueError:
        return None
    return pinball(name, quantile) if 0 < quantile < 1 else None


def _map(name: str, setting: str) -> Metric | None:
    return mean_average_precision(name, int(setting)) if re.fullmatch("[1-9][0-9]{0,4}", setting) else None


def _concordance(name: str, setting: str) -> Metric | None:
    return concordance(name, setting) if setting and "," not in setting else None


def _stratified_concordance(name: str, setting: str) -> Metric | None:
    columns = [column.strip() for column in setting.split(",")]
    return stratified_concordance(name, *columns) if len(columns) == 2 and all(columns) else None


def _mean_columnwise(name: str, setting: str) -> Metric | None:
    of = find_metric(setting) if setting else None
    return None if of is None or of.several or of.wants == "top_k" else mean_columnwise(name, of)


_FAMILIES: dict[str, _Family] = {
    "pinball": _Family("pinball@0.9", "the quantile, between 0 and 1", _pinball),
    "map": _Family("map@3", "the number of ranked labels, from 1 on", _map),
    "concordance": _Family("concordance@EVENT", "the column that is 1 where the event happened", _concordance),
    "stratified_concordance": _Family(
        "stratified_concordance@EVENT,STRATUM",
        "the column that is 1 where the event happened, and that of the strata",
        _stratified_concordance,
    ),
    "mean_columnwise": _Family(
        "mean_columnwise@auc", "the metric of one target, of values, probabilities or labels", _mean_columnwise
    ),
}


def find_metric(name: str) -> Metric:
    """Return the metric of that name.

    Parameters
    ----------
    name
        One of ``METRICS``, or a name with a setting: ``pinball@0.9``, ``map@3``, ``concordance@EVENT``,
        ``stratified_concordance@EVENT,STRATUM`` (names of columns), ``mean_columnwise@auc`` (of several targets;
        any metric of one target, with its setting too).

    Raises
    ------
    ConfigError
        There is none, or its setting is missing or wrong.
    """
    stem, at, setting = name.partition("@")
    if not at and name in METRICS:
        return METRICS[name]
    if stem not in _FAMILIES:
        raise _unknown(name, stem)
    family = _FAMILIES[stem]
    metric = family.make(name, setting)
    if metric is None:
        wrong = f"{setting!r} is not" if at else "it lacks its setting"
        raise ConfigError(
            f"the metric {name!r}: {wrong}{' ' + family.meaning if at else ''}",
            hint=f"write `metric: {family.example}`, the setting being {family.meaning}",
            where="metric",
        )
    return metric


def _unknown(name: str, stem: str) -> ConfigError:
    if stem in METRICS:
        return ConfigError(f"the metric {stem!r} has no setting", hint=f"write `metric: {stem}`", where="metric")
    known = [*METRICS, *(family.example for family in _FAMILIES.values())]
    return ConfigError(f"no metric is called {name!r}", hint=did_you_mean(name, known), where="metric")
