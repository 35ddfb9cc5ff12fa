"""Whose fault it is: the step, file and line behind an error in a user's feature code."""

import functools
import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from kagflow.errors import FeatureError, KagflowError


def name_of(step: object) -> str:
    """Return what a step is called: a function's name, or a class's name with its columns."""
    step = _unwrap(step)
    if inspect.isfunction(step):
        return step.__name__
    columns = getattr(step, "columns", ())
    return f"{type(step).__name__}({', '.join(map(str, columns[:3]))}{', ...' if len(columns) > 3 else ''})"


def where_is(step: object) -> str:
    """Return ``step at file:line`` of a step's definition."""
    step = _unwrap(step)
    source = step if inspect.isfunction(step) else type(step)
    try:
        file, line = inspect.getsourcefile(source), inspect.getsourcelines(source)[1]
    except (OSError, TypeError):
        return name_of(step)
    return f"{name_of(step)} at {_short(file)}:{line}"


@contextmanager
def blaming(step: object) -> Iterator[None]:
    """Turn any error raised inside into a FeatureError that names the step, file and line."""
    try:
        yield
    except KagflowError:
        raise
    except Exception as error:
        first_line = next(iter(str(error).splitlines()), "")
        raise FeatureError(
            f"raised {type(error).__name__}: {first_line}",
            hint="run with --debug for the traceback",
            where=_line_in(step, error.__traceback__) or where_is(step),
        ) from error


def _unwrap(step: object) -> object:
    while True:
        if isinstance(step, functools.partial):
            step = step.func
        elif hasattr(step, "__wrapped__"):
            step = step.__wrapped__
        else:
            return step


def _line_in(step: object, trace: TracebackType | None) -> str:
    """Return the last line of the step's own file that the error came through."""
    step = _unwrap(step)
    source = step if inspect.isfunction(step) else type(step)
    try:
        file = inspect.getsourcefile(source)
    except TypeError:
        return ""
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == file]
    return f"{name_of(step)} at {_short(file)}:{lines[-1]}" if lines else ""


def _short(file: str | None) -> str:
    path = Path(file or "?")
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
