"""What a competition may bring along beside features.py: tables.py, target.py and submission.py."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.errors import ConfigError, DataError
from kagflow.runs import compare, predict

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")


# --- several files, one row a customer --------------------------------------------------------------------------------

TWO_FILES = {
    "ignore": [],
    "tables": {"transactions": "transactions.csv"},
    "train_file": "labels.csv",  # id and target, nothing else
    "test_file": "sample_submission.csv",  # the ids of test
    "accept": {"KF303": "the target is what they spent, so that there is something to find"},
}
ASSEMBLE = """
import polars as pl

def assemble(tables):
    spent = tables["transactions"].group_by("id").agg(
        pl.len().alias("n"), pl.col("amount").sum().alias("spent"), pl.col("shop").mode().sort().first().alias("shop")
    )
    return tuple(tables[name].select("id").join(spent, on="id", how="left") for name in ("train", "test"))
"""


@pytest.fixture
def two_files(project):
    """60 customers with labels, 12 without, and their transactions; the target grows with what they spend."""
    rng = np.random.default_rng(1)
    customers = rng.integers(0, 72, 600)
    amounts = rng.exponential(10, 600).round(2)
    spent = np.bincount(customers, amounts, minlength=72)
    for path in project.raw.iterdir():
        path.unlink()
    shops = rng.choice(["north", "south"], 600)
    pl.DataFrame({"id": customers, "amount": amounts, "shop": shops}).write_csv(project.raw / "transactions.csv")
    pl.DataFrame({"id": np.arange(60), "y": spent[:60]}).write_csv(project.raw / "labels.csv")
    pl.DataFrame({"id": np.arange(60, 72), "y": 0}).write_csv(project.raw / "sample_submission.csv")
    project.facts(**TWO_FILES)
    project.write("competitions/toy/tables.py", ASSEMBLE)
    return project


def test_transactions_are_assembled_to_one_row_a_customer(two_files):
    run = two_files.cv(*RIDGE)
    assert run.oof()["id"].to_list() == list(range(60))
    assert run.scores["cv"] < 5  # of a target with a deviation of about 30: the amount that was spent is known
    features = pl.read_parquet(run.path / "importance.parquet")["feature"].to_list()
    assert set(features) >= {"n", "spent", "shop"}


def test_the_target_is_out_of_reach_of_assemble(two_files):
    two_files.write("competitions/toy/tables.py", ASSEMBLE + LOOK)
    with pytest.raises(DataError, match=r'raised ColumnNotFoundError: .*"y"'):
        two_files.cv(*RIDGE)


LOOK = """
honest = assemble

def assemble(tables):
    tables["train"].select("y")
    return honest(tables)
