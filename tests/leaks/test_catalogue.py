"""Every leak of the catalogue is found, and blamed on what it is; nothing clean is accused.

``pytest -s tests/leaks/test_catalogue.py`` prints the table.
"""

import pytest

from kagflow.errors import ConfigError, KagflowError
from kagflow.testing import audit_function
from tests.leaks.clean import CLEAN as FOLDERS_CLEAN
from tests.leaks.folder import Folder
from tests.leaks.functions import CLEAN, FOLDS, FUNCTIONS, X, Y, without_outliers
from tests.leaks.planted import FOLDERS


@pytest.fixture(scope="module")
def table():
    lines = []
    yield lines
    print("\nleak | finding | columns | size | interval | seconds")
    print("\n".join(lines))


def line(name, finding, seconds):
    interval = "-" if finding.interval is None else " to ".join(f"{end:.4f}" for end in finding.interval)
    return f"{name} | {finding.code} | {', '.join(finding.columns)} | {finding.size:.4f} | {interval} | {seconds:.1f}"


@pytest.mark.parametrize("name", [name for name, planted in FOLDERS.items() if planted.found_by == "audit"])
def test_a_leak_of_a_competition_is_found_and_blamed(name, tmp_path, table):
    planted = FOLDERS[name]
    report = planted.folder.audit(tmp_path)
    found = [finding for finding in report.leaks if finding.code == planted.code]
    assert found, report.findings
    table.append(line(name, found[0], report.seconds))
    assert planted.where in found[0].where
    assert bool(found[0].columns) == bool(planted.columns)
    assert all(column.startswith(planted.columns) for column in found[0].columns)


@pytest.mark.parametrize("name", [name for name, planted in FOLDERS.items() if planted.found_by == "cv"])
def test_a_leak_that_a_guard_stops_never_gets_a_score(name, tmp_path):
    planted = FOLDERS[name]
    with pytest.raises(KagflowError) as caught:
        planted.folder.cv(tmp_path)
    assert caught.value.code == planted.code
    assert planted.where in caught.value.where


@pytest.mark.parametrize("name", [name for name, planted in FOLDERS.items() if planted.found_by == "check"])
def test_rows_at_fault_are_found_by_check(name, tmp_path):
    planted = FOLDERS[name]
    assert planted.code in {finding.code for finding in planted.folder.check(tmp_path)}


def test_check_finds_nothing_of_the_kind_in_clean_rows(tmp_path):
    rows_at_fault = {planted.code for planted in FOLDERS.values() if planted.found_by == "check"}
    assert not rows_at_fault & {finding.code for finding in Folder().check(tmp_path)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_leak_of_a_notebook_is_found(name, table):
    leak = FUNCTIONS[name]
    report = audit_function(leak.function, X, leak.y, leak.folds, **leak.more)
    found = [finding for finding in report.leaks if finding.code == leak.code]
    assert found, report.findings
    table.append(line(name, found[0], report.seconds))


@pytest.mark.parametrize("name", CLEAN)
def test_nothing_clean_is_accused(name):
    clean = CLEAN[name]
    assert audit_function(clean.function, X, clean.y, clean.folds, **clean.more).findings == []


def test_a_score_over_some_of_the_rows_is_refused():
    with pytest.raises(ConfigError, match="valid rows have no prediction"):
        audit_function(without_outliers, X, Y, FOLDS)


@pytest.mark.parametrize("name", FOLDERS_CLEAN)
def test_no_clean_competition_is_accused(name, tmp_path):
    report = FOLDERS_CLEAN[name].audit(tmp_path)
    # What cannot be exact end to end is measured, and no accusation.
    assert [finding for finding in report.findings if finding.code != "KF202"] == []
    assert report.leaks == []
