"""Plays that are made again, whole, from what the feed and the archive have told. The live stream does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from pipeline.game_record import GameRecord
from pipeline.play_run import Known, PlayRun
from pipeline.retry import until_it_answers
from pipeline.task import Featurizer, Stored, Task
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from servicekit import spans
from servicekit.spans import Span

STRUCK = {
    feed.PLAY_STATUS_NULLIFIED: PlayscoreError(Reason.PLAY_NULLIFIED, "the play does not count: it was struck"),
    feed.PLAY_STATUS_WITHDRAWN: PlayscoreError(Reason.PLAY_WITHDRAWN, "the source took the play back"),
}
"""Why a play of such a status has no score. It takes no tracking to know."""

FOR_LACK_OF_TRACKING = frozenset({Reason.TRACKING_UNAVAILABLE.value, Reason.NO_FRAMES.value})
"""Rejections that say nothing of a play but that its tracking did not come."""

_NOT_TOLD = PlayscoreError(
    Reason.TRACKING_UNAVAILABLE,
    "neither the feed nor the archive has the play's tracking, and whatever is recorded of it stands: "
    "name the data that the game is played from",
)


class Answers(Protocol):
    """What the game does with what comes of a play."""

    def answer(
        self, play: PlayRun, answer: featurizer.PlayTensor | common.Rejection, trace: Span | None = None
    ) -> None:
        """The featurizer has made it, or says why not. `trace` is its span so far; None: not decided."""
        ...

    def refuse(self, play: PlayRun, revision: int, error: PlayscoreError) -> None:
        """It has no score at that revision, and that is recorded."""
        ...

    def leave(self, play: PlayRun, revision: int, error: PlayscoreError) -> None:
        """It could not be made: whatever is recorded of it stands."""
        ...


class Remaking:
    """A queue of one game's plays.

    Args:
        record: what the game was told.
        client: the featurizer.
        tasks: where scores may be stored.
        key: of a play.
        known: how much is known of what a play is made from.
        answers: hears what came of them.
        on_idle: called after each play.
        give_up_seconds: how long a service may be unavailable.
    """

    def __init__(
        self,
        record: GameRecord,
        client: Featurizer,
        tasks: Sequence[Task],
        *,
        key: Callable[[PlayRun], common.PlayKey],
        known: Callable[[PlayRun], Known],
        answers: Answers,
        on_idle: Callable[[], None],
        give_up_seconds: float,
    ) -> None:
        self._record = record
        self._client = client
        self._tasks = tasks
        self._key = key
        self._known = known
        self._answers = answers
        self._on_idle = on_idle
        self._give_up_seconds = give_up_seconds
        self._queue: asyncio.Queue[PlayRun] = asyncio.Queue()
        self._queued: set[PlayRun] = set()

    def __len__(self) -> int:
        return len(self._queued)

    def put(self, play: PlayRun, revision: int) -> None:
        """Queue a play that is to be made at a revision."""
        play.asked = max(play.asked, revision)
        play.remaking = True
        if play not in self._queued:
            self._queued.add(play)
            self._queue.put_nowait(play)

    async def work(self) -> None:
        """Make plays until canceled."""
        while True:
            play = await self._queue.get()
            revision = 0
            while revision < play.asked:
                revision = play.asked
                await self._make(play, revision)
            self._queued.discard(play)
            play.remaking = False
            self._on_idle()

    async def stored(self, play: PlayRun) -> tuple[Task, Stored] | None:
        """What is stored of a play, perhaps by another process, and its task."""
        key = self._key(play)
        for task in self._tasks:
            found = await until_it_answers(partial(task.stored, key), self._give_up_seconds)
            if found is not None:
                return task, found
        return None

    async def _make(self, play: PlayRun, revision: int) -> None:
        context = play.told.context(revision)
        if context.status in STRUCK:
            self._answers.refuse(play, revision, STRUCK[context.status])
            return
        if self._record.header is None:
            play.known = self._known(play)
            self._answers.leave(play, revision, _NOT_TOLD)
            return
        stored = await self.stored(play) if play.current is None else None
        if stored is not None and stored[1].result is not None:
            # Another process may have graded it by a later result than is known here.
            play.learn(stored[1].result)
        play.known = self._known(play)
        header, roster, whole = self._record.header, self._record.roster(), self._record.whole_play(play.told, context)
        trace = spans.begin_trace("play", kind=spans.Kind.CONSUMER)
        featurize = trace.child("featurize", kind=spans.Kind.CLIENT)
        whole.traceparent = featurize.traceparent
        try:
            made = await until_it_answers(
                lambda: self._client.featurize_plays(header, roster, [whole]), self._give_up_seconds
            )
        except PlayscoreError as failure:
            featurize.end(failure.reason.name)
            trace.end(failure.reason.name)
            self._answers.leave(play, revision, failure)
            return
        featurize.end("rejected" if made.rejections else "")
        for tensor in made.tensors:
            self._answers.answer(play, tensor, trace)
        for rejection in made.rejections:
            if rejection.reason in FOR_LACK_OF_TRACKING and await self.stored(play) is not None:
                trace.end("rejected")
                self._answers.leave(play, revision, _NOT_TOLD)
            else:
                self._answers.answer(play, rejection, trace)
