"""From a model's space to what Optuna samples, and the points that are tried before it samples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kagflow.config import Experiment
from kagflow.errors import ConfigError
from kagflow.models import Model, configured_space
from kagflow.models.space import Choice, Range, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

AS_IT_IS = "config"
"""Name of the point that is the config itself."""


@dataclass(frozen=True)
class Search:
    """Where parameters are looked for.

    Attributes
    ----------
    space
        By the main names of the library's parameters; not empty.
    given
        Parameters of every trial: the config's, and those that its `space` fixes.
    """

    space: Space
    given: Mapping[str, Any]

    @classmethod
    def of(cls, model: Model, experiment: Experiment) -> "Search":
        """Return the space of a model, as the experiment changes it.

        Raises
        ------
        ConfigError
            There is nothing to look for, or the experiment's `space` is not what it must be.
        """
        space, fixed = configured_space(model, experiment.space)
        if not space:
            what = model.estimator or f"the kind `{model.kind}`"
            raise ConfigError(
                f"{what} has no parameters to look for beside those that the config gives",
                hint="name some in the config, as in `space: {alpha: {low: 0.01, high: 100, log: true}}`",
                where="space",
            )
        return cls(space, {**model.params, **fixed})

    def distributions(self) -> "dict[str, BaseDistribution]":
        """Return the space as Optuna has it."""
        return {name: _distribution(place) for name, place in self.space.items()}

    def params(self, sampled: Mapping[str, Any], exact: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the parameters of a trial: a point's exact ones, or those that were sampled."""
        if exact is not None:
            return dict(exact)
        return {**self.given, **{name: _value(self.space[name], value) for name, value in sampled.items()}}

    def document(self) -> dict[str, Any]:
        """Return the space as a study keeps it, to tell it from others."""
        return {
            name: [place.low, place.high, place.log] if isinstance(place, Range) else list(map(str, place.options))
            for name, place in sorted(self.space.items())
        }


@dataclass(frozen=True)
class Point:
    """Parameters that are tried first.

    Attributes
    ----------
    name
        Tells it from other points of the study.
    exact
        The parameters of the fit, which may lie outside of the space.
    near
        The point of the space nearest to them, for the sampler to learn from; what is not in it is sampled.
    """

    name: str
    exact: Mapping[str, Any]
    near: Mapping[str, Any]


def first_points(model: Model, search: Search) -> Iterator[Point]:
    """Yield the config as it is, and what did well elsewhere where it lies inside of the space."""
    usual = {**model.defaults, **model.params}
    yield Point(AS_IT_IS, dict(model.params), _near(search.space, usual))
    for number, known in enumerate(model.known_params()):
        own = {name: value for name, value in known.items() if name in search.space}
        is_new = any(usual.get(name) != value for name, value in own.items())
        if is_new and all(_contains(search.space[name], value) for name, value in own.items()):
            yield Point(f"known-{number}", {**search.given, **own}, _near(search.space, {**usual, **own}))


def _near(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    near: dict[str, Any] = {}
    for name, place in space.items():
        value = values.get(name)
        if isinstance(place, Choice):
            if _contains(place, value):
                near[name] = _label(value)
        elif isinstance(value, int | float):
            inside = min(max(value, place.low), place.high)
            near[name] = round(inside) if place.whole else float(inside)
    return near


def _contains(place: Range | Choice, value: Any) -> bool:
    if isinstance(place, Choice):
        return any(type(option) is type(value) and option == value for option in place.options)
    return isinstance(value, int | float) and place.low <= value <= place.high


def _distribution(place: Range | Choice) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(place, Choice):
        return CategoricalDistribution([_label(option) for option in place.options])
    if place.whole:
        return IntDistribution(int(place.low), int(place.high), log=place.log)
    return FloatDistribution(place.low, place.high, log=place.log)


def _label(option: Any) -> str:
    """Return what stands for an option in a study: true, 1 and "1" are three."""
    return option if isinstance(option, str) else repr(option)


def _value(place: Range | Choice, sampled: Any) -> Any:
    if isinstance(place, Range):
        return sampled
    return next(option for option in place.options if _label(option) == sampled)
