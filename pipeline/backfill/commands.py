"""`playscore backfill`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

import click
import uvloop
from click.core import ParameterSource
from rich.console import Console

from pipeline.backfill.game_report import GameReport
from pipeline.backfill.journal import Journal
from pipeline.backfill.progress import progress_bar, show
from pipeline.backfill.run import GAMES_AT_ONCE, Backfilled, Callbacks
from pipeline.backfill.run import backfill as play_all
from pipeline.backfill.share import Share
from pipeline.commands import LayoutName
from pipeline.jetstream.backfill import backfill as publish_whole
from pipeline.jetstream.broker import BrokerAddress, connected
from pipeline.jetstream.options import optional_broker_options
from pipeline.options import service_options
from pipeline.replay import Addresses
from pipeline.retry import GIVE_UP_SECONDS
from playscore import event_loop
from playscore.client.words import counted
from playscore.release import ModelVersion
from playscore.sources import open_source, select_games
from servicekit.addresses import Address
from servicekit.logs import configure_terminal_logs
from servicekit.metrics import metrics_port

OPTIONS_OF_WORKERS = ("models", "seasons", "state", "worker", "concurrency", "featurizer", "scorer", "aggregator")


class _Parsed(click.ParamType[Any]):
    """The type of an option whose text a function parses, raising ValueError."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads it."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _list_of(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    return lambda text: tuple(parse(part.strip()) for part in text.split(",") if part.strip())


@click.command(short_help="Record seasons of games in bulk, through running services.")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Folder of tables, or of files of feed messages.",
)
@click.option("--layout", type=LayoutName(), help="Layout of the data.  [default: recognized by its columns]")
@click.option(
    "--games",
    default="",
    type=_Parsed("id,id", _list_of(str)),
    help="Identifiers, comma separated.  [default: all games]",
)
@click.option(
    "--seasons",
    default="",
    type=_Parsed("year,year", _list_of(int)),
    help="Years, comma separated.  [default: all seasons]",
)
@click.option(
    "--models",
    default="",
    type=_Parsed("name:version", _list_of(ModelVersion.parse)),
    help="Models to score by, for example passing:4, to score in the shadow of the current model.  "
    "[default: the scorer's default of each task]",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that records which games are done, so that the same command resumes. Workers may share it.",
)
@click.option(
    "--worker",
    default="0/1",
    show_default=True,
    type=_Parsed("index/count", Share.parse),
    help="Play only this share of the games, counted from 0: 2/8 is the third of eight.",
)
@click.option(
    "--concurrency",
    default=GAMES_AT_ONCE,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Games played at once. Lower it where live callers share the services.",
)
@click.option(
    "--json",
    "report",
    type=click.File("w", lazy=False),
    help="Write a JSON line for each game, then a summary; - is standard output.",
)
@service_options
@click.option(
    "--give-up-after",
    default=GIVE_UP_SECONDS,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds to wait for a service that is unavailable or overloaded.",
)
@optional_broker_options("Publish the games to a live feed instead, for its workers to play.")
@click.option("--metrics-listen", metavar="HOST:PORT", help="Show Prometheus metrics, for example 127.0.0.1:9104.")
def backfill(
    *,
    data: Path,
    layout: str | None,
    games: tuple[str, ...],
    seasons: tuple[int, ...],
    models: tuple[ModelVersion, ...],
    state: Path | None,
    worker: Share,
    concurrency: int,
    report: IO[str] | None,
    services: Addresses,
    give_up_after: float,
    metrics_listen: str | None,
    broker: BrokerAddress | None,
) -> None:
    """Record every play of recorded games, through running services.

    Scores are those of a live run. Playing a game again changes nothing, so an interrupted backfill can simply be run
    again; with --state it resumes.

    With --broker the games are published whole to a live feed, and the workers of that play them (docs/live_feed.md);
    their own options say with what.

    The first Ctrl-C or SIGTERM finishes the games in progress; a second one stops at once. Exit code 0: every play is
    recorded. 1: some are not, or a game could not be read. 128 plus the signal's number: stopped by a signal.
    """
    if broker is not None:
        _refuse_options_of_workers()
    console = Console(stderr=True)
    source = open_source(data, layout)
    game_ids = [game_id for game_id in select_games(source, games) if worker.holds(game_id)]
    signals: list[int] = []

    async def run(callbacks: Callbacks) -> Backfilled:
        if broker is not None:
            async with connected(broker, "backfill", give_up_seconds=give_up_after) as connection:
                return await publish_whole(source, game_ids, connection, callbacks)
        stop = asyncio.Event()
        with _stopped_by_signals(stop, signals):
            return await play_all(
                source,
                game_ids,
                services,
                models=models,
                seasons=seasons,
                journal=journal,
                games_at_once=concurrency,
                give_up_seconds=give_up_after,
                stop=stop,
                callbacks=callbacks,
            )

    with contextlib.ExitStack() as closing:
        if metrics_listen:
            closing.enter_context(metrics_port(Address.parse(metrics_listen)))
        try:
            journal = None if state is None else Journal(state, worker, str(data.resolve()))
            with progress_bar(console, len(game_ids)) as callbacks:
                configure_terminal_logs()  # above the bar
                done = event_loop.run(
                    run(callbacks if report is None else _reporting(callbacks, report)),
                    loop_factory=uvloop.new_event_loop,
                )
        except asyncio.CancelledError:
            raise click.exceptions.Exit(128 + signals[-1]) from None
        except ConnectionError as away:
            raise click.ClickException(f"{away}; repeat the command for the rest") from None
        except OSError as failure:
            raise click.ClickException(f"the state or the report cannot be written: {failure}") from None
    if report is not None:
        _write(report, {"summary": _summary(done)})
    show(done, console)
    _end(done, signals)


