"""What a service refuses so that the rest gets through: what there is no room for, and calls without a deadline."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import grpc.aio
import structlog
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from playscore.errors import PlayscoreError, Reason
from playscore.rpc_errors import status_of
from servicekit.admission import SHARED_PART, Admission, Refused, Ticket, current_ticket
from servicekit.callers import current_caller
from servicekit.calls import Call, Proceed
from servicekit.metrics import OPEN_STREAMS, OPEN_WATCHES, AdmissionMetrics
from servicekit.settings import ServiceSettings

MAX_INFRASTRUCTURE_STREAMS: Final = 2_048
"""Watches of health, and streams of reflection, open at once. Each takes 20 to 50 KiB."""
MAX_INFRASTRUCTURE_STREAMS_A_CONNECTION: Final = 16
"""Of those. A channel of gRPC has one; many callers may come from one address, so that is not what is bounded."""
_SUMMARY_SECONDS: Final = 10.0

_log = structlog.get_logger()


class Limits:
    """Lets calls in as there is room for them, before their requests are read; refuses what cannot be answered in time.

    Unary calls share plays and bytes in progress (`Admission`). Watches (`Method.is_watch`) wait most of the time, and
    streams of requests last as long as a game: both are counted, each kind for itself. A message on a stream is held
    against the bytes until the next one is read. Health and reflection are exempt, but for how many streams are open.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.admission = Admission(
            max_plays=settings.max_plays_in_progress,
            max_bytes=settings.max_bytes_in_progress,
            max_waiting=settings.max_waiting_calls,
        )
        self._metrics = AdmissionMetrics(self.admission)
        self._max_message_bytes = settings.max_message_bytes
        self._require_deadline = settings.require_deadline
        self._places = {
            "streams": _Places(settings.max_concurrent_streams),
            "watches": _Places(settings.max_concurrent_watches),
        }
        OPEN_STREAMS.set_function(self._places["streams"].total)
        OPEN_WATCHES.set_function(self._places["watches"].total)
        self._infrastructure = _Places(MAX_INFRASTRUCTURE_STREAMS)
        self._by_connection = _Places(math.inf, a_caller=MAX_INFRASTRUCTURE_STREAMS_A_CONNECTION)
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._watches: set[asyncio.Task[Any]] = set()
        self._unavailable: str | None = "is starting"
        self._ended: set[asyncio.Task[Any]] = set()
        self._refusals = _Refusals()

    def admit(self) -> None:
        """From now on takes calls; until then they are refused as UNAVAILABLE."""
        self._unavailable = None

    def end_watches(self) -> None:
        """Ends the watches as UNAVAILABLE, for the caller to resume elsewhere: none would finish by itself."""
        self._end(self._watches)

    def end_all(self) -> int:
        """Ends the calls in flight as UNAVAILABLE, for the caller to repeat or resume elsewhere. Returns how many."""
        return self._end(self._in_flight)

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Refuses a call or lets it through."""
        caller = current_caller.get().party
        if call.method.is_infrastructure:
            return await self._infrastructure_call(call, caller, proceed)
        if self._unavailable is not None:
            raise self._unavailable_error(self._unavailable)
        left = call.context.time_remaining()
        if self._require_deadline and not call.method.lasts and left is None:
            raise PlayscoreError(Reason.DEADLINE_REQUIRED, f"{call.method} takes calls with a deadline only; set one")
        task = asyncio.current_task()
        assert task is not None
        self._in_flight.add(task)
        if call.method.is_watch:
            self._watches.add(task)
        try:
            if call.method.kind == "unary":
                return await self._unary(call, caller, left, proceed)
            return await self._lasting(call, caller, proceed)
        except Refused as refused:
            self._metrics.refused(refused.why)
            await self._refusals.refuse(call, caller, refused)
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            task.uncancel()
            raise self._unavailable_error(self._unavailable) from None
        finally:
            self._in_flight.discard(task)
            self._watches.discard(task)

    async def _unary(self, call: Call, caller: str, left: float | None, proceed: Proceed) -> Any:
        begin = time.monotonic()
        deadline = math.inf if left is None else begin + left
        ticket = await self.admission.enter(caller, call.method.name, self._max_message_bytes, deadline)
        self._metrics.admitted(time.monotonic() - begin)
        current_ticket.set(ticket)
        call.on_bytes = lambda size: ticket.holds(bytes=size)
        call.on_request = lambda request: ticket.holds(plays=plays_in(request))
        served = True
        try:
            return await proceed()
        except asyncio.CancelledError:
            served = False
            raise
        finally:
            ticket.leave(served=served)

    async def _lasting(self, call: Call, caller: str, proceed: Proceed) -> Any:
        places = self._places["watches" if call.method.is_watch else "streams"]
        if not places.has_room(caller):
            raise Refused("no room", _spread())
        held: Ticket | None = None

        def let_go() -> None:
            if held is not None:
                held.leave()

        async def admit(size: int) -> None:
            nonlocal held
            let_go()
            held = await self.admission.enter(caller, call.method.name, size)
            held.holds(plays=0.0)

        call.before_message = admit
        with places.taken(caller):
            self._metrics.admitted()
            try:
                return await proceed()
            finally:
                let_go()

    async def _infrastructure_call(self, call: Call, caller: str, proceed: Proceed) -> Any:
        if call.method.kind == "unary":
            return await proceed()
        connection = call.context.peer()
        if not (self._by_connection.has_room(connection) and self._infrastructure.has_room(caller)):
            raise PlayscoreError(
                Reason.OVERLOADED, f"too many streams of {call.method} are open", retry_after_seconds=_spread()
            )
        with self._by_connection.taken(connection), self._infrastructure.taken(caller):
            return await proceed()

    def _end(self, tasks: Collection[asyncio.Task[Any]]) -> int:
        self._unavailable = "is draining"
        ending = set(tasks) - self._ended
        self._ended |= ending
        for task in ending:
            task.cancel()
        return len(ending)

    @staticmethod
    def _unavailable_error(why: str | None) -> PlayscoreError:
        return PlayscoreError(Reason.NOT_SERVING, f"the service {why}; repeat the call", retry_after_seconds=_spread())


async def pass_over_expired(call: Call, proceed: Proceed) -> Any:
    """Ends a call whose time ran out before anybody saw it: there is nobody left to answer, so that it costs little."""
    if call.context.time_remaining() == 0:
        raise asyncio.CancelledError
    return await proceed()


class _Places:
    """Open streams, by caller. A part is kept for callers who have none."""

    def __init__(self, most: float, *, a_caller: float = math.inf) -> None:
        self._most = most
        self._most_a_caller = a_caller
        self._taken: Counter[str] = Counter()

    def has_room(self, caller: str) -> bool:
        own = self._taken.get(caller, 0)
        return own < self._most_a_caller and self.total() < self._most * (SHARED_PART if own else 1.0)

    def total(self) -> int:
        """All that are open."""
        return self._taken.total()

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]


_DETAILS: Final = {
    "too late": "there is more to do than could be done before the deadline of the call; come back later",
    "expired": "the time of the call ran out while it waited for its turn; come back later",
    "no room": "this replica has as much to do as it takes; come back later",
}


class _Refusals:
    """Refuses at the least cost: the statuses are made once, and the log has a line for many."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._callers: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    async def refuse(self, call: Call, caller: str, refused: Refused) -> None:
        call.is_refused = True
        self._count[refused.why] += 1
        if caller in self._callers or len(self._callers) < 1_000:
            self._callers[caller] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SUMMARY_SECONDS, self._tell)
        # What grpc_status makes is what abort_with_status takes, though the stubs lack the method.
        await call.context.abort_with_status(_status(refused.why, _tenths(refused.retry_after_seconds)))  # type: ignore[attr-defined]

    def _tell(self) -> None:
        self._timer = None
        _log.warning(
            "calls refused", seconds=_SUMMARY_SECONDS, calls=dict(self._count), callers=self._callers.most_common(3)
        )
        self._count.clear()
        self._callers.clear()


@cache
def _status(why: str, tenths: int) -> grpc.Status:
    return status_of(PlayscoreError(Reason.OVERLOADED, _DETAILS[why], retry_after_seconds=tenths / 10))


def _tenths(seconds: float) -> int:
    return max(1, round(10 * seconds))


@cache
def _lists(descriptor: Descriptor) -> tuple[str, ...]:
    return tuple(
        field.name for field in descriptor.fields if field.is_repeated and field.type == FieldDescriptor.TYPE_MESSAGE
    )


def plays_in(request: Any) -> float:
    """How much a request asks for: the items of its lists, plays or records, and one at least."""
    if not isinstance(request, Message):
        return 1.0
    return float(max(1, sum(len(getattr(request, name)) for name in _lists(request.DESCRIPTOR))))


def _spread() -> float:
    """Seconds to come back after, so that those refused together come back apart."""
    return random.uniform(0.1, 0.5)
