"""Automatic features: every group finds what is planted for it, can be left out, and takes odd data as they are."""

from dataclasses import fields, replace
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.data import Table
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.automatic import AutomaticFeatures, automatic
from kagflow.features.automatic.steps import Arithmetic, DaysBetween, Missing, OfRow
from kagflow.features.crossfit import build
from kagflow.features.encoders import Frequency, TargetMean
from kagflow.features.pool import make_pool
from kagflow.features.replay import LearnedFeatures, LearnedPool
from kagflow.features.steps import Proposal, Proposer
from kagflow.runs import bought, predict
from kagflow.splits.folds import Fold, Folds, folds_from_cells
from kagflow.testing import check_step

GROUPS = [field.name for field in fields(AutomaticFeatures)]
NOTHING = dict.fromkeys(GROUPS, False)
ROWS, TEST_ROWS = 420, 30
RNG = np.random.default_rng(4)
ALL = ROWS + TEST_ROWS


def column(values):
    return RNG.choice(values, ALL)


def names(prefix, count):
    return [f"{prefix}{number:03}" for number in range(count)]


def noise(scale=0.1):
    return RNG.normal(0, scale, ALL)


def table(x, y=None):
    return Table(ids=pl.Series("id", np.arange(x.height)), x=x, y=y)


def only(group):
    return automatic(FeatureSet(), **NOTHING | {group: True})


def built(x, y, features, *, folds=4, prove=False):
    """Return the features of the first fold; rows of ``x`` beyond those of ``y`` are test rows."""
    frame = pl.DataFrame(x, strict=False)
    target = y if isinstance(y, pl.Series) else pl.Series("y", y, dtype=pl.Float64)
    train, test = table(frame[: len(target)], target), table(frame[len(target) :])
    cells = folds_from_cells(train.ids, np.arange(train.height) % folds)
    pool = make_pool(features, train, test, cells)
    fold = cells.folds[0]
    return build(pool, fold.train, {"valid": fold.valid}, test=True, prove=prove)


def proposal(made):
    return next(learned for learned in made.learned.values() if isinstance(learned, Proposal))


def chosen(made):
    """Return the columns that the fold chose, by group."""
    found = proposal(made).learned["columns"].filter("chosen")
    return {group: rows["column"].to_list() for (group,), rows in found.group_by("group", maintain_order=True)}


# --- what is planted for each group -----------------------------------------------------------------------------------


def planted():
    """Return (columns, target) in which one kind of column says nearly all, by the group that makes it."""
    many, other = column(names("town", 25)), column(names("shop", 25))
    towns = dict(zip(names("town", 25), RNG.normal(size=25), strict=True))
    a, b = RNG.uniform(1, 9, (2, ALL))
    day = pl.date_range(pl.date(2020, 1, 1), pl.date(2024, 12, 31), eager=True).sample(
        ALL, with_replacement=True, seed=1
    )
    gaps = RNG.random((4, ALL)) < 0.4
    above = RNG.normal(size=ALL)
    heights = np.array([towns[name] for name in many]) * 100 + above
    words = [" ".join(RNG.choice(["red", "green", "blue", "old", "new", "gold"], 5)) + f" {i}" for i in range(ALL)]
    few, few_too = column(names("a", 4)), column(names("b", 4))
    odd = {name: number for number, name in enumerate(names("a", 4) + names("b", 4))}
    both = np.array([odd[one] * 3 + odd[two] * 5 for one, two in zip(few, few_too, strict=True)])
    return {
        "encodings": ({"town": many}, [towns[name] for name in many] + noise()),
        "pairs": ({"a": few, "b": few_too}, np.sin(both * 2.7) + noise()),
        "arithmetic": ({"a": a, "b": b}, 5 * (a / b > 1) + noise()),
        "dates": ({"day": day, "x": noise()}, (day.dt.weekday() >= 6).cast(pl.Float64).to_numpy() + noise()),
        "missing": (
            {name: np.where(gap, np.nan, noise(1)) for name, gap in zip("abcd", gaps, strict=True)},
            (gaps.sum(axis=0) % 2) + noise(),
        ),
        "aggregates": ({"town": many, "height": heights, "shop": other}, above + noise()),
        "text": ({"words": words, "x": noise()}, [word.count("gold") for word in words] + noise()),
    }


