"""`playscore publish`, `playscore work` and `playscore feed`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import click
import structlog
import uvloop
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.commands import LayoutName, Speed
from pipeline.jetstream.broker import Broker, BrokerAddress, connected
from pipeline.jetstream.names import GameName
from pipeline.jetstream.options import broker_options, trace_options
from pipeline.jetstream.publishing import Callbacks, Published, PublishedGame, publish
from pipeline.jetstream.service import WorkerService
from pipeline.jetstream.states import States
from pipeline.jetstream.status import FeedStatus, Standing, feed_status
from pipeline.jetstream.streams import DAY_SECONDS, FEED_STREAM, StreamSettings, create_streams, existing_streams
from pipeline.jetstream.work_queue import WorkQueue
from pipeline.jetstream.worker import (
    GAMES_AT_ONCE,
    LINGER_SECONDS,
    MAX_FAILURES,
    QUIET_SECONDS,
    WorkSettings,
)
from pipeline.options import service_options
from pipeline.replay import Addresses
from pipeline.retry import GIVE_UP_SECONDS
from playscore import event_loop
from playscore.client.words import counted
from playscore.sources import Source, open_source, select_games
from servicekit import ServiceSettings, StartError, serving
from servicekit.logs import configure_logs, configure_terminal_logs
from servicekit.memory import spare_from_collection
from servicekit.signals import told_to_end
from servicekit.tracing import tracing

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY_SECONDS}

log = structlog.get_logger()


class Size(click.ParamType[int]):
    """Bytes: 500M, 20G."""

    name = "500M|20G"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads it."""
        text = str(value).upper().removesuffix("B")
        unit = text[-1:] if text[-1:] in _UNITS else ""
        number = text.removesuffix(unit)
        if not number.isdigit() or not int(number):
            self.fail(f"{value!r} is no number of bytes such as 500M or 20G", param, ctx)
        return int(number) * _UNITS[unit]


