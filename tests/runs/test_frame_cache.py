"""Features kept on disk: the second model on them builds nothing, and its run is the same to the byte."""

import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from kagflow.competition import load
from kagflow.data import Table, find_source, read_dataset
from kagflow.runs import Look, context, cross_validate
from kagflow.training import cache as module

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
LASSO = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Lasso")
TREES = ("rounds.limit=10", "rounds.patience=3", "rounds.refit=true", "model.params.min_data_in_leaf=3")
# Every fit of the spy leaves a line in a file that no key looks at.
SPY = """
from dataclasses import dataclass
from pathlib import Path

from kagflow.features import FoldStep
from kagflow.features.encoders import Impute, OneHot, SklearnStep, TargetMean
from sklearn.decomposition import PCA

FITS = Path(__file__).parents[2] / "fits"
LEVELS = {"red", "green", "blue"}


@dataclass(frozen=True)
class Learned:
    mean: float

    def transform(self, x):
        return x.select(x1__centred=pl.col("x1") - self.mean)

    def tables(self):
        return {"mean": pl.DataFrame({"mean": [self.mean]})}


@dataclass(frozen=True)
class Spy(FoldStep):
    def fit(self, x):
        with FITS.open("a") as file:
            file.write("fit\\n")
        return Learned(x["x1"].mean())


def is_known(x):
    return x.with_columns(known=pl.col("color").cast(pl.String).is_in(sorted(LEVELS)))


FEATURES = FeatureSet(
    fold=[Spy(), Impute(["x2"]), SklearnStep(PCA(1), ["x1", "x2__imputed"], name="pca"), OneHot(["color"])],
    target=[TargetMean(["color"])],
    then=[is_known],
    drop=["color", "x1"],
)
OTHER = FeatureSet(fold=[Spy()], drop=["color", "x1"])
"""


@pytest.fixture(autouse=True)
def everything_is_worth_it(monkeypatch):
    """Small data are built at once, and are kept here all the same."""
    monkeypatch.setattr(module, "_WORTH_SECONDS", 0.0)
    monkeypatch.setattr(module, "_WORTH_SECONDS_A_BYTE", 0.0)


@pytest.fixture
def spied(project):
    project.features(SPY)
    return project


def cv(project, *overrides, **settings):
    competition = load("toy", project.root)
    return cross_validate(competition, competition.experiment(None, overrides), **settings)


def fits(project) -> int:
    """Return how often the spy was fitted since the last call."""
    path = project.root / "fits"
    if not path.exists():
        return 0
    count = len(path.read_text().splitlines())
    path.unlink()
    return count


def kept(project) -> list[Path]:
    return sorted((project.root / "data/toy/frames").glob("*"))


def files_of(run) -> dict[str, bytes]:
    """Return all files of a run but the two that tell when it was made, and how long it took."""
    paths = [path for path in run.path.rglob("*") if path.is_file() and path.name not in ("run.json", "log.json")]
    return {str(path.relative_to(run.path)): path.read_bytes() for path in paths}


# --- the same, and sooner ---------------------------------------------------------------------------------------------


def test_the_second_model_on_the_same_features_builds_nothing(spied):
    cv(spied, *RIDGE)
    assert fits(spied) == 3
    cv(spied, *LASSO)
    cv(spied, *RIDGE, "seed=7", "seeds=2", "threads=1")
    assert fits(spied) == 0


@pytest.mark.parametrize("overrides", [RIDGE, (*RIDGE, "refit.rows=all"), (*TREES, "seeds=2")])
def test_every_file_of_a_run_is_the_same_to_the_byte(spied, overrides):
    without, writing, reading = (cv(spied, *overrides, cache=cache) for cache in (False, True, True))
    built = fits(spied) // 2
    assert built >= 3
    assert files_of(without) == files_of(writing) == files_of(reading)
    assert any(name.endswith("steps.pkl") for name in files_of(reading))
    assert any("learned" in name for name in files_of(reading))


def test_stop_rows_have_features_of_their_own(spied):
    cv(spied, *TREES)
    assert fits(spied) == 6  # of the rows that are fitted on, and again of all training rows
    cv(spied, *RIDGE)
    assert fits(spied) == 0
    cv(spied, *TREES, "rounds.stop=0.4")
    assert fits(spied) == 3


def test_what_is_built_at_once_is_not_kept(spied, monkeypatch):
    monkeypatch.setattr(module, "_WORTH_SECONDS", 60.0)
    cv(spied, *RIDGE)
    assert kept(spied) == []


def test_no_cache_neither_reads_nor_writes(spied):
    cv(spied, *RIDGE, cache=False)
    assert fits(spied) == 3
    assert kept(spied) == []
    cv(spied, *RIDGE)
    before = {path: path.stat().st_mtime_ns for path in kept(spied)}
    assert spied.cli("cv", "toy", "--no-cache", *(f"--set={each}" for each in RIDGE)).code == 0
    assert fits(spied) == 6
    assert {path: path.stat().st_mtime_ns for path in kept(spied)} == before


def test_another_process_finds_them(spied, monkeypatch):
    """The program keeps what took long only, so the long time is ours: the features are put there by this process."""
    cv(spied, *RIDGE)
    fits(spied)
    monkeypatch.setenv("PYTHONHASHSEED", "1")  # sets of text have another order there
    child = spied.start("cv", "toy", *(f"--set={each}" for each in LASSO))
    err = child.communicate()[1]
    assert child.returncode == 0, err
    assert (fits(spied), err) == (0, "")


