"""Every kind of finding has a code, which the README explains; a competition may accept it, with a reason."""

import re
from pathlib import Path

import pytest

import kagflow
from kagflow.audit.findings import Finding, accepted
from kagflow.codes import CODES, Acceptance, code_table
from kagflow.config import read_facts
from kagflow.errors import ConfigError, FeatureError

PACKAGE = Path(kagflow.__file__).parent


def test_every_code_in_the_source_is_in_the_table():
    used = {code for path in PACKAGE.rglob("*.py") for code in re.findall(r"KF\d+", path.read_text(encoding="utf-8"))}
    assert used <= CODES.keys()


def test_the_readme_holds_the_table():
    assert code_table() in (PACKAGE.parent / "README.md").read_text(encoding="utf-8")


# --- what competition.yaml may say -----------------------------------------------------------------------------------

REFUSED = {
    "a typo": ({"KF13": "known"}, "`accept.KF13`: there is no such code", "did you mean"),
    "no reason": ({"KF303": " "}, "`accept.KF303` needs a reason", "why this is right"),
    "what voids a promise": ({"KF301": "I like it"}, "this cannot be accepted: a function of a row", "fold step"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_accepting_is_strict(project, case):
    accept, problem, hint = REFUSED[case]
    project.facts(accept=accept)
    with pytest.raises(ConfigError, match=problem) as caught:
        read_facts(project.root / "competitions/toy/competition.yaml")
    assert hint in caught.value.hint


def test_findings_are_split_into_open_and_accepted(project):
    project.facts(accept={"KF103": "new shops open every year"})
    facts = read_facts(project.root / "competitions/toy/competition.yaml")
    one, two = (Finding(code=code, severity="note", message="some") for code in ("KF103", "KF104"))
    assert accepted([one, two], facts) == ([two], [(one, "new shops open every year")])


# --- guards ----------------------------------------------------------------------------------------------------------


def test_a_guard_stops_unless_it_is_accepted():
    error = FeatureError("the target is there", where="features.py:3", code="KF303")
    with pytest.raises(FeatureError, match=r"KF303 features\.py:3: the target is there"):
        Acceptance({"KF302": "another one"}).stop(error)
    lenient = Acceptance({"KF303": "test has it too"})
    lenient.stop(error)
    lenient.stop(error)
    (noted,) = lenient.noted
    assert (noted.code, noted.reason, noted.message) == (
        "KF303",
        "test has it too",
        "features.py:3: the target is there",
    )