def _refuse_options_of_workers() -> None:
    """Raises UsageError where an option was given that workers have, or that says how games are parted."""
    context = click.get_current_context()
    given = [name for name in OPTIONS_OF_WORKERS if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    if given:
        words = ", ".join("--" + name.replace("_", "-") for name in given)
        raise click.UsageError(f"{words}: not with --broker, where workers play the games; see playscore work")


def _end(done: Backfilled, signals: list[int]) -> None:
    """Raises ClickException or Exit unless every play was recorded."""
    if done.given_up:
        raise click.ClickException(f"{done.given_up}; repeat the command for the rest")
    if done.failed:
        raise click.ClickException(f"{counted(len(done.failed), 'game')} not done (listed above); repeat the command")
    if done.left:
        raise click.exceptions.Exit(128 + signals[0])


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event, received: list[int]) -> Iterator[None]:
    """Inside the block the first SIGINT or SIGTERM sets `stop`, and a second one cancels the task that entered it."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def on_signal(number: signal.Signals) -> None:
        received.append(number)
        if len(received) > 1:
            task.cancel()
            return
        stop.set()
        click.echo(f"{number.name}: finishing the games in progress; a second signal stops at once", err=True)

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _reporting(callbacks: Callbacks, report: IO[str]) -> Callbacks:
    """The callbacks, and a line of the report for every game."""

    def on_game(game: GameReport) -> None:
        callbacks.on_game(game)
        _write(report, game.as_json())

    return replace(callbacks, on_game=on_game)


def _write(report: IO[str], document: Any) -> None:
    report.write(json.dumps(document) + "\n")
    report.flush()


def _summary(done: Backfilled) -> dict[str, Any]:
    return {
        "games": done.games,
        "by_status": {status.value: count for status, count in done.by_status.items()},
        "left": done.left,
        **asdict(done.counts),
        "written": asdict(done.written),
        "failed": done.failed,
        "left_out": [asdict(loss) for loss in done.losses],
        "given_up": done.given_up,
        "seconds": round(done.seconds, 3),
    }
