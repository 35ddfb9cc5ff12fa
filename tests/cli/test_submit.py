"""``kagflow submit`` as a user has it, by the real client: against a server that answers as Kaggle does, well or badly.

Kaggle's client is led to it by its own words for another environment, and a proxy.
"""

import json
import re
import signal
import time
from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import pytest

from kagflow.submit import desk
from kagflow.submit.ledger import LEDGER, Ledger
from kagflow.submit.wire import Patience
from tests.submit.faulty_kaggle import CUT, CUT_LATE, HANG, HANG_LATE, NO_JSON, FaultyKaggle, basic, says, serve

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
SECRET = "planted-key-77aa"
HASTE = Patience(connect=2, read=0.3, tries=3, first_wait=0.01, longest_wait=2)


@pytest.fixture
def kaggle(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyKaggle]:
    """Where this process, and those that it starts, find Kaggle; waiting is short."""
    with serve(FaultyKaggle()) as server:
        surroundings = {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "KAGGLE_USERNAME": "me",
            "KAGGLE_KEY": SECRET,
            "http_proxy": server.url,
            "no_proxy": "",
        }
        for name, value in surroundings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("kagflow.submit.kaggle.PATIENCE", HASTE)
        monkeypatch.setattr(desk, "_LOOKS", (0.0, 0.01))
        monkeypatch.setattr(desk, "_FIRST_PAUSE", 0.01)
        yield server


def rows(project):
    return Ledger.read(project.runs / LEDGER)


def submit(project, *words):
    return project.cli("submit", "toy", "--yes", "--wait", "1", *words)


def own_file(project, name, first):
    """Write a submission of one's own, other predictions for another number."""
    sample = pl.read_csv(project.raw / "sample_submission.csv")
    sample.with_columns(y=first + pl.int_range(pl.len()) / 10).write_csv(project.root / name)
    return str(project.root / name)


def forget_grace(monkeypatch):
    """Let the time be over in which a submission may still turn up."""
    monkeypatch.setattr(desk, "GRACE", timedelta(0))


class TestSending:
    def test_the_best_run_is_sent_and_scored(self, project, kaggle):
        best, _ = project.cv(*RIDGE), project.cv(*RIDGE, "drop=[x1]")
        said = submit(project, "--message", "first  try")
        assert (said.code, said.err) == (0, "")
        assert f"{best.name} (the best CV of 2 runs)" in said.out
        assert "sent     reference 1000" in said.out
        assert "public   0.5\n" in said.out
        (row,) = rows(project)
        assert (row.status, row.reference, row.public, row.run) == ("complete", 1000, 0.5, best.name)
        assert (row.cv, row.se) == (best.scores["cv"], best.scores["se"])
        (sent,) = kaggle.submissions
        assert sent["description"] == f"first try [kf-{row.nonce}]" == row.described
        (uploaded,) = kaggle.uploads.values()
        assert uploaded == (best.path / "submission.csv").read_bytes()

    def test_json_is_one_document(self, project, kaggle):
        run = project.cv(*RIDGE)
        said = submit(project, "--json")
        document = json.loads(said.out, parse_constant=pytest.fail)
        wanted = {"reference": 1000, "status": "complete", "public": 0.5, "private": None, "run": str(run.path)}
        assert wanted.items() <= document.items()
        assert document["results"][0]["cv"] == run.scores["cv"]

    def test_a_file_of_ones_own_is_sent_without_a_cv(self, project, kaggle):
        said = submit(project, "--file", own_file(project, "mine.csv", 0))
        assert said.code == 0, said.err
        assert "cv       none: it is no run's file" in said.out
        (row,) = rows(project)
        assert (row.run, row.cv, row.message) == (None, None, "mine.csv")

    def test_without_a_terminal_nothing_is_sent_unless_told_so(self, project, kaggle):
        project.cv(*RIDGE)
        said = project.cli("submit", "toy")
        assert said.code == 1
        assert "nothing was sent: there is no terminal to ask at\nhint: add --yes" in said.err
        assert "rmse " in said.out  # all that one would have decided by is shown
        assert (kaggle.submissions, rows(project)) == ([], [])

    def test_the_next_run_is_compared_with_the_best_one_sent(self, project, kaggle):
        project.cv(*RIDGE)
        submit(project)
        twin, worse = project.cv(*RIDGE, "model.params.alpha=1.001"), project.cv(*RIDGE, "drop=[x1]")
        said = submit(project, twin.name)
        assert "inside the noise: this submission cannot be told from the" in " ".join(said.out.split())
        assert "worse: better submissions were sent already" in " ".join(submit(project, worse.name).out.split())
        gate = json.loads(submit(project, worse.name, "--json").out)["gate"]
        assert gate["better"] is False
        assert gate["difference"] > 0

    def test_a_submission_that_cannot_be_scored_says_why(self, project, kaggle, monkeypatch):
        project.cv(*RIDGE)
        create = kaggle._CreateSubmission

        def fail(body, host):
            answer = create(body, host)
            kaggle.submissions[0] |= {"status": "ERROR", "publicScore": "", "errorDescription": "ID 7 is missing"}
            return answer

        monkeypatch.setattr(kaggle, "_CreateSubmission", fail)
        said = submit(project)
        assert said.code == 1
        assert "error: the submission 1000 could not be scored: ID 7 is missing" in said.err
        assert (rows(project)[0].status, rows(project)[0].error) == ("error", "ID 7 is missing")

    def test_a_score_that_does_not_come_is_fetched_later(self, project, kaggle):
        project.cv(*RIDGE)
        create = kaggle._CreateSubmission
        kaggle._CreateSubmission = lambda *asked: (create(*asked), kaggle.submissions[0].update(status="PENDING"))[0]
        said = project.cli("submit", "toy", "--yes", "--wait", "0.1")
        assert said.code == 0
        assert "note: it has no score yet; `kagflow submit toy --sync`" in said.err
        assert rows(project)[0].status == "pending"
        kaggle.submissions[0] |= {"status": "COMPLETE", "publicScore": "0.25", "privateScore": "0.3"}
        assert project.cli("submit", "toy", "--sync").code == 0
        (row,) = rows(project)
        assert (row.status, row.public, row.private) == ("complete", 0.25, 0.3)
        assert len(kaggle.submissions) == 1


