"""What the leaderboard says now, asked of a real one by the real client; and what it said before."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kagflow.competition import load
from kagflow.errors import DataError
from kagflow.practice import Practice
from kagflow.report.board_now import BoardNow, ask_board, remember
from tests.conftest import Project

REPOSITORY = Path(__file__).parents[3]
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.fixture
def churn(tmp_path):
    """A project of a bundled competition."""
    shutil.copytree(REPOSITORY / "competitions" / "churn", tmp_path / "competitions" / "churn")
    project = Project(tmp_path)
    for name, columns in (("all", ""), ("few", "drop: [tenure, contract, '*charges']\n")):
        model = "model: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}\n"
        project.write(f"configs/churn/{name}.yaml", model + columns)
    return project


def test_the_practice_board_tells_rank_limits_end_and_what_is_selected(churn):
    said = churn.cli("cv", "churn", "-c", "all", "-c", "few", "--set", "splitter.folds=3")
    assert said.code == 0, said.err
    for config in ("all", "few"):
        said = churn.cli("submit", "churn", config, "--yes")
        assert said.code == 0, said.err
    competition = load("churn", churn.root)
    board = ask_board(competition, "practice")
    assert (board.team, board.selected, board.medals) == ("you", (), False)
    assert board.rank == 1 + sum(score > board.scores["you"] for score in board.scores.values())
    assert board.daily_limit - board.left_today == 2
    assert board.end is not None and not board.over(datetime.now(UTC))

    said = json.loads(churn.cli("report", "churn", "--json").out)["stand"]["replies"]
    assert "None is selected" in said["two"]["answer"]
    practice = Practice(churn.root).board("churn")
    practice.select("you", [each.ref for each in practice.submissions("you")])
    said = json.loads(churn.cli("report", "churn", "--json").out)["stand"]["replies"]
    assert "Both are selected." in said["two"]["answer"]
    assert len(said["two"]["choose"]) == 2


def board(rank=2, **scores):
    return BoardNow(
        to="practice",
        end=None,
        left_today=1,
        daily_limit=5,
        team="me",
        rank=rank,
        teams=2,
        scores={"me": 0.5, **scores},
        selected=(),
        medals=False,
        page="",
    )


def test_the_look_before_is_the_last_that_was_different(tmp_path):
    path = tmp_path / "report" / "looks.json"
    assert remember(path, board(other=0.4), NOW).before is None
    assert remember(path, board(other=0.4), NOW + timedelta(hours=1)).before is None
    changed = remember(path, board(rank=1, other=0.6), NOW + timedelta(hours=2))
    assert (changed.before.rank, changed.before.when) == (2, NOW)
    again = remember(path, board(rank=1, other=0.6), NOW + timedelta(hours=3))
    assert again.before == changed.before


def test_without_a_place_of_ones_own_nothing_is_kept(tmp_path):
    assert remember(tmp_path / "looks.json", board(rank=None), NOW) is None
    assert not (tmp_path / "looks.json").exists()


def test_a_damaged_file_of_looks_is_said(tmp_path):
    path = tmp_path / "looks.json"
    path.write_text("[{]")
    with pytest.raises(DataError, match="cannot be read"):
        remember(path, board(), NOW)
