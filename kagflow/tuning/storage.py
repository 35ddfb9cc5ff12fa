"""Where studies are kept: opening a storage, and saying plainly why it cannot be opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kagflow.errors import ConfigError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage


_PATIENCE = 120  # seconds that a busy SQLite file is waited for


def shown_url(storage: str) -> str:
    """Return a storage's URL without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(storage).render_as_string(hide_password=True)
    except ArgumentError:
        return "--storage"


def open_study(url: str, name: str, direction: Literal["minimize", "maximize"], *, anew: bool = False) -> "Study":
    """Return the study of that name; begin it where there is none, or anew.

    Raises
    ------
    ConfigError
        The storage cannot be reached, or its driver is not installed.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if anew:
            optuna.delete_study(storage=open_storage(url), study_name=name)
        return optuna.create_study(storage=open_storage(url), study_name=name, direction=direction, load_if_exists=True)
    except ImportError as error:
        raise ConfigError(
            f"the storage needs a driver that is not installed: {error.name or error}",
            hint="install it, as in `pip install psycopg2-binary` for PostgreSQL",
            where=shown_url(url),
        ) from None
    except Exception as error:  # whatever drivers of databases raise
        raise ConfigError(
            f"the storage cannot be reached: {_first_line(error)}",
            hint="check the URL; for PostgreSQL postgresql+psycopg2://user:password@host/database",
            where=shown_url(url),
        ) from None


def open_storage(url: str) -> "RDBStorage":
    """Return Optuna's storage behind a URL: it waits for a file that others write, and finds out lost connections."""
    from optuna.storages import RDBStorage

    settings: Sequence[tuple[str, Any]] = [("pool_pre_ping", True)]
    if url.startswith("sqlite"):
        settings = [("connect_args", {"timeout": _PATIENCE})]
    return RDBStorage(url, engine_kwargs=dict(settings))


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error).strip()
    return next(iter(text.splitlines()), type(error).__name__)


def local_storage(runs: Path) -> str:
    """Return the URL of ``runs/<name>/studies.sqlite``."""
    runs.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(runs / 'studies.sqlite').resolve()}"
