"""``kagflow submit``: look at a submission from all sides, send it once, wait for its score, keep the ledger."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from kagflow.cli.data import ensure_data
from kagflow.cli.options import TrackMode
from kagflow.cli.printing import print_error, print_findings, print_note, print_results, print_wrapped, relative
from kagflow.competition import Competition, load
from kagflow.data import Source, read_dataset
from kagflow.errors import ConfigError
from kagflow.practice import connected, practice_ground
from kagflow.stats import with_noise
from kagflow.submit import KaggleError, find_credentials
from kagflow.submit.candidate import destination_of, find_candidate, refuse_practice, source_of
from kagflow.submit.desk import Desk
from kagflow.submit.errors import page_of
from kagflow.submit.gate import Gate
from kagflow.submit.ledger import LEDGER, Destination, Ledger, Submission, team_best
from kagflow.submit.mirror import mirror_scores
from kagflow.submit.proposal import Proposal
from kagflow.tracking import make_tracker

_LONGEST_MESSAGE = 400  # characters: what the server cuts off at the end would be the nonce
_WIDE = 1000
_BOARD_NOISE = "without standard errors: which rows they are of is the board's secret"


def submit(
    name: str,
    *,
    run: str | None,
    file: Path | None,
    message: str | None,
    to: Destination | None,
    yes: bool,
    wait: float,
    source: Path | None,
    track: TrackMode,
    json: bool,
) -> None:
    """Send a file, unless something speaks against it, and say what it scored."""
    competition = load(name)
    # A board that was opened for the user's own files takes runs on those; the bundled ones take none but their own.
    is_own = to == "practice" and practice_ground(competition).given
    candidate = find_candidate(competition, run, file, None if is_own else to)
    if candidate.run is None or candidate.run.facts["edition"] != "practice":
        ensure_data(competition, source)
    to = to or destination_of(competition, candidate, source)
    if to == "kaggle":
        refuse_practice(competition, candidate, source)
    else:
        practice_ground(competition)
    files = source_of(competition, candidate, source)
    described = _described(message, candidate.run.facts["config"] if candidate.run else candidate.path.name)
    data = read_dataset(files, competition.facts, competition.additions)
    with connected(competition.root, to) as board:
        desk = Desk(competition, board, to)
        with desk.lock():
            proposal = desk.propose(candidate, data, files)
            if not json:
                _print_proposal(competition, proposal, files, to, described)
            for settled in proposal.settled:
                print_note(_how_settled(settled))
            if proposal.sent is not None:
                print_note("this very file is with the server already, so nothing was sent now")
                row = proposal.sent
            elif proposal.refused:
                _refuse(competition, proposal, to, json=json)
            else:
                _confirm(yes)
                row = desk.send(candidate, described)
        if not json:
            print(f"sent     reference {row.reference}", flush=True)
        row = desk.wait(row, wait, print_note)
    mirror_scores(competition, [row], make_tracker(track, competition.runs_folder, "kagflow", print_note))
    if json:
        result = _result(competition, proposal, row)
        print_results([result], result)
    else:
        _print_scores(row)
    _end(competition, row)


def synchronise(name: str, *, to: Destination | None, track: TrackMode, json: bool) -> None:
    """Bring the ledger up to the server's list, and print it."""
    competition = load(name)
    path = competition.runs_folder / LEDGER
    kept: set[Destination] = {row.to for row in Ledger.read(path)}
    wanted: list[Destination] = [to] if to else sorted(kept) or (["kaggle"] if find_credentials() else ["practice"])
    changed: list[Submission] = []
    for each in wanted:
        with connected(competition.root, each) as board:
            desk = Desk(competition, board, each)
            with desk.lock():
                changed += desk.synchronise()
    mirror_scores(competition, changed, make_tracker(track, competition.runs_folder, "kagflow", print_note))
    rows = [row for row in Ledger.read(path) if row.to in wanted]
    if json:
        best = team_best(rows, minimize=competition.metric.direction == "minimize")
        document = {} if best is None else best.document()
        known = {"competition": competition.name, "ledger": str(path), "changed": len(changed)}
        print_results([row.document() for row in rows], document | known)
        return
    _print_ledger(rows)
    print(f"{len(rows)} submission{'s' * (len(rows) != 1)}, new or changed: {len(changed)}; {relative(path)}")
    if sum(row.to == "kaggle" and row.status == "complete" for row in rows) > 1:
        told = KaggleError("cannot-select", page=page_of(competition.facts.slug))
        print_note(f"{told.problem}: {told.hint}")


def _described(message: str | None, otherwise: str) -> str:
    """Return a message in one line."""
    line = " ".join((otherwise if message is None else message).split())
    if len(line) > _LONGEST_MESSAGE:
        raise ConfigError(
            f"the message has {len(line)} characters; there is room for {_LONGEST_MESSAGE}", where="--message"
        )
    return line


