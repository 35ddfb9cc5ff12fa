"""``kagflow new``: what is guessed of invented competitions, and that what is written works at once."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import yaml

from kagflow.competition import load
from kagflow.errors import ConfigError, DataError
from kagflow.features.automatic import AutomaticFeatures
from kagflow.scaffold import Given, new_competition

N, M = 120, 40
RNG = np.random.default_rng(3)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "competitions").mkdir()
    return tmp_path


def column(values):
    return RNG.choice(values, N + M)


def write(root, columns, target, sample=None, name="made", suffix=""):
    """Write the files of a competition: columns of train and test, the target of train, values of the sample."""
    folder = root / "files" / name
    folder.mkdir(parents=True)
    both = pl.DataFrame(columns, strict=False)
    if "id" not in both.columns:
        both = both.with_columns(id=pl.int_range(pl.len()))
    train = both[:N].with_columns(**target)
    sample = {next(iter(target)): [0] * M} if sample is None else sample
    tables = {
        "train": train,
        "test": both[N:],
        "sample_submission": pl.DataFrame({"id": both["id"][N:], **sample}),
    }
    for role, table in tables.items():
        table.write_csv(folder / f"{role}.csv{suffix}", compression="gzip" if suffix else "uncompressed")
    return folder


def facts(root, folder, **given):
    return new_competition("made", folder, root, given=Given(**given)).draft.facts()


X = {"a": RNG.normal(size=N + M), "b": column(["red", "green", "blue"])}
PRICE = {"price": np.exp(RNG.normal(size=N))}


# --- what is to be predicted ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "sample", "task", "metric"),
    [
        (RNG.normal(size=N), None, "regression", "rmse"),
        (np.exp(2 * RNG.normal(size=N)), None, "regression", "rmsle"),
        (RNG.poisson(np.exp(RNG.normal(3, 1, N))), None, "regression", "rmsle"),
        (RNG.integers(0, 2, N), [0.5] * M, "binary", "auc"),
        (RNG.integers(0, 2, N), [0, 1] * (M // 2), "binary", "accuracy"),
        ((RNG.random(N) < 0.04).astype(int), [0] * M, "binary", "auc"),
        (RNG.choice(["yes", "no"], N), ["no"] * M, "binary", "accuracy"),
        (RNG.choice(list("abcdefghi"), N), ["a"] * M, "multiclass", "accuracy"),
        (RNG.integers(1, 7, N), [3] * M, "multiclass", "accuracy"),
        (RNG.integers(1, 7, N), [3.2] * M, "regression", "rmse"),
    ],
)
def test_task_and_metric(root, target, sample, task, metric):
    made = facts(root, write(root, X, {"y": target}, None if sample is None else {"y": sample}))
    assert (made["task"], made["metric"], made["target"], made["id"]) == (task, metric, "y", "id")


def test_a_column_for_each_class_means_chances_of_classes(root):
    labels = ["low", "mid", "top"]
    sample = {f"prob_{label}": [0.3] * M for label in labels}
    made = facts(root, write(root, X, {"grade": RNG.choice(labels, N)}, sample))
    assert (made["task"], made["metric"], made["target"]) == ("multiclass", "log_loss", "grade")


def test_several_targets(root):
    made = facts(root, write(root, X, {"u": RNG.normal(size=N), "v": RNG.normal(size=N)}, {"u": [0] * M, "v": [0] * M}))
    assert made["target"] == ["u", "v"]
    assert made["metric"] == "mcrmse"


def test_the_metric_that_is_given_decides_on_the_task(root):
    folder = write(root, X, {"grade": RNG.integers(1, 6, N)})
    assert facts(root, folder, metric="rmse")["task"] == "regression"


def test_grades_by_kappa_are_learned_as_numbers(root):
    new_competition(
        "made", write(root, X, {"grade": RNG.integers(1, 6, N)}), root, given=Given(metric="quadratic_kappa")
    )
    for config in ("lgbm", "linear"):
        experiment = load("made", root).experiment(config)
        assert (experiment.target_transform, experiment.postprocess) == ("as_numbers", "kappa")


@pytest.mark.parametrize(("metric", "postprocess"), [("f1", "threshold"), ("mcc", "threshold"), ("accuracy", None)])
def test_where_half_is_seldom_the_best_cut_it_is_looked_for(root, metric, postprocess):
    new_competition("made", write(root, X, {"left": RNG.integers(0, 2, N)}), root, given=Given(metric=metric))
    assert {load("made", root).experiment(name).postprocess for name in ("lgbm", "cat", "linear")} == {postprocess}


@pytest.mark.parametrize(
    ("labels", "positive"), [(["bad", "yes"], None), (["yes", "zero"], "yes"), (["ok", "no"], "no")]
)
def test_the_positive_label(root, labels, positive):
    y = np.where(
        RNG.random(N) < 0.2, labels[1] if positive == "no" else labels[0], labels[0] if positive == "no" else labels[1]
    )
    assert facts(root, write(root, X, {"y": y}, {"y": [labels[0]] * M})).get("positive") == positive


# --- what the columns hold --------------------------------------------------------------------------------------------


def kinds(root, columns):
    return new_competition("made", write(root, columns, PRICE), root).draft.columns


def test_words_among_numbers_are_nulls(root):
    columns = X | {"c": np.where(RNG.random(N + M) < 0.2, "NA", RNG.integers(0, 9, N + M).astype(str))}
    assert facts(root, write(root, columns, PRICE))["null_words"] == ["", "NA"]


def test_codes_are_told_from_amounts(root):
    few, many = RNG.integers(100_000, 900_000, 30), RNG.integers(0, 400_000, N + M)
    found = kinds(root, {"manager": column(few), "area": many, "rooms": column(range(9)), "shop_id": column(range(9))})
    assert found.codes == ("manager", "shop_id")
    assert found.numbers == ("area", "rooms")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%d.%m.%Y", "%d.%m.%Y"),
        ("%m/%d/%Y", "%m/%d/%Y"),
        ("%d %b %Y", "%d %b %Y"),
        ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M"),
    ],
)
def test_dates_in_other_forms_are_read(root, form, expected):
    days = pl.datetime_range(pl.datetime(2023, 1, 1), pl.datetime(2023, 12, 31), "1d", eager=True)
    found = kinds(root, {**X, "day": days.sample(N + M, seed=1).dt.strftime(form)})
    assert found.written_dates == (("day", expected),)


def test_numbers_with_separators_are_read(root):
    amounts = [f"${value:,.2f}" for value in RNG.uniform(1, 90_000, N + M)]
    assert kinds(root, {**X, "paid": amounts}).decorated == ("paid",)


def test_names_made_of_parts_are_taken_apart(root):
    cabins = [f"{deck}/{number}/S" for deck, number in zip(column(list("ABC")), column(range(20)), strict=True)]
    (found,) = kinds(root, {**X, "cabin": cabins}).parted
    assert (found.separator, found.numbers) == ("/", (False, True, False))


# --- what is written works --------------------------------------------------------------------------------------------

ODD = {
    "words": [" ".join(RNG.choice(["alpha", "beta", "gamma", "delta"], 5)) + f" {row}" for row in range(N + M)],
    "when": pl.date_range(pl.date(2023, 1, 1), pl.date(2023, 12, 31), "1d", eager=True).sample(N + M, seed=1),
    "day": ["31.12.2023", "01.02.2023"] * ((N + M) // 2),
    "paid": [f"{value:,.0f}" for value in RNG.uniform(1, 90_000, N + M)],
    "city": column([f"city {number}" for number in range(40)]),
    "code": column(RNG.integers(100_000, 900_000, 30)),
    "empty": [None] * (N + M),
    "same": [1] * (N + M),
    "flag": column(["yes", "no"]),
    "huge": column([10**20 + number for number in range(25)]).astype(str),
    "größe [cm]*": RNG.normal(size=N + M),
    'quote"d': column(list("xyz")),
    "mixed": column(["1", "two", "3.5"]),
}


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_what_is_written_can_be_cross_validated_at_once(project, task):
    target = {
        "regression": RNG.normal(size=N),
        "binary": RNG.choice(["n", "y"], N),
        "multiclass": RNG.choice(list("abc"), N),
    }[task]
    sample = {"y": [0] * M if task == "regression" else [target[0]] * M}
    folder = write(project.root, {**X, **ODD}, {"y": target}, sample, suffix=".gz")
    made = project.cli("new", "made", "--from", str(folder), "--json")
    assert made.code == 0, made.err
    assert json.loads(made.out)["facts"]["task"] == task
    for config in ("lgbm", "linear"):
        fast = ("--set", "rounds=5", "--set", "seeds=1") if config == "lgbm" else ()
        said = project.cli("cv", "made", "--config", config, *fast, "--json")
        assert said.code == 0, said.err
        assert json.loads(said.out)["se"] is not None


def test_the_evidence_stands_in_the_file_beside_each_guess(root):
    folder = write(root, X, PRICE)
    new_competition("made", folder, root)
    text = (root / "competitions/made/competition.yaml").read_text()
    assert yaml.safe_load(text)["target"] == "price"
    assert "# asked for in the sample submission, and not in test.csv\ntarget: price" in text
    assert "# LOOK: price looks like an amount" in text


def test_lines_stay_short_however_many_columns_there_are(root):
    days = pl.date_range(pl.date(2023, 1, 1), pl.date(2023, 12, 31), "1d", eager=True)
    many = {f"day_of_the_visit_number_{k}": days.sample(N + M, seed=k) for k in range(12)}
    new_competition("made", write(root, {**X, **many}, PRICE), root)
    lines = (root / "competitions/made/features.py").read_text().splitlines()
    assert sum("day_of_the_visit_number_11" in line for line in lines) > 1  # taken apart, and dropped
    assert max(map(len, lines)) <= 120


def test_the_written_test_passes(root):
    new_competition("made", write(root, X, PRICE), root)
    folder = str(root / "competitions/made")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_groups_that_test_keeps_apart_become_the_splitter(root):
    shops = np.r_[np.repeat(range(24), 5), np.repeat(range(24, 32), 5)]
    made = facts(root, write(root, {**X, "shop": [f"s{shop}" for shop in shops]}, PRICE))
    assert made["group"] == "shop"
    assert made["splitter"]["kind"] == "group"


@pytest.mark.parametrize(("shops", "fixed"), [(2, True), (24, False)])
def test_where_no_group_can_be_spared_for_stopping_rounds_are_a_number(root, monkeypatch, shops, fixed):
    monkeypatch.setattr("kagflow.scaffold.configs._FEW_ROWS", 0)
    of_rows = np.r_[np.repeat(range(shops), N // shops), np.repeat(range(24, 32), M // 8)]
    folder = write(root, {**X, "shop": [f"s{shop}" for shop in of_rows]}, PRICE)
    new_competition("made", folder, root, given=Given(group="shop"))
    assert ("rounds" in yaml.safe_load((root / "configs/made/lgbm.yaml").read_text())) == fixed


def test_a_later_test_becomes_a_forward_splitter(root):
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 1) + pl.duration(days=N + M - 1), "1d", eager=True)
    made = facts(root, write(root, {**X, "day": days}, PRICE))
    assert (made["time"], made["splitter"]["kind"]) == ("day", "forward")


# --- what is refused --------------------------------------------------------------------------------------------------


def test_what_is_there_is_not_written_over(root):
    folder = write(root, X, PRICE)
    new_competition("made", folder, root)
    with pytest.raises(ConfigError, match="is there already"):
        new_competition("made", folder, root)


def test_nothing_is_left_behind_where_the_files_do_not_do(root):
    folder = write(root, X, {"y": np.zeros(N)})
    with pytest.raises(ConfigError, match="nothing to learn"):
        new_competition("made", folder, root)
    assert not list((root / "competitions").iterdir())
    assert not (root / "configs").exists()


def test_a_missing_file_is_named(root):
    folder = write(root, X, PRICE)
    (folder / "test.csv").unlink()
    with pytest.raises(DataError, match="no file looks like test"):
        new_competition("made", folder, root)


def test_what_cannot_be_guessed_is_one_error_and_can_be_given(root):
    folder = write(root, X, {"u": RNG.normal(size=N), "v": RNG.normal(size=N)}, {"answer": [0] * M})
    with pytest.raises(ConfigError, match="names none of them: u, v") as caught:
        new_competition("made", folder, root)
    assert "--target" in caught.value.hint
    assert facts(root, folder, target=("v",))["target"] == "v"


def test_a_wrong_column_is_told_with_the_right_one(root):
    with pytest.raises(ConfigError) as caught:
        facts(root, write(root, X, PRICE), target=("prise",))
    assert "'price'" in caught.value.hint


def test_three_rows_are_told_to_be_too_few(project):
    folder = project.root / "few"
    folder.mkdir()
    for role, text in {
        "train": "id,a,y\n1,2,3\n2,3,4\n3,4,6\n",
        "test": "id,a\n4,5\n",
        "sample_submission": "id,y\n4,0\n",
    }.items():
        (folder / f"{role}.csv").write_text(text)
    assert project.cli("new", "few", "--from", str(folder)).code == 0
    said = project.cli("cv", "few", "--config", "linear")
    assert said.code == 1
    assert "Traceback" not in said.err


def test_automatic_features_are_there_to_be_asked_for(root):
    new_competition("made", write(root, X, PRICE), root)
    made = load("made", root)
    assert made.feature_set("auto").propose == AutomaticFeatures()
    plain, auto = made.experiment("lgbm"), made.experiment("lgbm_auto")
    assert auto.model_copy(update={"features": plain.features}) == plain
