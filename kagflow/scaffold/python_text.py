"""Names, tuples, functions and calls as they are written in Python."""

from collections.abc import Sequence


def tuple_of(names: Sequence[str]) -> str:
    """Return names as a tuple in Python, one a line where a line would be too long."""
    flat = ", ".join(map(quoted, names))
    if len(flat) < 90:
        return f"({flat},)" if len(names) == 1 else f"({flat})"
    return "(\n" + "".join(f"    {quoted(name)},\n" for name in names) + ")"


def quoted(name: str) -> str:
    """Return a name between quotation marks."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def row_function(name: str, what: str, columns: str) -> str:
    """Return a row function that adds columns, which are written as polars expressions."""
    return f'def {name}(x: pl.DataFrame) -> pl.DataFrame:\n    """{what}"""\n    return x.with_columns({columns})\n'


def tuple_of_code(parts: Sequence[str]) -> str:
    """Return expressions as a tuple in Python, one a line where a line would be too long."""
    return f"({parts[0]},)" if len(parts) == 1 and "\n" not in parts[0] else call("", parts)


def call(function: str, settings: Sequence[str]) -> str:
    """Return a call, one setting a line where a line would be too long."""
    flat = f"{function}({', '.join(settings)})"
    if len(flat) < 100 and "\n" not in flat:
        return flat
    body = "".join(f"    {setting.replace(chr(10), chr(10) + '    ')},\n" for setting in settings)
    return f"{function}(\n{body})"
