"""The files of a new competition: facts with their evidence, features by kind of column, configs, notes and a test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from kagflow.audit.advice import Advice
from kagflow.config import Task
from kagflow.features.automatic import AUTO
from kagflow.scaffold.columns import Columns
from kagflow.scaffold.guess import Guess

_FEW_ROWS = 2000  # too few to spare some for stopping
_FEW_GROUPS = 3
_WIDTH = 110
_MOST_PAIRED = 12  # names, of which all pairs are still few
_WITH_THRESHOLD = ("f1", "f1_macro", "mcc", "balanced_accuracy")  # which half is seldom the best one for
_DATE_PARTS = ("year", "month", "day", "weekday", "day_of_year", "days")
MOMENT = "moment"
_NOT_UTF_8 = "the files are not UTF-8; this is the most common of the other encodings: look at words with accents"
_CODES = "whole numbers far apart that come again and again, or are called so: they look like names"
_AUTOMATIC = """\
# What each fold makes and chooses for itself, on its training rows; `False` leaves a group out.
AUTO = automatic(
    FEATURES,
    dates=True,
    missing=True,
    text=True,
    encodings=True,
    pairs=True,
    aggregates=True,
    arithmetic=True,
)
"""
_WITHOUT = "# What the columns say as they are; models take categories, and nulls, as they come."
_WITH_NAMES = "# A tree would split names of many kinds by their few rows: it gets what they mean, and not the names."


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
    def group_expression(self) -> str:
        """What makes a group of a column, as it stands in `features.py`; empty where a column is the group."""
        group = self.advice.group
        return group if group is not None and not self.group and not self._is_column(group) else ""

    @property
    def time_expression(self) -> str:
        """What makes a time of text, as it stands in `features.py`; empty where a column is the time."""
        time = self.time or self.advice.time or ""
        form = dict(self.columns.written_dates).get(time)
        return f"pl.col({_quoted(time)}).str.to_datetime({_quoted(form)})" if form else self.time_of_ids

    @property
    def time_of_ids(self) -> str:
        """What makes a time of ids; empty where they hold none."""
        lines = [line for line in self.advice.yaml.splitlines() if line.startswith("# in features.py: TIME = ")]
        return lines[0].partition("TIME = ")[2] if lines and not self.time else ""

    @staticmethod
    def _is_column(group: str | None) -> bool:
        return group is not None and not group.startswith("pl.col(")


@dataclass(frozen=True)
class Documents:
    """Texts by file name: of the competition's folder, and of its configs'."""

    competition: dict[str, str] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)


def write_out(draft: Draft) -> Documents:
    """Return the texts of all files of a new competition."""
    return Documents(
        {
            "competition.yaml": _competition(draft),
            "features.py": _features(draft),
            "NOTES.md": _notes(draft),
            "test_features.py": _test(draft),
        },
        _configs(draft),
    )


# --- competition.yaml -------------------------------------------------------------------------------------------------


def _competition(draft: Draft) -> str:
    guesses = draft.guesses()
    lines = ["# Guessed from the files; each comment is the evidence. Lines marked LOOK are worth a second look.", ""]
    for key, value in draft.facts().items():
        guess = guesses.get(key)
        if guess is not None:
            lines += [f"# {'' if guess.sure else 'LOOK: '}{part}" for part in _wrapped(guess.why)]
        lines.append(_yaml_line(key, value))
    if draft.only_train:
        lines += ["", f"# Left out, for test lacks them: {', '.join(draft.only_train)}"]
    return "\n".join(lines) + "\n"


def _yaml_line(key: str, value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return f"{key}: {text.removesuffix('...' + chr(10)).strip()}"


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


# --- features.py ------------------------------------------------------------------------------------------------------


def _features(draft: Draft) -> str:
    columns = draft.columns
    encoded = columns.names_of_many
    sections = [
        _head(draft, encoded),
        _derived(draft),
        _named(
            "NAMES_OF_MANY", encoded, "Names of many kinds: how common each is, and what the target was for its like."
        ),
        _reading(draft),
        *_steps(draft, encoded),
    ]
    return "\n".join(section for section in sections if section)


def _head(draft: Draft, encoded: Sequence[str]) -> str:
    columns = draft.columns
    reads = columns.written_dates or columns.decorated or columns.parted
    encoders = [
        *(["Frequency", "TargetMean"] if encoded else []),
        *(["combinations"] if 2 <= len(encoded) <= _MOST_PAIRED else []),
        *(["dates"] if any(_dates(draft)) else []),
        *(["text_lengths"] if columns.texts or columns.names else []),
    ]
    imports = ["import polars as pl", ""] if reads or draft.group_expression or draft.time_expression else []
    imports += ["from kagflow.features import FeatureSet", "from kagflow.features.automatic import automatic"]
    if encoders:
        imports.append(f"from kagflow.features.encoders import {', '.join(encoders)}")
    return "\n".join(
        [
            f'"""{draft.facts()["title"]}: a first set of features, by what kind of thing each column holds.',
            "",
            "Written from the files alone: rename, throw out what does not help, and note in NOTES.md why.",
            '"""',
            "",
            *imports,
            "",
        ]
    )


