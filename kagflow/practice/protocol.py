"""What Kaggle's own client asks, and what it is answered: JSON in, JSON out, one function a method.

The names of methods and fields are those of ``kagglesdk`` 0.1.37; fields that are left out have its defaults.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from urllib.parse import quote

from kagflow.practice.board import Board, Refusal, utc_now
from kagflow.practice.call import Answer, Call, File, Redirect
from kagflow.practice.downloads import downloads
from kagflow.practice.records import Side, Submission
from kagflow.practice.store import to_text

COMPETITIONS = "competitions.CompetitionApiService"
_STORY = "DATA.md"  # beside the files: what they are, and where they come from
_ENTERED = "COMPETITION_LIST_TAB_ENTERED"
_LEADERBOARD = "Rank TeamId TeamName LastSubmissionDate Score SubmissionCount TeamMemberUserNames".split()


def introspect(call: Call) -> Answer:
    """Any token is valid."""
    return {"active": True, "username": call.player, "scope": "", "exp": 0}


def list_competitions(call: Call) -> Answer:
    """Answer all practice competitions whose name or title has what is searched for."""
    search = call.text("search").casefold()
    found = [board for board in call.practice.boards() if search in f"{board.slug} {board.title}".casefold()]
    if call.text("group") == _ENTERED:
        found = [board for board in found if board.submissions(call.player)]
    shown, token = call.page(found)
    return {"competitions": [_competition(board, call) for board in shown], "nextPageToken": token}


def get_competition(call: Call) -> Answer:
    """Answer one competition."""
    return _competition(call.board, call)


def list_pages(call: Call) -> Answer:
    """Answer the competition's texts."""
    board = call.board
    better = "less is better" if board.metric.direction == "minimize" else "more is better"
    texts = {
        "description": f"{board.title}. A practice board on this computer; nothing here is sent to Kaggle.",
        "evaluation": f"Submissions are scored by {board.metric.name}: {better}. Columns and ids are the sample's.",
        "rules": f"{board.daily_limit} submissions a day (UTC); two may be selected for the private leaderboard.",
    }
    story = call.practice.ground(board.name).folder / _STORY
    if story.is_file():
        texts["data-description"] = story.read_text(encoding="utf-8")
    wanted = call.text("pageName")
    pages = [
        {"name": name, "content": content, "isPublished": True, "mimeType": "text/markdown"}
        for name, content in texts.items()
        if wanted in ("", name)
    ]
    return {"pages": pages}


def list_files(call: Call) -> Answer:
    """Answer the files of a competition, never its truth."""
    board = call.board
    files = downloads(call.practice.ground(board.name), call.practice.root).files
    shown, token = call.page(sorted(files))
    listed = [
        {
            "name": name,
            "ref": name,
            "totalBytes": files[name].stat().st_size,
            "creationDate": to_text(board.opened),
            "url": _file_url(call, board, name),
        }
        for name in shown
    ]
    return {"files": listed, "nextPageToken": token}


def download_all(call: Call) -> Redirect:
    """Send to the archive of all files."""
    board = call.board
    return Redirect(_file_url(call, board, f"{board.slug}.zip"))


def download_one(call: Call) -> Redirect:
    """Send to one file."""
    board, name = call.board, call.text("fileName")
    if name not in downloads(call.practice.ground(board.name), call.practice.root).files:
        raise Refusal(f"{board.slug} has no file {name!r}", status=404)
    return Redirect(_file_url(call, board, name))


def start_upload(call: Call) -> Answer:
    """Answer where a file is to be sent."""
    file_name = call.text("fileName") or "submission.csv"
    token = call.board.start_upload(call.player, file_name, call.number("contentLength"))
    return {"token": token, "createUrl": f"{call.base}/upload/{token}"}


def create_submission(call: Call) -> Answer:
    """Enter an uploaded file."""
    board = call.board
    made = board.submit(call.player, call.text("blobFileTokens"), call.text("submissionDescription"))
    return {"message": f"Successfully submitted to {board.title}", "ref": made.ref}


def list_submissions(call: Call) -> Answer:
    """Answer the player's own submissions, the newest first unless another order is asked for."""
    board = call.board
    sent = board.submissions(call.player)
    group, order = call.text("group"), call.text("sortBy")
    if group == "SUBMISSION_GROUP_SUCCESSFUL":
        sent = [each for each in sent if not each.error]
    elif group == "SUBMISSION_GROUP_SELECTED":
        sent = [each for each in sent if each.selected]
    if order == "SUBMISSION_SORT_BY_NAME":
        sent.sort(key=lambda each: each.file_name)
    elif order in ("SUBMISSION_SORT_BY_PUBLIC_SCORE", "SUBMISSION_SORT_BY_PRIVATE_SCORE") and (
        board.over or order == "SUBMISSION_SORT_BY_PUBLIC_SCORE"
    ):
        sent = board.by_score(sent, "public" if order == "SUBMISSION_SORT_BY_PUBLIC_SCORE" else "private")
    shown, token = call.page(sent)
    return {"submissions": [_submission(each, board, call) for each in shown], "nextPageToken": token}


