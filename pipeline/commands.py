"""`playscore replay`."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import click
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pipeline.readers.feed_files import LAYOUT as FEED
from pipeline.readers.feed_files import FeedWriter
from pipeline.replay import Addresses, Callbacks, Replay
from pipeline.replay import replay as play_games
from pipeline.report import report_as_json
from pipeline.reported_plays import outcome_of
from pipeline.result_tables import show_losses, show_written
from pipeline.results import PlayResult
from pipeline.retry import GIVE_UP_SECONDS
from pipeline.standings_table import show_standings
from playscore import event_loop
from playscore.client import Tls
from playscore.client.tls_options import tls_options
from playscore.client.words import counted, duration
from playscore.sources import Loss, layouts, open_source, select_games
from playscore.terminal_text import printable
from servicekit.addresses import Address
from servicekit.logs import configure_terminal_logs
from servicekit.metrics import metrics_port

BACKLOG = "As fast as they go, plays wait for each other: these times are backlog under full load, not latency."


class Services(Protocol):
    """Where running services are."""

    @property
    def featurizer(self) -> str:
        """host:port"""
        ...

    @property
    def scorer(self) -> str:
        """host:port"""
        ...

    @property
    def aggregator(self) -> str:
        """host:port"""
        ...


StartServices = Callable[[Path | None], AbstractAsyncContextManager[Services]]
"""Starts services of a command's own, their scores in that file, and stops them at the end."""


class Speed(click.ParamType[float | None]):
    """Times real time, or None for as fast as it goes."""

    name = "1|20|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """Reads "max" or a number above 0."""
        if value is None or value == "max":
            return None
        with contextlib.suppress(ValueError):
            if (speed := float(value)) > 0:
                return speed
        self.fail(f"{value!r} is neither a number above 0 nor max", param, ctx)


class LayoutName(click.ParamType[str]):
    """A layout that is installed."""

    name = "layout"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Reads its name."""
        if value not in layouts():
            self.fail(f"{value!r} is not one of {', '.join(layouts())}", param, ctx)
        return str(value)


def replay_command(start_services: StartServices) -> click.Command:
    """The command, which starts services of its own where it is not told of running ones."""

    @click.command(short_help="Play recorded games, or corrections of them.")
    @click.option("--data", type=click.Path(path_type=Path), help="Folder of tables, or of files of feed messages.")
    @click.option("--layout", type=LayoutName(), help="Layout of the data; found by its columns if there is one.")
    @click.option("--speed", default="max", show_default=True, type=Speed(), help="Times real time; 1 streams live.")
    @click.option("--games", default="", help="Identifiers, comma separated; all if absent.")
    @click.option(
        "--corrections",
        type=click.Path(exists=True, path_type=Path),
        help="Feed messages (.feed or .jsonl) to play over recorded games; --data is where corrected plays have their "
        "film.",
    )
    @click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="Record the feed: .feed or .jsonl.")
    @click.option("--min-plays", type=click.IntRange(min=0), help="Plays that qualify for a rank; by what was played.")
    @click.option("--distributions", is_flag=True, help="Report the parameters of every predicted distribution, too.")
    @click.option("--json", "report", type=click.Path(dir_okay=False, path_type=Path), help="Where the report goes.")
    @click.option("--store", type=click.Path(dir_okay=False, path_type=Path), help="SQLite file of own services.")
    @click.option("--featurizer", metavar="HOST:PORT", help="Running services to use: give all three addresses.")
    @click.option("--scorer", metavar="HOST:PORT", help="Without them, services are started and stopped again.")
    @click.option("--aggregator", metavar="HOST:PORT", help="")
    @click.option(
        "--give-up-after",
        default=GIVE_UP_SECONDS,
        show_default=True,
        type=click.FloatRange(min=0),
        help="Seconds that a service may be unavailable.",
    )
    @tls_options
    @click.option("--metrics-listen", metavar="HOST:PORT", help="Show Prometheus metrics, for example 127.0.0.1:9104.")
    def replay(
        *,
        data: Path | None,
        layout: str | None,
        speed: float | None,
        games: str,
        corrections: Path | None,
        record: Path | None,
        min_plays: int | None,
        distributions: bool,
        report: Path | None,
        store: Path | None,
        featurizer: str | None,
        scorer: str | None,
        aggregator: str | None,
        give_up_after: float,
        tls: Tls | None,
        metrics_listen: str | None,
    ) -> None:
        """Play recorded games through featurizer, scorer and aggregator, and show what came of them.

        Every play ends scored, or not scored with a reason. Playing the same games again changes no rating: services of
        its own keep their scores in out/replay/ unless --store says otherwise. Exit code 1 if a play is not recorded,
        or a message could not be taken in.
        """
        configure_terminal_logs()
        console = Console()
        source = None if data is None else open_source(data, layout)
        corrected = None if corrections is None else FEED.open(corrections)
        played = corrected or source
        if played is None:
            raise click.UsageError("give --data: the games to play, or --corrections of games played before")
        if record is not None and _is_read(record, data, corrections):
            raise click.UsageError(f"--record {record} would replace what is played; name another file")
        game_ids = select_games(played, [game.strip() for game in games.split(",") if game.strip()])
        services = _running(featurizer, scorer, aggregator, tls)
        if services is not None and store is not None:
            raise click.UsageError("--store is for services of its own; running ones have theirs")
        if services is None and store is None and data is None:
            raise click.UsageError("say where the corrected scores are: --data, --store, or the services' addresses")

        async def run(callbacks: Callbacks) -> Replay:
            async def over(addresses: Addresses) -> Replay:
                return await play_games(
                    source,
                    game_ids,
                    addresses,
                    corrections=corrected,
                    speed=speed,
                    min_plays=min_plays,
                    give_up_seconds=give_up_after,
                    callbacks=callbacks,
                )

            if services is not None:
                return await over(services)
            async with start_services(store or _default_store(data, layout)) as own:
                return await over(Addresses(own.featurizer, own.scorer, own.aggregator))

        with contextlib.ExitStack() as closing:
            writer = None if record is None else closing.enter_context(FeedWriter(record))
            if metrics_listen:
                closing.enter_context(metrics_port(Address.parse(metrics_listen)))
            with _progress(console, game_ids, None if writer is None else writer.write) as callbacks:
                done = event_loop.run(run(callbacks), loop_factory=uvloop.new_event_loop)
        if report is not None:
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(json.dumps(report_as_json(done, distributions=distributions), indent=1))
        _show(done, console, backlog=speed is None)
        _end(done, () if corrected is None else corrected.losses(), console)

    return replay