PLANTED = planted()


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_finds_what_only_it_can_say(group):
    x, y = PLANTED[group]
    made = built(x, y[:ROWS], only(group), prove=True)
    assert list(chosen(made)) == [group]
    assert set(chosen(made)[group]) <= set(made.x.columns)
    assert made.x.schema == made.frames["valid"].schema == made.frames["test"].schema
    row = proposal(made).learned["groups"].row(0, named=True)
    assert row["gain"] > row["se"] > 0


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_that_is_left_out_makes_nothing(group):
    x, y = PLANTED[group]
    made = built(x, y[:ROWS], automatic(FeatureSet(), **NOTHING))
    assert chosen(made) == {}
    assert set(made.x.columns) <= set(x)


def test_a_word_that_is_no_group():
    with pytest.raises(TypeError, match="pears"):
        automatic(FeatureSet(), pears=False)


def test_noise_buys_little():
    x = {"town": column(names("town", 25)), "shop": column(names("shop", 9)), "a": noise(), "b": noise()}
    made = built(x, noise()[:ROWS], automatic(FeatureSet()))
    assert sum(map(len, chosen(made).values())) <= 2


def test_what_the_set_makes_itself_is_not_made_again():
    x, y = PLANTED["encodings"]
    base = FeatureSet(fold=[Frequency(["town"])], target=[TargetMean(["town"])])
    made = built(x, y[:ROWS], automatic(base))
    assert made.x.columns.count("town__target_mean") == 1
    assert "encodings" not in chosen(made)


def test_pairs_whose_names_fall_together_do_not_meet():
    a, b, c = (column(names(prefix, 4)) for prefix in "abc")
    x = {"a": a, "b_x_c": b, "a_x_b": a, "c": c}
    y = [float(hash_of(one + two)) for one, two in zip(a, b, strict=True)]
    assert built(x, y[:ROWS], only("pairs")).x.width >= 4


def hash_of(word):
    return sum(map(ord, word)) * 37 % 11


def test_twice_is_the_same():
    x, y = PLANTED["arithmetic"]
    first, second = (built(x, y[:ROWS], automatic(FeatureSet())) for _ in range(2))
    assert first.x.equals(second.x)
    assert chosen(first) == chosen(second)


# --- kinds of targets and folds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [["no", "yes"], list("abcdefg")])
def test_classes(classes):
    x, y = PLANTED["encodings"]
    codes = np.argsort(np.argsort(y[:ROWS])) * len(classes) // ROWS
    target = pl.Series("y", [classes[code] for code in codes], dtype=pl.Enum(classes))
    made = built(x, target, only("encodings"))
    assert "encodings" in chosen(made)


def test_each_of_several_targets_has_a_choice_of_its_own(project):
    with_pairs(project)
    path = project.raw / "train.csv"
    pl.read_csv(path).with_columns(z=pl.col("x1") + pl.col("id") % 3).write_csv(path)
    sample = project.raw / "sample_submission.csv"
    pl.read_csv(sample).with_columns(z=0.0).write_csv(sample)
    project.facts(target=["y", "z"], metric="mcrmse")
    run = project.cv("features=auto", "rounds=5")
    taken = {
        target: pl.read_parquet(next(run.path.glob(f"folds/*-target{number}-*/learned/*.groups.parquet")))
        .filter(group="pairs")["chosen"]
        .item()
        for number, target in enumerate("yz")
    }
    assert taken["y"] > 0 == taken["z"]


@pytest.mark.parametrize("folds", [2, 3])
def test_few_folds_leave_few_cells_to_choose_in(folds):
    x, y = PLANTED["arithmetic"]
    assert "arithmetic" in chosen(built(x, y[:ROWS], only("arithmetic"), folds=folds))


