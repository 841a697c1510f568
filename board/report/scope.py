"""What a report is about, as filters and groups of ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from board.filters import equals
from playscore.aggregator.v1 import aggregator_pb2 as aggregator


@dataclass(frozen=True, slots=True)
class Scope:
    """A player, a team, a season or a game."""

    title: str
    kind: str
    """"player", "team", "season" or "game"."""
    filter: str
    """Its plays."""
    group_by: Sequence[str]
    """What makes its ratings: one, or in a game that of either team."""
    subject_id: str = ""
    """Of a player."""
    game_id: str = ""
    """Of a game."""

    @classmethod
    def of_player(cls, subject: aggregator.ListedSubject) -> Self:
        """A player, in one role."""
        who = subject.subject
        return cls(
            who.subject_name or who.subject_id,
            "player",
            equals("subject_id", who.subject_id),
            ("subject_id",),
            subject_id=who.subject_id,
        )

    @classmethod
    def of_team(cls, team_id: str) -> Self:
        """A team, whoever played."""
        return cls(team_id, "team", equals("team_id", team_id), ("team_id",))

    @classmethod
    def of_season(cls, season: int) -> Self:
        """A whole league in a season."""
        return cls(f"Season {season}", "season", f"season = {season}", ("season",))

    @classmethod
    def of_game(cls, game_id: str) -> Self:
        """Both teams in a game."""
        return cls(f"Game {game_id}", "game", equals("game_id", game_id), ("team_id",), game_id=game_id)
