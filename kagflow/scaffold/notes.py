"""`NOTES.md` of a new competition: its data and its validation in words, and room for what is tried."""

from collections.abc import Sequence

from kagflow.scaffold.competition_yaml import yaml_line
from kagflow.scaffold.draft import Draft


def notes(draft: Draft) -> str:
    """Return the text of `NOTES.md`."""
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

`{yaml_line("splitter", facts["splitter"])}`: {"; ".join(draft.advice.evidence)}.

## Features

What was tried, and what it was worth (`kagflow runs {draft.name} NEW --against OLD`).

## Models

## Ensemble

## What failed
"""


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(name.replace("|", "\\|") for name in names[:6])
    return f"{shown}, ..." if len(names) > 6 else shown
