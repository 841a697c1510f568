"""Games to be played under attack: small ones of both sports, with results that come late, and corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from playscore.common.v1 import common_pb2 as common
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.wire.games import feed_of
from simulator import simulate
from simulator.hockey import simulate_games
from simulator.hockey.feed import feed_of as hockey_feed_of

LATE: Final = 0.3
"""How many results come after the game."""
CORRECTED: Final = 0.15
"""How many results are corrected after it."""
MOVED: Final = 0.08
"""How many plays are said to be another passer's after it."""
STRUCK: Final = 0.04
"""How many plays are said not to count after it."""
_PERIOD_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class ToldGame:
    """A game as its source tells it."""

    key: common.GameKey
    live: Sequence[feed.FeedMessage]
    """To its end."""
    late: Sequence[feed.FeedMessage]
    """What comes after: results, corrections."""
    plays: int


def slate(seed: int, football_games: int, plays: int, hockey_games: int = 0) -> Sequence[ToldGame]:
    """Games of the leagues SIM and SIH. The same seed makes the same ones."""
    told = [
        _told(seed, list(feed_of(each.game)), len(each.game.plays)) for each in simulate(seed, football_games, plays)
    ]
    if hockey_games:
        hockey = simulate_games(seed, hockey_games, period_seconds=_PERIOD_SECONDS)
        told += [_told(seed, list(hockey_feed_of(each)), len(each.game.plays)) for each in hockey]
    return told


def in_leagues(games: Sequence[ToldGame], suffix: str) -> Sequence[ToldGame]:
    """The same games in other leagues: SIM with `suffix` behind it, and so on."""
    return [
        ToldGame(
            common.GameKey(league=game.key.league + suffix, game_id=game.key.game_id),
            [_moved(message, suffix) for message in game.live],
            [_moved(message, suffix) for message in game.late],
            game.plays,
        )
        for game in games
    ]


def _moved(message: feed.FeedMessage, suffix: str) -> feed.FeedMessage:
    moved = feed.FeedMessage.FromString(message.SerializeToString())
    moved.game.league += suffix
    if moved.HasField("header"):
        moved.header.key.league += suffix
    return moved


def _told(seed: int, messages: Sequence[feed.FeedMessage], plays: int) -> ToldGame:
    key = messages[0].game
    random = Random(f"{seed} {key.league} {key.game_id}")
    live: list[feed.FeedMessage] = []
    late: list[feed.FeedMessage] = []
    for message in messages:
        kind = message.WhichOneof("message")
        (late if kind == "official_result" and random.random() < LATE else live).append(message)
        if kind == "official_result" and message.official_result.HasField("pass_outcome"):
            late += _corrected_result(random, message)
        elif kind == "context" and message.context.HasField("football"):
            late += _corrected_context(random, message, messages)
    random.shuffle(late)
    return ToldGame(key, live, late, plays)


def _corrected_result(random: Random, message: feed.FeedMessage) -> list[feed.FeedMessage]:
    outcome = message.official_result.pass_outcome
    if outcome.result != football.PASS_RESULT_COMPLETE or random.random() >= CORRECTED:
        return []
    corrected = feed.FeedMessage.FromString(message.SerializeToString())
    corrected.official_result.pass_outcome.yards_gained = float(random.randrange(1, 5))
    corrected.official_result.pass_outcome.outcome_revision = 2
    return [corrected]


def _corrected_context(
    random: Random, message: feed.FeedMessage, messages: Sequence[feed.FeedMessage]
) -> list[feed.FeedMessage]:
    chance = random.random()
    if chance >= MOVED + STRUCK:
        return []
    play: Any = feed.PlayContext(play_id=message.context.play_id, revision=2)
    if chance < STRUCK:
        play.status = feed.PLAY_STATUS_NULLIFIED
    else:
        (roster,) = (each.roster for each in messages if each.HasField("roster"))
        team = message.context.attacking_team_id
        others = sorted(player.player_id for player in roster.players if player.team_id == team)
        play.football.passer_id = random.choice(others)
    return [feed.FeedMessage(game=message.game, context=play)]
