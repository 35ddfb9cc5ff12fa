"""A run that was stopped is continued: finished folds stay as they are, and the result is the same."""

import shutil
import signal
import time

import pytest
from filelock import FileLock

RESULTS = ("oof.parquet", "test.parquet", "scores.json", "submission.csv")
OPTIONS = ("--set", "rounds=3", "--set", "threads=1")
# Slow from the third fold on, as long as the file `slow` is there.
SLOW = """
import time
from dataclasses import dataclass
from pathlib import Path
from kagflow.features.steps import FoldStep

BEGUN = []

@dataclass(frozen=True)
class Nothing:
    def transform(self, x):
        return x.select(pl.col("x1").alias("x1__same"))

    def tables(self):
        return {}

@dataclass(frozen=True)
class Slow(FoldStep):
    def fit(self, x):
        BEGUN.append(1)
        while len(BEGUN) > 2 and Path("slow").exists():
            time.sleep(0.01)
        return Nothing()

FEATURES = FeatureSet(fold=[Slow()])
"""


def partials(project):
    return list(project.runs.glob("*.partial"))


def finished(project):
    return sorted(path for path in project.runs.glob("*.partial/folds/*") if path.suffix != ".partial")


def stop_after_two_folds(project, how):
    """Start a run, stop it when two folds are done, and return its exit code."""
    project.write("slow", "")
    child = project.start("cv", "toy", *OPTIONS)
    while len(finished(project)) < 2:
        assert child.poll() is None, child.communicate()
        time.sleep(0.02)
    child.send_signal(how)
    code = child.wait(timeout=30)  # promptly: the third fold would never end
    child.communicate()
    (project.root / "slow").unlink()
    return code


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_stopped_run_is_continued(project, how, code):
    project.features(SLOW)
    whole = project.cv("rounds=3", "threads=1")
    expected = {name: (whole.path / name).read_bytes() for name in RESULTS}
    shutil.rmtree(whole.path)
    assert stop_after_two_folds(project, how) == code
    assert project.complete() == []
    done = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in finished(project)}
    torn = next(iter(done)).with_name("2-seed0.partial")
    torn.mkdir(exist_ok=True)
    (torn / "oof.parquet").write_bytes(b"torn")
    said = project.cli("cv", "toy", *OPTIONS)
    assert said.code == 0, said.err
    assert "continuing: 2 of 3 fits were done before" in said.err
    (run,) = project.complete()
    assert {name: (run / name).read_bytes() for name in RESULTS} == expected
    for path, was in done.items():
        now = (run / "folds" / path.name).stat()
        assert (now.st_ino, now.st_mtime_ns) == was
    assert partials(project) == []
    assert not torn.exists()


def test_an_error_in_the_third_fold_keeps_the_first_two(project):
    broken = SLOW.replace("BEGUN.append(1)", "BEGUN.append(1); assert len(BEGUN) < 3")
    project.features(broken)
    assert project.cli("cv", "toy", *OPTIONS).code == 1
    assert len(finished(project)) == 2


def test_another_process_writing_the_same_run_is_an_error(project):
    run = project.cv("rounds=3", "threads=1")
    lock = project.runs / f".{run.name.partition('-')[2]}.lock"
    with FileLock(lock):
        said = project.cli("cv", "toy", *OPTIONS)
    assert said.code == 1
    assert "another process is writing this very run" in said.err
    assert project.complete() == [run.path]


def test_an_interrupt_does_not_wait_for_fits_in_threads(project):
    project.features(SLOW.replace("len(BEGUN) > 2 and ", ""))
    project.write("slow", "")
    child = project.start("cv", "toy", "--set", "rounds=3", "--set", "threads=2")
    while not partials(project):
        assert child.poll() is None, child.communicate()
        time.sleep(0.02)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "continues where it stopped" in err
