"""Where the medals are, and why a rank moved."""

import pytest

from kagflow.report.board.places import explain_rank, medals


@pytest.mark.parametrize(
    ("teams", "last"),
    [
        (20, (2, 4, 8)),
        (99, (9, 19, 39)),
        (100, (10, 20, 40)),
        (249, (10, 49, 99)),
        (250, (10, 50, 100)),
        (500, (11, 50, 100)),
        (1000, (12, 50, 100)),
        (5000, (20, 250, 500)),
    ],
)
def test_medals_follow_from_the_number_of_teams(teams, last):
    found = medals(None, teams)
    assert (found.gold, found.silver, found.bronze) == last
    assert found.zone is None


@pytest.mark.parametrize(("rank", "zone"), [(1, "gold"), (12, "gold"), (13, "silver"), (100, "bronze"), (101, None)])
def test_a_rank_is_in_a_zone(rank, zone):
    assert medals(rank, 1000).zone == zone


FIELD = {"ann": 0.90, "bob": 0.88, "cid": 0.86, "me": 0.85, "dot": 0.80}


def explain(after, ranks, before=FIELD, digits=2):
    return explain_rank(before, after, "me", ranks=ranks, direction="maximize", digits=digits)


def test_a_better_score_of_ones_own_moves_up():
    move = explain({**FIELD, "me": 0.89}, (4, 2))
    assert (move.own, move.passed, move.field, move.ties) == (-2, 0, 0, 0)


def test_others_pass_and_join():
    move = explain({**FIELD, "dot": 0.87, "eve": 0.95, "fay": 0.10}, (4, 6))
    assert (move.own, move.passed, move.field, move.ties) == (0, 1, 1, 0)
    assert (move.share_before, move.share_after) == (4 / 5, 6 / 7)


def test_a_difference_below_the_digits_of_the_board_is_a_tie_and_wins_no_place():
    move = explain({**FIELD, "me": 0.8604}, (4, 4))
    assert (move.own, move.ties, move.tied) == (-1, 1, 1)  # cid was first with 0.86, and stays ahead


def test_the_parts_add_up_where_everything_happens_and_less_is_better():
    before = {"ann": 0.10, "bob": 0.12, "me": 0.13, "cid": 0.15, "old": 0.11}
    after = {"ann": 0.10, "bob": 0.12, "me": 0.12, "cid": 0.09, "new": 0.125}
    move = explain_rank(before, after, "me", ranks=(4, 4), direction="minimize", digits=3)
    assert move.own + move.passed + move.field + move.ties == move.after - move.before == 0
    assert (move.own, move.passed, move.field, move.ties) == (-1, 1, -1, 1)
