"""Mirror a run into Weights & Biases.

W&B mirrors and is never the record. Its client therefore lives in a process of its own, which is this file run as a
script: nothing it does can delay, stop or crash a run. It does not touch the environment, ``sys.exit``, the streams
or the terminal of the run; and when the run is interrupted or killed, its input ends and it saves what it was given.

The run's side is ``Tracker`` and its kinds, the client's side is ``_Mirror``. Orders go down a pipe and replies come
up another, each one line of JSON.
"""

import configparser
import contextlib
import importlib.util
import json
import netrc
import os
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Literal, Protocol
from urllib.parse import urlsplit

Mode = Literal["offline", "online"]
Warn = Callable[[str], None]

# Seconds that `finish` waits. A busy machine may need ten to start the client; a server that is down costs the init
# timeout if it is down at the start, and half of the patience if it is down at the end.
_PATIENCE: Mapping[Mode, float] = {"offline": 30.0, "online": 60.0}
_INIT_TIMEOUT = 15

_DEFAULT_HOSTS = frozenset({"api.forge.coreweave.com", "api.wandb.ai"})  # two names of one service
# They say which service or run another use of wandb has; the mirror has its own.
_FOREIGN_VARIABLES = frozenset(
    ("WANDB_SERVICE", "WANDB_RUN_ID", "WANDB_RESUME", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_LAUNCH")
)
_SECRETS = frozenset({"WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"})


class Tracker(ABC):
    """Where a run is mirrored to while it goes on.

    A tracker follows one run at a time: ``start``, anything in between, ``finish``. No method raises, and none but
    ``finish`` blocks. ``log``, ``summary`` and ``table`` may be called from several threads, and do nothing while no
    run is followed. What they are given is copied at once.
    """

    @abstractmethod
    def start(
        self,
        name: str,
        *,
        group: str,
        job_type: str,
        config: Mapping[str, object],
        tags: Sequence[str] = (),
        id: str | None = None,
    ) -> None:
        """Begin to follow a run.

        Parameters
        ----------
        name
            What the run is called.
        group
            What it shares with its siblings, such as the competition or the experiment.
        job_type
            What kind of run it is: ``"cv"``, ``"tune"``, ``"ensemble"``, ``"submission"``.
        config
            Its settings, nested as they are.
        tags
            Words to find it by.
        id
            Names the run for ever: one that was started under it before goes on. A new one when absent.
        """

    @abstractmethod
    def log(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Add one row to the run's history.

        Parameters
        ----------
        values
            Numbers by name.
        step
            Where they stand on the horizontal axis. Steps need not grow from row to row: folds may run side by side.
        """

    @abstractmethod
    def summary(self, values: Mapping[str, object]) -> None:
        """Set results of the run as a whole; a name that was set before is replaced."""

    @abstractmethod
    def table(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table, with as many values in every row as there are columns."""

    @abstractmethod
    def finish(self, failed: bool = False) -> None:
        """End the run, waiting a bounded time for the mirror to be complete."""

    @property
    @abstractmethod
    def url_or_path(self) -> str | None:
        """Where to look at the mirror of the latest run: an address, or a folder; None as long as it is not known."""


class NoTracker(Tracker):
    """A tracker that does nothing."""

    def start(
        self,
        name: str,
        *,
        group: str,
        job_type: str,
        config: Mapping[str, object],
        tags: Sequence[str] = (),
        id: str | None = None,
    ) -> None:
        """Do nothing."""

    def log(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Do nothing."""

    def summary(self, values: Mapping[str, object]) -> None:
        """Do nothing."""

    def table(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Do nothing."""

    def finish(self, failed: bool = False) -> None:
        """Do nothing."""

    @property
    def url_or_path(self) -> str | None:
        """There is no mirror to look at."""
        return None


class WandbTracker(Tracker):
    """A tracker that mirrors into Weights & Biases.

    Parameters
    ----------
    mode
        ``"offline"`` writes files that ``wandb sync`` can send later, and asks nothing of the network. ``"online"``
        sends them at once, and falls back to offline where that cannot be begun.
    directory
        Where W&B makes its folder ``wandb``. It must keep its name: W&B remembers absolute paths.
    project
        The project's name at W&B.
    warn
        Takes one line when the mirror fails, is cut short or falls back; may be called from another thread.
    patience
        Seconds that ``finish`` waits at most; by default 30 offline and 60 online.

    Notes
    -----
    The environment is read when a run starts: ``WANDB_API_KEY``, ``WANDB_BASE_URL``, ``WANDB_ENTITY`` and the like.
    A run that ends without ``finish``, by whatever signal, is saved and marked as failed.
    """

    def __init__(self, mode: Mode, directory: Path, project: str, warn: Warn, *, patience: float | None = None) -> None:
        self.mode: Mode = mode
        self._directory = directory.absolute()
        self._project = project
        self._warn = warn
        self._patience = _PATIENCE[mode] if patience is None else patience
        self._client: _Client | None = None  # of the latest run

    def start(
        self,
        name: str,
        *,
        group: str,
        job_type: str,
        config: Mapping[str, object],
        tags: Sequence[str] = (),
        id: str | None = None,
    ) -> None:
        """Begin to follow a run, in a new process; the previous run, if any, is finished."""
        self.finish()
        self._client = None
        try:
            client = _Client(_environment(self.mode, self._directory), self._warn)
        except Exception as error:  # whatever it is, the run goes on
            self._warn(f"W&B: this run is not mirrored: no process could be started for it: {error}")
            return
        client.send(
            "start",
            mode=self.mode,
            finish_timeout=max(1, int(self._patience / 2)),
            dir=self._directory,
            project=self._project,
            name=name,
            group=group,
            job_type=job_type,
            config=config,
            tags=tags,
            **({} if id is None else {"id": id, "resume": "allow"}),
        )
        self._client = client

    def log(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Add one row to the run's history, in which ``step`` is a column of that name."""
        self._send("log", values=values, step=step)

    def summary(self, values: Mapping[str, object]) -> None:
        """Set results of the run as a whole; a name that was set before is replaced."""
        self._send("summary", values=values)

    def table(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table, with as many values in every row as there are columns."""
        self._send("table", key=key, columns=columns, rows=rows)

    def finish(self, failed: bool = False) -> None:
        """End the run and wait until the mirror is complete; give up, with one warning, after ``patience``."""
        if self._client is not None:
            self._client.finish(failed, self._patience)

    @property
    def url_or_path(self) -> str | None:
        """The run's address when it is online, its folder when it is offline; None until the client has begun."""
        return None if self._client is None else self._client.place

    def _send(self, order: str, **what: object) -> None:
        client = self._client
        if client is not None:
            client.send(order, **what)


def make_tracker(choice: Literal["off", "offline", "online"], directory: Path, project: str, warn: Warn) -> Tracker:
    """Return the tracker that comes nearest to what was asked for.

    Online needs an API key, in ``WANDB_API_KEY``, a netrc file or W&B's own settings; nobody is asked for one.
    ``WANDB_MODE`` may hold it back further (``offline``, ``disabled``), never let it go further. Whenever it is less
    than what was asked for, ``warn`` is told why, in one line.

    Parameters
    ----------
    choice
        What was asked for.
    directory, project, warn
        As for `WandbTracker`.
    """
    if choice == "off":
        return NoTracker()
    held_back = os.environ.get("WANDB_MODE", "").lower()
    if held_back == "disabled":
        warn("W&B: this run is not mirrored: WANDB_MODE=disabled")
        return NoTracker()
    if not _is_installed("wandb"):
        warn("W&B: this run is not mirrored: the package wandb is not installed")
        return NoTracker()
    if choice == "online" and held_back in {"offline", "dryrun"}:
        warn(f"W&B: this run is mirrored offline: WANDB_MODE={held_back}")
        choice = "offline"
    if choice == "online" and not any(_api_keys()):
        warn("W&B: this run is mirrored offline: no API key was found; set WANDB_API_KEY or run `wandb login`")
        choice = "offline"
    return WandbTracker(choice, directory, project, warn)


def has_api_key() -> bool:
    """Say whether a key for W&B is to be found; it is not shown."""
    return any(_api_keys())


def _is_installed(package: str) -> bool:
    """Tell a package from a mere folder of that name, such as the one that W&B makes where it runs."""
    spec = importlib.util.find_spec(package)
    return spec is not None and spec.origin is not None


# --- the run's side of the pipes -------------------------------------------------------------------------------------


class _Client:
    """The client's process, seen from the run: orders are queued, replies are heard in a thread."""

    def __init__(self, environment: Mapping[str, str], warn: Warn) -> None:
        self.place: str | None = None
        self._folder: str | None = None
        self._warn = warn
        self._once = threading.Lock()
        self._complained = False
        self._done = False
        self._orders: SimpleQueue[str | None] = SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # without a terminal there is nobody to prompt, and Ctrl-C does not reach it
        )
        self._open = True
        threading.Thread(target=self._feed, name="wandb orders", daemon=True).start()
        self._listener = threading.Thread(target=self._listen, name="wandb replies", daemon=True)
        self._listener.start()

    def send(self, order: str, **what: object) -> None:
        """Queue an order; there are none after the last."""
        if not self._open:
            return
        try:
            line = json.dumps({"order": order, "what": _plain(what)})
        except Exception as error:  # an object that cannot be written, however it fails
            self._complain(f"{order}: {type(error).__name__}")
        else:
            self._orders.put(line + "\n")

    def finish(self, failed: bool, patience: float) -> None:
        """Give the last order, wait for the process to end, and end it when it takes too long."""
        self.send("finish", failed=failed)
        self._open = False
        self._orders.put(None)
        self._listener.join(patience)
        if self._listener.is_alive():
            if not self._done:
                self._complain(f"it was not complete after {patience:.0f} s")
            self._process.kill()
            self._listener.join(1)

    def _feed(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError), pipe:  # OSError: the process has ended; `_listen` says so
            for line in iter(self._orders.get, None):
                pipe.write(line)
                pipe.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                self._hear(**json.loads(line))
        self._process.wait()
        self._open = False
        if not self._done:
            self._complain("its process ended early")

    def _hear(
        self,
        place: str | None = None,
        folder: str | None = None,
        note: str | None = None,
        trouble: str | None = None,
        done: bool = False,
    ) -> None:
        self.place = place or self.place
        self._folder = folder or self._folder
        self._done = self._done or done
        if note is not None:
            self._warn(f"W&B: {note}")
        if trouble is not None:
            self._complain(trouble)

    def _complain(self, trouble: str) -> None:
        """Say that the mirror is incomplete, and why: once."""
        with self._once:
            said, self._complained = self._complained, True
        if not said:
            rest = f"; what it has is in {self._folder}" if self._folder else ""
            self._warn(f"W&B: the mirror of this run is incomplete: {trouble}{rest}")


def _environment(mode: Mode, directory: Path) -> dict[str, str]:
    """Return the client's variables: its own run and files, no telemetry, and no key where none is needed."""
    left_out = _FOREIGN_VARIABLES if mode == "online" else _FOREIGN_VARIABLES | _SECRETS
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    files = {"WANDB_CACHE_DIR": f"{directory}/wandb/cache", "WANDB_DATA_DIR": f"{directory}/wandb/data"}
    return files | kept | {"WANDB_MODE": mode, "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}


def _plain(value: object) -> object:
    """Return a copy that JSON can hold; what it has no form for becomes text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # arrays and scalars of numpy
        return _plain(value.tolist())
    return str(value)


# --- keys ------------------------------------------------------------------------------------------------------------


def _api_keys() -> Iterator[str]:
    """Yield the keys that the client would use, in its own order; never show them."""
    settings = _wandb_settings()
    base_url = os.environ.get("WANDB_BASE_URL") or settings.get("base_url", "")
    found = [os.environ.get(name) for name in sorted(_SECRETS)]
    found += [_netrc_password(host) for host in _hosts(base_url)]
    found += [settings.get("api_key")]
    yield from filter(None, found)


def _hosts(base_url: str) -> list[str]:
    host = urlsplit(base_url).netloc
    return sorted(_DEFAULT_HOSTS) if not host or host in _DEFAULT_HOSTS else [host]


def _netrc_password(host: str) -> str | None:
    named = os.environ.get("NETRC")
    candidates = [Path(named)] if named else [Path("~/.netrc"), Path("~/_netrc")]
    for path in candidates:
        with contextlib.suppress(OSError, RuntimeError, UnicodeDecodeError, netrc.NetrcParseError):
            entry = netrc.netrc(path.expanduser()).authenticators(host)
            return entry[2] if entry else None
    return None


def _wandb_settings() -> dict[str, str]:
    """Return what W&B's settings files say; the one of the working directory has the last word."""
    parser = configparser.ConfigParser(interpolation=None)
    folder = os.environ.get("WANDB_CONFIG_DIR", "~/.config/wandb")
    for path in (Path(folder, "settings"), Path("wandb", "settings")):
        with contextlib.suppress(OSError, RuntimeError, configparser.Error, UnicodeDecodeError):
            parser.read(path.expanduser())
    return dict(parser["default"]) if parser.has_section("default") else {}


# --- the client's side of the pipes: runs in a process of its own ----------------------------------------------------


_ABANDONED = json.dumps({"order": "finish", "what": {"failed": True}})  # the order of a run that is gone


class _Reply(Protocol):
    def __call__(self, **what: object) -> None: ...


class _Mirror:
    """The client: does what the run orders, with the real wandb."""

    def __init__(self, reply: _Reply) -> None:
        self._reply = reply
        self._run: Any = None
        self._against_step: set[str] = set()

    def start(self, mode: Mode, finish_timeout: int, **init: Any) -> None:
        import wandb

        known = wandb.Settings.model_fields  # more of them in later versions
        settings = {name: value for name, value in _quiet_settings(finish_timeout).items() if name in known}

        def begin(mode: Mode) -> Any:
            return wandb.init(mode=mode, settings=wandb.Settings(**settings), **init)

        try:
            self._run = begin(mode)
        except Exception as error:
            if mode == "offline":
                raise
            self._reply(note=f"this run is mirrored offline: {_describe(error)}")
            if "id" in init:
                wandb.teardown()  # else the id is in use by what has just failed
            self._run = begin("offline")
        folder = str(self._run.settings.sync_dir)
        self._reply(place=self._run.url or folder, folder=folder)

    def log(self, values: dict[str, Any], step: int | None) -> None:
        """Log a row; its step is a column, as wandb drops rows whose own step is behind that of the row before."""
        if step is not None:
            for name in values.keys() - self._against_step:
                self._run.define_metric(name, step_metric="step", step_sync=False)
            self._against_step |= values.keys()
            values = {**values, "step": step}
        self._run.log(values)

    def summary(self, values: dict[str, Any]) -> None:
        self._run.summary.update(values)

    def table(self, key: str, columns: list[Any], rows: list[Any]) -> None:
        import wandb

        self._run.log({key: wandb.Table(columns=columns, data=rows, allow_mixed_types=True)})

    def finish(self, failed: bool) -> None:
        try:
            self._run.finish(exit_code=int(failed))
        except TimeoutError:
            self._reply(trouble="the server took too long; `wandb sync` can send the rest")


def _quiet_settings(finish_timeout: int) -> dict[str, Any]:
    """Return settings that keep W&B to what it is told: no console, no code, no machine, no prompt, no delay."""
    return {
        "silent": True,
        "console": "off",
        "disable_git": True,
        "disable_code": True,
        "save_code": False,
        "label_disable": True,
        "x_disable_stats": True,
        "x_disable_meta": True,
        "x_disable_machine_info": True,
        "x_save_requirements": False,
        "reinit": "create_new",
        "init_timeout": _INIT_TIMEOUT,
        "finish_timeout": finish_timeout,
        "finish_timeout_raises": True,
    }


def _describe(error: Exception) -> str:
    """Return an error in one line, without wandb's advice on settings that are not the user's, and without a key."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).partition(" Consider ")[0]
    for key in _api_keys():
        text = text.replace(key, "***")
    return text[:300]


def _serve() -> None:
    """Obey the orders on standard input until it ends."""
    orders, replies = _take_streams()
    queue: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_gather, args=(orders, queue), daemon=True).start()
    threading.Thread(target=_outlive, args=(os.getppid(),), daemon=True).start()

    def reply(**what: object) -> None:
        with contextlib.suppress(OSError):  # the run is gone; its mirror is still to be completed
            replies.write(json.dumps(what) + "\n")
            replies.flush()

    mirror = _Mirror(reply)
    going = True
    while going:
        order, what = json.loads(queue.get()).values()
        going = order != "finish"
        try:
            getattr(mirror, order)(**what)
        except Exception as error:
            reply(trouble=_describe(error))
            going = going and order != "start"
    reply(done=True)


def _take_streams() -> tuple[IO[str], IO[str]]:
    """Return standard input and output, and leave nothing of them to wandb and the processes that it starts."""
    orders, replies = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return orders, replies


def _gather(orders: IO[str], queue: SimpleQueue[str]) -> None:
    """Take in the orders while wandb is still being loaded: what the pipe holds back is lost if the run is killed."""
    for line in orders:
        if line.endswith("\n"):  # else the run was killed within it
            queue.put(line)
    queue.put(_ABANDONED)


def _outlive(run: int) -> None:
    """End this process a bounded time after the run's, whatever wandb is waiting for."""
    while os.getppid() == run:
        time.sleep(1)
    time.sleep(max(_PATIENCE.values()))
    os._exit(1)


if __name__ == "__main__":
    _serve()
