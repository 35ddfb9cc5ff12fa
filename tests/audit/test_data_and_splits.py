"""Every finding about rows and folds: a planted fault that it catches, and data that it leaves alone."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from kagflow.audit import giveaways
from kagflow.audit.check import check_competition
from kagflow.competition import load
from kagflow.data import find_source, read_dataset

ROWS = 900
FACTS = {"ignore": [], "splitter": {"kind": "kfold", "folds": 3, "seed": 1}}


def frame(rows=ROWS, seed=0):
    """Rows of which nothing can be said but that x tells something of y."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "x1": x[:, 0],
            "x2": x[:, 1],
            "color": rng.choice(["red", "green", "blue"], rows),
            "customer": rng.integers(0, rows // 4, rows),
            "y": x[:, 0] + x[:, 2],
        }
    )


def halves(whole, test=None):
    """Train and test: the last third, or the rows that a mask says."""
    test = pl.int_range(pl.len()) >= 2 * len(whole) // 3 if test is None else test
    return whole.filter(~test), whole.filter(test).drop("y")


@pytest.fixture
def check(project):
    def run(train, test, **facts):
        project.facts(**FACTS | facts)
        train.write_csv(project.raw / "train.csv")
        test.write_csv(project.raw / "test.csv")
        test.select("id", y=pl.lit(0)).write_csv(project.raw / "sample_submission.csv")
        competition = load("toy", project.root)
        source = find_source(competition.name, competition.facts, competition.root)
        return check_competition(competition, read_dataset(source, competition.facts, competition.additions))

    return run


def found(report, code):
    """Return the one finding of a code, ``None`` without any."""
    findings = [finding for finding in report.findings if finding.code == code]
    assert len(findings) < 2
    return findings[0] if findings else None


def severity(report, code):
    finding = found(report, code)
    return None if finding is None else finding.severity


def by_customer(whole):
    return halves(whole, pl.col("customer") % 3 == 0)


