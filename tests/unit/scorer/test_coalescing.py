"""Items that arrive while a batch is in flight share the next one; a free slot is used at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from playscore.errors import PlayscoreError, Reason
from scorer.core.coalescing import QUIET_TURNS, Coalescer


class Doubling:
    """Doubles numbers, one batch for each `step`; keeps what it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.deadlines: list[float] = []
        self._steps = asyncio.Semaphore(0)

    async def __call__(self, items: Sequence[int], deadline: float) -> list[int]:
        self.batches.append(list(items))
        self.deadlines.append(deadline)
        await self._steps.acquire()
        if 13 in items:
            raise PlayscoreError(Reason.INFERENCE_UNAVAILABLE, "13 cannot be doubled")
        return [2 * item for item in items]

    def step(self) -> None:
        self._steps.release()


def coalescer(
    process: Doubling,
    max_batch: int = 8,
    max_in_flight: int = 1,
    max_waiting: int = 100,
    clock: Callable[[], float] = lambda: 0.0,
) -> Coalescer[int, int]:
    return Coalescer(process, max_batch=max_batch, max_in_flight=max_in_flight, max_waiting=max_waiting, clock=clock)


async def settle() -> None:
    for _ in range(5 * QUIET_TURNS):
        await asyncio.sleep(0)


async def test_an_item_that_finds_nothing_in_flight_starts_at_once() -> None:
    process = Doubling()
    result = coalescer(process).submit(4, 1.0)
    await settle()
    assert process.batches == [[4]]
    process.step()
    assert await result == 8


async def test_items_that_arrive_while_a_batch_is_in_flight_share_the_next_in_order() -> None:
    process = Doubling()
    gathering = coalescer(process)
    results = [gathering.submit(1, 1.0)]
    await settle()
    for item in (2, 3, 4):
        results.append(gathering.submit(item, 1.0))
        await settle()
    assert process.batches == [[1]]
    process.step()
    await settle()
    assert process.batches == [[1], [2, 3, 4]]
    process.step()
    assert await asyncio.gather(*results) == [2, 4, 6, 8]


async def test_items_of_the_same_few_turns_of_the_loop_share_a_batch() -> None:
    process = Doubling()
    gathering = coalescer(process)
    results = [gathering.submit(item, 1.0) for item in range(3)]
    process.step()
    assert await asyncio.gather(*results) == [0, 2, 4]
    assert process.batches == [[0, 1, 2]]


async def test_sizes_and_number_of_batches_in_flight_are_limited() -> None:
    process = Doubling()
    gathering = coalescer(process, max_batch=2, max_in_flight=2)
    results = [gathering.submit(item, 1.0) for item in range(5)]
    await settle()
    assert process.batches == [[0, 1], [2, 3]]
    for _ in range(3):
        process.step()
    assert await asyncio.gather(*results) == [0, 2, 4, 6, 8]
    assert process.batches[2] == [4]


async def test_items_cancelled_while_waiting_are_left_out() -> None:
    process = Doubling()
    gathering = coalescer(process)
    first = gathering.submit(1, 1.0)
    await settle()
    second, third = gathering.submit(2, 1.0), gathering.submit(3, 1.0)
    second.cancel()
    process.step()
    process.step()
    assert [await first, await third] == [2, 6]
    assert process.batches == [[1], [3]]


async def test_items_that_expired_while_waiting_are_not_processed() -> None:
    process, now = Doubling(), 0.0
    gathering = coalescer(process, clock=lambda: now)
    first = gathering.submit(1, 9.0)
    await settle()
    late, in_time = gathering.submit(2, 5.0), gathering.submit(3, 9.0)
    now = 6.0
    process.step()
    process.step()
    assert [await first, await in_time] == [2, 6]
    with pytest.raises(TimeoutError):
        await late
    assert process.batches == [[1], [3]]


async def test_callers_take_turns_in_a_batch() -> None:
    process = Doubling()
    gathering = coalescer(process, max_batch=4)
    results = [gathering.submit(0, 1.0, "greedy")]
    await settle()
    results += [gathering.submit(item, 1.0, "greedy") for item in range(20, 40)]
    results += [gathering.submit(item, 1.0, "modest") for item in (50, 51)]
    for _ in range(8):
        process.step()
    await asyncio.gather(*results)
    assert {50, 51} < set(process.batches[1])


async def test_items_cancelled_in_flight_do_not_affect_the_others() -> None:
    process = Doubling()
    gathering = coalescer(process)
    given_up, kept = gathering.submit(1, 1.0), gathering.submit(2, 1.0)
    await settle()
    given_up.cancel()
    process.step()
    assert await kept == 4


async def test_a_batch_may_take_until_the_latest_deadline_of_its_items() -> None:
    process = Doubling()
    gathering = coalescer(process)
    results = [gathering.submit(item, deadline) for item, deadline in ((1, 5.0), (2, 9.0), (3, 7.0))]
    process.step()
    await asyncio.gather(*results)
    assert process.deadlines == [9.0]


async def test_a_failed_batch_fails_for_all_its_items_and_no_others() -> None:
    process = Doubling()
    gathering = coalescer(process, max_batch=2)
    results = [gathering.submit(item, 1.0) for item in (1, 13, 2)]
    process.step()
    process.step()
    answers = await asyncio.gather(*results, return_exceptions=True)
    assert [type(answer) for answer in answers] == [PlayscoreError, PlayscoreError, int]


async def test_a_full_queue_refuses_items_with_a_retry_hint() -> None:
    process = Doubling()
    gathering = coalescer(process, max_waiting=2)
    results = [gathering.submit(0, 1.0)]
    await settle()
    results += [gathering.submit(item, 1.0) for item in (1, 2)]
    with pytest.raises(PlayscoreError) as refused:
        gathering.submit(3, 1.0)
    assert refused.value.reason is Reason.OVERLOADED
    assert refused.value.retry_after_seconds is not None
    process.step()
    process.step()
    assert await asyncio.gather(*results) == [0, 2, 4]
    process.step()
    assert await gathering.submit(4, 1.0) == 8
