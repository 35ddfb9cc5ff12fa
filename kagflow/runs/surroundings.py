"""Where a run took place: versions of the libraries, and the state of the code."""

import functools
import hashlib
import platform
import subprocess
from importlib import metadata, util
from pathlib import Path
from typing import Any

_PACKAGES = (
    "kagflow",
    "numpy",
    "polars",
    "pandas",
    "scikit-learn",
    "scipy",
    "lightgbm",
    "xgboost",
    "catboost",
    "joblib",
)
_OPTIONAL = ("pytabkit", "torch")


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide on a result."""
    installed = (*_PACKAGES, *(name for name in _OPTIONAL if util.find_spec(name) is not None))
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in installed}


@functools.cache
def code_hash() -> str:
    """Return a hash of kagflow's own code, for a version may be worked on."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def git(folder: Path) -> dict[str, Any] | None:
    """Return the commit of a folder and whether it has changes; ``None`` outside of git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit.strip(), "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
