"""Where a command reads: a running aggregator, or a store file."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from playscore.client import AggregatorClient, Tls

ADDRESS: Final = "127.0.0.1:50053"
TIMEOUT_SECONDS: Final = 5.0

Answer = TypeVar("Answer")
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Source:
    """A running aggregator by its address, or a store by its URL."""

    address: str
    tls: Tls | None = None
    store: str = ""
    """Empty: the running aggregator is asked."""

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[AggregatorClient]:
        """A client of it. Raises STORE_UNAVAILABLE where it is a store that cannot be read."""
        async with contextlib.AsyncExitStack() as closing:
            address = self.address
            if self.store:
                from aggregator.local import reading

                address = await closing.enter_async_context(reading(self.store))
            yield await closing.enter_async_context(
                AggregatorClient(address, tls=self.tls, timeout_seconds=TIMEOUT_SECONDS)
            )

    def ask(self, question: Callable[[AggregatorClient], Awaitable[Answer]]) -> Answer:
        """What a question comes to. A failure to reach the aggregator is a ClickException that says what to try."""

        async def asked() -> Answer:
            async with self.opened() as aggregator:
                return await question(aggregator)

        try:
            return asyncio.run(asked())
        except BrokenPipeError:
            raise  # of the output: whoever read it has read enough
        except (ConnectionError, TimeoutError) as failure:
            raise click.ClickException(
                f"no answer from an aggregator: {failure}\n"
                "--aggregator HOST:PORT says where one runs, --store FILE reads a store without one."
            ) from failure


_ADDRESS_OPTION: Final = click.option(
    "--aggregator",
    metavar="HOST:PORT",
    envvar="PLAYSCORE_AGGREGATOR",
    show_envvar=True,
    help=f"A running aggregator.  [default: {ADDRESS}]",
)
_STORE_OPTION: Final = click.option(
    "--store",
    metavar="FILE",
    help="Read a store instead, without a running service: a SQLite file, or sqlite:///FILE. It is not written to, "
    "and may be in use.",
)
_TLS_OPTIONS: Final = (
    click.option("--tls-authority", type=click.Path(exists=True, path_type=Path), help="Authorities to trust, PEM."),
    click.option("--tls-certificate", type=click.Path(exists=True, path_type=Path), help="Own certificates, PEM."),
    click.option("--tls-key", type=click.Path(exists=True, path_type=Path), help="Own private key, PEM."),
)


def service_options(command: Command) -> Command:
    """Gives a command the options that say which running aggregator it calls, as its argument `source`."""

    @functools.wraps(command)
    def with_service(
        *,
        aggregator: str | None,
        tls_authority: Path | None,
        tls_certificate: Path | None,
        tls_key: Path | None,
        **others: Any,
    ) -> Any:
        tls = Tls(tls_authority, tls_certificate, tls_key)
        return command(source=Source(aggregator or ADDRESS, None if tls == Tls() else tls), **others)

    return _with_options(command, with_service, (_ADDRESS_OPTION, *_TLS_OPTIONS))


def source_options(command: Command) -> Command:
    """Gives a command the options that say where it reads, as its argument `source`: an aggregator, or a store."""

    @functools.wraps(command)
    def with_source(
        *,
        aggregator: str | None,
        store: str | None,
        tls_authority: Path | None,
        tls_certificate: Path | None,
        tls_key: Path | None,
        **others: Any,
    ) -> Any:
        tls = Tls(tls_authority, tls_certificate, tls_key)
        if store is None:
            return command(source=Source(aggregator or ADDRESS, None if tls == Tls() else tls), **others)
        named = click.get_current_context().get_parameter_source("aggregator")
        if named is click.core.ParameterSource.COMMANDLINE or tls != Tls():
            raise click.UsageError("--store is read without a service: leave --aggregator and --tls-… out")
        return command(source=Source("", store=_url(store)), **others)

    return _with_options(command, with_source, (_ADDRESS_OPTION, _STORE_OPTION, *_TLS_OPTIONS))


def _with_options(_: Command, wrapped: Callable[..., Any], options: Sequence[Callable[[Any], Any]]) -> Command:
    for option in reversed(options):
        option(wrapped)
    return wrapped  # type: ignore[return-value]


def _url(store: str) -> str:
    """A store's URL; of a path, that of a SQLite file."""
    if "://" not in store:
        return f"sqlite:///{Path(store).absolute()}"
    from aggregator.stores import check_store_url

    try:
        return check_store_url(store)
    except ValueError as refusal:
        raise click.BadParameter(str(refusal), param_hint="--store") from None
