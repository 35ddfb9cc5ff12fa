"""What a user sees of a study: text, Optuna's plots, and the mirror at Weights & Biases."""

import re

from kagflow.competition import load
from kagflow.tracking import NoTracker
from kagflow.tuning import Limits, tune


class Recorder(NoTracker):
    def __init__(self):
        self.heard = []

    def start(self, name, *, group, job_type, config, tags=()):
        self.heard.append(("start", job_type, name))

    def log(self, values, step=None):
        self.heard.append(("log", values, step))

    def table(self, key, columns, rows):
        self.heard.append(("table", key, columns, rows))

    def summary(self, values):
        self.heard.append(("summary", values))

    def finish(self, failed=False):
        self.heard.append(("finish", failed))


def stable(text):
    text = re.sub(r"\d{8}T\d{6}(?:\.\d+)?-(\w+)-[0-9a-f]{10}", r"<utc>-\1-<hash>", text)
    return re.sub(r"(?m)(seconds  )[\d.]+", r"\1<s>", re.sub(r"edition, .*", "edition, <folder>", text))


def test_text(project, snapshot):
    first = project.cli("tune", "toy", "--config", "quick", "--trials", "4", "--no-prune")
    again = project.cli("tune", "toy", "--config", "quick", "--trials", "4", "--no-prune")
    assert first.err == ""
    assert {"first": stable(first.out), "again": stable(again.out), "err": again.err} == snapshot
    config = (project.root / "configs/toy/quick_tuned.yaml").read_text()
    assert re.sub(r"\d{4}-\d\d-\d\d", "<date>", config) == snapshot


def test_plots_are_pages_that_need_no_network(project):
    project.cli("tune", "toy", "--config", "quick", "--trials", "5")
    report = project.runs / "report" / "quick"
    assert {path.name for path in report.iterdir()} == {
        "history.html",
        "importances.html",
        "slices.html",
        "plotly.min.js",
    }
    assert all("https://cdn" not in path.read_text() for path in report.glob("*.html"))


def test_the_study_is_one_run_of_the_tracker_and_the_cross_validation_another(project):
    tracker, competition = Recorder(), load("toy", project.root)
    experiment = competition.experiment("quick")
    tuned = tune(competition, experiment, config="quick", limits=Limits(trials=4), prune=False, tracker=tracker)
    starts = [heard[1:] for heard in tracker.heard if heard[0] == "start"]
    assert starts[0] == ("tune", "study-quick")
    assert starts[1][0] == "cv"
    rows = [heard for heard in tracker.heard if heard[0] == "log" and "best" in heard[1]]
    assert [step for _, _, step in rows] == [0, 1, 2, 3]
    scores = [values["score"] for _, values, _ in rows]
    assert [values["best"] for _, values, _ in rows] == [min(scores[: k + 1]) for k in range(4)]
    (table,) = (heard for heard in tracker.heard if heard[:2] == ("table", "trials"))
    assert len(table[3]) == 4
    assert tuned.trials == 4
