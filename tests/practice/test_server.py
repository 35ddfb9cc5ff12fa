"""The server over HTTP: ranges, who may ask, what is never told, the page, and faults as tests inject them."""

import http.client
import io
import re
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from kagflow.errors import KagflowError
from kagflow.practice import Practice, serving
from kagflow.practice.server import listen
from tests.practice.faults import Faults
from tests.practice.players import COMPETITIONS, SLUG, Clock, Player, message, submission, toy_folder, true_values


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def practice(tmp_path: Path, clock: Clock) -> Practice:
    made = Practice(tmp_path, clock)
    made.add(toy_folder(tmp_path))
    return made


@pytest.fixture
def url(practice: Practice, clock: Clock, faults: Faults) -> Iterator[str]:
    with serving(practice.root, clock=clock, wrap=faults) as address:
        yield address


@pytest.fixture
def ann(url: str) -> Player:
    return Player(url)


def raw(url: str, method: str, target: str, host: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send a request line as it is."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in (("Host", host), ("Authorization", "Basic YW5uOms="), ("Content-Length", str(len(body)))):
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    return response.status, response.read()


# --- downloads -------------------------------------------------------------------------------------------------------


def archive(ann: Player) -> str:
    return str(ann.ask("DownloadDataFiles").headers["Location"])


def test_the_archive_holds_every_file_but_the_truth(ann: Player) -> None:
    content = requests.get(archive(ann), timeout=30).content
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert sorted(names) == ["sample_submission.csv", "test.csv", "train.csv"]
    listed = ann.answer("ListDataFiles")["files"]
    assert sorted(each["name"] for each in listed) == sorted(names)


def test_a_part_of_a_file_is_sent_where_the_file_is_still_the_same(ann: Player) -> None:
    where = archive(ann)
    whole = requests.get(where, timeout=30)
    assert whole.headers["Accept-Ranges"] == "bytes"
    for validator in ("ETag", "Last-Modified"):
        asked = {"Range": "bytes=100-", "If-Range": whole.headers[validator]}
        part = requests.get(where, headers=asked, timeout=30)
        assert part.status_code == 206
        assert part.content == whole.content[100:]
        assert part.headers["Content-Range"] == f"bytes 100-{len(whole.content) - 1}/{len(whole.content)}"
    changed = requests.get(where, headers={"Range": "bytes=100-", "If-Range": '"another"'}, timeout=30)
    assert (changed.status_code, changed.content) == (200, whole.content)


def test_files_are_made_once_for_all_processes(practice: Practice, ann: Player, clock: Clock) -> None:
    first = requests.get(archive(ann), timeout=30)
    with serving(practice.root, clock=clock) as another:
        second = requests.get(archive(Player(another)), timeout=30)
    assert first.headers["ETag"] == second.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        f"/files/{SLUG}/solution.csv",
        f"/files/{SLUG}/../../../cups/toy/solution.csv",
        f"/files/{SLUG}/..%2f..%2f..%2fcups%2ftoy%2fsolution.csv",
        f"/files/{SLUG}//etc/passwd",
        f"/files/{SLUG}/%2e%2e/all.zip",
        "/files/../competition.yaml",
    ],
)
def test_no_other_file_can_be_had(ann: Player, path: str) -> None:
    ann.ask("DownloadDataFiles")
    status, content = raw(ann.url, "GET", path, "localhost")
    assert status == 404
    assert b"Usage" not in content
    assert message(ann.ask("DownloadDataFile", fileName=path)) == f"{SLUG} has no file {path!r}"


# --- who may ask -----------------------------------------------------------------------------------------------------


def test_it_listens_on_the_loopback_address_only(url: str) -> None:
    port = urlsplit(url).port
    assert urlsplit(url).hostname == "127.0.0.1"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))  # the negative control of an address that would take any


def test_a_port_that_is_taken_is_told(url: str) -> None:
    with pytest.raises(KagflowError, match="cannot listen on"):
        listen(urlsplit(url).port or 0)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_page_elsewhere_cannot_ask_by_a_name_that_it_bends_to_this_computer(url: str, host: str) -> None:
    assert raw(url, "GET", "/", host)[0] == 400


def test_it_is_no_proxy_but_for_itself(url: str) -> None:
    target = f"http://localhost/api/v1/{COMPETITIONS}/GetSubmissionLimits"
    status, content = raw(url, "POST", target, "localhost", b'{"competitionName": "toy-cup"}')
    assert (status, b'"numAllowedNow":5' in content) == (200, True)
    assert raw(url, "GET", "http://evil.example/", "localhost")[0] == 400  # whatever Host says


def test_any_name_will_do_and_none_will_not(url: str) -> None:
    where = f"{url}/api/v1/{COMPETITIONS}/ListSubmissions"
    assert requests.post(where, json={"competitionName": SLUG}, timeout=30).status_code == 401
    bearer = {"Authorization": "Bearer KGAT_secret"}
    assert requests.post(where, json={"competitionName": SLUG}, headers=bearer, timeout=30).status_code == 200