def _derived(draft: Draft) -> str:
    lines = []
    if draft.group_expression:
        lines += [
            "# Rows of one group were kept together when test was drawn; folds keep them together too.",
            f"GROUP = {draft.group_expression}",
        ]
    if draft.time_expression:
        lines += ["# The files hold it as text; this is the time that it says.", f"TIME = {draft.time_expression}"]
    return "\n".join([*lines, ""]) if lines else ""


def _named(name: str, columns: Sequence[str], comment: str) -> str:
    return "\n".join([f"# {comment}", f"{name} = {_tuple(columns)}", ""]) if columns else ""


def _tuple(names: Sequence[str]) -> str:
    """Return names as a tuple in Python, one a line where a line would be too long."""
    flat = ", ".join(map(_quoted, names))
    if len(flat) < 90:
        return f"({flat},)" if len(names) == 1 else f"({flat})"
    return "(\n" + "".join(f"    {_quoted(name)},\n" for name in names) + ")"


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _reading(draft: Draft) -> str:
    """Return the row functions that make of text what it says."""
    columns, parts = draft.columns, []
    if columns.written_dates:
        forms = "".join(f"    {_quoted(name)}: {_quoted(form)},\n" for name, form in columns.written_dates)
        body = "pl.col(name).str.to_datetime(form, strict=False) for name, form in DATES.items()"
        what = "Make dates of text; of day and month the day is taken to come first, where either might."
        parts += [f"DATES = {{\n{forms}}}", _row_function("read_dates", what, body)]
    if columns.decorated:
        body = r'pl.col(*AMOUNTS).str.replace_all(r"[,$€£%\s]", "").cast(pl.Float64, strict=False)'
        parts += [
            f"AMOUNTS = {_tuple(columns.decorated)}",
            _row_function("read_amounts", "Make numbers of text such as $1,234.50.", body),
        ]
    if columns.parted:
        split = "".join(
            f"        pl.col({_quoted(column.name)}).str.split({_quoted(column.separator)}).list.get({part})"
            f"{'.cast(pl.Float64, strict=False)' if is_number else ''}"
            f".alias({_quoted(f'{column.name}__part_{part + 1}')}),\n"
            for column in columns.parted
            for part, is_number in enumerate(column.numbers)
        )
        parts.append(_row_function("take_apart", "Each part of a name may say something.", f"\n{split}    "))
    if draft.time_of_ids:
        body = f'{draft.time_of_ids}.alias("{MOMENT}")'
        parts.append(_row_function("read_time", "The time that the id holds; ids are no features.", body))
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n\n" if parts else ""


def _row_function(name: str, what: str, columns: str) -> str:
    return f'def {name}(x: pl.DataFrame) -> pl.DataFrame:\n    """{what}"""\n    return x.with_columns({columns})\n'


def _steps(draft: Draft, encoded: Sequence[str]) -> Iterator[str]:
    columns = draft.columns
    dates, moments = _dates(draft)
    texts = (*columns.texts, *columns.names)
    rows = [
        *(["read_dates"] if columns.written_dates else []),
        *(["read_amounts"] if columns.decorated else []),
        *(["take_apart"] if columns.parted else []),
        *(["read_time"] if draft.time_of_ids else []),
        *([f"dates({_tuple(dates)}, parts={_tuple(_DATE_PARTS)})"] if dates else []),
        *([f"dates({_tuple(moments)}, parts={_tuple((*_DATE_PARTS, 'hour'))})"] if moments else []),
        *([f"text_lengths({_tuple(texts)})"] if texts else []),
    ]
    drop = [*texts, *dates, *moments, *columns.constant]
    settings = [f"rows=({', '.join(rows)},)"] if rows else []
    encodings = ["fold=(Frequency(NAMES_OF_MANY),)", "target=(TargetMean(NAMES_OF_MANY),)"] if encoded else []
    encoded_only = _call("FeatureSet", [*settings, *encodings, *_drop([*drop, *encoded])])
    yield f"{_WITH_NAMES if encoded else _WITHOUT}\nFEATURES = {encoded_only}\n"
    yield _AUTOMATIC
    if not encoded:
        return
    names = _call("FeatureSet", [*settings, encodings[0], *_drop(drop)])
    yield f"# For models that encode names themselves, as CatBoost does.\nNAMES = {names}\n"
    if 2 <= len(encoded) <= _MOST_PAIRED:
        pairs = [*settings, "fold=(Frequency(PAIRS_OF_NAMES),)", "target=(TargetMean(PAIRS_OF_NAMES),)"]
        yield (
            "# What two names say together, too.\n"
            "PAIRS_OF_NAMES = (*NAMES_OF_MANY, *combinations(NAMES_OF_MANY, 2))\n"
            f"PAIRS = {_call('FeatureSet', [*pairs, *_drop([*drop, *encoded])])}\n"
        )


