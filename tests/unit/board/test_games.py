"""Games by their teams."""

from __future__ import annotations

from board.games import games, matchup
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common


def rating(season: int, game: str, team: str, home: bool | None, plays: int) -> aggregator.Rating:
    return aggregator.Rating(
        subject=common.Subject(team_id=team),
        plays=plays,
        group=[
            aggregator.FieldValue(field="season", integer=season),
            aggregator.FieldValue(field="game_id", text=game),
            aggregator.FieldValue(field="team_id", text=team),
            aggregator.FieldValue(field="home") if home is None else aggregator.FieldValue(field="home", flag=home),
        ],
    )


def test_a_game_is_named_by_its_teams_only_where_it_is_known_who_is_at_home() -> None:
    assert matchup(["TBL"], ["PIT"]) == "PIT at TBL"
    assert matchup([], ["PIT"]) == ""
    assert matchup(["TBL", "PIT"], ["PIT"]) == ""
    assert matchup([""], ["PIT"]) == ""


def test_games_are_listed_latest_first_with_the_plays_of_both_teams() -> None:
    found = games(
        [
            rating(2021, "9", "TBL", True, 30),
            rating(2021, "10", "BOS", None, 12),
            rating(2021, "9", "PIT", False, 28),
            rating(2022, "1", "MTL", True, 5),
        ]
    )
    assert found == [["1", 5, ""], ["10", 12, ""], ["9", 58, "PIT at TBL"]]