class TestRefusal:
    """What preflight stops: nothing is asked of Kaggle but what it knows."""

    def refused(self, project, kaggle, code, *words):
        before = len(kaggle.submissions)
        said = submit(project, *words)
        assert said.code == 1
        assert code in said.out + said.err
        assert len(kaggle.submissions) == before
        return said

    def test_the_same_file_twice(self, project, kaggle):
        project.cv(*RIDGE)
        assert submit(project).code == 0
        said = self.refused(project, kaggle, "KF421")
        assert "reference 1000, public 0.5" in said.out
        assert "nothing was sent: 1 error" in said.out

    def test_the_untouched_sample(self, project, kaggle):
        self.refused(project, kaggle, "KF408", "--file", str(project.raw / "sample_submission.csv"))

    def test_no_submissions_left(self, project, kaggle):
        project.cv(*RIDGE)
        kaggle.used_today = 5
        said = self.refused(project, kaggle, "KF422")
        assert "5 of 5 were counted today" in said.out

    def test_rules_not_accepted(self, project, kaggle):
        project.cv(*RIDGE)
        kaggle.details["userHasEntered"] = False
        self.refused(project, kaggle, "KF424")

    def test_notebooks_only(self, project, kaggle):
        project.cv(*RIDGE)
        kaggle.details["isKernelsSubmissionsOnly"] = True
        self.refused(project, kaggle, "KF428")

    def test_a_run_of_other_data(self, project, kaggle):
        project.cv(*RIDGE)
        project.data("regression", {"y": [1] * 12})
        self.refused(project, kaggle, "KF425")

    def test_errors_are_in_the_document(self, project, kaggle):
        sample = str(project.raw / "sample_submission.csv")
        document = json.loads(self.refused(project, kaggle, "KF408", "--json", "--file", sample).out)
        assert document["status"] == "refused"
        assert "KF408" in {finding["code"] for finding in document["findings"]}

    def test_a_passed_deadline_is_a_warning(self, project, kaggle):
        project.cv(*RIDGE)
        kaggle.details["deadline"] = "2020-01-01T00:00:00Z"
        said = submit(project)
        assert said.code == 0
        assert "deadline 2020-01-01 00:00 UTC (over)" in said.out
        assert "warning: KF423 the deadline was 2020-01-01 00:00 UTC" in said.out

    def test_a_quick_look_is_a_warning_and_never_the_best_run(self, project, kaggle):
        words = [word for override in RIDGE for word in ("--set", override)]
        assert project.cli("cv", "toy", "--only-folds", "0", *words).code == 0
        assert "there are no runs yet" in submit(project).err
        said = submit(project, project.complete()[0].name)
        assert said.code == 0
        assert "warning: KF427 it is a quick look" in said.out

    def test_what_an_audit_found_is_said(self, project, kaggle):
        project.cv(*RIDGE)
        report = {"findings": [{"severity": "error", "code": "KF201", "message": "targets move predictions"}]}
        project.write("runs/toy/default-0123456789.audit.json", json.dumps(report))
        assert "KF426 the latest audit of default found KF201: targets move predictions" in submit(project).out

    def test_a_constant_is_refused_unless_it_is_accepted(self, project, kaggle):
        sample = pl.read_csv(project.raw / "sample_submission.csv")
        own = project.root / "mean.csv"
        sample.with_columns(y=pl.lit(0.25)).write_csv(own)
        self.refused(project, kaggle, "KF407", "--file", str(own))
        project.facts(accept={"KF407": "the mean of train, as a baseline"})
        said = submit(project, "--file", str(own))
        assert said.code == 0
        assert "accepted: KF407" in said.out

    def test_another_process_at_the_desk(self, project, kaggle):
        from filelock import FileLock

        project.cv(*RIDGE)
        with FileLock(project.runs / ".submit.lock"):
            said = submit(project)
        assert said.code == 1
        assert "another process is submitting for toy" in said.err
        assert kaggle.submissions == []

    def test_a_run_and_a_file_at_once(self, project, kaggle):
        assert "a run and a file are named" in submit(project, "default", "--file", "x.csv").err
        assert submit(project, "default", "--sync").code == 2