def get_submission(call: Call) -> Answer:
    """Answer one of the player's own submissions."""
    board, made = call.practice.find_submission(call.number("ref"), call.player)
    return _submission(made, board, call)


def get_limits(call: Call) -> Answer:
    """Answer how many submissions are left today."""
    limits = call.board.limits(call.player)
    return {
        "numToday": limits.today,
        "numTotal": limits.total,
        "numAllowedNow": limits.left,
        "limitedByTotal": False,
    }


def get_leaderboard(call: Call) -> Answer:
    """Answer the leaderboard that counts now, or the public one."""
    board = call.board
    side: Side = "public" if call.body.get("overridePublic") else board.side
    shown, token = call.page(board.leaderboard(side))
    lines = [
        {
            "teamId": entry.team,
            "teamName": entry.player,
            "submissionDate": to_text(entry.best.submitted),
            "score": written_score(entry.score),
        }
        for entry in shown
    ]
    return {"submissions": lines, "nextPageToken": token}


def download_leaderboard(call: Call) -> File:
    """Send the leaderboard that counts now as CSV in an archive."""
    board = call.board
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_LEADERBOARD)
    for entry in board.leaderboard():
        when = f"{entry.best.submitted:%Y-%m-%d %H:%M:%S}"
        score = written_score(entry.score)
        writer.writerow([entry.rank, entry.team, entry.player, when, score, entry.entries, entry.player])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{board.slug}-{board.side}leaderboard-{utc_now():%Y-%m-%dT%H_%M_%S}.csv", text.getvalue())
    return File(f"{board.slug}.zip", packed.getvalue())


def select_submissions(call: Call) -> Answer:
    """Choose the submissions that count on the private leaderboard; Kaggle's client has no such method."""
    refs = call.body.get("refs")
    if not isinstance(refs, list) or not all(type(ref) is int for ref in refs):
        raise Refusal("`refs` must be a list of submissions' numbers")
    return {"selected": [each.ref for each in call.board.select(call.player, refs)]}


METHODS: Mapping[tuple[str, str], Callable[[Call], Answer | Redirect | File]] = {
    ("security.OAuthService", "IntrospectToken"): introspect,
    (COMPETITIONS, "ListCompetitions"): list_competitions,
    (COMPETITIONS, "GetCompetition"): get_competition,
    (COMPETITIONS, "ListCompetitionPages"): list_pages,
    (COMPETITIONS, "ListDataFiles"): list_files,
    (COMPETITIONS, "DownloadDataFiles"): download_all,
    (COMPETITIONS, "DownloadDataFile"): download_one,
    (COMPETITIONS, "StartSubmissionUpload"): start_upload,
    (COMPETITIONS, "CreateSubmission"): create_submission,
    (COMPETITIONS, "ListSubmissions"): list_submissions,
    (COMPETITIONS, "GetSubmission"): get_submission,
    (COMPETITIONS, "GetSubmissionLimits"): get_limits,
    (COMPETITIONS, "GetLeaderboard"): get_leaderboard,
    (COMPETITIONS, "DownloadLeaderboard"): download_leaderboard,
    ("practice.PracticeService", "SelectSubmissions"): select_submissions,
}
"""What is answered, by service and method."""


def written_score(score: float | None) -> str:
    """Write a score as Kaggle does, with five decimals; empty where there is none."""
    return "" if score is None else f"{score:.5f}"


def _competition(board: Board, call: Call) -> Answer:
    public = board.leaderboard("public")
    rank = next((entry.rank for entry in board.leaderboard() if entry.player == call.player and not entry.baseline), 0)
    url = f"{call.base}/competitions/{board.slug}"
    return {
        "id": zlib.crc32(board.slug.encode()) >> 1,
        "ref": url,
        "url": url,
        "title": board.title,
        "description": "A practice board of kagflow on this computer",
        "organizationName": "kagflow practice",
        "hostName": "kagflow practice",
        "category": "Practice",
        "reward": "Knowledge",
        "deadline": to_text(board.end),
        "enabledDate": to_text(board.opened),
        "dateCreated": to_text(board.opened),
        "teamCount": len(public),
        "userHasEntered": True,
        "userRank": rank,
        "maxDailySubmissions": board.daily_limit,
        "maxTeamSize": 1,
        "evaluationMetric": board.metric.name,
    }


def _submission(made: Submission, board: Board, call: Call) -> Answer:
    return {
        "ref": made.ref,
        "fileName": made.file_name,
        "date": to_text(made.submitted),
        "description": made.description,
        "errorDescription": made.error,
        "status": "ERROR" if made.error else "COMPLETE",
        "publicScore": written_score(made.public),
        "privateScore": written_score(made.private) if board.over else "",
        "totalBytes": made.size,
        "submittedBy": made.player,
        "teamName": made.player,
        "url": f"{call.base}/competitions/{board.slug}?player={quote(call.player)}",
    }


def _file_url(call: Call, board: Board, name: str) -> str:
    return f"{call.base}/files/{board.slug}/{name}"
