"""Who may work now, who waits, and who is told to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from servicekit.admission import Admission, Refused, Ticket

Result = TypeVar("Result")


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def admission(clock: Clock | None = None, *, plays: float = 4, size: int = 400, waiting: int = 100) -> Admission:
    return Admission(max_plays=plays, max_bytes=size, max_waiting=waiting, clock=clock or Clock())


async def soon(entering: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Tries to enter; returns once the call is in, waits or is refused."""
    task = asyncio.create_task(entering)
    await asyncio.sleep(0)
    return task


async def test_a_caller_leaves_a_part_to_those_who_hold_nothing() -> None:
    room = admission()
    held = [await room.enter("a", "M", 0) for _ in range(3)]
    waiting = await soon(room.enter("a", "M", 0))
    assert not waiting.done()
    other = await room.enter("b", "M", 0)
    held[0].leave()
    await asyncio.sleep(0)
    assert not waiting.done()
    other.leave()
    assert await waiting


async def test_bytes_are_held_as_the_largest_message_until_they_are_known() -> None:
    room = admission(plays=100)
    first = await room.enter("a", "M", 200)
    second = await soon(room.enter("a", "M", 200))
    assert not second.done()
    first.holds(bytes=20)
    assert (await second).bytes == 200
    assert room.bytes == 220


async def test_a_call_with_more_bytes_than_there_is_room_for_is_let_in_alone() -> None:
    room = admission()
    large = await room.enter("a", "M", 10_000)
    other = await soon(room.enter("b", "M", 1))
    assert not other.done()
    large.leave()
    assert await other


async def test_calls_that_find_room_do_not_pass_one_that_needs_more_for_ever() -> None:
    clock = Clock()
    room = admission(clock)
    small = [await room.enter(name, "M", 100) for name in "bcd"]
    large = await soon(room.enter("a", "M", 300))
    small.append(await room.enter("e", "M", 100))
    clock.seconds += 1.0
    small.pop(0).leave()
    newcomer = await soon(room.enter("f", "M", 100))
    assert not newcomer.done()
    for each in small:
        each.leave()
    assert (await large).bytes == 300


async def test_a_call_of_very_many_plays_leaves_room_for_others() -> None:
    room = admission(plays=8)
    for caller in ("a", "b"):
        (await room.enter(caller, "M", 0)).holds(plays=10_000)
    assert (await room.enter("c", "M", 0)).granted


async def test_a_call_that_ends_twice_gives_back_once() -> None:
    room = admission()
    ticket = await room.enter("a", "M", 100)
    ticket.leave()
    ticket.leave()
    assert (room.calls, room.plays, room.bytes) == (0, 0, 0)


async def test_whoever_gives_up_waiting_holds_up_nobody() -> None:
    room = admission(plays=1)
    held = await room.enter("a", "M", 0)
    gone, next_one = await soon(room.enter("a", "M", 0)), await soon(room.enter("a", "M", 0))
    gone.cancel()
    await asyncio.sleep(0)
    held.leave()
    (await next_one).leave()
    assert (room.calls, room.waiting, room.plays) == (0, 0, 0)


async def test_whoever_gives_up_in_the_moment_of_their_turn_gives_it_back() -> None:
    room = admission(plays=1)
    held = await room.enter("a", "M", 0)
    gone = await soon(room.enter("a", "M", 0))
    held.leave()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (room.calls, room.plays) == (0, 0)


async def test_what_cannot_be_answered_in_time_is_refused_when_it_comes_and_by_its_own_backlog_only() -> None:
    clock = Clock()
    room = admission(clock, plays=1)
    inside: list[Ticket] = []

    async def call(caller: str, deadline: float = 1e9) -> None:
        inside.append(await room.enter(caller, "M", 0, deadline))

    calls = [await soon(call("greedy")) for _ in range(60)]
    for _ in range(20):
        clock.seconds += 1.0
        inside.pop().leave()
        await asyncio.sleep(0)
    assert room.waiting == 39
    with pytest.raises(Refused) as refused:
        await call("greedy", clock.seconds + 20.0)
    assert refused.value.why == "too late"
    assert refused.value.retry_after_seconds > 0
    modest = await soon(call("modest", clock.seconds + 20.0))
    assert not modest.done()
    for _ in range(2):
        clock.seconds += 1.0
        inside.pop().leave()
        await asyncio.sleep(0)
    assert modest.done()
    for each in calls:
        each.cancel()


async def test_one_call_of_very_many_plays_does_not_make_others_too_late() -> None:
    clock = Clock()
    room = admission(clock, plays=64)
    first = await room.enter("a", "M", 0)
    clock.seconds += 0.01
    first.leave()
    (await room.enter("a", "M", 0)).holds(plays=5_000)
    assert (await room.enter("b", "M", 0, clock.seconds + 1.0)).granted


async def test_what_has_expired_when_its_turn_comes_is_not_let_in() -> None:
    clock = Clock()
    room = admission(clock)
    held = [await room.enter("a", "M", 0) for _ in range(3)]
    late, patient = await soon(room.enter("a", "M", 0, 5.0)), await soon(room.enter("a", "M", 0))
    clock.seconds = 10.0
    held[0].leave()
    with pytest.raises(Refused) as refused:
        await late
    assert refused.value.why == "expired"
    assert await patient


async def test_where_too_many_wait_whoever_has_most_waiting_loses_the_last() -> None:
    room = admission(plays=1, waiting=3)
    held = await room.enter("greedy", "M", 0)
    greedy = [await soon(room.enter("greedy", "M", 0)) for _ in range(3)]
    with pytest.raises(Refused):
        await room.enter("greedy", "M", 0)
    modest = await soon(room.enter("modest", "M", 0))
    with pytest.raises(Refused) as refused:
        await greedy[-1]
    assert refused.value.why == "no room"
    held.leave()
    (await greedy[0]).leave()
    assert await modest
    greedy[1].cancel()


async def test_a_call_that_rests_keeps_its_bytes_and_nothing_else() -> None:
    room = admission(plays=1, size=1000, waiting=2)
    ticket = await room.enter("a", "M", 10)
    with ticket.resting():
        assert (room.calls, room.plays, room.bytes, room.resting) == (0, 0, 10, 1)
        (await room.enter("a", "M", 0)).leave()
    assert (room.calls, room.plays, room.bytes, room.resting) == (1, 1, 10, 0)
    ticket.leave()
    assert (room.calls, room.plays, room.bytes) == (0, 0, 0)
