"""Frames as encoders meet them: one vocabulary for all rows, anything may be null, and there may be one row only."""

import math

import polars as pl
import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

COLOURS = pl.Enum(["blue", "green", "red", "white"])
SHAPES = pl.Enum(["flat", "round"])


@pytest.fixture(scope="session")
def train_rows() -> SearchStrategy[pl.DataFrame]:
    """Rows to learn from; none of them is white."""
    return st.integers(1, 25).flatmap(lambda height: _rows(height, ["blue", "green", "red"]))


@pytest.fixture(scope="session")
def any_rows() -> SearchStrategy[pl.DataFrame]:
    """Rows to encode, perhaps none; some may be white, which was unseen."""
    return st.integers(0, 8).flatmap(lambda height: _rows(height, ["blue", "green", "red", "white"]))


@pytest.fixture(scope="session")
def numbers() -> SearchStrategy[float]:
    """Numbers whose sums are exact, with some that are equal."""
    return _numbers()


def _rows(height: int, colours: list[str]) -> SearchStrategy[pl.DataFrame]:
    columns = {
        "colour": (st.sampled_from(colours), COLOURS),
        "shape": (st.sampled_from(["flat", "round"]), SHAPES),
        "wet": (st.booleans(), pl.Boolean),
        "width": (_numbers() | st.just(math.nan), pl.Float64),
        "rooms": (st.integers(-3, 9), pl.Int64),
    }
    return st.fixed_dictionaries(
        {name: _column(name, height, values, dtype) for name, (values, dtype) in columns.items()}
    ).map(pl.DataFrame)


def _column(name: str, height: int, values: SearchStrategy[object], dtype: pl.DataType) -> SearchStrategy[pl.Series]:
    some = st.lists(st.none() | values, min_size=height, max_size=height)
    return (some | st.just([None] * height)).map(lambda column: pl.Series(name, column, dtype=dtype))


def _numbers() -> SearchStrategy[float]:
    return st.integers(-400, 400).map(lambda number: number / 4)
