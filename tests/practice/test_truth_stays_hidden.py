"""Nothing but the practice server opens a truth: not the verbs that train, and no other room's code."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kagflow
from kagflow.practice import Practice
from tests.practice.players import toy_folder

PACKAGE = Path(kagflow.__file__).parent
_opened: list[str] | None = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and event == "open":
        _opened.append(str(arguments[0]))


sys.addaudithook(_note)  # it cannot be taken off again, and costs nothing while nobody listens


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Names of the files that are opened from here on."""
    global _opened  # noqa: PLW0603
    _opened = []
    yield _opened
    _opened = None


def truths(opened: list[str]) -> list[str]:
    return [path for path in opened if "solution" in path]


def test_verbs_that_train_never_open_the_truth_beside_their_files(project, opened) -> None:  # type: ignore[no-untyped-def]
    project.data()
    (project.raw / "solution.csv").write_text("id,y,Usage\n60,1,Public\n")
    opened.clear()
    ridge = ("--set", "model.kind=sklearn", "--set", "model.estimator=sklearn.linear_model.Ridge")
    for words in (("fetch", "toy"), ("check", "toy"), ("cv", "toy", *ridge)):
        said = project.cli(*words)
        assert said.code == 0, said.err
    assert any(path.endswith("train.csv") for path in opened)  # the files were read in this process, and seen
    assert truths(opened) == []


def test_the_server_does_and_is_seen(tmp_path: Path, opened: list[str]) -> None:
    Practice(tmp_path).add(toy_folder(tmp_path))
    assert truths(opened)


def test_no_other_room_knows_the_name_of_the_truth() -> None:
    knows = [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in ("solution", "solution.csv", "solution.csv.gz")
    ]
    # What copies an edition into place names it to leave it out; the builds write it.
    assert set(knows) == {"data/source.py", "practice/building.py", "practice/truth.py"}