@pytest.mark.parametrize("name", ["\x1b[2Jann\r\n", " ann ", "ann"])
def test_a_name_is_one_printable_line(url: str, name: str) -> None:
    Player(url, name).submit(submission())
    assert Player(url, name).sent()[0]["submittedBy"] in ("[2Jann", "ann")


def test_no_key_and_no_token_is_kept_or_shown(practice: Practice, url: str, ann: Player) -> None:
    ann.submit(submission())
    headers = {"Authorization": "Bearer KGAT_secret"}
    told = requests.post(f"{url}/api/v1/security.OAuthService/IntrospectToken", json={}, headers=headers, timeout=30)
    assert told.json()["active"] is True
    assert "KGAT" not in told.text
    kept = b"".join(path.read_bytes() for path in (practice.root / "data").rglob("*") if path.is_file())
    assert b"a-key" not in kept
    assert b"KGAT" not in kept


# --- what is asked wrongly -------------------------------------------------------------------------------------------


def test_wrong_questions_are_told_in_kaggles_form(ann: Player) -> None:
    assert "does not know" in message(ann.ask("Nonsense"))
    assert "no practice competition 'other'" in message(ann.ask("GetCompetition", competitionName="other"))
    assert "`pageSize` must be int" in message(ann.ask("ListSubmissions", pageSize="many"))
    assert "there is no page 'x'" in message(ann.ask("ListSubmissions", pageToken="x"))
    assert "no submission 1234 of yours" in message(ann.ask("GetSubmission", ref=1234))
    broken = requests.post(f"{ann.url}/api/v1/{COMPETITIONS}/X", data=b"{", auth=("a", "b"), timeout=30)
    assert broken.status_code in (400, 404)


def test_an_upload_that_is_not_what_was_announced_is_refused(ann: Player) -> None:
    begun = ann.answer("StartSubmissionUpload", contentLength=10, fileName="s.csv")
    assert "10 bytes were announced, 3 came" in message(requests.put(begun["createUrl"], data=b"abc", timeout=30))
    assert "no such upload" in message(ann.ask("CreateSubmission", blobFileTokens=begun["token"]))
    assert requests.put(f"{ann.url}/upload/unknown", data=b"abc", timeout=30).status_code == 404
    assert "has 1 to" in message(ann.ask("StartSubmissionUpload", contentLength=2**40, fileName="s.csv"))


# --- submissions and leaderboards ------------------------------------------------------------------------------------


def test_what_is_sent_comes_back_with_its_score(ann: Player) -> None:
    ref = ann.submit(submission(1.5), "first try").json()["ref"]
    made = ann.answer("GetSubmission", ref=ref)
    assert made == ann.sent()[0]
    assert {key: made[key] for key in ("status", "publicScore", "privateScore", "description", "submittedBy")} == {
        "status": "COMPLETE",
        "publicScore": "1.50000",
        "privateScore": "",
        "description": "first try",
        "submittedBy": "ann",
    }
    assert Player(ann.url, "ben").ask("GetSubmission", ref=ref).status_code == 404


def test_lists_come_in_pages(ann: Player) -> None:
    refs = [ann.submit(submission(error)).json()["ref"] for error in (1.0, 2.0, 3.0)]
    first = ann.answer("ListSubmissions", pageSize=2)
    second = ann.answer("ListSubmissions", pageSize=2, pageToken=first["nextPageToken"])
    assert [each["ref"] for each in first["submissions"] + second["submissions"]] == refs[::-1]
    assert second["nextPageToken"] == ""
    board = ann.answer("GetLeaderboard", pageSize=3)
    rest = ann.answer("GetLeaderboard", pageSize=3, pageToken=board["nextPageToken"])
    assert [each["teamName"] for each in board["submissions"] + rest["submissions"]].count("ann") == 1
    by_score = ann.answer("ListSubmissions", sortBy="SUBMISSION_SORT_BY_PUBLIC_SCORE")["submissions"]
    assert [each["publicScore"] for each in by_score] == ["1.00000", "2.00000", "3.00000"]


def test_pages_tell_the_rules_and_the_story_of_the_data(practice: Practice, ann: Player) -> None:
    (practice.ground("toy").folder / "DATA.md").write_text("Forty toys.", encoding="utf-8")
    pages = {page["name"]: page["content"] for page in ann.answer("ListCompetitionPages")["pages"]}
    assert pages["data-description"] == "Forty toys."
    assert "5 submissions a day" in pages["rules"]
    (only,) = ann.answer("ListCompetitionPages", pageName="evaluation")["pages"]
    assert "rmse: less is better" in only["content"]