def test_forward_in_time():
    x, y = PLANTED["encodings"]
    frame = pl.DataFrame(x)[:ROWS]
    train = table(frame, pl.Series("y", y[:ROWS]))
    blocks = np.arange(ROWS) * 6 // ROWS
    fold = Fold(0, 0, np.flatnonzero(blocks < 5), np.flatnonzero(blocks == 5))
    pool = make_pool(only("encodings"), train, table(frame[:5]), Folds(train.ids, (fold,), blocks[None], forward=True))
    made = build(pool, fold.train, {"valid": fold.valid})
    assert "town__target_mean" in made.x.columns
    assert made.x["town__target_mean"][: (blocks == 0).sum()].is_null().all()  # nothing came before the first block


# --- odd data ---------------------------------------------------------------------------------------------------------


def test_three_rows():
    x = {"a": [1.0, 2.0, 3.0, 4.0], "day": pl.Series(["2020-01-01"] * 4).str.to_date()}
    made = built(x, [1.0, 2.0, 3.0], automatic(FeatureSet()), folds=3)
    assert made.x.columns == ["a"]  # nothing is chosen, and no model takes dates


def test_five_thousand_columns():
    wide = {f"c{number:04}": values for number, values in enumerate(RNG.normal(size=(5000, 160)))}
    y = wide["c0003"][:150] / wide["c0007"][:150] ** 2
    made = built(wide, y, only("arithmetic"))
    assert 5000 <= made.x.width <= 5012


@pytest.mark.parametrize("value", [None, 0, "same"])
def test_columns_that_say_nothing(value):
    x = {"empty": [value] * ALL, "void": pl.Series([None] * ALL, dtype=pl.Float64), "a": noise(), "b": noise()}
    made = built(x, PLANTED["dates"][1][:ROWS], automatic(FeatureSet()))
    assert set(made.x.columns) >= {"a", "b"}


def test_a_constant_target():
    x, _ = PLANTED["arithmetic"]
    assert chosen(built(x, np.ones(ROWS), automatic(FeatureSet()))) == {}


def test_infinite_numbers():
    x, y = PLANTED["arithmetic"]
    infinite = x | {"c": np.where(np.arange(ALL) == 5, np.inf, noise())}
    assert "c" in built(infinite, y[:ROWS], automatic(FeatureSet())).x.columns


def test_unseen_categories():
    x, y = PLANTED["encodings"]
    towns = np.where(np.arange(ALL) < ROWS, x["town"], "elsewhere")
    made = built({"town": towns}, y[:ROWS], only("encodings"))
    assert made.frames["test"]["town__target_mean"].null_count() == 0


def test_dates_are_dropped_even_where_nothing_is_made_of_them():
    x, y = PLANTED["dates"]
    assert built(x, y[:ROWS], automatic(FeatureSet(), **NOTHING)).x.columns == ["x"]


# --- steps of its own -------------------------------------------------------------------------------------------------

STEPS = [
    OfRow(Arithmetic(("a", "b"), "over")),
    OfRow(Arithmetic(("b", "a"), "minus")),
    OfRow(Arithmetic(("a", "b"), "plus")),
    OfRow(DaysBetween(("sold", "built"))),
    Missing(("a", "b", "town")),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_the_steps_keep_what_the_engine_relies_on(step):
    days = pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2021, 1, 1), eager=True)
    x = pl.DataFrame(
        {
            "a": [None, 0.0, *range(28)],
            "b": [1, None, 0, *range(27)],
            "sold": days.sample(30, seed=1),
            "built": days.sample(30, seed=2).dt.date(),
            "town": pl.Series(["here", None, "there"] * 10, dtype=pl.Enum(["here", "there"])),
        },
        strict=False,
    )
    check_step(step, x)


def test_what_is_divided_by_zero_is_null():
    x = pl.DataFrame({"a": [1.0, 1.0, None], "b": [2, 0, 1]})
    assert Arithmetic(("a", "b"), "over")(x)["a__over_b"].to_list() == [0.5, None, None]


def test_days_between_are_parts_of_days_too():
    x = pl.DataFrame({"sold": [datetime(2020, 1, 2, 12)], "built": [date(2020, 1, 1)]})
    assert DaysBetween(("sold", "built"))(x)["sold__days_since_built"].to_list() == [1.5]


