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
from dataclasses import dataclass
from typing import Final, Literal

from servicekit.turns import Turns

Why = Literal["too late", "expired", "no room"]
"""Why a call is refused: it could not be answered in time, its time ran out as it waited, or too many wait."""

SHARED_PART: Final = 0.75
"""Of what there is room for. The rest is kept for callers who hold nothing, so that none is kept out by the others."""
PATIENCE_SECONDS: Final = 0.2
"""How long the one whose turn it is lets others pass for whom there is room."""
HEADROOM: Final = 1.25
"""Times what it is expected to take must a call have left: half of the calls take longer than the mean."""
_SMOOTHING: Final = 0.05
"""The weight of one more measurement in a mean."""
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


class _Pace:
    """How fast plays are done when there is more to do than is done.

    While there is less to do, plays could be done faster than they come, which nobody sees: a measurement counts then
    only if it is faster than what is known. This is how TCP BBR measures what a path can carry.
    """

    def __init__(self) -> None:
        self.done = 0.0
        """Plays, since the beginning."""
        self._seconds = _Mean()
        self._saturated = False

    @property
    def seconds_a_play(self) -> float:
        """0 while it is not known."""
        return self._seconds.value

    def saturated(self) -> None:
        """Calls wait for their turn, or were not answered in time."""
        self._saturated = True

    def idle(self) -> None:
        """Nothing is in progress."""
        self._saturated = False

    def served(self, plays: float, seconds: float, done_before: float) -> None:
        """A call was answered so many seconds after it began, when so many plays had been done."""
        self.done += plays
        self._measured(seconds / max(self.done - done_before, 1.0))

    def given_up(self, plays: float, seconds: float, done_before: float) -> None:
        """A call was not answered in time, with so many plays in progress."""
        self._saturated = True
        self._measured(seconds / max(self.done - done_before, plays, 1.0))

    def _measured(self, seconds_a_play: float) -> None:
        if self._saturated or not self._seconds.count or seconds_a_play < self._seconds.value:
            self._seconds.add(seconds_a_play)


