import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.data.same import changed_columns
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.crossfit import build
from kagflow.features.encoders import Join
from kagflow.features.pool import make_pool
from kagflow.splits import make_splitter

SHOPS = pl.DataFrame(
    {"shop": ["a", "b", None], "wet": [True, False, True], "size": [3, 4, 5], "kind": ["x", None, "y"]}
)
KEYS = st.tuples(st.none() | st.sampled_from(["a", "b", "c"]), st.none() | st.booleans())


def rows_of(keys):
    return pl.DataFrame(keys, schema={"shop": pl.Enum(["a", "b", "c"]), "wet": pl.Boolean}, orient="row")


@given(keys=st.lists(KEYS, max_size=12))
@pytest.mark.parametrize("by", [["shop"], ["shop", "wet"]], ids=len)
def test_it_looks_the_key_up(by, keys):
    x = rows_of(keys)
    made = Join(SHOPS, by, name="shops", columns=["size", "kind"]).fit(x).transform(x)
    expected = []
    for row in x.iter_rows(named=True):
        found = [known for known in SHOPS.iter_rows(named=True) if all(known[name] == row[name] for name in by)]
        expected.append((found[0]["size"], found[0]["kind"]) if found else (None, None))
    assert made.rows() == expected
    assert made.schema == {"shops__size": pl.Int64, "shops__kind": pl.Enum(["x", "y"])}


@settings(max_examples=30)
@given(keys=st.lists(KEYS, max_size=12))
def test_names_types_and_values_of_a_row_do_not_depend_on_the_other_rows(keys):
    x = rows_of(keys)
    fitted = Join(SHOPS, "shop", name="shops").fit(x[:1])
    made = fitted.transform(x)
    assert made.schema == fitted.transform(x.clear()).schema
    assert made.columns == ["shops__wet", "shops__size", "shops__kind"]
    assert all(not changed_columns(made[i], fitted.transform(x[i])) for i in range(x.height))


@pytest.mark.parametrize(
    ("own", "known"),
    [
        (pl.Series([2, 9], dtype=pl.UInt8), pl.Series([2], dtype=pl.Int64)),
        (pl.Series(["b", "z"], dtype=pl.Enum(["b", "z"])), pl.Series(["b"], dtype=pl.Categorical)),
        (pl.Series(["b", "z"]), pl.Series(["b"], dtype=pl.Enum(["a", "b"]))),
    ],
)
def test_keys_match_by_value_whatever_their_width_or_vocabulary(own, known):
    table = pl.DataFrame({"key": known, "mean": [0.5]})
    x = pl.DataFrame({"key": own})
    assert Join(table, "key", name="original").fit(x).transform(x)["original__mean"].to_list() == [0.5, None]


def test_keys_of_another_kind_are_refused():
    x = pl.DataFrame({"key": ["1"]})
    step = Join(pl.DataFrame({"key": [1], "mean": [0.5]}), "key", name="original")
    with pytest.raises(FeatureError, match="'key' is String in the rows and Int64 in the table 'original'") as caught:
        step.fit(x).transform(x)
    assert caught.value.hint == "cast one of them, so that both are of one type"


def test_a_key_with_several_rows_is_refused_with_a_way_out():
    twice = pl.concat([SHOPS, SHOPS[:1]])
    with pytest.raises(
        FeatureError, match=r"1 keys of the table 'shops' have several rows, the first is \('a',\)"
    ) as caught:
        Join(twice, "shop", name="shops")
    assert 'aggregate={"column": "mean"}' in caught.value.hint


@pytest.mark.parametrize(("by", "columns"), [("shpo", "size"), ("shop", "siez")])
def test_a_column_that_the_table_lacks_is_named_with_the_nearest(by, columns):
    with pytest.raises(FeatureError, match="the table 'shops' has no column") as caught:
        Join(SHOPS, by, "shops", columns)
    assert caught.value.hint.startswith("did you mean '")


def test_a_key_that_the_rows_lack_is_named():
    with pytest.raises(FeatureError, match="there is no column 'shop'"):
        Join(SHOPS, "shop", "shops").fit(rows_of([])).transform(pl.DataFrame({"shpo": ["a"]}))


def test_the_table_can_be_read_back():
    table = Join(SHOPS, "shop", "shops", "size").fit(rows_of([])).tables()["shops"]
    assert table.rows() == [("a", 3), ("b", 4), (None, 5)]


