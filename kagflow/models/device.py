"""On which device a fit runs: a GPU where the library can fit on one here, and where that is worth it."""

import functools
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from kagflow.config import ModelConfig
from kagflow.errors import ModelError
from kagflow.models.base import Batch, Problem, Resources
from kagflow.models.registry import make_model, model_class

# Below, folds fitted side by side on the CPU are quicker than one after the other on a GPU.
_ROWS_FOR_GPU = 100_000
_TRACES = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg")  # the last is that of WSL


def resolve_device(
    kind: str, asked: Literal["auto", "cpu", "cuda"], *, rows: int | None = None, lacks: str = ""
) -> tuple[Literal["cpu", "cuda"], str]:
    """Return where models of a kind are fitted, and why not on the GPU that is there.

    Without an NVIDIA device in sight, ``auto`` is the CPU at once: nothing is imported or fitted to find out.

    Parameters
    ----------
    kind
        Of the model.
    asked
        ``auto`` takes a GPU where a tiny fit succeeds on it (tried once a process); ``cuda`` insists on it.
    rows
        Training rows, of which a few are not worth a GPU; ``None`` for enough.
    lacks
        What the model would need and the library has on the CPU only; empty for nothing.

    Returns
    -------
    tuple
        The device, and one line for the user; empty where there is nothing to say.

    Raises
    ------
    ModelError
        ``cuda`` is asked for, and not to be had.
    """
    if asked == "cpu" or (asked == "auto" and not sees_nvidia()):
        return "cpu", ""
    learner = model_class(kind)
    refusal = lacks if learner.gpu_memory else "it knows no other"
    if asked == "auto" and not refusal and rows is not None and rows < _ROWS_FOR_GPU:
        refusal = f"on fewer than {_ROWS_FOR_GPU:,} rows, folds side by side on the CPU are quicker"
    refusal = refusal or _refusal(kind)
    if not refusal:
        return "cuda", ""
    if asked == "cuda":
        raise ModelError(f"{kind} cannot be fitted on a GPU: {refusal}", hint=_hint(learner.gpu_memory), where="device")
    return "cpu", f"{kind} is fitted on the CPU, not the GPU: {refusal}"


def sees_nvidia() -> bool:
    """Return whether there may be an NVIDIA device, by the traces of its driver."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return False
    return any(Path(trace).exists() for trace in _TRACES) or shutil.which("nvidia-smi") is not None


def _hint(gpu_memory: tuple[str, ...]) -> str:
    if not gpu_memory:
        return "use lightgbm, xgboost or catboost, or leave `device` out"
    if not sees_nvidia():
        return "no NVIDIA device is to be seen here (look at `nvidia-smi` and CUDA_VISIBLE_DEVICES); or `device: auto`"
    return "write `device: auto` to take a GPU only where that can be done"


@functools.cache
def _refusal(kind: str) -> str:
    """Return why a tiny fit on the GPU failed; empty where it did not."""
    rng = np.random.default_rng(0)
    x = pl.DataFrame(rng.normal(size=(256, 2)), schema=["a", "b"])
    train = Batch(x, x["a"] + x["b"])
    resources, problem = Resources(1, "cuda"), Problem("regression", (), "squared_error")
    try:
        with _silence():
            make_model(ModelConfig(kind=kind), 2).fit(train, None, problem=problem, resources=resources, seed=0)
    except ModelError as error:
        return error.problem
    return ""


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what the libraries' own code says of a missing device from the terminal: the user is told in one line."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