class Ticket:
    """What one call holds."""

    __slots__ = (
        "_admission",
        "_begin",
        "_done",
        "asked",
        "bytes",
        "caller",
        "deadline",
        "granted",
        "method",
        "plays",
        "turn",
    )

    def __init__(
        self, admission: Admission, caller: str, method: str, reserved: int, plays: float, deadline: float
    ) -> None:
        self._admission = admission
        self._begin = 0.0
        self._done = 0.0
        self.asked = 0.0
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

    def leave(self, *, served: bool = True) -> None:
        """The call has ended, with an answer or because nobody waits for one. May be said more than once."""
        self._admission.leave(self, served=served)


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
        """A call counts as a quarter of `max_plays` at most, and is let in alone where its bytes are too many."""
        self._max_plays = max_plays
        self._max_bytes = max_bytes
        self._max_waiting = max_waiting
        self._clock = clock
        self._pace = _Pace()
        self._plays: dict[str, _Mean] = {}
        """Of a call, by its method."""
        self._held: Counter[str] = Counter()
        """Calls in progress, by caller."""
        self._turns: Turns[Ticket] = Turns()
        self._impatient = False
        """Whether the one whose turn it is has waited for room for so long that nobody passes any more."""
        self.plays = 0.0
        self._counted = 0.0
        """The same, no call as more than its most."""
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
        plays = self._plays.get(method)
        ticket = Ticket(self, caller, method, reserved, 1.0 if plays is None else plays.value, deadline)
        self._refuse_what_is_too_late(ticket)
        may_pass = not len(self._turns) or (caller not in self._held and not self._impatient)
        if may_pass and self._fits(ticket):
            self._grant(ticket)
            return ticket
        self._make_room_to_wait(caller)
        ticket.turn = asyncio.get_running_loop().create_future()
        ticket.asked = self._clock()
        self._turns.put(caller, ticket, self._most(ticket.plays))
        self._pace.saturated()
        try:
            await ticket.turn
        except BaseException:
            if ticket.granted:
                ticket.leave(served=False)
            elif self._turns.remove(caller, ticket):
                self._next()
            raise
        return ticket

    def change(self, ticket: Ticket, bytes: int, plays: float) -> None:  # noqa: A002
        """See `Ticket.holds`."""
        if plays != ticket.plays:
            self._plays.setdefault(ticket.method, _Mean()).add(plays)
        self.bytes += bytes - ticket.bytes
        ticket.bytes = bytes
        self._hold(plays - ticket.plays, self._most(plays) - self._most(ticket.plays))
        ticket.plays = plays
        self._next()

    def rest(self, ticket: Ticket) -> None:
        """See `Ticket.resting`."""
        if self.resting >= self._max_waiting:
            raise Refused("no room", self._hint(1.0))
        self.resting += 1
        self._hold(-ticket.plays, -self._most(ticket.plays))
        ticket.plays = 0.0
        self._release(ticket.caller)
        self._next()

    def resume(self, ticket: Ticket, plays: float) -> None:
        """The end of `rest`. A call that was let in once is not kept waiting again."""
        self.resting -= 1
        self._hold(plays, self._most(plays))
        ticket.plays = plays
        ticket._begin, ticket._done = self._clock(), self._pace.done
        self._held[ticket.caller] += 1

    def leave(self, ticket: Ticket, *, served: bool) -> None:
        """See `Ticket.leave`."""
        if not ticket.granted:
            return
        ticket.granted = False
        now = self._clock()
        if served:
            self._pace.served(self._most(ticket.plays), now - ticket._begin, ticket._done)
        elif now >= ticket.deadline:
            self._pace.given_up(self._counted, now - ticket._begin, ticket._done)
        self.bytes -= ticket.bytes
        self._hold(-ticket.plays, -self._most(ticket.plays))
        self._release(ticket.caller)
        self._next()

    def _grant(self, ticket: Ticket) -> None:
        ticket.granted = True
        ticket._begin, ticket._done = self._clock(), self._pace.done
        self._held[ticket.caller] += 1
        self.bytes += ticket.bytes
        self._hold(ticket.plays, self._most(ticket.plays))

    def _hold(self, plays: float, counted: float) -> None:
        self.plays += plays
        self._counted += counted

    def _most(self, plays: float) -> float:
        """What so many plays of one call count as."""
        return min(plays, max(self._max_plays / 4, 1.0))

    def _release(self, caller: str) -> None:
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]
        if not self._held:
            self._pace.idle()

    def _fits(self, ticket: Ticket) -> bool:
        if not self._held:
            return True
        part = SHARED_PART if ticket.caller in self._held else 1.0
        plays = self._counted + self._most(ticket.plays)
        return plays <= part * self._max_plays and self.bytes + ticket.bytes <= part * self._max_bytes

    def _whose_turn_it_is(self) -> Ticket | None:
        """The next to be let in; None where there is no room for them. Only those who hold nothing may pass others."""
        first: Ticket | None = None

        def may(ticket: Ticket) -> bool:
            nonlocal first
            if ticket.turn is None or ticket.turn.done():
                return True
            passes = first is not None
            first = ticket if first is None else first
            if passes and (self._impatient or ticket.caller in self._held):
                return False
            fits = self._fits(ticket)
            if not passes:
                self._impatient = not fits and self._clock() - ticket.asked > PATIENCE_SECONDS
            return fits

        return self._turns.take(may)

    def _next(self) -> None:
        """Lets in those whose turn it is."""
        while len(self._turns) and (ticket := self._whose_turn_it_is()) is not None:
            assert ticket.turn is not None
            if ticket.turn.done():
                continue
            if self._clock() + self._seconds_until_done(self._most(ticket.plays)) > ticket.deadline:
                ticket.turn.set_exception(Refused("expired", self._hint(self._seconds_waiting)))
                continue
            self._grant(ticket)
            ticket.turn.set_result(None)

    def _refuse_what_is_too_late(self, ticket: Ticket) -> None:
        if ticket.deadline == math.inf:
            return
        left = ticket.deadline - self._clock()
        if self._seconds_until_done(self._turns.cost + self._most(ticket.plays)) > left:
            wait = self._seconds_until_done(self._turns.ahead_of(ticket.caller, self._most(ticket.plays)))
            if wait > left:
                raise Refused("too late", self._hint(wait - max(left, 0.0)))

    def _seconds_until_done(self, plays: float) -> float:
        """For so many plays after those in progress. A call that finds nothing in progress is worth trying."""
        return HEADROOM * (self._counted + plays) * self._pace.seconds_a_play if self._held else 0.0

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
        """Until all that waits is done."""
        return self._seconds_until_done(self._turns.cost)

    def _hint(self, seconds: float) -> float:
        """Seconds to come back after, so that those refused together come back apart."""
        least, most = _HINT_SECONDS
        return min(max(seconds, least), most) * random.uniform(1.0, 2.0)
