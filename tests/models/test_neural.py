"""RealMLP and TabM keep the promises of every model; they are an optional part of kagflow."""

import importlib.util
import threading

import numpy as np
import polars as pl
import pytest

from kagflow.config import ModelConfig, RoundsConfig
from kagflow.errors import ModelError
from kagflow.models import Batch, Problem, Resources, load_model, make_model
from kagflow.testing import check_model

EVERY = pytest.mark.parametrize("kind", ["realmlp", "tabm"])
SMALL = {
    "realmlp": {"n_epochs": 30, "hidden_sizes": [32], "batch_size": 32},
    "tabm": {"n_epochs": 30, "tabm_k": 4, "d_block": 32, "batch_size": 64},
}
COLORS = pl.Enum(["red", "blue", "unseen"])
PROBLEMS = {
    "regression": Problem("regression", (), "squared_error"),
    "binary": Problem("binary", ("no", "yes"), "log_loss"),
    "multiclass": Problem("multiclass", ("a", "b", "c"), "log_loss"),
}
N = 300


def test_without_pytabkit_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="need pytabkit, which is not installed") as caught:
        make_model(ModelConfig(kind="tabm"), RoundsConfig())
    assert caught.value.hint == "pip install 'kagflow[neural]'"


@pytest.fixture
def x():
    """Numbers with nulls, booleans, and categories with nulls."""
    pytest.importorskip("pytabkit")
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "a": rng.normal(size=N),
            "some null": [None if k % 5 == 0 else float(k % 7) for k in range(N)],
            "old": rng.random(N) > 0.5,
            "color": pl.Series(rng.choice(["red", "blue", None], N).tolist(), dtype=COLORS),
        }
    )


def target(x, task):
    signal = x["a"] + 2.0 * (x["color"] == "red").fill_null(False)
    if task == "regression":
        return signal
    labels = PROBLEMS[task].classes
    cuts = [0.5] if task == "binary" else [0.0, 1.0]
    return pl.Series([labels[k] for k in np.digitize(signal, cuts)], dtype=pl.Enum(labels))


def fit(kind, x, task, y=None, seed=0, **params):
    model = make_model(ModelConfig(kind=kind, params=SMALL[kind] | params), RoundsConfig())
    y = target(x, task) if y is None else y
    train, stop = Batch(x[:200], y[:200]), Batch(x[200:], y[200:])
    return model.fit(train, stop, problem=PROBLEMS[task], resources=Resources(), seed=seed)


