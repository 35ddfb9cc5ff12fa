"""Data that are missing are fetched from Kaggle, where somebody is signed in there."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kagflow.cli.printing import print_note
from kagflow.cli.progress import download_bar
from kagflow.competition import Competition
from kagflow.data import PRACTICE, has_practice_edition, present_source
from kagflow.errors import KagflowError
from kagflow.submit import Credentials, KaggleError, broken_credentials, find_credentials, leads_elsewhere

if TYPE_CHECKING:
    from kagflow.submit.note import Note


def ensure_data(competition: Competition, source: Path | None, *, by_itself: bool = True) -> bool:
    """Fetch a competition's files from Kaggle if none are there; return whether that was done.

    Without credentials nothing is asked, and the practice edition is used. With credentials it is never used by itself:
    whoever is signed in wants to compete, and would take the score on other data for that of the competition.

    Parameters
    ----------
    competition
        Whose files.
    source
        The user's ``--source``.
    by_itself
        Whether nobody asked to fetch; then nothing comes from another server, whatever the environment says.

    Raises
    ------
    KagflowError
        Kaggle does not give the files.
    """
    facts = competition.facts
    wanted = facts.on_kaggle and source != Path(PRACTICE)
    if not wanted or present_source(competition.name, facts, competition.root, source) is not None:
        return False
    credentials = None if by_itself and leads_elsewhere() else find_credentials()
    if credentials is None:
        _say_if_broken()
        return False
    try:
        _fetch(competition, credentials)
    except KaggleError as error:
        raise _explain(error, competition, by_itself) from None
    return True


def _fetch(competition: Competition, credentials: Credentials) -> None:
    from kagflow.submit.note import differences

    note = fetch_files(competition.facts.slug, competition.data_folder / "kaggle", credentials)
    for difference in differences(note, competition.facts):
        print_note(difference)


def fetch_files(slug: str, folder: Path, credentials: Credentials) -> "Note":
    """Fetch a competition's files from Kaggle into ``data/<name>/kaggle``, and return what Kaggle says of them.

    Raises
    ------
    KaggleError
        Kaggle does not give the files.
    """
    from kagflow.submit.fetch import fetch_slug  # which imports Kaggle's client
    from kagflow.submit.kaggle import Client

    print(f"fetching the files of {slug} from Kaggle", file=sys.stderr)
    if leads_elsewhere():
        print_note("KAGGLE_API_ENVIRONMENT is LOCALHOST: this is another server than Kaggle")
    with download_bar() as on_progress:
        return fetch_slug(Client.connect(credentials=credentials), slug, folder, on_progress)


def _say_if_broken() -> None:
    if broken := broken_credentials():
        print_note(f"{broken[0]} cannot be used as Kaggle credentials: {broken[1]}")


def _explain(error: KaggleError, competition: Competition, by_itself: bool) -> KagflowError:
    """Return an error with the way around it, and with the reason for asking Kaggle where the user did not."""
    why = f" (there are no data of {competition.name} here yet, so they were to be fetched)" if by_itself else ""
    instead = f"; or practise: --source {PRACTICE}" if has_practice_edition(competition.name) else ""
    return KagflowError(error.problem + why, hint=error.hint + instead)
