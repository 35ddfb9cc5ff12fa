"""Train rows that stand in another table as well, which would tell a scored row its own target."""

from collections.abc import Sequence

from kagflow.data.table import Frame
from kagflow.errors import DataError

_ENOUGH = 0.1


def check_repeats(name: str, table: Frame, train: Frame, *, id_: str, targets: Sequence[str], where: str) -> int:
    """Return how many of train's rows a table repeats, beside the target; refuse one that holds train itself.

    An original data set has rows of its own; one that was concatenated with train does not, and a mean over its target
    is a mean over the targets of the rows that score. Rows are the same if all columns that both files have agree, id
    and target aside: either most rows of the same id, or most of the rows that these columns tell apart. Fewer may be
    chance, or generated rows that hit an original one: they are counted.

    Parameters
    ----------
    name, table
        A declared table that a step joins. Without the target it repeats nothing that matters.
    train
        The training rows, target and all.
    id_, targets
        Names of the columns.
    where
        The table's file, for messages.

    Raises
    ------
    DataError
        The table holds the target and most of train's rows, or most rows of the same id are the same.
    """
    held = [target for target in targets if target in table.columns]
    if not held:
        return 0
    types = train.schema
    alike = [column for column, dtype in table.schema.items() if dtype == types.get(column)]
    shared = [column for column in alike if column not in (id_, *targets)]
    same = _found(train, table, [id_, *shared]) if id_ in alike else 0
    if same and 2 * same > _found(train, table, [id_]):
        raise _refusal(name, f"{same} of train's rows under their own ids", held[0], where)
    if not shared:
        return 0
    told_apart = train.filter(~train.select(shared).is_duplicated())
    found = _found(told_apart, table, shared)
    if 2 * found > told_apart.height > _ENOUGH * train.height:
        raise _refusal(name, f"{found} of train's rows", held[0], where)
    return found


def _found(rows: Frame, table: Frame, columns: list[str]) -> int:
    """Return how many rows the table holds, as far as these columns go."""
    return rows.select(columns).join(table.select(columns), on=columns, how="semi", nulls_equal=True).height


def _refusal(name: str, rows: str, target: str, where: str) -> DataError:
    return DataError(
        f"the table {name!r} holds the target {target!r} and {rows}: a row that scores would find its own target there",
        hint=f"take train's rows, or the column {target!r}, out of the file; what follows from train's own target "
        "belongs in a target step",
        where=where,
    )
