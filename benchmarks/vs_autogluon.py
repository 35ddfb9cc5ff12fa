"""How good `kagflow run` is beside AutoGluon in the same time, and beside LightGBM as it comes.

A quarter of a competition's training rows is held out, by the competition's own kind of split, and given to the
contestants as Kaggle would: a test file without the target, and a sample submission. kagflow has the competition's
folder, or with ``--generated`` only what `kagflow new` makes of the files. AutoGluon has the raw columns and the
metric. Both have the same wall time and as many cores. The held-out rows are scored with the competition's metric;
differences are paired, with their standard error. AutoGluon gets an environment of its own, made when there is none.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from _held_out import HeldOut, columns_to_learn_from, hold_out, in_class_order, is_of_logs, metric_of_autogluon
from _measure import machine, print_row, verdict
from numpy.typing import NDArray

PROJECT = Path(__file__).parents[1]
COMPETITIONS = (
    "bike_sharing_demand",
    "titanic",
    "spaceship_titanic",
    "house_prices",
    "amazon_employee_access",
    "playground_s4e2",
    "tps_aug_2022",
)
AUTOGLUON = "autogluon.tabular[lightgbm,xgboost,catboost,fastai,ray]"
PRESETS = "best_quality"
KAGFLOW, GENERATED = "kagflow", "kagflow, files alone"
RIVAL, FLOOR = "AutoGluon", "plain LightGBM"
_RUN = "from kagflow.cli import main; main()"


@dataclass(frozen=True)
class Terms:
    """What every contestant has: seconds, and on which cores; and where it keeps its files."""

    seconds: float
    cores: tuple[int, ...]
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What came of a contestant: predictions of the held-out rows, wall seconds, and what is worth knowing."""

    prediction: NDArray[Any] | None
    seconds: float
    facts: dict[str, Any]


def call(
    command: Sequence[object], terms: Terms, log: str, watched: Path | None = None, **environment: str
) -> dict[str, float | None]:
    """Run a command on its cores, keep its log, and return its CPU seconds, and when a file was there."""
    began, seen = time.monotonic(), None
    with (terms.folder / log).open("a", encoding="utf-8") as to:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=terms.folder,
            env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
            stdout=to,
            stderr=to,
        )
        os.sched_setaffinity(process.pid, terms.cores)
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            if seen is None and watched is not None and watched.exists():
                seen = round(time.monotonic() - began, 1)
            time.sleep(0.2)
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with code {process.returncode}; see {terms.folder / log}")
    return {"cpu": round(ended[2].ru_utime + ended[2].ru_stime, 1), "first file": seen}


# --- contestants ------------------------------------------------------------------------------------------------------


def by_kagflow(held_out: HeldOut, terms: Terms, *, generated: bool) -> Outcome:
    """Let kagflow make a submission, of the competition's folder or of the files alone."""
    name, began = held_out.competition.name, time.monotonic()
    (terms.folder / "competitions").mkdir()
    (terms.folder / "configs").mkdir()
    program = (sys.executable, "-c", _RUN)
    if generated:
        call([*program, "new", name, "--from", held_out.folder, "--json"], terms, "new.log")
    else:
        for part in ("competitions", "configs"):
            if (held_out.competition.root / part / name).is_dir():
                shutil.copytree(held_out.competition.root / part / name, terms.folder / part / name)
        _ask_for_fewer_folds(terms.folder / "competitions" / name / "competition.yaml", held_out)
    submission = terms.folder / "runs" / name / "submission.csv"
    budget = f"{round(terms.seconds - (time.monotonic() - began))}s"
    run = [*program, "run", name, "--budget", budget, "--source", held_out.folder, "--track", "off"]
    used = call(run, terms, "run.log", submission)
    facts = {**used, "says": _last_words(terms.folder / "run.log")}
    return Outcome(held_out.submitted(submission), time.monotonic() - began, facts)


def _ask_for_fewer_folds(path: Path, held_out: HeldOut) -> None:
    """Let a competition's facts ask for no more folds than groups are left, where some are held out."""
    facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    splitter = facts.get("splitter") or {}
    if held_out.groups is not None and splitter.get("folds", 0) > held_out.groups:
        facts["splitter"] = {**splitter, "folds": held_out.groups}
        path.write_text(yaml.safe_dump(facts, sort_keys=False), encoding="utf-8")


