"""``kagflow doctor``: what kagflow finds on this computer, for whoever asks for help, or is asked."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from kagflow.cli.printing import print_results, print_wrapped
from kagflow.competition import find_root
from kagflow.errors import KagflowError

_PACKAGES = (
    "kagflow",
    "polars",
    "numpy",
    "scikit-learn",
    "lightgbm",
    "xgboost",
    "catboost",
    "optuna",
    "kaggle",
    "wandb",
)
_ON_GPU = ("lightgbm", "xgboost", "catboost")
_LIMITS_OF_MEMORY = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_GIB = 2**30
_LITTLE_DISK, _LITTLE_MEMORY = 2.0, 2.0  # GiB


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes
    ----------
    about, value
        What was looked at, and what was found.
    hint
        What to do where that is a problem; empty where it is none.
    """

    about: str
    value: str
    hint: str = ""


def doctor(*, json: bool) -> None:
    """Print what is found, problems with a hint; secrets are never read further than to say that they are there."""
    found = {section: list(_guarded(look)) for section, look in _SECTIONS.items()}
    problems = sum(bool(each.hint) for findings in found.values() for each in findings)
    if json:
        result = {
            "problems": problems,
            **{section: [asdict(each) for each in findings] for section, findings in found.items()},
        }
        print_results([result], result)
        return
    for section, findings in found.items():
        print(section)
        for each in findings:
            print_wrapped(f"  {each.about:<14} {each.value}", 15)
            if each.hint:
                print_wrapped(f"  {'hint:':<14} {each.hint}", 15)
    print(f"{problems} problem{'' if problems == 1 else 's'} found")


def _guarded(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield findings; what cannot be found out is one too. An error's text is not shown: it may hold anything."""
    try:
        yield from look()
    except KagflowError as error:
        yield Finding("problem", error.problem, error.hint or "see --help")
    except Exception as error:
        yield Finding("problem", f"could not be found out ({type(error).__name__})", "please report this")


def _versions() -> Iterator[Finding]:
    yield Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in _PACKAGES:
        try:
            yield Finding(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "not installed", "run `make setup`")


def _machine() -> Iterator[Finding]:
    import joblib

    yield Finding("cores", f"{joblib.cpu_count()} for this process, of {os.cpu_count()}")
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    allowed = min(physical, _limit_of_memory())
    limited = f", of {physical:.1f} GiB" if allowed < physical else ""
    hint = "close other programs, or begin with --sample 0.1" if allowed < _LITTLE_MEMORY else ""
    yield Finding("memory", f"{allowed:.1f} GiB for this process{limited}", hint)
    free = shutil.disk_usage(Path.cwd()).free / _GIB
    yield Finding("disk", f"{free:.1f} GiB left here", "make room for data/ and runs/" if free < _LITTLE_DISK else "")


def _limit_of_memory() -> float:
    """Return the GiB that the container allows; infinite without a limit."""
    for file in map(Path, _LIMITS_OF_MEMORY):
        if file.is_file() and (text := file.read_text().strip()).isdecimal():
            return int(text) / _GIB
    return float("inf")


def _gpu() -> Iterator[Finding]:
    from kagflow.models.device import resolve_device, sees_nvidia

    if not sees_nvidia():
        yield Finding("device", "no NVIDIA device is to be seen: all is fitted on the CPU")
        return
    for kind in _ON_GPU:
        device, why = resolve_device(kind, "auto")
        hint = "see what the library asks of the driver, or leave it: the CPU does the same" if why else ""
        yield Finding(kind, why or device, hint)


def _kaggle() -> Iterator[Finding]:
    from kagflow.submit import broken_credentials, find_credentials, leads_elsewhere

    credentials, broken = find_credentials(), broken_credentials()
    if credentials is None:
        yield Finding(
            "credentials", "none: files are not fetched, and nothing is sent", "save a token as ~/.kaggle/access_token"
        )
    else:
        yield Finding("credentials", f"{credentials.kind}, from {credentials.found}")
        if credentials.masked:
            yield Finding("not used", ", ".join(credentials.masked))
    if broken is not None:
        yield Finding("broken", broken[0], broken[1])
    if leads_elsewhere():
        yield Finding("server", "not Kaggle's: KAGGLE_API_ENVIRONMENT is LOCALHOST", "unset it, unless you practise")


def _wandb() -> Iterator[Finding]:
    from kagflow.tracking import has_api_key

    mode = os.environ.get("WANDB_MODE", "")
    yield Finding("mode", os.environ.get("KAGFLOW_TRACK") or "offline, if --track does not say otherwise")
    if mode:
        yield Finding("WANDB_MODE", mode)
    yield Finding("key", "found" if has_api_key() else "none, which only --track online needs")
    waiting = sum(1 for _ in find_root().glob("runs/*/wandb/offline-run-*"))
    send = "; `wandb sync` with their folders sends them" if waiting else ""
    yield Finding("waiting", f"{waiting} offline runs below runs/{send}")


def _project() -> Iterator[Finding]:
    from kagflow.practice.store import STORE

    root = find_root()
    yield Finding("folder", str(root))
    for name, files in {"competitions": "*/competition.yaml", "configs": "*/*.yaml", "runs": "*/*/run.json"}.items():
        yield Finding(name, str(sum(1 for _ in (root / name).glob(files))))
    if shared := os.environ.get("KAGFLOW_DATA"):
        is_there = Path(shared).is_dir()
        yield Finding("KAGFLOW_DATA", shared, "" if is_there else "there is no such folder: correct it, or unset it")
    if not os.access(root, os.W_OK):
        yield Finding("permissions", "the folder cannot be written to", "change its owner, or work in a copy")
    board = root / STORE
    yield Finding("practice", "has a leaderboard" if board.is_file() else "no submission yet: `kagflow practice`")


_SECTIONS: Mapping[str, Callable[[], Iterator[Finding]]] = {
    "versions": _versions,
    "machine": _machine,
    "gpu": _gpu,
    "kaggle": _kaggle,
    "wandb": _wandb,
    "project": _project,
}
