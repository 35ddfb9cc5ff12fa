"""How long work shows that it goes on: a bar on stderr, where there is a terminal; lines else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)


class Bar:
    """A bar on stderr; on stdout the first line names the data's edition.

    Parameters
    ----------
    title
        Text before the bar; ``{task.description}`` in it changes as work goes on.
    first_line
        Whether to print the line that names the edition.
    """

    def __init__(self, title: str, *, first_line: bool) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn(title),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", visible=False)
        self._first_line = first_line

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, edition: str, folder: Path, total: int | None, done: int, before: str) -> None:
        """Show where the data come from, and how much is to do.

        Parameters
        ----------
        edition, folder
            Of the data.
        total, done
            How much there is in all, and was done before.
        before
            What to say of that, where something was.
        """
        if self._first_line:
            print(f"data: {edition} edition, {folder}", flush=True)
        if done:
            print(f"continuing: {before}", file=sys.stderr)
        self._progress.update(self._task, total=total, completed=done, visible=True)

    def advance(self, description: str = "") -> None:
        """Move the bar by one."""
        self._progress.update(self._task, advance=1, description=description)


@contextmanager
def download_bar() -> Iterator[Callable[[int, int], None]]:
    """Show a bar of bytes on stderr, where there is a terminal, until the block ends.

    Yields
    ------
    Callable
        Moves the bar: to the bytes that came, of those that there are (0: not known).
    """
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda came, total: progress.update(task, completed=came, total=total or None)
