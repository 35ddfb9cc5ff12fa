"""What a user writes in an encoder's brackets, checked where it is written."""

import math
from collections.abc import Collection

from kagflow.errors import FeatureError, did_you_mean
from kagflow.features.blame import where_is


def check_number(step: object, field: str, least: float) -> None:
    """Raise a FeatureError unless a setting is a finite number of at least that size."""
    value = getattr(step, field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
        raise FeatureError(f"{field} must be a number of at least {least}, got {value!r}", where=where_is(step))


def check_word(step: object, field: str, word: object, known: Collection[str]) -> None:
    """Raise a FeatureError unless a word of a setting is one of those known."""
    if word not in known:
        raise FeatureError(f"{field} cannot be {word!r}", hint=did_you_mean(str(word), known), where=where_is(step))
