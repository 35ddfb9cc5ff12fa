"""A client of whichever board is meant: Kaggle's, or the practice board, which speaks as Kaggle does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kagflow.competition import Competition
from kagflow.errors import ConfigError
from kagflow.practice.arena import Ground, Practice
from kagflow.practice.board import Refusal
from kagflow.practice.server import serving
from kagflow.practice.truth import SOLUTION
from kagflow.submit import practice_credentials

if TYPE_CHECKING:
    from kagflow.submit.kaggle import Client
    from kagflow.submit.ledger import Destination
    from kagflow.submit.wire import Patience


def practice_ground(competition: Competition) -> Ground:
    """Return where a competition is practised.

    Raises
    ------
    ConfigError
        Nowhere: nobody knows the truth of its test rows.
    """
    try:
        return Practice(competition.root).ground(competition.name)
    except Refusal:
        raise ConfigError(
            f"{competition.name} has no practice board",
            hint=f"put the truth of the test rows beside the files, as {SOLUTION}, and open a board of it with "
            f"`kagflow practice serve --from FOLDER` (the folder is called {competition.name})",
            where="--to practice",
        ) from None


@contextmanager
def connected(root: Path, to: Destination, patience: Patience | None = None) -> Iterator[Client]:
    """Yield a client of a board; the practice server lives as long as the block.

    Parameters
    ----------
    root
        The project's folder.
    to
        ``kaggle`` or ``practice``.
    patience
        Time limits, if not the usual ones.

    Raises
    ------
    KaggleError
        There are no credentials for Kaggle, or it refuses to renew them.
    """
    from kagflow.submit.kaggle import Client

    if to == "kaggle":
        yield Client.connect(patience=patience)
        return
    with serving(root) as address:
        yield Client.connect(address, practice_credentials(), patience)
