"""The games of a league, by their teams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from board.text_order import natural
from playscore.aggregator.v1 import aggregator_pb2 as aggregator

GROUPS: Final = ("season", "game_id", "team_id", "home")
"""What ratings are grouped by for `games`."""


def matchup(home: Iterable[str], away: Iterable[str]) -> str:
    """A game by its teams: "PIT at TBL"; empty where it is not known which one team is at home, and which is not."""
    hosts, guests = set(home) - {""}, set(away) - {""}
    return f"{guests.pop()} at {hosts.pop()}" if len(hosts) == len(guests) == 1 and hosts != guests else ""


def games(ratings: Iterable[aggregator.Rating]) -> list[list[Any]]:
    """Each game's identifier, plays and teams as `matchup` has them, the latest first."""
    seasons: dict[str, int] = {}
    plays: dict[str, int] = {}
    teams: dict[str, tuple[list[str], list[str]]] = {}
    for rating in ratings:
        known = {each.field: each for each in rating.group}
        game_id = known["game_id"].text
        seasons[game_id] = max(known["season"].integer, seasons.get(game_id, 0))
        plays[game_id] = plays.get(game_id, 0) + rating.plays
        home, away = teams.setdefault(game_id, ([], []))
        if known["home"].WhichOneof("value"):
            (home if known["home"].flag else away).append(rating.subject.team_id)
    latest = sorted(plays, key=lambda game_id: (seasons[game_id], natural(game_id)), reverse=True)
    return [[game_id, plays[game_id], matchup(*teams[game_id])] for game_id in latest]