"""


def test_a_row_made_of_other_customers_rows_is_caught(two_files):
    over_all = 'pl.col("amount").sum().alias("spent")'
    mean = '(pl.col("amount").sum() / tables["transactions"]["amount"].mean()).alias("spent")'
    assert over_all in ASSEMBLE
    two_files.write("competitions/toy/tables.py", ASSEMBLE.replace(over_all, mean))
    with pytest.raises(DataError, match="other ids' rows: spent changed") as caught:
        two_files.cv(*RIDGE)
    assert caught.value.where.endswith("tables.py")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def assemble(tables): return tables['transactions'], tables['test']", "returned 600 rows"),
        ("def assemble(tables): return tables['train']", "must return two polars frames"),
        ("def assemble(tables): return tables['train'].rename({'id': 'x'}), tables['test']", "without the column 'id'"),
        ("def assemble(tables): return tables['trian'], tables['test']", "raised KeyError: 'trian'"),
    ],
)
def test_what_assemble_returns_is_checked(two_files, code, said):
    two_files.write("competitions/toy/tables.py", code)
    with pytest.raises(DataError, match=said):
        two_files.cv(*RIDGE)


def test_declared_tables_need_a_function(two_files):
    (two_files.root / "competitions/toy/tables.py").unlink()
    with pytest.raises(ConfigError, match="'transactions' is declared and nothing uses it"):
        two_files.cv(*RIDGE)
    two_files.write("competitions/toy/tables.py", "ASSEMBLE = 1")
    with pytest.raises(ConfigError, match="no function `assemble`"):
        two_files.cv(*RIDGE)


def test_other_transactions_are_other_data(two_files):
    before = two_files.cv(*RIDGE).facts["fingerprints"]["data"]
    table = pl.read_csv(two_files.raw / "transactions.csv")
    table.with_columns(pl.col("amount") * 2).write_csv(two_files.raw / "transactions.csv")
    assert two_files.cv(*RIDGE).facts["fingerprints"]["data"] != before


@pytest.fixture
def later(two_files, tmp_path):
    """A folder as it comes later: the ids of test, and the transactions of these customers only."""
    folder = tmp_path / "later"
    shutil.copytree(two_files.raw, folder)
    (folder / "labels.csv").unlink()
    transactions = pl.read_csv(folder / "transactions.csv")
    transactions.filter(pl.col("id") >= 60).write_csv(folder / "transactions.csv")
    return folder


def test_assembled_rows_are_predicted_from_new_files_in_a_new_process(two_files, later):
    run = two_files.cv(*RIDGE)
    shutil.rmtree(two_files.raw)
    process = two_files.start("predict", "toy", run.name, "--data", str(later), "--out", "made.csv")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (two_files.root / "made.csv").read_bytes() == (run.path / "submission.csv").read_bytes()
    assert predict(run, later)[0].equals(run.test())


def test_other_customers_with_other_transactions(two_files, later):
    """Amounts that are whole numbers now are read as the floats that they were; a shop that nobody knew is null."""
    run = two_files.cv(*RIDGE)
    pl.DataFrame({"id": [900, 900, 901], "amount": [7, 8, 90], "shop": "east"}).write_csv(later / "transactions.csv")
    pl.DataFrame({"id": [900, 901], "y": 0}).write_csv(later / "sample_submission.csv")
    made, submission = predict(run, later)
    assert made["id"].to_list() == [900, 901]
    assert made["prediction"].to_list() == pytest.approx([15, 90], abs=10)
    assert submission.height == 2


def test_the_table_that_a_step_joins_may_be_missing_later(two_files, later):
    pl.DataFrame({"shop": ["north", "south"], "size": [3, 4]}).write_csv(two_files.raw / "shops.csv")
    two_files.facts(**TWO_FILES | {"tables": {"transactions": "transactions.csv", "shops": "shops.csv"}})
    two_files.features(
        'from kagflow.features.encoders import Join\nFEATURES = FeatureSet(fold=[Join("shops", by="shop")])'
    )
    run = two_files.cv(*RIDGE)
    assert predict(run, later)[0].equals(run.test())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda folder: (folder / "transactions.csv").unlink(), r"transactions\.csv is missing"),
        (lambda folder: (folder / "transactions.csv").write_text("id,amount\n60,3"), "the column 'shop' is missing"),
        (lambda folder: (folder / "transactions.csv").write_text("id,amount,shop\n60,much,x"), "'much', which is no"),
        (lambda folder: (folder / "sample_submission.csv").write_text("id,y\n60,0\n60,0"), "ids must be there"),
    ],
)
def test_new_files_that_do_not_fit_are_refused(two_files, later, fault, said):
    run = two_files.cv(*RIDGE)
    fault(later)
    with pytest.raises(DataError, match=said):
        predict(run, later)


def test_an_assemble_that_needs_training_rows_is_told_that_there_are_none(two_files, later):
    first = 'tables["train"]["id"][0]'
    two_files.write("competitions/toy/tables.py", ASSEMBLE.replace("    spent", f"    {first}\n    spent", 1))
    run = two_files.cv(*RIDGE)
    with pytest.raises(DataError, match="assemble raised IndexError") as caught:
        predict(run, later)
    assert "train has no rows when new rows are predicted" in caught.value.hint


def test_types_that_depend_on_the_rows_are_told(two_files, later):
    by_value = 'spent.with_columns(pl.col("n").cast(pl.Int64 if tables["train"].height else pl.Float64))'
    two_files.write("competitions/toy/tables.py", ASSEMBLE.replace("join(spent", f"join({by_value}"))
    run = two_files.cv(*RIDGE)
    with pytest.raises(DataError, match="assemble made 'n' as Float64, and it was Int64 when the models were fitted"):
        predict(run, later)


# --- the scale on which a model learns ------------------------------------------------------------------------------

RATIO = """
from dataclasses import dataclass
import polars as pl
from kagflow.training import TargetTransform

@dataclass(frozen=True)
class PerUnit(TargetTransform):
    \"\"\"The target per unit of size.\"\"\"

    def fit(self, x, y):
        return self

    def forward(self, x, y):
        return y / x["size"]

    def back(self, x, prediction):
        return prediction * x["size"].to_numpy()

