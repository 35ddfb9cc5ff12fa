"""The advice finds out how test was drawn, on invented data of every kind, and sees nothing where rows were drawn."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import yaml

from kagflow.audit.advice import advise_splitter
from kagflow.config import SplitterConfig
from kagflow.data import Table
from kagflow.splits import make_splitter


def drawn(frame, rng, share=0.4):
    """Tear a frame apart by rows at random."""
    test = rng.random(len(frame)) < share
    return frame.filter(~test), frame.filter(test)


def torn(frame, by, rng, share=0.4):
    """Tear a frame apart by whole values of a column."""
    values = frame[by].unique(maintain_order=True)
    test = frame[by].is_in(values.filter(rng.random(len(values)) < share).implode())
    return frame.filter(~test), frame.filter(test)


def advise(frames, task="binary", **more):
    return advise_splitter(*frames, target="y", id="id", task=task, **more)


def customers(rng, count=300, visits=4):
    """Customers with several orders of several lines each."""
    order = np.repeat(np.arange(count * visits), 3)
    return pl.DataFrame(
        {
            "id": np.arange(len(order)),
            "customer": 10_000 + order // visits * 7,
            "order": order,
            "product": rng.integers(0, 40, len(order)),
            "price": rng.normal(size=len(order)).round(2),
        }
    )


def panel(days=700, stores=6):
    """Stores by days."""
    start = date(2020, 1, 1)
    rows = [(start + timedelta(day), f"store {store}") for day in range(days) for store in range(stores)]
    frame = pl.DataFrame(rows, schema=["date", "store"], orient="row")
    return frame.with_columns(id=pl.int_range(pl.len()), week=pl.col("date").dt.week().cast(pl.Int64))


def wide(rng, rows=400):
    return pl.DataFrame({"id": np.arange(rows)} | {f"x{k}": rng.normal(size=rows).round(k % 4) for k in range(80)})


# --- rows drawn at random --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [wide, customers, lambda rng: panel()])
@pytest.mark.parametrize(("task", "kind"), [("regression", "kfold"), ("binary", "stratified")])
def test_rows_drawn_at_random_get_plain_folds(make, task, kind):
    rng = np.random.default_rng(1)
    advice = advise(drawn(make(rng), rng), task)
    assert advice.splitter.kind == kind
    assert advice.group is None and advice.time is None


def test_words_alone_are_enough_to_advise_on():
    rng = np.random.default_rng(11)
    train, test = drawn(wide(rng).select(pl.all().cast(pl.String)), rng)
    assert advise((train.select("id", word="x0"), test.select("id", word="x0"))).splitter.kind == "stratified"


def test_rows_drawn_at_random_are_hardly_ever_accused():
    rng = np.random.default_rng(2)
    said = {advise(drawn(customers(rng, count=30), rng, rng.uniform(0.1, 0.7))).splitter.kind for _ in range(60)}
    assert said == {"stratified"}


def test_a_test_file_that_follows_train_by_its_ids_only_is_no_future():
    frame = wide(np.random.default_rng(3)).with_columns(row_number=pl.int_range(pl.len()))
    assert advise((frame[:250], frame[250:])).splitter.kind == "stratified"


def test_families_that_were_torn_apart_are_no_groups():
    rng = np.random.default_rng(4)
    frame = customers(rng).with_columns(id=pl.format("{}_{}", "customer", "id"))
    assert advise(drawn(frame, rng)).splitter.kind == "stratified"


def test_a_column_partly_new_in_test_is_pointed_out():
    rng = np.random.default_rng(5)
    train, test = drawn(customers(rng), rng)
    moved = pl.when(pl.int_range(pl.len()) % 2 == 0).then("customer").otherwise(pl.col("customer") + 1)
    advice = advise((train, test.with_columns(customer=moved)))
    assert advice.splitter.kind == "stratified"
    assert "hold a customer that train lacks" in " ".join(advice.evidence)


# --- groups ----------------------------------------------------------------------------------------------------------


def test_customers_kept_whole_are_groups_and_not_the_orders_within_them():
    rng = np.random.default_rng(6)
    advice = advise(torn(customers(rng), "customer", rng))
    assert (advice.splitter.kind, advice.group) == ("group", "customer")


def test_orders_kept_whole_are_groups_where_customers_were_torn():
    rng = np.random.default_rng(7)
    assert advise(torn(customers(rng), "order", rng)).group == "order"


def test_new_customers_with_larger_numbers_are_groups_and_no_future():
    frame = customers(np.random.default_rng(8))
    advice = advise((frame[:2400], frame[2400:]))
    assert (advice.splitter.kind, advice.group) == ("group", "customer")


def test_the_prefix_of_an_id_is_found_and_its_expression_works():
    rng = np.random.default_rng(9)
    frame = customers(rng).with_columns(id=pl.format("P{}_{}", "customer", "id"))
    train, test = torn(frame, "customer", rng)
    advice = advise((train.drop("customer", "order"), test.drop("customer", "order")))
    assert advice.splitter.kind == "group"
    assert "# in features.py: GROUP = pl.col" in advice.yaml
    group = train.select(eval(advice.group, {"pl": pl})).to_series()
    assert group.n_unique() == train["customer"].n_unique()


def test_a_few_products_make_as_many_folds():
    rng = np.random.default_rng(10)
    frame = wide(rng, 1000).with_columns(product=pl.Series(rng.choice(list("ABCDE"), 1000)))
    advice = advise((frame.filter(pl.col("product") < "D"), frame.filter(pl.col("product") >= "D")))
    assert (advice.group, advice.splitter.settings["folds"]) == ("product", 3)


# --- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["date", "text", "moment"])
def test_later_days_are_the_future_and_folds_are_as_long(written):
    forms = {"text": pl.col("date").cast(pl.String), "moment": pl.col("date").cast(pl.Datetime)}
    frame = panel().with_columns(forms.get(written, pl.col("date")))
    cut = 6 * 672
    advice = advise((frame[:cut], frame[cut:]), "regression")
    assert (advice.splitter.kind, advice.time, advice.group) == ("forward", "date", None)
    assert advice.splitter.settings["dates"][-1] == "2021-10-06"  # train ends on 2 November, test has 28 days


def test_a_gap_before_test_is_a_gap_before_what_is_scored():
    frame = panel()
    advice = advise(
        (frame.filter(pl.col("date") < date(2021, 10, 1)), frame.filter(pl.col("date") > date(2021, 11, 1)))
    )
    assert advice.splitter.settings["gap"] == "33d"


def test_a_few_late_rows_are_chance():
    frame = panel()
    assert advise((frame[:-1], frame[-1:])).splitter.kind == "stratified"


def test_numbers_that_hardly_repeat_and_go_on_in_test_are_moments():
    rng = np.random.default_rng(11)
    frame = wide(rng, 1000).with_columns(clock=pl.Series(np.sort(rng.integers(0, 10**7, 1000))))
    advice = advise((frame[:700], frame[700:]))
    assert (advice.splitter.kind, advice.time) == ("forward", "clock")


def test_new_shops_in_the_future_are_groups_too():
    frame = panel(stores=60).with_columns(store=pl.col("store").str.replace("store ", "").cast(pl.Int64))
    train = frame.filter(pl.col("date") < date(2021, 6, 1), pl.col("store") < 40)
    test = frame.filter(pl.col("date") >= date(2021, 6, 1), pl.col("store") >= 40)
    advice = advise((train, test))
    assert (advice.splitter.kind, advice.time, advice.group) == ("group_forward", "date", "store")


def test_days_at_the_end_of_each_month_are_blocks_about_as_far_from_train():
    frame = panel()
    late = pl.col("date").dt.day() >= 20
    advice = advise((frame.filter(~late), frame.filter(late)), "regression")
    assert (advice.splitter.kind, advice.time) == ("blocks", "date")
    assert advice.splitter.settings["unit"] == "day"
    assert 5 <= advice.splitter.settings["size"] <= 10


@pytest.mark.parametrize("unit", ["day", "month"])
def test_units_of_time_drawn_whole_are_the_unit_of_blocks(unit):
    rng = np.random.default_rng(12)
    start = datetime(2018, 1, 1)
    frame = pl.DataFrame({"id": [start + timedelta(hours=hour) for hour in range(24 * 1500)]})
    frame = frame.with_columns(unit=pl.col("id").dt.truncate({"day": "1d", "month": "1mo"}[unit]))
    train, test = torn(frame, "unit", rng)
    advice = advise((train.drop("unit"), test.drop("unit")))
    assert (advice.splitter.kind, advice.time, advice.splitter.settings["unit"]) == ("blocks", "id", unit)


# --- the form of it --------------------------------------------------------------------------------------------------


def test_the_yaml_can_be_pasted_and_makes_a_splitter_that_splits():
    frame = panel()
    advice = advise((frame[:3600], frame[3600:]))
    pasted = yaml.safe_load(advice.yaml)
    assert pasted["time"] == "date"
    kind = pasted["splitter"].pop("kind")
    table = Table(frame["id"][:3600], frame[:3600], time=frame["date"][:3600])
    folds = make_splitter(kind, pasted["splitter"]).split(table)
    assert len(folds) == 2 and folds.forward


def test_settings_of_a_splitter_of_the_same_kind_are_kept():
    rng = np.random.default_rng(13)
    declared = SplitterConfig(kind="kfold", folds=10, seed=3)
    advice = advise(drawn(customers(rng), rng), declared=declared)
    assert advice.splitter == declared
    other = SplitterConfig(kind="forward", folds=3)
    assert advise(drawn(customers(rng), rng), declared=other).splitter.kind == "stratified"


def test_frames_of_another_reader_may_disagree_on_types():
    frame = wide(np.random.default_rng(14)).with_columns(mixed=pl.lit(1))
    assert advise((frame[:200], frame[200:].with_columns(mixed=pl.lit("a")))).document()["splitter"]["kind"]
