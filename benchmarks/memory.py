"""What memory `cv` takes: the peak of a whole cross-validation, as a multiple of the raw data's size in memory.

The raw data are columns of random floats (8 bytes a value, train and test together). The same is printed for a loop
by hand over the same arrays, which reads the same files with polars and fits LightGBM: much of a peak is the
library's own.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _measure import machine, peak_memory, print_row

FACTS = """\
title: Many floats
slug: floats
task: regression
metric: rmse
id: id
target: y
"""
FOLDS, ROUNDS = 5, 20


def write_project(root: Path, rows: int, columns: int) -> Path:
    """Write a competition of random floats, and return the folder of its files."""
    import polars as pl

    folder, given = root / "competitions" / "floats", root / "given"
    folder.mkdir(parents=True)
    given.mkdir()
    (folder / "competition.yaml").write_text(FACTS, encoding="utf-8")
    rng = np.random.default_rng(0)

    def write(name: str, first: int, n: int, *, labelled: bool) -> None:
        x = rng.normal(size=(columns, n))
        target = {"y": x[0] + x[1] * x[2] + rng.normal(size=n)} if labelled else {}
        numbers = {f"x{i}": values for i, values in enumerate(x)}
        pl.DataFrame({"id": np.arange(first, first + n), **numbers, **target}).write_csv(given / name)

    write("train.csv", 0, rows, labelled=True)
    write("test.csv", rows, rows // 10, labelled=False)
    ids = np.arange(rows, rows + rows // 10)
    pl.DataFrame({"id": ids, "y": np.zeros(len(ids))}).write_csv(given / "sample_submission.csv")
    return given


def prepare_files(root: Path, rows: int, columns: int) -> Callable[[], Any]:
    """Return what writes the project; in a process of its own, whose memory is not what is measured."""
    return lambda: write_project(root, rows, columns)


def with_kagflow(root: Path) -> Callable[[], Any]:
    import kagflow

    competition = kagflow.load("floats", root)
    experiment = competition.experiment(None, (f"rounds={ROUNDS}", f"splitter={{kind: kfold, folds: {FOLDS}}}"))
    return lambda: kagflow.cross_validate(competition, experiment, source=root / "given")


def by_hand(root: Path) -> Callable[[], Any]:
    """Return the plain loop: polars reads, NumPy picks the rows, LightGBM fits."""
    import lightgbm
    import polars as pl

    def loop() -> Any:
        train, test = (pl.read_csv(root / "given" / name) for name in ("train.csv", "test.csv"))
        y, x = train["y"].to_numpy(), train.drop("id", "y").to_numpy()
        new = test.drop("id").to_numpy()
        del train, test
        fold = np.random.default_rng(0).permutation(len(y)) % FOLDS
        oof, predicted = np.zeros(len(y)), []
        for k in range(FOLDS):
            data = lightgbm.Dataset(x[fold != k], y[fold != k])
            booster = lightgbm.train({"verbosity": -1}, data, ROUNDS)
            oof[fold == k] = booster.predict(x[fold == k])
            predicted.append(booster.predict(new))
        return oof

    return loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a smoke test; its figures mean nothing")
    options = parser.parse_args()
    rows = 2_000 if options.quick else options.rows
    os.environ.pop("KAGFLOW_DATA", None)
    raw = (rows + rows // 10) * (options.columns + 1) * 8 / 2**20
    print(f"peak memory of {rows:,} x {options.columns} floats, {FOLDS} folds ({machine()})", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        peak_memory(prepare_files, root, rows, options.columns)
        print_row("what", "peak MiB", "raw MiB", "multiple")
        for name, way in {"kagflow cv": with_kagflow, "a loop by hand": by_hand}.items():
            peak = peak_memory(way, root)
            print_row(name, round(peak), round(raw), peak / raw)


if __name__ == "__main__":
    main()
