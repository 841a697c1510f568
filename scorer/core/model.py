"""A released model that scores plays as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic

from playscore.errors import PlayscoreError, Reason
from playscore.release import Release
from scorer.core.batching import bucket_length, pad
from scorer.core.coalescing import Coalescer
from scorer.core.inference import Batch, Inference, Outputs
from scorer.core.task import ItemT, ScoredT, Task
from servicekit import spans
from servicekit.callers import current_caller
from servicekit.spans import NO_SPAN, Span

MAX_IN_FLIGHT = 1
"""Batches of one bucket at once: one computes while the other travels."""
MAX_WAITING = 4096
"""Limit of plays waiting for one bucket."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked(Generic[ItemT]):
    """A play to be scored, and the span of that."""

    item: ItemT
    span: Span


class Model(Generic[ItemT, ScoredT]):
    """One released version. Plays of one bucket that arrive together share a batch, whichever calls they came with."""

    def __init__(self, release: Release, task: Task[ItemT, ScoredT, Any, Any], inference: Inference) -> None:
        """Raises PlayscoreError (MODEL_NOT_FOUND) if the task cannot score with the release."""
        self.release = release
        self._inference = inference
        self._scoring = task.scoring(release)
        self._buckets = {
            length: Coalescer(
                partial(self._score_bucket, length),
                max_batch=release.max_batch_size,
                max_in_flight=MAX_IN_FLIGHT,
                max_waiting=MAX_WAITING,
            )
            for length in release.bucket_lengths
        }

    @property
    def waiting(self) -> int:
        """Plays that are in no batch yet."""
        return sum(bucket.waiting for bucket in self._buckets.values())

    async def ready(self) -> bool:
        """Whether plays would be scored now."""
        return await self._inference.ready(self.release.key)

    def submit(self, item: ItemT, deadline: float, span: Span = NO_SPAN) -> asyncio.Future[ScoredT | PlayscoreError]:
        """Queues one play, to be scored before `deadline` (seconds of `time.monotonic`) as a part of `span`.

        The result is an error if there is something wrong with the play itself. The future raises what `score` raises.

        Raises:
            PlayscoreError: OVERLOADED if the queue is full; TOO_LONG.
        """
        length = bucket_length(len(item.tensor), self.release.bucket_lengths)
        return self._buckets[length].submit(_Asked(item, span), deadline, current_caller.get().party)

    async def score(
        self, items: Sequence[ItemT], deadline: float, parts_of: Sequence[Span] | None = None
    ) -> list[ScoredT | PlayscoreError]:
        """Scores plays, each on its own and as a part of its span: an error takes the place of a score.

        Raises:
            PlayscoreError: INFERENCE_UNAVAILABLE or OVERLOADED; nothing was scored.
            TimeoutError: `deadline` (seconds of `time.monotonic`) has passed.
        """
        scored: list[asyncio.Future[ScoredT | PlayscoreError]] = []
        try:
            for place, item in enumerate(items):
                waiting = self.submit(item, deadline, NO_SPAN if parts_of is None else parts_of[place])
                scored.append(waiting)
        except PlayscoreError:
            for waiting in scored:
                waiting.cancel()
            raise
        return await asyncio.gather(*scored)

    async def _score_bucket(
        self, length: int, asked: Sequence[_Asked[ItemT]], deadline: float
    ) -> Sequence[ScoredT | PlayscoreError]:
        items = [each.item for each in asked]
        batch = pad([item.tensor for item in items], length)
        outputs = await self._infer(batch, deadline, [each.span for each in asked if each.span])
        check_outputs(self.release, outputs, len(items))
        return self._scoring(outputs, items)

    async def _infer(self, batch: Batch, deadline: float, parts_of: Sequence[Span]) -> Outputs:
        """Runs a batch. Each trace that has a play in it gets a span; inference itself goes on with the first."""
        if not parts_of:
            return await self._inference.infer(self.release.key, batch, deadline)
        about: spans.Attributes = {"playscore.model": str(self.release.key), "playscore.plays": len(batch)}
        running = [span.child("infer", kind=spans.Kind.CLIENT, attributes=about) for span in parts_of]
        with spans.ending(running):
            return await self._inference.infer(
                self.release.key, replace(batch, traceparent=running[0].traceparent), deadline
            )


def check_outputs(release: Release, outputs: Outputs, count: int) -> None:
    """Refuse what a release cannot have answered for so many plays: that is the fault of whatever runs its graph.

    Raises:
        PlayscoreError: INFERENCE_UNAVAILABLE.
    """
    for described in release.outputs:
        values = outputs.get(described.name)
        if values is None or not _fits(values.shape, (count, *described.shape)):
            raise PlayscoreError(
                Reason.INFERENCE_UNAVAILABLE,
                f"{release.key} is not available: for {count} plays it answers {described.name} with shape "
                f"{None if values is None else list(values.shape)}; its release says {list(described.shape)} for each",
            )


def _fits(shape: Sequence[int], described: Sequence[int]) -> bool:
    return len(shape) == len(described) and all(
        size in (-1, found) for size, found in zip(described, shape, strict=True)
    )
