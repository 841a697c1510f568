"""A connection to NATS JetStream, and what is done while it is away."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js import errors as js_errors

from pipeline.retry import GIVE_UP_SECONDS, Absence
from playscore.client import backoff

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 5.0
"""For one request to the broker, before it is asked again."""

_TRANSIENT: Final = (
    nats.errors.TimeoutError,
    nats.errors.NoRespondersError,
    nats.errors.StaleConnectionError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.ConnectionReconnectingError,
    js_errors.ServiceUnavailableError,
    js_errors.ServerError,
    js_errors.NoStreamResponseError,
    ConnectionError,
)
"""What goes away when the broker is back."""
_SUBJECT_IS_TAKEN: Final = 10077
"""JetStream's number for a message of a subject that has as many as it may."""
_PASSWORD: Final = re.compile(r"//[^/@\s]*@")

Answer = TypeVar("Answer")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is, and how to trust it.

    Args:
        url: nats://host:port, tls://host:port; several with commas between; with user:password@ or token@ before the
            host where it asks for them.
        authority: certificates of the authorities trusted, PEM; None: those of this machine.
        certificate: the caller's own chain, PEM, for mutual TLS.
        key: its private key, PEM.
    """

    url: str = field(repr=False)
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __str__(self) -> str:
        return _PASSWORD.sub("//", self.url)

    def tls(self) -> ssl.SSLContext | None:
        """How to trust it; None: without TLS."""
        if "tls://" not in self.url and self.authority is None and self.certificate is None:
            return None
        context = ssl.create_default_context(cafile=None if self.authority is None else str(self.authority))
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that is connected to. It is connected to again whenever the connection breaks."""

    nc: Client
    js: JetStreamContext
    give_up_seconds: float

    async def until_it_answers(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Asks again and again while the broker is away. Raises ConnectionError once that was for too long."""
        absence = Absence(self.give_up_seconds)
        for pause in backoff(0.05, 1.0):
            absence.asked()
            try:
                answer = await heeding_cancellation(ask())
            except _TRANSIENT as failure:
                if subject_is_taken(failure):
                    raise
                if not absence.failures:
                    log.warning("waiting for the broker", failure=f"{type(failure).__name__}: {failure}")
                absence.check(failure)
                await asyncio.sleep(pause)
            else:
                if absence.failures:
                    log.info("the broker answers again")
                return answer
        raise AssertionError("backoff never ends")

    async def last_place(self, stream: str, subject: str) -> int:
        """The place of the last message of a subject in a stream; 0 where there is none."""
        try:
            last = await self.until_it_answers(lambda: self.js.get_last_msg(stream, subject, direct=False))
        except js_errors.NotFoundError:
            return 0
        return last.seq or 0


async def heeding_cancellation(asked: Awaitable[Answer]) -> Answer:
    """What nats-py answers, unless the task was canceled meanwhile.

    nats-py waits by `asyncio.wait_for`. Python 3.11's forgets a cancellation that comes in the same turn of the event
    loop as the answer (python/cpython#86296), and the task would run on for good.
    """
    task = asyncio.current_task()
    assert task is not None
    cancellations = task.cancelling()
    answer = await asked
    if task.cancelling() > cancellations:
        raise asyncio.CancelledError
    return answer


def subject_is_taken(failure: Exception) -> bool:
    """Whether a stream refused a message because it holds one of the subject."""
    return isinstance(failure, js_errors.APIError) and failure.err_code == _SUBJECT_IS_TAKEN


@asynccontextmanager
async def connected(
    address: BrokerAddress, name: str, *, give_up_seconds: float = GIVE_UP_SECONDS
) -> AsyncIterator[Broker]:
    """A broker that is connected to inside the block.

    Args:
        address: where it is.
        name: of the connection, as the broker's monitoring shows it.
        give_up_seconds: how long it may be away after the first connection.

    Raises ConnectionError where the first connection is not made within `CONNECT_SECONDS`.
    """
    client = Client()
    last: list[Exception] = []

    async def on_error(error: Exception) -> None:
        last[:] = [error]
        log.debug("broker", error=f"{type(error).__name__}: {error}")

    async def on_disconnected() -> None:
        if not client.is_closed:
            log.warning("the broker is away", broker=str(address))

    async def on_reconnected() -> None:
        log.info("connected to the broker again", broker=str(address))

    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect(
                servers=address.url.split(","),
                name=name,
                tls=address.tls(),
                error_cb=on_error,
                disconnected_cb=on_disconnected,
                reconnected_cb=on_reconnected,
                connect_timeout=2,
                reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds, of any kind
                max_reconnect_attempts=-1,
                ping_interval=5,
                max_outstanding_pings=2,
            )
    except (TimeoutError, nats.errors.Error, OSError) as failure:
        why = last[-1] if last else failure
        raise ConnectionError(f"no broker answers at {address}: {type(why).__name__}: {why}") from failure
    try:
        yield Broker(client, client.jetstream(timeout=ANSWER_SECONDS), give_up_seconds)
    finally:
        await client.close()
