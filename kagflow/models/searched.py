"""Where a model's parameters are looked for, once a config has narrowed, widened, fixed, added or removed some."""

from collections.abc import Mapping
from typing import Any

from kagflow.errors import ConfigError, did_you_mean
from kagflow.models.base import Model
from kagflow.models.space import Choice, Range, Space

_ENDS = ("low", "high", "log")
_FORMS = "a range [low, high] or {low, high, log}, {choices: [...]}, one value to fix it, or null to leave it alone"


def configured_space(model: Model, settings: Mapping[str, Any]) -> tuple[Space, dict[str, Any]]:
    """Return where parameters are looked for, and which are fixed.

    Parameters
    ----------
    model
        Whose own space is the start. A parameter that `model.params` give is not looked for, unless the settings
        name it.
    settings
        By any name of a parameter: ``[low, high]`` or ``{low: 0.01, high: 0.2, log: true}`` for a range, of which an
        end or ``log`` that is not said is that of the model's own; ``{choices: [a, b]}``; one value to fix it; null
        not to look for it (the library's default holds, or what `model.params` give).

    Returns
    -------
    tuple
        The space, and the fixed values, both by the main names of the parameters.

    Raises
    ------
    ConfigError, ModelError
        A parameter is unknown, kagflow's own or given twice; a range is empty, or its ends are no numbers.
    """
    space = {name: place for name, place in model.search_space().items() if name not in model.params}
    fixed: dict[str, Any] = {}
    named: dict[str, str] = {}
    for name, setting in settings.items():
        where = f"space.{name}"
        main = model.main_name(name, where)
        _check_known(model, main, where)
        if main in named:
            raise ConfigError(f"`{name}` and `{named[main]}` are one parameter", hint="keep one of them", where=where)
        named[main] = name
        own = model.search_space().get(main, model.defaults.get(main))
        space.pop(main, None)
        if isinstance(setting, (list, tuple, Mapping)):
            space[main] = _place(setting, own, where)
        elif setting is not None:
            fixed[main] = _fixed(setting, model, main, where)
    return space, fixed


def _check_known(model: Model, name: str, where: str) -> None:
    known = model.parameter_names()
    if known and name not in known:
        raise ConfigError(
            f"{model.estimator or type(model).__name__} has no parameter {name!r}",
            hint=did_you_mean(name, known),
            where=where,
        )


def _fixed(value: Any, model: Model, name: str, where: str) -> Any:
    if name in model.params:
        raise ConfigError(
            f"{name} is fixed here to {value!r}, and model.params.{name} says {model.params[name]!r}",
            hint="keep one of the two",
            where=where,
        )
    return value


def _place(setting: list[Any] | tuple[Any, ...] | Mapping[str, Any], own: Any, where: str) -> Range | Choice:
    """Return a range or a choice; ``own`` is the model's, or its default value, or ``None``."""
    if not isinstance(setting, Mapping):
        if len(setting) != 2 or not all(map(_is_number, setting)):
            raise ConfigError(
                f"a list is a range of two numbers, got {list(setting)!r}",
                hint="for one of several values write {choices: [...]}",
                where=where,
            )
        setting = dict(zip(_ENDS, setting, strict=False))
    if "choices" in setting:
        return _choice(setting, where)
    for key in setting:
        if key not in _ENDS:
            raise ConfigError(f"unknown key `{key}`", hint=did_you_mean(str(key), (*_ENDS, "choices")), where=where)
    return _range(setting, own, where)


def _choice(setting: Mapping[str, Any], where: str) -> Choice:
    options = setting["choices"]
    if len(setting) > 1:
        other = next(key for key in setting if key != "choices")
        raise ConfigError(f"`choices` and `{other}` do not go together", hint=f"write {_FORMS}", where=where)
    if not isinstance(options, (list, tuple)) or not options:
        raise ConfigError(f"`choices` must be a list of values, got {options!r}", where=where)
    for option in options:
        if option is not None and not isinstance(option, (bool, int, float, str)):
            raise ConfigError(f"a choice is a word, a number, true, false or null, got {option!r}", where=where)
    # True equals 1: compared with their types, they are two options.
    if len({(type(option), option) for option in options}) < len(options):
        raise ConfigError(f"`choices` has a value twice: {list(options)!r}", where=where)
    return Choice(tuple(options))


def _range(setting: Mapping[str, Any], own: Any, where: str) -> Range:
    usual = own if isinstance(own, Range) else None
    ends = {}
    for key in ("low", "high"):
        if key not in setting and usual is None:
            raise ConfigError(f"a range needs `{key}`", hint=f"write {_FORMS}", where=where)
        ends[key] = setting[key] if key in setting else getattr(usual, key)
        if not _is_number(ends[key]):
            raise ConfigError(f"`{key}` must be a number, got {ends[key]!r}", where=where)
    low, high = _of_one_type(ends["low"], ends["high"], own, where)
    if not low < high:
        raise ConfigError(
            f"`low` must lie below `high`, got {low} and {high}",
            hint="to fix a parameter, write its value",
            where=where,
        )
    # A range that reaches zero is looked at evenly, unless it is said to be logarithmic.
    log = setting.get("log", usual is not None and usual.log and low > 0)
    if not isinstance(log, bool):
        raise ConfigError(f"`log` must be true or false, got {log!r}", where=where)
    if log and low <= 0:
        raise ConfigError(
            f"a logarithmic range needs a positive `low`, got {low}", hint="raise it, or write log: false", where=where
        )
    return Range(low, high, log)


def _of_one_type(low: float, high: float, own: Any, where: str) -> tuple[float, float]:
    """Return both ends as whole numbers, or neither: by what the model's own range or default is, if it has one."""
    ends = (own.low, own.high) if isinstance(own, Range) else (own,)
    given = isinstance(low, int) and isinstance(high, int)
    if all(isinstance(end, int) and not isinstance(end, bool) for end in ends) and not given:
        raise ConfigError(
            f"it takes whole numbers, got {low} and {high}", hint="write both without a point", where=where
        )
    whole = given and not any(isinstance(end, float) for end in ends)
    return (low, high) if whole else (float(low), float(high))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
