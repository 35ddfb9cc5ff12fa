"""Whether an edition that was built again is the bundled one."""

import gzip
from pathlib import Path


def assert_same_rows(rebuilt: Path, bundled: Path, name: str) -> None:
    """The same text, however it was compressed."""
    first, second = (gzip.decompress((folder / f"{name}.csv.gz").read_bytes()) for folder in (rebuilt, bundled))
    assert first == second


def assert_same_bytes(rebuilt: Path, bundled: Path, name: str) -> None:
    """The same file."""
    first, second = ((folder / f"{name}.csv.gz").read_bytes() for folder in (rebuilt, bundled))
    assert first == second