def _last_words(log: Path) -> str:
    """Return the line in which `kagflow run` gives its own score."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if "is better)" in line]
    return lines[-1] if lines else ""


def by_autogluon(held_out: HeldOut, terms: Terms, *, python: Path) -> Outcome:
    """Let AutoGluon predict the held-out rows."""
    facts, metric = held_out.competition.facts, held_out.metric
    files = {name: terms.folder / name for name in ("request.json", "out.csv", "facts.json")}
    asked = {
        "train": held_out.folder / facts.train_file,
        "test": held_out.folder / facts.test_file,
        "columns": columns_to_learn_from(held_out),
        "target": facts.target,
        "problem": facts.task,
        "metric": metric_of_autogluon(metric),
        "wants": "probability" if metric.wants == "probability" and facts.task != "regression" else "label",
        "log": is_of_logs(metric),
        "presets": PRESETS,
        "seconds": terms.seconds,
        "cores": len(terms.cores),
        "models": terms.folder / "models",
        "out": files["out.csv"],
        "facts": files["facts.json"],
    }
    files["request.json"].write_text(json.dumps(asked, default=str), encoding="utf-8")
    began = time.monotonic()
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(len(terms.cores)))
    script = Path(__file__).with_name("_autogluon.py")
    used = call([python, script, files["request.json"]], terms, "autogluon.log", PYTHONPATH="", **threads)
    seconds = time.monotonic() - began
    told = json.loads(files["facts.json"].read_text(encoding="utf-8"))
    return Outcome(in_class_order(files["out.csv"], held_out), seconds, {**used, **told})


def by_lightgbm(held_out: HeldOut, terms: Terms) -> Outcome:
    """Let LightGBM predict the held-out rows with its defaults."""
    from _plain_lightgbm import plain_lightgbm

    began = time.monotonic()
    prediction = plain_lightgbm(held_out, len(terms.cores))
    return Outcome(prediction, time.monotonic() - began, {})


def environment(cache: Path) -> Path:
    """Return the interpreter that has AutoGluon, installing it once with whatever index the user's pip has."""
    home = cache / "autogluon"
    python, ready = home / "bin" / "python", home / ".ready"
    if not ready.exists():
        print(f"installing {AUTOGLUON} into {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, AUTOGLUON], check=True, stdout=sys.stderr)
        ready.touch()
    return python


# --- the race ---------------------------------------------------------------------------------------------------------


def race(name: str, asked: argparse.Namespace, python: Path, folder: Path) -> dict[str, Any]:
    """Hold rows out of a competition, let all contestants predict them, and return what the table says."""
    held_out = hold_out(name, asked.project, folder / "given", asked.seed)
    sides: dict[str, Callable[[HeldOut, Terms], Outcome]] = {}
    if not asked.only_generated:
        sides[KAGFLOW] = lambda held, terms: by_kagflow(held, terms, generated=False)
    if asked.generated or asked.only_generated:
        sides[GENERATED] = lambda held, terms: by_kagflow(held, terms, generated=True)
    if not asked.without_autogluon:
        sides[RIVAL] = lambda held, terms: by_autogluon(held, terms, python=python)
    sides[FLOOR] = by_lightgbm
    load = os.getloadavg()[0]
    outcomes = compete(held_out, sides, asked, folder)
    found = {each: outcome.prediction for each, outcome in outcomes.items() if outcome.prediction is not None}
    return {
        "competition": name,
        "metric": held_out.metric.name,
        "direction": held_out.metric.direction,
        "rows": held_out.rows,
        "minutes": asked.minutes,
        "cores": asked.cores,
        "side by side": asked.side_by_side,
        "seed": asked.seed,
        "load": [load, os.getloadavg()[0]],
        "contestants": {
            each: {**_scores(held_out, each, found), "seconds": round(outcome.seconds, 1), **outcome.facts}
            for each, outcome in outcomes.items()
        },
    }


def compete(
    held_out: HeldOut,
    sides: dict[str, Callable[[HeldOut, Terms], Outcome]],
    asked: argparse.Namespace,
    folder: Path,
) -> dict[str, Outcome]:
    """Let the contestants run: in turn, or two at once, each on cores of its own."""
    cores = sorted(os.sched_getaffinity(0))
    lanes = 2 if asked.side_by_side else 1
    if lanes * asked.cores > len(cores):
        raise SystemExit(f"{lanes} x {asked.cores} cores are wanted, and there are {len(cores)}")
    free = [tuple(cores[lane * asked.cores : (lane + 1) * asked.cores]) for lane in range(lanes)]

    def run(name: str) -> Outcome:
        lane = free.pop()
        home = folder / name.replace(", ", "_").replace(" ", "_")
        home.mkdir()
        try:
            return sides[name](held_out, Terms(60 * asked.minutes, lane, home))
        except Exception as error:  # the others' result is still worth having
            print(f"{held_out.competition.name}: {name}: {error}", file=sys.stderr)
            return Outcome(None, float("nan"), {"error": str(error)})
        finally:
            free.append(lane)

    with ThreadPoolExecutor(lanes) as pool:
        return dict(zip(sides, pool.map(run, sides), strict=True))


def _scores(held_out: HeldOut, name: str, found: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return a contestant's score, and how far the others are from it."""
    if name not in found:
        return {"score": None}
    score, se = held_out.score(found[name])
    others = {each: held_out.against(found[name], found[each]) for each in found if each != name}
    return {"score": score, "se": se, "minus": {each: [gap.value, gap.se] for each, gap in others.items()}}


def print_result(result: dict[str, Any]) -> None:
    rows = " + ".join(map(str, result["rows"]))
    print_row(f"{result['competition']}, {rows} rows", result["metric"], "s.e.", "- AutoGluon", "s.e.", "seconds")
    for name, each in result["contestants"].items():
        if each["score"] is None:
            print_row(f"  {name}", "failed")
            continue
        gap, se = each["minus"].get(RIVAL, [float("nan")] * 2)
        worse = gap > 0 if result["direction"] == "minimize" else gap < 0
        missed = verdict(not (worse and name.startswith(KAGFLOW)))
        shown = [f"{each['score']:.5f}", f"{each['se']:.5f}", f"{gap:+.5f}", f"{se:.5f}", f"{each['seconds']:.0f}"]
        print_row(f"  {name}", *shown, missed)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comps", nargs="+", default=list(COMPETITIONS), help="names of competitions")
    parser.add_argument("--project", type=Path, default=PROJECT, help="the folder that holds competitions/")
    parser.add_argument("--minutes", type=float, default=5.0, help="wall time of each contestant")
    parser.add_argument("--cores", type=int, default=1, help="of each contestant")
    parser.add_argument("--side-by-side", action="store_true", help="two contestants at once, each on its own cores")
    parser.add_argument("--generated", action="store_true", help="kagflow also with what it makes of the files alone")
    parser.add_argument("--only-generated", action="store_true", help="kagflow only so")
    parser.add_argument("--without-autogluon", action="store_true", help="kagflow and the floor only")
    parser.add_argument("--seed", type=int, default=2026, help="of the draw of the rows that are held out")
    parser.add_argument("--json", type=Path, help="a file that gets a line of JSON after each competition")
    parser.add_argument("--keep", type=Path, help="a folder for all files and logs; else a temporary one")
    parser.add_argument("--quick", action="store_true", help="half a minute, one competition: to see that it runs")
    usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kagflow-benchmarks"
    parser.add_argument("--cache", type=Path, default=usual, help="where AutoGluon's environment is kept")
    asked = parser.parse_args()
    if asked.quick:
        asked.minutes, asked.comps = 0.5, asked.comps[:1]
    return asked


def main() -> None:
    asked = arguments()
    python = Path() if asked.without_autogluon else environment(asked.cache.resolve())
    print(machine())
    for name in asked.comps:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) if asked.keep is None else asked.keep.resolve() / name
            try:
                result = race(name, asked, python, folder)
            except Exception as error:
                if "there are no data" not in str(error):
                    raise
                print_row(name, "no data")
                continue
        if asked.json is not None:
            with asked.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
        print_result(result)


if __name__ == "__main__":
    main()
