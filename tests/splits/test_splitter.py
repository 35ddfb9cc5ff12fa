"""A splitter is found by its name, and its settings are checked."""

from typing import Any

import pytest

from kagflow.errors import SplitError
from kagflow.splits import make_splitter
from kagflow.splits.kfold import KFold
from tests.splits.tables import table

RANDOM = ("kfold", "stratified", "group", "stratified_group", "blocks")
KINDS = (*RANDOM, "forward", "group_forward")


@pytest.mark.parametrize("kind", KINDS)
def test_a_splitter_has_defaults(kind: str) -> None:
    splitter = make_splitter(kind, {})
    assert splitter.kind == kind
    assert splitter == make_splitter(kind, {"folds": 5})


def test_settings_arrive() -> None:
    assert make_splitter("kfold", {"folds": 3, "seed": 7}) == KFold(folds=3, seed=7)


def refusal(kind: str, settings: dict[str, Any]) -> SplitError:
    with pytest.raises(SplitError) as caught:
        make_splitter(kind, settings)
    return caught.value


def test_an_unknown_kind_is_refused() -> None:
    error = refusal("kfol", {})
    assert error.problem == "no splitter is called 'kfol'"
    assert error.hint == "did you mean 'kfold'?"
    assert refusal("zzz", {}).hint == f"known: {', '.join(sorted([*KINDS, 'column']))}"


@pytest.mark.parametrize(("kind", "setting", "near"), [("kfold", "fold", "folds"), ("group", "sed", "seed")])
def test_an_unknown_setting_is_refused(kind: str, setting: str, near: str) -> None:
    error = refusal(kind, {setting: 5})
    assert error.problem == f"the splitter {kind} has no setting {setting!r}"
    assert error.hint == f"did you mean {near!r}?"
    assert error.where == f"splitter.{setting}"


def test_what_is_drawn_nowhere_has_no_seed() -> None:
    assert refusal("forward", {"seed": 1}).problem == "the splitter forward has no setting 'seed'"


@pytest.mark.parametrize("value", [1, 0, -5, "5", 5.0, True, None, [5]])
@pytest.mark.parametrize("kind", RANDOM)
def test_folds_are_at_least_two(kind: str, value: object) -> None:
    error = refusal(kind, {"folds": value})
    assert error.problem == f"expected a whole number of at least 2, got {value!r}"
    assert error.where == "splitter.folds"


@pytest.mark.parametrize("value", [0, "5", True])
def test_one_fold_forward_in_time_is_enough(value: object) -> None:
    assert make_splitter("forward", {"folds": 1})
    assert refusal("forward", {"folds": value}).problem == f"expected a whole number of at least 1, got {value!r}"


@pytest.mark.parametrize("value", [-1, "one", 1.5, None])
@pytest.mark.parametrize("kind", RANDOM)
def test_seeds_are_whole_numbers(kind: str, value: object) -> None:
    error = refusal(kind, {"seed": value})
    assert error.problem == f"expected a whole number of at least 0, got {value!r}"
    assert error.where == "splitter.seed"


@pytest.mark.parametrize(("setting", "least"), [("repeats", 1), ("bins", 2)])
@pytest.mark.parametrize("value", [0, "3", 2.5, True])
def test_repeats_and_bins_are_whole_numbers(setting: str, least: int, value: object) -> None:
    error = refusal("stratified_group", {setting: value})
    assert error.problem == f"expected a whole number of at least {least}, got {value!r}"
    assert error.where == f"splitter.{setting}"


@pytest.mark.parametrize(
    ("kind", "settings", "data", "expected"),
    [
        ("kfold", {}, {"time": [3, 3, 1, 2]}, ("rows", None)),
        ("kfold", {}, {"groups": [7, 5, 7, 5], "time": [3, 3, 1, 2]}, ("groups", [1, 0, 1, 0])),
        ("forward", {}, {"time": [3, 3, 1, 2]}, ("moments", [2, 2, 0, 1])),
        ("forward", {}, {"groups": [7, 5, 7, 5], "time": [3, 3, 1, 2]}, ("groups", [1, 0, 1, 0])),
        ("blocks", {"unit": 2}, {"time": [3, 3, 1, 2]}, ("blocks", [1, 1, 0, 1])),
    ],
)
def test_units_are_what_is_independent(kind: str, settings: Any, data: Any, expected: tuple[str, Any]) -> None:
    name, codes = make_splitter(kind, settings).units(table(**data))
    assert (name, None if codes is None else codes.tolist()) == expected
