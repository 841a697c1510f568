"""Calls at a rate that does not wait for answers, over a bare HTTP/2 connection.

A gRPC client takes as much of a core for a call as the service that refuses it. Calls are encoded beforehand here, so
that one core can ask for ten times of what another can do. A call that is not answered in time is cancelled, as gRPC
does.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Self, cast

OK: Final = 0
CANCELLED: Final = 1
LATE: Final = 4
REFUSED: Final = 8
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_FRAME_BYTES: Final = 16_384
_WINDOW_BYTES: Final = 65_535
_ROOM: Final = 2**30
_STATUS: Final = b"grpc-status"

Done = Callable[[int], None]
"""Told the status that a call ended with."""


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def _literal(name: str, value: str) -> bytes:
    """A header that no table keeps; neither has more than 126 bytes."""
    return bytes((0, len(name))) + name.encode() + bytes((len(value),)) + value.encode()


@dataclass(slots=True)
class _Sending:
    body: memoryview
    window: int
    at: int = 0


class Caller(asyncio.Protocol):
    """A connection that makes unary calls of one method."""

    def __init__(self, method: str, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._headers = (
            b"\x83\x86"  # POST, http
            + _literal(":path", method)
            + _literal(":authority", "localhost")
            + _literal("te", "trailers")
            + _literal("content-type", "application/grpc")
            + _literal("grpc-timeout", f"{round(1e3 * timeout_seconds)}m")
        )
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._next = 1
        self._window = _WINDOW_BYTES
        self._initial_window = _WINDOW_BYTES
        self._sending: dict[int, _Sending] = {}
        self._calls: dict[int, tuple[Done, asyncio.TimerHandle]] = {}

    @classmethod
    async def connect(cls, port: int, method: str, timeout_seconds: float, host: str = "127.0.0.1") -> Self:
        """Connects from an address of this machine, by which the service knows the caller."""
        _, caller = await asyncio.get_running_loop().create_connection(
            lambda: cls(method, timeout_seconds), "127.0.0.1", port, local_addr=(host, 0)
        )
        return caller

    def call(self, body: bytes, done: Done) -> None:
        """Makes a call with an encoded request."""
        assert self._transport is not None
        stream, self._next = self._next, self._next + 2
        timer = asyncio.get_running_loop().call_later(self._timeout, self._late, stream)
        self._calls[stream] = done, timer
        self._sending[stream] = _Sending(memoryview(b"\0" + struct.pack(">I", len(body)) + body), self._initial_window)
        self._transport.write(_frame(_HEADERS, _END_HEADERS, stream, self._headers))
        self._send(stream)

    def close(self) -> None:
        """Hangs up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        settings = struct.pack(">HIHIHI", 1, 0, 2, 0, 4, _ROOM)  # no table of headers, no push, room for answers
        room = struct.pack(">I", _ROOM)
        self._transport.write(_PREFACE + _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW, 0, 0, room))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._received += data
        place, received = 0, self._received
        while len(received) - place >= 9:
            length = int.from_bytes(received[place : place + 3], "big")
            if len(received) - place < 9 + length:
                break
            stream = int.from_bytes(received[place + 5 : place + 9], "big")
            payload = bytes(received[place + 9 : place + 9 + length])
            self._take(received[place + 3], received[place + 4], stream, payload)
            place += 9 + length
        del received[:place]

    def connection_lost(self, _error: Exception | None) -> None:
        """See asyncio.Protocol."""
        for stream in list(self._calls):
            self._end(stream, CANCELLED)

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        assert self._transport is not None
        if kind == _HEADERS and flags & _END_STREAM:
            place = payload.find(_STATUS) + len(_STATUS)
            self._end(stream, int(payload[place + 1 : place + 1 + payload[place]]))
        elif kind == _DATA and payload:
            self._transport.write(_frame(_WINDOW, 0, 0, struct.pack(">I", len(payload))))
        elif kind == _RESET:
            self._end(stream, CANCELLED)
        elif kind == _WINDOW:
            self._widen(stream, int.from_bytes(payload, "big"))
        elif kind == _SETTINGS and not flags & _ACK:
            self._set(payload)
        elif kind == _PING and not flags & _ACK:
            self._transport.write(_frame(_PING, _ACK, 0, payload))

    def _widen(self, stream: int, more: int) -> None:
        if stream == 0:
            self._window += more
            self._send_all()
        elif stream in self._sending:
            self._sending[stream].window += more
            self._send(stream)

    def _set(self, settings: bytes) -> None:
        assert self._transport is not None
        for place in range(0, len(settings), 6):
            name, value = struct.unpack(">HI", settings[place : place + 6])
            if name == 4:
                for sending in self._sending.values():
                    sending.window += value - self._initial_window
                self._initial_window = value
        self._transport.write(_frame(_SETTINGS, _ACK, 0))
        self._send_all()

    def _send_all(self) -> None:
        for stream in list(self._sending):
            self._send(stream)

    def _send(self, stream: int) -> None:
        """What the windows have room for."""
        assert self._transport is not None
        sending = self._sending[stream]
        while (room := min(_FRAME_BYTES, sending.window, self._window, len(sending.body) - sending.at)) > 0:
            part = bytes(sending.body[sending.at : sending.at + room])
            sending.at += room
            sending.window -= room
            self._window -= room
            last = sending.at == len(sending.body)
            self._transport.write(_frame(_DATA, _END_STREAM if last else 0, stream, part))
            if last:
                del self._sending[stream]

    def _late(self, stream: int) -> None:
        assert self._transport is not None
        self._transport.write(_frame(_RESET, 0, stream, struct.pack(">I", 8)))
        self._end(stream, LATE)

    def _end(self, stream: int, status: int) -> None:
        self._sending.pop(stream, None)
        ended = self._calls.pop(stream, None)
        if ended is not None:
            done, timer = ended
            timer.cancel()
            done(status)


