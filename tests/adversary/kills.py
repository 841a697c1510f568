"""Processes that are killed at any moment while games are played: nothing may be lost, doubled or changed by it."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from deploy.local.process import ServerError
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import publish_game
from pipeline.jetstream.status import Standing, feed_status
from playscore.client import AggregatorClient
from playscore.errors import PlayscoreError
from tests.adversary.slate import ToldGame, in_leagues, slate
from tests.adversary.standings import Standings, differences, read_standings
from tests.adversary.suite import Options, Suite, client

Say = Callable[[str], None]
SETTLE_SECONDS: Final = 180.0
"""After the last message of a round: by then everything must be recorded, however much is killed meanwhile."""
UNDISTURBED: Final = "0"
CALM: Final = 0.75
"""How many kills wait until everything runs again, however long that takes on the machine."""
_LOOK_EVERY_SECONDS: Final = 1.0


@dataclass
class Result:
    """What came of a campaign."""

    games: int = 0
    plays: int = 0
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    settled_seconds: list[float] = field(default_factory=list)
    """After the last message of each round."""
    seconds: float = 0.0

    def report(self) -> Iterator[str]:
        """Lines for people."""
        yield f"{self.rounds} rounds, {self.games} games, {self.plays} plays, {self.seconds:.0f} s"
        yield f"{self.kills.total()} attacks: " + ", ".join(f"{name} {n}" for name, n in self.kills.most_common())
        if self.settled_seconds:
            slowest = max(self.settled_seconds)
            yield f"all recorded within {slowest:.0f} s of the last message of a round"
        yield f"{len(self.faults)} faults"
        yield from (f"  {fault}" for fault in self.faults[:40])


class Rounds:
    """Plays the same games again and again, each time in leagues of their own, and compares what came of them."""

    def __init__(self, suite: Suite, ratings: AggregatorClient, games: Sequence[ToldGame], random: Random) -> None:
        self.result = Result()
        self._suite = suite
        self._ratings = ratings
        self._games = games
        self._random = random
        self._leagues = sorted({game.key.league for game in games})
        self._expected: dict[str, Standings] = {}

    async def undisturbed(self, speed: float | None = None) -> None:
        """The round that others are compared with."""
        await self._publish(UNDISTURBED, speed, 0.0)
        plays = Counter(game.key.league for game in self._games for _ in range(game.plays))
        end = time.monotonic() + SETTLE_SECONDS
        before: Mapping[str, Standings] = {}
        while True:
            found = await self._read(UNDISTURBED)
            whole = all(found[league].plays == plays[league] for league in self._leagues)
            if whole and before and not any(_all_differences(before, found)):
                break
            before = found
            if time.monotonic() > end:
                raise RuntimeError(f"the undisturbed games were not all recorded: {self._counts(found)} of {plays}")
            await asyncio.sleep(3 * _LOOK_EVERY_SECONDS)
        self._expected = dict(found)

    async def play(self, suffix: str, speed: float | None, spread_seconds: float) -> None:
        """One round; what differs from the undisturbed one is a fault."""
        begun = time.monotonic()
        await self._publish(suffix, speed, spread_seconds)
        told = time.monotonic()
        wrong = await self._settled(suffix)
        self.result.rounds += 1
        self.result.games += len(self._games)
        self.result.plays += sum(game.plays for game in self._games)
        self.result.settled_seconds.append(time.monotonic() - told)
        self.result.faults += [f"round {suffix}: {fault}" for fault in wrong]
        self.result.seconds += time.monotonic() - begun

    async def check_again(self, suffixes: Sequence[str]) -> None:
        """What was right must still be."""
        for suffix in suffixes:
            wrong = _all_differences(self._expected, await self._read(suffix))
            self.result.faults += [f"round {suffix}, at the end: {fault}" for fault in wrong]

    async def _settled(self, suffix: str) -> Sequence[str]:
        """What differs after the time that everything has to be recorded in."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            wrong = list(_all_differences(self._expected, await self._read(suffix)))
            if not wrong:
                return ()
            if time.monotonic() > end:
                return [*wrong, *await self._unsettled()]
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _unsettled(self) -> Sequence[str]:
        """What the feed itself says of games that are not played."""
        status = await feed_status(self._suite.broker)
        odd = [game for game in status.games if game.standing not in (Standing.PLAYED, Standing.QUIET)]
        return [f"{game.name} is {game.standing.value}: {game.state.aside}" for game in odd]

    async def _read(self, suffix: str) -> Mapping[str, Standings]:
        """As soon as the aggregator answers."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                return {league: await read_standings(self._ratings, league + suffix) for league in self._leagues}
            except (PlayscoreError, ConnectionError, TimeoutError):
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _publish(self, suffix: str, speed: float | None, spread_seconds: float) -> None:
        async def tell(game: ToldGame) -> None:
            name = GameName(game.key.league, game.key.game_id)
            await asyncio.sleep(self._random.uniform(0, spread_seconds))
            await publish_game(name, game.live, self._suite.broker, speed=speed)
            await asyncio.sleep(self._random.uniform(0, spread_seconds))
            await publish_game(name, game.late, self._suite.broker)

        async with asyncio.TaskGroup() as publishing:
            for game in in_leagues(self._games, suffix):
                publishing.create_task(tell(game))

    @staticmethod
    def _counts(found: Mapping[str, Standings]) -> Mapping[str, int]:
        return {league: standings.plays for league, standings in found.items()}


def _all_differences(expected: Mapping[str, Standings], found: Mapping[str, Standings]) -> Iterator[str]:
    for league, standings in expected.items():
        yield from differences(standings, found[league])


async def keep_killing(suite: Suite, kills: int, every_seconds: float, random: Random, say: Say) -> None:
    """Kills a process at a random moment, so many times: mostly while all run, sometimes while others start again."""
    while suite.killed.total() < kills:
        if random.random() < CALM:
            with suppress(ServerError):
                await suite.ready()
        await asyncio.sleep(random.uniform(0, 2 * every_seconds))
        suite.kill(random.choice(suite.targets), random)
        if suite.killed.total() and suite.killed.total() % 25 == 0:
            say(f"{suite.killed.total()} kills: {dict(suite.killed)}")


async def campaign(
    out: Path,
    options: Options,
    *,
    seed: int,
    kills: int,
    every_seconds: float,
    games: int,
    plays: int,
    hockey_games: int,
    speed: float | None,
    spread_seconds: float,
    say: Say = lambda text: None,
) -> Result:
    """Plays rounds until so many processes were killed."""
    random = Random(seed)
    told = await asyncio.to_thread(slate, seed, games, plays, hockey_games)
    async with Suite(out, options) as suite, client(suite) as ratings:
        rounds = Rounds(suite, ratings, told, random)
        begun = time.monotonic()
        await rounds.undisturbed()
        say(f"undisturbed: {len(told)} games in {time.monotonic() - begun:.0f} s")
        killing = asyncio.create_task(keep_killing(suite, kills, every_seconds, random, say))
        suffixes = [UNDISTURBED]
        while not killing.done():
            suffixes.append(str(len(suffixes)))
            await rounds.play(suffixes[-1], speed, spread_seconds)
            say(f"round {suffixes[-1]}: {suite.killed.total()} kills, {len(rounds.result.faults)} faults")
            if len(rounds.result.faults) > 100:
                killing.cancel()
        await suite.ready()
        await rounds.check_again(suffixes)
        rounds.result.kills = suite.killed
        return rounds.result


def add_round_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the games of a round."""
    parser.add_argument("--games", type=int, default=60, help="games of football")
    parser.add_argument("--hockey-games", type=int, default=4)
    parser.add_argument("--plays", type=int, default=6, help="plays of a game of football")
    parser.add_argument("--speed", type=float, default=8.0, help="times real time")
    parser.add_argument("--spread", type=float, default=20.0, metavar="SECONDS", help="in which games begin")
    parser.add_argument("--seed", type=int, default=1)


def held(result: Result) -> bool:
    """Prints what came of a campaign. Whether everything held."""
    print(*result.report(), sep="\n")
    return not result.faults


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="a kill waits, on average")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--workers", type=int, default=2)
    add_round_arguments(parser)


def run(options: argparse.Namespace) -> bool:
    """The command. True where everything held."""
    result = asyncio.run(
        campaign(
            options.out / f"kills-{options.store}",
            Options(options.store, options.workers),
            seed=options.seed,
            kills=options.kills,
            every_seconds=options.every,
            games=options.games,
            plays=options.plays,
            hockey_games=options.hockey_games,
            speed=options.speed,
            spread_seconds=options.spread,
            say=lambda text: print(text, flush=True),
        )
    )
    return held(result)
