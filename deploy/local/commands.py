"""Commands that take more than one room: `playscore stack`, `demo`, `replay`, `publish`, `report` and `board`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from aggregator.commands.source import source_options
from board.commands import board_command, report_command
from deploy.local.ports import LOOPBACK, PORTS, Ports, PortsTakenError
from deploy.local.process import ServerError
from deploy.local.signals import ended_by_signals
from deploy.local.stack import Inference, LocalStack, started
from pipeline.commands import Speed, replay_command
from pipeline.jetstream.commands import publish_command
from simulator.source import SimulatedGames

__all__ = ["board", "demo", "publish", "replay", "report", "stack"]

replay = replay_command(started)
publish = publish_command(SimulatedGames)
report = report_command(source_options)
board = board_command(source_options)


@click.command(short_help="Run Triton and the services until Ctrl-C.")
@click.option(
    "--base-port",
    type=click.IntRange(1024, 2**16 - PORTS),
    help="Use nine ports in a row from this one instead of the documented ones: featurizer, scorer, aggregator, Triton "
    "gRPC, Triton HTTP, then the metrics of featurizer, scorer, aggregator and Triton.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The aggregator's SQLite file.  [default: out/stack/aggregator.db; with --base-port N, in out/stack-N]",
)
@click.option(
    "--logs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the servers' logs.  [default: out/stack/logs; with --base-port N, in out/stack-N]",
)
@click.option(
    "--inference",
    type=click.Choice(["triton", "onnxruntime"]),
    default="triton",
    show_default=True,
    help="What runs the models: a Triton server, or the scorer process, for machines that cannot run Triton.",
)
def stack(base_port: int | None, store: Path | None, logs: Path | None, inference: str) -> None:
    """Run Triton and the services on this machine until Ctrl-C.

    A server that dies is restarted. Nothing starts if a port is taken.
    """
    folder = Path("out") / ("stack" if base_port is None else f"stack-{base_port}")
    store, logs = store or folder / "aggregator.db", logs or folder / "logs"
    ports = Ports.documented() if base_port is None else Ports.from_base(base_port)
    runner = Inference(inference)
    served = ("featurizer", "scorer", "aggregator", *(("triton",) if runner is Inference.TRITON else ()))

    async def run() -> None:
        begun = time.perf_counter()
        click.echo(f"starting {', '.join(served)}")
        async with AsyncExitStack() as closing:
            try:
                await closing.enter_async_context(LocalStack(store, logs, ports=ports, inference=runner))
            except PortsTakenError as taken:
                raise click.ClickException(f"{taken}\nNothing was started; --base-port picks other ports.") from None
            for name in served:
                metrics = f"http://{LOOPBACK}:{getattr(ports, f'{name}_metrics')}/metrics"
                click.echo(f"{name:<11} {LOOPBACK}:{getattr(ports, name)}   metrics {metrics}")
            click.echo(f"store       {store.resolve()}")
            click.echo(f"logs        {logs.resolve()}")
            seconds = time.perf_counter() - begun
            click.echo(f"ready after {seconds:.1f} s; press Ctrl-C or run `kill {os.getpid()}` to stop everything")
            await asyncio.get_running_loop().create_future()

    _run(run())


@click.command(short_help="Play simulated games; write a page about them.")
@click.option("--games", type=click.IntRange(0, 64), default=8, show_default=True, help="Games of football.")
@click.option("--hockey-games", type=click.IntRange(0, 16), default=2, show_default=True, help="Games of hockey.")
@click.option("--speed", default="20", show_default=True, type=Speed(), help="Times real time; 1 streams at 10 Hz.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/demo"),
    show_default=True,
    help="Folder.",
)
def demo(games: int, hockey_games: int, speed: float | None, out: Path) -> None:
    """Play simulated games of both sports at once through the whole system and write a page about them."""
    if not games + hockey_games:
        raise click.UsageError("give at least one game: --games or --hockey-games")
    from deploy.local.demo import run_demo

    _run(run_demo(games, hockey_games, speed, out, Console()))


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a command that starts servers, until it is done or a signal ends it."""

    async def until_done() -> None:
        async with ended_by_signals():
            await work

    try:
        asyncio.run(until_done())
    except ServerError as failure:
        raise click.ClickException(str(failure)) from None
