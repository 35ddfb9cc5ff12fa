"""`features.py` of a new competition: what each kind of column gives."""

from collections.abc import Iterator, Sequence

from kagflow.scaffold.draft import Draft
from kagflow.scaffold.python_text import call, quoted, row_function, tuple_of, tuple_of_code

_DATE_PARTS = ("year", "month", "day", "weekday", "day_of_year", "days")
_MOMENT = "moment"
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


def features_py(draft: Draft) -> str:
    """Return the text of `features.py`."""
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
        *(["combinations"] if draft.has_pairs else []),
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
    return "\n".join([f"# {comment}", f"{name} = {tuple_of(columns)}", ""]) if columns else ""


def _reading(draft: Draft) -> str:
    """Return the row functions that make of text what it says."""
    columns, parts = draft.columns, []
    if columns.written_dates:
        forms = "".join(f"    {quoted(name)}: {quoted(form)},\n" for name, form in columns.written_dates)
        body = "pl.col(name).str.to_datetime(form, strict=False) for name, form in DATES.items()"
        what = "Make dates of text; of day and month the day is taken to come first, where either might."
        parts += [f"DATES = {{\n{forms}}}", row_function("read_dates", what, body)]
    if columns.decorated:
        body = r'pl.col(*AMOUNTS).str.replace_all(r"[,$€£%\s]", "").cast(pl.Float64, strict=False)'
        parts += [
            f"AMOUNTS = {tuple_of(columns.decorated)}",
            row_function("read_amounts", "Make numbers of text such as $1,234.50.", body),
        ]
    if columns.parted:
        split = "".join(
            f"        pl.col({quoted(column.name)}).str.split({quoted(column.separator)}).list.get({part})"
            f"{'.cast(pl.Float64, strict=False)' if is_number else ''}"
            f".alias({quoted(f'{column.name}__part_{part + 1}')}),\n"
            for column in columns.parted
            for part, is_number in enumerate(column.numbers)
        )
        parts.append(row_function("take_apart", "Each part of a name may say something.", f"\n{split}    "))
    if draft.time_of_ids:
        body = f'{draft.time_of_ids}.alias("{_MOMENT}")'
        parts.append(row_function("read_time", "The time that the id holds; ids are no features.", body))
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n\n" if parts else ""


def _steps(draft: Draft, encoded: Sequence[str]) -> Iterator[str]:
    columns = draft.columns
    dates, moments = _dates(draft)
    texts = (*columns.texts, *columns.names)
    rows = [
        *(["read_dates"] if columns.written_dates else []),
        *(["read_amounts"] if columns.decorated else []),
        *(["take_apart"] if columns.parted else []),
        *(["read_time"] if draft.time_of_ids else []),
        *([call("dates", [tuple_of(dates), f"parts={tuple_of(_DATE_PARTS)}"])] if dates else []),
        *([call("dates", [tuple_of(moments), f"parts={tuple_of((*_DATE_PARTS, 'hour'))}"])] if moments else []),
        *([call("text_lengths", [tuple_of(texts)])] if texts else []),
    ]
    drop = [*texts, *dates, *moments, *columns.constant]
    settings = [f"rows={tuple_of_code(rows)}"] if rows else []
    encodings = ["fold=(Frequency(NAMES_OF_MANY),)", "target=(TargetMean(NAMES_OF_MANY),)"] if encoded else []
    encoded_only = call("FeatureSet", [*settings, *encodings, *_drop([*drop, *encoded])])
    yield f"{_WITH_NAMES if encoded else _WITHOUT}\nFEATURES = {encoded_only}\n"
    yield _AUTOMATIC
    if not encoded:
        return
    names = call("FeatureSet", [*settings, encodings[0], *_drop(drop)])
    yield f"# For models that encode names themselves, as CatBoost does.\nNAMES = {names}\n"
    if draft.has_pairs:
        pairs = [*settings, "fold=(Frequency(PAIRS_OF_NAMES),)", "target=(TargetMean(PAIRS_OF_NAMES),)"]
        yield (
            "# What two names say together, too.\n"
            "PAIRS_OF_NAMES = (*NAMES_OF_MANY, *combinations(NAMES_OF_MANY, 2))\n"
            f"PAIRS = {call('FeatureSet', [*pairs, *_drop([*drop, *encoded])])}\n"
        )


def _dates(draft: Draft) -> tuple[list[str], list[str]]:
    """Return the columns of dates, and those of moments, that are to be taken apart."""
    columns = draft.columns
    names = [*columns.dates, *(name for name, _ in columns.written_dates)]
    of_ids = [_MOMENT] if draft.time_of_ids else []
    with_hours = [*of_ids, *columns.moments] if "datetime" in draft.time_of_ids else [*columns.moments]
    plain = [name for name in names if name not in columns.moments]
    return [*plain, *(name for name in of_ids if name not in with_hours)], with_hours


def _drop(names: Sequence[str]) -> list[str]:
    return [f"drop={tuple_of([_escaped(name) for name in names])}"] if names else []


def _escaped(name: str) -> str:
    """Return a column's name as a pattern that means just this name."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
