"""`playscore loadtest`."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import uvloop
from rich.console import Console

from loadtest.scenarios import SCENARIOS
from pipeline.jetstream.broker import BrokerAddress
from pipeline.jetstream.options import optional_broker_options
from playscore import event_loop
from playscore.client import Tls
from playscore.client.tls_options import tls_options


class _Addresses(click.ParamType[tuple[str, ...]]):
    """host:port, several with commas between."""

    name = "host:port,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Reads them."""
        if isinstance(value, tuple):
            return value
        addresses = tuple(part.strip() for part in str(value).split(",") if part.strip())
        for address in addresses:
            host, colon, port = address.rpartition(":")
            if not (host and colon and port.isdigit()):
                self.fail(f"{address!r} is not host:port", param, ctx)
        return addresses


class UnableError(click.ClickException):
    """The test could not be run."""

    exit_code = 4


@click.command(short_help="Play simulated games at a fixed pace; say whether the budgets were kept.")
@click.option(
    "--scenario", required=True, type=click.Choice(list(SCENARIOS)), help="Which games, and when: see docs/loadtest.md."
)
@click.option("--scale", default=1, show_default=True, type=click.IntRange(1, 1000), help="Times as many games.")
@click.option("--seconds", type=click.FloatRange(min=5), help="Of film in each game.  [default: the scenario's]")
@click.option("--target", metavar="HOST:PORT", help="A running aggregator, whose workers play what --broker says.")
@optional_broker_options("The live feed of --target.")
@tls_options
@click.option(
    "--metrics",
    type=_Addresses(),
    default="",
    help="Where the services and workers of --target show their metrics; without it only plays are judged.",
)
@click.option(
    "--inference",
    type=click.Choice(["triton", "onnxruntime"]),
    default="triton",
    show_default=True,
    help="What runs the models where services are started for the test.",
)
@click.option("--json", "report", type=click.Path(dir_okay=False, path_type=Path), help="Where the recording goes.")
@click.option("--page", type=click.Path(dir_okay=False, path_type=Path), help="Where a page about it goes (HTML).")
def loadtest(
    *,
    scenario: str,
    scale: int,
    seconds: float | None,
    target: str | None,
    broker: BrokerAddress | None,
    tls: Tls | None,
    metrics: tuple[str, ...],
    inference: str,
    report: Path | None,
    page: Path | None,
) -> None:
    """Play simulated games through the live feed at a fixed pace, and judge what became of them.

    Every message has an intended time, and latency counts from it, however late the message was sent. Without --target,
    Triton, services, NATS and workers are started for the test and stopped again.

    \b
    Exit status: 0  every budget was kept and every play is recorded once
                 1  a budget was broken, or a play is lost
                 2  the command was not understood
                 3  invalid: the generator was behind its own schedule
                 4  the test could not be run
    """
    from deploy.local.process import ServerError
    from deploy.local.signals import ended_by_signals
    from deploy.local.stack import Inference
    from loadtest.page import render
    from loadtest.run import load_test
    from loadtest.suite import Suite, local_suite
    from loadtest.table import show
    from loadtest.verdict import verdict
    from playscore.errors import PlayscoreError
    from servicekit.budgets import budgets
    from servicekit.logs import configure_terminal_logs

    if (target is None) != (broker is None):
        raise click.UsageError("give --target and --broker together: the suite to test, and its live feed")
    if target is None and (metrics or tls is not None):
        raise click.UsageError("--metrics, --tls-… and --token-file are for a suite that runs: give --target, too")
    configure_terminal_logs()
    console = Console()
    chosen = SCENARIOS[scenario] if seconds is None else replace(SCENARIOS[scenario], seconds=seconds)

    async def run() -> Any:
        async with ended_by_signals(), AsyncExitStack() as closing:
            if target is not None and broker is not None:
                suite = Suite(target, broker, {"aggregator": target}, tls, metrics)
            else:
                console.print("starting services, NATS and workers")
                games = scale * (chosen.football + chosen.hockey)
                suite = await closing.enter_async_context(local_suite(games, Inference(inference)))
            return await load_test(chosen, scale, suite, say=console.print)

    try:
        recording = event_loop.run(run(), loop_factory=uvloop.new_event_loop)
    except (ServerError, PlayscoreError, ConnectionError, TimeoutError) as failure:
        said = failure.detail if isinstance(failure, PlayscoreError) else str(failure)
        raise UnableError(f"the test could not be run: {said}") from None
    judged = verdict(recording, budgets())
    show(recording, judged, console)
    written = {
        report: json.dumps({"verdict": judged.as_json(), "recording": recording.as_json()}, indent=1),
        page: render(recording, judged),
    }
    for path, text in written.items():
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            console.print(f"written: {path}", markup=False)
    raise click.exceptions.Exit(int(judged.outcome))