def _end(done: Replay, unread_corrections: Sequence[Loss], console: Console) -> None:
    """Raise ClickException unless all that was to be played was."""
    if done.given_up:
        done_by_then = f"{len(done.results)} of {done.plays_read} plays are done"
        raise click.ClickException(f"{done.given_up}; {done_by_then}; repeat the command for the rest")
    for game_id, messages in done.refused_messages.items():
        refused = f"game {game_id}: {counted(len(messages), 'message')} refused; the first: {messages[0]}"
        console.print(Text(printable(refused)))
    if done.failed_games:
        games_of: dict[str, list[str]] = {}
        for game_id, detail in done.failed_games.items():
            games_of.setdefault(detail, []).append(game_id)
        failed = "; ".join(f"game {', '.join(game_ids)}: {detail}" for detail, game_ids in games_of.items())
        raise click.ClickException(f"{counted(len(done.failed_games), 'game')} could not be played. {failed}")
    if done.lost:
        raise click.ClickException(
            f"{done.lost} of {counted(done.plays_read, 'play')} are not recorded; the report says why"
        )
    if unread_corrections:
        raise click.ClickException(f"not all corrections could be read: {unread_corrections[0].example}")
    if done.refused_messages:
        raise click.ClickException("every play is recorded, but not all messages of the feed could be taken in")


def _is_read(file: Path, *played: Path | None) -> bool:
    """Whether a file is among what is played: one of the files named, or in one of the folders."""
    places = [place for place in played if place is not None]
    return file.exists() and any(place.samefile(file) or place.samefile(file.parent) for place in places)


def _default_store(data: Path | None, layout: str | None) -> Path:
    """One store for each data and layout, so that the same command finds what it recorded."""
    assert data is not None
    name = data.resolve().stem
    return Path("out") / "replay" / (f"{name}-{layout}.db" if layout else f"{name}.db")


def _running(featurizer: str | None, scorer: str | None, aggregator: str | None, tls: Tls | None) -> Addresses | None:
    if not (featurizer or scorer or aggregator):
        return None
    if not (featurizer and scorer and aggregator):
        raise click.UsageError("give --featurizer, --scorer and --aggregator together, or none of them")
    return Addresses(featurizer, scorer, aggregator, tls)


@contextlib.contextmanager
def _progress(
    console: Console, game_ids: tuple[str, ...], on_message: Callable[[Any], None] | None
) -> Iterator[Callbacks]:
    """Bars that follow a replay."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        games = progress.add_task("games", total=len(game_ids))
        plays = progress.add_task("plays", total=0)
        read: dict[str, int] = {}
        seen: set[tuple[str, str]] = set()
        done: Counter[str] = Counter()

        def on_game(game_id: str, count: int) -> None:
            read[game_id] = count
            progress.update(plays, total=sum(read.values()))

        def on_recorded(result: PlayResult) -> None:
            if (result.game_id, result.play_id) in seen:
                return
            seen.add((result.game_id, result.play_id))
            done[result.game_id] += 1
            progress.update(plays, completed=len(seen))
            progress.update(games, completed=sum(done[game_id] >= count for game_id, count in read.items()))

        yield Callbacks(on_game, on_message or (lambda message: None), on_recorded)


def _show(done: Replay, console: Console, *, backlog: bool) -> None:
    heading = f"{counted(done.plays_read, 'play')} of {counted(done.games, 'game')}"
    endings = Table("outcome", "reason", title=heading, title_justify="left")
    endings.add_column("plays", justify="right")
    for (outcome, reason), count in Counter(
        (outcome_of(result), result.reason.name if result.reason else "") for result in done.results
    ).most_common():
        endings.add_row(outcome, reason, str(count))
    console.print(endings)
    show_written(done.written, console)
    stages = Table("stage", title="Backlog" if backlog else "Latency", title_justify="left")
    for column in ("plays", "p50", "p99"):
        stages.add_column(column, justify="right")
    for stage, times in done.times.as_json().items():
        stages.add_row(stage, str(times["count"]), duration(times["p50_ms"]), duration(times["p99_ms"]))
    console.print(stages)
    if backlog:
        console.print(BACKLOG)
    for game_id, fault in done.shared_faults.items():
        told = (
            f"Game {game_id}: all {counted(fault.plays, 'play')} that came whole contradict themselves"
            f" ({fault.reason.name}). Play {fault.example.play_id}: {fault.example.detail}"
        )
        console.print(Text(printable(told)))
    show_losses(done.losses, console)
    for (league, role), standings in done.standings.items():
        show_standings(league, role, standings, console)
