"""A submission is scored by the competition's own metric on each part of the truth, or told what is wrong with it."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from kagflow.competition import open_folder
from kagflow.errors import DataError
from kagflow.metrics import find_metric
from kagflow.practice import submitted
from kagflow.practice.submitted import Rejected
from kagflow.practice.truth import Truth, read_truth
from tests.practice.players import ROWS, submission, toy_folder, true_values

RNG = np.random.default_rng(5)
PUBLIC, PRIVATE = slice(0, 10), slice(10, ROWS)


def truth_of(root: Path, classes: tuple[str, ...] = (), **given: object) -> Truth:
    folder = toy_folder(root, **given)  # type: ignore[arg-type]
    return read_truth(open_folder(folder, "toy", root), folder, classes)


def labelled(labels: list[str]) -> pl.DataFrame:
    return true_values().with_columns(y=pl.Series([labels[k % len(labels)] for k in range(ROWS)]))


# --- scores ----------------------------------------------------------------------------------------------------------


def test_each_part_is_scored_by_itself(tmp_path: Path) -> None:
    truth = truth_of(tmp_path)
    made = true_values().with_columns(y=pl.when(pl.col("Usage") == "Public").then(pl.col("y") + 2).otherwise(0.0))
    scores = truth.score(made.select("id", "y").write_csv().encode())
    assert scores.public.value == pytest.approx(2.0)
    assert scores.private.value == pytest.approx(np.sqrt((true_values()["y"][10:] ** 2).mean()))


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    truth = truth_of(tmp_path)
    made = true_values().select("id", pl.col("y") + pl.Series(RNG.normal(size=ROWS)))
    assert truth.score_frame(made.cast(pl.String)) == truth.score_frame(made.sample(ROWS, shuffle=True).cast(pl.String))


def test_probabilities(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, ("no", "yes"), truth=labelled(["no", "yes", "yes"]), task="binary", metric="auc")
    p = RNG.random(ROWS)
    scores = truth.score(pl.DataFrame({"id": true_values()["id"], "y": p}).write_csv().encode())
    y = (np.arange(ROWS) % 3 > 0).astype(float)
    assert scores.private.value == find_metric("auc").score(y[PRIVATE], p[PRIVATE])


def test_labels(tmp_path: Path) -> None:
    labels = ["10", "9", "8"]
    truth = truth_of(tmp_path, ("8", "9", "10"), truth=labelled(labels), task="multiclass", metric="accuracy")
    said = pl.Series(["9.0"] * ROWS)  # as pandas writes whole numbers beside a null
    scores = truth.score(pl.DataFrame({"id": true_values()["id"], "y": said}).write_csv().encode())
    assert scores.public.value == pytest.approx(np.mean(np.arange(10) % 3 == 1))


def test_a_column_a_class(tmp_path: Path) -> None:
    classes = ("low", "mid", "top")
    ids = true_values()["id"]
    columns = [f"Status_{name}" for name in ("top", "low", "mid")]  # the sample has an order of its own
    sample = pl.DataFrame({"id": ids, **{name: [0.3] * ROWS for name in columns}})
    truth = truth_of(
        tmp_path, classes, truth=labelled(list(classes)), sample=sample, task="multiclass", metric="log_loss"
    )
    p = RNG.dirichlet([1, 1, 1], ROWS)
    made = pl.DataFrame({"id": ids, **{f"Status_{name}": p[:, k] for k, name in enumerate(classes)}})
    wanted = find_metric("log_loss").score((np.arange(ROWS) % 3)[PUBLIC], p[PUBLIC])
    assert truth.score(made.write_csv().encode()).public.value == pytest.approx(wanted)


def test_ranked_labels(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, ("a", "b", "c"), truth=labelled(["a", "b", "c"]), task="multiclass", metric="map@3")
    made = pl.DataFrame({"id": true_values()["id"], "y": ["b a"] * ROWS})
    places = np.array([1 / 2, 1, 0])[np.arange(10) % 3]
    assert truth.score(made.write_csv().encode()).public.value == pytest.approx(places.mean())


def test_several_targets(tmp_path: Path) -> None:
    true = true_values().select("id", "y", (pl.col("y") * 2).alias("z"), "Usage")
    truth = truth_of(tmp_path, truth=true, target=["y", "z"], metric="mean_columnwise@rmse")
    made = true.select("id", pl.col("y") + 1, pl.col("z") + 3)
    assert truth.score(made.write_csv().encode()).public.value == pytest.approx(2.0)


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_packed_files_are_unpacked(tmp_path: Path, pack: str) -> None:
    assert truth_of(tmp_path).score(packed(submission(), pack)).public.value == pytest.approx(1.0)


def packed(content: bytes, how: str) -> bytes:
    if how == "gz":
        return gzip.compress(content)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("submission.csv", content)
    return archive.getvalue()


# --- which rows are public -------------------------------------------------------------------------------------------


def test_without_usage_three_in_ten_rows_are_public_and_always_the_same_ones(tmp_path: Path) -> None:
    first, second = (truth_of(tmp_path / name, truth=true_values(usage=False)) for name in ("a", "b"))
    assert first.public.sum() == 12
    assert (first.public ^ first.private).all()
    assert (first.public == second.public).all()


def test_rows_of_another_usage_do_not_count(tmp_path: Path) -> None:
    ignored = pl.when(pl.col("id") >= 130).then(pl.lit("Ignored")).otherwise("Usage").alias("Usage")
    truth = truth_of(tmp_path, truth=true_values().with_columns(ignored))
    assert truth.private.sum() == 20


def test_a_truth_with_nothing_private_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Public of some rows and Private of others"):
        truth_of(tmp_path, truth=true_values().with_columns(Usage=pl.lit("Public")))


def test_a_truth_of_other_rows_than_the_sample_is_refused(tmp_path: Path) -> None:
    folder = toy_folder(tmp_path)
    true_values().head(20).write_csv(folder / "solution.csv")
    with pytest.raises(DataError, match="other ids than the sample"):
        read_truth(open_folder(folder, "toy", tmp_path), folder, ())


# --- what cannot be scored -------------------------------------------------------------------------------------------

GOOD = true_values().select("id", "y")
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "no CSV": (b"\x00\x01\x02" * 50, "cannot be read"),
    "only a header": (b"id,y\n", "no rows"),
    "column missing": (GOOD.select("id").write_csv().encode(), "lacks 'y'"),
    "column too many": (GOOD.with_columns(index=1).write_csv().encode(), "it also has 'index'"),
    "rows missing": (GOOD.head(37).write_csv().encode(), "3 ids are missing: '137', '138', '139'"),
    "other ids": (
        pl.concat([GOOD, pl.DataFrame({"id": [7], "y": [1.0]})]).write_csv().encode(),
        "1 ids are none of the sample: '7'",
    ),
    "ids twice": (pl.concat([GOOD, GOOD.head(1)]).write_csv().encode(), "more than once: '100'"),
    "nulls": (GOOD.with_columns(y=pl.when(pl.col("id") > 105).then("y")).write_csv().encode(), "null values: 6 in"),
    "words": (GOOD.with_columns(y=pl.lit("high")).write_csv().encode(), "must hold finite numbers; it has 'high'"),
    "infinite": (GOOD.with_columns(y=pl.lit("inf")).write_csv().encode(), "must hold finite numbers"),
    "not a number": (GOOD.with_columns(y=pl.lit("NaN")).write_csv().encode(), "must hold finite numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_told_what_is_wrong(tmp_path: Path, case: str) -> None:
    content, problem = BAD[case]
    with pytest.raises(Rejected) as told:
        truth_of(tmp_path).score(content)
    assert problem in told.value.problem


def test_unknown_labels_are_named(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, ("no", "yes"), truth=labelled(["no", "yes"]), task="binary", metric="accuracy")
    made = pl.DataFrame({"id": true_values()["id"], "y": ["maybe"] * ROWS})
    with pytest.raises(Rejected, match="labels 'no', 'yes'; it has 'maybe'"):
        truth.score(made.write_csv().encode())


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_a_small_archive_of_a_huge_file_is_never_unpacked_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: str
) -> None:
    truth = truth_of(tmp_path)
    monkeypatch.setattr(submitted, "MOST_BYTES", 2**20)
    with pytest.raises(Rejected, match="larger than 1 MB"):
        truth.score(packed(b"0" * 2**24, pack))


@pytest.mark.parametrize("content", [b"\x1f\x8bnothing", b"PK\x03\x04nothing"])
def test_a_broken_archive_is_rejected(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Rejected, match="cannot be unpacked"):
        truth_of(tmp_path).score(content)