class Duration(click.ParamType[float]):
    """Seconds: 90s, 2h, 14d."""

    name = "90s|2h|14d"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Reads it."""
        text = str(value)
        try:
            seconds = float(text[:-1]) * _SECONDS[text[-1:]]
        except (KeyError, ValueError):
            self.fail(f"{value!r} is no duration such as 90s, 2h or 14d", param, ctx)
        if not seconds > 0:
            self.fail(f"{value!r} is not above 0", param, ctx)
        return seconds


class Game(click.ParamType[GameName]):
    """League and game."""

    name = "league/game"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> GameName:
        """Reads "NFL/2022091100"."""
        league, slash, game_id = str(value).partition("/")
        if not (league and slash and game_id):
            self.fail(f"{value!r} is not league/game, for example NFL/2022091100", param, ctx)
        return GameName(league, game_id)


def over_broker(
    address: BrokerAddress, name: str, act: Callable[[Broker], Any], *, give_up_seconds: float = GIVE_UP_SECONDS
) -> Any:
    """What `act` returns of a broker. Raises ClickException where none answers."""
    configure_terminal_logs()

    async def run() -> Any:
        async with connected(address, name, give_up_seconds=give_up_seconds) as broker:
            return await act(broker)

    try:
        return event_loop.run(run(), loop_factory=uvloop.new_event_loop)
    except ConnectionError as away:
        raise click.ClickException(str(away)) from None


# --- publish ---


class Simulated(Protocol):
    """Makes a source of so many simulated games of so many plays, by a seed."""

    def __call__(self, games: int, plays: int, seed: int) -> Source:
        """See the class."""
        ...


def publish_command(simulated: Simulated) -> click.Command:
    """The command, which has games simulated where it is not told of data."""

    @click.command("publish", short_help="Publish games to the live feed.")
    @click.option("--data", type=click.Path(path_type=Path), help="Folder of tables, or of files of feed messages.")
    @click.option("--layout", type=LayoutName(), help="Layout of the data; found by its columns if there is one.")
    @click.option("--simulate", type=click.IntRange(min=1), metavar="N", help="Instead, N simulated football games.")
    @click.option(
        "--plays", default=70, show_default=True, type=click.IntRange(1, 1000), help="Plays a simulated game."
    )
    @click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Of the simulated games.")
    @click.option("--games", default="", help="Identifiers, comma separated; all if absent.")
    @click.option("--speed", default="1", show_default=True, type=Speed(), help="Times real time.")
    @broker_options
    @click.option(
        "--give-up-after",
        default=GIVE_UP_SECONDS,
        show_default=True,
        type=click.FloatRange(min=0),
        help="Seconds that the broker may be unavailable.",
    )
    @trace_options
    def publish_games(
        *,
        data: Path | None,
        layout: str | None,
        simulate: int | None,
        plays: int,
        seed: int,
        games: str,
        speed: float | None,
        broker: BrokerAddress,
        give_up_after: float,
        otlp_endpoint: str | None,
        trace_ratio: float,
    ) -> None:
        """Publish what a source says of games to the live feed, for workers to play (docs/live_feed.md).

        Publishing the same again changes nothing: what the feed has is not sent twice. Corrections and late results are
        published the same way, from a file of feed messages, for games long finished too.
        """
        if (data is None) == (simulate is None):
            raise click.UsageError("give --data or --simulate: what to publish")
        source = simulated(simulate or 0, plays, seed) if data is None else open_source(data, layout)
        game_ids = select_games(source, [game.strip() for game in games.split(",") if game.strip()])
        begun = time.monotonic()

        async def run(connection: Broker) -> Published:
            await existing_streams(connection)
            async with tracing("publisher", otlp_endpoint, trace_ratio):
                callbacks = Callbacks(on_game=_say_published)
                return await publish(source, game_ids, connection, speed=speed, callbacks=callbacks)

        try:
            done: Published = over_broker(broker, "publisher", run, give_up_seconds=give_up_after)
        except (ImportError, ValueError) as wrong:
            raise click.UsageError(f"--otlp-endpoint: {wrong}") from None
        _say_all_published(done, time.monotonic() - begun)
        if done.given_up:
            raise click.ClickException(f"{done.given_up}; repeat the command for the rest")
        if done.failed:
            failed = "; ".join(f"game {game_id}: {why}" for game_id, why in done.failed.items())
            raise click.ClickException(f"{counted(len(done.failed), 'game')} not published. {failed}")
        for loss in source.losses():
            click.echo(f"left out: {loss.reason} ({loss.count}; {loss.example})", err=True)

    return publish_games


def _say_published(game: PublishedGame) -> None:
    known = f", {game.known} known already" if game.known else ""
    click.echo(f"{game.name.feed}: {counted(game.messages, 'feed message')} in {game.sent} sent{known}")


def _say_all_published(done: Published, seconds: float) -> None:
    sent, bodies = sum(game.sent for game in done.games), sum(game.bytes for game in done.games)
    known = sum(game.known for game in done.games)
    click.echo(
        f"{counted(len(done.games), 'game')}: {sent} messages sent ({bodies / 1e6:.1f} MB),"
        f" {known} known already, {seconds:.1f} s"
    )


# --- work ---


@click.command(short_help="Play the games of the live feed; run any number of these.")
@broker_options
@service_options
@click.option(
    "--games-at-once",
    default=GAMES_AT_ONCE,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Games held at most. Each takes the memory of its feed.",
)
@click.option(
    "--quiet-after",
    default=QUIET_SECONDS,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Seconds after which a game of which nothing is said is let go, until more comes.",
)
@click.option(
    "--linger",
    default=LINGER_SECONDS,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds for which a game that has ended is held.",
)
@click.option(
    "--attempts",
    default=MAX_FAILURES,
    show_default=True,
    type=click.IntRange(min=1),
    help="Runs of a game that may fail, one after the other, before it is set aside.",
)
@click.option(
    "--listen", metavar="HOST:PORT", default="127.0.0.1:0", show_default=True, help="Where health is told (gRPC)."
)
@click.option(
    "--metrics-listen", metavar="HOST:PORT", default="127.0.0.1:0", show_default=True, help="Where metrics are shown."
)
@click.option("--plaintext", is_flag=True, help="Tell health without TLS to other machines too.")
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]))
@trace_options
def work(
    *,
    broker: BrokerAddress,
    services: Addresses,
    games_at_once: int,
    quiet_after: float,
    linger: float,
    attempts: int,
    listen: str,
    metrics_listen: str,
    plaintext: bool,
    log_level: str,
    otlp_endpoint: str | None,
    trace_ratio: float,
) -> None:
    """Play the games of the live feed through featurizer, scorer and aggregator, until SIGTERM or Ctrl-C.

    Any number of workers share the games. One that is told to end hands its games over at once; the games of one that
    dies go to others within the lease that `playscore feed create` set.
    """
    settings = WorkSettings(games_at_once, quiet_after, linger, attempts)
    service = WorkerService(broker, services, settings)
    try:
        chassis = ServiceSettings(
            listen=listen,
            metrics_listen=metrics_listen,
            plaintext=plaintext,
            grace_seconds=1.0,
            otlp_endpoint=otlp_endpoint,
            trace_ratio=trace_ratio,
        )
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    configure_logs(service.name, log_level)
    try:
        uvloop.run(_work(service, chassis, broker))
    except (StartError, ConnectionError) as failure:
        raise click.ClickException(str(failure)) from None


async def _work(service: WorkerService, settings: ServiceSettings, broker: BrokerAddress) -> None:
    stop = told_to_end()
    async with serving(service, settings, spare_from_collection) as running:
        log.info(
            "listening",
            address=str(running.address),
            metrics_address=str(running.metrics_address),
            broker=str(broker),
        )
        stopped = asyncio.ensure_future(stop.wait())
        ended = asyncio.ensure_future(service.ended())
        await asyncio.wait({stopped, running.life, ended}, return_when=asyncio.FIRST_COMPLETED)
        for each in (running.life, ended):
            if each.done():
                each.result()
        stopped.cancel()
        ended.cancel()
    log.info("ended")


# --- feed ---


@click.group(short_help="Make the live feed; see and mend how it stands.")
def feed() -> None:
    """The live feed over NATS JetStream: its streams, and the games in them (docs/live_feed.md)."""


@feed.command(short_help="Make the streams, or change their settings.")
@broker_options
@click.option(
    "--replicas", default=1, show_default=True, type=click.IntRange(1, 5), help="Servers that keep each message."
)
@click.option("--max-age", default="14d", show_default=True, type=Duration(), help="How long the feed is kept.")
@click.option(
    "--max-bytes", type=Size(), help="How much of the feed is kept, the newest.  [default: what the disk holds]"
)
@click.option(
    "--duplicates",
    default="2m",
    show_default=True,
    type=Duration(),
    help="For how long the broker itself knows a repeated message. Publishers look at all that is kept.",
)
@click.option(
    "--lease",
    default="5s",
    show_default=True,
    type=Duration(),
    help="How long a worker may be silent before its games go to others.",
)
def create(
    *, broker: BrokerAddress, replicas: int, max_age: float, max_bytes: int | None, duplicates: float, lease: float
) -> None:
    """Make the streams of the live feed, or change those that exist to these settings; what they hold stays.

    How durable a message is that the broker has acknowledged follows from --replicas, and from `sync_interval` in the
    configuration of the NATS servers (docs/live_feed.md).
    """
    settings = StreamSettings(replicas, max_age, -1 if max_bytes is None else max_bytes, duplicates, lease)

    async def run(connection: Broker) -> bool:
        return await create_streams(connection, settings)

    is_new = over_broker(broker, "feed create", run)
    click.echo(
        f"{'made' if is_new else 'changed'}: subjects feed.<league>.<game>, {counted(replicas, 'replica')}, kept for"
        f" {max_age / DAY_SECONDS:g} days{'' if max_bytes is None else f' and {max_bytes} bytes'}, lease {lease:g} s"
    )
    if replicas == 1:
        click.echo(
            "An acknowledged message survives the end of the NATS server's process. It survives the loss of power only"
            " where the server's configuration says jetstream { sync_interval: always }."
        )
    else:
        click.echo(f"An acknowledged message is with most of {replicas} servers, and survives the loss of the others.")


@feed.command(short_help="Show what waits, what is played, and what is set aside.")
@broker_options
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def status(*, broker: BrokerAddress, as_json: bool) -> None:
    """Show how the live feed stands. Exit code 1 where a game is set aside."""
    found: FeedStatus = over_broker(broker, "feed status", feed_status)
    if as_json:
        click.echo(json.dumps(_status_as_json(found)))
    else:
        _show_status(found)
    if found.count(Standing.ASIDE):
        raise click.exceptions.Exit(1)


@feed.command(short_help="Play games from their start again.")
@broker_options
@click.option("--aside", is_flag=True, help="All games that are set aside.")
@click.argument("games", nargs=-1, type=Game())
def retry(*, broker: BrokerAddress, aside: bool, games: tuple[GameName, ...]) -> None:
    """Have games played from their start again: those that are set aside, or any that is in the feed."""
    if not games and not aside:
        raise click.UsageError("name games as league/game, or give --aside")

    async def run(connection: Broker) -> list[GameName]:
        states = await States.of(connection, await existing_streams(connection))
        names = list(games) or [state.name for state in await states.all() if state.aside]
        queue = WorkQueue(connection)
        for name in names:
            if not await connection.last_place(FEED_STREAM, name.feed):
                raise click.ClickException(f"the feed keeps nothing of game {name}")
            await queue.offer(await states.retry(name))
        return names

    names: list[GameName] = over_broker(broker, "feed retry", run)
    click.echo(f"{counted(len(names), 'game')} in the queue: {', '.join(map(str, names)) or 'none was set aside'}")


def _status_as_json(found: FeedStatus) -> dict[str, Any]:
    return {
        "messages": found.stream.state.messages,
        "bytes": found.stream.state.bytes,
        "replicas": found.stream.config.num_replicas,
        "max_age_seconds": found.stream.config.max_age,
        "lease_seconds": found.lease_seconds,
        "waiting": found.waiting,
        "in_progress": found.in_progress,
        "not_looked_at": found.not_looked_at,
        "games": [
            {
                "league": game.name.league,
                "game_id": game.name.game_id,
                "standing": game.standing.value,
                "messages": game.messages,
                "last": game.last,
                "read": game.state.read,
                "settled": game.state.settled,
                "plays": dict(game.state.plays),
                "refused_messages": game.state.refused_messages,
                "aside": game.state.aside,
                "failures": 0 if game.failures is None else game.failures.count,
                "failure": "" if game.failures is None else game.failures.detail,
            }
            for game in found.games
        ],
        "unreadable": [asdict(message) for message in found.unreadable],
    }


def _show_status(found: FeedStatus) -> None:
    console = Console()
    state, config = found.stream.state, found.stream.config
    console.print(
        f"{state.messages} messages ({state.bytes / 1e6:.1f} MB), {counted(config.num_replicas or 1, 'replica')},"
        f" kept for {(config.max_age or 0) / DAY_SECONDS:g} days; {found.not_looked_at} not looked at yet"
    )
    console.print(f"{found.waiting} games waiting, {found.in_progress} in progress, lease {found.lease_seconds:g} s")
    games = Table("league", "game", "standing")
    for column in ("messages", "plays", "failures"):
        games.add_column(column, justify="right")
    games.add_column("what is wrong")
    for game in found.games:
        failures = game.failures
        wrong = game.state.aside or ("" if failures is None else failures.detail)
        if not wrong and game.state.refused_messages:
            wrong = f"{counted(game.state.refused_messages, 'message')} refused"
        games.add_row(
            Text(game.name.league),
            Text(game.name.game_id),
            game.standing.value,
            str(game.messages),
            str(sum(game.state.plays.values()) or ""),
            "" if failures is None else str(failures.count),
            Text(wrong),
        )
    console.print(games)
    for message in found.unreadable:
        console.print(f"unreadable: message {message.sequence} of {message.subject}: {message.detail}", markup=False)
