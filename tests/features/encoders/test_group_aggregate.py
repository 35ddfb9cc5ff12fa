import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import GroupAggregate
from tests.features.encoders.oracles import ORACLES, agree, statistic


def known(values):
    return [value for value in values if value is not None and not math.isnan(value)]


@settings(max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("by", [("colour",), ("colour", "wet")])
def test_it_is_the_statistic_of_the_group_or_else_of_all(by, data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = GroupAggregate(("width", "rooms"), by, tuple(ORACLES)).fit(train).transform(rows)
    groups = train.select(by).rows()
    for column in ("width", "rooms"):
        for name in ORACLES:
            expected = []
            for row in rows.select(by).rows():
                of_group = known(v for group, v in zip(groups, train[column], strict=True) if group == row)
                result = statistic(name, of_group)
                expected.append(result if result is not None else statistic(name, known(train[column])))
            assert agree(encoded[f"{column}__{name}_by_{'_'.join(by)}"].to_list(), expected)
    assert set(encoded.dtypes) == {pl.Float64}


def test_one_name_is_as_good_as_a_list():
    assert GroupAggregate("width", "colour", "max") == GroupAggregate(["width"], ["colour"], ["max"])


def test_a_statistic_that_there_is_not_is_refused():
    with pytest.raises(FeatureError, match="statistics cannot be 'maen'") as caught:
        GroupAggregate(("width",), ("colour",), ("maen",))
    assert "'mean'" in caught.value.hint


def test_the_tables_hold_groups_and_all_rows():
    x = pl.DataFrame({"kind": pl.Series(["b", None, "b"], dtype=pl.Enum(["a", "b"])), "size": [1, 5, 3]})
    tables = GroupAggregate("size", "kind", "mean").fit(x).tables()
    assert tables["by_kind"].rows() == [(None, 5.0), ("b", 2.0)]
    assert tables["overall"].rows() == [(3.0,)]
    assert tables["by_kind"].columns == ["kind", "size__mean_by_kind"]
