"""From nothing to a place on the practice board, by the real client and the real server."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from kagflow.competition import load
from kagflow.practice import Practice, serving
from kagflow.submit import Credentials, desk
from kagflow.submit.kaggle import Client
from kagflow.submit.ledger import LEDGER, Ledger
from tests.conftest import Project
from tests.practice.faults import Faults

REPOSITORY = Path(__file__).parents[2]
NAME, SLUG = "churn", load("churn", REPOSITORY).facts.slug
CONFIG = "model: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A project of one bundled competition, with two runs: one of all columns, one of few."""
    root = tmp_path_factory.mktemp("practice")
    (root / "competitions" / NAME).mkdir(parents=True)
    shutil.copy(REPOSITORY / "competitions" / NAME / "competition.yaml", root / "competitions" / NAME)
    project = Project(root)
    project.write(f"configs/{NAME}/all.yaml", CONFIG)
    project.write(f"configs/{NAME}/few.yaml", CONFIG + "drop: [tenure, contract, '*charges']\n")
    said = project.cli("cv", NAME, "-c", "all", "-c", "few", "--set", "splitter.folds=3", "--track", "off")
    assert said.code == 0, said.err
    return root


@pytest.fixture
def practice(made: Path, tmp_path: Path) -> Project:
    shutil.copytree(made, tmp_path / "copy")
    return Project(tmp_path / "copy")


def rows(project):
    return Ledger.read(project.root / "runs" / NAME / LEDGER)


def submit(project, *words):
    return project.cli("submit", NAME, "--yes", *words)


def test_two_runs_are_sent_and_stand_on_the_board(practice):
    for config in ("few", "all"):
        said = submit(practice, config)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith("data: practice edition, ")
        assert f"the practice board of {SLUG}, " in said.out
    first, second = rows(practice)
    assert [row.status for row in (first, second)] == ["complete"] * 2
    assert first.public is not None and second.public is not None and first.public != second.public
    assert first.private is None  # the season is on
    with serving(practice.root) as url:
        client = Client.connect(url, Credentials.key("you", "anything"))
        assert {sent.reference for sent in client.submissions(SLUG)} == {first.reference, second.reference}
        (place,) = [each for each in client.leaderboard(SLUG) if each.team == "you"]
    assert place.rank == second.rank
    said = practice.cli("submit", NAME, "--sync")
    assert "2 submissions, new or changed: 0" in said.out


def test_the_end_of_the_season_shows_the_private_scores(practice):
    submit(practice)
    Practice(practice.root).board(NAME).finish()
    said = practice.cli("submit", NAME, "--sync", "--json")
    assert json.loads(said.out)["changed"] == 1
    (row,) = rows(practice)
    assert row.private is not None
    late = submit(practice, "few")
    assert late.code == 0
    assert "warning: KF423 the deadline was" in late.out


def test_practice_data_are_never_sent_to_kaggle(practice):
    for words in (["--to", "kaggle"], ["all", "--to", "kaggle"]):
        said = submit(practice, *words)
        assert said.code == 1
        assert "practice data, which are never sent to Kaggle" in said.err
    assert rows(practice) == []


def test_a_board_begun_anew_takes_the_same_file_again(practice, monkeypatch):
    assert submit(practice).code == 0
    monkeypatch.setattr(desk, "GRACE", desk.GRACE * 0)
    assert "KF421" in submit(practice).out
    Practice(practice.root).reset(NAME)
    said = submit(practice)
    assert said.code == 0, said.out
    assert [row.status for row in rows(practice)] == ["complete"] * 2


def test_a_board_whose_file_was_deleted_gives_numbers_again(practice, monkeypatch):
    assert submit(practice, "few").code == 0
    monkeypatch.setattr(desk, "GRACE", desk.GRACE * 0)
    monkeypatch.setattr(desk, "_SAME_DAY", desk._SAME_DAY * 0)  # as on another day
    for path in practice.root.glob("data/practice.sqlite*"):
        path.unlink()
    assert [submit(practice, config).code for config in ("all", "few")] == [0, 0]
    assert [row.status for row in rows(practice)] == ["complete"] * 3
    first, second, third = (row.reference for row in rows(practice))
    assert first is None and second is not None and third == second + 1


