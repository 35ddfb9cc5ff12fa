"""What holds for every encoder, and that the checks used here see it when it does not."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.data.same import changed_columns
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet, FoldStep, TargetStep
from kagflow.features.encoders import (
    Bins,
    Count,
    Frequency,
    GroupAggregate,
    GroupDifference,
    GroupRatio,
    Impute,
    OneHot,
    Power,
    QuantileTransform,
    Rank,
    RareToOther,
    Scale,
    TargetMean,
    TargetStatistics,
    WeightOfEvidence,
    Winsorise,
)

OF_COMBINATIONS = (Frequency, Count, TargetMean, TargetStatistics, WeightOfEvidence)
OF_CATEGORIES = (RareToOther, OneHot, *OF_COMBINATIONS)
OF_NUMBERS = (Impute, Scale, Power, Winsorise, Rank, QuantileTransform, Bins)
STEPS = [
    *(encoder(["colour", "shape", "wet"]) for encoder in OF_CATEGORIES),
    *(encoder(["colour", ("shape", "wet"), ("colour", "shape", "wet")]) for encoder in OF_COMBINATIONS),
    *(encoder(["width", "rooms", "wet"]) for encoder in OF_NUMBERS),
    Impute(["colour", "rooms", "wet"], statistic="most_frequent"),
    GroupAggregate(["width", "rooms"], by=["colour", "wet"], statistics=["mean", "std", "median", "min", "max"]),
    GroupAggregate(["width"], by=["colour"], statistics=["var", "skew", "quantile_0.9", "count", "nunique"]),
    *(encoder(["width", "rooms"], by=["colour", "wet"]) for encoder in (GroupDifference, GroupRatio)),
]
EVERY_STEP = pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
EVERY_KIND = pytest.mark.parametrize("encoder", [*OF_CATEGORIES, *OF_NUMBERS])


def fit(step, x):
    if isinstance(step, WeightOfEvidence):
        return step.fit(x, pl.Series([str(i % 2) for i in range(x.height)], dtype=pl.Enum(["0", "1"])))
    if isinstance(step, TargetStep):
        return step.fit(x, pl.Series([float(i % 3) for i in range(x.height)]))
    return step.fit(x)


def differs_alone(fitted, x):
    """Say whether some row gets another value by itself than among the others."""
    together = fitted.transform(x)
    return any(changed_columns(together[i], fitted.transform(x[i])) for i in range(x.height))


@EVERY_STEP
@settings(max_examples=30)
@given(data=st.data())
def test_a_row_alone_gets_the_values_it_gets_among_others(step, data, train_rows, any_rows):
    assert not differs_alone(fit(step, data.draw(train_rows)), data.draw(any_rows))


@EVERY_STEP
@settings(max_examples=30)
@given(data=st.data())
def test_names_and_types_are_the_same_for_any_rows_and_names_are_new(step, data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    fitted = fit(step, train)
    made = fitted.transform(rows)
    assert made.height == rows.height
    assert made.schema == fitted.transform(train).schema == fitted.transform(rows.clear()).schema
    assert all("__" in name and name not in rows.columns for name in made.columns)


@EVERY_STEP
@settings(max_examples=10)
@given(data=st.data())
def test_what_was_learned_can_be_read(step, data, train_rows):
    tables = fit(step, data.draw(train_rows)).tables()
    assert tables
    assert all(isinstance(table, pl.DataFrame) and table.columns for table in tables.values())


@EVERY_STEP
def test_it_is_frozen_and_takes_its_place_in_a_feature_set(step):
    place = "target" if isinstance(step, TargetStep) else "fold"
    assert getattr(FeatureSet(**{place: [step]}), place) == (step,)
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.columns = ()


@dataclass(frozen=True)
class RankAmongThese(FoldStep):
    """What no step may do: look at the other rows that are encoded."""

    def fit(self, x):
        return self

    def transform(self, x):
        return x.select(pl.col("rooms").rank().alias("rooms__rank"))

    def tables(self) -> Mapping[str, pl.DataFrame]:
        return {}


def test_a_step_that_is_not_row_wise_is_seen():
    x = pl.DataFrame({"rooms": [3, 1, 2]})
    assert differs_alone(RankAmongThese().fit(x), x)


@EVERY_KIND
def test_a_column_that_is_not_there_is_named_with_the_nearest(encoder):
    with pytest.raises(FeatureError, match="there is no column 'widht'") as caught:
        fit(encoder("widht"), pl.DataFrame({"width": [1.0]}))
    assert caught.value.hint == "did you mean 'width'?"
    assert caught.value.where.startswith(f"{encoder.__name__}(widht) at ")


@pytest.mark.parametrize("encoder", OF_CATEGORIES)
@pytest.mark.parametrize(
    ("values", "found", "hint"),
    [
        ([20, 60], "Int64", "name it under `categorical:` in competition.yaml, or bin it in `rows`"),
        (["a", "b"], "String", "id, group and time columns stay text: copy it under another name in `rows`"),
        ([[1], [2]], r"List\(Int64\)", "make text of it in `rows`"),
    ],
)
def test_what_is_no_category_is_refused_with_a_way_out(encoder, values, found, hint):
    with pytest.raises(FeatureError, match=f"expected categories in 'kind', found {found}") as caught:
        fit(encoder("kind"), pl.DataFrame({"kind": values}))
    assert caught.value.hint == hint


@pytest.mark.parametrize("encoder", OF_NUMBERS)
def test_what_is_no_number_is_refused(encoder):
    with pytest.raises(FeatureError, match="expected numbers in 'kind', found String"):
        fit(encoder("kind"), pl.DataFrame({"kind": ["a"]}))


@pytest.mark.parametrize("encoder", OF_CATEGORIES)
def test_another_vocabulary_is_refused_since_its_codes_mean_something_else(encoder):
    learned, other = (pl.DataFrame({"kind": pl.Series(["b"], dtype=pl.Enum(names))}) for names in ("ab", "bc"))
    with pytest.raises(FeatureError, match="'kind' has another vocabulary than the rows learned from"):
        fit(encoder("kind"), learned).transform(other)


@EVERY_KIND
def test_one_name_or_a_list_is_as_good_as_a_tuple(encoder):
    assert encoder("kind") == encoder(["kind"]) == encoder(("kind",))
    assert encoder("kind").columns == ("kind",)


@EVERY_KIND
@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ([], "columns names no column"),
        (["a", "b", "a"], "columns names 'a' twice"),
        (["a", 1], r"columns must be a list of column names, got \['a', 1\]"),
        (7, "columns must be a list of column names, got 7"),
    ],
)
def test_what_are_no_names_is_refused(encoder, columns, problem):
    with pytest.raises(FeatureError, match=f"{encoder.__name__}: {problem}"):
        encoder(columns)


@pytest.mark.parametrize(
    ("encoder", "setting", "value"),
    [
        (TargetMean, "smooth", -1.0),
        (TargetMean, "smooth", float("nan")),
        (TargetStatistics, "smooth", -1.0),
        (WeightOfEvidence, "smooth", 0),
        (Winsorise, "share", -0.1),
        (RareToOther, "at_least", 0),
        (RareToOther, "at_least", True),
        (OneHot, "at_least", "5"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(encoder, setting, value):
    with pytest.raises(FeatureError, match=f"{setting} must be a number of at least"):
        encoder("kind", **{setting: value})
