"""A splitter is found by its name, and its settings are checked."""

from typing import Any

import pytest

from kagflow.errors import SplitError
from kagflow.splits import make_splitter
from kagflow.splits.kfold import KFold

KINDS = ("kfold", "stratified", "group", "forward")


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
    error = refusal("stratifed", {})
    assert error.problem == "no splitter is called 'stratifed'"
    assert error.hint == "did you mean 'stratified'?"
    assert refusal("zzz", {}).hint == "known: forward, group, kfold, stratified"


@pytest.mark.parametrize(("kind", "setting", "near"), [("kfold", "fold", "folds"), ("group", "sed", "seed")])
def test_an_unknown_setting_is_refused(kind: str, setting: str, near: str) -> None:
    error = refusal(kind, {setting: 5})
    assert error.problem == f"the splitter {kind} has no setting {setting!r}"
    assert error.hint == f"did you mean {near!r}?"
    assert error.where == f"splitter.{setting}"


def test_what_is_drawn_nowhere_has_no_seed() -> None:
    assert refusal("forward", {"seed": 1}).problem == "the splitter forward has no setting 'seed'"


@pytest.mark.parametrize("value", [1, 0, -5, "5", 5.0, True, None, [5]])
@pytest.mark.parametrize("kind", ["kfold", "stratified", "group"])
def test_folds_are_at_least_two(kind: str, value: object) -> None:
    error = refusal(kind, {"folds": value})
    assert error.problem == f"expected a whole number of at least 2, got {value!r}"
    assert error.where == "splitter.folds"


@pytest.mark.parametrize("value", [0, "5", True])
def test_one_fold_forward_in_time_is_enough(value: object) -> None:
    assert make_splitter("forward", {"folds": 1})
    assert refusal("forward", {"folds": value}).problem == f"expected a whole number of at least 1, got {value!r}"


@pytest.mark.parametrize("value", [-1, "one", 1.5, None])
@pytest.mark.parametrize("kind", ["kfold", "stratified", "group"])
def test_seeds_are_whole_numbers(kind: str, value: object) -> None:
    error = refusal(kind, {"seed": value})
    assert error.problem == f"expected a whole number of at least 0, got {value!r}"
    assert error.where == "splitter.seed"
