"""Where a competition's files come from, and what they may be used for.

The first that applies: a folder given by hand; ``KAGFLOW_DATA``, where it has the competition; files fetched from
Kaggle; the practice edition that comes with kagflow.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kagflow.config import CompetitionFacts
from kagflow.errors import DataError, did_you_mean

Edition = Literal["folder", "kaggle", "practice"]
PRACTICE: Literal["practice"] = "practice"
"""What a user gives as the source to have the practice edition, whatever else is there."""
BUNDLED = Path(__file__).parents[1] / "practice" / "editions"


@dataclass(frozen=True)
class Source:
    """A folder of raw files.

    Attributes
    ----------
    edition
        ``folder`` (given by the user), ``kaggle`` (fetched), or ``practice`` (never sent to Kaggle).
    folder
        Where the files lie.
    """

    edition: Edition
    folder: Path


def find_source(name: str, facts: CompetitionFacts, root: Path, given: Path | None = None) -> Source:
    """Return the first source that applies, copying the practice edition into place when it is that.

    Parameters
    ----------
    name
        The competition's folder name.
    facts
        Its facts.
    root
        The project's folder, which holds ``data/``.
    given
        The user's ``--source``: a folder, or the word ``practice`` for the practice edition.

    Raises
    ------
    DataError
        A folder that was asked for is not there, or there is no source at all.
    """
    if given == Path(PRACTICE):
        return practice_source(name, root)
    there = present_source(name, facts, root, given)
    if there is not None:
        return there
    if has_practice_edition(name):
        return practice_source(name, root)
    raise DataError(
        f"there are no data for {name}, and no practice edition comes with kagflow",
        hint=f"save a Kaggle token as ~/.kaggle/access_token and run `kagflow fetch {name}`; or pass a folder with "
        f"--source, or set KAGFLOW_DATA to a folder that holds {facts.slug}/",
    )


def present_source(name: str, facts: CompetitionFacts, root: Path, given: Path | None = None) -> Source | None:
    """Return the first source whose files are there already; ``None`` where only the practice edition is left.

    Parameters and errors as of `find_source`.
    """
    if given is not None:
        return Source("folder", _folder(given, "--source"))
    if shared := os.environ.get("KAGFLOW_DATA"):
        folder = _folder(Path(shared), "KAGFLOW_DATA") / facts.slug
        if folder.is_dir():
            return Source("folder", folder)
    fetched = raw_folder(name, "kaggle", root)
    return Source("kaggle", fetched) if fetched.is_dir() else None


def has_practice_edition(name: str) -> bool:
    """Say whether a practice edition of a competition comes with kagflow."""
    return (BUNDLED / name).is_dir()


def practice_source(name: str, root: Path) -> Source:
    """Return the practice edition of a competition, copied into place; whatever other data there are.

    Raises
    ------
    DataError
        None comes with kagflow.
    """
    if not has_practice_edition(name):
        raise DataError(
            f"no practice edition of {name} comes with kagflow",
            hint=did_you_mean(name, [path.name for path in BUNDLED.iterdir()]),
        )
    return Source("practice", _unpack_practice(name, root))


def raw_folder(name: str, edition: Edition, root: Path) -> Path:
    """Return the folder of a competition's raw files, which do not change once they are there."""
    return root / "data" / name / edition / "raw"


def _folder(path: Path, origin: str) -> Path:
    if not path.is_dir():
        raise DataError(f"the folder {path} does not exist", hint="check the path", where=origin)
    return path


def _unpack_practice(name: str, root: Path) -> Path:
    """Copy the bundled files (their truth excepted) to the data folder, all or nothing."""
    target = raw_folder(name, "practice", root)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="partial.") as scratch:
        copied = Path(scratch) / target.name
        copied.mkdir()
        for file in (BUNDLED / name).iterdir():
            if not file.name.startswith("solution"):
                shutil.copyfile(file, copied / file.name)
        try:
            copied.rename(target)
        except OSError:
            if not target.is_dir():  # nor was another process faster
                raise
    return target
