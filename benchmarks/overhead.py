"""What kagflow costs: a whole cross-validation against a loop by hand over the same finished matrices.

kagflow reads the files, makes folds and features, fits, scores, estimates the noise and writes the run with its
submission. The loop has nothing to do but LightGBM (or XGBoost, or CatBoost): datasets, fits, predictions of valid and
test rows, with the parameters and rounds that kagflow passes. Where the data are small it may choose how to use the
cores: folds in turn with all of them, or side by side with one each; the better one counts. All calls are warm,
tracking is off.
"""

import argparse
import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from _measure import Worker, alternate, busy_core, machine, peak_memory, print_row, verdict
from numpy.typing import NDArray

PROJECT = Path(__file__).parents[1]
IN_TURN, SIDE_BY_SIDE, KAGFLOW = "by hand, in turn", "by hand, side by side", "kagflow"


@dataclass(frozen=True)
class Case:
    """A cross-validation: of what, how, and how much longer than by hand it may take."""

    competition: str
    folds: int
    seeds: int
    rounds: int
    limit: float
    ways: tuple[str, ...]
    kind: str = "lightgbm"

    @property
    def name(self) -> str:
        seeds = "1 seed" if self.seeds == 1 else f"{self.seeds} seeds"
        library = "" if self.kind == "lightgbm" else f", {self.kind}"
        return f"{self.competition}, {self.folds} folds, {seeds}, {self.rounds} rounds{library}"

    @property
    def overrides(self) -> tuple[str, ...]:
        splitter = f"{{kind: kfold, folds: {self.folds}, seed: 42}}"
        return (
            f"splitter={splitter}",
            f"rounds={self.rounds}",
            f"seeds={self.seeds}",
            f"model={{kind: {self.kind}, params: {{}}}}",
        )


def cases(*, quick: bool) -> list[Case]:
    small, large = (20, 20) if quick else (1000, 400)
    house = [Case("house_prices", k, seeds, small, 1.1, (IN_TURN, SIDE_BY_SIDE)) for k in (5, 10) for seeds in (1, 3)]
    others = [Case("synthetic", 5, 1, large, 1.05, (IN_TURN,), kind) for kind in ("xgboost", "catboost")]
    return [Case("synthetic", 5, 1, large, 1.05, (IN_TURN,)), *others, *house]


# --- a project to run in ----------------------------------------------------------------------------------------------

SYNTHETIC_FACTS = """\
title: A synthetic regression
slug: synthetic
task: regression
metric: rmse
id: id
target: y
"""
SYNTHETIC_FEATURES = """\
from kagflow.features import FeatureSet
from kagflow.features.encoders import TargetMean

FEATURES = FeatureSet(target=[TargetMean(["c7", "c8", "c9"])])
"""


