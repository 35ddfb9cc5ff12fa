"""A feature set takes steps in their places, and only steps that cannot change."""

from dataclasses import dataclass

import polars as pl
import pytest

from kagflow.data import Table
from kagflow.errors import ConfigError, FeatureError
from kagflow.features import FeatureSet, FoldStep, Selector
from kagflow.features.encoders import Frequency, Scale, TargetMean
from kagflow.features.pool import make_pool
from kagflow.splits import make_splitter


def table() -> Table:
    return Table(
        ids=pl.Series("id", range(6)), x=pl.DataFrame({"a": [1.0, 2, 3, 4, 5, 6]}), y=pl.Series("y", [0.0] * 6)
    )


def pool(features: FeatureSet, *, pooled: bool = True):
    folds = make_splitter("kfold", {"folds": 3}).split(table())
    return make_pool(features, table(), table(), folds, pooled=pooled)


def test_lists_are_as_good_as_tuples() -> None:
    assert FeatureSet(fold=[Scale(["a"])]).fold == (Scale(["a"]),)


def test_a_step_in_the_wrong_place_is_refused_with_the_right_one() -> None:
    with pytest.raises(FeatureError, match="expects a FoldStep") as caught:
        FeatureSet(fold=[TargetMean(["a"])])
    assert caught.value.hint == "put it under target"
    with pytest.raises(FeatureError, match="expects functions"):
        FeatureSet(rows=[Scale])


def test_a_step_that_could_change_is_refused() -> None:
    @dataclass
    class Mutable(FoldStep):
        def fit(self, x):
            raise NotImplementedError

    class Undecorated(Scale):
        pass

    for step in (Mutable(), Undecorated(["a"])):
        with pytest.raises(FeatureError, match="is not a frozen dataclass"):
            FeatureSet(fold=[step])


def test_pooled_steps_must_be_declared() -> None:
    features = FeatureSet(pooled=[Scale(["a"])])
    with pytest.raises(ConfigError, match="would learn from test features"):
        pool(features, pooled=False)
    assert "a__scaled" in pool(features).test.columns


def test_a_pooled_transform_keeps_the_rows() -> None:
    @dataclass(frozen=True)
    class OneRow(FoldStep):
        def fit(self, x):
            return self

        def transform(self, x):
            return x.select(pl.col("a").sum().alias("a__sum"))

        def tables(self):
            return {}

    with pytest.raises(FeatureError, match="was given 6 rows and returned 1"):
        pool(FeatureSet(pooled=[OneRow()]))


def test_text_becomes_categories_with_one_vocabulary() -> None:
    text = FeatureSet(rows=[lambda x: x.with_columns(a=pl.col("a").cast(pl.String))])
    made = pool(text)
    assert made.x["a"].dtype == made.test["a"].dtype == pl.Enum(["1.0", "2.0", "3.0", "4.0", "5.0", "6.0"])
    assert isinstance(Frequency(["a"]).fit(made.x).transform(made.x), pl.DataFrame)


def test_pooled_steps_learn_from_categories_too() -> None:
    features = FeatureSet(rows=[lambda x: x.with_columns(c=pl.col("a").cast(pl.String))], pooled=[Frequency(["c"])])
    assert pool(features).test["c__frequency"].to_list() == pytest.approx([1 / 6] * 6)


def test_a_selector_that_could_change_is_refused() -> None:
    class Remembers(Selector):
        names: tuple[str, ...] = ()

        def fit(self, x, y):
            self.names = self.names or tuple(x.columns)
            return self.names

    with pytest.raises(FeatureError, match="is not a frozen dataclass"):
        FeatureSet(select=Remembers())
