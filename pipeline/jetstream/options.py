"""The options of every command that calls a broker."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from pipeline.jetstream.broker import BrokerAddress
from servicekit.tracing import DEFAULT_RATIO

LOCAL: Final = "nats://127.0.0.1:4222"

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_URL: Final = (
    "NATS with JetStream: nats://host:port or tls://host:port, several with commas between; a user and password go"
    " before the host."
)


def trace_options(command: Command) -> Command:
    """Gives a command the options of traces, as its arguments `otlp_endpoint` and `trace_ratio`."""
    for option in (
        click.option(
            "--trace-ratio",
            envvar="PLAYSCORE_TRACE_RATIO",
            default=DEFAULT_RATIO,
            show_default=True,
            type=click.FloatRange(0, 1),
            help="Part of the traces that begin here that is recorded. Also PLAYSCORE_TRACE_RATIO.",
        ),
        click.option(
            "--otlp-endpoint",
            metavar="URL",
            envvar="PLAYSCORE_OTLP_ENDPOINT",
            help="Where spans are sent, OTLP over gRPC: http://host:port or https://host:port; without it there are no"
            " traces. Also PLAYSCORE_OTLP_ENDPOINT.",
        ),
    ):
        command = option(command)
    return command


def broker_options(command: Command) -> Command:
    """Gives a command the options of a broker, as its argument `broker`."""
    url = click.option(
        "--broker",
        metavar="URL",
        envvar="PLAYSCORE_BROKER",
        default=LOCAL,
        show_default=True,
        help=f"{_URL} Also PLAYSCORE_BROKER.",
    )
    return _with_address(url, command)


def optional_broker_options(use: str) -> Callable[[Command], Command]:
    """Gives a command the options of a broker that it can do without: None then. `use` says what it is for."""
    return functools.partial(_with_address, click.option("--broker", metavar="URL", help=f"{use} {_URL}"))


def _with_address(url: Callable[[Any], Any], command: Command) -> Command:
    @functools.wraps(command)
    def with_broker(
        *,
        broker: str | None,
        broker_authority: Path | None,
        broker_certificate: Path | None,
        broker_key: Path | None,
        **others: Any,
    ) -> Any:
        if (broker_certificate is None) != (broker_key is None):
            raise click.UsageError("give --broker-certificate and --broker-key together")
        address = None if broker is None else BrokerAddress(broker, broker_authority, broker_certificate, broker_key)
        return command(broker=address, **others)

    for option in (
        click.option("--broker-key", type=_FILE, help="Private key shown to the broker, PEM."),
        click.option("--broker-certificate", type=_FILE, help="Certificate chain shown to the broker, PEM."),
        click.option("--broker-authority", type=_FILE, help="Authorities to trust for the broker, PEM."),
        url,
    ):
        option(with_broker)
    return with_broker  # type: ignore[return-value]
