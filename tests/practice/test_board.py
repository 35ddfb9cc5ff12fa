"""Boards: daily limits, the deadline, what is hidden until the end, the final selection, and many at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from kagflow.errors import ConfigError, DataError
from kagflow.practice import Board, Practice, Refusal, Submission
from kagflow.practice.records import insert_submission
from tests.practice.players import Clock, submission, toy_folder, true_values


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def practice(tmp_path: Path, clock: Clock) -> Practice:
    made = Practice(tmp_path, clock)
    made.add(toy_folder(tmp_path))
    return made


def send(practice: Practice, error: float = 1.0, player: str = "ann", content: bytes | None = None) -> Submission:
    """Upload and submit a file, from a board as it is now."""
    content, board = submission(error) if content is None else content, practice.board("toy")
    token = board.start_upload(player, "submission.csv", len(content))
    practice.receive(token, content)
    return board.submit(player, token, "")


def off_by(public: float, private: float) -> bytes:
    """Write a file with these scores."""
    truth = true_values()
    error = pl.when(pl.col("Usage") == "Public").then(public).otherwise(private)
    return truth.select("id", pl.col("y") + error).write_csv().encode()


def players(board: Board) -> list[tuple[str, float]]:
    return [(each.player, round(each.score, 6)) for each in board.leaderboard() if not each.baseline]


# --- limits ----------------------------------------------------------------------------------------------------------


def test_five_a_day_and_five_more_on_the_next(practice: Practice, clock: Clock) -> None:
    for _ in range(5):
        send(practice)
    with pytest.raises(Refusal, match="used the 5 submissions of today"):
        send(practice)
    send(practice, player="ben")  # whose day has not begun
    clock.forward(hours=11, minutes=59)
    assert practice.board("toy").limits("ann").left == 0
    clock.forward(minutes=1)
    assert practice.board("toy").limits("ann").left == 5
    send(practice)
    assert (practice.board("toy").limits("ann").today, practice.board("toy").limits("ann").total) == (1, 6)


def test_a_file_that_cannot_be_scored_costs_nothing(practice: Practice) -> None:
    bad = send(practice, content=b"id,y\n100,1\n")
    assert "39 ids are missing" in bad.error
    assert (bad.public, bad.private) == (None, None)
    assert practice.board("toy").limits("ann").left == 5


def test_a_file_can_be_submitted_once_and_by_its_player_only(practice: Practice) -> None:
    board, content = practice.board("toy"), submission()
    token = board.start_upload("ann", "submission.csv", len(content))
    practice.receive(token, content)
    with pytest.raises(Refusal, match="no such upload"):
        board.submit("ben", token, "")
    board.submit("ann", token, "")
    with pytest.raises(Refusal, match="no such upload"):
        board.submit("ann", token, "")


def test_two_submitters_at_once_never_pass_the_limit(practice: Practice) -> None:
    def one(number: int) -> bool:
        another = Practice(practice.root, practice.clock)  # as another process has it
        try:
            send(another, number)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(12))) == 5
    sent = practice.board("toy").submissions("ann")
    assert len(sent) == 5
    assert len({each.ref for each in sent}) == 5


def test_a_board_is_opened_once_by_many_at_once(tmp_path: Path) -> None:
    folder = toy_folder(tmp_path)

    def one(_: int) -> int:
        return len(Practice(tmp_path).add(folder).leaderboard())

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(one, range(6))) == {3}


def test_a_player_in_the_same_process_needs_no_server(practice: Practice, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_bytes(submission(2.0))
    sent = practice.submit("toy", "ann", file, "two off")
    assert (sent.file_name, sent.description, sent.public) == ("mine.csv", "two off", 2.0)
    assert players(practice.board("toy")) == [("ann", 2.0)]
    for _ in range(4):
        practice.submit("toy", "ann", file)
    with pytest.raises(Refusal, match="used the 5 submissions of today"):
        practice.submit("toy", "ann", file)


# --- the end ---------------------------------------------------------------------------------------------------------


def test_private_scores_are_hidden_until_the_deadline(practice: Practice, clock: Clock) -> None:
    send(practice, content=off_by(1, 3))
    board = practice.board("toy")
    assert players(board) == [("ann", 1.0)]
    with pytest.raises(Refusal, match="hidden until"):
        board.leaderboard("private")
    clock.forward(days=31)
    assert players(practice.board("toy")) == [("ann", 3.0)]


def test_it_can_be_ended_by_hand_and_stays_so_in_another_process(practice: Practice) -> None:
    send(practice, content=off_by(1, 3))
    practice.board("toy").finish()
    assert players(Practice(practice.root, practice.clock).board("toy")) == [("ann", 3.0)]


def test_a_late_submission_is_scored_and_on_no_board(practice: Practice) -> None:
    practice.board("toy").finish()
    late = send(practice)
    assert late.late
    assert late.private == pytest.approx(1.0)
    assert players(practice.board("toy")) == []


def test_the_best_public_ones_count_where_nothing_is_selected(practice: Practice) -> None:
    for public, private in ((1, 9), (2, 5), (3, 1)):
        send(practice, content=off_by(public, private))
    practice.board("toy").finish()
    assert players(practice.board("toy")) == [("ann", 5.0)]  # not the third, whose public score was the worst


def test_the_selected_ones_count(practice: Practice) -> None:
    sent = [send(practice, content=off_by(*scores)) for scores in ((1, 9), (2, 5), (3, 1))]
    board = practice.board("toy")
    board.select("ann", [sent[0].ref, sent[2].ref])
    assert [each.ref for each in board.select("ann", [sent[2].ref])] == [sent[2].ref]  # in place of the former
    board.finish()
    assert players(practice.board("toy")) == [("ann", 1.0)]


def test_one_selected_is_filled_up_by_the_best_public_one(practice: Practice) -> None:
    sent = [send(practice, content=off_by(*scores)) for scores in ((1, 4), (2, 1), (3, 9))]
    practice.board("toy").select("ann", [sent[2].ref])
    practice.board("toy").finish()
    assert players(practice.board("toy")) == [("ann", 4.0)]


def test_what_cannot_be_selected(practice: Practice) -> None:
    board = practice.board("toy")
    mine, theirs, bad = send(practice), send(practice, player="ben"), send(practice, content=b"id,y\n100,1\n")
    for refs, problem in (([mine.ref, 1, 2], "At most 2"), ([theirs.ref], "no scored"), ([bad.ref], "no scored")):
        with pytest.raises(Refusal, match=problem):
            board.select("ann", refs)
    board.finish()
    with pytest.raises(Refusal, match="has ended"):
        board.select("ann", [mine.ref])


# --- ranks and baselines ---------------------------------------------------------------------------------------------


def test_of_equal_scores_the_older_stands_above(practice: Practice) -> None:
    for player in ("ben", "ann"):
        send(practice, player=player)
    assert players(practice.board("toy")) == [("ben", 1.0), ("ann", 1.0)]


def test_a_player_cannot_pass_for_a_baseline(practice: Practice) -> None:
    send(practice, player="baseline: linear model")
    assert [each.baseline for each in practice.board("toy").leaderboard() if "linear" in each.player] == [False, True]


def test_baselines_are_what_they_say(practice: Practice) -> None:
    scores = {each.player: each.score for each in practice.board("toy").leaderboard()}
    y = true_values()["y"]
    train_mean = sum(float(y[k % y.len()]) for k in range(80)) / 80  # the rows that the toy's train repeats
    assert scores["baseline: sample submission"] == pytest.approx((y[:10] ** 2).mean() ** 0.5)
    assert scores["baseline: one value for all"] == pytest.approx(((y[:10] - train_mean) ** 2).mean() ** 0.5)
    assert "baseline: linear model" in scores


# --- beginning anew --------------------------------------------------------------------------------------------------


def test_numbers_are_never_given_twice(practice: Practice) -> None:
    before = send(practice).ref
    practice.reset("toy", daily_limit=2, days=1)
    assert practice.board("toy").submissions("ann") == []
    assert practice.board("toy").daily_limit == 2
    assert send(practice).ref > before


def test_another_truth_is_not_mixed_with_the_old_scores(practice: Practice) -> None:
    folder = practice.ground("toy").folder
    true_values().with_columns(y=1.0).write_csv(folder / "solution.csv")
    again = Practice(practice.root, practice.clock)
    with pytest.raises(Refusal, match="the truth of toy has changed"):
        send(again)
    again.reset("toy")
    send(again)


def test_two_folders_of_one_name_are_told_apart(practice: Practice, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is open for"):
        practice.add(toy_folder(tmp_path / "another"))


def test_a_folder_that_is_gone_takes_no_other_board_along(practice: Practice, tmp_path: Path) -> None:
    folder = practice.ground("toy").folder
    folder.rename(tmp_path / "moved")
    assert practice.boards() == []
    with pytest.raises(Refusal, match="no practice competition 'toy'"):
        practice.board("toy")


def test_a_folder_without_facts_is_refused(practice: Practice, tmp_path: Path) -> None:
    (tmp_path / "unknown").mkdir()
    with pytest.raises(ConfigError, match=r"holds no competition\.yaml"):
        practice.add(tmp_path / "unknown")


# --- all or nothing --------------------------------------------------------------------------------------------------


def test_a_submission_that_breaks_off_leaves_nothing(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    board, content = practice.board("toy"), submission()
    token = board.start_upload("ann", "submission.csv", len(content))
    practice.receive(token, content)

    def breaks_off(db: Any, *rest: Any) -> int:
        insert_submission(db, *rest)
        raise KeyboardInterrupt

    monkeypatch.setattr("kagflow.practice.board.insert_submission", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        board.submit("ann", token, "")
    assert board.submissions("ann") == []
    monkeypatch.undo()
    assert board.submit("ann", token, "").public == pytest.approx(1.0)  # the upload is there still


def test_a_board_whose_files_are_wrong_is_not_opened(tmp_path: Path) -> None:
    folder = toy_folder(tmp_path)
    (folder / "solution.csv").unlink()
    practice = Practice(tmp_path)
    with pytest.raises(DataError, match=r"solution\.csv is missing"):
        practice.add(folder)
    assert practice.boards() == []


def test_a_reset_that_fails_keeps_the_old_board(practice: Practice) -> None:
    send(practice)
    solution = practice.ground("toy").folder / "solution.csv"
    solution.write_text("id,y,Usage\n1,1,Public\n2,1,Private\n")
    with pytest.raises(DataError, match="other ids"):
        practice.reset("toy")
    assert len(practice.board("toy").submissions("ann")) == 1
