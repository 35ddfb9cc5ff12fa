"""The mirror into Weights & Biases, with the real client: what it holds, and that its failures cost nothing else."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from kagflow.tracking import NoTracker, Tracker, WandbTracker, make_tracker
from tests.wandb_stub import SavedRun, WandbStub

KEY = "planted0secret0" * 3  # of the length that W&B asks for
LONG = 60.0  # seconds; nothing here comes near


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with nothing of the user's own W&B in reach."""
    for name in [name for name in os.environ if name.startswith("WANDB_") or name == "NETRC"]:
        monkeypatch.delenv(name)
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "mirror"


@pytest.fixture
def online(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that points W&B at a server and gives it a key."""

    def point(url: str, key: str = KEY) -> None:
        monkeypatch.setenv("WANDB_BASE_URL", url)
        monkeypatch.setenv("WANDB_API_KEY", key)

    return point


@pytest.fixture
def pretend(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that puts other source code in wandb's place."""

    def write(source: str) -> None:
        package = place.parent / "pretended" / "wandb"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(_PRETENDED + source, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(package.parent))

    return write


_PRETENDED = """
import os, sys, time, types
class Settings:
    model_fields = {}
class Run:
    settings = types.SimpleNamespace(sync_dir="somewhere")
    url = None
    summary = {}
    def define_metric(self, *_, **__): pass
    def log(self, values): pass
    def finish(self, exit_code): pass
def init(**_): return Run()
"""


def start(tracker: Tracker) -> None:
    tracker.start("first", group="house_prices", job_type="cv", config={"model": "linear"})


def follow(tracker: Tracker, rows: int = 3) -> None:
    """Let the tracker follow a whole run."""
    start(tracker)
    for step in range(rows):
        tracker.log({"rmse": step / 10}, step)
    tracker.summary({"cv": 0.25})
    tracker.finish()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def wait_until_saved(folder: Path) -> SavedRun:
    wait_until(lambda: SavedRun(folder).exit_code is not None)
    return SavedRun(folder)


def folders(directory: Path) -> list[Path]:
    return sorted(directory.glob("wandb/*run-*-*"))


def holding(secret: str, directory: Path) -> list[Path]:
    """The files below a directory that hold a secret."""
    files = (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if secret.encode() in path.read_bytes()]


# --- offline ---------------------------------------------------------------------------------------------------------


def test_an_offline_run_holds_what_it_was_given(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    environment, hooks = dict(os.environ), (sys.exit, sys.excepthook)
    tracker = WandbTracker("offline", place, "competitions", said.append)
    config = {"model": {"kind": "linear", "alpha": np.float64(0.5)}, "seeds": (1, 2), "since": date(2020, 1, 2)}
    tracker.start("first", group="house_prices", job_type="cv", config=config, tags=["quick"])

    def log_fold(fold: int) -> None:
        for step in range(50):
            tracker.log({f"fold{fold}/rmse": float(step)}, step)

    threads = [threading.Thread(target=log_fold, args=(fold,)) for fold in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tracker.log({"fold": 7.0})
    tracker.summary({"cv": np.float64(0.25), "se": float("nan"), "folds": np.array([0.5, 0.25], np.float32)})
    tracker.table("scores", ["fold", "score"], [[0, 0.2], [1, None], ["all", 0.25]])
    tracker.finish()

    assert said == []
    assert capfd.readouterr() == ("", "")
    (folder,) = folders(place)
    assert tracker.url_or_path == str(folder)
    saved = SavedRun(folder)
    assert saved.exit_code == 0
    assert (saved.run.display_name, saved.run.project) == ("first", "competitions")
    assert (saved.run.run_group, saved.run.job_type, list(saved.run.tags)) == ("house_prices", "cv", ["quick"])
    assert saved.config["model"] == {"kind": "linear", "alpha": 0.5}
    assert (saved.config["seeds"], saved.config["since"]) == ([1, 2], "2020-01-02")
    for fold in range(4):  # side by side, and yet every row is there, at its own step
        rows = [row for row in saved.history if f"fold{fold}/rmse" in row]
        assert [(row["step"], row[f"fold{fold}/rmse"]) for row in rows] == [(step, step) for step in range(50)]
    assert saved.axes == {f"fold{fold}/rmse": "step" for fold in range(4)}
    assert (saved.summary["cv"], saved.summary["scores.nrows"]) == (0.25, 3)
    assert saved.summary["folds"] == [0.5, 0.25]
    (table,) = folder.rglob("*.table.json")
    assert json.loads(table.read_text()) == {"columns": ["fold", "score"], "data": [[0, 0.2], [1, None], ["all", 0.25]]}

    # nothing else has changed
    assert (dict(os.environ), (sys.exit, sys.excepthook)) == (environment, hooks)
    assert not any((place.parent / "home").iterdir())
    assert not any((place.parent / "work").iterdir())


def test_an_offline_run_asks_nothing_of_the_network(place: Path, online: Callable[[str], None]) -> None:
    with WandbStub() as stub:
        online(stub.url)
        follow(WandbTracker("offline", place, "competitions", pytest.fail))
    assert stub.paths == []


def test_a_tracker_can_follow_one_run_after_another(place: Path) -> None:
    said: list[str] = []
    tracker = WandbTracker("offline", place, "competitions", said.append)
    assert tracker.url_or_path is None
    tracker.log({"before": 1.0})
    tracker.finish()
    follow(tracker, rows=2)
    first = tracker.url_or_path
    tracker.log({"between": 1.0})
    start(tracker)
    tracker.finish(failed=True)
    assert said == []
    saved = [SavedRun(Path(str(path))) for path in (first, tracker.url_or_path)]
    assert [(len(run.history), run.exit_code) for run in saved] == [(2, 0), (0, 1)]


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupted_run_is_saved_and_marked_as_failed(place: Path) -> None:
    script = """
import os, sys, time
from pathlib import Path
from kagflow.tracking import WandbTracker
tracker = WandbTracker("offline", Path(sys.argv[2]), "competitions", print)
tracker.start("first", group="house_prices", job_type="cv", config={})
for step in range(40):
    tracker.log({"rmse": 0.5}, step)
while tracker.url_or_path is None:
    time.sleep(0.01)
os.kill(os.getpid(), int(sys.argv[1]))
while True:
    time.sleep(0.01)
"""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    runs = {
        number: subprocess.Popen(
            [sys.executable, "-c", script, str(int(number)), str(place / number.name)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in signals
    }
    for number, run in runs.items():
        out, _ = run.communicate(timeout=LONG)
        assert (run.returncode, out) == (-number, b"")
    for number in signals:
        (folder,) = folders(place / number.name)
        saved = wait_until_saved(folder)
        assert (len(saved.history), saved.exit_code) == (40, 1)


def test_the_mirror_has_a_run_of_its_own(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "theirs")
    monkeypatch.setenv("WANDB_SERVICE", "3-1-unix-/nowhere")
    follow(WandbTracker("offline", place, "competitions", pytest.fail))
    (folder,) = folders(place)
    assert SavedRun(folder).run.run_id != "theirs"


# --- online ----------------------------------------------------------------------------------------------------------


def test_an_online_run_arrives(place: Path, online: Callable[[str], None], capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    with WandbStub() as stub:
        online(stub.url)
        tracker = make_tracker("online", place, "competitions", said.append)
        follow(tracker)
        assert str(tracker.url_or_path).startswith(stub.url)
    assert said == []
    assert stub.keys == {KEY}
    bucket = stub.buckets[0]
    assert (bucket["displayName"], bucket["groupName"], bucket["jobType"]) == ("first", "house_prices", "cv")
    assert json.loads(bucket["config"])["model"]["value"] == "linear"
    assert [(row["step"], row["rmse"]) for row in stub.history] == [(0, 0.0), (1, 0.1), (2, 0.2)]
    assert stub.summary["cv"] == 0.25
    assert stub.complete
    assert capfd.readouterr() == ("", "")
    assert holding(KEY, place.parent) == []


def test_a_server_that_dies_costs_only_the_mirror(
    place: Path, online: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    with WandbStub() as stub:
        online(stub.url)
        tracker = WandbTracker("online", place, "competitions", said.append, patience=10)
        start(tracker)
        wait_until(lambda: tracker.url_or_path)
        stub.stop()
        tracker.log({"rmse": 0.5}, 0)
        tracker.finish()
    (folder,) = folders(place)
    (line,) = said
    assert "incomplete" in line
    assert str(folder) in line
    assert KEY not in line
    assert [row["rmse"] for row in SavedRun(folder).history] == [0.5]
    assert capfd.readouterr() == ("", "")
    assert holding(KEY, place.parent) == []


@pytest.mark.parametrize(("key", "status"), [("planted0secret", 200), (KEY, 401)], ids=["malformed", "refused"])
def test_a_bad_key_means_offline(
    key: str,
    status: int,
    place: Path,
    online: Callable[..., None],
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    said: list[str] = []
    with WandbStub(status) as stub:
        online(stub.url, key)
        follow(make_tracker("online", place, "competitions", said.append))
    (line,) = said
    assert "offline" in line
    assert "\n" not in line
    (folder,) = place.glob("wandb/offline-run-*")
    assert len(SavedRun(folder).history) == 3
    assert capfd.readouterr() == ("", "")
    assert not [warning for warning in recwarn if key in str(warning.message)]
    assert key not in line
    assert holding(key, place.parent) == []


# --- what is chosen --------------------------------------------------------------------------------------------------


def chosen(choice: str, directory: Path) -> tuple[str, list[str]]:
    """What is chosen, and what is said about it."""
    said: list[str] = []
    tracker = make_tracker(choice, directory, "competitions", said.append)  # type: ignore[arg-type]
    return tracker.mode if isinstance(tracker, WandbTracker) else "off", said


def test_what_was_asked_for_is_chosen(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert [chosen(choice, place) for choice in ("off", "offline", "online")] == [
        ("off", []),
        ("offline", []),
        ("online", []),
    ]


def test_without_a_key_it_is_offline(place: Path) -> None:
    mode, (line,) = chosen("online", place)
    assert mode == "offline"
    assert "no API key" in line


@pytest.mark.parametrize(
    ("path", "content", "mode"),
    [
        ("home/.netrc", "machine api.wandb.ai login user password {key}", "online"),
        ("home/.netrc", "machine elsewhere.org login user password {key}", "offline"),
        ("home/.netrc", "this is no netrc file", "offline"),
        ("home/.config/wandb/settings", "[default]\napi_key = {key}", "online"),
        ("home/.config/wandb/settings", "this is no settings file", "offline"),
        ("work/wandb/settings", "[default]\napi_key = {key}", "online"),
    ],
)
def test_a_key_is_looked_for_where_wandb_keeps_it(path: str, content: str, mode: str, place: Path) -> None:
    file = place.parent / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content.format(key=KEY), encoding="utf-8")
    assert chosen("online", place)[0] == mode


def test_a_key_is_that_of_the_server_in_use(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place.parent / "netrc"
    file.write_text(f"machine wandb.example.org:8080 login user password {KEY}", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(file))
    assert chosen("online", place)[0] == "offline"
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org:8080")
    assert chosen("online", place)[0] == "online"


@pytest.mark.parametrize(("value", "modes"), [("offline", ["offline"] * 2), ("disabled", ["off"] * 2)])
def test_the_environment_may_hold_it_back(
    value: str, modes: list[str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_MODE", value)
    assert [chosen(choice, place)[0] for choice in ("offline", "online")] == modes


def test_without_wandb_there_is_no_mirror(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    mode, (line,) = chosen("offline", place)
    assert mode == "off"
    assert "not installed" in line


def test_a_folder_of_runs_is_not_taken_for_the_package(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "wandb").mkdir(parents=True)
    found = importlib.util.find_spec
    monkeypatch.setattr(sys, "path", [str(place)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    assert found("wandb") is not None
    assert chosen("offline", place)[0] == "off"


def test_no_tracker_does_nothing(place: Path) -> None:
    tracker = NoTracker()
    follow(tracker)
    tracker.table("folds", ["fold"], [[0]])
    assert tracker.url_or_path is None
    assert not place.exists()


# --- a client that misbehaves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise ImportError('half of it is missing')", "half of it is missing"),
        ("def init(**_): raise OSError('no space left')", "no space left"),
        ("def broken(self, values): raise ValueError('not like this')\nRun.log = broken", "not like this"),
        ("def broken(self, exit_code): raise RuntimeError('never ends')\nRun.finish = broken", "never ends"),
        ("def init(**_): os._exit(7)", "ended early"),
    ],
)
def test_a_failure_is_said_once(
    source: str, expected: str, place: Path, pretend: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    pretend(source)
    said: list[str] = []
    follow(WandbTracker("offline", place, "competitions", said.append))
    (line,) = said
    assert expected in line
    assert "\n" not in line
    assert capfd.readouterr() == ("", "")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "source", ["time.sleep(1000)", "Run.finish = lambda self, exit_code: time.sleep(1000)"], ids=["start", "finish"]
)
def test_a_client_that_hangs_is_ended(source: str, place: Path, pretend: Callable[[str], None]) -> None:
    note = place.parent / "pid"
    pretend(f"__import__('pathlib').Path({str(note)!r}).write_text(str(os.getpid()))\n{source}")
    said: list[str] = []
    tracker = WandbTracker("offline", place, "competitions", said.append, patience=1)
    start(tracker)
    for step in range(5000):  # more than a pipe holds
        tracker.log({"rmse": 0.5}, step)
    wait_until(lambda: note.exists() and note.read_text())
    tracker.finish()
    (line,) = said
    assert "not complete after 1 s" in line
    wait_until(lambda: not is_running(int(note.read_text())))


def test_what_wandb_prints_or_asks_for_goes_nowhere(
    place: Path, pretend: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    pretend("print('out'); os.system('echo out'); print('err', file=sys.stderr); assert sys.stdin.read() == ''")
    said: list[str] = []
    tracker = WandbTracker("offline", place, "competitions", said.append)
    follow(tracker)
    assert said == []
    assert tracker.url_or_path == "somewhere"
    assert capfd.readouterr() == ("", "")


def test_a_key_in_an_error_is_not_shown(
    place: Path, pretend: Callable[[str], None], online: Callable[[str], None]
) -> None:
    online("http://127.0.0.1:1")
    pretend(
        "def init(mode, **_):\n  if mode == 'online': raise ValueError(os.environ['WANDB_API_KEY'])\n  return Run()"
    )
    said: list[str] = []
    follow(WandbTracker("online", place, "competitions", said.append))
    assert said == ["W&B: this run is mirrored offline: ValueError: ***"]


def test_offline_the_client_is_given_no_key(
    place: Path, pretend: Callable[[str], None], online: Callable[[str], None]
) -> None:
    online("http://127.0.0.1:1")
    pretend("assert 'WANDB_API_KEY' not in os.environ")
    said: list[str] = []
    follow(WandbTracker("offline", place, "competitions", said.append))
    assert said == []


def test_a_process_that_cannot_be_started_is_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(place / "nowhere"))
    said: list[str] = []
    tracker = WandbTracker("offline", place, "competitions", said.append)
    follow(tracker)
    (line,) = said
    assert "not mirrored" in line


def test_what_cannot_be_written_costs_one_line(place: Path, pretend: Callable[[str], None]) -> None:
    pretend("")
    said: list[str] = []
    tracker = WandbTracker("offline", place, "competitions", said.append)
    start(tracker)
    endless: dict[str, object] = {}
    endless["itself"] = endless
    tracker.summary(endless)
    tracker.finish()
    (line,) = said
    assert "summary: RecursionError" in line
