"""The folder of a run while it is written.

A run is written as ``<utc>-<config>-<hash>.partial`` and renamed when it is complete. Each task's results appear
under ``folds/`` in one rename, so whatever is there is whole; a partial run with the same hash is continued.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import polars as pl
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.errors import ConfigError
from kagflow.training import Task, TaskResult

PARTIAL = ".partial"
STEPS = "steps.pkl"
_LONGEST = 60  # characters of a target's name in a folder's


class RunFolder:
    """A partial run, which one process at a time may write.

    Parameters
    ----------
    runs
        ``runs/<name>``.
    config
        Name of the config.
    key
        Hash of everything that decides on the result.
    targets
        Names of the targets where there are several.

    Raises
    ------
    ConfigError
        Another process is writing the same run.
    """

    def __init__(self, runs: Path, config: str, key: str, targets: Sequence[str] = ()) -> None:
        self._targets = targets
        runs.mkdir(parents=True, exist_ok=True)
        name = run_name(config, key)
        self._lock = FileLock(runs / f".{name}.lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise ConfigError(
                "another process is writing this very run", hint="wait for it to end", where=str(runs)
            ) from None
        begun = sorted(path for path in runs.iterdir() if path.name.partition("-")[2] == f"{name}{PARTIAL}")
        self.continued = bool(begun)
        self.path = begun[0] if begun else runs / f"{_free_stamp(runs)}-{name}{PARTIAL}"
        (self.path / "folds").mkdir(parents=True, exist_ok=True)
        for torn in self.path.glob(f"folds/*{PARTIAL}"):
            shutil.rmtree(torn)

    def name_of(self, task: Task) -> str:
        """Return the name of a task's folder and column."""
        return task_name(task, self._targets)

    def is_done(self, task: Task) -> bool:
        """Say whether a task's results are there."""
        return self._folder(task).is_dir()

    def save(self, result: TaskResult) -> None:
        """Write a task's results, all or nothing."""
        folder = self._folder(result.task)
        partial = folder.with_name(folder.name + PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        if len(result.valid):
            predictions_frame(result.oof).insert_column(0, pl.Series("row", result.valid)).write_parquet(
                partial / "oof.parquet"
            )
        if result.test is not None:
            predictions_frame(result.test).write_parquet(partial / "test.parquet")
        result.model.importance().write_parquet(partial / "importance.parquet")
        result.model.save(partial / "model")
        (partial / "learned").mkdir()
        for name, table in result.learned.items():
            table.write_parquet(partial / "learned" / f"{_file_name(name)}.parquet")
        (partial / STEPS).write_bytes(cloudpickle.dumps((result.features, result.scale)))
        write_json(
            partial / "log.json",
            {
                "rounds": result.rounds,
                "seconds": round(result.seconds, 3),
                "accepted": [asdict(noted) for noted in result.accepted],
            },
        )
        partial.rename(folder)

    def oof(self, task: Task) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return a task's rows and their predictions."""
        frame = pl.read_parquet(self._folder(task) / "oof.parquet")
        return frame["row"].to_numpy(), predictions_array(frame.drop("row"))

    def test(self, task: Task) -> NDArray[np.float64]:
        """Return a task's predictions of the test rows."""
        return predictions_array(pl.read_parquet(self._folder(task) / "test.parquet"))

    def importance(self, task: Task) -> Frame:
        """Return a task's importance table."""
        return pl.read_parquet(self._folder(task) / "importance.parquet")

    def log(self, task: Task) -> dict[str, Any]:
        """Return a task's rounds and seconds, and what guards had let through by then."""
        log: dict[str, Any] = json.loads((self._folder(task) / "log.json").read_text())
        return log

    def rounds(self, task: Task) -> int | None:
        """Return the boosting rounds of a task that is done; ``None`` without."""
        rounds: int | None = self.log(task)["rounds"]
        return rounds

    def complete(self) -> Path:
        """Give the folder its final name and take write permission from every file, in this order.

        A run that is stopped in between is complete; the other way round it could not be written to its end.
        """
        self.path = self.path.rename(self.path.with_name(self.path.name.removesuffix(PARTIAL)))
        for path in self.path.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        self.release()
        return self.path

    def release(self) -> None:
        """Let other processes write. Finished tasks stay, to be continued; a folder without any is removed."""
        if not self._lock.is_locked:
            return
        with suppress(OSError):  # while it is still held: afterwards it may be another process's
            Path(self._lock.lock_file).unlink()
        if not any(path.suffix != PARTIAL for path in self.path.glob("folds/*")) and self.path.suffix == PARTIAL:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()

    def _folder(self, task: Task) -> Path:
        return self.path / "folds" / self.name_of(task)


def run_name(config: str, key: str) -> str:
    """Return the name of a run's folder after the time: of the config, and of all that decides on the result."""
    return f"{_file_name(config)}-{key}"


def task_name(task: Task, targets: Sequence[str] = ()) -> str:
    """Return the name of a task's folder and columns; where there are several targets, with the target's.

    It also has the target's number, for names may differ in odd characters only.
    """
    name = f"{'all' if task.fold is None else task.fold}-seed{task.seed}"
    return name if not targets else f"{name}-target{task.target}-{_file_name(targets[task.target])[:_LONGEST]}"


def target_of(name: str) -> int:
    """Return the number of a task's target from the task's name."""
    found = re.match(r"\w+-seed\d+-target(\d+)-", name)
    return int(found.group(1)) if found else 0


def mean_by_target(predictions: Sequence[NDArray[np.float64]], targets: Sequence[int]) -> NDArray[np.float64]:
    """Return the mean of predictions, (n,) or (n, k); of several targets the mean of each, (n, targets).

    Parameters
    ----------
    predictions
        Those of each task, for the same rows.
    targets
        The number of each task's target.
    """
    means = [
        np.mean([made for made, own in zip(predictions, targets, strict=True) if own == target], axis=0)
        for target in sorted(set(targets))
    ]
    return means[0] if len(means) == 1 else np.stack(means, axis=1)


def predictions_frame(
    predictions: NDArray[np.float64], prefix: str = "prediction", targets: Sequence[str] = ()
) -> Frame:
    """Return predictions as one column, or one a class (by number), or one a target where several are named."""
    if predictions.ndim == 1:
        return pl.DataFrame({prefix: predictions})
    if targets:
        return pl.DataFrame({f"{prefix}__{name}": predictions[:, k] for k, name in enumerate(targets)})
    return pl.DataFrame({f"{prefix}_{k}": predictions[:, k] for k in range(predictions.shape[1])})


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write JSON, all or nothing; NaN is refused, for it is no JSON."""
    partial = path.with_name(f"{path.name}{PARTIAL}.{os.getpid()}")
    partial.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(path)


def predictions_array(frame: Frame) -> NDArray[np.float64]:
    """Return what ``predictions_frame`` was given."""
    return frame.to_series().to_numpy() if frame.width == 1 else frame.to_numpy(order="c")


def _free_stamp(runs: Path) -> str:
    """Return a UTC stamp that no run has, so that runs sort by when they began."""
    stamp = datetime.now(UTC)
    taken = {path.name.split("-")[0] for path in runs.iterdir()}
    text = stamp.strftime("%Y%m%dT%H%M%S")
    return text if text not in taken else stamp.strftime("%Y%m%dT%H%M%S.%f")


def _file_name(name: str) -> str:
    return "".join(character if character.isalnum() or character in "._-" else "_" for character in name)
