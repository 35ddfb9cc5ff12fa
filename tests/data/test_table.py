"""What is known of rows, as arrays."""

from datetime import date

import polars as pl
import pytest

from kagflow.data.table import dense_codes, target_codes


def test_a_target_of_numbers_is_its_values() -> None:
    assert target_codes(pl.Series([1.5, 2.5])).tolist() == [1.5, 2.5]


def test_a_target_of_classes_is_their_codes_in_class_order() -> None:
    codes = target_codes(pl.Series(["no", "yes", "no"], dtype=pl.Enum(["yes", "no"])))
    assert codes.tolist() == [1, 0, 1]
    assert codes.dtype == "int64"


@pytest.mark.parametrize(
    "values",
    [
        [10, -3, 10, 40],
        ["b", "a", "b", "c"],
        [0.5, -1.0, 0.5, float("inf")],
        [date(2024, 2, 1), date(2024, 1, 1), date(2024, 2, 1), date(2025, 1, 1)],
    ],
    ids=["integers", "text", "floats", "dates"],
)
def test_codes_are_ascending_and_without_gaps(values: list[object]) -> None:
    assert dense_codes(pl.Series(values)).tolist() == [1, 0, 1, 2]