BEFORE = ("ListSubmissions", "GetCompetition", "GetSubmissionLimits", "StartSubmissionUpload", "PUT")
BAD_DAYS = {
    "401": says(401),
    "403": says(403),
    "404": says(404),
    "429": says(429, Retry_After="3600"),
    "500": says(500),
    "silence": HANG,
    "cut": CUT,
    "no JSON": NO_JSON,
}


class TestFaults:
    """Each ends in a clear message, in one submission at most, and with the ledger whole."""

    @pytest.mark.parametrize("step", BEFORE)
    def test_before_it_was_sent(self, project, kaggle, step):
        own = own_file(project, "mine.csv", 0.1)
        for name, fault in BAD_DAYS.items():
            if (step, name) == ("PUT", "no JSON"):
                continue  # an upload has no answer to read
            kaggle.always[step] = fault
            said = submit(project, "--file", own)
            assert said.code == 1, name
            assert re.fullmatch(r"error: .+\nhint: .+\n", said.err), said.err
        assert kaggle.submissions == []
        assert {row.status for row in rows(project)} <= {"refused"}
        kaggle.always.clear()
        assert submit(project, "--file", own).code == 0  # the day after
        assert len(kaggle.submissions) == 1
        assert rows(project)[-1].status == "complete"

    @pytest.mark.parametrize("fault", ["401", "403", "404", "429"])
    def test_a_submission_that_the_server_refuses(self, project, kaggle, fault):
        own = own_file(project, "mine.csv", 0.1)
        kaggle.always["CreateSubmission"] = BAD_DAYS[fault]
        said = submit(project, "--file", own)
        assert said.code == 1
        assert said.err.startswith("error: nothing was submitted: ")
        (row,) = rows(project)
        assert row.status == "refused"
        assert row.error in said.err

    @pytest.mark.parametrize("fault", [CUT_LATE, HANG_LATE])
    def test_an_answer_that_was_lost_is_looked_up(self, project, kaggle, fault):
        own = own_file(project, "mine.csv", 0.1)
        kaggle.faults["CreateSubmission"] = [fault]
        said = submit(project, "--file", own)
        assert (said.code, said.err) == (0, "")
        assert "public   0.5" in said.out
        (row,) = rows(project)
        assert (row.status, row.reference, row.error) == ("complete", 1000, None)
        assert len(kaggle.submissions) == 1

    @pytest.mark.parametrize("fault", ["500", "silence", "cut", "no JSON"])
    def test_what_nobody_knows_is_not_sent_again(self, project, kaggle, fault, monkeypatch):
        own = own_file(project, "mine.csv", 0.1)
        kaggle.faults["CreateSubmission"] = [BAD_DAYS[fault]]
        said = submit(project, "--file", own)
        assert said.code == 1
        assert "nobody knows whether Kaggle counted this submission" in said.err
        assert "never sends it twice" in said.err
        assert rows(project)[0].status == "unknown"
        again = submit(project, "--file", own)  # at once: it may still turn up
        assert again.code == 1
        assert "whether this very file was sent at" in again.err
        assert kaggle.asked["CreateSubmission"] == 1
        forget_grace(monkeypatch)
        assert submit(project, "--file", own).code == 0
        assert [row.status for row in rows(project)] == ["lost", "complete"]
        assert len(kaggle.submissions) == 1

    def test_what_turns_up_later_is_not_sent_again(self, project, kaggle):
        own = own_file(project, "mine.csv", 0.1)
        kaggle.faults["CreateSubmission"] = [CUT_LATE]
        kaggle.always["GetSubmission"] = says(500)
        listed = kaggle._ListSubmissions
        kaggle._ListSubmissions = lambda body, host: {"submissions": []}
        assert submit(project, "--file", own).code == 1
        kaggle._ListSubmissions = listed
        kaggle.always.clear()
        said = submit(project, "--file", own)
        assert said.code == 0
        assert "this very file is with the server already, so nothing was sent now" in said.err
        assert "public   0.5" in said.out
        assert (len(kaggle.submissions), [row.status for row in rows(project)]) == (1, ["complete"])

    def test_a_score_that_cannot_be_asked_for(self, project, kaggle):
        kaggle.details["maxDailySubmissions"] = 20
        for number, fault in enumerate(BAD_DAYS.values()):
            kaggle.always["GetSubmission"] = fault
            own = own_file(project, f"{number}.csv", number)
            said = project.cli("submit", "toy", "--yes", "--wait", "0", "--file", own)
            assert said.code == 0
            assert "note: the file was sent, but its score cannot be asked for: " in said.err
            assert "--sync" in said.err
        assert [(row.status, row.public) for row in rows(project)] == [("pending", None)] * len(BAD_DAYS)
        kaggle.always.clear()
        assert project.cli("submit", "toy", "--sync").code == 0
        assert [(row.status, row.public) for row in rows(project)] == [("complete", 0.5)] * len(BAD_DAYS)


