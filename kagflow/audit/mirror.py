"""Whether valid differs from train as test does (KF143)."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.audit.apart import compare_sides, train_and_test
from kagflow.audit.findings import Finding
from kagflow.audit.keys import Key
from kagflow.audit.look import Look
from kagflow.audit.moments import both_times, distances, in_words, share_later
from kagflow.audit.straddling import one_line
from kagflow.data import Rows

# Conventions, each beside a test of chance or a plain fact of time: half-way between "as known as a draw of rows would
# have it" (0) and "never seen" (1); and three times as near or far in time.
_UNLIKE, _TIMES_FARTHER = 0.5, 3.0
_NO_ROOM = 0.9  # where so many values are new by chance, being new says nothing
_BEYOND_NOISE = 5.0  # standard deviations; one in a million columns
_SHOWN = 3
_WORTH_TELLING, _NEAR = 0.005, 0.25  # shares of rows: worth a word; near enough to speak for the folds


@dataclass(frozen=True)
class Likeness:
    """One way in which valid and test may differ from train.

    Attributes
    ----------
    name, column
        Of what, and the column it is made of.
    test, valid
        In words.
    alike
        Whether they are near to each other.
    apart
        How far they are from each other, in [0, 1].
    tells
        How much is known from it; the most telling are shown.
    """

    name: str
    column: str
    test: str
    valid: str
    alike: bool
    apart: float
    tells: float


def folds_mirror_test(look: Look) -> list[Finding]:
    """Say whether the folds in use mirror how test was drawn: a warning where they do not, a note where they do."""
    if not look.once:
        return []
    seen = [likeness for key in look.keys if (likeness := _new_values(look, key)) is not None]
    if look.time is not None:
        seen += _in_time(look, *look.time)
    seen.sort(key=lambda likeness: -likeness.tells)
    unlike = [likeness for likeness in seen if not likeness.alike]
    near = [each for each in seen if each.apart < _NEAR and each.tells > _WORTH_TELLING]
    shown = (unlike or near)[:_SHOWN]
    told = "; ".join(f"{each.name}: {each.test} of test, {each.valid} of valid" for each in shown)
    kind = look.advice.splitter.kind
    if unlike:
        more = f", and {len(unlike) - _SHOWN} more" if len(unlike) > _SHOWN else ""
        return [
            Finding(
                code="KF143",
                severity="warning",
                message=f"valid does not differ from train as test does: {told}{more}",
                where="folds",
                columns=tuple(dict.fromkeys(each.column for each in unlike)),
                size=len(unlike),
                hint=_what_to_do(look),
            )
        ]
    nothing = f"no column tells test or valid from train by new values; {kind} folds are as good as any"
    return [
        Finding(
            code="KF143",
            severity="note",
            message=f"valid differs from train as test does: {told}" if told else nothing,
            where="folds",
            columns=tuple(dict.fromkeys(each.column for each in shown)),
            size=0,
        )
    ]


def _what_to_do(look: Look) -> str:
    if not look.advised_in_use:
        return f"paste: {one_line(look.advice.yaml)}"
    if look.advice.group is None and look.advice.time is None:
        return (
            "no splitter was found that mirrors this; make a GROUP or TIME of these columns, if that is what they are"
        )
    return "folds of that kind are right, but not with these settings"


def _new_values(look: Look, key: Key) -> Likeness | None:
    """Compare how often a value is new in test, and how often in valid, each beside what chance would do."""
    if look.time is not None and key.column == look.time[0].name:
        return None  # told better by how far rows are in time
    test = train_and_test(key)
    valid = [compare_sides(key.codes, key.values, fold.train, fold.valid) for fold in look.once]
    weights = [len(fold.valid) for fold in look.once]
    unseen, chance, separation = (
        float(np.average([getattr(each, name) for each in valid], weights=weights))
        for name in ("unseen", "unseen_by_chance", "separation")
    )
    if max(test.unseen_by_chance, chance) > _NO_ROOM:
        return None
    beyond = _is_beyond_noise(look, key)
    return Likeness(
        name=f"new {key.name}",
        column=key.column,
        test=f"{test.unseen:.0%}",
        valid=f"{unseen:.0%}",
        alike=not beyond or abs(test.separation - separation) < _UNLIKE,
        apart=abs(test.unseen - unseen),
        tells=max(test.unseen, unseen),
    )


def _is_beyond_noise(look: Look, key: Key) -> bool:
    """Say whether a key is otherwise in test, or in valid, than whole units drawn at random would have it.

    Of what was drawn as a whole (a product) each value (its material) counts once.
    """
    whole = look.advised_group is not None and look.advised_group is not key
    units = look.drawn if whole else np.arange(len(key.codes))
    single = np.zeros(len(key.codes), dtype=bool)
    single[np.unique(np.column_stack([units, key.codes]), axis=0, return_index=True)[1]] = True
    rows = np.arange(len(single))
    sides = [(rows[: look.n], rows[look.n :]), *((fold.train, fold.valid) for fold in look.once)]
    seen = (compare_sides(key.codes, key.values, train[single[train]], other[single[other]]) for train, other in sides)
    return any(abs(each.z) > _BEYOND_NOISE for each in seen)


def _in_time(look: Look, train: pl.Series, test: pl.Series) -> list[Likeness]:
    time, rows = both_times(train, test), np.arange(look.n + len(test))
    sides: list[tuple[Rows, Rows]] = [(rows[: look.n], rows[look.n :])]
    folds = [(fold.train, fold.valid) for fold in look.once]
    later = [np.mean([share_later(time, *side) for side in part]) for part in (sides, folds)]
    far = [float(np.concatenate([distances(time, *side) for side in part]).mean()) for part in (sides, folds)]
    farther = max(far) / max(min(far), 1e-9) if max(far) else 1.0
    return [
        Likeness(
            f"later than train by {train.name}",
            train.name,
            f"{later[0]:.0%}",
            f"{later[1]:.0%}",
            bool(abs(later[0] - later[1]) < _UNLIKE),
            apart=float(abs(later[0] - later[1])),
            tells=2,
        ),
        Likeness(
            f"mean distance to the nearest training row by {train.name}",
            train.name,
            in_words(far[0], time),
            in_words(far[1], time),
            farther < _TIMES_FARTHER,
            apart=0.0 if farther < _TIMES_FARTHER else 1.0,
            tells=3,
        ),
    ]
