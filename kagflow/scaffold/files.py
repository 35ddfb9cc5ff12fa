"""Which of a folder's files are train, test and the sample submission."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kagflow.data import Frame
from kagflow.data.reading import parse_csv, read_bytes
from kagflow.errors import DataError

_PACKED = (".gz", ".zip")
_TABLES = (".csv",)


@dataclass(frozen=True, eq=False)
class Files:
    """The three files that every competition has, read as text.

    Attributes
    ----------
    folder
        Where they lie.
    names
        Of the files of train, test and the sample submission, without ``.gz`` and ``.zip``.
    train, test, sample
        Their contents; every column is text.
    others
        Names of further tables in the folder.
    """

    folder: Path
    names: dict[str, str]
    train: Frame
    test: Frame
    sample: Frame
    others: tuple[str, ...]


def find_files(folder: Path) -> Files:
    """Return the files of a competition.

    Raises
    ------
    DataError
        The folder is not there, one of the three is missing, or several could be it.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} does not exist", hint="check the path", where="--from")
    tables = {plain: path for path in sorted(folder.iterdir()) if (plain := _table_name(path))}
    found: dict[str, str] = {}
    for role, is_it in _ROLES.items():
        fitting = [name for name in tables if name not in found.values() and is_it(name.lower())]
        if len(fitting) > 1:  # train.csv before train_extra.csv
            fitting = [name for name in fitting if name.partition(".")[0].lower() in _USUAL[role]] or fitting
        if len(fitting) != 1:
            raise _missing(role, fitting, tables, folder)
        found[role] = fitting[0]
    read = {role: parse_csv(read_bytes(tables[name]), tables[name], as_text=True) for role, name in found.items()}
    others = tuple(name for name in tables if name not in found.values())
    return Files(folder, found, read["train"], read["test"], read["sample"], others)


# In this order: the sample may be called `test_submission.csv`, and hardly anything else holds "sample".
_ROLES: dict[str, Callable[[str], bool]] = {
    "sample": lambda name: "sample" in name or "submission" in name,
    "train": lambda name: "train" in name,
    "test": lambda name: "test" in name,
}
_USUAL = {
    "sample": ("sample_submission", "samplesubmission", "gender_submission", "submission"),
    "train": ("train",),
    "test": ("test",),
}


def _table_name(path: Path) -> str:
    """Return a table's name without what it is packed by; nothing for other files. `train.zip` is a table too."""
    plain = path.name.removesuffix(path.suffix) if path.suffix.lower() in _PACKED else path.name
    is_packed_table = path.suffix.lower() in _PACKED and "." not in plain
    is_table = path.is_file() and (Path(plain).suffix.lower() in _TABLES or is_packed_table)
    return plain if is_table else ""


def _missing(role: str, fitting: list[str], tables: dict[str, Path], folder: Path) -> DataError:
    what = "the sample submission" if role == "sample" else role
    if fitting:
        return DataError(
            f"several files could be {what}: {', '.join(fitting)}",
            hint=f"leave only {_USUAL[role][0]}.csv under such a name",
            where=str(folder),
        )
    return DataError(
        f"no file looks like {what}; expected {_USUAL[role][0]}.csv, .csv.gz or .csv.zip",
        hint=f"the folder holds {', '.join(sorted(tables)) or 'no CSV files'}",
        where=str(folder),
    )