def by_day(whole):
    """Three rows a day; test is the last third."""
    start = date(2024, 1, 1)
    days = [start + timedelta(days=row // 3) for row in range(len(whole))]
    return halves(whole.with_columns(day=pl.Series(days)))


def repeated(whole, times, **changes):
    """Return rows and copies of them, all with ids of their own, in a random order."""
    copies = pl.concat([whole] * times).sample(fraction=1, shuffle=True, seed=3)
    return copies.with_columns(id=pl.int_range(pl.len()), **changes)


# --- nothing wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_data_set_gets_a_note_that_the_folds_mirror_test(check, seed):
    report = check(*halves(frame(seed=seed)))
    assert [(finding.code, finding.severity) for finding in report.findings] == [("KF143", "note")]
    assert "new customer" in report.findings[0].message
    assert report.advice.splitter.kind == "kfold"


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_clean_data_set_of_classes_too(check, task):
    classes = {"binary": pl.col("y") > 0, "multiclass": pl.col("y").round().clip(-1, 1)}
    report = check(*halves(frame().with_columns(y=classes[task].cast(pl.String))), task=task, metric="accuracy")
    assert [finding.severity for finding in report.findings] == ["note"]


# --- KF102 and KF103: constant columns, new categories ---------------------------------------------------------------


def test_constant_columns_and_new_categories_are_noted(check):
    train, test = halves(frame().with_columns(same=1))
    assert severity(check(train, test), "KF102") == "note"
    new = check(train, test.with_columns(color=pl.lit("pink")))
    assert found(new, "KF103").columns == ("color",)


# --- KF111 to KF113: duplicates --------------------------------------------------------------------------------------


def test_rows_repeated_within_train_are_counted_and_their_conflicts_too(check):
    train, test = halves(frame())
    again = train[:30].with_columns(id=pl.col("id") + 10_000, y=pl.when(pl.col("id") < 10).then(0.5).otherwise("y"))
    message = found(check(pl.concat([train, again]), test), "KF111").message
    assert "60 rows of train" in message and "in 10 of them the targets differ" in message


def test_duplicates_across_folds_that_carry_the_target_are_an_error(check):
    train, test = halves(frame())
    assert severity(check(repeated(train, 2), test), "KF112") == "error"


def test_duplicates_across_folds_without_their_target_are_a_note(check):
    rng = np.random.default_rng(1)
    train, test = halves(frame())
    report = check(repeated(train, 2, y=pl.Series(rng.normal(size=2 * len(train)))), test)
    assert severity(report, "KF112") == "note"


def test_duplicates_that_test_has_as_well_are_no_fault_of_the_folds(check):
    report = check(*halves(repeated(frame(), 3)))
    assert severity(report, "KF112") == severity(report, "KF113") == "note"


def test_test_rows_that_repeat_training_rows_more_than_valid_rows_do_are_warned_of(check):
    train, test = halves(repeated(frame(), 2).sort("x1"), pl.int_range(pl.len()) % 2 == 1)  # twins on both sides
    twice = repeated(train[:60], 2).with_columns(id=pl.col("id") + 20_000)  # of what twins give away
    assert severity(check(pl.concat([train, twice]), test), "KF113") == "warning"


# --- KF121: giveaways ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("planted", "grade"),
    [(pl.col("y") * 2 + 1, "error"), ((pl.col("y") * 20).round().cast(pl.Int64).cast(pl.String), "warning")],
)
def test_a_column_that_gives_the_target_away_is_found(check, planted, grade):
    train, test = halves(frame(3 * ROWS).with_columns(leak=planted))
    assert found(check(train, test.with_columns(leak="leak")), "KF121").columns == ("leak",)
    assert severity(check(train, test), "KF121") in {grade, "error"}


def test_a_class_under_another_name_is_found_and_a_strong_feature_is_not(check):
    whole = frame().with_columns(y=(pl.col("y") > 0).cast(pl.String), leak=pl.when(pl.col("y") > 0).then(1))
    report = check(*halves(whole), task="binary", metric="auc")
    assert (found(report, "KF121").columns, severity(report, "KF121")) == (("leak",), "error")


def test_columns_are_cleared_without_a_tree_only_where_no_tree_could_accuse_them(check, monkeypatch):
    whole = frame(3 * ROWS)
    noise = pl.DataFrame(np.random.default_rng(2).normal(size=(len(whole), 20)), orient="row")
    jumps = pl.Series(np.random.default_rng(3).permutation(120))  # a leaf for each, and neighbours are strangers
    level = (whole["y"].rank() * 119 / len(whole)).cast(pl.Int64)
    holes = pl.when(pl.col("id") % 50 > 0).then("y")
    whole = whole.with_columns(noise).with_columns(jumps=jumps[level] * 1.5, holes=holes)
    trained = []
    by_tree = giveaways._by_tree
    monkeypatch.setattr(giveaways, "_by_tree", lambda values, *rest: trained.append(1) or by_tree(values, *rest))
    quickly = check(*halves(whole)).findings
    n_trees = len(trained)
    monkeypatch.setattr(giveaways, "_cleared", lambda *_: set())
    assert check(*halves(whole)).findings == quickly
    assert {"jumps", "holes"} == {name for each in quickly if each.code == "KF121" for name in each.columns}
    assert n_trees <= 2 * 3 < len(trained) - n_trees


# --- KF122 and KF123: the id, the order of rows ----------------------------------------------------------------------


def test_a_file_in_order_of_its_target_is_found(check):
    train, test = halves(frame())
    sorted_by_target = train.sort("y").with_columns(id=pl.int_range(pl.len()))
    assert severity(check(sorted_by_target, test), "KF122") == "warning"
    with_ids_at_random = train.sort("y").with_columns(id=pl.int_range(pl.len()).shuffle(seed=1))
    report = check(with_ids_at_random, test)
    assert severity(report, "KF122") is None
    assert severity(report, "KF123") == "warning"


def test_neighbours_that_are_alike_are_found_without_a_trend(check):
    train, test = halves(frame().with_columns(y=(pl.col("id") // 5 % 2).cast(pl.Float64) + 0.1 * pl.col("y")))
    assert "neighbours are alike" in found(check(train, test), "KF122").message


def test_groups_that_lie_together_are_no_order_of_rows(check):
    whole = frame().sort("customer").with_columns(id=pl.int_range(pl.len()))
    level = np.random.default_rng(4).normal(size=ROWS)
    whole = whole.with_columns(y=pl.col("y") + 3 * pl.Series(level)[whole["customer"].to_numpy()])
    split = by_customer(whole)
    assert severity(check(*split), "KF122") is None
    assert severity(check(*halves(whole, pl.col("id") % 3 == 0)), "KF122") == "warning"


# --- KF131: drift ----------------------------------------------------------------------------------------------------


def test_a_column_that_drifts_is_named(check):
    train, test = halves(frame())
    report = check(train, test.with_columns(x2=pl.col("x2") + 2))
    assert severity(report, "KF131") == "warning"
    assert found(report, "KF131").columns[0] == "x2"


def test_values_that_are_merely_new_do_not_drift(check):
    names = pl.format("name {}", "id")
    assert severity(check(*halves(frame().with_columns(name=names))), "KF131") is None


# --- KF141 to KF143: folds beside how test was drawn -----------------------------------------------------------------


def test_groups_that_straddle_folds_are_an_error_declared_or_found(check):
    declared = check(*halves(frame()), group="customer")
    assert severity(declared, "KF141") == "error"
    candidate = check(*by_customer(frame()))
    assert severity(candidate, "KF141") == "error"
    assert "`group: customer`" in found(candidate, "KF141").hint


def test_folds_of_whole_groups_have_none_that_straddle(check):
    report = check(*by_customer(frame()), group="customer", splitter={"kind": "group", "folds": 3})
    assert severity(report, "KF141") is None
    assert severity(report, "KF143") == "note"


def test_valid_rows_before_their_training_rows_are_an_error_where_test_is_the_future(check):
    report = check(*by_day(frame()))
    assert severity(report, "KF142") == "error"
    forward = check(*by_day(frame()), time="day", splitter={"kind": "forward", "folds": 3})
    assert severity(forward, "KF142") is None


def test_time_may_run_backwards_where_test_lies_within_train(check):
    whole = by_day(frame())[0]
    report = check(*halves(whole, pl.col("id") % 3 == 0), time="day")
    assert severity(report, "KF142") is None


def test_folds_that_do_not_mirror_test_are_warned_of(check):
    assert severity(check(*by_customer(frame())), "KF143") == "warning"
    assert severity(check(*by_day(frame())), "KF143") == "warning"
    too_hard = check(*halves(frame()), group="customer", splitter={"kind": "group", "folds": 3})
    assert severity(too_hard, "KF143") == "warning"


def test_rows_that_cannot_be_split_as_declared_are_an_error_and_the_rest_is_checked(check):
    report = check(*halves(frame()), splitter={"kind": "group"})
    assert severity(report, "KF140") == "error"
    assert report.advice.splitter.kind == "kfold"


# --- the report ------------------------------------------------------------------------------------------------------


def test_the_most_severe_comes_first(check):
    train, test = by_customer(frame().with_columns(same=1))
    severities = [finding.severity for finding in check(train, test).findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert {"error", "warning", "note"} == set(severities)


# --- wide data -------------------------------------------------------------------------------------------------------


def test_frames_are_not_asked_for_all_their_columns_once_a_column(check, monkeypatch):
    """Each such question takes as long as there are columns: asked for each of thousands, it took most of the time."""
    monkeypatch.setattr("kagflow.data.agreement._LARGE_BYTES", 0)
    asked = []
    for what in ("schema", "columns", "dtypes"):
        told = getattr(pl.DataFrame, what).fget
        monkeypatch.setattr(pl.DataFrame, what, property(lambda own, told=told: asked.append(1) or told(own)))

    def questions(columns):
        asked.clear()
        noise = np.random.default_rng(0).normal(size=(100, columns))
        ids = pl.DataFrame({"id": np.arange(100), "y": noise[:, 0]})
        check(*halves(pl.concat([ids, pl.DataFrame(noise).rename(lambda name: f"x_{name}")], how="horizontal")))
        return len(asked)

    assert questions(40) == questions(10)