def test_nothing_private_is_told_before_the_end(practice: Practice, ann: Player, clock: Clock) -> None:
    part = {"Public": 1.0, "Private": 7.25}
    truth = true_values()
    made = truth.select("id", truth["y"] + truth["Usage"].replace_strict(part))
    ref = ann.submit(made.write_csv().encode()).json()["ref"]

    def everything() -> str:
        methods = ("GetCompetition", "ListSubmissions", "GetLeaderboard", "ListCompetitionPages", "ListCompetitions")
        told = [ann.ask(method).text for method in methods] + [ann.ask("GetSubmission", ref=ref).text]
        file = zipfile.ZipFile(io.BytesIO(ann.ask("DownloadLeaderboard").content))
        told += [file.read(name).decode() for name in file.namelist()]
        return "".join([*told, requests.get(f"{ann.url}/competitions/{SLUG}?player=ann", timeout=30).text])

    assert "7.25" not in everything()
    clock.forward(days=31)
    assert everything().count("7.25") == 6  # the list, the one, two leaderboards, and twice on the page


def test_two_are_selected_by_the_endpoint_and_by_the_page(ann: Player) -> None:
    refs = [ann.submit(submission(error)).json()["ref"] for error in (1.0, 2.0, 3.0)]
    ann.answer("SelectSubmissions", "practice.PracticeService", refs=refs[:2])
    assert [
        each["ref"] for each in ann.answer("ListSubmissions", group="SUBMISSION_GROUP_SELECTED")["submissions"]
    ] == [
        refs[1],
        refs[0],
    ]
    form = f"{ann.url}/competitions/{SLUG}/select?player=ann"
    shown = requests.post(form, data={"ref": [refs[2]]}, timeout=30)
    assert re.findall(r'value="(\d+)" aria-label="select \d+" checked', shown.text) == [str(refs[2])]


def test_another_sites_page_cannot_select(ann: Player) -> None:
    ref = ann.submit(submission()).json()["ref"]
    form = f"{ann.url}/competitions/{SLUG}/select?player=ann"
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert requests.post(form, data={"ref": [ref]}, headers=headers, timeout=30).status_code == 403
    assert ann.answer("ListSubmissions", group="SUBMISSION_GROUP_SELECTED")["submissions"] == []


# --- the page --------------------------------------------------------------------------------------------------------


def test_what_a_player_writes_is_text_on_the_page(url: str) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    Player(url, evil).submit(submission(), description=evil)
    Player(url, evil).submit(b"id,y,<script>alert(3)</script>\n1,2,3\n")
    pages = [
        requests.get(f"{url}/competitions/{SLUG}", timeout=30),
        requests.get(f"{url}/competitions/{SLUG}", params={"player": evil}, timeout=30),
    ]
    for page in pages:
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "&lt;script&gt;" in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "it also has" in pages[1].text


def test_the_page_tells_what_counts(ann: Player, clock: Clock) -> None:
    ann.submit(submission(1.5), "first try")
    where = f"{ann.url}/competitions/{SLUG}?player=ann"
    page = requests.get(where, timeout=30).text
    for text in ("Toy Cup", "first try", "1.50000", "30 days left", "left today", "Hidden until the end", "baseline"):
        assert text in page
    clock.forward(days=31)
    page = requests.get(where, timeout=30).text
    assert page.index("Private leaderboard") < page.index("Public leaderboard")
    assert "Toy Cup" in requests.get(ann.url, timeout=30).text


# --- faults as tests inject them -------------------------------------------------------------------------------------


def test_faults_befall_what_they_name_and_as_often_as_they_say(ann: Player, faults: Faults) -> None:
    faults.add("CreateSubmission", status=429, message="slow down", retry_after=7, skip=1)
    assert ann.submit(submission()).status_code == 200
    refused = ann.submit(submission())
    assert (refused.status_code, refused.headers["Retry-After"], message(refused)) == (429, "7", "slow down")
    assert ann.submit(submission()).status_code == 200
    assert faults.seen == ["StartSubmissionUpload", "PUT", "CreateSubmission"] * 3


@pytest.mark.parametrize(("cut", "arrived"), [("before", 0), ("after", 1)])
def test_a_connection_is_cut_before_or_after_the_work(ann: Player, faults: Faults, cut: str, arrived: int) -> None:
    token = ann.upload(submission())
    faults.add("CreateSubmission", cut=cut)
    with pytest.raises(requests.ConnectionError):
        ann.ask("CreateSubmission", blobFileTokens=token)
    assert len(ann.sent()) == arrived


def test_a_download_is_cut_within(ann: Player, faults: Faults) -> None:
    faults.add("GET", cut="within")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(archive(ann), timeout=30)


def test_an_answer_can_be_malformed_and_a_score_never_come(ann: Player, faults: Faults) -> None:
    faults.add("CreateSubmission", malformed=True)
    with pytest.raises(requests.JSONDecodeError):
        ann.submit(submission()).json()
    faults.no_score_ever()
    assert [(each["status"], each["publicScore"]) for each in ann.sent()] == [("PENDING", "")]
    faults.clear()
    assert ann.sent()[0]["status"] == "COMPLETE"