def test_in_a_pipeline_text_keys_are_categories():
    x = pl.DataFrame({"shop": ["a", "b", "c", "a"]})
    train = Table(ids=pl.Series("id", range(4)), x=x, y=pl.Series("y", [0.0, 1, 2, 3]))
    test = Table(ids=pl.Series("id", range(4, 8)), x=x)
    folds = make_splitter("kfold", {"folds": 2}).split(train)
    pool = make_pool(FeatureSet(fold=[Join(SHOPS, "shop", "shops")]), train, test, folds)
    fold = folds.folds[0]
    built = build(pool, fold.train, {"valid": fold.valid}, test=True, prove=True)
    assert built.frames["test"]["shops__size"].to_list() == [3, 4, None, 3]


# --- statistics of the table's rows -----------------------------------------------------------------------------------

TRADES = st.lists(
    st.tuples(st.none() | st.sampled_from(["a", "b"]), st.booleans(), st.none() | st.integers(-9, 9)), max_size=12
)


@settings(max_examples=40)
@given(trades=TRADES, keys=st.lists(KEYS, max_size=6))
@pytest.mark.parametrize("by", [["shop"], ["shop", "wet"]], ids=len)
def test_it_aggregates_the_rows_of_a_key(by, trades, keys):
    table = pl.DataFrame(trades, schema={"shop": pl.String, "wet": pl.Boolean, "price": pl.Int64}, orient="row")
    x = rows_of(keys)
    words = ["mean", "count", "max"]
    made = Join(table, by, "trades", aggregate={"price": words, "wet": "mean"}).fit(x).transform(x)
    ending = "_by_" + "_".join(by)
    columns = [*(f"trades__price_{word}{ending}" for word in words), f"trades__wet_mean{ending}"]
    assert made.schema == dict.fromkeys(columns, pl.Float64)
    expected = []
    for row in x.iter_rows(named=True):
        own = [known for known in table.iter_rows(named=True) if all(known[name] == row[name] for name in by)]
        prices = [known["price"] for known in own if known["price"] is not None]
        mean = sum(prices) / len(prices) if prices else None
        wet = sum(known["wet"] for known in own) / len(own) if own else None
        expected.append((mean, len(prices) if own else None, max(prices, default=None), wet))
    for row, wanted in zip(made.rows(), expected, strict=True):
        assert row == pytest.approx(wanted)


def test_of_several_classes_each_has_its_share():
    labels = pl.Series(["low", "high", "low", None], dtype=pl.Enum(["low", "mid", "high"]))
    table = pl.DataFrame({"shop": ["a", "a", "b", "b"], "grade": labels})
    x = rows_of([("a", True), ("b", True)])
    made = Join(table, "shop", "trades", aggregate={"grade": "mean"}).fit(x).transform(x)
    assert made.to_dict(as_series=False) == {
        "trades__grade_mean_low_by_shop": [0.5, 1.0],
        "trades__grade_mean_mid_by_shop": [0.0, 0.0],
        "trades__grade_mean_high_by_shop": [0.5, 0.0],
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"aggregate": {"kind": "mean"}}, "expected numbers in 'kind', found String"),
        ({"aggregate": {"siez": "mean"}}, "the table 'shops' has no column 'siez'"),
        ({"aggregate": {"size": "maen"}}, "aggregate cannot be 'maen'"),
        ({"aggregate": {"size": ["max", "max"]}}, "aggregate of 'size' names 'max' twice"),
        ({"aggregate": ["size"]}, "aggregate must say which statistics"),
        ({"aggregate": {"size": "max"}, "columns": "size"}, "columns and aggregate both"),
        ({"name": ""}, "a frame needs a name"),
    ],
)
def test_settings_that_cannot_be(settings, said):
    with pytest.raises(FeatureError, match=said):
        Join(SHOPS, "shop", **({"name": "shops"} | settings)).fit(rows_of([]))


# --- a declared table -------------------------------------------------------------------------------------------------


def test_a_declared_table_stands_for_its_frame():
    x = rows_of([("a", True), ("c", None)])
    named = Join("shops", "shop")
    made = named.with_table(SHOPS).fit(x).transform(x)
    assert made.equals(Join(SHOPS, "shop", "shops").fit(x).transform(x))
    with pytest.raises(FeatureError, match="the table 'shops' has not been handed over"):
        named.fit(x)


def test_what_was_learned_does_not_hold_the_whole_table():
    fitted = Join(SHOPS, "shop", "shops", aggregate={"size": "max"}).fit(rows_of([]))
    assert isinstance(fitted.step.table, str)
