"""Follows a watch through lost connections and services that drain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import grpc.aio

from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceStub
from playscore.client import AggregatorClient, backoff
from playscore.client.connection import failure_of
from playscore.errors import PlayscoreError, Reason

SILENT_SECONDS: Final = 30.0
"""Without a checkpoint, which a service sends every 10 seconds, before a connection counts as lost."""
_COMES_BACK: Final = (Reason.NOT_SERVING, Reason.OVERLOADED, Reason.STORE_UNAVAILABLE, Reason.NOT_FRESH_ENOUGH)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A watch broke off, and is taken up again."""

    why: str


Update = messages.WatchRatingsResponse | Interrupted


async def follow(aggregator: AggregatorClient, request: messages.WatchRatingsRequest) -> AsyncIterator[Update]:
    """What a watch answers, for ever: where it breaks off it is taken up after the last checkpoint.

    Raises:
        ConnectionError: there is nobody to begin with.
        PlayscoreError: the service refuses the watch.
    """
    stub = AggregatorServiceStub(aggregator.channel)
    asked = messages.WatchRatingsRequest()
    asked.CopyFrom(request)
    begun, pauses = False, backoff()
    while True:
        call = stub.WatchRatings(asked)
        try:
            async for response in _read(call):
                begun = True
                if response.HasField("checkpoint"):
                    asked.resume_token.CopyFrom(response.checkpoint.resume_token)
                    pauses = backoff()
                yield response
            why = "the service ended the watch"
        except grpc.aio.AioRpcError as error:
            failure = failure_of(error, aggregator.address)
            if isinstance(failure, PlayscoreError):
                if failure.reason is Reason.RESUME_TOKEN_INVALID and asked.HasField("resume_token"):
                    asked.ClearField("resume_token")
                elif failure.reason not in _COMES_BACK:
                    raise failure from error
                why = failure.detail
            elif not begun:
                raise failure from error
            else:
                why = "the connection is lost"
        except TimeoutError:
            why = f"nothing was heard for {SILENT_SECONDS:.0f} s"
        finally:
            call.cancel()
        yield Interrupted(why)
        await asyncio.sleep(next(pauses))


async def _read(
    call: grpc.aio.UnaryStreamCall[messages.WatchRatingsRequest, messages.WatchRatingsResponse],
) -> AsyncIterator[messages.WatchRatingsResponse]:
    """What a call answers. Raises TimeoutError where it is silent for too long."""
    while True:
        async with asyncio.timeout(SILENT_SECONDS):
            response = await call.read()
        if not isinstance(response, messages.WatchRatingsResponse):
            return
        yield response
