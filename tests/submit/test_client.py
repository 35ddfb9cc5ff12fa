"""The client against a server: what it reads, and that a submission is sent once or not at all."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kagflow.submit import Credentials, DailyLimits, FateUnknown, KaggleError, NotSent, Place, RemoteFile
from kagflow.submit.kaggle import Client
from tests.submit.conftest import HASTE, KEY, USER
from tests.submit.faulty_kaggle import CUT, CUT_LATE, HANG, HANG_LATE, NO_JSON, Fault, FaultyKaggle, basic, says

# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_competition(client: Client, kaggle: FaultyKaggle) -> None:
    kaggle.details |= {"userRank": 7, "teamCount": 9}
    found = client.competition("toy")
    assert (found.slug, found.title, found.metric) == ("toy", "Toy", "Root Mean Squared Error")
    assert found.deadline == datetime(2099, 1, 1, tzinfo=UTC)
    assert (found.max_daily_submissions, found.entered, found.rank, found.teams) == (5, True, 7, 9)
    assert found.url == f"{kaggle.url}/competitions/toy"


def test_lists_are_read_to_their_end(client: Client, kaggle: FaultyKaggle) -> None:
    kaggle.files = {f"{number}.csv": b"1" * number for number in range(5)}
    assert client.files("toy") == [RemoteFile(f"{number}.csv", number) for number in range(5)]
    assert kaggle.asked["ListDataFiles"] == 3


def test_submissions_have_numbers_and_times(client: Client, kaggle: FaultyKaggle, sent_file: Path) -> None:
    reference = client.submit("toy", sent_file, "first")
    kaggle.submissions[0] |= {"privateScore": "", "teamName": "we"}
    sent = client.submission(reference)
    assert (sent.status, sent.public, sent.private, sent.message, sent.team) == ("complete", 0.5, None, "first", "we")
    assert sent.date == datetime(2026, 1, 2, 3, 4, 5, 123000, tzinfo=UTC)
    assert client.submissions("toy") == [sent]


@pytest.mark.parametrize("text", ["", "NaN", "inf", "pending"])
def test_what_is_no_number_is_no_score(client: Client, kaggle: FaultyKaggle, text: str) -> None:
    kaggle.submissions = [{"ref": 1, "status": "COMPLETE", "publicScore": text}]
    assert client.submissions("toy")[0].public is None


def test_limits(client: Client, kaggle: FaultyKaggle) -> None:
    kaggle.used_today = 2
    assert client.limits("toy") == DailyLimits(2, 2, 3, False)


def test_the_leaderboard_ranks_in_order(client: Client, kaggle: FaultyKaggle) -> None:
    kaggle.places = [{"teamName": team, "score": score} for team, score in (("a", "0.1"), ("b", "0.2"), ("c", ""))]
    assert client.leaderboard("toy") == [Place(1, "a", 0.1, None), Place(2, "b", 0.2, None), Place(3, "c", None, None)]


def behind_a_proxy(kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send Kaggle's own client here, as its environment allows; somebody is signed in."""
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("http_proxy", kaggle.url)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "a-token")


# --- who asks --------------------------------------------------------------------------------------------------------


