"""What a file must look like: every fault is planted, and found under its code."""

import polars as pl
import pytest

from kagflow.submit.form import Expected, form_findings

SAMPLE = pl.DataFrame({"id": ["7", "8", "9"], "y": ["0", "0", "0"]})
VALUES = Expected(SAMPLE, "value", (), {"y": (10.0, 20.0)})
PROBABILITIES = Expected(SAMPLE, "probability", ("no", "yes"), {})
LABELS = Expected(SAMPLE.with_columns(y=pl.lit("no")), "label", ("no", "yes"), {})
RANKED = Expected(SAMPLE.with_columns(y=pl.lit("no yes")), "top_k", ("no", "yes"), {})


def file(y: list[str | None], ids: str = "789", **more: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"id": list(ids), "y": y, **more}, schema_overrides={"y": pl.String})


def found(frame: pl.DataFrame, expected: Expected = VALUES) -> dict[str, str]:
    return {finding.code: finding.message for finding in form_findings(frame, expected)}


@pytest.mark.parametrize(
    ("expected", "y"),
    [
        (VALUES, ["11", "12.5", "1e1"]),
        (PROBABILITIES, ["0", "0.5", "1"]),
        (LABELS, ["yes", "no", "yes"]),
        (RANKED, ["yes no", "no yes", "no yes"]),
    ],
)
def test_a_good_file_has_no_findings(expected, y):
    assert found(file(y), expected) == {}


@pytest.mark.parametrize(
    ("frame", "expected", "code", "message"),
    [
        (file(["1"] * 3).rename({"y": "z"}), VALUES, "KF401", "lacks y and has z, which the sample lacks"),
        (file(["11", "12", "13"]).select("y", "id"), VALUES, "KF403", "columns are y, id"),
        (file(["11", "12", "13"], "788"), VALUES, "KF402", "1 are missing, the first 9; 1 repeat, the first 8"),
        (file(["11", "12", "13"], "78x"), VALUES, "KF402", "1 are not the sample's, the first x"),
        (file(["11", "12"], "78"), VALUES, "KF402", "the file has 2 rows, the sample 3"),
        (file(["11", "12", "13"], "798"), VALUES, "KF403", "row 2 is 9, there 8"),
        (file(["11", None, "13"]), VALUES, "KF404", "1 of 3 predictions in y are null"),
        (file(["11", "inf", "NaN"]), VALUES, "KF404", "2 predictions in y are infinite or NaN"),
        (file(["11", "many", "13"]), VALUES, "KF405", "are no numbers, such as 'many'"),
        (file(["yes", "no", "maybe"]), LABELS, "KF405", "'maybe'; it has no, yes"),
        (file(["yes", "no", "1.0"]), LABELS, "KF405", "'1.0'"),
        (file(["yes no", "no yes", "yes perhaps"]), RANKED, "KF405", "'perhaps'"),
        (file(["11", "12", "90"]), VALUES, "KF406", "1 of 3 predictions in y lie outside 10 to 20"),
        (file(["0.1", "-0.2", "1.3"]), PROBABILITIES, "KF406", "2 of 3 predictions in y lie outside 0 to 1"),
        (file(["11", "11", "11"]), VALUES, "KF407", "every row has the same prediction in y: 11"),
        (file(["0.0", "0", "0"]), VALUES, "KF408", "the sample itself"),
        (file(["0", "0", "0"], "987"), VALUES, "KF408", "the sample itself"),
        (file(["no", "no", "no"]), LABELS, "KF408", "the sample itself"),
    ],
)
def test_a_planted_fault_is_found(frame, expected, code, message):
    messages = found(frame, expected)
    assert message in messages[code]


CLASSES = ("a", "b", "c")


def of_classes(*rows: tuple[float, float, float]) -> pl.DataFrame:
    probabilities = {name: [str(row[number]) for row in rows] for number, name in enumerate(CLASSES)}
    return pl.DataFrame({"id": ["7", "8", "9"], **probabilities})


@pytest.mark.parametrize(("last", "code"), [(0.3, None), (0.302, None), (0.4, "KF406")])
def test_probabilities_of_a_row_that_do_not_add_up_are_found(last, code):
    expected = Expected(of_classes(*3 * [(0.4, 0.3, 0.3)]), "probability", CLASSES, {})
    messages = found(of_classes((0.5, 0.2, 0.3), (0.1, 0.6, last), (0.25, 0.5, 0.25)), expected)
    assert list(messages) == ([] if code is None else [code])
    assert code is None or "of 1 rows do not add up to 1: the first ones to 1.1" in messages[code]


def test_probabilities_need_not_add_up_where_those_of_the_sample_do_not():
    expected = Expected(of_classes(*3 * [(0.5, 0.5, 0.5)]), "probability", CLASSES, {})
    assert found(of_classes((0.5, 0.9, 0.3), (0.1, 0.6, 0.4), (0.9, 0.5, 0.3)), expected) == {}


def test_all_faults_are_found_at_once():
    bad = file(["-900", None, "x"], "97x")
    assert found(bad).keys() == {"KF402", "KF404", "KF405", "KF406"}


def test_the_target_is_left_a_little_by_honest_models():
    (finding,) = form_findings(file(["11", "12", "21"]), VALUES)
    assert (finding.code, finding.severity) == ("KF406", "note")
    (finding,) = form_findings(file(["11", "12", "90"]), VALUES)
    assert finding.severity == "warning"


def test_one_constant_column_of_several_is_a_warning_only():
    expected = Expected(SAMPLE.with_columns(z=pl.lit("0")), "value", (), {})
    (finding,) = form_findings(file(["1", "2", "3"], z=["5", "5", "5"]), expected)
    assert (finding.code, finding.severity, finding.columns) == ("KF407", "warning", ("z",))
