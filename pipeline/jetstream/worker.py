"""A worker of the live feed: takes games from the queue, plays them, and hands over what it cannot finish.

Any number of workers run. What they share is in the broker; what two of them do at once is harmless, because records
are idempotent and have revisions. A game whose worker died goes on from where all of its plays were last recorded.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import nats.errors
import structlog
from nats.aio.msg import Msg

from pipeline.backfill.game_report import UNKNOWN_REASON
from pipeline.batch_stages import BatchStages
from pipeline.featurizing import decisive
from pipeline.game_run import GameRun
from pipeline.jetstream import metrics
from pipeline.jetstream.archive import Archive
from pipeline.jetstream.broker import Broker
from pipeline.jetstream.game_feed import GameFeed
from pipeline.jetstream.names import GameName
from pipeline.jetstream.pulling import LostError, Pull
from pipeline.jetstream.states import NOT_RECORDED, Checkpoint, GameState, States, Unreadable
from pipeline.jetstream.streams import FEED_STREAM, FINDERS, Streams
from pipeline.jetstream.work_queue import TakenGame, WorkQueue
from pipeline.results import Ending, PlayResult
from pipeline.task import Featurizer, Ratings, Task
from playscore.errors import PlayscoreError
from playscore.feed.v1.feed_pb2 import FeedMessage

FOREVER = float("inf")
"""How long a worker waits for a service or the broker: nothing is lost meanwhile."""
GAMES_AT_ONCE = 16
QUIET_SECONDS = 1_800.0
LINGER_SECONDS = 2.0
MAX_FAILURES = 5
_PAUSE_SECONDS = 0.5
"""Before stages that failed are made anew."""
_COUNT_EVERY_SECONDS = 5.0
"""The games that wait."""
_GATHER_SECONDS = 0.25
"""For which messages are gathered before their games are offered."""
_OFFER_SECONDS = 2.0
"""Between two offers of a game that is talked of."""
_FINDER_BATCH = 512
_CHECKPOINT_SECONDS = 2.0
"""Between two checkpoints of a game."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """How a worker works.

    Args:
        games_at_once: held at most; each takes the memory of its feed, some 10 MB.
        quiet_seconds: after which a game that was not told to have ended is let go, until more comes.
        linger_seconds: for which a game that has ended is held.
        max_failures: runs of a game that may fail, one after the other, before it is set aside.
        first_pause_seconds: before a game that failed is tried again; doubled each time.
    """

    games_at_once: int = GAMES_AT_ONCE
    quiet_seconds: float = QUIET_SECONDS
    linger_seconds: float = LINGER_SECONDS
    max_failures: int = MAX_FAILURES
    first_pause_seconds: float = 1.0


class _FromTheStartError(Exception):
    """News of a game that cannot be played over what is recorded of it."""


class Worker:
    """One worker. `run` works until it is canceled, and then hands its games over.

    Args:
        broker: which has the feed. It should be waited for without end.
        streams: of it.
        states: of it.
        featurizer: makes tensors.
        ratings: records.
        tasks: score.
        settings: how it works.
    """

    def __init__(
        self,
        broker: Broker,
        streams: Streams,
        states: States,
        featurizer: Featurizer,
        ratings: Ratings,
        tasks: Sequence[Task],
        settings: WorkSettings = WorkSettings(),
    ) -> None:
        self._broker = broker
        self._lease_seconds = streams.lease_seconds
        self._states = states
        self._featurizer = featurizer
        self._ratings = ratings
        self._tasks = tasks
        self._settings = settings
        self._queue = WorkQueue(broker)
        self._reading: dict[GameName, _GameRunning] = {}
        """Games that are being played and whose feed is still read."""
        self._held: set[tuple[GameName, int]] = set()
        """Games that are held, with their epochs."""
        self._draining = False

    async def run(self) -> None:
        """Works until it is canceled. Then its games are given back, so that others take them at once."""
        metrics.MESSAGES_BEHIND.set_function(lambda: sum(run.feed.behind for run in self._read_now()))
        metrics.GAMES_LIVE.set_function(lambda: sum(not run.feed.ended for run in self._read_now()))
        metrics.BROKER_CONNECTED.set_function(lambda: self._broker.nc.is_connected)
        metrics.SILENCE.labels("play").set_function(lambda: self._longest_silence(waiting_for_film=True))
        metrics.SILENCE.labels("break").set_function(lambda: self._longest_silence(waiting_for_film=False))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._find_games())
                tasks.create_task(self._play_games())
                tasks.create_task(self._count_waiting())
        except asyncio.CancelledError:
            log.info("drained")
            raise
        finally:
            await self._queue.close()

    def _longest_silence(self, *, waiting_for_film: bool) -> float:
        """The longest time, seconds, for which nothing was said of a live game that waits for film, or does not."""
        now = time.monotonic()
        live = (run for run in self._read_now() if not run.feed.ended)
        return max(
            (now - run.feed.heard_at for run in live if run.game.waits_for_film is waiting_for_film),
            default=0.0,
        )

    def _read_now(self) -> Sequence[_GameRunning]:
        """The games whose feed is read, for the thread that shows metrics."""
        return tuple(self._reading.copy().values())

    def drain(self) -> None:
        """What is canceled from now on is handed over."""
        self._draining = True

    # --- Finding games ---

    async def _find_games(self) -> None:
        """Offers games of which something was said to whoever is free. All workers do this together."""
        while True:
            try:
                async with Pull(self._broker, FEED_STREAM, FINDERS, batch=1) as pull:
                    await self._find(pull)
            except (LostError, nats.errors.Error) as lost:
                log.debug("finding games again", reason=str(lost))
                await asyncio.sleep(0.25)

    async def _find(self, pull: Pull) -> None:
        """A game is offered at once, then once in `_OFFER_SECONDS` while it is talked of: most are held already.

        The first message is waited for, and what came until `_GATHER_SECONDS` later is taken together; without a pause
        where that was much. A message is acknowledged after its game was offered, so that a worker that dies leaves it
        to another.
        """
        loop = asyncio.get_running_loop()
        waiting: defaultdict[str, list[Msg]] = defaultdict(list)
        offered: dict[str, float] = {}
        behind = False
        while True:
            first = await pull.next(_GATHER_SECONDS if waiting else 60.0)
            if first is not None:
                await asyncio.sleep(0.0 if behind else _GATHER_SECONDS)
                came = await pull.whatever_waits(_FINDER_BATCH)
                behind = len(came) == _FINDER_BATCH
                for message in (first, *came):
                    waiting[message.subject].append(message)
            now = loop.time()
            offered = {subject: at for subject, at in offered.items() if now < at + _OFFER_SECONDS}
            for subject in [subject for subject in waiting if subject not in offered]:
                offered[subject] = now
                told = waiting.pop(subject)
                await self._offer(subject, max(each.metadata.sequence.stream for each in told))
                for each in told:
                    await each.ack()

    async def _offer(self, subject: str, place: int) -> None:
        """Something was said of a game, the last of it at a place in the feed."""
        try:
            name = GameName.of_feed(subject)
        except PlayscoreError as nameless:
            await self._note_unreadable(Unreadable(place, subject, nameless.detail))
            return
        if name in self._reading:
            return  # who reads it looks for more before it leaves the queue
        state = await self._states.get(name)
        if not state.aside and state.read < place:
            await self._queue.offer(state)

    async def _count_waiting(self) -> None:
        while True:
            with suppress(nats.errors.Error):
                metrics.GAMES_WAITING.set(await self._queue.waiting())
            await asyncio.sleep(_COUNT_EVERY_SECONDS)

    # --- Playing them ---

    async def _play_games(self) -> None:
        """Plays games over stages that they share. What fails these is not known to be any one game's fault."""
        while True:
            try:
                async with self._stages() as stages, asyncio.TaskGroup() as games:
                    await self._take_games(stages, games)
            except Exception as failures:
                log.warning("the stages failed; their games are tried again by themselves", **_told_of(failures))
                await asyncio.sleep(_PAUSE_SECONDS)

    def _stages(self) -> BatchStages:
        return BatchStages(self._ratings, give_up_seconds=FOREVER, timed=False)

    async def _take_games(self, stages: BatchStages, games: asyncio.TaskGroup) -> None:
        free = asyncio.Semaphore(self._settings.games_at_once)
        while True:
            await free.acquire()
            taken = await self._queue.take()
            games.create_task(self._hold(taken, stages)).add_done_callback(lambda _: free.release())

    async def _hold(self, taken: TakenGame, shared: BatchStages) -> None:
        """Plays a game while it is held. Whatever is wrong with it stays with it."""
        held = taken.name, taken.epoch
        if held in self._held:
            return  # a lease lapsed while this process was stalled, and whoever holds it here renews it
        self._held.add(held)
        game = log.bind(league=taken.name.league, game_id=taken.name.game_id)
        if taken.was_held:
            metrics.REDELIVERIES.inc()
        with metrics.GAMES_HELD.track_inprogress():
            try:
                async with self._kept(taken):
                    await self._play(taken, shared)
            except asyncio.CancelledError:
                if self._draining:
                    await self._queue.close()  # or it would be handed to this worker again
                    await taken.give_back()
                    metrics.RUNS.labels("handed_over").inc()
                    game.info("game handed over")
                else:
                    await self._failed(taken, "the stages that it shared with other games failed")
                raise
            except Exception as failures:
                told = _told_of(failures)
                game.warning("game failed", **told)
                await self._failed(taken, told["failure"])
            finally:
                self._held.discard(held)

    @asynccontextmanager
    async def _kept(self, taken: TakenGame) -> AsyncIterator[None]:
        """Says within each lease that the game is held."""

        async def keep() -> None:
            while True:
                try:
                    await taken.keep()
                except nats.errors.Error as away:
                    log.debug("the lease cannot be renewed now", failure=str(away))
                await asyncio.sleep(self._lease_seconds / 3)

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()

    async def _play(self, taken: TakenGame, shared: BatchStages) -> None:
        state = await self._states.get(taken.name)
        if state.epoch != taken.epoch or state.aside:
            await self._queue.finish(taken, state)
            return
        failures = await self._states.failures(taken.name)
        async with AsyncExitStack() as own:
            # A game that failed is played by itself, so that it can fail no other.
            stages = shared if failures is None else await own.enter_async_context(self._stages())
            try:
                played = await self._run(state, await self._recorded(state), stages)
            except _FromTheStartError:
                await self._states.forget_checkpoint(taken.name)
                played = await self._run(state, Checkpoint(), stages)
        if failures is not None:
            await self._states.forget_failures(taken.name)
        state = await self._states.move(played)
        await self._queue.finish(taken, state)
        is_settled = state.settled == state.read
        metrics.RUNS.labels("settled" if is_settled else "quiet").inc()
        log.info(
            "game settled" if is_settled else "game quiet",
            league=state.name.league,
            game_id=state.name.game_id,
            position=state.read,
            plays=dict(state.plays),
        )

    async def _recorded(self, state: GameState) -> Checkpoint:
        """How far a game is recorded."""
        checkpoint = await self._states.checkpoint(state.name)
        if checkpoint.position > state.settled:
            return checkpoint
        return Checkpoint(state.settled, state.plays, state.refused_messages)

    async def _run(self, state: GameState, recorded: Checkpoint, stages: BatchStages) -> GameState:
        """Plays what there is of a game beyond what is recorded, until it has ended or is quiet. How it stands then."""
        async with GameFeed(self._broker, state.name, self._note_unreadable) as feed:
            told = [message async for _, messages in feed.read_to(recorded.position) for message in messages]
            archive = await asyncio.to_thread(Archive.of, state.name, told)
            feed.ended = feed.ended or archive.ended or state.settled > 0
            game = await asyncio.to_thread(
                lambda: GameRun(
                    state.name.key,
                    self._featurizer,
                    self._tasks,
                    stages,
                    archive=archive.messages,
                    goes_on=not feed.ended,
                    give_up_seconds=FOREVER,
                    traceparent=lambda: feed.traceparent,
                )
            )
            run = _GameRunning(state.name, game, archive, recorded, feed)
            self._reading[state.name] = run
            try:
                results = await game.run(self._told(run))
            finally:
                self._reading.pop(state.name, None)
        self._log_not_recorded(state.name, results)
        done = run.checkpoint(results)
        return replace(
            state,
            read=feed.position,
            settled=feed.position if feed.ended else state.settled,
            plays=done.plays,
            refused_messages=done.refused_messages,
        )

    async def _told(self, run: _GameRunning) -> AsyncIterator[FeedMessage]:
        """What is told of a game from here on. Once it has ended, it is no longer read."""
        settings, feed = self._settings, run.feed
        kept_at = time.monotonic()
        following = feed.follow(quiet_seconds=settings.quiet_seconds, linger_seconds=settings.linger_seconds)
        async for message in following:
            if not run.archive.can_go_on_with(message):
                raise _FromTheStartError
            if time.monotonic() > kept_at + _CHECKPOINT_SECONDS and run.game.is_recorded:
                await self._states.keep_checkpoint(run.name, run.checkpoint(run.game.results))
                kept_at = time.monotonic()
            metrics.MESSAGES.inc()
            yield message
        if self._reading.get(run.name) is run:
            del self._reading[run.name]

    async def _failed(self, taken: TakenGame, detail: str) -> None:
        """A run failed: the game is tried again later, by anybody, or set aside."""
        failures = await self._states.add_failure(taken.name, detail)
        if failures.count < self._settings.max_failures:
            metrics.RUNS.labels("failed").inc()
            await taken.give_back(self._settings.first_pause_seconds * 2 ** (failures.count - 1))
            return
        metrics.RUNS.labels("set_aside").inc()
        log.error("game set aside", league=taken.name.league, game_id=taken.name.game_id, detail=detail)
        why = f"{failures.count} runs failed, the last one of: {detail}"
        await self._states.move(replace(await self._states.get(taken.name), aside=why))
        await taken.finish()

    async def _note_unreadable(self, message: Unreadable) -> None:
        metrics.UNREADABLE.inc()
        log.warning("message unreadable", subject=message.subject, place=message.sequence, detail=message.detail)
        await self._states.note_unreadable(message)

    def _log_not_recorded(self, name: GameName, results: Iterable[PlayResult]) -> None:
        for result in results:
            if not result.recorded:
                log.error(
                    "play not recorded",
                    league=name.league,
                    game_id=name.game_id,
                    play_id=result.play_id,
                    reason=result.reason.name if result.reason else "",
                    detail=result.detail,
                )


@dataclass(frozen=True, slots=True)
class _GameRunning:
    """A game that is played over what is recorded of it."""

    name: GameName
    game: GameRun
    archive: Archive
    recorded: Checkpoint
    feed: GameFeed

    def checkpoint(self, results: Iterable[PlayResult]) -> Checkpoint:
        """What is recorded with these results; plays of the archive are counted as they ended there."""
        before = self.archive.play_ids
        new = Counter(_ending(result) for result in results if result.play_id not in before)
        return Checkpoint(
            self.feed.position,
            dict(Counter(self.recorded.plays) + new),
            self.recorded.refused_messages + len(self.game.refused_messages),
        )


def _told_of(failures: Exception) -> dict[str, Any]:
    """What is logged of a failure: where it happened, too, if it is a defect of ours."""
    failure = decisive(failures)
    if isinstance(failure, PlayscoreError):
        return {"failure": str(failure)}
    return {"failure": f"{type(failure).__name__}: {failure}", "exc_info": failures}


def _ending(result: PlayResult) -> str:
    if not result.recorded:
        return NOT_RECORDED
    if result.ending is Ending.REJECTED:
        return UNKNOWN_REASON if result.reason is None else result.reason.name
    return str(result.ending.value)
