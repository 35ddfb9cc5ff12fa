"""Which splitter mirrors how Kaggle drew test, from the files alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import yaml

from kagflow.audit.apart import Apartness, coarsest_apart, compare_sides, train_and_test
from kagflow.audit.chance import FALSE_ALARMS, log_last
from kagflow.audit.keys import Key, find_keys, looks_like_time, same_types
from kagflow.audit.moments import (
    both_times,
    distances,
    in_words,
    mean_distance,
    moment_setting,
    share_later,
    span_setting,
)
from kagflow.config import SplitterConfig, Task
from kagflow.data import Frame, Table
from kagflow.errors import SplitError
from kagflow.splits import make_splitter
from kagflow.splits.splitter import settings_of
from kagflow.splits.when import clock

DERIVED = ("GROUP", "TIME")
"""Columns that `features.py` makes; they are not named in `competition.yaml`."""
LATER = 0.95
"""Share of test rows after the last training row that makes test the future; a convention."""

_FOLDS, _SEED = 5, 42
_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 21, 28, 42, 56, 91)
_PLAIN, _GROUPED = {"kfold", "stratified"}, {"group", "stratified_group"}


@dataclass(frozen=True)
class Advice:
    """How to split so that valid differs from train as test does.

    Attributes
    ----------
    splitter
        Kind and settings.
    evidence
        Why, in sentences with figures.
    yaml
        Lines for `competition.yaml`.
    group, time
        What the splitter looks at: a column, or an expression for ``GROUP`` of `features.py`.
    """

    splitter: SplitterConfig
    evidence: tuple[str, ...]
    yaml: str
    group: str | None = None
    time: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the advice as JSON shows it."""
        splitter = {"kind": self.splitter.kind, **self.splitter.settings}
        return {**asdict(self), "splitter": splitter, "evidence": list(self.evidence)}


def advise_splitter(
    train: Frame,
    test: Frame,
    *,
    target: str,
    id: str,
    task: Task,
    declared: SplitterConfig | None = None,
) -> Advice:
    """Return the splitter that mirrors how test differs from train.

    Parameters
    ----------
    train, test
        (n, ...) and (m, ...) the files' rows, as they were read; only columns that both have are looked at.
    target, id
        Their names; the target is not looked at, and ids only if they are dates or have parts.
    task
        Decides whether plain folds are stratified.
    declared
        The splitter in use. Where the advice is of its kind, its settings are kept, but for where in time rows part.

    Notes
    -----
    Under a draw of rows it is known how many values of a column would have rows in both train and test. Where almost
    none has (and chance would do that once in 10 000 data sets), the rows of a value were kept together: they are a
    group, or a block of time. Where test lies after train, the future is asked for.
    """
    in_test = set(test.columns)
    shared = [name for name in train.columns if name in in_test and name != target]
    first, second = same_types(train.select(shared), test.select(shared))
    keys = find_keys(first, second, id)
    found = (
        _future(first, second, keys, id)
        or _kept_together(first, second, keys, id)
        or _drawn_at_random(keys, task, len(train), len(test))
    )
    return found if declared is None else _with_settings_of(declared, found)


def _with_settings_of(declared: SplitterConfig, advice: Advice) -> Advice:
    """Return advice of the declared kind and settings where it is alike, but for where in time rows are parted."""
    kinds, known = {declared.kind, advice.splitter.kind}, settings_of(declared.kind)
    declared = SplitterConfig(kind=declared.kind, **{n: v for n, v in declared.settings.items() if n in known})
    if any(kinds <= alike for alike in (_PLAIN, _GROUPED)):
        settings = declared.settings
    elif len(kinds) == 1:
        advised = advice.splitter.settings
        found = {"unit", "size", "dates", "gap", *(["folds"] if "dates" in advised else [])}
        settings = {**advised, **{name: value for name, value in declared.settings.items() if name not in found}}
    else:
        return advice
    splitter = SplitterConfig(kind=declared.kind, **settings)
    return replace(
        advice, splitter=splitter, yaml="\n".join([*advice.yaml.splitlines()[:-1], _splitter_line(splitter)])
    )


# --- test is the future ----------------------------------------------------------------------------------------------


