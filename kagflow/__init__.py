"""kagflow: leak-safe pipelines for tabular Kaggle competitions.

>>> import kagflow
>>> competition = kagflow.load("house_prices")
>>> run = kagflow.cross_validate(competition, config="ridge")
>>> print(run)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kagflow.competition import load
    from kagflow.ensemble import import_member, make_ensemble
    from kagflow.runs import Look, cross_validate, list_runs, predict

# Imported when asked for, so that `import kagflow.errors` costs nothing.
_PUBLIC = {
    "Look": "kagflow.runs",
    "load": "kagflow.competition",
    "cross_validate": "kagflow.runs",
    "import_member": "kagflow.ensemble",
    "list_runs": "kagflow.runs",
    "make_ensemble": "kagflow.ensemble",
    "predict": "kagflow.runs",
}
__all__ = ["Look", "cross_validate", "import_member", "list_runs", "load", "make_ensemble", "predict"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'kagflow' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
