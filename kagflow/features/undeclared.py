"""Undeclared reads: the competition's own code opens files that kagflow does not know of (KF302).

A file that `features.py` reads by itself may hold the target of the rows that score, and no fold cuts it. Such reads
are looked for twice: in the text of the modules before they run, and while they run, when a file is opened on behalf
of a line of theirs. What libraries read for themselves (their own data, time zones, imports) is theirs.
"""

import ast
import functools
import inspect
import os
import re
import sys
import threading
import zoneinfo
from collections.abc import Callable, Iterator
from fnmatch import translate
from pathlib import Path
from types import FrameType
from typing import Any

import polars as pl

from kagflow.errors import FeatureError

Report = Callable[[FeatureError], None]
"""Raises the error, or takes note of it where that is accepted."""

UNDECLARED_READ = "KF302"
_HINT = (
    "declare the file under `tables` in competition.yaml and join it in tables.py (folds: `fold_file`); "
    "if it knows nothing of the target, `accept: {KF302: reason}`"
)

# --- before the code runs --------------------------------------------------------------------------------------------

_READS = (
    *("open", "io.open", "os.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "tarfile.open"),
    *("zipfile.ZipFile", "fileinput.input", "linecache.get*", "*.read_text", "*.read_bytes"),
    *("polars.read_*", "polars.scan_*", "polars.*.deserialize", "pandas.read_*", "dask.dataframe.read_*"),
    *("numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.memmap", "scipy.io.loadmat"),
    *("pickle.load", "cloudpickle.load", "dill.load", "joblib.load", "json.load", "shelve.open"),
    *("pyarrow.*.read_*", "pyarrow.*.open_*", "pyarrow.memory_map", "pyarrow.dataset.dataset", "h5py.File"),
    *("sqlite3.connect", "duckdb.connect", "duckdb.sql", "duckdb.query", "duckdb.execute", "duckdb.read_*"),
    *("sklearn.datasets.fetch_*", "sklearn.datasets.load_svmlight_*", "sqlalchemy.create_engine"),
    *("fsspec.open", "kaggle.*", "requests.*", "httpx.*", "urllib.request.*", "urllib3.*"),
)
_IS_READ = re.compile("|".join(map(translate, _READS)))
_READS_IN_SQL = re.compile(r"\bread_(csv|parquet|ipc|json|ndjson)\s*\(", re.IGNORECASE)
_IN_MEMORY = ("io.StringIO", "io.BytesIO")


def undeclared_reads(source: str, path: Path) -> Iterator[FeatureError]:
    """Yield an error for each line of a module that reads a file, whatever name the function goes by there.

    Parameters
    ----------
    source
        Text of the module; one that is not Python yields nothing, for importing it says more.
    path
        Its file.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    names = _names(tree)
    harmless = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_harmless(node, names)}
    harmless |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in harmless:
            name = _dotted(node, names)
            if _IS_READ.match(name):
                found.setdefault(node.lineno, ast.unparse(node))
        elif isinstance(node, ast.Constant) and id(node) not in harmless and _READS_IN_SQL.search(str(node.value)):
            found.setdefault(node.lineno, f"{str(node.value).strip()[:40]!r}, if that is SQL")
    for line, name in sorted(found.items()):
        yield _error(f"reads a file that is not declared: {name}", f"{path}:{line}")


def _names(tree: ast.Module) -> dict[str, str]:
    """Return what names stand for: by imports; nothing that reads, where the module defines them itself."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.partition(".")[0]  # `import a.b` binds a, `import a.b as c` binds a.b
                names[alias.asname or package] = alias.name if alias.asname else package
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.setdefault(node.name, "")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id, "")
    return names


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """Return the full name of an expression; what is no name, such as a call's result, is ``?``."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, names)}.{node.attr}"
    return "?"


def _is_harmless(call: ast.Call, names: dict[str, str]) -> bool:
    """Say whether a call only writes, or reads text of the module itself."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Call) and _dotted(first.func, names) in _IN_MEMORY:
        return True
    mode = next((word.value for word in call.keywords if word.arg == "mode"), call.args[1] if call.args[1:] else None)
    is_open = _dotted(call.func, names).endswith("open")
    return is_open and isinstance(mode, ast.Constant) and isinstance(mode.value, str) and _only_writes(mode.value)


def _only_writes(mode: str) -> bool:
    return "r" not in mode and "+" not in mode


