"""What a report is about, as filters and groups of ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from board.filters import equals
from board.report.question import Question
from playscore.client import AggregatorClient
from playscore.client.subjects import find_subject
from playscore.common.v1 import common_pb2 as common


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
    phrase: str
    """Where its plays are: "in season 2030", "of P. One"."""
    alternatives: str = ""
    """What others of its kind are called, where there are few."""
    subject_id: str = ""
    """The identifier of a player; empty for other kinds."""
    game_id: str = ""
    """The identifier of a game; empty for other kinds."""

    @classmethod
    async def asked(
        cls,
        ratings: AggregatorClient,
        question: Question,
        *,
        subject: str | None,
        team: str | None,
        season: int | None,
        game: str | None,
    ) -> Self:
        """The scope that one of `subject` (an identifier, a name or a part of one), `team`, `season` and `game` names.

        Raises SUBJECT_NOT_FOUND where `subject` is no player, or may be several.
        """
        if subject is not None:
            return cls.of_player(
                await find_subject(ratings, question.league, subject, role=question.role, as_of=question.as_of)
            )
        if team is not None:
            return cls.of_team(team)
        return cls.of_season(season) if season is not None else cls.of_game(str(game))

    @classmethod
    def of_player(cls, subject: common.Subject) -> Self:
        """A player, in one role."""
        return cls(
            subject.subject_name or subject.subject_id,
            "player",
            equals("subject_id", subject.subject_id),
            ("subject_id",),
            f"of {subject.subject_name or subject.subject_id}",
            subject_id=subject.subject_id,
        )

    @classmethod
    def of_team(cls, team_id: str) -> Self:
        """A team, with all of its players."""
        return cls(team_id, "team", equals("team_id", team_id), ("team_id",), f"of team {team_id}", "teams")

    @classmethod
    def of_season(cls, season: int) -> Self:
        """A whole league in a season."""
        return cls(f"Season {season}", "season", f"season = {season}", ("season",), f"in season {season}", "seasons")

    @classmethod
    def of_game(cls, game_id: str) -> Self:
        """Both teams in a game."""
        return cls(
            f"Game {game_id}", "game", equals("game_id", game_id), ("team_id",), f"in game {game_id}", game_id=game_id
        )