def _future(train: Frame, test: Frame, keys: Sequence[Key], id_: str) -> Advice | None:
    """Advise folds forward in time where test lies after train."""
    n, rows = len(train), np.arange(len(train) + len(test))
    limit = np.log(FALSE_ALARMS / max(train.width, 1))
    for name in _later_in_test(train, test):
        if not _may_be_time(name, train[name], test[name], name == id_):
            continue
        time = both_times(train[name], test[name])
        later = share_later(time, rows[:n], rows[n:])
        by_chance = log_last(len(test), n, round(later * len(test)))
        if later < LATER or by_chance > limit or train[name].n_unique() < 3:
            continue
        evidence = [f"{later:.0%} of the test rows lie after the last training row by {name}"]
        settings = _forward_settings(train[name], test[name])
        if "dates" in settings:
            until = f"{moment_setting(test[name].min())} to {moment_setting(test[name].max())}"
            evidence.append(f"each fold scores a stretch of time as long as test, which is {until}")
        if "gap" in settings:
            evidence.append(f"the gap is the one between train and test: {settings['gap']}")
        group = _new_in_future(keys, time, n)
        if group is None:
            return _by_time(_advice("forward", settings, evidence), train[name], id_)
        key, in_test, in_train = group
        evidence.append(
            f"{in_test:.0%} of the test rows are of a {key.name} that train lacks; of the last part of train, as "
            f"large as test, only {in_train:.0%} are new in that way"
        )
        settings |= {"parts": 2, "seed": _SEED}
        return _by_time(_advice("group_forward", settings, evidence, key.made_of), train[name], id_)
    return None


def _later_in_test(train: Frame, test: Frame) -> list[str]:
    """Return the columns of numbers and dates by which test lies after train; of thousands, few need a closer look."""
    names = [name for name, dtype in train.schema.items() if dtype.is_numeric() or dtype in (pl.Date, pl.Datetime)]
    if not names:
        return []
    last = train.select(pl.col(names).max()).row(0)
    later = test.select(pl.col(name) > moment for name, moment in zip(names, last, strict=True)).mean()
    return [name for name, share in zip(names, later.row(0), strict=True) if share is not None and share >= LATER]


def _may_be_time(name: str, train: pl.Series, test: pl.Series, is_id: bool) -> bool:
    dtype = train.dtype
    if train.null_count() or test.null_count() or (is_id and dtype.is_numeric()):
        return False
    if looks_like_time(name, dtype):
        return True
    # Numbers without a telling name: moments hardly repeat, and are not row numbers either.
    if not dtype.is_numeric() or train.n_unique() < len(train) / 2:
        return False
    return bool((both_times(train, test).sort().diff().drop_nulls() != 1).any())


def _forward_settings(train: pl.Series, test: pl.Series) -> dict[str, Any]:
    """Return where blocks begin, such that each is as long as test, and the gap that there is before test."""
    step: Any = train.unique().sort().diff().median()
    ends_of: list[Any] = [train.min(), train.max(), test.min(), test.max()]
    first, last, begins, ends = ends_of
    length, gap = ends - begins + step, begins - last
    gaps = {"gap": span_setting(gap)} if gap > 3 * step else {}
    blocks = min(_FOLDS, int((last - first) / 2 / length))
    if blocks < 2:
        return {"folds": min(_FOLDS, train.n_unique() - 1), **gaps}
    starts = [last + step - length * back for back in range(blocks, 0, -1)]
    return {"dates": [moment_setting(start) for start in starts], **gaps}


def _new_in_future(keys: Sequence[Key], time: pl.Series, n: int) -> tuple[Key, float, float] | None:
    """Return the key that is new in test though not in the last part of train, with both shares of new rows.

    A cut of train at a moment of its own says what the future alone does: how often a value of the late rows is new.
    That all values of test are new then has that probability to the power of their number.
    """
    moments, rows = clock(time), np.arange(n)
    late = moments[:n] >= np.quantile(moments[:n], n / len(moments))
    new: list[tuple[Key, float, float]] = []
    for key in keys:
        if late.all() or not key.complete or key.unit or key.column == time.name:
            continue
        test = compare_sides(key.codes, key.values, rows, np.arange(n, len(moments)))
        own = compare_sides(key.codes, key.values, rows[~late], rows[late])
        in_late, in_past = np.unique(key.codes[:n][late]), np.unique(key.codes[:n][~late])
        of_values = (np.count_nonzero(~np.isin(in_late, in_past)) + 1) / (len(in_late) + 1)
        chance = len(np.unique(key.codes[n:])) * np.log(of_values)
        if test.unseen >= LATER and chance < np.log(FALSE_ALARMS / len(keys)):
            new.append((key, test.unseen, own.unseen))
    return min(new, key=lambda found: found[0].values) if new else None


# --- rows were kept together -----------------------------------------------------------------------------------------


