"""Hill climbing over many members and rows: kagflow, a plain loop over scikit-learn's metric, and AutoGluon.

200 members, 1,000,000 rows and five folds; up to 40 picks. kagflow climbs on all rows and, for the cross-fitted score,
without each fold: six climbs, the score's standard error with them. The others climb once, on all rows. What would
take hours is timed over a few picks (the first one costs what each other does) and reckoned up; it is marked so.

AutoGluon is not a dependency. Without it its rows are left out and said to be; in an environment that has it but not
kagflow, `--only autogluon` times it alone.
"""

import argparse
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from _measure import Worker, machine, print_row, verdict
from numpy.typing import NDArray

FOLDS, PICKS = 5, 40
SECONDS = {"rmse": 10.0, "auc": 120.0}
MOST_MEMORY = 8 * 1024  # MiB

Single = NDArray[np.float32]


@dataclass(frozen=True)
class Size:
    """How many members and rows, and how many picks of the slow ways are timed."""

    members: int
    rows: int
    timed: dict[str, int]


def make_data(metric: str, size: Size) -> tuple[list[Single], NDArray[Any], NDArray[Any]]:
    """Return members in families that err alike, the target, and the fold that scores each row."""
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(size.rows, dtype=np.float32)
    families = [rng.standard_normal(size.rows, dtype=np.float32) for _ in range(8)]
    members = []
    for number in range(size.members):
        error = families[number % len(families)] + rng.standard_normal(size.rows, dtype=np.float32)
        members.append(signal + np.float32(0.4 + 0.6 * rng.random()) * error)
    folds = rng.permutation(size.rows) % FOLDS
    noise = rng.standard_normal(size.rows, dtype=np.float32)
    if metric == "rmse":
        return members, (signal + noise).astype(np.float64), folds
    for member in members:
        np.divide(1, 1 + np.exp(-member), out=member)
    return members, (signal + noise > 1).astype(np.int64), folds


# --- the ways ---------------------------------------------------------------------------------------------------------


def kagflow(metric: str, size: Size) -> Callable[[], Any]:
    """Return the climb on all rows, and its cross-fitted score with the standard error."""
    from kagflow.ensemble import Rows, find_method, score
    from kagflow.metrics import find_metric

    members, y, folds = make_data(metric, size)
    names = [f"member{number:03}" for number in range(len(members))]
    rows = Rows(metric=find_metric(metric), y=y, folds=folds, task="regression" if metric == "rmse" else "binary")

    def work() -> dict[str, float]:
        scored = score(find_method("climb"), rows, members, names)
        return {"fitted": scored.cv_fitted, "crossfitted": scored.cv_crossfitted, "se": scored.se}

    return work


def plain_loop(metric: str, size: Size) -> Callable[[], Any]:
    """Return some picks of a loop over scikit-learn's metric."""
    from sklearn.metrics import roc_auc_score, root_mean_squared_error

    members, y, _ = make_data(metric, size)

    def loss(blend: NDArray[Any]) -> float:
        return float(root_mean_squared_error(y, blend) if metric == "rmse" else -roc_auc_score(y, blend))

    def work() -> dict[str, float]:
        total, best = np.zeros(len(y)), np.inf
        for number in range(size.timed["plain loop"]):
            losses = [loss((total + member) / (number + 1)) for member in members]
            total += members[int(np.argmin(losses))]
            best = min(best, *losses)
        return {"fitted": abs(best)}

    return work


def autogluon(metric: str, size: Size) -> Callable[[], Any]:
    """Return some picks of AutoGluon's greedy selection."""
    from autogluon.core.metrics import roc_auc, root_mean_squared_error
    from autogluon.core.models.greedy_ensemble.ensemble_selection import EnsembleSelection

    members, y, _ = make_data(metric, size)
    kind, scorer = ("regression", root_mean_squared_error) if metric == "rmse" else ("binary", roc_auc)

    def work() -> dict[str, float]:
        picks = size.timed["autogluon"]
        selection = EnsembleSelection(ensemble_size=picks, problem_type=kind, metric=scorer)
        selection.fit(predictions=members, labels=y)
        error = float(selection.train_score_)
        return {"fitted": error if metric == "rmse" else 1 - error}

    return work


WAYS = {"kagflow": kagflow, "plain loop": plain_loop, "autogluon": autogluon}


def is_there(way: str) -> bool:
    """Say whether the way's library is installed."""
    return way != "autogluon" or importlib.util.find_spec("autogluon") is not None


def measure(metric: str, way: str, size: Size) -> None:
    """Time a way in a process of its own and print its row."""
    with Worker(WAYS[way], metric, size) as worker:
        before = worker.memory()
        seconds, result, memory = worker.seconds(), worker.result(), worker.memory()
    if way == "kagflow":
        holds = seconds <= SECONDS[metric] and memory <= MOST_MEMORY
        told = f"{result['fitted']:.5f}, cross-fitted {result['crossfitted']:.5f} ± {result['se']:.5f}"
        print_row(f"{metric}: kagflow, climb and cross-fitted", seconds, SECONDS[metric], round(before), round(memory))
        print(f"    score {told} {verdict(holds)}".rstrip(), flush=True)
        return
    timed = size.timed[way]
    print_row(f"{metric}: {way}, one climb", seconds * PICKS / timed, "", round(before), round(memory))
    note = "" if timed == PICKS else f", reckoned up from {timed} of {PICKS} picks in {seconds:.3g} s"
    print(f"    score {result['fitted']:.5f} after {timed} picks{note}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--metric", choices=[*SECONDS], action="append", help="all, unless given")
    parser.add_argument("--only", choices=[*WAYS], help="one of the ways")
    parser.add_argument("--picks", type=int, default=1, help="picks of the slow ways that are timed")
    parser.add_argument("--quick", action="store_true", help="a smoke test; its figures mean nothing")
    options = parser.parse_args()
    members, rows = (20, 20_000) if options.quick else (options.members, options.rows)
    size = Size(members, rows, {"plain loop": options.picks, "autogluon": options.picks})
    print(f"hill climbing, {members} members x {rows:,} rows, {FOLDS} folds ({machine()})", flush=True)
    print_row("what", "s", "at most", "data MiB", "peak MiB")
    for metric in options.metric or SECONDS:
        for way in [options.only] if options.only else WAYS:
            if is_there(way):
                measure(metric, way, size)
            else:
                print(f"{metric}: {way} is not installed here", flush=True)


if __name__ == "__main__":
    main()
