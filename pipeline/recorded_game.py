"""A game as a source recorded it, read whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.sources import Source


@dataclass(frozen=True, slots=True)
class RecordedGame:
    """What is played of a game, and what is known of it from before."""

    key: common.GameKey
    messages: Sequence[feed.FeedMessage]
    archive: Sequence[feed.FeedMessage] = ()

    @property
    def sport(self) -> common.Sport.ValueType:
        """What is played, by the first header; unspecified where there is none."""
        return _sport(self.messages) or _sport(self.archive)

    @property
    def season(self) -> int | None:
        """The year in which its season began, by the first header that states one."""
        headers = (message.header for message in self.messages if message.HasField("header"))
        return next((header.season for header in headers if header.HasField("season")), None)

    def plays(self) -> frozenset[str]:
        """The plays that the messages are about: those with a context or a result."""
        named = {message.context.play_id for message in self.messages if message.HasField("context")} | {
            message.official_result.play_id for message in self.messages if message.HasField("official_result")
        }
        return frozenset(named - {""})


def read_game(game_id: str, source: Source | None, corrections: Source | None = None) -> RecordedGame:
    """A game of `source`; where there are `corrections`, these, with `source` as what is known from before.

    Raises what the sources raise, and FIELD_INVALID where nothing is known of the game.
    """
    played = source if corrections is None else corrections
    assert played is not None
    messages = list(played.feed(game_id))
    if not messages:
        raise PlayscoreError(Reason.FIELD_INVALID, f"nothing is known of game {game_id}")
    archive: list[feed.FeedMessage] = []
    if corrections is not None and source is not None and game_id in source.game_ids:
        archive = list(source.feed(game_id))
    return RecordedGame(common.GameKey(league=messages[0].game.league, game_id=game_id), messages, archive)


def _sport(messages: Iterable[feed.FeedMessage]) -> common.Sport.ValueType:
    headers = (message.header for message in messages if message.HasField("header"))
    header = next(headers, None)
    return common.SPORT_UNSPECIFIED if header is None else header.sport
