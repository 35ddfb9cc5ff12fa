"""``kagflow fetch``: see to it that a competition's files are there."""

from pathlib import Path

from kagflow.cli.printing import print_results
from kagflow.competition import load
from kagflow.data import find_source, read_dataset


def fetch(name: str, *, source: Path | None, json: bool) -> None:
    """Get the data, read them once, and say what they are."""
    competition = load(name)
    found = find_source(competition.name, competition.facts, competition.root, source)
    data = read_dataset(found, competition.facts, competition.additions)
    result = {
        "competition": competition.name,
        "edition": found.edition,
        "folder": str(found.folder),
        "train_rows": data.train.height,
        "test_rows": data.test.height,
        "columns": data.train.x.width,
        "only_in_train": list(data.only_train),
        "fingerprint": data.fingerprint,
    }
    if json:
        print_results([result], result)
        return
    print(f"data: {found.edition} edition, {found.folder}")
    print(f"{data.train.height} training rows, {data.test.height} test rows, {data.train.x.width} columns in both")
    if data.only_train:
        print(f"only in train, so no features: {', '.join(data.only_train)}")
