"""What each group of automatic features buys: LightGBM with it against LightGBM without, on the same folds.

Each folder of KAGFLOW_DATA becomes a project by `kagflow new`, so that nobody has looked at the data; the plain
features are those that it writes. Differences are paired over rows, with their standard error, and are positive where
the group helps. Large data are sampled: `--rows`.
"""

import argparse
import os
import tempfile
import time
from dataclasses import fields
from pathlib import Path

import polars as pl
from _measure import machine

from kagflow.competition import Competition, load
from kagflow.data.files import find_file, read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.features.automatic import AutomaticFeatures
from kagflow.runs import Run, bought, compare, cross_validate
from kagflow.scaffold import new_competition
from kagflow.scaffold.files import find_files

GROUPS = [field.name for field in fields(AutomaticFeatures)]
PLAIN, ALL = "default", "all"
_SEED = 7


def make_project(folder: Path, root: Path, rows: int) -> Competition:
    """Return the competition that `kagflow new` makes of a folder, with a feature set for each group by itself."""
    name = folder.name.replace("-", "_")
    new_competition(name, _sampled(folder, root / "files" / folder.name, rows), root, slug=folder.name)
    features = root / "competitions" / name / "features.py"
    with features.open("a", encoding="utf-8") as file:
        file.write("from kagflow.features.automatic import automatic\n")
        for group in GROUPS:
            others = ", ".join(f"{other}=False" for other in GROUPS if other != group)
            file.write(f"{group.upper()} = automatic(FEATURES, {others})\n")
        file.write(f"{ALL.upper()} = automatic(FEATURES)\n")
    return load(name, root)


def _sampled(folder: Path, target: Path, rows: int) -> Path:
    """Return a folder with the files, and at most so many rows of train."""
    target.mkdir(parents=True)
    train = find_files(folder).names["train"]
    for path in folder.iterdir():
        if not path.name.startswith(train):
            (target / path.name).symlink_to(path)
    path = find_file(folder, train)
    frame = parse_csv(read_bytes(path), path, as_text=True)
    some = frame if frame.height <= rows else frame.with_row_index("_").sample(rows, seed=_SEED).sort("_").drop("_")
    some.write_csv(target / train)
    return target


def run_of(competition: Competition, features: str) -> Run:
    """Return the cross-validation of a feature set with the LightGBM that `kagflow new` writes, rounds fixed."""
    settings = (f"features={features}", "rounds=300", "seeds=1", "model.params.learning_rate=0.05")
    return cross_validate(competition, competition.experiment("lgbm", settings), config=features)


def measure(competition: Competition, wanted: list[str]) -> None:
    """Print a row for each group."""
    sign = 1 if competition.metric.direction == "maximize" else -1
    started = time.perf_counter()
    plain = run_of(competition, PLAIN)
    seconds = time.perf_counter() - started
    score, se = plain.scores["cv"], plain.scores["se"] or float("nan")
    print(f"{competition.name}: {competition.metric.name} {score:.5g} ± {se:.2g}, {seconds:.0f} s", flush=True)
    for group in wanted:
        started = time.perf_counter()
        run = run_of(competition, group)
        seconds = time.perf_counter() - started
        found = compare(run, plain, competition.metric)
        worth = f"{sign * found.difference.value:+.5f} ± {found.se or float('nan'):.5f}"
        print(f"  {group:<12}{worth:>22}{seconds:>8.0f} s  {_taken(run)}", flush=True)


def _taken(run: Run) -> str:
    """Return which groups the folds took, and how many columns' steps of each."""
    rows = bought(run).filter(pl.col("taken") > 0).to_dicts()
    return ", ".join(f"{row['group']} {row['chosen']:.3g} in {row['taken']:.0%}" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000, help="at most so many of train")
    parser.add_argument("--only", action="append", help="folders of KAGFLOW_DATA; all, unless given")
    parser.add_argument("--group", action="append", choices=[*GROUPS, ALL], help="all, unless given")
    options = parser.parse_args()
    print(f"automatic features, LightGBM ({machine()})", flush=True)
    data = Path(os.environ["KAGFLOW_DATA"])
    folders = [folder for folder in sorted(data.iterdir()) if list(folder.glob("train*"))]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "competitions").mkdir()
        os.environ.pop("KAGFLOW_DATA")  # what is sampled lies in the project
        for folder in folders:
            if not options.only or folder.name in options.only:
                measure(make_project(folder, root, options.rows), options.group or [*GROUPS, ALL])


if __name__ == "__main__":
    main()