def test_patterns_of_nulls_are_numbered_by_how_common_they_are():
    x = pl.DataFrame({"a": [1, 1, 1, None, None], "b": [None, None, None, 2.0, 2.0], "c": [1.0, 2.0, 3.0, 4.0, np.nan]})
    made = Missing(("a", "b", "c")).fit(x).transform(x)
    assert made["row__missing"].to_list() == [1, 1, 1, 1, 2]
    assert made["row__missing_pattern"].to_list() == [0, 0, 0, *made["row__missing_pattern"][3:]]
    new = Missing(("a", "b", "c")).fit(x[:3]).transform(x[3:4])
    assert new["row__missing_pattern"].to_list() == [50]


# --- the engine -------------------------------------------------------------------------------------------------------


def test_new_rows_get_the_same_features():
    x, y = PLANTED["encodings"]
    frame = pl.DataFrame(x)
    train, test = table(frame[:ROWS], pl.Series("y", y[:ROWS])), table(frame[ROWS:])
    folds = folds_from_cells(train.ids, np.arange(ROWS) % 4)
    pool = make_pool(only("encodings"), train, test, folds)
    made = build(pool, folds.folds[0].train, {"valid": folds.folds[0].valid}, test=True)
    learned = LearnedFeatures.of(pool.features, made)
    rows = LearnedPool.of(pool).apply(pool.features, test.x)
    assert learned.apply(pool.features, rows).equals(made.frames["test"])


class NotFrozen(Proposer):
    def propose(self, training):
        return Proposal()


def test_only_a_proposer_can_propose():
    with pytest.raises(FeatureError, match="expects a Proposer"):
        FeatureSet(propose=FeatureSet())
    with pytest.raises(FeatureError, match="not a frozen dataclass"):
        FeatureSet(propose=NotFrozen())


# --- in a run ---------------------------------------------------------------------------------------------------------


def with_pairs(project, rows=6):
    """Let the target be what only two categories together tell."""
    for file in ("train", "test"):
        path = project.raw / f"{file}.csv"
        frame = pl.concat([pl.read_csv(path)] * rows) if file == "train" else pl.read_csv(path)
        frame = frame.with_columns(id=pl.int_range(pl.len()) + (1000 if file == "test" else 0))
        a, b = RNG.integers(0, 5, (2, frame.height))
        frame = frame.with_columns(a=pl.Series([f"a{i}" for i in a]), b=pl.Series([f"b{i}" for i in b]))
        if file == "train":
            frame = frame.with_columns(y=pl.Series(np.sin(a * 3 + b * 5.0)))
        frame.write_csv(path)
    sample = project.raw / "sample_submission.csv"
    pl.DataFrame({"id": np.arange(12) + 1000, "y": [0.0] * 12}).write_csv(sample)


def test_a_config_asks_for_them_without_any_code(project):
    with_pairs(project)
    run = project.cv("features=auto", "rounds=10")
    groups = bought(run)
    row = groups.filter(group="pairs").row(0, named=True)
    assert row["taken"] == 1
    assert row["gain"] > 0
    features = pl.read_parquet(run.path / "importance.parquet")["feature"].to_list()
    assert "a_x_b__target_mean" in features
    again, _ = predict(run, project.raw)
    assert again.height == 12


def test_a_set_of_that_name_in_features_py_is_taken(project):
    project.features(
        "from kagflow.features.automatic import automatic\nFEATURES = FeatureSet()\n"
        "AUTO = automatic(FEATURES, pairs=False)\n"
    )
    assert load("toy", project.root).feature_set("auto").propose == AutomaticFeatures(pairs=False)


def test_a_run_without_them_bought_nothing(project):
    assert bought(project.cv("rounds=5")).is_empty()


def test_cv_prints_what_each_group_bought(project):
    with_pairs(project)
    said = project.cli("cv", "toy", "--set", "features=auto", "--set", "rounds=5", "--track", "off")
    assert said.code == 0, said.err
    assert "auto     pairs: " in said.out


def test_replacing_a_part_keeps_the_proposer():
    features = automatic(FeatureSet(), text=False)
    assert replace(features, drop=("a",)).propose == AutomaticFeatures(text=False)