@EVERY
@pytest.mark.parametrize("task", PROBLEMS)
def test_learns_and_is_deterministic(kind, x, task):
    first, second = (fit(kind, x, task).predict(x) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert not np.array_equal(first, fit(kind, x, task, seed=1).predict(x))
    y = target(x, task).to_physical().to_numpy()
    if task == "multiclass":
        np.testing.assert_allclose(first.sum(axis=1), 1)
        assert (first.argmax(axis=1) == y).mean() > 0.6
    else:
        assert np.corrcoef(first, y)[0, 1] > 0.6


@EVERY
def test_nulls_and_unseen_categories_are_ordinary(kind, x):
    x = x.with_columns(empty=pl.lit(None, dtype=pl.Float64), constant=pl.lit(1.0))
    fitted = fit(kind, x, "regression")
    strange = x[:4].with_columns(
        pl.lit(None, dtype=pl.Float64).alias("a"), pl.Series("color", ["unseen", None, "red", "blue"], dtype=COLORS)
    )
    assert np.isfinite(fitted.predict(strange)).all()
    np.testing.assert_allclose(fitted.predict(x[:3]), fitted.predict(x)[:3], rtol=1e-5)


@EVERY
@pytest.mark.parametrize("columns", [["color"], ["a"], ["old"]])
def test_columns_of_one_type_only(kind, x, columns):
    assert len(fit(kind, x.select(columns), "regression", target(x, "regression")).predict(x.select(columns))) == N


@EVERY
def test_a_class_without_training_rows_keeps_its_column(kind, x):
    y = target(x, "multiclass")
    y = pl.select(pl.when(y == "b").then(pl.lit("c")).otherwise(y.cast(pl.String))).to_series().cast(y.dtype)
    predicted = fit(kind, x, "multiclass", y).predict(x)
    assert predicted.shape == (N, 3)
    assert (predicted[:, 1] == 0).all()


@EVERY
def test_the_stop_rows_pick_the_epoch_and_are_not_learned(kind, x):
    y = target(x, "regression")
    model = make_model(ModelConfig(kind=kind, params=SMALL[kind]), RoundsConfig())
    opposite = model.fit(
        Batch(x[:200], y[:200]), Batch(x[200:], -y[200:]), problem=PROBLEMS["regression"], resources=Resources(), seed=0
    )
    usual = fit(kind, x, "regression")
    learned = np.corrcoef(usual.predict(x[:200]), y[:200])[0, 1]
    assert learned > np.corrcoef(opposite.predict(x[:200]), y[:200])[0, 1] + 0.05
    assert (usual.rounds is None) == (kind == "tabm")
    with pytest.raises(ValueError, match="no stop rows"):
        model.fit(Batch(x, y), None, problem=PROBLEMS["regression"], resources=Resources(), seed=0)


def test_realmlp_is_refitted_with_the_epochs_that_were_found(x):
    found = fit("realmlp", x, "regression")
    model = make_model(ModelConfig(kind="realmlp", params=SMALL["realmlp"]), RoundsConfig()).with_rounds(found.rounds)
    y = target(x, "regression")
    again = model.fit(Batch(x[:200], y[:200]), None, problem=PROBLEMS["regression"], resources=Resources(), seed=0)
    assert again.rounds == found.rounds
    assert np.corrcoef(again.predict(x), found.predict(x))[0, 1] > 0.99


@pytest.mark.parametrize("task", PROBLEMS)
def test_realmlp_keeps_every_promise(x, task):
    check_model(make_model(ModelConfig(kind="realmlp", params=SMALL["realmlp"]), 5), x, target(x, task), PROBLEMS[task])


def test_tabm_needs_stop_rows_and_is_not_refitted(x):
    with pytest.raises(ModelError, match="cannot be fitted without stop rows"):
        make_model(ModelConfig(kind="tabm"), 10)
    with pytest.raises(ModelError, match="cannot be fitted again"):
        make_model(ModelConfig(kind="tabm"), RoundsConfig(refit=True))


@EVERY
def test_saved_and_loaded_it_predicts_the_same(kind, x, tmp_path):
    fitted = fit(kind, x, "binary")
    fitted.save(tmp_path / "model")
    assert load_model(kind, tmp_path / "model").predict(x).tobytes() == fitted.predict(x).tobytes()


@EVERY
def test_networks_fitted_side_by_side_are_those_fitted_one_after_the_other(kind, x):
    made = {}
    threads = [
        threading.Thread(target=lambda k=k: made.update({k: fit(kind, x, "binary", seed=k).predict(x)})) for k in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in (0, 1):
        assert made[k].tobytes() == fit(kind, x, "binary", seed=k).predict(x).tobytes()


@EVERY
@pytest.mark.parametrize("name", ["random_state", "n_threads", "device", "val_fraction", "n_refit"])
def test_it_is_not_given_what_kagflow_owns(kind, x, name):
    with pytest.raises(ModelError, match="is set by kagflow"):
        make_model(ModelConfig(kind=kind, params={name: 1}), RoundsConfig())


@EVERY
def test_what_it_does_not_know_or_take_is_explained(kind, x):
    with pytest.raises(ModelError, match="widht"):
        fit(kind, x, "regression", widht=3)
    y = target(x, "regression")
    model = make_model(ModelConfig(kind=kind), RoundsConfig())
    weighted = Batch(x, y, np.ones(N))
    with pytest.raises(ModelError, match="takes no weights"):
        model.fit(weighted, weighted, problem=PROBLEMS["regression"], resources=Resources(), seed=0)
    with pytest.raises(ModelError, match="takes no `objective`"):
        model.check_functions(PROBLEMS["regression"], "own", None)


@EVERY
def test_a_run_is_silent_and_predicts_again_in_a_new_process(project, kind, x):
    few = [f"--set=model.params.{name}={value}" for name, value in SMALL[kind].items()]
    said = project.cli("cv", "toy", "--set", f"model.kind={kind}", *few, "--json")
    assert said.code == 0, said.err
    assert said.out.startswith("{")
    assert "Trainer" not in said.err
    (run,) = project.complete()
    process = project.start("predict", "toy", run.name, "--data", str(project.raw), "--out", "made.csv")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (project.root / "made.csv").read_bytes() == (run / "submission.csv").read_bytes()
