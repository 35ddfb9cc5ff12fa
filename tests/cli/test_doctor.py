"""``kagflow doctor``: what it says, that it never fails, and that it never shows a secret."""

import json

import pytest

from kagflow.cli import doctor

SECRET = "planted-secret-5d1c"


def report(project):
    said = project.cli("doctor", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    return {(section, each["about"]): each for section in doctor._SECTIONS for each in found[section]}


def test_every_section_is_printed(project):
    said = project.cli("doctor")
    assert said.code == 0, said.err
    assert [line for line in said.out.splitlines() if not line.startswith(" ")][:-1] == list(doctor._SECTIONS)
    assert said.out.rstrip().endswith("found")


def test_what_is_found(project):
    found = report(project)
    assert found["versions", "polars"]["value"].startswith("2")
    assert found["project", "competitions"]["value"] == "1"
    assert found["kaggle", "credentials"]["hint"] == "save a token as ~/.kaggle/access_token"


@pytest.mark.parametrize(
    "name", ["KAGGLE_API_TOKEN", "KAGGLE_KEY", "WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "KAGGLE_USERNAME"]
)
def test_no_secret_is_shown(project, monkeypatch, name):
    monkeypatch.setenv(name, SECRET)
    for words in (("doctor",), ("doctor", "--json"), ("doctor", "--debug")):
        said = project.cli(*words)
        assert said.code == 0
        assert SECRET not in said.out + said.err


def test_where_credentials_come_from_is_shown(project, monkeypatch):
    """The control of the last test: the token was seen."""
    monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET)
    assert report(project)["kaggle", "credentials"]["value"] == "token, from KAGGLE_API_TOKEN"


def test_half_a_credential_is_a_problem_with_a_hint(project, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    assert report(project)["kaggle", "broken"]["hint"] == "KAGGLE_KEY is not set"


def test_what_cannot_be_found_out_is_said_without_the_error_s_text(project, monkeypatch):
    def fails():
        raise ValueError(SECRET)
        yield

    monkeypatch.setitem(doctor._SECTIONS, "gpu", fails)
    assert report(project)["gpu", "problem"]["value"] == "could not be found out (ValueError)"
    assert SECRET not in project.cli("doctor").out


def test_outside_a_project_it_says_so(project, tmp_path_factory):
    elsewhere = type(project)(tmp_path_factory.mktemp("elsewhere"))
    found = report(elsewhere)
    hint = found["project", "problem"]["hint"]
    assert hint == "change to the project's folder, or begin one here with `mkdir competitions`"