def test_given_credentials_are_those_that_are_sent(
    client: Client, kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kaggle's own client would send the variable's token instead, whatever it is given."""
    monkeypatch.setenv("KAGGLE_API_TOKEN", "a-token-for-the-real-kaggle")
    client.competition("toy")
    assert kaggle.headers["GetCompetition"][0]["Authorization"] == basic(USER, KEY)


def test_an_endpoint_is_given_no_credentials_by_itself(kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "a-token-for-the-real-kaggle")
    with pytest.raises(KaggleError):
        Client.connect(kaggle.url, patience=HASTE).competition("toy")
    assert "Authorization" not in kaggle.headers["GetCompetition"][0]


def test_the_proxy_of_kaggle_s_own_client_works(kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch) -> None:
    behind_a_proxy(kaggle, monkeypatch)
    assert Client.connect(patience=HASTE).competition("toy").title == "Toy"
    assert kaggle.headers["GetCompetition"][0]["Authorization"] == "Bearer a-token"


def test_an_endpoint_is_reached_without_the_proxy(
    client: Client, kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch, sent_file: Path
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert client.submit("toy", sent_file, "m") == 1000


def test_an_expired_oauth_token_is_renewed_and_kept(
    kaggle: FaultyKaggle, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / ".kaggle" / "credentials.json"
    file.write_text(
        '{"refresh_token": "r", "access_token": "old", "username": "me",'
        ' "access_token_expiration": "2020-01-01T00:00:00+00:00"}'
    )
    behind_a_proxy(kaggle, monkeypatch)
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    Client.connect(patience=HASTE).competition("toy")
    assert kaggle.headers["GetCompetition"][0]["Authorization"] == "Bearer renewed-r"
    assert '"renewed-r"' in file.read_text()


# --- patience --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [says(429, Retry_After="0"), says(503), CUT, HANG, Fault(502, b"bad gateway")])
def test_reads_are_tried_again(client: Client, kaggle: FaultyKaggle, fault: Fault) -> None:
    kaggle.faults["GetCompetition"] = [fault, fault]
    assert client.competition("toy").title == "Toy"
    assert kaggle.asked["GetCompetition"] == 3


@pytest.mark.parametrize("fault", [says(400), says(401), says(404), says(429, Retry_After="60"), NO_JSON])
def test_where_it_cannot_help_they_are_not(client: Client, kaggle: FaultyKaggle, fault: Fault) -> None:
    kaggle.always["ListDataFiles"] = fault
    with pytest.raises(KaggleError):
        client.files("toy")
    assert kaggle.asked["ListDataFiles"] == 1


# --- submitting ------------------------------------------------------------------------------------------------------

STEPS = ("StartSubmissionUpload", "PUT", "CreateSubmission")
REFUSALS = (says(400), says(401), says(403), says(404), says(429, Retry_After="0"))
SILENCES = (says(500), says(503), CUT, CUT_LATE, HANG, HANG_LATE, NO_JSON)


def test_a_file_is_sent_once_and_to_the_store_without_credentials(
    client: Client, kaggle: FaultyKaggle, sent_file: Path
) -> None:
    assert client.submit("toy", sent_file, "hello") == 1000
    assert kaggle.uploads == {"/upload/ticket": sent_file.read_bytes()}
    assert "Authorization" not in kaggle.headers["PUT"][0]
    assert [kaggle.asked[step] for step in STEPS] == [1, 1, 1]


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        *((STEPS[0], fault) for fault in REFUSALS + SILENCES),
        *((STEPS[1], fault) for fault in REFUSALS + SILENCES if fault is not NO_JSON),  # nobody reads the store's words
    ],
)
def test_before_the_last_request_nothing_can_have_been_counted(
    client: Client, kaggle: FaultyKaggle, sent_file: Path, step: str, fault: Fault
) -> None:
    kaggle.faults[step] = [fault]
    with pytest.raises(NotSent, match="nothing was submitted"):
        client.submit("toy", sent_file, "m")
    assert kaggle.submissions == []
    assert kaggle.asked[step] == 1


@pytest.mark.parametrize("fault", REFUSALS)
def test_what_kaggle_refuses_was_not_sent(client: Client, kaggle: FaultyKaggle, sent_file: Path, fault: Fault) -> None:
    kaggle.faults["CreateSubmission"] = [fault]
    with pytest.raises(NotSent):
        client.submit("toy", sent_file, "m")
    assert kaggle.submissions == []
    assert kaggle.asked["CreateSubmission"] == 1


@pytest.mark.parametrize("fault", [*SILENCES, Fault(200, b'{"message": "well"}', {"Content-Type": "application/json"})])
def test_a_last_request_without_an_answer_leaves_it_unknown(
    client: Client, kaggle: FaultyKaggle, sent_file: Path, fault: Fault
) -> None:
    kaggle.faults["CreateSubmission"] = [fault]
    with pytest.raises(FateUnknown, match="nobody knows") as caught:
        client.submit("toy", sent_file, "m")
    assert "before you submit again" in caught.value.hint
    assert kaggle.asked["CreateSubmission"] == 1
    assert len(kaggle.submissions) == fault.late, "the two cases look alike from here"


@pytest.mark.parametrize("fault", [CUT, CUT_LATE, HANG_LATE])
def test_nor_does_a_proxy_that_hangs_up_tell(
    kaggle: FaultyKaggle, sent_file: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """It is reported as one that could not be reached, although it took the request."""
    behind_a_proxy(kaggle, monkeypatch)
    kaggle.faults["CreateSubmission"] = [fault]
    with pytest.raises(FateUnknown):
        Client.connect(patience=HASTE).submit("toy", sent_file, "m")


def test_without_a_proxy_nothing_was_sent(sent_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(NotSent, match="cannot be reached"):
        Client.connect(credentials=Credentials.key(USER, KEY), patience=HASTE).submit("toy", sent_file, "m")


def test_without_a_server_nothing_was_sent(sent_file: Path) -> None:
    nowhere = Client.connect("http://127.0.0.1:9", Credentials.key(USER, KEY), HASTE)
    with pytest.raises(NotSent, match="cannot be reached"):
        nowhere.submit("toy", sent_file, "m")
