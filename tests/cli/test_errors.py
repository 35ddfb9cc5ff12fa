"""Bad input is explained on one screen, with a hint, and leaves nothing half-written."""

import json
import resource
import signal

import polars as pl
import pytest

from kagflow.cli import app

RIDGE = ("--set", "model.kind=sklearn", "--set", "model.estimator=sklearn.linear_model.Ridge")
QUICK = ("--set", "rounds=3")
NAN_METRIC = """
from kagflow.metrics import Metric
METRIC = Metric(name="own", direction="minimize", wants="value", function=lambda y, p, w: float("nan"),
                objective="squared_error")
"""
MISPLACED = "from kagflow.features.encoders import TargetMean\nFEATURES = FeatureSet(fold=[TargetMean(['color'])])\n"
STATEFUL = "def centre(x):\n    return x.with_columns(pl.col('x1') - pl.col('x1').mean())\n"


def csv(project, name):
    return project.raw / f"{name}.csv"


def change_train(project, expression):
    pl.read_csv(csv(project, "train")).with_columns(expression).write_csv(csv(project, "train"))


BAD_FILES = {
    "missing file": (lambda p: csv(p, "test").unlink(), "test.csv is missing"),
    "empty file": (lambda p: csv(p, "train").write_text(""), "the file is empty"),
    "target absent": (lambda p: p.facts(target="z"), "there is no column 'z'"),
    "target null": (lambda p: change_train(p, pl.lit(None).alias("y")), "null in every row"),
    "duplicate ids": (lambda p: change_train(p, pl.lit(1).alias("id")), "ids must be unique"),
    "unknown fact": (lambda p: p.facts(metrik="rmse"), "unknown key `metrik`"),
    "few groups": (
        lambda p: p.facts(group="shop", ignore=["day"], splitter={"kind": "group", "folds": 50}),
        "50 folds need at least 50 groups",
    ),
    "NaN metric": (
        lambda p: (p.write("competitions/toy/metric.py", NAN_METRIC), p.facts(metric="own")),
        "the metric own returned nan",
    ),
    "raising step": (
        lambda p: p.features("def broken(x):\n    raise ValueError('no')\nFEATURES = FeatureSet(rows=[broken])\n"),
        "competitions/toy/features.py:4: raised ValueError: no",
    ),
    "column absent from test": (
        lambda p: p.features("def f(x):\n    return x.with_columns(z=pl.col('y'))\nFEATURES = FeatureSet(rows=[f])\n"),
        "competitions/toy/features.py:4",
    ),
    "dropped rows": (
        lambda p: p.features("def cut(x):\n    return x.head(5)\nFEATURES = FeatureSet(rows=[cut])\n"),
        "competitions/toy/features.py:3: was given 60 rows and returned 5",
    ),
    "not row-wise": (
        lambda p: p.features(STATEFUL + "FEATURES = FeatureSet(rows=[centre])\n"),
        "competitions/toy/features.py:3: is not row-wise",
    ),
    "syntax error": (lambda p: p.features("FEATURES = (\n"), "features.py:3: cannot be imported: SyntaxError"),
    "wrong place": (
        lambda p: p.features(MISPLACED),
        "features.py:4: FeatureSet(fold=...) expects a FoldStep",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_explained(project, case):
    spoil, expected = BAD_FILES[case]
    spoil(project)
    said = project.cli("cv", "toy", *RIDGE)
    assert_explained(project, said, expected)


BAD_OPTIONS = {
    "no such competition": (("cv", "toi"), "did you mean 'toy'?"),
    "unknown config": (("cv", "toy", "--config", "nope"), "there is no config 'nope'"),
    "unknown key": (("cv", "toy", "--set", "sede=1"), "did you mean 'seed'"),
    "unknown model": (("cv", "toy", "--set", "model.kind=lihgtgbm"), "did you mean 'lightgbm'?"),
    "owned parameter": (("cv", "toy", "--set", "model.params.nthreads=2"), "is set by kagflow"),
    "unknown parameter": (("cv", "toy", "--set", "model.params.num_leafs=2"), "LightGBM has no parameter 'num_leafs'"),
    "bad parameter": (("cv", "toy", *QUICK, "--set", "model.params.num_leaves=many"), "LightGBM: "),
    "unknown estimator": (
        ("cv", "toy", "--set", "model.kind=sklearn", "--set", "model.estimator=sklearn.linear_model.Rigde"),
        "did you mean 'Ridge'",
    ),
    "unknown feature set": (("cv", "toy", "--set", "features=trees"), "has no feature set 'trees'"),
    "no runs": (("runs", "toy"), "there are no runs yet"),
    "no such folder": (("cv", "toy", "--source", "nowhere"), "the folder nowhere does not exist"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options_are_explained(project, case):
    words, expected = BAD_OPTIONS[case]
    assert_explained(project, project.cli(*words), expected)


def assert_explained(project, said, expected):
    assert said.code == 1, said.err
    assert expected in said.err
    assert said.err.startswith("error: ")
    assert "\nhint: " in said.err
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) < 10
    assert project.complete() == []
    left = [path for path in project.runs.rglob("*") if path.is_file()] if project.runs.is_dir() else []
    assert not [path for path in left if "folds" not in path.parts], "only finished fits may stay, to be continued"


def test_json_errors_are_one_document(project):
    said = project.cli("cv", "toi", "--json")
    assert said.code == 1
    assert json.loads(said.out)["error"].keys() == {"problem", "hint", "where"}


@pytest.mark.parametrize("words", [(), ("cv",), ("cv", "toy", "--nope"), ("nope",), ("cv", "toy", "--track", "maybe")])
def test_wrong_usage_is_two(project, words):
    said = project.cli(*words)
    assert said.code == 2
    assert "Traceback" not in said.err


def test_wrong_usage_is_json_too(project):
    said = project.cli("cv", "toy", "--nope", "--json")
    assert said.code == 2
    assert "--nope" in json.loads(said.out)["error"]["problem"]


def test_a_bug_is_three_with_a_traceback(project, monkeypatch):
    monkeypatch.setattr("kagflow.cli.cv.load", lambda name: 1 / 0)
    said = project.cli("cv", "toy", "--json")
    assert said.code == 3
    assert "ZeroDivisionError" in said.err
    assert "bug in kagflow" in json.loads(said.out)["error"]["problem"]


def test_a_reader_who_leaves_is_no_error(project, monkeypatch):
    def leave(name):
        raise BrokenPipeError

    monkeypatch.setattr("kagflow.cli.cv.load", leave)
    assert project.cli("cv", "toy").code == 141


def _full_disk():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


@pytest.mark.parametrize("options", [QUICK, RIDGE])
def test_a_full_disk_is_an_error_of_the_system(project, options):
    assert project.cli("cv", "toy", *options).code == 0  # folds are frozen now; the next run writes its own files only
    before = project.complete()
    child = project.start("cv", "toy", *options, preexec_fn=_full_disk)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1, err
    assert "the operating system refused" in err
    assert "hint: make room" in err
    assert project.complete() == before
    assert sorted(path.name for path in project.runs.iterdir()) == [path.name for path in before]


def test_debug_shows_the_traceback(project):
    assert "Traceback" in project.cli("cv", "toi", "--debug").err


def test_usage_errors_are_recognised_whatever_click_typer_brings():
    assert app._UsageError.__name__ == "UsageError"
