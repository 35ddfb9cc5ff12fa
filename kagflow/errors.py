"""Errors that a user can act on: what was expected, what came, where, and what to do."""

import difflib
from collections.abc import Iterable

_SHOWN = 20


class KagflowError(Exception):
    """Something that the user can put right.

    Parameters
    ----------
    problem
        What was expected and what came instead, in one sentence.
    hint
        What to do about it; a command where there is one.
    where
        The file (and line), step, column or config key at fault.
    code
        ``KF`` and a number where a guard of the score stopped the run; `kagflow.codes` explains it.
    """

    def __init__(self, problem: str, hint: str = "", where: str = "", code: str = "") -> None:
        super().__init__(problem, hint, where, code)
        self.problem = problem
        self.hint = hint
        self.where = where
        self.code = code

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{self.code} {place}{self.problem}".lstrip()


class ConfigError(KagflowError):
    """A competition's facts, an experiment or an option is not what it must be."""


class DataError(KagflowError):
    """A data file is missing, unreadable, or contradicts the competition's facts."""


class SplitError(KagflowError):
    """The rows cannot be split as asked."""


class FeatureError(KagflowError):
    """A step or row function broke its promise."""


class ModelError(KagflowError):
    """A model could not be built, fitted or read."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint: the nearest known words, whatever their case, or some of them when none is near.

    Parameters
    ----------
    word
        What the user wrote.
    known
        What would have been right.
    """
    options = sorted(known)
    by_folded = {option.casefold(): option for option in options}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=2, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(by_folded[folded]) for folded in near) + "?"
    if not options:
        return "nothing is known here yet"
    return "known: " + ", ".join(options[:_SHOWN]) + (", ..." if len(options) > _SHOWN else "")