# --- while it runs ---------------------------------------------------------------------------------------------------

# Called from a line of the competition, these read what that line tells them to; others read what is their own.
_READERS = frozenset(
    "bz2 codecs csv dask duckdb fileinput fsspec gzip h5py http httpx io joblib json kagflow linecache lzma "
    "numpy pandas pathlib pickle polars pyarrow requests scipy shelve shutil socket sqlite3 tarfile urllib urllib3 "
    "zipfile".split()
)
_CODE = (".py", ".pyc", ".so", ".pyd")
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", *zoneinfo.TZPATH)
_watched: dict[str, Report] = {}
_lock = threading.Lock()


def watch(folder: Path, report: Report) -> None:
    """From now on report each undeclared file that a module of this folder reads; tests in it may read what they like.

    Parameters
    ----------
    folder
        Of the competition.
    report
        Is given the error.
    """
    with _lock:
        _install()
        _watched[str(folder)] = _watched[str(folder.resolve())] = report


@functools.cache
def _install() -> None:
    """Listen to Python's audit events, which tell of every file and connection; polars opens files without them."""
    sys.addaudithook(_hear)
    for name in dir(pl):
        if name.startswith(("read_", "scan_")) and inspect.isfunction(getattr(pl, name)):
            setattr(pl, name, _heard(getattr(pl, name)))


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Judge an event that names a file or an address; the others, tens of thousands a run, cost one look-up."""
    opened = _OPENED.get(event)
    if opened is not None:
        path = opened(*arguments)
        if path is not None:
            _judge(path)


def _opened_file(path: object, mode: str | None, flags: int) -> str | None:
    """Return the path of a file that is opened to be read."""
    is_path = isinstance(path, str | bytes | os.PathLike)
    return os.fsdecode(path) if is_path and not _is_written(mode, flags) else None  # type: ignore[arg-type]


_OPENED: dict[str, Callable[..., str | None]] = {
    "open": _opened_file,
    "sqlite3.connect": str,
    "urllib.Request": lambda url, *_: str(url),
    "socket.connect": lambda _, address: str(address),
}


def _is_written(mode: str | None, flags: int) -> bool:
    return _only_writes(mode) if mode else bool(flags & os.O_WRONLY)


def _heard(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that reads files, which is judged by its first argument before it does."""

    @functools.wraps(function)
    def heard(*args: Any, **kwargs: Any) -> Any:
        source = args[0] if args else next(iter(kwargs.values()), None)
        first = source[0] if isinstance(source, list | tuple) and source else source
        if isinstance(first, str | os.PathLike):
            _judge(os.fsdecode(first))
        return function(*args, **kwargs)

    return heard


def _judge(path: str) -> None:
    """Report a file that is opened on behalf of a watched module, unless it belongs to Python or to the system."""
    if not _watched or path.endswith(_CODE):
        return
    frame = _reading_frame()
    if frame is None or _belongs_to_the_system(path):
        return
    own = frame.f_code.co_filename
    report = _watched[_folder_and_name(own)[0]]
    name = _folder_and_name(path)[1] or path
    report(_error(f"reads a file that is not declared: {name}", f"{own}:{frame.f_lineno}"))


def _reading_frame() -> FrameType | None:
    """Return the frame of a watched module that reads, itself or by a library whose trade that is."""
    frame: FrameType | None = sys._getframe(2)
    callee = ""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):  # an import: what it opens is code, or the library's own
            return None
        folder, name = _folder_and_name(file)
        if folder in _watched and not name.startswith("test_"):
            return frame if callee in _READERS or callee == "" else None
        if file != __file__:
            callee = str(frame.f_globals.get("__name__", "?")).partition(".")[0].lstrip("_")
        frame = frame.f_back
    return None


def _folder_and_name(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition(os.sep)
    return folder, name


@functools.cache
def _installation() -> tuple[str, ...]:
    """Return the folders of Python, its libraries and the system."""
    libraries = [folder for folder in sys.path if folder.endswith("-packages")]
    folders = {sys.prefix, sys.base_prefix, *libraries, *_SYSTEM}
    return tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in folders)


def _belongs_to_the_system(path: str) -> bool:
    return os.path.realpath(path).startswith(_installation())


def _error(problem: str, where: str) -> FeatureError:
    return FeatureError(problem, hint=_HINT, where=where, code=UNDECLARED_READ)