TARGET = PerUnit()
"""
RESIDUAL = """
from dataclasses import dataclass
import numpy as np
import polars as pl
from sklearn.linear_model import Ridge
from kagflow.training import TargetTransform

@dataclass(frozen=True)
class Residual(TargetTransform):
    \"\"\"What a ridge regression on x1 leaves over; the model learns the rest.\"\"\"

    def fit(self, x, y):
        return Line(Ridge().fit(x.select("x1").to_numpy(), y.to_numpy()))

@dataclass(frozen=True)
class Line:
    ridge: Ridge

    def forward(self, x, y):
        return y - self.ridge.predict(x.select("x1").to_numpy())

    def back(self, x, prediction):
        return prediction + self.ridge.predict(x.select("x1").to_numpy())

TARGET = Residual()
"""


def test_a_ratio_as_target(project):
    """y is a multiple of the size: a constant per unit is all that there is to learn."""
    rng = np.random.default_rng(0)
    size = rng.uniform(1, 100, 72)
    frame = pl.DataFrame({"id": np.arange(72), "size": size, "y": 3 * size})
    frame[:60].write_csv(project.raw / "train.csv")
    frame[60:].drop("y").write_csv(project.raw / "test.csv")
    project.facts(ignore=[], accept={"KF303": "a multiple of the size, so that there is something to find"})
    plain = project.cv("rounds=20", "model.params.min_data_in_leaf=5")
    project.write("competitions/toy/target.py", RATIO)
    ratio = project.cv("rounds=20", "model.params.min_data_in_leaf=5")
    assert plain.scores["cv"] > 10
    assert ratio.scores["cv"] < 0.001
    assert "target_transform: own" in ratio.experiment()
    assert ratio.oof()["y"].equals(frame["y"][:60])  # files hold the original scale


def test_the_residual_of_a_ridge_regression_as_target(project):
    few = ("rounds=5", "model.params.min_data_in_leaf=5")
    plain = project.cv(*few)
    project.write("competitions/toy/target.py", RESIDUAL)
    assert project.cv(*few).scores["cv"] < plain.scores["cv"]  # y is linear in x1, which five trees cannot follow
    assert project.cv(*few, "target_transform=none").scores == plain.scores


def test_a_target_module_without_a_target_is_refused(project):
    project.write("competitions/toy/target.py", "target = 1")
    with pytest.raises(ConfigError, match="defines no TARGET"):
        project.cv(*RIDGE)


# --- the form of a submission ---------------------------------------------------------------------------------------

SEVERAL = """
import polars as pl

def submission(predictions, sample):
    made = predictions.select(
        pl.col("id").cast(pl.String), low=pl.col("prediction") - 1, high=(pl.col("prediction") + 1).round(3)
    )
    return sample.select("id").join(made, on="id", how="left", maintain_order="left")