def _confirm(yes: bool) -> None:
    """Raise a ConfigError unless the user wants it sent."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nothing was sent: there is no terminal to ask at", hint="add --yes to send it")
    if not typer.confirm("Send it?", err=True):
        raise ConfigError("nothing was sent, as you wished")


def _refuse(competition: Competition, proposal: Proposal, to: Destination, *, json: bool) -> None:
    errors = [finding for finding in proposal.findings if finding.severity == "error"]
    if json:
        result = {"status": "refused", "to": to, **_shown(competition, proposal)}
        print_results([result], result)
    else:
        print(f"nothing was sent: {len(errors)} error{'s' * (len(errors) > 1)}")
    raise typer.Exit(1)


def _end(competition: Competition, row: Submission) -> None:
    """Say what is still to come, or raise what went wrong with the submission."""
    facts = {"name": competition.name, "reference": row.reference, "page": page_of(competition.facts.slug)}
    if row.status == "pending":
        told = KaggleError("no-score-yet", **facts)
        print_note(f"{told.problem}; {told.hint}")
    if row.status == "error":
        reason = f": {row.error}" if row.error else ", and the server does not say why"
        print_error(KaggleError("not-scored", words=reason, **facts))
        raise typer.Exit(1)


# --- what is shown ---------------------------------------------------------------------------------------------------


def _print_proposal(competition: Competition, proposal: Proposal, files: Source, to: Destination, message: str) -> None:
    candidate, info, limits = proposal.candidate, proposal.info, proposal.limits
    print(f"data: {files.edition} edition, {files.folder}")
    print(f"{_named(proposal)}{f' ({candidate.chosen})' if candidate.chosen else ''}")
    left = f", {limits.left_now} submission{'s' * (limits.left_now != 1)} left today" if limits else ""
    deadline = f", {_time_left(info.deadline)}" if info.deadline else ""
    print(f"  to       {'the practice board of ' if to == 'practice' else 'Kaggle, '}{info.slug}{left}{deadline}")
    print(f"  file     {relative(candidate.path)}, sha256 {candidate.hash[:12]}")
    print(f"  cv       {_cv(competition, proposal)}")
    print_wrapped(f"  against  {_against(proposal.gate)}", indent=9)
    print(f"  message  {message}")
    print_findings(proposal.findings, proposal.accepted)
    sys.stdout.flush()


def _time_left(deadline: datetime) -> str:
    days = (deadline - datetime.now(UTC)).days
    left = "over" if days < 0 else f"{days} day{'s' * (days != 1)} left"
    return f"deadline {deadline:%Y-%m-%d %H:%M} UTC ({left})"


def _named(proposal: Proposal) -> str:
    run = proposal.candidate.run
    return str(proposal.candidate.path) if run is None else run.name


def _cv(competition: Competition, proposal: Proposal) -> str:
    candidate, metric = proposal.candidate, competition.metric
    if candidate.cv is None:
        return "none: it is no run's file" if candidate.run is None else "none: its run has no score"
    better = "less" if metric.direction == "minimize" else "more"
    return f"{metric.name} {with_noise(candidate.cv, candidate.se)} ({better} is better)"


def _against(gate: Gate) -> str:
    """Return how a run compares with the best one sent."""
    if gate.against is None:
        return f"nothing: {gate.reason}"
    public = "" if gate.against.public is None else f" (public {gate.against.public:.6g})"
    best = f"{gate.against.run}{public}, the best one sent"
    if gate.difference is None:
        return f"{best}: not to be compared: {gate.reason}"
    verdict = {
        True: "better",
        False: "worse: better submissions were sent already",
        None: "inside the noise: this submission cannot be told from the best one sent",
    }[gate.better]
    return f"{best}: {with_noise(gate.difference, gate.se)}, {verdict}"


def _print_scores(row: Submission) -> None:
    print(f"status   {row.status}")
    if row.public is not None:
        print(f"public   {row.public:.6g}")
        print(f"private  {'not shown yet' if row.private is None else f'{row.private:.6g}'}")
        if row.rank is not None:
            print(f"rank     {row.rank}")
        print(f"scores of the board are {_BOARD_NOISE}")


def _print_ledger(rows: Sequence[Submission]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("when (UTC)", "to", "reference", "what", "cv ± s.e.", "public", "private", "rank", "status"):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row.when:%Y-%m-%d %H:%M}",
            row.to,
            _or_dash(row.reference),
            row.run or (f"{row.file} (elsewhere)" if row.origin == "elsewhere" else row.file),
            "-" if row.cv is None else with_noise(row.cv, row.se),
            _board_score(row.public),
            _board_score(row.private),
            _or_dash(row.rank),
            f"{row.status}: {row.error}" if row.error and row.status != "complete" else row.status,
        )
    Console(width=_WIDE, highlight=False, markup=False).print(table)
    if any(row.public is not None for row in rows):
        print(f"public and private are {_BOARD_NOISE}")


def _board_score(score: float | None) -> str:
    return "-" if score is None else f"{score:.6g}"


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _how_settled(row: Submission) -> str:
    when = f"the submission of {row.when:%Y-%m-%d %H:%M:%S} UTC, whose fate was unknown,"
    if row.reference is None:
        return f"{when} was not sent: {row.error}"
    return f"{when} is with the server as {row.reference}"


def _result(competition: Competition, proposal: Proposal, row: Submission) -> dict[str, Any]:
    return row.document() | _shown(competition, proposal)


def _shown(competition: Competition, proposal: Proposal) -> dict[str, Any]:
    """Return what JSON says of a proposal, sent or not."""
    candidate = proposal.candidate
    return {
        "competition": competition.name,
        "run": None if candidate.run is None else str(candidate.run.path),
        "file": str(candidate.path),
        "metric": competition.metric.name,
        "direction": competition.metric.direction,
        "cv": candidate.cv,
        "se": candidate.se,
        "gate": proposal.gate.document(),
        "findings": [finding.document() for finding in proposal.findings],
        "accepted": [{**finding.document(), "reason": reason} for finding, reason in proposal.accepted],
    }