def _dates(draft: Draft) -> tuple[list[str], list[str]]:
    """Return the columns of dates, and those of moments, that are to be taken apart."""
    columns = draft.columns
    names = [*columns.dates, *(name for name, _ in columns.written_dates)]
    of_ids = [MOMENT] if draft.time_of_ids else []
    with_hours = [*of_ids, *columns.moments] if "datetime" in draft.time_of_ids else [*columns.moments]
    plain = [name for name in names if name not in columns.moments]
    return [*plain, *(name for name in of_ids if name not in with_hours)], with_hours


def _drop(names: Sequence[str]) -> list[str]:
    return [f"drop={_tuple([_escaped(name) for name in names])}"] if names else []


def _escaped(name: str) -> str:
    """Return a column's name as a pattern that means just this name."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _call(function: str, settings: Sequence[str]) -> str:
    flat = f"{function}({', '.join(settings)})"
    if len(flat) < 100 and "\n" not in flat:
        return flat
    body = "".join(f"    {setting.replace(chr(10), chr(10) + '    ')},\n" for setting in settings)
    return f"{function}(\n{body})"


# --- configs ----------------------------------------------------------------------------------------------------------


def _configs(draft: Draft) -> dict[str, str]:
    few = draft.rows[0] < _FEW_ROWS
    # Classes of few rows are soon overfitted, and a part of them hardly tells when; nor can one of very few groups.
    fixed = (few and draft.task.value != "regression") or draft.has_few_groups
    rounds: dict[str, Any] = {**({"rounds": 300} if fixed else {}), **({"seeds": 3} if few else {})}
    leaves = 7 if few else 15 if draft.rows[0] < 20_000 else 31
    rate = 0.02 if few and fixed else 0.03
    linear: dict[str, Any] = {"kind": "sklearn"}
    graded = _towards_labels(draft.task.value, draft.metric.value)
    if draft.task.value == "regression" or "target_transform" in graded:
        linear |= {"estimator": "sklearn.linear_model.Ridge", "params": {"alpha": 10.0}}
    else:
        linear |= {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 0.3, "max_iter": 2000}}
    documents: dict[str, dict[str, Any]] = {
        "lgbm": {**rounds, "model": {"params": {"num_leaves": leaves, "learning_rate": rate}}, **graded},
        "xgb": {**rounds, "model": {"kind": "xgboost", "params": {"learning_rate": rate}}, **graded},
        "cat": {**rounds, "model": {"kind": "catboost", "params": {"learning_rate": max(rate, 0.03)}}, **graded},
        "linear": {"model": linear, **graded},
    }
    documents["lgbm_auto"] = {"features": AUTO, **documents["lgbm"]}
    encoded = draft.columns.names_of_many
    if encoded:
        documents["cat"] = {"features": "names", **documents["cat"]}
    if 2 <= len(encoded) <= _MOST_PAIRED:
        documents["lgbm_pairs"] = {"features": "pairs", **documents["lgbm"]}
    return {
        f"{name}.yaml": yaml.safe_dump(document, sort_keys=False, default_flow_style=None)
        for name, document in documents.items()
    }


def _towards_labels(task: Task, metric: str) -> dict[str, Any]:
    """Return the settings with which predictions become the labels that the metric likes best."""
    if metric == "quadratic_kappa":
        return {"target_transform": "as_numbers", "postprocess": "kappa"}
    return {"postprocess": "threshold"} if task == "binary" and metric in _WITH_THRESHOLD else {}


# --- notes and a test -------------------------------------------------------------------------------------------------


def _notes(draft: Draft) -> str:
    facts, columns = draft.facts(), draft.columns
    kinds = {
        "numbers": columns.numbers,
        "whole numbers that may be names": columns.codes,
        "words of few kinds": columns.low,
        "words of many kinds": columns.high,
        "prose": columns.texts,
        "dates": (*columns.dates, *(name for name, _ in columns.written_dates)),
        "numbers with separators": columns.decorated,
        "different in almost every row": columns.names,
        "constant": columns.constant,
    }
    table = "".join(f"| {kind} | {len(names)} | {_shown(names)} |\n" for kind, names in kinds.items() if names)
    return f"""# {facts["title"]}

{draft.rows[0]} training rows, {draft.rows[1]} test rows; {draft.task.value}, {draft.metric.value}.

## Data

| kind | columns | which |
|---|---|---|
{table}
## Validation

`{_yaml_line("splitter", facts["splitter"])}`: {"; ".join(draft.advice.evidence)}.

## Features

What was tried, and what it was worth (`kagflow runs {draft.name} NEW --against OLD`).

## Models

## Ensemble

## What failed
"""


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(name.replace("|", "\\|") for name in names[:6])
    return f"{shown}, ..." if len(names) > 6 else shown


def _test(draft: Draft) -> str:
    return f'''from pathlib import Path

import pytest

import kagflow
from kagflow.features.steps import FeatureSet

COMPETITION = kagflow.load("{draft.name}", Path(__file__).parents[2])


@pytest.mark.parametrize("name", sorted(COMPETITION.feature_sets))
def test_every_set_of_features_can_be_made(name):
    assert isinstance(COMPETITION.feature_set(name), FeatureSet)


def test_the_facts_name_the_target_once():
    assert COMPETITION.facts.id not in COMPETITION.facts.targets
'''
