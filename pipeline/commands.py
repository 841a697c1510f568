"""`playscore replay`."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import click
import structlog
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.readers import LAYOUTS, open_source, select_games
from pipeline.readers.source import Source
from pipeline.replay import Addresses, Replay
from pipeline.replay import replay as play_games
from pipeline.results import PlayResult
from playscore.client import Tls
from servicekit.addresses import Address
from servicekit.metrics import metrics_port

LEADERBOARD_ROWS = 20

log = structlog.get_logger()


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


@click.command(short_help="Play recorded games through the services.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of Parquet or CSV files.")
@click.option("--layout", type=click.Choice(list(LAYOUTS)), help="Layout of the files; found by their columns if one.")
@click.option("--speed", default="max", show_default=True, type=Speed(), help="Times real time; 1 streams at 10 Hz.")
@click.option("--games", default="", help="Identifiers, comma separated; all if absent.")
@click.option("--laws", is_flag=True, help="Write the parameters of every predicted law, too.")
@click.option("--json", "report", type=click.Path(dir_okay=False, path_type=Path), help="Where the report goes.")
@click.option("--store", type=click.Path(dir_okay=False, path_type=Path), help="SQLite file of a stack of its own.")
@click.option("--featurizer", metavar="HOST:PORT", help="Running services to use: give all three addresses.")
@click.option("--scorer", metavar="HOST:PORT", help="Without them, a stack is started and stopped again.")
@click.option("--aggregator", metavar="HOST:PORT", help="")
@click.option("--tls-authority", type=click.Path(exists=True, path_type=Path), help="Authorities to trust, PEM.")
@click.option("--tls-certificate", type=click.Path(exists=True, path_type=Path), help="Own certificates, PEM.")
@click.option("--tls-key", type=click.Path(exists=True, path_type=Path), help="Own private key, PEM.")
@click.option(
    "--metrics-listen", metavar="HOST:PORT", help="Show Prometheus metrics there, for example 127.0.0.1:9104."
)
def replay(
    *,
    data: Path,
    layout: str | None,
    speed: float | None,
    games: str,
    laws: bool,
    report: Path | None,
    store: Path | None,
    featurizer: str | None,
    scorer: str | None,
    aggregator: str | None,
    tls_authority: Path | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    metrics_listen: str | None,
) -> None:
    """Play recorded games through featurizer, scorer and aggregator, and show what came of them.

    Every play ends scored, or not scored with a reason. Playing the same games again changes no rating: a stack of its
    own keeps its store in out/replay/ unless --store says otherwise. Exit code 1 if a play was lost.
    """
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    console = Console()
    source = open_source(data, layout)
    game_ids = select_games(source, [game.strip() for game in games.split(",") if game.strip()])
    services = _running(featurizer, scorer, aggregator, Tls(tls_authority, tls_certificate, tls_key))
    if services is not None and store is not None:
        raise click.UsageError("--store is for a stack of its own; running services have theirs")
    using: contextlib.AbstractAsyncContextManager[Addresses] = (
        contextlib.nullcontext(services)
        if services is not None
        else _stack(store or _default_store(data, layout), console)
    )
    with metrics_port(Address.parse(metrics_listen)) if metrics_listen else contextlib.nullcontext():
        try:
            done = uvloop.run(_run(source, game_ids, using, speed, console))
        except (ConnectionError, TimeoutError) as failure:
            raise click.ClickException(str(failure)) from failure
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(done.as_json(laws=laws), indent=1))
    _show(done, console)
    if done.lost:
        raise click.ClickException(f"{done.lost} of {done.plays_read} plays were lost")


def _default_store(data: Path, layout: str | None) -> Path:
    """One store for each folder and layout, so that the same command finds what it recorded."""
    name = data.resolve().name
    return Path("out") / "replay" / (f"{name}-{layout}.db" if layout else f"{name}.db")


def _running(featurizer: str | None, scorer: str | None, aggregator: str | None, tls: Tls) -> Addresses | None:
    if not (featurizer or scorer or aggregator):
        return None
    if not (featurizer and scorer and aggregator):
        raise click.UsageError("give --featurizer, --scorer and --aggregator together, or none of them")
    return Addresses(featurizer, scorer, aggregator, None if tls == Tls() else tls)


@contextlib.asynccontextmanager
async def _stack(store: Path, console: Console) -> AsyncIterator[Addresses]:
    """Services of the replay's own, for as long as it takes."""
    from deploy.local.stack import LocalStack

    async with contextlib.AsyncExitStack() as closing:
        with console.status("Starting Triton, featurizer, scorer and aggregator"):
            stack = await closing.enter_async_context(LocalStack(store=store))
        yield Addresses(stack.featurizer, stack.scorer, stack.aggregator)


async def _run(
    source: Source,
    game_ids: tuple[str, ...],
    using: contextlib.AbstractAsyncContextManager[Addresses],
    speed: float | None,
    console: Console,
) -> Replay:
    async with using as services:
        with _progress(console) as progress:
            games = progress.add_task("games", total=len(game_ids))
            plays = progress.add_task("plays", total=0)
            read: dict[str, int] = {}
            left: Counter[str] = Counter()

            def on_game(game_id: str, count: int) -> None:
                read[game_id] = left[game_id] = count
                progress.update(plays, total=sum(read.values()))

            def on_finished(result: PlayResult) -> None:
                left[result.game_id] -= 1
                progress.advance(plays)
                progress.update(games, completed=sum(count == 0 for count in left.values()))

            return await play_games(source, game_ids, services, speed=speed, on_game=on_game, on_finished=on_finished)


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress


def _show(done: Replay, console: Console) -> None:
    endings = Table("outcome", "reason", title=f"{done.plays_read} plays of {done.games} games", title_justify="left")
    endings.add_column("plays", justify="right")
    for (ending, reason), count in done.endings().most_common():
        endings.add_row(ending.value, reason.name if reason else "", str(count))
    console.print(endings)
    written = done.written
    console.print(
        f"Recorded: {written.inserted} new, {written.replaced} replaced, {written.unchanged} unchanged, "
        f"{written.stale} stale, {written.conflicting} in conflict with what stands; {written.withdrawn} withdrawn."
    )

    stages = Table("stage", title="Latency", title_justify="left")
    for heading in ("plays", "p50 ms", "p99 ms"):
        stages.add_column(heading, justify="right")
    for stage, times in done.times.as_json().items():
        stages.add_row(stage, str(times["count"]), f"{times['p50_ms']:.1f}", f"{times['p99_ms']:.1f}")
    console.print(stages)

    board = Table(title="Passing score", title_justify="left")
    board.add_column("rank", justify="right")
    board.add_column("passer", no_wrap=True)
    board.add_column("team")
    for heading in ("rating", "90%", "plays", "yards", "expect"):
        board.add_column(heading, justify="right")
    for rating in done.ratings[:LEADERBOARD_ROWS]:
        subject, passing = rating.subject, rating.passing
        board.add_row(
            str(rating.rank) if rating.qualified else "-",
            subject.subject_name or subject.subject_id,
            subject.team_id,
            f"{passing.rating:.0f}",
            f"{passing.rating_low:.0f} to {passing.rating_high:.0f}",
            str(rating.plays),
            f"{passing.yards_per_play:.1f}",
            f"{passing.expected_yards_per_play:.1f}",
        )
    console.print(board)
    if len(done.ratings) > LEADERBOARD_ROWS:
        console.print(f"and {len(done.ratings) - LEADERBOARD_ROWS} more")
