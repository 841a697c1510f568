"""The scenarios: which games are played, and when what is said of them is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loadtest.schedule import Due, flat_out, live, together_released
from playscore.common.v1 import common_pb2 as common
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Game
from playscore.wire.games import feed_of
from simulator import simulate_game
from simulator.hockey import simulate_games as simulate_hockey
from simulator.hockey.feed import feed_of as hockey_feed_of

SEED: Final = 13
_PERIODS: Final = 3
_MIN_PERIOD_SECONDS: Final = 10.0
_MIN_PLAY_SECONDS: Final = 2.5
"""Shorter than nearly every play of the football simulator, so that enough are simulated."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of load. Games are those of one scale; at scale N there are N times as many."""

    name: str
    meaning: str
    football: int
    """Games of football."""
    hockey: int
    """Games of hockey."""
    seconds: float
    """Of film in each game."""
    kickoffs_seconds: float = 0.0
    """The games begin evenly within that."""
    released_together: bool = False
    """The plays of all games are released at the same moments. The official result of every second play comes at the
    end, all of them at once."""
    flat_out: bool = False
    """Whole games, all due at once."""


SCENARIOS: Final[Mapping[str, Scenario]] = {
    each.name: each
    for each in (
        Scenario("sunday", "14 games of football in real time, kicked off within 10 s", 14, 0, 60.0, 10.0),
        Scenario("night", "8 games of hockey in real time, begun within 10 s", 0, 8, 60.0, 10.0),
        Scenario(
            "burst",
            "14 games of football, their plays released at the same moments; half of the results come at once, later",
            *(14, 0, 60.0),
            released_together=True,
        ),
        Scenario("soak", "14 games of football and 4 of hockey for half an hour", 14, 4, 1800.0, 60.0),
        Scenario("season", "64 whole games of football as fast as they go", 64, 0, 300.0, flat_out=True),
    )
}


@dataclass(frozen=True, slots=True)
class Slate:
    """What is published."""

    league: str
    games: int
    plays: int
    """That are told, whether they are scored or not."""
    roles: tuple[common.Role.ValueType, ...]
    """Of the ratings that they count in."""
    due: Sequence[Due]
    """In the order of time."""


def slate(scenario: Scenario, scale: int, league: str) -> Slate:
    """Simulates the games of a scenario, and says when each of their messages is due.

    Games of one scenario and scale are always the same, but for the league that they are told of.
    """
    told: list[list[FeedMessage]] = [
        [_of_league(message, league) for message in messages]
        for messages in (*_football(scale * scenario.football, scenario), *_hockey(scale * scenario.hockey, scenario))
    ]
    due: list[Due] = []
    if scenario.flat_out:
        due = [each for messages in told for each in flat_out(messages)]
    elif scenario.released_together:
        due = together_released(told)
    else:
        for place, messages in enumerate(told):
            due += live(messages, scenario.kickoffs_seconds * place / len(told))
    roles = tuple(dict.fromkeys(play.role for each in due for play in each.completes))
    plays = len({(m.game.game_id, m.context.play_id) for messages in told for m in messages if m.HasField("context")})
    return Slate(league, len(told), plays, roles, sorted(due, key=lambda each: each.seconds))


def _football(games: int, scenario: Scenario) -> Iterator[Iterator[FeedMessage]]:
    for index in range(games):
        game = simulate_game(SEED, index, max(8, round(scenario.seconds / _MIN_PLAY_SECONDS))).game
        yield feed_of(_first(game, scenario.seconds))


def _first(game: Game, seconds: float) -> Game:
    """The plays with so much film."""
    filmed, plays = 0.0, []
    for play in game.plays:
        if filmed >= seconds:
            break
        filmed += len(play.frames) / (game.header.frame_rate_hertz or 10.0)
        plays.append(play)
    return replace(game, plays=plays)


def _hockey(games: int, scenario: Scenario) -> Iterator[Iterator[FeedMessage]]:
    if games:
        period = max(scenario.seconds / _PERIODS, _MIN_PERIOD_SECONDS)
        for played in simulate_hockey(SEED, games, period_seconds=period):
            yield hockey_feed_of(played)


def _of_league(message: FeedMessage, league: str) -> FeedMessage:
    message.game.league = league
    if message.HasField("header"):
        message.header.key.league = league
    return message
