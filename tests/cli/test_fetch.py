"""``kagflow fetch`` and the verbs that fetch by themselves, as somebody who is signed in at Kaggle, or is not."""

import json

import pytest

from tests.conftest import Project
from tests.submit.faulty_kaggle import CUT, FaultyKaggle, says

RIDGE = ("--set", "model.kind=sklearn", "--set", "model.estimator=sklearn.linear_model.Ridge")
SECRET = "planted-token-77aa"


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET)


def practice_edition(project: Project, kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a practice edition of the competition come with kagflow."""
    bundled = project.root / "bundled"
    (bundled / "toy").mkdir(parents=True)
    for name, content in kaggle.files.items():
        (bundled / "toy" / name).write_bytes(content)
    monkeypatch.setattr("kagflow.data.source.BUNDLED", bundled)


# --- signed in -------------------------------------------------------------------------------------------------------


def test_fetch(project: Project, kaggle: FaultyKaggle, signed_in: None) -> None:
    said = project.cli("fetch", "toy")
    assert said.code == 0, said.err
    assert said.err == "fetching the files of toy from Kaggle\n"
    assert said.out.splitlines()[0] == f"data: kaggle edition, {project.raw}"
    assert "kaggle: Root Mean Squared Error; deadline 2099-01-01; 5 submissions a day" in said.out
    assert "fetched: 3 files" in said.out
    assert "just now" in said.out


def test_a_second_fetch_has_nothing_to_do(project: Project, kaggle: FaultyKaggle, signed_in: None) -> None:
    project.cli("fetch", "toy")
    kaggle.asked.clear()
    said = project.cli("fetch", "toy")
    assert (said.code, said.err) == (0, "")
    assert "unchanged since; nothing to do" in said.out
    assert not kaggle.asked


def test_json(project: Project, kaggle: FaultyKaggle, signed_in: None) -> None:
    kaggle.details["evaluationMetric"] = "Mean Absolute Error"
    document = json.loads(project.cli("fetch", "toy", "--json").out)
    assert document["edition"] == "kaggle"
    assert document["kaggle"]["fetched_now"] is True
    assert set(document["kaggle"]["files"]) == set(kaggle.files)
    assert "Mean Absolute Error" in document["kaggle"]["differences"][0]


def test_what_differs_is_a_note_each_time(project: Project, kaggle: FaultyKaggle, signed_in: None) -> None:
    kaggle.details["evaluationMetric"] = "Mean Absolute Error"
    line = "note: Kaggle scores by 'Mean Absolute Error' (mae), competition.yaml by rmse\n"
    assert [project.cli("fetch", "toy").err.count(line) for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("verb", [("check",), ("cv", *RIDGE), ("tune", *RIDGE, "--trials", "1"), ("audit", *RIDGE)])
def test_verbs_fetch_what_is_missing(
    project: Project, kaggle: FaultyKaggle, signed_in: None, verb: tuple[str, ...]
) -> None:
    said = project.cli(verb[0], "toy", *verb[1:])
    assert said.code == 0, said.err
    assert "fetching the files of toy from Kaggle" in said.err
    assert project.raw.is_dir()


def test_where_kaggle_does_not_give_them_no_other_data_are_taken(
    project: Project, kaggle: FaultyKaggle, signed_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice_edition(project, kaggle, monkeypatch)
    kaggle.always["GetCompetition"] = CUT
    said = project.cli("cv", "toy", *RIDGE)
    assert said.code == 1
    assert "error: the connection to Kaggle was cut" in said.err
    assert "or practise: --source practice" in said.err
    assert not project.runs.exists()


def test_one_may_still_practise(
    project: Project, kaggle: FaultyKaggle, signed_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice_edition(project, kaggle, monkeypatch)
    said = project.cli("fetch", "toy", "--source", "practice")
    assert said.out.startswith("data: practice edition")
    assert not kaggle.asked


def test_a_competition_that_is_not_on_kaggle_is_not_looked_for(
    project: Project, kaggle: FaultyKaggle, signed_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice_edition(project, kaggle, monkeypatch)
    project.facts(on_kaggle=False)
    assert project.cli("fetch", "toy").out.startswith("data: practice edition")
    assert not kaggle.asked


def test_unaccepted_rules_name_the_page(project: Project, kaggle: FaultyKaggle, signed_in: None) -> None:
    kaggle.details["userHasEntered"] = False
    kaggle.always["DownloadDataFiles"] = says(403, "Forbidden")
    said = project.cli("fetch", "toy")
    assert said.code == 1
    assert "the rules of toy are not accepted yet" in said.err
    assert "open https://www.kaggle.com/competitions/toy/rules" in said.err


# --- another server -------------------------------------------------------------------------------------------------


@pytest.fixture
def led_elsewhere(kaggle: FaultyKaggle, signed_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what the practice server asks for, to have Kaggle's own client come to it."""
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("http_proxy", kaggle.url)
    monkeypatch.setenv("no_proxy", "")


def test_nothing_comes_from_another_server_unasked(
    project: Project, kaggle: FaultyKaggle, led_elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its files would pass for Kaggle's ever after."""
    practice_edition(project, kaggle, monkeypatch)
    assert project.cli("check", "toy").out.startswith("data: practice edition")
    assert not kaggle.asked


def test_who_asks_for_its_files_is_told(project: Project, kaggle: FaultyKaggle, led_elsewhere: None) -> None:
    said = project.cli("fetch", "toy")
    assert said.out.startswith("data: kaggle edition")
    assert "note: KAGGLE_API_ENVIRONMENT is LOCALHOST: this is another server than Kaggle" in said.err
    assert "http://localhost/competitions/toy" in said.out


def test_nor_is_what_comes_of_them_sent_to_kaggle(
    project: Project, kaggle: FaultyKaggle, led_elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.cli("fetch", "toy")
    assert project.cli("cv", "toy", *RIDGE).code == 0
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    said = project.cli("submit", "toy", "--yes", "--to", "kaggle")
    assert said.code == 1
    assert "KF425" in said.err
    assert "fetched from another server than Kaggle, for http://localhost/competitions/toy" in said.err
    assert not kaggle.submissions


# --- not signed in ---------------------------------------------------------------------------------------------------


def test_without_credentials_it_is_the_practice_edition_and_nobody_is_asked(
    project: Project, kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice_edition(project, kaggle, monkeypatch)
    said = project.cli("fetch", "toy")
    assert said.out.startswith("data: practice edition")
    assert "nobody is signed in at Kaggle" in said.err
    assert project.cli("check", "toy").err == ""
    assert not kaggle.asked


def test_credentials_that_are_none_are_named(
    project: Project, kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice_edition(project, kaggle, monkeypatch)
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    assert "note: KAGGLE_USERNAME cannot be used as Kaggle credentials: KAGGLE_KEY is not set" in (
        project.cli("check", "toy").err
    )