def test_the_days_limit_is_known_before_anything_is_sent(practice):
    Practice(practice.root).reset(NAME, daily_limit=1)
    assert submit(practice, "few").code == 0
    said = submit(practice, "all")
    assert said.code == 1
    assert "error: KF422 no submission is left: 1 of 1 were counted today" in said.out
    assert len(rows(practice)) == 1


def test_a_score_that_never_comes(practice, monkeypatch):
    faults = Faults()
    faults.no_score_ever()
    monkeypatch.setattr("kagflow.practice.connect.serving", partial(serving, wrap=faults))
    monkeypatch.setattr(desk, "_FIRST_PAUSE", 0.01)
    said = submit(practice, "--wait", "1")
    assert said.code == 0
    assert "note: it has no score yet" in said.err
    assert faults.seen.count("GetSubmission") >= 2
    assert faults.seen.count("CreateSubmission") == 1
    faults.clear()
    assert practice.cli("submit", NAME, "--sync").code == 0
    assert rows(practice)[0].public is not None


def test_an_answer_that_was_cut_off_is_looked_up(practice, monkeypatch):
    faults = Faults()
    faults.add("CreateSubmission", cut="after")
    monkeypatch.setattr("kagflow.practice.connect.serving", partial(serving, wrap=faults))
    assert submit(practice).code == 0
    assert faults.seen.count("CreateSubmission") == 1
    (row,) = rows(practice)
    with serving(practice.root) as url:
        (sent,) = Client.connect(url, Credentials.key("you", "anything")).submissions(SLUG)
    assert (row.status, row.reference) == ("complete", sent.reference)


def test_kaggle_credentials_stay_away_from_the_practice_board(practice, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "planted-key-31ce")
    seen = []

    def spy(app):
        async def told(scope, receive, send):
            seen.append(dict(scope["headers"]).get(b"authorization", b""))
            await app(scope, receive, send)

        return told

    monkeypatch.setattr("kagflow.practice.connect.serving", partial(serving, wrap=spy))
    assert submit(practice).code == 0
    assert set(seen) - {b""} == {f"Basic {_basic('ada', 'practice')}".encode()}


def _basic(username, key):
    import base64

    return base64.b64encode(f"{username}:{key}".encode()).decode()


def test_without_a_board_it_is_said_what_one_needs(practice):
    folder = practice.root / "competitions"
    shutil.copytree(folder / NAME, folder / "mine")
    said = practice.cli("submit", "mine", "--to", "practice")
    assert said.code != 0
    assert "mine has no practice board" in said.err
    assert "solution.csv" in said.err and "kagflow practice serve --from FOLDER" in said.err


def test_a_board_of_ones_own_files_takes_the_best_run_on_them(practice):
    folder = practice.root / "competitions" / "mine"
    folder.mkdir()
    facts = (practice.root / "competitions" / NAME / "competition.yaml").read_text()
    (folder / "competition.yaml").write_text(facts.replace(SLUG, "mine"))
    practice.write("configs/mine/all.yaml", CONFIG)
    files = practice.root / "own" / "mine"
    shutil.copytree(REPOSITORY / "kagflow" / "practice" / "editions" / NAME, files)
    Practice(practice.root).add(files)
    here = ("--source", str(files))
    said = practice.cli("cv", "mine", "-c", "all", "--set", "splitter.folds=3", *here, "--track", "off")
    assert said.code == 0, said.err
    said = practice.cli("submit", "mine", "--to", "practice", *here, "--yes")
    assert said.code == 0, said.err
    assert "(the only run)" in said.out and "the practice board of mine, " in said.out
