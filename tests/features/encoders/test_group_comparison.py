import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import GroupAggregate, GroupDifference, GroupRatio

BY = ("colour", "wet")


def compared(values, usual, by):
    return [
        None if value is None or math.isnan(value) or of_group is None else by(value, of_group)
        for value, of_group in zip(values, usual, strict=True)
    ]


@settings(max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("statistic", ["mean", "median", "quantile_0.9"])
def test_a_number_is_compared_with_what_its_group_has(statistic, data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    usual = GroupAggregate(("width", "rooms"), BY, statistic).fit(train).transform(rows)
    less = GroupDifference(("width", "rooms"), BY, statistic).fit(train).transform(rows)
    ratio = GroupRatio(("width", "rooms"), BY, statistic).fit(train).transform(rows)
    for column, of_group in zip(("width", "rooms"), usual, strict=True):
        values = rows[column].to_list()
        expected = compared(values, of_group, lambda value, usual: value - usual)
        assert less[f"{column}__minus_{statistic}_by_colour_wet"].to_list() == pytest.approx(expected)
        expected = compared(values, of_group, lambda value, usual: value / usual if usual else None)
        assert ratio[f"{column}__over_{statistic}_by_colour_wet"].to_list() == pytest.approx(expected)
    assert {*less.dtypes, *ratio.dtypes} == {pl.Float64}


def test_by_hand():
    x = pl.DataFrame({"kind": pl.Series(["a", "a", None], dtype=pl.Enum(["a", "b"])), "size": [1, 3, 10]})
    new = pl.DataFrame({"kind": pl.Series(["a", "b", None], dtype=pl.Enum(["a", "b"])), "size": [6, 7, None]})
    assert GroupDifference("size", "kind").fit(x).transform(new).to_series().to_list() == [
        4,
        pytest.approx(7 - 14 / 3),
        None,
    ]
    assert GroupRatio("size", "kind", "max").fit(x).transform(new).to_series().to_list() == [2, 0.7, None]


def test_the_tables_are_those_of_the_aggregate():
    x = pl.DataFrame({"wet": [True, False, True], "size": [1.0, 5.0, 3.0]})
    tables = GroupRatio("size", "wet").fit(x).tables()
    assert tables["by_wet"].rows() == [("false", 5.0), ("true", 2.0)]
    assert tables["overall"].rows() == [(3.0,)]


@pytest.mark.parametrize("step", [GroupDifference, GroupRatio])
def test_a_statistic_that_there_is_not_is_refused(step):
    with pytest.raises(FeatureError, match="statistic cannot be 'maen'") as caught:
        step("width", "colour", "maen")
    assert "'mean'" in caught.value.hint
