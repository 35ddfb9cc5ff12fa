"""Which of a folder's files are train, test and the sample submission."""

import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kagflow.data import Frame
from kagflow.data.files import read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.data.written import with_all_named
from kagflow.errors import DataError
from kagflow.submit.unpack import BrokenArchiveError, UnsafeArchiveError, unpack

_PACKED = (".gz", ".zip")
_TABLES = (".csv", ".tsv")
_OTHERWISE = "cp1252"  # of Windows in Western Europe and America, and all but the same as Latin-1


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
    encoding
        Of their text.
    """

    folder: Path
    names: dict[str, str]
    train: Frame
    test: Frame
    sample: Frame
    others: tuple[str, ...]
    encoding: str = "utf-8"


@contextmanager
def unpacked(folder: Path, scratch: Path) -> Iterator[Path]:
    """Give the folder of a competition's files; where they are one archive, as downloaded, that of its contents.

    Parameters
    ----------
    folder
        With the files, with nothing but an archive of them, or the archive itself.
    scratch
        Where a folder for the contents is made, which is removed at the end.

    Raises
    ------
    DataError
        The archive is broken, or would write elsewhere.
    """
    archive = _archive(folder)
    if archive is None:
        yield folder
        return
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="partial.") as made:
        try:
            unpack(archive, Path(made))
        except (BrokenArchiveError, UnsafeArchiveError) as error:
            raise DataError(f"cannot be unpacked: {error}", hint="download it again", where=str(archive)) from None
        inside = list(Path(made).iterdir())
        yield inside[0] if len(inside) == 1 and inside[0].is_dir() else Path(made)


def _archive(folder: Path) -> Path | None:
    """Return the archive of all files; not one that holds a single table."""
    held = [folder] if folder.is_file() else [path for path in folder.glob("*") if path.is_file()]
    if len(held) != 1 or not zipfile.is_zipfile(held[0]):
        return None
    with zipfile.ZipFile(held[0]) as archive:
        return held[0] if len(archive.namelist()) > 1 else None


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
    raw = {role: read_bytes(tables[name]) for role, name in found.items()}
    encoding = _encoding(raw.values())
    read = {role: parse_csv(raw[role], tables[name], as_text=True, encoding=encoding) for role, name in found.items()}
    others = tuple(name for name in tables if name not in found.values())
    train, test = with_all_named(read["train"]), with_all_named(read["test"])
    return Files(folder, found, train, test, read["sample"], others, encoding)


def _encoding(contents: Collection[bytes]) -> str:
    """Return UTF-8, or what text most likely is that is not: UTF-16 is seen by who reads it."""
    try:
        for content in contents:
            if b"\0" not in content[:4096]:
                content.decode()
    except UnicodeDecodeError:
        return _OTHERWISE
    return "utf-8"


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
