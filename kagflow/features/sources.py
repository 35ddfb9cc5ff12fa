"""What was made of which column, by the names of columns: ``<source>__<what>``."""

from collections.abc import Mapping, Sequence


def sums_by_source(values: Mapping[str, float], columns: Sequence[str]) -> dict[str, float]:
    """Return how much there is of each column, what was made of it alone counted in.

    Parameters
    ----------
    values
        How much there is of each feature.
    columns
        The columns that are asked about.
    """
    found = dict.fromkeys(columns, 0.0)
    for name, value in values.items():
        parts = name.split("__")
        for end in range(1, len(parts) + 1):
            source = "__".join(parts[:end])
            if source in found:
                found[source] += value
    return found
