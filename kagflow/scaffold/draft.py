"""All that is guessed of a new competition, before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kagflow.audit.advice import Advice
from kagflow.config import Task
from kagflow.scaffold.columns import Columns
from kagflow.scaffold.guess import Guess
from kagflow.scaffold.python_text import quoted

_FEW_GROUPS = 3
_MOST_PAIRED = 12  # names, of which all pairs are still few
_NOT_UTF_8 = "the files are not UTF-8; this is the most common of the other encodings: look at words with accents"
_CODES = "whole numbers far apart that come again and again, or are called so: they look like names"


@dataclass(frozen=True)
class Draft:
    """All that is guessed of a competition.

    Attributes
    ----------
    name, slug
        Here, and at Kaggle.
    names
        Of the files, by role.
    id, targets, task, metric, null_words, positive
        Facts; ``positive`` only where the order of labels would make it the other one.
    advice
        How to split.
    columns
        By kind.
    rows
        Of train and of test.
    only_train
        Columns that test lacks.
    group, time
        Columns that the user named.
    encoding
        Of the files.
    """

    name: str
    slug: str
    names: Mapping[str, str]
    id: Guess[str]
    targets: Guess[tuple[str, ...]]
    task: Guess[Task]
    metric: Guess[str]
    null_words: Guess[tuple[str, ...]]
    positive: Guess[str] | None
    advice: Advice
    columns: Columns
    rows: tuple[int, int]
    only_train: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    encoding: str = "utf-8"

    def guesses(self) -> dict[str, Guess[Any]]:
        """Return every guess by its key of `competition.yaml`."""
        named: dict[str, Guess[Any] | None] = {
            "task": self.task,
            "metric": self.metric,
            "id": self.id,
            "target": self.targets,
            "positive": self.positive,
            "null_words": self.null_words if len(self.null_words.value) > 1 else None,
            "categorical": Guess(self.columns.codes, _CODES, sure=False) if self.columns.codes else None,
        }
        splitter = Guess(self.facts()["splitter"], "; ".join(self.advice.evidence))
        encoding = {} if self.encoding == "utf-8" else {"encoding": Guess(self.encoding, _NOT_UTF_8, sure=False)}
        return {key: guess for key, guess in named.items() if guess is not None} | {"splitter": splitter, **encoding}

    def facts(self) -> dict[str, Any]:
        """Return `competition.yaml` as a document."""
        targets = self.targets.value
        usual = {"train": "train.csv", "test": "test.csv", "sample": "sample_submission.csv"}
        facts: dict[str, Any] = {
            "title": self.slug.replace("-", " ").title(),
            "slug": self.slug,
            "task": self.task.value,
            "metric": self.metric.value,
            "id": self.id.value,
            "target": targets[0] if len(targets) == 1 else list(targets),
            "positive": self.positive.value if self.positive else None,
            "null_words": list(self.null_words.value) if len(self.null_words.value) > 1 else None,
            "categorical": list(self.columns.codes) or None,
            "group": self.group or (self.advice.group if self._is_column(self.advice.group) else None),
            "time": None if self.time_expression else self.time or self.advice.time,
            "splitter": {"kind": self.advice.splitter.kind, **self.advice.splitter.settings},
            **{f"{role}_file": name for role, name in self.names.items() if name != usual[role]},
            "encoding": self.encoding if self.encoding != "utf-8" else None,
        }
        return {key: value for key, value in facts.items() if value is not None}

    @property
    def has_few_groups(self) -> bool:
        """Whether there are so few groups that none can be spared for stopping."""
        splitter = self.advice.splitter
        return "group" in splitter.kind and splitter.settings.get("folds", 0) <= _FEW_GROUPS

    @property
    def has_pairs(self) -> bool:
        """Whether there are names of many kinds, and so few of them that all their pairs are still few."""
        return 2 <= len(self.columns.names_of_many) <= _MOST_PAIRED

    @property
    def group_expression(self) -> str:
        """What makes a group of a column, as it stands in `features.py`; empty where a column is the group."""
        group = self.advice.group
        return group if group is not None and not self.group and not self._is_column(group) else ""

    @property
    def time_expression(self) -> str:
        """What makes a time of text, as it stands in `features.py`; empty where a column is the time."""
        time = self.time or self.advice.time or ""
        form = dict(self.columns.written_dates).get(time)
        return f"pl.col({quoted(time)}).str.to_datetime({quoted(form)})" if form else self.time_of_ids

    @property
    def time_of_ids(self) -> str:
        """What makes a time of ids; empty where they hold none."""
        lines = [line for line in self.advice.yaml.splitlines() if line.startswith("# in features.py: TIME = ")]
        return lines[0].partition("TIME = ")[2] if lines and not self.time else ""

    @staticmethod
    def _is_column(group: str | None) -> bool:
        return group is not None and not group.startswith("pl.col(")
