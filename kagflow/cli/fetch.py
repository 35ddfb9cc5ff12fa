"""``kagflow fetch``: see to it that a competition's files are there."""

from dataclasses import asdict
from pathlib import Path

from kagflow.cli.data import ensure_data
from kagflow.cli.printing import print_note, print_results
from kagflow.competition import load
from kagflow.config import CompetitionFacts
from kagflow.data import PRACTICE, Dataset, Source, find_source, read_dataset
from kagflow.submit.note import Note, differences, verify


def fetch(name: str, *, source: Path | None, json: bool) -> None:
    """Get the data, read them once, and say what they are."""
    competition = load(name)
    just_now = ensure_data(competition, source, by_itself=False)
    found = find_source(competition.name, competition.facts, competition.root, source)
    if found.edition == "practice" and competition.facts.on_kaggle and source != Path(PRACTICE):
        print_note("nobody is signed in at Kaggle, so this is the practice edition, which is never sent there")
    note = _note_of(found, just_now)
    if note is not None and not just_now:
        for difference in differences(note, competition.facts):
            print_note(difference)
    data = read_dataset(found, competition.facts, competition.additions)
    if json:
        kaggle = _document(note, just_now, competition.facts) if note else None
        result = {"competition": competition.name, **_result(found, data), "kaggle": kaggle}
        print_results([result], result)
        return
    print(f"data: {found.edition} edition, {found.folder}")
    if note is not None:
        print(_story(note, just_now))
    print(f"{data.train.height} training rows, {data.test.height} test rows, {data.train.x.width} columns in both")
    if data.only_train:
        print(f"only in train, so no features: {', '.join(data.only_train)}")


def _note_of(found: Source, just_now: bool) -> Note | None:
    """Return what Kaggle said when it gave the files, having checked that they are those."""
    if found.edition != "kaggle":
        return None
    folder = found.folder.parent
    note = Note.read(folder)
    if note is not None and not just_now:
        verify(note, folder)
    return note


def _story(note: Note, just_now: bool) -> str:
    size = sum(file.bytes for file in note.files.values())
    deadline = f"deadline {note.deadline[:10]}" if note.deadline else "no deadline"
    limit = f"{note.max_daily_submissions} submissions a day" if note.max_daily_submissions else "no daily limit"
    when = "just now" if just_now else f"{note.fetched}, and unchanged since; nothing to do"
    return (
        f"kaggle: {note.metric or 'no metric'}; {deadline}; {limit}; {note.url}\n"
        f"fetched: {len(note.files)} files, {size:,} bytes, {when}"
    )


def _document(note: Note, just_now: bool, facts: CompetitionFacts) -> dict[str, object]:
    files = {name: file.bytes for name, file in note.files.items()}
    return {**asdict(note), "files": files, "fetched_now": just_now, "differences": differences(note, facts)}


def _result(found: Source, data: Dataset) -> dict[str, object]:
    return {
        "edition": found.edition,
        "folder": str(found.folder),
        "train_rows": data.train.height,
        "test_rows": data.test.height,
        "columns": data.train.x.width,
        "only_in_train": list(data.only_train),
        "fingerprint": data.fingerprint,
    }
