"""Options that commands of the pipeline share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pipeline.replay import Addresses
from playscore.client import Tls
from playscore.client.tls_options import tls_options

Command = TypeVar("Command", bound=Callable[..., Any])


def service_options(command: Command) -> Command:
    """Gives a command the options of running services, as its argument `services`."""

    @functools.wraps(command)
    def with_services(*, featurizer: str, scorer: str, aggregator: str, tls: Tls | None, **others: Any) -> Any:
        return command(services=Addresses(featurizer, scorer, aggregator, tls), **others)

    decorated: Any = tls_options(with_services)
    for name, port in (("aggregator", 50053), ("scorer", 50052), ("featurizer", 50051)):
        decorated = click.option(
            f"--{name}",
            metavar="HOST:PORT",
            default=f"127.0.0.1:{port}",
            show_default=True,
            help=f"A running {name}.",
        )(decorated)
    made: Command = decorated
    return made