@dataclass(slots=True)
class Outcome:
    """What became of the calls of one load."""

    seconds: float
    took: dict[int, list[float]] = field(default_factory=dict)
    """Seconds from when a call was due until its end, by its status."""
    last_failure: float = 0.0
    """When the last call ended that was not answered, seconds after the load began."""

    def count(self, status: int) -> int:
        """Calls that ended so."""
        return len(self.took.get(status, ()))

    @property
    def calls(self) -> int:
        """All of them."""
        return sum(map(len, self.took.values()))

    @property
    def rate(self) -> float:
        """Calls answered a second."""
        return self.count(OK) / self.seconds

    def quantile(self, status: int, quantile: float) -> float:
        """Of how long calls took that ended so, seconds; NaN if none did."""
        took = sorted(self.took.get(status, ()))
        return took[min(len(took) - 1, int(quantile * len(took)))] if took else float("nan")


async def at_rate(callers: Iterable[Caller], bodies: Iterator[bytes], calls_a_second: float, seconds: float) -> Outcome:
    """Makes calls at a rate, whatever comes of them, spread over connections; returns once all have ended."""
    outcome, turns = Outcome(seconds), list(callers)
    begin, open_calls, made = time.perf_counter(), 0, 0
    quiet = asyncio.Event()

    def make(due: float) -> None:
        nonlocal open_calls

        def done(status: int) -> None:
            nonlocal open_calls
            open_calls -= 1
            now = time.perf_counter()
            outcome.took.setdefault(status, []).append(now - due)
            if status != OK:
                outcome.last_failure = max(outcome.last_failure, now - begin)
            if not open_calls:
                quiet.set()

        open_calls += 1
        quiet.clear()
        turns[made % len(turns)].call(next(bodies), done)

    while (due := begin + made / calls_a_second) < begin + seconds:
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        elif made % 16 == 0:
            await asyncio.sleep(0)
        make(due)
        made += 1
    if open_calls:
        await quiet.wait()
    return outcome


async def in_flight(caller: Caller, bodies: Iterator[bytes], calls: int, seconds: float) -> Outcome:
    """Keeps so many calls in flight, each made once another has ended; one that was refused after a short pause."""
    outcome = Outcome(seconds)
    loop, end = asyncio.get_running_loop(), time.perf_counter() + seconds
    ended: asyncio.Queue[None] = asyncio.Queue()

    def make() -> None:
        begin = time.perf_counter()

        def done(status: int) -> None:
            now = time.perf_counter()
            outcome.took.setdefault(status, []).append(now - begin)
            if now >= end:
                ended.put_nowait(None)
            elif status == OK:
                loop.call_soon(make)
            else:
                loop.call_later(0.02, make)

        caller.call(next(bodies), done)

    for _ in range(calls):
        make()
    for _ in range(calls):
        await ended.get()
    return outcome


def numbered(template: bytes, mark: bytes, start: int = 0) -> Iterator[bytes]:
    """Requests that differ: `mark`, decimal digits, is replaced by a number wherever it stands."""
    width = len(mark)
    return (template.replace(mark, b"%0*d" % (width, number)) for number in range(start, 10**width))
