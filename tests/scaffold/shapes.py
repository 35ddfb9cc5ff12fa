"""Invented competitions of the shapes that Kaggle's have: the files, and what is true of each.

``SHAPES`` holds functions that write a folder of files; ``TRUTHS`` what `competition.yaml` must then say.
"""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

N, M = 240, 80
Columns = Mapping[str, Any]


def write_csv(path: Path, columns: Columns | pl.DataFrame, *, separator: str = ",", encoding: str = "utf-8") -> None:
    """Write a table; what the name says (``.gz``, ``.zip``) is how it is packed."""
    frame = columns if isinstance(columns, pl.DataFrame) else pl.DataFrame(columns, strict=False)
    content = frame.write_csv(separator=separator).encode(encoding)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem if "." in path.stem else f"{path.stem}.csv", content)
    else:
        path.write_bytes(content)


def write(
    folder: Path,
    train: Columns,
    test: Columns,
    sample: Columns,
    names: tuple[str, str, str] = ("train.csv", "test.csv", "sample_submission.csv"),
    **form: Any,
) -> None:
    for name, columns in zip(names, (train, test, sample), strict=True):
        write_csv(folder / name, columns, **form)


def numbers(rng: np.random.Generator, columns: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return what is to be learned, and columns of which the first three tell of it."""
    x = rng.normal(size=(N + M, columns))
    signal = x[:, 0] - 0.7 * x[:, 1] + 0.5 * x[:, 2]
    return signal, {f"var_{k}": x[:, k].round(5) for k in range(columns)}


def both(columns: Columns) -> tuple[dict[str, Any], dict[str, Any]]:
    return {name: values[:N] for name, values in columns.items()}, {
        name: values[N:] for name, values in columns.items()
    }


def usual(
    folder: Path, y: Any, sample: Columns, *, x: Columns | None = None, target: str = "target", **form: Any
) -> None:
    """Write the files of columns, rows that are numbered, and one target."""
    x = numbers(np.random.default_rng(5), 6)[1] if x is None else x
    train, test = both({"id": np.arange(N + M), **x})
    write(folder, {**train, target: y[:N]}, test, {"id": test["id"], **sample}, **form)


# --- what is predicted ------------------------------------------------------------------------------------------------


def wide(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(1), 400)
    usual(folder, (signal > 0).astype(int), {"target": [0.5] * M}, x=x)


def nine_classes(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(2), 20)
    counts = {name.replace("var", "feat"): np.exp(values).astype(int) for name, values in x.items()}
    labels = [f"Class_{code + 1}" for code in np.digitize(signal, np.linspace(-2, 2, 8))]
    usual(folder, labels, {f"Class_{code}": [1 / 9] * M for code in range(1, 10)}, x=counts)


def grades(folder: Path) -> None:
    rng = np.random.default_rng(3)
    signal, x = numbers(rng, 8)
    grade = np.digitize(signal + 0.5 * rng.normal(size=N + M), np.linspace(-2.2, 2.2, 7))
    usual(folder, grade, {"Response": [3] * M}, x=x, target="Response")


def numbered_kinds(folder: Path) -> None:
    """Classes whose numbers are mere names, as those of trees are."""
    rng = np.random.default_rng(3)
    signal, x = numbers(rng, 8)
    code = np.digitize(signal, np.linspace(-1.5, 1.5, 6))
    usual(folder, np.array([3, 6, 1, 7, 2, 5, 4])[code], {"Cover_Type": [1] * M}, x=x, target="Cover_Type")


def four_in_a_hundred(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(4), 10)
    usual(folder, (signal > np.quantile(signal, 0.96)).astype(int), {"claim": [0.5] * M}, x=x, target="claim")


def truth_values(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(5), 5)
    flags = {"vip": np.where(x["var_1"] > 0, "True", "False"), "adult": np.where(x["var_2"] > 0, "yes", "no")}
    usual(
        folder, np.where(signal > 0, "True", "False"), {"Transported": ["False"] * M}, x=x | flags, target="Transported"
    )


def several_numbers(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(6), 6)
    train, test = both({"id": [f"{row:05x}" for row in range(N + M)], **x})
    y = {"density": signal[:N], "viscosity at 20°": signal[:N] ** 2}
    write(folder, {**train, **y}, test, {"id": test["id"], **{name: [0.0] * M for name in y}})


def several_flags(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(7), 6)
    train, test = both({"id": np.arange(N + M), **x})
    y = {"toxic": (signal[:N] > 0).astype(int), "obscene": (signal[:N] > 1).astype(int)}
    write(folder, {**train, **y}, test, {"id": test["id"], **{name: [0.5] * M for name in y}})


def a_name_of_its_own(folder: Path) -> None:
    """The sample submission calls its column as train does not, and train has a further column that test lacks."""
    signal, x = numbers(np.random.default_rng(8), 6)
    train, test = both({"Réf": np.arange(N + M), **x})
    write(folder, {**train, "Выход": signal[:N]}, test, {"Réf": test["Réf"], "prediction": [0.0] * M})


# --- how rows hang together -------------------------------------------------------------------------------------------


def panel(folder: Path) -> None:
    """Sales of four stores and three items by the week, over years; test is what comes next."""
    rng = np.random.default_rng(9)
    days = pl.date_range(pl.date(2013, 1, 1), pl.date(2015, 12, 31), "2w", eager=True)
    rows = [(day, store, item) for day in days for store in range(1, 5) for item in range(1, 4)]
    frame = pl.DataFrame(rows, schema=["date", "store", "item"], orient="row")
    level = (0.7 * frame["store"] + 0.6 * frame["item"] + 0.1 * (frame["date"].dt.month() - 6).abs()).exp()
    frame = frame.with_columns(sales=pl.Series(rng.poisson(level.to_numpy())))
    later = pl.col("date") >= pl.date(2015, 10, 1)
    train, test = frame.filter(~later), frame.filter(later).drop("sales").with_row_index("id")
    write(folder, train.to_dict(), test.to_dict(), {"id": test["id"], "sales": [52] * test.height})


def patients(folder: Path) -> None:
    """Rows of a patient are many, and no patient is in both files."""
    rng = np.random.default_rng(10)
    signal, x = numbers(rng, 5)
    patient = [f"P{row // 8:03}" for row in range(N + M)]
    usual(
        folder,
        signal + np.repeat(rng.normal(size=(N + M) // 8), 8),
        {"target": [0.0] * M},
        x={"patient_id": patient, **x},
    )


# --- how the files are written ----------------------------------------------------------------------------------------


def price(folder: Path, **form: Any) -> None:
    signal, x = numbers(np.random.default_rng(11), 4)
    town = np.where(x["var_0"] > 0, "Köln", "Bonn")
    usual(folder, np.exp(1.5 * signal).round(2), {"price": [1.0] * M}, x={**x, "town": town}, target="price", **form)


def zipped(folder: Path) -> None:
    price(folder, names=("train.csv.zip", "test.csv.zip", "sample_submission.csv.zip"))


def gzipped(folder: Path) -> None:
    price(folder, names=("train.csv.gz", "test.csv.gz", "sample_submission.csv.gz"))


def named_by_the_archive(folder: Path) -> None:
    price(folder, names=("train.zip", "test.zip", "sampleSubmission.zip"))


def one_archive(folder: Path) -> None:
    """The download of Kaggle's page, as it is."""
    price(folder)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
            path.unlink()
    (folder / "some-competition.zip").write_bytes(content.getvalue())


def capitals(folder: Path) -> None:
    price(folder, names=("Train.csv", "Test.csv", "SampleSubmission.csv"))


def other_names(folder: Path) -> None:
    price(folder, names=("training_set.csv", "test_features.csv", "submission_format.csv"))


def semicolons(folder: Path) -> None:
    price(folder, separator=";")


def tabs(folder: Path) -> None:
    price(folder, separator="\t", names=("train.tsv", "test.tsv", "sample_submission.tsv"))


def byte_order_mark(folder: Path) -> None:
    price(folder, encoding="utf-8-sig")


def utf_16(folder: Path) -> None:
    price(folder, encoding="utf-16")


def latin_1(folder: Path) -> None:
    price(folder, encoding="latin-1")


# --- how rows are named -----------------------------------------------------------------------------------------------


def ids_of_test_only(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(12), 5)
    train, test = both(x)
    ids = np.arange(1, M + 1)
    write(folder, {**train, "Sales": signal[:N]}, {"Id": ids, **test}, {"Id": ids, "Sales": [0.0] * M})


def ids_of_the_sample_only(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(13), 5)
    train, test = both(x)
    label = np.digitize(signal, [-1, 0, 1])
    write(folder, {"label": label[:N], **train}, test, {"ImageId": np.arange(1, M + 1), "Label": [0] * M})


def words_for_ids(folder: Path) -> None:
    signal, x = numbers(np.random.default_rng(14), 5)
    train, test = both({"name": [f"ID_{row:08x}" for row in range(N + M)], **x})
    write(folder, {**train, "y": signal[:N]}, test, {"name": test["name"][::-1], "y": [0.0] * M})


BINARY: Columns = {"task": "binary", "metric": "auc"}
PRICE: Columns = {"task": "regression", "metric": "rmsle", "id": "id", "target": "price", "splitter": "kfold"}

# In this order: the task, the metric, the id, the target, the kind of splitter; and what else must be said.
TRUTHS: dict[Any, Columns] = {
    wide: {"task": "binary", "metric": "auc", "id": "id", "target": "target", "splitter": "stratified"},
    nine_classes: {
        "task": "multiclass",
        "metric": "log_loss",
        "id": "id",
        "target": "target",
        "splitter": "stratified",
    },
    grades: {
        "task": "multiclass",
        "metric": "quadratic_kappa",
        "id": "id",
        "target": "Response",
        "splitter": "stratified",
    },
    numbered_kinds: {"task": "multiclass", "metric": "accuracy", "id": "id", "target": "Cover_Type"},
    four_in_a_hundred: {"task": "binary", "metric": "auc", "id": "id", "target": "claim", "splitter": "stratified"},
    truth_values: {"task": "binary", "metric": "accuracy", "id": "id", "target": "Transported", "positive": None},
    several_numbers: {
        "task": "regression",
        "metric": "mcrmse",
        "id": "id",
        "target": ["density", "viscosity at 20°"],
        "splitter": "kfold",
    },
    several_flags: {"task": "binary", "metric": "mean_columnwise@auc", "id": "id", "target": ["toxic", "obscene"]},
    a_name_of_its_own: {"task": "regression", "metric": "rmse", "id": "Réf", "target": "Выход", "splitter": "kfold"},
    panel: {
        "task": "regression",
        "metric": "rmsle",
        "id": "id",
        "target": "sales",
        "splitter": "forward",
        "time": "date",
    },
    patients: {
        "task": "regression",
        "metric": "rmse",
        "id": "id",
        "target": "target",
        "splitter": "group",
        "group": "patient_id",
    },
    zipped: PRICE,
    gzipped: PRICE,
    named_by_the_archive: PRICE | {"train_file": "train"},
    one_archive: PRICE,
    capitals: PRICE | {"train_file": "Train.csv"},
    other_names: PRICE | {"train_file": "training_set.csv"},
    semicolons: PRICE,
    tabs: PRICE | {"train_file": "train.tsv"},
    byte_order_mark: PRICE,
    utf_16: PRICE,
    latin_1: PRICE | {"encoding": "cp1252"},
    ids_of_test_only: {"task": "regression", "metric": "rmse", "id": "Id", "target": "Sales", "splitter": "kfold"},
    ids_of_the_sample_only: {"task": "multiclass", "id": "ImageId", "target": "label", "splitter": "stratified"},
    words_for_ids: {"task": "regression", "metric": "rmse", "id": "name", "target": "y", "splitter": "kfold"},
}
