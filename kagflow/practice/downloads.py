"""The files that a practice competition hands out: all but the truth, plain and in one archive, as Kaggle does."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from kagflow.config import CompetitionFacts
from kagflow.data.files import find_file, read_bytes
from kagflow.errors import ConfigError
from kagflow.practice.arena import Ground
from kagflow.practice.truth import SOLUTION

_EPOCH = (2024, 1, 1, 0, 0, 0)  # of the files in the archive, so that it is the same each time
_FILES, _ARCHIVE = "files", "all.zip"


def file_names(facts: CompetitionFacts) -> list[str]:
    """Return the names of the files that are handed out.

    Raises
    ------
    ConfigError
        The truth is among them.
    """
    names = list(dict.fromkeys([facts.train_file, facts.test_file, facts.sample_file, *facts.tables.values()]))
    if SOLUTION in names:
        raise ConfigError(f"{SOLUTION} is the truth, not a table of the competition", hint="take it out of `tables`")
    return names


@dataclass(frozen=True)
class Downloads:
    """What is handed out: the path of each file by name, and that of the archive of all."""

    files: Mapping[str, Path]
    archive: Path


def downloads(ground: Ground, root: Path) -> Downloads:
    """Return what is handed out, decompressed: made when first asked for, whole, and anew when a file has changed."""
    sources = {name: find_file(ground.folder, name) for name in file_names(ground.facts)}
    newest = max(path.stat().st_mtime_ns for path in sources.values())
    target = root / "data" / ground.name / "practice" / f"download-{newest:x}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / "download.lock"):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix="partial.") as scratch:
                made = Path(scratch) / target.name
                _fill(made, sources, newest)
                made.rename(target)
    return Downloads({name: target / _FILES / name for name in sources}, target / _ARCHIVE)


def _fill(folder: Path, sources: Mapping[str, Path], modified: int) -> None:
    paths = {name: folder / _FILES / name for name in sources}
    for name, source in sources.items():
        paths[name].parent.mkdir(parents=True, exist_ok=True)
        paths[name].write_bytes(read_bytes(source))
    with zipfile.ZipFile(folder / _ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(paths.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
    for path in (*paths.values(), folder / _ARCHIVE):  # a client resumes by it: when this was made must not matter
        os.utime(path, ns=(modified, modified))
