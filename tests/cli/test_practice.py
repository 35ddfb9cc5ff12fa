"""``kagflow practice``: what it prints, and a server as a process of its own."""

import json
import re
import shutil
import signal

import pytest
import requests

from kagflow.practice import Practice
from tests.practice.players import SLUG, submission, toy_folder


@pytest.fixture
def cups(project):
    """A project with one board, on which ann has submitted."""
    shutil.rmtree(project.root / "competitions")
    practice = Practice(project.root)
    board = practice.add(toy_folder(project.root))
    content = submission(1.5)
    for player in ("ann", "[bold]ben[/x]"):  # square brackets are markup elsewhere
        token = board.start_upload(player, "submission.csv", len(content))
        practice.receive(token, content)
        board.submit(player, token, "first")
    return project


def without_times(text):
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "<time>", text)


def lines(said):
    assert said.code == 0, said.err
    return [re.sub(r"  +", "  ", line).strip() for line in without_times(said.out).splitlines()]


def test_list(cups):
    assert lines(cups.cli("practice", "list")) == [
        "competition  metric  test rows  deadline (UTC)  submissions  Kaggle's name",
        "toy  rmse  40  <time>  2  toy-cup",
    ]
    (board,) = json.loads(cups.cli("practice", "list", "--json").out)["results"]
    assert board["submissions"] == 2
    assert not board["ended"]


def test_leaderboard_before_and_after_the_end(cups):
    before = lines(cups.cli("practice", "leaderboard", SLUG))
    assert before[0] == "Toy Cup: public leaderboard by rmse (minimize), open until <time> UTC"
    assert any(re.match(r"\d  ann  1\.50000 ± ", line) for line in before)
    assert any("  [bold]ben[/x]  " in line for line in before)
    assert before[-1] == "the private leaderboard is hidden until the end, or `kagflow practice end toy`"
    after = lines(cups.cli("practice", "end", "toy"))
    assert after[0] == "Toy Cup: private leaderboard by rmse (minimize), ended <time> UTC"
    document = json.loads(cups.cli("practice", "leaderboard", "toy", "--json").out)
    assert document["side"] == "private"
    (ann,) = [line for line in document["results"] if line["team"] == "ann"]
    assert ann["private"] == pytest.approx(1.5)


def test_reset(cups):
    said = cups.cli("practice", "reset", "toy", "--daily-limit", "2", "--days", "3")
    assert without_times(said.out) == "toy: a new board, 2 submissions a day until <time> UTC\n"
    assert "ann" not in cups.cli("practice", "leaderboard", "toy").out


def test_errors(cups):
    said = cups.cli("practice", "leaderboard", "toi")
    assert (said.code, said.err) == (
        1,
        "error: there is no practice competition 'toi'\nhint: did you mean 'toy'?\n",
    )
    said = cups.cli("practice", "serve", "--host", "0.0.0.0")
    assert said.code == 1
    assert "listens on 127.0.0.1 only, not on 0.0.0.0" in said.err


def test_serve_says_how_to_reach_it_and_stops_on_request(project):
    folder = toy_folder(project.root / "elsewhere")
    server = project.start("practice", "serve", "--port", "0", "--from", str(folder))
    assert server.stdout is not None
    out = [server.stdout.readline()]
    while out[-1] and "kaggle competitions submit" not in out[-1]:  # the last line
        out.append(server.stdout.readline())
    url = re.search(r"http://127\.0\.0\.1:\d+", out[0])
    assert url is not None
    assert "Toy Cup" in requests.get(url[0], timeout=30).text
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=60)
    assert f"  {url[0]}/competitions/{SLUG}\n" in out
    assert f"KAGGLE_API_ENVIRONMENT=LOCALHOST http_proxy={url[0]} no_proxy= KAGGLE_USERNAME=you " in "".join(out), (
        "the name under which `kagflow submit` plays, so that both show the same submissions"
    )
    assert server.returncode == 0, err
    assert err == "note: the practice server has stopped\n"
