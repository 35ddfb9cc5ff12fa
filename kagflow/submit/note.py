"""``data/<name>/kaggle/kaggle.json``: what Kaggle said of a competition and its files on the day they were fetched."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from kagflow.config import CompetitionFacts
from kagflow.errors import DataError
from kagflow.submit.metric_names import metric_difference
from kagflow.submit.records import CompetitionInfo

NOTE = "kaggle.json"


@dataclass(frozen=True)
class FileNote:
    """Size and SHA-256 of a file as it was fetched."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Note:
    """What ``kaggle.json`` holds.

    Attributes
    ----------
    slug, title, url
        Of the competition.
    metric
        Kaggle's name of it.
    deadline
        ISO 8601, UTC; ``None`` where there is none.
    max_daily_submissions
        Submissions that Kaggle takes a day.
    notebooks_only
        Whether Kaggle takes no files, only notebooks.
    fetched
        When, ISO 8601, UTC.
    files
        By path below ``raw/``.
    """

    slug: str
    title: str
    url: str
    metric: str
    deadline: str | None
    max_daily_submissions: int
    notebooks_only: bool
    fetched: str
    files: Mapping[str, FileNote]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the note of ``data/<name>/kaggle``, if there is one.

        Raises
        ------
        DataError
            It is not as it was written.
        """
        path = folder / NOTE
        if not path.is_file():
            return None
        try:
            stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            files = {name: FileNote(**file) for name, file in stored.pop("files").items()}
            return cls(files=files, **stored)
        except (ValueError, KeyError, TypeError, AttributeError):
            hint = f"delete {folder} and run `kagflow fetch` again"
            raise DataError("it is not what `kagflow fetch` wrote", hint=hint, where=str(path)) from None

    @classmethod
    def of(cls, info: CompetitionInfo, raw: Path) -> Self:
        """Return the note of files that were fetched just now."""
        paths = sorted(path for path in raw.rglob("*") if path.is_file())
        return cls(
            slug=info.slug,
            title=info.title,
            url=info.url,
            metric=info.metric,
            deadline=None if info.deadline is None else info.deadline.isoformat(),
            max_daily_submissions=info.max_daily_submissions,
            notebooks_only=info.notebooks_only,
            fetched=datetime.now(UTC).isoformat(timespec="seconds"),
            files={path.relative_to(raw).as_posix(): _file_note(path) for path in paths},
        )

    def write(self, folder: Path) -> None:
        """Write the note, all or nothing."""
        partial = folder / f"{NOTE}.partial"
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        partial.replace(folder / NOTE)


def _file_note(path: Path) -> FileNote:
    with path.open("rb") as file:
        return FileNote(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def verify(note: Note, folder: Path) -> None:
    """See that the files are those that were fetched.

    Raises
    ------
    DataError
        One is missing, or is another.
    """
    for name, file in note.files.items():
        path = folder / "raw" / name
        if not path.is_file() or path.stat().st_size != file.bytes or _file_note(path) != file:
            raise DataError(
                "it is not the file that was fetched from Kaggle",
                hint=f"delete {folder} and run `kagflow fetch` again",
                where=str(path),
            )


def differences(note: Note, facts: CompetitionFacts) -> list[str]:
    """Say where Kaggle contradicts `competition.yaml`, or has something to say that a competitor must know."""
    found = []
    if note.slug != facts.slug:
        found.append(f"Kaggle calls the competition {note.slug!r}, competition.yaml {facts.slug!r}")
    if metric := metric_difference(note.metric, facts.metric):
        found.append(metric)
    if note.deadline and datetime.fromisoformat(note.deadline) < datetime.now(UTC):
        found.append(f"the deadline was {note.deadline[:10]}: submissions may still be scored, but do not rank")
    if note.notebooks_only:
        found.append("Kaggle takes submissions from notebooks only: `kagflow predict` makes the file inside one")
    for key in ("train_file", "test_file", "sample_file"):
        file = getattr(facts, key)
        if not {file, f"{file}.gz", f"{file}.zip"} & note.files.keys():
            found.append(f"competition.yaml names {file!r} under `{key}`; Kaggle's files are {_some(note.files)}")
    return found


def _some(files: Mapping[str, FileNote], most: int = 8) -> str:
    names = list(files)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