def make_project(root: Path, rows: int) -> None:
    """Write a project with both competitions, and the synthetic one's files."""
    shutil.copytree(PROJECT / "competitions" / "house_prices", root / "competitions" / "house_prices")
    folder = root / "competitions" / "synthetic"
    folder.mkdir()
    (folder / "competition.yaml").write_text(SYNTHETIC_FACTS, encoding="utf-8")
    (folder / "features.py").write_text(SYNTHETIC_FEATURES, encoding="utf-8")
    write_synthetic(root / "given" / "synthetic", rows, rows // 2)


def write_synthetic(folder: Path, n_train: int, n_test: int) -> None:
    """Write 40 columns of numbers, 10 of categories (of 3 to 1,000 words), and a target that depends on some."""
    import polars as pl

    rng = np.random.default_rng(0)
    n = n_train + n_test
    numbers = rng.normal(size=(40, n))
    sizes = np.geomspace(3, 1000, 10).astype(int)
    codes = [rng.integers(0, size, n) for size in sizes]
    y = 2 * numbers[0] + numbers[1] * numbers[2] + np.sin(3 * numbers[3]) + (numbers[4] > 0) * numbers[5]
    y += rng.normal(size=sizes[3])[codes[3]] + rng.normal(size=sizes[8])[codes[8]] + rng.normal(size=n)
    columns = {f"x{i}": pl.Series(values) for i, values in enumerate(numbers)}
    columns |= {f"c{i}": pl.Series(values).cast(pl.String) + "_" for i, values in enumerate(codes)}
    frame = pl.DataFrame({"id": np.arange(n), **columns, "y": y})
    folder.mkdir(parents=True)
    frame[:n_train].write_csv(folder / "train.csv")
    frame[n_train:].drop("y").write_csv(folder / "test.csv")
    frame[n_train:].select("id", y=pl.lit(0.0)).write_csv(folder / "sample_submission.csv")


# --- kagflow ----------------------------------------------------------------------------------------------------------


def _source(root: Path, case: Case) -> Path | None:
    given = root / "given" / case.competition
    return given if given.is_dir() else None  # else the practice edition


def with_kagflow(root: Path, case: Case) -> Callable[[], Any]:
    """Return the whole cross-validation, which returns the run."""
    import kagflow

    competition = kagflow.load(case.competition, root)
    experiment = competition.experiment(None, case.overrides)
    return lambda: kagflow.cross_validate(competition, experiment, source=_source(root, case))


def write_matrices(root: Path, case: Case, folder: Path) -> Callable[[], None]:
    """Write what kagflow's model sees in each fold, and what it passes to the library.

    A process of its own, so that none of this is in the memory of what is measured.
    """
    import kagflow
    from kagflow.data import find_source
    from kagflow.features.crossfit import TEST, build
    from kagflow.models.base import categorical_columns, to_numbers
    from kagflow.runs.plan import make_plan
    from kagflow.training.target import Log1p

    competition = kagflow.load(case.competition, root)
    origin = find_source(competition.name, competition.facts, root, _source(root, case))
    plan = make_plan(competition, competition.experiment(None, case.overrides), "default", origin)
    setup = plan.setup

    def write() -> None:
        from pyarrow import feather

        for fold in setup.folds:
            built = build(setup.pool, fold.train, {"valid": fold.valid}, test=True, repeat=fold.repeat)
            scale = setup.transform.fit(built.x, built.y)
            own = folder / str(fold.number)
            own.mkdir(parents=True)
            for name, x in {"train": built.x, "valid": built.frames["valid"], "test": built.frames[TEST]}.items():
                feather.write_feather(to_numbers(x).to_arrow(), own / name, compression="uncompressed")
            np.save(own / "y.npy", scale.forward(built.x, built.y).to_numpy())
            np.save(own / "rows.npy", fold.valid)
        facts = {
            "kind": case.kind,
            "folds": len(setup.folds),
            "seeds": sorted({task.seed for task in plan.tasks}),
            "rounds": case.rounds,
            "categorical": [built.x.columns.index(name) for name in categorical_columns(built.x)],
            "log1p": isinstance(setup.transform, Log1p),
            "params": setup.model._native(setup.problem, setup.resources, seed=0),
        }
        (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")

    return write


# --- by hand ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Matrices:
    """The finished matrices of a fold."""

    train: Any
    y: NDArray[np.float64]
    valid: Any
    test: Any

    @classmethod
    def read(cls, folder: Path, library: type["Library"], categorical: Sequence[int]) -> "Matrices":
        from pyarrow import feather

        train, valid, test = (
            library.matrix(feather.read_table(folder / name, memory_map=False), categorical)
            for name in ("train", "valid", "test")
        )
        return cls(train, np.load(folder / "y.npy"), valid, test)


class Library(ABC):
    """A library's own way, from finished matrices to predictions."""

    @staticmethod
    @abstractmethod
    def matrix(table: Any, categorical: Sequence[int]) -> Any:
        """Return a table in the form that the library reads fastest."""

    @staticmethod
    @abstractmethod
    def fit(own: Matrices, facts: Mapping[str, Any], seed: int, threads: int) -> list[NDArray[Any]]:
        """Return predictions of valid and test rows."""


class ByLightGBM(Library):
    @staticmethod
    def matrix(table: Any, categorical: Sequence[int]) -> Any:
        return table

    @staticmethod
    def fit(own: Matrices, facts: Mapping[str, Any], seed: int, threads: int) -> list[NDArray[Any]]:
        import lightgbm

        params = {**facts["params"], "seed": seed, "num_threads": threads}
        data = lightgbm.Dataset(own.train, own.y, categorical_feature=facts["categorical"], params=params)
        booster = lightgbm.train(params, data, facts["rounds"])
        return [booster.predict(x, num_threads=threads) for x in (own.valid, own.test)]


class ByXGBoost(Library):
    @staticmethod
    def matrix(table: Any, categorical: Sequence[int]) -> Any:
        import polars as pl

        return pl.DataFrame(table).cast(pl.Float32).to_numpy(order="c")

    @staticmethod
    def fit(own: Matrices, facts: Mapping[str, Any], seed: int, threads: int) -> list[NDArray[Any]]:
        import xgboost

        params = {**facts["params"], "seed": seed, "nthread": threads}
        types = ["c" if k in facts["categorical"] else "q" for k in range(own.train.shape[1])]
        data = xgboost.QuantileDMatrix(own.train, own.y, feature_types=types, enable_categorical=True, nthread=threads)
        booster = xgboost.train(params, data, facts["rounds"])
        return [booster.inplace_predict(x) for x in (own.valid, own.test)]


class ByCatBoost(Library):
    @staticmethod
    def matrix(table: Any, categorical: Sequence[int]) -> Any:
        import polars as pl

        return pl.DataFrame(table).with_columns(pl.nth(list(categorical)).fill_null(-1))

    @staticmethod
    def fit(own: Matrices, facts: Mapping[str, Any], seed: int, threads: int) -> list[NDArray[Any]]:
        import catboost

        params = {**facts["params"], "random_seed": seed, "thread_count": threads, "iterations": facts["rounds"]}
        model = catboost.CatBoost(params)
        model.fit(catboost.Pool(own.train, own.y, cat_features=facts["categorical"], thread_count=threads))
        return [model.predict(x, thread_count=threads) for x in (own.valid, own.test)]


LIBRARIES: Mapping[str, type[Library]] = {"lightgbm": ByLightGBM, "xgboost": ByXGBoost, "catboost": ByCatBoost}


def by_hand(folder: Path, way: str, *, keep: bool = True) -> Callable[[], NDArray[np.float64]]:
    """Return the loop, which returns the out-of-fold predictions.

    Matrices are all in memory before the clock starts; or, to measure memory, read when their turn comes.
    """
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    library = LIBRARIES[facts["kind"]]

    def read_matrices(k: int) -> Matrices:
        return Matrices.read(folder / str(k), library, facts["categorical"])

    read = cache(read_matrices) if keep else read_matrices
    rows = [np.load(folder / str(k) / "rows.npy") for k in range(facts["folds"])]
    tasks = [(k, seed) for k in range(facts["folds"]) for seed in facts["seeds"]]
    if keep:
        for k in range(facts["folds"]):
            read(k)

    def fit(k: int, seed: int, threads: int) -> list[NDArray[Any]]:
        made = library.fit(read(k), facts, seed, threads)
        return [np.expm1(each) for each in made] if facts["log1p"] else made

    def loop() -> NDArray[np.float64]:
        cores = joblib.cpu_count()
        if way == IN_TURN:
            made = [fit(*task, cores) for task in tasks]
        else:
            made = joblib.Parallel(cores, backend="threading")(joblib.delayed(fit)(*task, 1) for task in tasks)
        np.mean([test for _, test in made], axis=0)
        oof = np.zeros(sum(map(len, rows)))
        for (k, _), (valid, _) in zip(tasks, made, strict=True):
            oof[rows[k]] += valid / len(facts["seeds"])
        return oof

    return loop


# --- both -------------------------------------------------------------------------------------------------------------


def measure(root: Path, case: Case, repeats: int) -> None:
    """Print a row of figures with the machine to itself, and one with another process on one core."""
    folder = root / "matrices" / case.name
    with Worker(write_matrices, root, case, folder) as writer:
        writer.seconds()
    memory = {KAGFLOW: peak_memory(with_kagflow, root, case)}
    memory |= {way: peak_memory(by_hand_frugally, folder, way) for way in case.ways}
    with ExitStack() as running:
        workers = {KAGFLOW: running.enter_context(Worker(with_kagflow, root, case))}
        workers |= {way: running.enter_context(Worker(by_hand, folder, way)) for way in case.ways}
        seconds = alternate(workers, repeats)
        best = min(case.ways, key=lambda way: seconds[way])
        _print_figures(case.name, case, seconds, memory, _difference(workers))
        # The other way would only lose more: threads that work on one fold wait for the slower core.
        workers = {KAGFLOW: workers[KAGFLOW], best: workers[best]}
        with busy_core():
            seconds = alternate(workers, repeats)
        _print_figures("  beside a busy process", case, seconds, memory, _difference(workers))


def by_hand_frugally(folder: Path, way: str) -> Callable[[], Any]:
    """Return the loop that holds only the matrices that it is using."""
    return by_hand(folder, way, keep=False)


def _print_figures(
    name: str, case: Case, seconds: Mapping[str, float], memory: Mapping[str, float], difference: float
) -> None:
    """Print seconds of each way, the ratio to the best by hand, the memory of both, and whether results agree."""
    best = min((way for way in case.ways if way in seconds), key=lambda way: seconds[way])
    ratio = seconds[KAGFLOW] / seconds[best]
    by_way = [seconds.get(way, "") for way in (KAGFLOW, IN_TURN, SIDE_BY_SIDE)]
    used = [round(memory[KAGFLOW]), round(memory[best])]
    print_row(name, *by_way, ratio, case.limit, *used, difference, verdict(ratio <= case.limit))


def _difference(workers: Mapping[str, Worker]) -> float:
    """Return the largest relative difference between the out-of-fold predictions of kagflow and of the loops."""
    ours = workers[KAGFLOW].result().oof()["prediction"].to_numpy()
    loops = [worker.result() for way, worker in workers.items() if way != KAGFLOW]
    return float(max(np.abs(loop / ours - 1).max() for loop in loops))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="part of the names of the cases to measure")
    parser.add_argument("--quick", action="store_true", help="a smoke test; its figures mean nothing")
    options = parser.parse_args()
    rows, repeats = (2_000, 1) if options.quick else (100_000, options.repeats)
    os.environ.pop("KAGFLOW_DATA", None)  # the practice edition is measured
    print(f"kagflow against a loop by hand ({machine()})", flush=True)
    print_row(
        "what", "kagflow s", "in turn s", "beside s", "ratio", "at most", "kagflow MiB", "by hand MiB", "differ by"
    )
    with tempfile.TemporaryDirectory() as folder:
        make_project(Path(folder), rows)
        chosen = [case for case in cases(quick=options.quick) if options.only in case.name]
        for case in chosen:
            measure(Path(folder), case, repeats)


if __name__ == "__main__":
    main()