# --- the key ----------------------------------------------------------------------------------------------------------


def _edit(project, old, new):
    path = project.root / "competitions/toy/features.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _other_value(project):
    path = project.raw / "train.csv"
    path.write_text(path.read_text().replace("red", "grey", 1))


def _other_facts(project):
    path = project.root / "competitions/toy/competition.yaml"
    facts = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(facts | {"target": "w", "ignore": ["shop", "day", "y"]}))


CHANGES = {
    "features.py": lambda project: _edit(project, 'pl.col("x1") - self.mean', 'pl.col("x1")'),
    "a value": _other_value,
    "the target": _other_facts,
    "a file beside": lambda project: project.write("competitions/toy/helper.csv", "a\n1\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_is_built_again(spied, change):
    cv(spied, *RIDGE)
    fits(spied)
    CHANGES[change](spied)
    cv(spied, *RIDGE)
    assert fits(spied) == 3


@pytest.mark.parametrize(
    "override",
    [
        "features=other",
        "only=[x1*]",
        "drop=[x2]",
        "splitter.kind=kfold splitter.folds=3 splitter.seed=5",
        "refit.rows=all",
    ],
)
def test_whatever_is_asked_for_differently_is_built_again(spied, override):
    cv(spied, *RIDGE)
    fits(spied)
    cv(spied, *RIDGE, *override.split())
    assert fits(spied) >= 3


def test_a_sample_has_features_of_its_own_and_some_of_the_folds_have_not(spied):
    cv(spied, *RIDGE)
    fits(spied)
    cv(spied, *RIDGE, look=Look(folds=(1,)))
    assert fits(spied) == 0
    cv(spied, *RIDGE, look=Look(sample=0.5))
    assert fits(spied) == 3


def test_extra_rows_count(spied):
    competition = load("toy", spied.root)
    source = find_source("toy", competition.facts, spied.root, None)
    train = read_dataset(source, competition.facts, competition.additions).train
    for value in (1.0, 2.0):
        extra = Table(ids=train.ids + 1000, x=train.x.with_columns(x1=pl.lit(value)), y=train.y)
        cv(spied, *RIDGE, extra=extra)
        assert fits(spied) == 3
    cv(spied, *LASSO, extra=extra)
    assert fits(spied) == 0


@pytest.mark.parametrize("what", ["code_hash", "versions"])
def test_other_code_and_other_versions_build_again(spied, monkeypatch, what):
    cv(spied, *RIDGE)
    fits(spied)
    other = "other" if what == "code_hash" else {"polars": "other"}
    monkeypatch.setattr(context.surroundings, what, lambda: other)
    cv(spied, *RIDGE)
    assert fits(spied) == 3


def test_a_table_from_elsewhere_that_a_step_looks_up_counts(project):
    """Nothing in the competition's folder changes: the table is read when features.py is, which is accepted here."""
    project.facts(accept={"KF302": "a table of the project's"})
    project.features(
        SPY
        + "\nTABLE = pl.read_csv(FITS.with_name('table.csv'))\n"
        + "\ndef add(x):\n    return x.with_columns(more=pl.lit(TABLE['a'][0]))\n"
        + "\nFEATURES = FeatureSet(fold=[Spy()], then=[add], drop=['color'])\n"
    )
    for value in (1, 2):
        project.write("table.csv", f"a\n{value}\n")
        cv(project, *RIDGE)
        assert fits(project) == 3
    cv(project, *LASSO)
    assert fits(project) == 0


def test_a_module_of_the_project_that_features_import_counts(project, monkeypatch):
    monkeypatch.syspath_prepend(str(project.root))
    project.features(SPY + "\nimport toy_helper_of_features\n")
    for line in ("", "# edited\n"):
        project.write("toy_helper_of_features.py", line)
        cv(project, *RIDGE)
        assert fits(project) == 3
    del sys.modules["toy_helper_of_features"]


def test_notes_and_tests_do_not_count(spied):
    cv(spied, *RIDGE)
    fits(spied)
    spied.write("competitions/toy/NOTES.md", "x1 is the signal\n")
    spied.write("competitions/toy/test_features.py", "\n")
    cv(spied, *RIDGE)
    assert fits(spied) == 0


def test_a_key_without_the_sources_would_return_what_the_old_code_built(spied, monkeypatch):
    """The control: where the key forgets the code, the edit goes unseen, and the score is that of the old features."""
    monkeypatch.setattr("kagflow.competition.Competition.source_hash", "forgotten")
    old = cv(spied, *RIDGE, "features=other").scores["cv"]
    _edit(spied, 'pl.col("x1") - self.mean', 'pl.col("x1") * 0')
    assert cv(spied, *RIDGE, "features=other").scores["cv"] == old
    assert cv(spied, *RIDGE, "features=other", cache=False).scores["cv"] > 2 * old


def test_steps_that_cannot_be_written_down_are_not_kept(spied):
    """Nobody could tell whether they are the same."""
    _edit(spied, "class Spy(FoldStep):", "class Spy(FoldStep):\n    lock: object = __import__('threading').Lock()\n")
    cv(spied, *RIDGE)
    assert (fits(spied), kept(spied)) == (3, [])
