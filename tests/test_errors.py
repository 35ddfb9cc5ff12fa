"""Errors say where, what and what to do; hints find the nearest word."""

import pickle

import pytest

from kagflow.errors import ConfigError, KagflowError, did_you_mean


def test_an_error_reads_where_and_what() -> None:
    assert str(KagflowError("no rows", hint="fetch again", where="train.csv")) == "train.csv: no rows"
    assert str(KagflowError("no rows")) == "no rows"


def test_an_error_comes_back_whole_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(ConfigError("no rows", hint="fetch again", where="train.csv")))
    assert isinstance(error, ConfigError)
    assert (error.problem, error.hint, error.where) == ("no rows", "fetch again", "train.csv")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("patince", "did you mean 'patience'?"),
        ("PATIENCE", "did you mean 'patience'?"),
        ("limi", "did you mean 'limit'?"),
        ("zzz", "known: Id, limit, patience"),
        ("ID", "did you mean 'Id'?"),
    ],
)
def test_the_nearest_word_is_suggested(word: str, hint: str) -> None:
    assert did_you_mean(word, ["patience", "limit", "Id"]) == hint


def test_a_long_list_of_words_is_cut() -> None:
    hint = did_you_mean("zzz", [f"column_{number:03}" for number in range(500)])
    assert hint.startswith("known: column_000, column_001")
    assert hint.endswith("column_019, ...")


def test_nothing_to_suggest() -> None:
    assert did_you_mean("zzz", []) == "nothing is known here yet"
