"""Simulated games of football as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Game
from playscore.sources import Loss
from playscore.wire.games import feed_of
from simulator.games import game_id_of, simulate_game

SEASON: Final = 2030


@dataclass(frozen=True, slots=True)
class SimulatedGames:
    """Games that are simulated when they are asked for. See `playscore.sources.Source`.

    Args:
        games: how many.
        plays: of each.
        seed: which ones: the same seed always gives the same games.
    """

    games: int
    plays: int = 70
    seed: int = 1

    @property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games, in order."""
        return tuple(game_id_of(SEASON, index) for index in range(self.games))

    def game(self, game_id: str) -> Game:
        """One of them. Raises FIELD_INVALID for another one."""
        if game_id not in self.game_ids:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"no simulated game {game_id}; there are {self.games} of season {SEASON}"
            )
        return simulate_game(self.seed, self.game_ids.index(game_id), self.plays, season=SEASON).game

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        """What is said of one of them, message by message."""
        return feed_of(self.game(game_id))

    def losses(self) -> Sequence[Loss]:
        """None."""
        return ()
