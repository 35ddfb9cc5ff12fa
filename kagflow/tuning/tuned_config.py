"""The config that comes of a study: a file that says where it came from, and that is not lost once it was edited."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kagflow.config import Experiment, write_yaml
from kagflow.errors import ConfigError

_SEAL = "# Replaced by the next `kagflow tune` unless it is edited: "


def check_replaceable(path: Path) -> None:
    """Refuse to replace a config that was edited, or that was not written by ``write_tuned``.

    Raises
    ------
    ConfigError
        It was.
    """
    if path.is_file() and not _is_sealed(path.read_text(encoding="utf-8")):
        raise ConfigError(
            "the result would replace this file, which was edited by hand",
            hint="rename it to keep it, or remove it",
            where=str(path),
        )


def write_tuned(path: Path, document: Mapping[str, Any], story: Sequence[str]) -> None:
    """Write a config under a comment that tells its story, all or nothing; one that says the same stays as it is.

    Raises
    ------
    ConfigError
        There is one that was edited by hand.
    """
    check_replaceable(path)
    body = write_yaml(document)
    if path.is_file() and path.read_text(encoding="utf-8").endswith(f"{_seal(body)}\n{body}"):
        return
    text = "".join(f"# {line}\n" for line in story) + f"{_seal(body)}\n{body}"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def tuned_document(experiment: Experiment, params: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the experiment with other parameters, and where they came from; only what differs from the default."""
    model = experiment.model.model_dump(mode="json", exclude_none=True) | {"params": dict(params)}
    rest = experiment.model_dump(mode="json", exclude_defaults=True, exclude={"model", "space", "tuned"})
    return {**rest, "model": model, "tuned": origin}


def _is_sealed(text: str) -> bool:
    lines = text.splitlines(keepends=True)
    seals = [number for number, line in enumerate(lines) if line.startswith(_SEAL)]
    return bool(seals) and lines[seals[0]].strip() == _seal("".join(lines[seals[0] + 1 :]))


def _seal(body: str) -> str:
    return _SEAL + hashlib.sha256(body.encode()).hexdigest()[:16]
