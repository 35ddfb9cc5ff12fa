"""What decides on the features of every fold of a plan, in one hash.

The hash is of contents rather than of names: of the rows as they stand before folds, so that it does not matter how
they came about; of the steps, with the tables that they hold or that stand beside them in their module; and of all
code that may run. What it cannot see is a file outside of the competition's folder that a step opens while it runs.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle
import polars as pl

from kagflow.competition import Competition
from kagflow.data import Frame
from kagflow.features import FeatureSet
from kagflow.features.pool import Pool
from kagflow.runs import surroundings
from kagflow.runs.plan import Plan
from kagflow.training import Setup

_NOT_OWN = ("kagflow", "builtins", "__main__")


def features_context(plan: Plan, setup: Setup) -> str | None:
    """Return a hash of data, target, code and steps; with the same one the same features are built of the same rows.

    ``None`` where the steps hold what cannot be written down, so that nobody can tell whether they are the same.
    """
    competition = plan.competition
    try:
        steps = _hash_of_value(setup.pool.features)
    except Exception:  # whatever an object raises that cannot be pickled
        return None
    parts = {
        "data": plan.data.fingerprint,
        "pool": _hash_of_pool(setup.pool),
        "folds": setup.folds.fingerprint,
        "extra": plan.extra.fingerprint,
        "sources": competition.source_hash,
        "files": dict(_other_files(competition)),
        "modules": dict(_own_modules(competition.root)),
        "features": plan.experiment.features,
        "steps": steps,
        "globals": dict(_globals(setup.pool.features)),
        "versions": surroundings.versions(),
        "code": surroundings.code_hash(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _hash_of_pool(pool: Pool) -> str:
    """Return a hash of all rows, their target, times and cells."""
    digest = hashlib.sha256(json.dumps([pool.n_train, pool.forward, pool.hidden]).encode())
    digest.update(str(pool.cells.shape).encode() + pool.cells.tobytes() + pool.tied.tobytes())
    columns = [pool.y, pool.time, pool.test_time]
    for frame in (pool.x, pool.test, *(column.to_frame() for column in columns if column is not None)):
        _add_frame(digest, frame)
    return digest.hexdigest()


def _add_frame(digest: Any, frame: Frame) -> None:
    for name, dtype in frame.schema.items():
        digest.update(f"{name!r} {dtype!r} ".encode())
        if isinstance(dtype, pl.Enum):  # its repr is shortened
            digest.update(json.dumps(dtype.categories.to_list()).encode())
    digest.update(frame.hash_rows().to_numpy().tobytes())


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # without types
    """Pickles sets in the order of their elements, which is another one in every process."""

    fast = True

    def persistent_id(self, thing: object) -> object:
        return sorted(map(repr, thing)) if isinstance(thing, set | frozenset) else None


def _hash_of_value(value: object) -> str:
    written = BytesIO()
    _Pickler(written).dump(value)
    return hashlib.sha256(written.getvalue()).hexdigest()


def _globals(features: FeatureSet) -> Iterator[tuple[str, str]]:
    """Yield the values that steps of one's own may look up in their module, such as tables, with their hashes."""
    steps = (*features.rows, *features.pooled, *features.fold, *features.history, *features.target, *features.then)
    homes = {
        getattr(getattr(step, "func", step), "__module__", "")
        for step in (*steps, features.keep, features.propose, features.select)
    }
    for home in sorted(name for name in homes if name in sys.modules and name.partition(".")[0] not in _NOT_OWN):
        for name, value in sorted(vars(sys.modules[home]).items()):
            if not name.startswith("__") and not isinstance(value, ModuleType | FunctionType | type):
                with suppress(Exception):  # what cannot be pickled is no table
                    yield f"{home}.{name}", _hash_of_value(value)


def _other_files(competition: Competition) -> Iterator[tuple[str, str]]:
    """Yield the files beside the competition's own modules, which these may read or import, with their hashes."""
    folder = competition.root / "competitions" / competition.name
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_idle = path.suffix == ".md" or path.name.startswith("test_") or "__pycache__" in path.parts
        if path.is_file() and not is_idle and name not in competition.sources:
            yield name, _hash_of_file(path)


def _own_modules(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the project's modules beside kagflow and the competitions, which a competition's file may import."""
    inside = f"{root.resolve()}/"
    for name, module in sorted(sys.modules.items()):
        file = str(getattr(module, "__dict__", {}).get("__file__"))
        is_known = name.partition(".")[0] in _NOT_OWN or name.startswith("kagflow_competition_")
        if file.startswith(inside) and not is_known and "site-packages" not in file:
            yield name, _hash_of_file(Path(file))


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
