"""`playscore stack` and `playscore demo`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from deploy.local.process import ServerError
from pipeline.commands import Speed


@click.command(short_help="Run Triton and the services until Ctrl-C.")
@click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("out/stack/aggregator.db"),
    show_default=True,
    help="The aggregator's SQLite file.",
)
@click.option(
    "--logs", type=click.Path(path_type=Path, file_okay=False), default=Path("out/stack/logs"), show_default=True
)
def stack(store: Path, logs: Path) -> None:
    """Run Triton and the services on this machine until Ctrl-C."""
    from deploy.local.stack import LocalStack, Ports

    async def run() -> None:
        stopping = asyncio.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
        ports = Ports.documented()
        async with LocalStack(store=store, logs=logs, ports=ports):
            for name in ("featurizer", "scorer", "aggregator", "triton"):
                metrics = f"http://127.0.0.1:{getattr(ports, f'{name}_metrics')}/metrics"
                click.echo(f"{name:<11} 127.0.0.1:{getattr(ports, name)}   metrics {metrics}")
            click.echo("ready; Ctrl-C stops everything")
            await stopping.wait()
            click.echo("stopping")

    _run(run())


@click.command(short_help="Play simulated games; write a page about them.")
@click.option("--games", type=click.IntRange(1, 64), default=8, show_default=True, help="Games on the slate.")
@click.option("--speed", default="20", show_default=True, type=Speed(), help="Times real time; 1 streams at 10 Hz.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/demo"),
    show_default=True,
    help="Folder.",
)
def demo(games: int, speed: float | None, out: Path) -> None:
    """Play simulated games through the whole system and write a page about them."""
    from deploy.local.demo import run_demo

    _run(run_demo(games, speed, out, Console()))


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except ServerError as failure:
        raise click.ClickException(str(failure)) from None
