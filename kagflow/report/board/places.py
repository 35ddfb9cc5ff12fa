"""Places on the leaderboard: why a rank moved, and where the medals are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kagflow.metrics import Direction


@dataclass(frozen=True, kw_only=True)
class RankMove:
    """Why the rank changed from one look at the leaderboard to the next; the parts add up to the move.

    Attributes
    ----------
    before, after
        Ranks, 1 is best.
    own
        Places by one's own score, had nobody else moved; negative is upwards, as in all parts.
    passed
        Places lost to (or won from) teams that were there before, by their new scores.
    field
        Places lost to teams that are new, less those of teams that left.
    ties
        Places among teams whose scores are the same in the board's digits, where who was first stands first.
    share_before, share_after
        Rank as a share of all teams.
    tied
        Teams with the same score now, oneself left out.
    """

    before: int
    after: int
    own: int
    passed: int
    field: int
    ties: int
    share_before: float
    share_after: float
    tied: int


@dataclass(frozen=True, kw_only=True)
class Medals:
    """The last ranks that earn a medal with so many teams, and the zone that a rank is in."""

    teams: int
    gold: int
    silver: int
    bronze: int
    zone: Literal["gold", "silver", "bronze"] | None


_PLACES = (
    # fewer teams than this: last rank of gold, silver and bronze
    (100, lambda teams: (teams // 10, teams // 5, teams * 2 // 5)),
    (250, lambda teams: (10, teams // 5, teams * 2 // 5)),
    (1000, lambda teams: (10 + teams // 500, 50, 100)),
    (float("inf"), lambda teams: (10 + teams // 500, teams // 20, teams // 10)),
)


def medals(rank: int | None, teams: int) -> Medals:
    """Return where the medals are with so many teams, by Kaggle's rules (kaggle.com/progression, 2026).

    It is the caller's to ask only for a competition that awards medals: ``CompetitionInfo.awards_points``.
    """
    gold, silver, bronze = next(places(teams) for fewer, places in _PLACES if teams < fewer)
    zones: tuple[tuple[Literal["gold", "silver", "bronze"], int], ...] = (
        ("gold", gold),
        ("silver", silver),
        ("bronze", bronze),
    )
    zone = next((name for name, last in zones if rank is not None and rank <= last), None)
    return Medals(teams=teams, gold=gold, silver=silver, bronze=bronze, zone=zone)


def explain_rank(
    before: Mapping[str, float],
    after: Mapping[str, float],
    team: str,
    *,
    ranks: tuple[int, int],
    direction: Direction,
    digits: int,
) -> RankMove:
    """Return why a team's rank moved from one look at the leaderboard to the next.

    One thing is changed after the other, in this order: one's own score, those of the teams that were there before, and
    the field. A team counts as ahead if its score is better in the board's digits; what is left of the move is ties.

    Parameters
    ----------
    before, after
        Scores by team; they hold ``team``.
    team
        One's own.
    ranks
        Its rank before and after, as the board has it.
    direction
        Whether less or more is better.
    digits
        Decimals of the board's scores.
    """
    sign = -1 if direction == "minimize" else 1
    old = {name: sign * round(score, digits) for name, score in before.items()}
    new = {name: sign * round(score, digits) for name, score in after.items()}
    stayed = [name for name in old if name in new and name != team]
    mine_old, mine_new = old.pop(team), new.pop(team)

    def ahead(scores: Mapping[str, float], mine: float) -> int:
        return sum(score > mine for score in scores.values())

    start, own = ahead(old, mine_old), ahead(old, mine_new)
    moved = ahead(old | {name: new[name] for name in stayed}, mine_new)
    end = ahead(new, mine_new)
    return RankMove(
        before=ranks[0],
        after=ranks[1],
        own=own - start,
        passed=moved - own,
        field=end - moved,
        ties=(ranks[1] - ranks[0]) - (end - start),
        share_before=ranks[0] / len(before),
        share_after=ranks[1] / len(after),
        tied=sum(score == mine_new for score in new.values()),
    )
