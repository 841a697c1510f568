"""Tells watchers how ratings change: every split is read once a tick, and encoded once for all who watch it.

A watcher has a place, the tick they were told last, and no queue. While they do not read, gRPC's flow control holds
their response back and their place stays; when they read on, they are told all that changed since, at once.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from aggregator import metrics
from aggregator.core.following import Follower
from aggregator.core.queries import RatingQueries
from aggregator.core.revision import Revision
from aggregator.core.tokens import WatchedState
from aggregator.core.watching import (
    Difference,
    Evaluation,
    Question,
    RankedSplit,
    State,
    WatchedRatings,
    whole,
)
from playscore.errors import PlayscoreError, Reason

TICK_SECONDS: Final = 0.25
"""Between the beginnings of two readings of everything that is watched."""
MIN_PAUSE_SECONDS: Final = 0.1
"""Between two readings, however long they take."""
IDLE_SECONDS: Final = 10.0
"""Between two checkpoints, at most."""
WOKEN_AT_ONCE: Final = 20
"""Watchers who are woken before others get their turn."""
SHARED_DIFFERENCES: Final = 4
"""Of a state, to earlier ones, kept for other watchers to be sent."""
MAX_RATINGS: Final = 200_000
"""That are watched, and remembered for those who resume."""
MAX_RATINGS_SENT: Final = 100_000
"""In differences that watchers are in the midst of being sent."""
MAX_STATES_ASKED: Final = 64
"""Past states that the store is asked for at once."""

History: TypeAlias = Callable[[Question, Revision], Awaitable[State | None]]
"""The ratings of a question at a revision of the past; None where they are not known any more."""
Encode: TypeAlias = Callable[[Question, Difference, int], bytes]
"""A part of a difference as a response to the watchers of a question."""


@dataclass(frozen=True, slots=True)
class Since:
    """A watcher wants to be told of the state at a revision first."""

    revision: Revision


_Place: TypeAlias = int | WatchedState | Since | None
"""What a watcher has, the state of a tick or of a revision, or nothing; or what they want first."""


class Watches:
    """All watches of a replica.

    Args:
        queries: of the snapshot.
        revision: of the snapshot, at present.
        follower: of the store.
        encode: makes responses.
        history: knows past states.
        max_splits: different ones that are watched at once.
    """

    def __init__(
        self,
        queries: RatingQueries,
        follower: Follower,
        encode: Encode,
        history: History,
        *,
        max_splits: int,
    ) -> None:
        self._queries = queries
        self._follower = follower
        self._encode = encode
        self._history = history
        self._max_splits = max_splits
        self._splits: dict[RankedSplit, dict[Question, _Watched]] = {}
        self._retired: OrderedDict[Question, _Watched] = OrderedDict()
        """What nobody watches any more, for those who resume; the last that was left is the last here."""
        self._ratings = 0
        """Of all that is watched or retired."""
        self._room = _Room(MAX_RATINGS_SENT)
        self._reading = asyncio.Lock()
        self._encoding = asyncio.Lock()
        self._asked: dict[tuple[Question, Revision], asyncio.Task[State | None]] = {}
        self._moved = asyncio.Event()
        self._moved_at: float | None = None
        """When the first change came that has not been read."""
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Start to follow."""
        self._tasks = [asyncio.create_task(each) for each in (self._listen(), self._tick())]

    async def close(self) -> None:
        """Stop to follow."""
        for task in (*self._tasks, *self._asked.values()):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._asked.values(), return_exceptions=True)

    def following(self) -> bool:
        """Whether watchers are told. Raises what ended it, should something have."""
        for task in self._tasks:
            if task.done():
                task.result()
        return bool(self._tasks)

    async def responses(
        self, question: Question, start: WatchedState | Since | None = None, at_least: Collection[Revision] = ()
    ) -> AsyncGenerator[bytes, None]:
        """What a watcher of a question is told, for ever, once it has been read at these revisions or later ones.

        The replica has them already. The revision of `start` must be one of them.

        Raises:
            PlayscoreError: OVERLOADED, more is watched than this replica takes; REVISION_NOT_KEPT, the state to begin
                with is not known; and as `RatingQueries.watched`.
        """
        watched = self._join(question)
        try:
            await self._read_first(watched)
            for revision in at_least:
                await self._read_up_to(watched, revision)
            place: _Place = start
            waited = False
            while True:
                sending = await self._sending(watched, place)
                sending.count(waited=waited)
                with self._room.holding(sending):
                    place = None
                    for number in range(sending.parts):
                        response = await self._encoded(question, sending, number)
                        if response is None:  # forgotten: the watch begins anew
                            break
                        yield response
                    else:
                        place = sending.place
                waited = isinstance(place, int) and await self._news(watched, place)
        finally:
            self._leave(watched)

    async def read(self, moved_at: float | None = None) -> None:
        """Read everything that is watched, and tell those who watch it.

        `moved_at` is when the first change came that has not been read, by the monotonic clock.
        """
        for ranked in list(self._splits):
            async with self._reading:
                await self._read(ranked, list(self._splits.get(ranked, {}).values()), moved_at)
            await asyncio.sleep(0)

    def _join(self, question: Question) -> _Watched:
        split = self._splits.get(question.ranked)
        if split is None:
            if len(self._splits) >= self._max_splits:
                raise _overloaded(f"{self._max_splits} different splits are watched")
            split = self._splits[question.ranked] = {}
            metrics.WATCHED_SPLITS.set(len(self._splits))
        watched = split.get(question)
        if watched is None or watched.failure is not None:
            watched = self._retired.pop(question) if question in self._retired else _Watched(question)
            split[question] = watched
        watched.watchers += 1
        metrics.WATCHES.inc()
        return watched

    def _leave(self, watched: _Watched) -> None:
        metrics.WATCHES.dec()
        watched.watchers -= 1
        if watched.watchers:
            return
        question = watched.question
        split = self._splits.get(question.ranked, {})
        if split.get(question) is watched:
            del split[question]
            if not split:
                del self._splits[question.ranked]
                metrics.WATCHED_SPLITS.set(len(self._splits))
        if watched.failure is None and watched.current:
            watched.retire()
            self._retired[question] = watched
            if len(self._retired) > self._max_splits:
                self._forget_retired()
        else:
            self._ratings -= len(watched.ratings)

    def _forget_retired(self) -> None:
        _, oldest = self._retired.popitem(last=False)
        self._ratings -= len(oldest.ratings)

    async def _read_first(self, watched: _Watched) -> None:
        """Read a question that was not watched until now, and with it others like it."""
        async with self._reading:
            if not watched.current:
                ranked = watched.question.ranked
                waiting = [each for each in self._splits[ranked].values() if not each.current]
                await self._read(ranked, waiting, None)
        if watched.failure is not None:
            raise watched.failure

    async def _read_up_to(self, watched: _Watched, revision: Revision) -> None:
        """Wait for the tick that reads a question at a revision, or a later one, that the replica has."""
        while not watched.ratings.state.revision.covers(revision) and watched.failure is None:
            await watched.next_read()
        if watched.failure is not None:
            raise watched.failure

    async def _sending(self, watched: _Watched, place: _Place) -> _Sending:
        """What a watcher is sent next."""
        question, ratings = watched.question, watched.ratings
        match place:
            case Since(revision) if revision != ratings.state.revision:
                state = await self._past(question, revision)
                if state is None:
                    raise PlayscoreError(
                        Reason.REVISION_NOT_KEPT,
                        "this replica does not know the ratings of that state any more; watch from the present one",
                    )
                return _Sending(whole(state), WatchedState(revision, state.ranking.model))
            case WatchedState(revision, model) if model == ratings.state.ranking.model:
                tick = ratings.tick_at(revision)
                if tick is not None:
                    return watched.sending(tick)
                state = await self._past(question, revision)
                if state is not None:
                    return _Sending(ratings.since_state(state), ratings.tick)
            case int(tick):
                return watched.sending(tick)
        return watched.sending(None)

    async def _past(self, question: Question, revision: Revision) -> State | None:
        """A past state: asked for once by all who need it, and not known where too many others are asked for."""
        asked = question, revision
        task = self._asked.get(asked)
        if task is None:
            if len(self._asked) >= MAX_STATES_ASKED:
                return None
            task = self._asked[asked] = asyncio.ensure_future(self._history(question, revision))
            task.add_done_callback(lambda _: self._asked.pop(asked))
        return await asyncio.shield(task)

    async def _encoded(self, question: Question, sending: _Sending, number: int) -> bytes | None:
        """A part of a difference; None where it is forgotten because the watcher did not read on."""
        self._room.touch(sending)
        if sending.forgotten or sending.encoded[number] is not None:
            return sending.encoded[number]
        async with self._encoding:  # one at a time, so that others get their turn in between
            if not sending.forgotten and sending.encoded[number] is None:
                sending.encoded[number] = self._encode(question, sending.difference, number)
                await asyncio.sleep(0)
        return sending.encoded[number]

    async def _news(self, watched: _Watched, tick: int) -> bool:
        """Wait until there is something to tell, or it is time for a checkpoint. Returns whether that took waiting."""
        # Spread: watchers of one question were all told their last tick at the same time.
        idle_seconds = IDLE_SECONDS * random.uniform(0.8, 1.0)
        waits = watched.ratings.tick == tick
        with suppress(TimeoutError):
            async with asyncio.timeout(idle_seconds):
                while watched.ratings.tick == tick and watched.failure is None:
                    await watched.woken()
        if watched.failure is not None:
            raise watched.failure
        return waits

    async def _listen(self) -> None:
        while True:
            await self._follower.moved()
            if self._moved_at is None:
                self._moved_at = time.monotonic()
            self._moved.set()

    async def _tick(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            moved_at, self._moved_at = self._moved_at, None
            begin = time.monotonic()
            await self.read(moved_at)
            took = time.monotonic() - begin
            metrics.WATCH_READING_SECONDS.observe(took)
            await asyncio.sleep(max(TICK_SECONDS - took, MIN_PAUSE_SECONDS))

    async def _read(self, ranked: RankedSplit, watched: Collection[_Watched], moved_at: float | None) -> None:
        """Read the ratings of a split for its questions, and tell their watchers. What goes wrong ends the watches."""
        try:
            evaluation = await self._evaluation(ranked)
            for each in watched:
                await self._advance(each, evaluation, moved_at)
        except Exception as error:
            for each in watched:
                await self._end(each, error)

    async def _evaluation(self, ranked: RankedSplit) -> Evaluation:
        standings = self._queries.watched(ranked.split, group_by=ranked.group_by, min_plays=ranked.min_plays)
        evaluation = Evaluation(standings, self._queries.revision)
        for _ in evaluation.read():
            if len(evaluation) > MAX_RATINGS:
                raise _too_many_ratings()
            await asyncio.sleep(0)
        return evaluation

    async def _advance(self, watched: _Watched, evaluation: Evaluation, moved_at: float | None) -> None:
        if watched.failure is not None:
            return
        ratings = watched.ratings
        tick, before = ratings.tick, len(ratings)
        for _ in ratings.advance(evaluation.ratings(watched.question), evaluation.ranking, evaluation.revision):
            await asyncio.sleep(0)
        self._ratings += len(ratings) - before
        watched.was_read(None if ratings.tick == tick else moved_at)
        while self._ratings > MAX_RATINGS:
            if self._retired:
                self._forget_retired()
            else:
                largest = max(
                    (each for split in self._splits.values() for each in split.values()),
                    key=lambda each: len(each.ratings),
                )
                await self._end(largest, _too_many_ratings())
        if ratings.tick != tick:
            await watched.wake()

    async def _end(self, watched: _Watched, error: Exception) -> None:
        """End all watches of a question."""
        self._ratings -= len(watched.ratings)
        watched.fail(error)
        await watched.wake()


class _Sending:
    """A difference that watchers are sent, encoded part by part for all of them."""

    def __init__(self, difference: Difference, place: _Place, moved_at: float | None = None) -> None:
        self.difference = difference
        self.place = place
        """That they have then."""
        self.parts = difference.parts
        self.ratings = len(difference)
        self.encoded: list[bytes | None] = [None] * self.parts
        self.forgotten = False
        self._coalesced = difference.coalesced
        self._moved_at = moved_at if self.ratings else None

    def forget(self) -> None:
        """Let go of what is heavy."""
        self.forgotten = True
        self.encoded = [None] * self.parts
        del self.difference

    def count(self, *, waited: bool) -> None:
        """A watcher is sent it now, who waited for it or had still to read what came before."""
        if self._coalesced:
            metrics.COALESCED_TICKS.inc(self._coalesced)
        if waited and self._moved_at is not None:
            metrics.WATCH_SECONDS.observe(time.monotonic() - self._moved_at)


class _Room:
    """The differences that watchers are in the midst of, with no more ratings than there is room for.

    Where there are more, the difference is forgotten that nobody has read on for longest. Who reads on after all begins
    anew.
    """

    def __init__(self, ratings: int) -> None:
        self._free = ratings
        self._readers: OrderedDict[_Sending, int] = OrderedDict()
        """How many are in the midst of each; the one last read on is the last."""

    @contextmanager
    def holding(self, sending: _Sending) -> Iterator[None]:
        """Somebody reads it."""
        if sending not in self._readers:
            self._readers[sending] = 0
            self._free -= sending.ratings
        self._readers[sending] += 1
        self.touch(sending)
        while self._free < 0 and len(self._readers) > 1:
            oldest, _ = self._readers.popitem(last=False)
            self._free += oldest.ratings
            oldest.forget()
        try:
            yield
        finally:
            if sending in self._readers:
                self._readers[sending] -= 1
                if not self._readers[sending]:
                    del self._readers[sending]
                    self._free += sending.ratings

    def touch(self, sending: _Sending) -> None:
        """Somebody reads on."""
        if sending in self._readers:
            self._readers.move_to_end(sending)


class _Watched:
    """A question, and those who watch it."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.ratings = WatchedRatings()
        self.watchers = 0
        self.current = False
        """It has been read since somebody watches it."""
        self.failure: Exception | None = None
        """What ends all of its watches."""
        self._moved_at: float | None = None
        self._sendings: dict[int | None, _Sending] = {}
        """From earlier ticks to the present state."""
        self._waiting: set[asyncio.Future[None]] = set()
        self._read = asyncio.Event()

    def was_read(self, moved_at: float | None) -> None:
        """The ratings are those of a later state. `moved_at` is when the first change came that may have moved them."""
        self.current = True
        self._moved_at = moved_at
        self._sendings.clear()
        read, self._read = self._read, asyncio.Event()
        read.set()

    def fail(self, error: Exception) -> None:
        """End all watches."""
        self.failure = error
        self.ratings = WatchedRatings()
        self._sendings.clear()
        self._read.set()

    def retire(self) -> None:
        """Nobody watches any more."""
        self.current = False
        self._sendings.clear()

    def sending(self, tick: int | None) -> _Sending:
        """What a watcher is to be sent who has a tick, or nothing; a checkpoint alone where nothing has changed."""
        found = self._sendings.get(tick)
        if found is None or found.forgotten:
            found = _Sending(self.ratings.since(tick), self.ratings.tick, self._moved_at)
            if tick in self._sendings or len(self._sendings) < SHARED_DIFFERENCES:
                self._sendings[tick] = found
        return found

    async def next_read(self) -> None:
        """Wait until the ratings are those of a later state, changed or not."""
        await self._read.wait()

    async def woken(self) -> None:
        """Wait for the next tick."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    async def wake(self) -> None:
        """Wake all who wait, some at a time, so that others get their turn in between."""
        for count, waiting in enumerate(list(self._waiting), 1):
            if not waiting.done():
                waiting.set_result(None)
            if count % WOKEN_AT_ONCE == 0:
                await asyncio.sleep(0)


def _too_many_ratings() -> PlayscoreError:
    return _overloaded(f"{MAX_RATINGS:,} ratings are watched")


def _overloaded(what: str) -> PlayscoreError:
    return PlayscoreError(
        Reason.OVERLOADED,
        f"{what}, which is as much as this replica takes; watch what others watch, or ask ListRatings",
        retry_after_seconds=random.uniform(1.0, 3.0),
    )