class TestKilled:
    """SIGKILL at every moment: the same command again makes no second submission."""

    def kill(self, project, own, until):
        child = project.start("submit", "toy", "--yes", "--file", own)
        deadline = time.monotonic() + 60
        while not until():
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.communicate()

    @pytest.mark.parametrize("step", ["StartSubmissionUpload", "PUT"])
    def test_before_it_was_sent(self, project, kaggle, monkeypatch, step):
        own = own_file(project, "mine.csv", 0.1)
        kaggle.faults[step] = [HANG]
        self.kill(project, own, lambda: kaggle.asked[step])
        assert [row.status for row in rows(project)] == ["sending"]
        assert submit(project, "--file", own).code == 1  # it may still turn up
        assert kaggle.submissions == []
        forget_grace(monkeypatch)
        assert submit(project, "--file", own).code == 0
        assert (len(kaggle.submissions), rows(project)[0].status) == (1, "lost")

    def test_between_the_sending_and_the_answer(self, project, kaggle):
        own = own_file(project, "mine.csv", 0.1)
        kaggle.faults["CreateSubmission"] = [HANG_LATE]
        self.kill(project, own, lambda: kaggle.submissions)
        assert [row.status for row in rows(project)] == ["sending"]
        said = submit(project, "--file", own)
        assert said.code == 0
        assert "is with the server as 1000" in said.err
        assert (len(kaggle.submissions), [row.status for row in rows(project)]) == (1, ["complete"])

    def test_while_waiting_for_the_score(self, project, kaggle):
        own = own_file(project, "mine.csv", 0.1)
        kaggle.faults["GetSubmission"] = [HANG]
        self.kill(project, own, lambda: kaggle.asked["GetSubmission"])
        assert [row.status for row in rows(project)] == ["pending"]
        said = submit(project, "--file", own)
        assert said.code == 1
        assert "KF421" in said.out
        assert len(kaggle.submissions) == 1
        assert project.cli("submit", "toy", "--sync").code == 0
        assert rows(project)[0].public == 0.5

    def test_after_it_was_written_down_and_before_anything_left(self, project, kaggle, monkeypatch):
        own = own_file(project, "mine.csv", 0.1)
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "update", lambda *_, **__: 1 / 0)
            assert submit(project, "--file", own).code == 3
        assert [row.status for row in rows(project)] == ["planned"]
        said = submit(project, "--file", own)  # nothing can be under way: it is sent at once
        assert said.code == 0
        assert "was not sent: stopped before it was sent" in said.err
        assert [row.status for row in rows(project)] == ["lost", "complete"]