def _kept_together(train: Frame, test: Frame, keys: Sequence[Key], id_: str) -> Advice | None:
    """Advise groups, or blocks of time, where train and test were torn apart by whole values of a key."""
    found = coarsest_apart(keys)
    if found is None:
        return None
    key, seen = found
    evidence = [
        f"{seen.straddling or 'none'} of the {key.values} values of {key.name} "
        f"{'have' if seen.straddling > 1 else 'has'} rows in both train and test; "
        f"a draw of rows would leave {seen.expected:.0f}"
    ]
    if key.unit or looks_like_time(key.column, train.schema[key.column]):
        return _by_time(_blocks(key, train[key.column], test[key.column], evidence), train[key.column], id_)
    groups = len(np.unique(key.codes[: key.train]))
    evidence.append(f"so every scored row must be of a group that no training row is of; train has {groups} groups")
    return _advice("group", {"folds": min(_FOLDS, groups), "seed": _SEED}, evidence, key.made_of)


def _blocks(key: Key, train: pl.Series, test: pl.Series, evidence: list[str]) -> Advice:
    """Advise blocks of such a size that valid rows are as far from training rows as test rows are."""
    settings = {"unit": key.unit or 1, "size": 1, "folds": _FOLDS, "seed": _SEED}
    time, rows = both_times(train, test), np.arange(len(train) + len(test))
    wanted = float(distances(time, rows[: len(train)], rows[len(train) :]).mean())
    reached = {size: reach for size in _SIZES if (reach := _reach(train, {**settings, "size": size})) is not None}
    if reached and wanted:
        size = min(reached, key=lambda size: abs(np.log(reached[size] / wanted)))
        settings["size"] = size
        evidence.append(
            f"a test row is {in_words(wanted, time)} from the nearest training row; with these blocks a valid row "
            f"is {in_words(reached[size], time)} from it"
        )
    return _advice("blocks", settings, evidence)


def _reach(time: pl.Series, settings: dict[str, Any]) -> float | None:
    """Return the mean distance of valid from training rows in such blocks; None where there are too few of them."""
    ids = pl.Series("id", np.arange(len(time)))
    try:
        return mean_distance(time, make_splitter("blocks", settings).split(Table(ids, ids.to_frame(), time=time)))
    except SplitError:
        return None


# --- rows were drawn at random ---------------------------------------------------------------------------------------


def _drawn_at_random(keys: Sequence[Key], task: Task, train: int, test: int) -> Advice:
    evidence = [f"nothing was found that a draw of {test} of {train + test} rows would not do"]
    seen = [(key, train_and_test(key)) for key in keys]
    telling = [(key, found) for key, found in seen if _told_by(found, key) > 10]
    if telling:
        key, found = max(telling, key=lambda pair: _told_by(pair[1], pair[0]))
        evidence.append(
            f"of the {key.values} values of {key.name}, {found.straddling} have rows in both train and test; a draw of "
            f"rows would leave {found.expected:.0f}"
        )
    evidence += [
        f"but {found.unseen:.0%} of the test rows hold a {key.name} that train lacks, {found.unseen_by_chance:.0%} by "
        "chance: look at it"
        for key, found in seen
        if found.z > 5 and found.separation > 0.1
    ]
    kind = "kfold" if task == "regression" else "stratified"
    return _advice(kind, {"folds": _FOLDS, "seed": _SEED}, evidence)


def _told_by(found: Apartness, key: Key) -> float:
    """Return how many values might as well have straddled as not: the more, the more is known of the draw."""
    return min(found.expected, key.values - found.expected)


# --- how it is written down ------------------------------------------------------------------------------------------


def _advice(kind: str, settings: dict[str, Any], evidence: Sequence[str], group: str | None = None) -> Advice:
    splitter = SplitterConfig(kind=kind, **settings)
    advice = Advice(splitter, tuple(evidence), _splitter_line(splitter), group)
    if group is None or group in DERIVED:
        return advice
    return _led_by(
        advice, f"# in features.py: GROUP = {group}" if group.startswith("pl.col(") else _yaml_line("group", group)
    )


def _by_time(advice: Advice, time: pl.Series, id_: str) -> Advice:
    """Return advice that names the time; ids are read as text, so that times must be made of them."""
    name = time.name
    advice = replace(advice, time=name)
    if name in DERIVED:
        return advice
    if name != id_:
        return _led_by(advice, _yaml_line("time", name))
    to_time = "to_date" if time.dtype == pl.Date else "to_datetime"
    return _led_by(advice, f"# in features.py: TIME = pl.col({json.dumps(name, ensure_ascii=False)}).str.{to_time}()")


def _led_by(advice: Advice, line: str) -> Advice:
    return replace(advice, yaml=f"{line}\n{advice.yaml}")


def _splitter_line(splitter: SplitterConfig) -> str:
    return _yaml_line("splitter", {"kind": splitter.kind, **splitter.settings})


def _yaml_line(key: str, value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return f"{key}: {text.removesuffix('...' + chr(10)).strip()}"
