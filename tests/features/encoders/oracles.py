"""Statistics by plain loops."""

import math
import statistics


def quantile(values, share):
    """Return the quantile, linear between two numbers."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low = math.floor(place)
    return ordered[low] + (place - low) * (ordered[math.ceil(place)] - ordered[low])


def moment(values, power):
    """Return the sum of powers of the distances to the mean."""
    mean = sum(values) / len(values)
    return sum((value - mean) ** power for value in values)


def variance(values):
    return moment(values, 2) / (len(values) - 1) if len(values) > 1 else None


def deviation(values):
    return math.sqrt(variance(values)) if len(values) > 1 else None


def skew(values):
    n = len(values)
    return moment(values, 3) / n / (moment(values, 2) / n) ** 1.5 if len(set(values)) > 1 else None


ORACLES = {
    "mean": lambda values: sum(values) / len(values),
    "std": deviation,
    "var": variance,
    "skew": skew,
    "median": statistics.median,
    "min": min,
    "max": max,
    "quantile_0.9": lambda values: quantile(values, 0.9),
    "quantile_.25": lambda values: quantile(values, 0.25),
    "count": len,
    "nunique": lambda values: len(set(values)),
}
COUNTS = ("count", "nunique")


def statistic(name, values):
    """Return a statistic of some numbers, 0 or null where there is none."""
    if not values:
        return 0 if name in COUNTS else None
    return ORACLES[name](values)


def agree(made, expected):
    """Say whether numbers are equal up to rounding errors, and null in the same places."""
    return len(made) == len(expected) and all(
        ours is theirs if ours is None or theirs is None else math.isclose(ours, theirs, rel_tol=1e-6, abs_tol=1e-9)
        for ours, theirs in zip(made, expected, strict=True)
    )
