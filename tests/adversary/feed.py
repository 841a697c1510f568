"""Wrong messages in the live feed, among sound ones: workers go on, and the games beside them are played as ever."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from pipeline.jetstream.names import GameName
from pipeline.jetstream.status import FeedStatus, Standing, feed_status
from pipeline.jetstream.streams import FEED_STREAM
from playscore.feed.v1 import feed_pb2 as feed
from tests.adversary.kills import SETTLE_SECONDS, Result, Rounds, Say, held
from tests.adversary.mutation import mutated, varint
from tests.adversary.slate import ToldGame, slate
from tests.adversary.suite import Options, Suite, client

WRONG: Final = 0.3
"""How many messages of a game are damaged."""
LEAGUE: Final = "WRONG"
_MAX_BYTES: Final = 900_000
_LOOK_EVERY_SECONDS: Final = 1.0


async def campaign(
    out: Path, *, seed: int, messages: int, games: int = 4, plays: int = 4, say: Say = lambda text: None
) -> Result:
    """Publishes so many wrong messages, and then a round of sound games."""
    random = Random(seed)
    told = await asyncio.to_thread(slate, seed, games, plays, 1)
    async with Suite(out, Options()) as suite, client(suite) as ratings:
        rounds = Rounds(suite, ratings, told, random)
        await rounds.undisturbed()
        sent = turn = 0
        while sent < messages:
            sent += await _publish_wrong(suite, random, told, turn)
            turn += 1
            if turn % 50 == 0:
                say(f"{sent} wrong messages in {turn} games")
        await rounds.play("1", None, 1.0)
        status = await _settled(suite)
        unplayed = [game for game in status.games if game.standing not in (Standing.PLAYED, Standing.QUIET)]
        rounds.result.faults += [f"{game.name} is {game.standing.value}: {game.state.aside}" for game in unplayed]
        rounds.result.faults += [f"a process died: {said}" for said in suite.deaths]
        rounds.result.kills["wrong messages"] = sent
        rounds.result.kills["of them told to be unreadable"] = len(status.unreadable)
        return rounds.result


async def _publish_wrong(suite: Suite, random: Random, told: Sequence[ToldGame], turn: int) -> int:
    """A game of which some messages are damaged. Returns how many."""
    game, sent = random.choice(told), 0
    name = GameName(LEAGUE, f"g{turn}")
    donors = [random.choice(random.choice(told).live) for _ in range(8)]
    for message in (*game.live, *game.late):
        moved = feed.FeedMessage.FromString(message.SerializeToString())
        for key in (moved.game, *([moved.header.key] if moved.HasField("header") else [])):
            key.league, key.game_id = name.league, name.game_id
        wrong = random.random() < WRONG
        data = mutated(random, moved, donors)[0] if wrong else moved.SerializeToString()
        if len(data) < _MAX_BYTES:
            body = varint(len(data)) + data
            await suite.broker.until_it_answers(
                lambda: suite.broker.js.publish(name.feed, body, stream=FEED_STREAM)  # noqa: B023
            )
            sent += wrong
    return sent


async def _settled(suite: Suite) -> FeedStatus:
    """How the feed stands once nothing waits, or was waited for long enough."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        status = await feed_status(suite.broker)
        busy = sum(status.count(each) for each in (Standing.WAITING, Standing.IN_PROGRESS, Standing.FOUND))
        if not busy or time.monotonic() > end:
            return status
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--messages", type=int, default=20_000, help="wrong messages to publish")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> bool:
    """The command. True where everything held."""
    result = asyncio.run(
        campaign(
            options.out / "feed",
            seed=options.seed,
            messages=options.messages,
            say=lambda text: print(text, flush=True),
        )
    )
    return held(result)
