"""A small practice board, and a player who asks it as Kaggle's client does, without that client."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import requests
import yaml

SLUG = "toy-cup"
FACTS: Mapping[str, Any] = {
    "title": "Toy Cup",
    "slug": SLUG,
    "task": "regression",
    "metric": "rmse",
    "id": "id",
    "target": "y",
}
COMPETITIONS = "competitions.CompetitionApiService"
ROWS = 40  # of test


class Clock:
    """A time of day that tests set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


def true_values(usage: bool = True) -> pl.DataFrame:
    """The truth of the toy competition: ids from 100 on, the first ten of them public."""
    y = 10.0 + np.arange(ROWS) % 7
    parts = ["Public" if row < 10 else "Private" for row in range(ROWS)]
    frame = pl.DataFrame({"id": 100 + np.arange(ROWS), "y": y})
    return frame.with_columns(Usage=pl.Series(parts)) if usage else frame


def toy_folder(root: Path, truth: pl.DataFrame | None = None, sample: pl.DataFrame | None = None, **facts: Any) -> Path:
    """Write a project with no competition but one in a folder of its own, which has a truth; return that folder."""
    folder = root / "cups" / "toy"
    folder.mkdir(parents=True)
    (root / "competitions").mkdir()
    truth = true_values() if truth is None else truth
    targets = [name for name in truth.columns if name not in ("id", "Usage")]
    ids = truth["id"]
    x = pl.DataFrame({"id": np.arange(80), "x": np.arange(80) * 0.5, "color": ["red", "blue"] * 40})
    known = truth.select(pl.all().gather(np.arange(80) % truth.height)).select(targets)
    x.with_columns(known.get_columns()).write_csv(folder / "train.csv")
    x.head(truth.height).with_columns(id=ids).write_csv(folder / "test.csv")
    made = truth.select("id", *(pl.lit(0).alias(name) for name in targets)) if sample is None else sample
    made.reverse().write_csv(folder / "sample_submission.csv")
    truth.write_csv(folder / "solution.csv")
    (folder / "competition.yaml").write_text(yaml.safe_dump({**FACTS, **facts}), encoding="utf-8")
    return folder


def submission(error: float = 1.0, truth: pl.DataFrame | None = None) -> bytes:
    """Write predictions that are off by the same error everywhere, so that their RMSE is that."""
    truth = true_values() if truth is None else truth
    return truth.select("id", pl.col("y") + error).write_csv().encode()


@dataclass
class Player:
    """Somebody with a name, at a server.

    Attributes
    ----------
    url
        Of the server.
    name
        Whose credentials are sent.
    """

    url: str
    name: str = "ann"

    def ask(self, method: str, service: str = COMPETITIONS, **body: Any) -> requests.Response:
        """Ask a method of the toy competition."""
        return requests.post(
            f"{self.url}/api/v1/{service}/{method}",
            json={"competitionName": SLUG, **body},
            auth=(self.name, "a-key"),
            timeout=30,
            allow_redirects=False,
        )

    def answer(self, method: str, service: str = COMPETITIONS, **body: Any) -> Any:
        """Ask, and return what is answered."""
        response = self.ask(method, service, **body)
        assert response.status_code == 200, response.text
        return response.json()

    def upload(self, content: bytes) -> str:
        """Upload a file; return its token."""
        begun = self.answer("StartSubmissionUpload", contentLength=len(content), fileName="submission.csv")
        assert requests.put(begun["createUrl"], data=content, timeout=30).status_code == 201
        return str(begun["token"])

    def submit(self, content: bytes, description: str = "") -> requests.Response:
        """Upload a file, and submit it."""
        return self.ask("CreateSubmission", blobFileTokens=self.upload(content), submissionDescription=description)

    def sent(self) -> list[dict[str, Any]]:
        """What was submitted, the newest first."""
        rows: list[dict[str, Any]] = self.answer("ListSubmissions", pageSize=200)["submissions"]
        return rows


def message(response: requests.Response) -> str:
    """Return what an error says, having checked that it has Kaggle's form."""
    body = json.loads(response.text)
    assert body["code"] == response.status_code
    return str(body["message"])
