"""Where a command reads: a running aggregator, or a store."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from playscore.client import AggregatorClient, Tls
from playscore.client.tls_options import tls_options
from playscore.errors import PlayscoreError, Reason
from playscore.event_loop import run

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
    offers_store: bool = False
    """Whether the command has the option --store."""

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
        """The answer to a question. Raises NOT_SERVING, with what to try, where the aggregator cannot be reached."""

        async def asked() -> Answer:
            async with self.opened() as aggregator:
                return await question(aggregator)

        try:
            return run(asked())
        except PlayscoreError as refusal:
            raise in_options(refusal) from refusal
        except BrokenPipeError:
            raise  # of the output: its reader has read enough
        except (ConnectionError, TimeoutError) as failure:
            hint = "--aggregator HOST:PORT names a running one"
            if self.offers_store:
                hint += "; --store PATH|URL reads a store without one"
            raise PlayscoreError(Reason.NOT_SERVING, f"no answer from an aggregator: {failure}\n{hint}") from failure


_address_option: Final = click.option(
    "--aggregator",
    metavar="HOST:PORT",
    envvar="PLAYSCORE_AGGREGATOR",
    show_envvar=True,
    help=f"A running aggregator.  [default: {ADDRESS}]",
)
_store_option: Final = click.option(
    "--store",
    metavar="PATH|URL",
    help="Read a store directly, without a running service: a SQLite file, or a sqlite:// or postgresql:// URL. "
    "It may be in use; nothing is written.",
)


_OPTIONS: Final = {
    "consistency.as_of": "--as-of",
    "consistency.as_of_time": "--as-of",
    "group_by": "--group-by",
    "justification": "--justification",
    "league": "--league",
    "min_plays": "--min-plays",
    "order_by": "--order-by",
    "request_id": "--request-id",
    "split.filter": "--split",
    "split.league": "--league",
    "subject_id": "--subject",
}
"""Options by the fields of requests that they set."""
_PLACE: Final = re.compile(r"\[\d+\]$")


def in_options(refusal: PlayscoreError) -> PlayscoreError:
    """A refusal that names options instead of fields of a request."""
    detail, fields = refusal.detail, []
    for violation in refusal.fields:
        option = _OPTIONS.get(_PLACE.sub("", violation.field))
        if option:
            detail = re.sub(rf"(?<![\w.]){re.escape(violation.field)}(?![\w.])", option, detail)
            detail = detail if option in detail else f"{option}: {detail}"
        fields.append(replace(violation, field=option or violation.field))
    if refusal.reason is Reason.REVISION_TOKEN_INVALID:
        detail += "\n--as-of takes a time, for example 2026-11-26T13:00, or a revision from JSON output"
    return PlayscoreError(refusal.reason, detail, fields=tuple(fields), retry_after_seconds=refusal.retry_after_seconds)


def service_options(command: Command) -> Command:
    """Gives a command the options that say which running aggregator it calls, as its argument `source`."""

    @functools.wraps(command)
    def with_service(*, aggregator: str | None, tls: Tls | None, **others: Any) -> Any:
        return command(source=Source(aggregator or ADDRESS, tls), **others)

    return _address_option(tls_options(with_service))  # type: ignore[return-value]


def source_options(command: Command) -> Command:
    """Gives a command the options that say where it reads, as its argument `source`: an aggregator, or a store."""

    @functools.wraps(command)
    def with_source(*, aggregator: str | None, store: str | None, tls: Tls | None, **others: Any) -> Any:
        if store is None:
            return command(source=Source(aggregator or ADDRESS, tls, offers_store=True), **others)
        named = click.get_current_context().get_parameter_source("aggregator")
        if named is click.core.ParameterSource.COMMANDLINE or tls is not None:
            raise click.UsageError("--store reads without a service: leave out --aggregator and --tls-…")
        return command(source=Source("", store=store_url(store), offers_store=True), **others)

    return _address_option(_store_option(tls_options(with_source)))  # type: ignore[return-value]


def store_url(store: str) -> str:
    """A store's URL; a path is that of a SQLite file. Raises click.BadParameter."""
    if "://" not in store:
        return f"sqlite:///{Path(store).absolute()}"
    from aggregator.stores import check_store_url

    try:
        return check_store_url(store)
    except ValueError as refusal:
        raise click.BadParameter(str(refusal), param_hint="--store") from None
