"""Who may work now, who waits, and who is told to come back: by what calls cost, and by who makes them.

What a call holds is counted in plays and in bytes. Its bytes are held before they are read: as many as the largest
message has, until it is known how many there are. What finds no room waits for its turn, which callers take one after
the other. What could not be answered in time is refused when it comes.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Literal

from servicekit.turns import Turns

Why = Literal["too late", "expired", "no room"]
"""Why a call is refused: it could not be answered in time, its time ran out as it waited, or too many wait."""

SHARED_PART: Final = 0.75
"""Of what there is room for. The rest is kept for callers who hold nothing, so that none is kept out by the others."""
_SMOOTHING: Final = 0.05
"""The weight of one more measurement in a mean."""
_LEAST_WEIGHT: Final = 0.01
_HINT_SECONDS: Final = (0.1, 5.0)


class Refused(Exception):  # noqa: N818  # it is an outcome, which the edge turns into an error
    """There is no room for a call; `retry_after_seconds` later there may be."""

    def __init__(self, why: Why, retry_after_seconds: float) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after_seconds = retry_after_seconds


@dataclass(slots=True)
class _Mean:
    """Of what was measured of late."""

    value: float = 0.0
    count: int = 0

    def add(self, measured: float) -> None:
        self.count += 1
        self.value += max(_SMOOTHING, 1.0 / self.count) * (measured - self.value)


@dataclass(slots=True)
class _Pace:
    """What calls of a method take."""

    plays: _Mean = field(default_factory=lambda: _Mean(1.0))
    turn_seconds: _Mean = field(default_factory=_Mean)
    """What one more call adds to the wait of all others, while there is more to do than is done."""
    seconds: _Mean = field(default_factory=_Mean)
    """From admission to the end of a call."""


class Ticket:
    """What one call holds."""

    __slots__ = ("_admission", "_begin", "bytes", "caller", "deadline", "granted", "method", "plays", "turn")

    def __init__(
        self, admission: Admission, caller: str, method: str, reserved: int, plays: float, deadline: float
    ) -> None:
        self._admission = admission
        self._begin = 0.0
        self.caller = caller
        self.method = method
        self.bytes = reserved
        self.plays = plays
        self.deadline = deadline
        self.granted = False
        self.turn: asyncio.Future[None] | None = None

    def holds(self, *, bytes: int | None = None, plays: float | None = None) -> None:  # noqa: A002
        """The call turned out to hold so much."""
        self._admission.change(self, self.bytes if bytes is None else bytes, self.plays if plays is None else plays)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """While the call only waits for something, it holds its bytes alone. Raises Refused if too many rest."""
        plays = self.plays
        self._admission.rest(self)
        try:
            yield
        finally:
            self._admission.resume(self, plays)

    def leave(self) -> None:
        """The call has ended. May be said more than once."""
        self._admission.leave(self)


current_ticket: ContextVar[Ticket | None] = ContextVar("current_ticket", default=None)
"""What the call in progress holds."""


@contextmanager
def resting() -> Iterator[None]:
    """While the call in progress waits for something, it keeps no other call out. Raises Refused if too many rest."""
    ticket = current_ticket.get()
    if ticket is None:
        yield
        return
    with ticket.resting():
        yield


class Admission:
    """Lets calls in. For one event loop."""

    def __init__(
        self, *, max_plays: float, max_bytes: int, max_waiting: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """A call that is larger than everything there is room for is let in alone."""
        self._max_plays = max_plays
        self._max_bytes = max_bytes
        self._max_waiting = max_waiting
        self._clock = clock
        self._paces: dict[str, _Pace] = {}
        self._held: Counter[str] = Counter()
        """Calls in progress, by caller."""
        self._turns: Turns[Ticket] = Turns()
        self._turned_at = clock()
        self._turn_seconds = _Mean()
        """Of calls of any method."""
        self.plays = 0.0
        self.bytes = 0
        self.resting = 0

    @property
    def calls(self) -> int:
        """In progress."""
        return self._held.total()

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn."""
        return len(self._turns)

    async def enter(self, caller: str, method: str, reserved: int, deadline: float = math.inf) -> Ticket:
        """Lets a call in, once it is its turn, with so many bytes reserved. `deadline` is in seconds of the clock.

        Raises:
            Refused: there is no room.
        """
        pace = self._pace(method)
        ticket = Ticket(self, caller, method, reserved, pace.plays.value, deadline)
        if self._fits(ticket) and (not len(self._turns) or caller not in self._held):
            self._grant(ticket)
            return ticket
        self._refuse_what_is_too_late(ticket, pace)
        self._make_room_to_wait(caller)
        ticket.turn = asyncio.get_running_loop().create_future()
        if not len(self._turns):
            self._turned_at = self._clock()
        self._turns.put(caller, ticket, self._weight(pace))
        try:
            await ticket.turn
        except BaseException:
            if ticket.granted:
                ticket.leave()
            elif self._turns.remove(caller, ticket):
                self._next()
            raise
        return ticket

    def change(self, ticket: Ticket, bytes: int, plays: float) -> None:  # noqa: A002
        """See `Ticket.holds`."""
        if plays != ticket.plays:
            self._pace(ticket.method).plays.add(plays)
        self.bytes += bytes - ticket.bytes
        self.plays += plays - ticket.plays
        ticket.bytes, ticket.plays = bytes, plays
        self._next()

    def rest(self, ticket: Ticket) -> None:
        """See `Ticket.resting`."""
        if self.resting >= self._max_waiting:
            raise Refused("no room", self._hint(1.0))
        self.resting += 1
        self.plays -= ticket.plays
        ticket.plays = 0.0
        self._release(ticket.caller)
        self._next()

    def resume(self, ticket: Ticket, plays: float) -> None:
        """The end of `rest`. A call that was let in once is not kept waiting again."""
        self.resting -= 1
        self.plays += plays
        ticket.plays = plays
        self._held[ticket.caller] += 1

    def leave(self, ticket: Ticket) -> None:
        """See `Ticket.leave`."""
        if not ticket.granted:
            return
        ticket.granted = False
        now, pace = self._clock(), self._pace(ticket.method)
        pace.seconds.add(now - ticket._begin)
        if len(self._turns):
            pace.turn_seconds.add(now - self._turned_at)
            self._turn_seconds.add(now - self._turned_at)
            self._turned_at = now
        self.bytes -= ticket.bytes
        self.plays -= ticket.plays
        self._release(ticket.caller)
        self._next()

    def _grant(self, ticket: Ticket) -> None:
        ticket.granted = True
        ticket._begin = self._clock()
        self._held[ticket.caller] += 1
        self.bytes += ticket.bytes
        self.plays += ticket.plays

    def _release(self, caller: str) -> None:
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]

    def _fits(self, ticket: Ticket) -> bool:
        if not self._held:
            return True
        part = SHARED_PART if ticket.caller in self._held else 1.0
        return (
            self.plays + ticket.plays <= part * self._max_plays and self.bytes + ticket.bytes <= part * self._max_bytes
        )

    def _next(self) -> None:
        """Lets in those whose turn it is."""
        while len(self._turns) and (ticket := self._turns.take(self._fits)) is not None:
            assert ticket.turn is not None
            if ticket.turn.done():
                continue
            needed = self._pace(ticket.method).seconds.value if self._held else 0.0
            if self._clock() + needed > ticket.deadline:
                ticket.turn.set_exception(Refused("expired", self._hint(self._seconds_waiting)))
                continue
            self._grant(ticket)
            ticket.turn.set_result(None)

    def _refuse_what_is_too_late(self, ticket: Ticket, pace: _Pace) -> None:
        if ticket.deadline == math.inf or not self._held:
            return
        left = ticket.deadline - self._clock() - pace.seconds.value
        weight, seconds = self._weight(pace), self._turn_seconds.value
        if (self._turns.cost + weight) * seconds > left:
            wait = self._turns.ahead_of(ticket.caller, weight) * seconds
            if wait > left:
                raise Refused("too late", self._hint(wait - max(left, 0.0)))

    def _make_room_to_wait(self, caller: str) -> None:
        """Where too many wait, whoever has most waiting loses the last of it."""
        if len(self._turns) < self._max_waiting:
            return
        longest = self._turns.last_of_the_longest()
        if longest is None or self._turns.waiting_of(caller) + 1 >= self._turns.waiting_of(longest[0]):
            raise Refused("no room", self._hint(self._seconds_waiting))
        name, last = longest
        self._turns.remove(name, last)
        if last.turn is not None and not last.turn.done():
            last.turn.set_exception(Refused("no room", self._hint(self._seconds_waiting)))

    @property
    def _seconds_waiting(self) -> float:
        """Until all that waits is let in."""
        return self._turns.cost * self._turn_seconds.value

    def _weight(self, pace: _Pace) -> float:
        """How much longer others wait for a call than for one of the mean; 1 while that is not known."""
        if not pace.turn_seconds.count or not self._turn_seconds.value:
            return 1.0
        return max(pace.turn_seconds.value / self._turn_seconds.value, _LEAST_WEIGHT)

    def _hint(self, seconds: float) -> float:
        """Seconds to come back after, so that those refused together come back apart."""
        least, most = _HINT_SECONDS
        return min(max(seconds, least), most) * random.uniform(1.0, 2.0)

    def _pace(self, method: str) -> _Pace:
        pace = self._paces.get(method)
        if pace is None:
            pace = self._paces[method] = _Pace()
        return pace
