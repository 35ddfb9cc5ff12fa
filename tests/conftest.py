"""A small project in a temporary folder, and the program run inside it."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, settings

from kagflow.cli.app import _run
from kagflow.competition import load
from kagflow.runs import Run, cross_validate

# A slow machine is no failure, and a failure is one on every machine.
settings.register_profile(
    "kagflow", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("kagflow")

FACTS = {
    "title": "Toy",
    "slug": "toy",
    "task": "regression",
    "metric": "rmse",
    "id": "id",
    "target": "y",
    "ignore": ["shop", "day", "w"],
    "splitter": {"kind": "kfold", "folds": 3, "seed": 1},
}
TARGETS: Mapping[str, Callable[[np.ndarray], list[Any]]] = {
    "regression": lambda signal: signal.tolist(),
    "binary": lambda signal: np.where(signal > 0, "True", "False").tolist(),
    "multiclass": lambda signal: np.array(["low", "mid", "top"])[np.digitize(signal, [-0.5, 0.5])].tolist(),
}


@dataclass(frozen=True)
class Said:
    """What the program said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A project of one competition, ``toy``, of 60 training rows and 12 test rows."""

    root: Path

    @property
    def runs(self) -> Path:
        return self.root / "runs" / "toy"

    @property
    def raw(self) -> Path:
        return self.root / "data" / "toy" / "kaggle" / "raw"

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def facts(self, **changes: Any) -> None:
        self.write("competitions/toy/competition.yaml", yaml.safe_dump(FACTS | changes))

    def features(self, text: str) -> Path:
        head = "import polars as pl\nfrom kagflow.features import FeatureSet\n"
        return self.write("competitions/toy/features.py", head + text)

    def data(self, task: str = "regression", sample: Mapping[str, Any] | None = None) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(72, 2))
        frame = pl.DataFrame(
            {
                "id": np.arange(72),
                "x1": x[:, 0],
                "x2": x[:, 1],
                "color": rng.choice(["red", "green", "blue"], 72),
                "shop": rng.integers(0, 8, 72),
                "day": np.arange(72) // 6,
                "w": np.where(np.arange(72) % 2, 9.0, 1.0),
                "y": TARGETS[task](x[:, 0] + 0.3 * rng.normal(size=72)),
            }
        )
        frame = frame.with_columns(pl.when(pl.col("id") % 7 > 0).then("x2").alias("x2"))  # some nulls
        self.raw.mkdir(parents=True, exist_ok=True)
        frame[:60].write_csv(self.raw / "train.csv")
        frame[60:].drop("y").write_csv(self.raw / "test.csv")
        ids = frame["id"][60:].reverse()  # the sample has an order of its own
        pl.DataFrame({"id": ids, **(sample or {"y": [0] * 12})}).write_csv(self.raw / "sample_submission.csv")

    def cv(self, *overrides: str, config: str = "default") -> Run:
        competition = load("toy", self.root)
        chosen = None if config == "default" else config
        return cross_validate(competition, competition.experiment(chosen, overrides), config=config)

    def cli(self, *words: str) -> Said:
        """Run the program in this process; it must not exit it."""
        out, err = io.StringIO(), io.StringIO()
        before = Path.cwd()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.setattr(sys, "argv", ["kagflow", *words])
            patch.chdir(self.root)
            code = _run()
        assert Path.cwd() == before
        return Said(code, out.getvalue(), err.getvalue())

    def start(self, *words: str, **settings: Any) -> subprocess.Popen[str]:
        """Start the program as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", "from kagflow.cli import main; main()", *words],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            **settings,
        )

    def complete(self) -> list[Path]:
        """Return the folders of complete runs."""
        return sorted(path.parent for path in self.runs.glob("*/run.json") if path.parent.suffix != ".partial")


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is tracked, nobody is signed in at Kaggle, and text is the same in every terminal."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp() / "home"))
    signed_in = [name for name in os.environ if name.startswith("KAGGLE_")]
    for name in ("KAGFLOW_DATA", "FORCE_COLOR", "WANDB_MODE", "XDG_CONFIG_HOME", *signed_in):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"KAGFLOW_TRACK": "off", "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.facts()
    made.data()
    return made