"""


def test_several_columns(project):
    project.data(sample={"low": [0] * 12, "high": [0] * 12})
    with pytest.raises(DataError, match="2 columns beside the id"):
        project.cv(*RIDGE)
    project.write("competitions/toy/submission.py", SEVERAL)
    written = pl.read_csv(project.cv(*RIDGE).path / "submission.csv")
    assert written.columns == ["id", "low", "high"]
    assert written["id"].to_list() == list(range(71, 59, -1))  # the sample's order


def test_three_guesses_a_row(project):
    """map@3 wants "A B C", the most probable label first; no hook is needed."""
    project.data("multiclass", {"y": ["low mid top"] * 12})
    project.facts(task="multiclass", metric="map@3")
    run = project.cv("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
    guesses = pl.read_csv(run.path / "submission.csv")["y"].str.split(" ").to_list()
    assert all(sorted(guess) == ["low", "mid", "top"] for guess in guesses)
    probabilities = run.test().sort("id", descending=True)
    first = [("low", "mid", "top")[np.argmax(row)] for row in probabilities.select("^prediction_.$").rows()]
    assert [guess[0] for guess in guesses] == first
    assert 0.5 < run.scores["cv"] <= 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return predictions", "must return the sample's columns id, y"),
        ("return sample.reverse()", "the sample's 12 ids, in its order"),
        ("return sample.with_columns(y=pl.lit(None))", "returned nulls"),
        ("return predictions['wrong']", "raised ColumnNotFoundError"),
        ("return None", "returned NoneType"),
    ],
)
def test_what_submission_returns_is_checked(project, body, said):
    project.write("competitions/toy/submission.py", f"import polars as pl\ndef submission(predictions, sample): {body}")
    with pytest.raises(DataError, match=said):
        project.cv(*RIDGE)
    assert project.complete() == []


def test_a_run_keeps_the_files_that_made_it_and_predicts_with_them(project, tmp_path):
    project.write("competitions/toy/submission.py", SEVERAL)
    project.data(sample={"low": [0] * 12, "high": [0] * 12})
    run = project.cv(*RIDGE)
    assert (run.path / "submission.py").read_text() == SEVERAL
    said = project.cli("predict", "toy", "--data", str(project.raw), "--json")
    made = json.loads(said.out)["submission"]
    assert (project.root / made).read_bytes() == (run.path / "submission.csv").read_bytes()


# --- a metric that looks at more than the target ----------------------------------------------------------------------


def test_a_concordance_index_by_stratum_with_two_target_columns(project):
    """Times of events, some of them only known to be later (``efs`` 0); the score is taken within each stratum."""
    rng = np.random.default_rng(0)
    train, test = (pl.read_csv(project.raw / f"{name}.csv") for name in ("train", "test"))
    train.with_columns(efs=pl.Series(rng.integers(0, 2, 60))).write_csv(project.raw / "train.csv")
    project.facts(metric="stratified_concordance@efs,color")
    run = project.cv(*RIDGE)
    assert "efs" in run.facts["only_in_train"]
    assert "efs" not in pl.read_parquet(run.path / "importance.parquet")["feature"]
    oof = run.oof()
    by_stratum = [_concordance(own) for _, own in oof.group_by("metric_column_color")]
    assert run.scores["cv"] == pytest.approx(np.mean(by_stratum) - np.std(by_stratum))
    assert run.scores["se"] > 0
    other = project.cv(*RIDGE, "drop=[x2]")
    difference = compare(other, run, load("toy", project.root).metric).difference
    assert difference.value == pytest.approx(other.scores["cv"] - run.scores["cv"])
    assert test.height == 12


def _concordance(rows):
    """Of the pairs in which the earlier row's event was seen, the share that is predicted in the same order."""
    known = list(zip(rows["y"], rows["metric_column_efs"], rows["prediction"], strict=True))
    pairs = [(first, second) for first in known for second in known if first[1] and first[0] < second[0]]
    return np.mean([1.0 if first[2] < second[2] else 0.5 * (first[2] == second[2]) for first, second in pairs])


def test_a_column_that_the_metric_needs_and_train_lacks(project):
    project.facts(metric="concordance@event")
    with pytest.raises(DataError, match="'event', which `metric` names"):
        project.cv(*RIDGE)


# --- classes as numbers -----------------------------------------------------------------------------------------------


def test_grades_are_learned_as_numbers_for_kappa(project):
    project.data("multiclass", {"y": ["low"] * 12})
    project.facts(task="multiclass", metric="quadratic_kappa")
    run = project.cv(*RIDGE, "target_transform=as_numbers")
    oof = run.oof()
    assert oof["prediction"].is_between(0, 2).all()
    assert not oof["prediction"].is_in([0.0, 1.0, 2.0]).all()  # values between the grades
    assert run.scores["cv"] > 0.5
    assert set(pl.read_csv(run.path / "submission.csv")["y"]) <= {"low", "mid", "top"}
    cut = project.cv(*RIDGE, "target_transform=as_numbers", "postprocess=kappa")
    assert cut.scores["cv_fitted"] >= run.scores["cv"]


def test_two_classes_as_numbers(project):
    project.data("binary")
    project.facts(task="binary", metric="auc")
    run = project.cv(*RIDGE, "target_transform=as_numbers")
    assert run.oof()["prediction"].is_between(0, 1).all()
    assert run.scores["cv"] > 0.8


@pytest.mark.parametrize(("task", "metric"), [("multiclass", "accuracy"), ("regression", "rmse")])
def test_what_has_no_order_is_not_taken_as_numbers(project, task, metric):
    project.data(task)
    project.facts(task=task, metric=metric)
    with pytest.raises(ConfigError, match=r"as_numbers|without an order"):
        project.cv(*RIDGE, "target_transform=as_numbers")


def test_pinball_fits_its_quantile(project):
    project.facts(metric="pinball@0.9")
    oof = project.cv("rounds=30", "model.params.min_data_in_leaf=5").oof()
    assert (oof["y"] <= oof["prediction"]).mean() > 0.7
