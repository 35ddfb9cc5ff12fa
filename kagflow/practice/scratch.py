"""A project to try things in, which goes when the program ends."""

import atexit
import shutil
import tempfile
from pathlib import Path

from kagflow.competition import load


def scratch_project(*names: str, root: Path | None = None) -> Path:
    """Copy competitions and their configs to a temporary folder, and return it: a project of its own.

    Data, runs and submissions of the copy lie in that folder, and go with it when the program ends. The project that
    was copied stays as it is.

    Parameters
    ----------
    names
        Of the competitions.
    root
        The project to copy from; found from here upwards when absent.

    Raises
    ------
    ConfigError
        There is no such competition.
    """
    originals = [load(name, root) for name in names]
    scratch = Path(tempfile.mkdtemp(prefix="kagflow-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for each in originals:
        for folder in ("competitions", "configs"):
            if (each.root / folder / each.name).is_dir():
                shutil.copytree(each.root / folder / each.name, scratch / folder / each.name)
    return scratch