class TestSync:
    def test_submissions_from_elsewhere_are_marked(self, project, kaggle):
        project.cv(*RIDGE)
        submit(project)
        kaggle._CreateSubmission({"submissionDescription": "by hand"}, "")
        kaggle.submissions[0]["publicScore"] = "0.4"
        kaggle.details["userRank"] = 12
        said = project.cli("submit", "toy", "--sync")
        assert said.code == 0, said.err
        assert "submission.csv (elsewhere)" in said.out
        elsewhere, own = rows(project)  # oldest first
        assert (elsewhere.origin, elsewhere.public, elsewhere.rank, elsewhere.message) == (
            "elsewhere",
            0.4,
            12,
            "by hand",
        )
        assert (own.origin, own.public, own.rank) == ("kagflow", 0.5, None)
        again = json.loads(project.cli("submit", "toy", "--sync", "--json").out)
        assert again["changed"] == 0
        assert (again["public"], len(again["results"])) == (0.4, 2)

    def test_a_rank_is_found_by_the_teams_name(self, project, kaggle):
        project.cv(*RIDGE)
        submit(project)
        kaggle.submissions[0]["teamName"] = "we"
        kaggle.places = [{"teamName": name, "score": "0.5"} for name in ("they", "others", "we")]
        project.cli("submit", "toy", "--sync")
        assert rows(project)[0].rank == 3

    def test_an_empty_ledger_is_no_error(self, project, kaggle):
        said = project.cli("submit", "toy", "--sync")
        assert said.code == 0
        assert "0 submissions" in said.out


def test_no_secret_is_ever_shown_or_kept(project, kaggle, monkeypatch):
    project.cv(*RIDGE)
    monkeypatch.setenv("KAGFLOW_TRACK", "offline")
    said = [submit(project, "--debug", "--json")]
    for status in (401, 403, 500):
        kaggle.always["ListSubmissions"] = says(status, f"bad credentials: {SECRET}")
        said.append(submit(project, "--debug"))
    kaggle.always.clear()
    monkeypatch.setattr(desk.Desk, "propose", lambda *_: 1 / 0)  # a bug of ours
    said.append(submit(project, "--debug"))
    assert [each.code for each in said] == [0, 1, 1, 1, 3]
    assert SECRET not in "".join(each.out + each.err for each in said)
    kept = [path for path in project.root.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in kept)
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []
    assert kaggle.headers["CreateSubmission"][0]["Authorization"] == basic("me", SECRET)  # it was in use


def test_two_processes_at_once_send_one_file_once(project, kaggle):
    own = own_file(project, "mine.csv", 0.1)
    children = [project.start("submit", "toy", "--yes", "--file", own) for _ in range(2)]
    said = [child.communicate(timeout=120) for child in children]
    assert sorted(child.returncode for child in children) == [0, 1], said
    assert len(kaggle.submissions) == 1
    assert [row.status for row in rows(project)] == ["complete"]


def test_ctrl_c_while_it_is_sent_leaves_it_to_be_looked_up(project, kaggle):
    own = own_file(project, "mine.csv", 0.1)
    kaggle.faults["CreateSubmission"] = [HANG_LATE]
    child = project.start("submit", "toy", "--yes", "--file", own)
    while not kaggle.submissions:
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == 130
    child.communicate()
    assert submit(project, "--file", own).code == 0
    assert (len(kaggle.submissions), [row.status for row in rows(project)]) == (1, ["complete"])
