"""The passing score: tensors through a released model to graded laws."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from playscore.errors import PlayscoreError, Reason
from playscore.game import Floats
from playscore.release import Release
from scorer.core.batching import bucket_length, pad
from scorer.core.coalescing import Coalescer
from scorer.core.grading import Grade, Situation, grade
from scorer.core.inference import Inference
from scorer.core.laws import Law, Support, predicted, unstack

MAX_IN_FLIGHT = 1
"""Batches of one bucket at once: one computes while the other travels."""
MAX_WAITING = 4096
"""Plays of one bucket that may wait."""


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """A pass play to score, its tensor checked."""

    frames: Floats
    """(T, C)"""
    statics: Floats
    """(S,)"""
    situation: Situation
    yards: float | None
    """Gained; None: not known yet."""


@dataclass(frozen=True, slots=True)
class ScoredPass:
    """What a model says of a pass."""

    law: Law
    grade: Grade


class PassingModel:
    """One released version, scoring plays as they come: those of one bucket that meet go through inference together."""

    def __init__(self, release: Release, inference: Inference) -> None:
        self.release = release
        self._inference = inference
        self._support = Support(release.law.edges, release.law.lower_tail, release.law.upper_tail)
        self._buckets = {
            length: Coalescer(
                partial(self._score_bucket, length),
                max_batch=release.max_batch_size,
                max_in_flight=MAX_IN_FLIGHT,
                max_waiting=MAX_WAITING,
            )
            for length in release.bucket_lengths
        }

    async def ready(self) -> bool:
        """Whether plays would be scored now."""
        return await self._inference.ready(self.release.version)

    async def score(self, passes: Sequence[Pass], deadline: float) -> list[ScoredPass | PlayscoreError]:
        """Scores plays, each by itself: what is wrong with one (LAW_INVALID) stands in its place.

        Raises:
            PlayscoreError: INFERENCE_UNAVAILABLE or OVERLOADED; nothing was scored.
            TimeoutError: `deadline` (seconds of `time.monotonic`) has passed.
        """
        scored: list[asyncio.Future[ScoredPass | PlayscoreError]] = []
        try:
            for play in passes:
                length = bucket_length(len(play.frames), self.release.bucket_lengths)
                scored.append(self._buckets[length].submit(play, deadline))
        except PlayscoreError:
            for waiting in scored:
                waiting.cancel()
            raise
        return await asyncio.gather(*scored)

    async def _score_bucket(
        self, length: int, passes: Sequence[Pass], deadline: float
    ) -> Sequence[ScoredPass | PlayscoreError]:
        batch = pad([play.frames for play in passes], [play.statics for play in passes], length)
        outputs = await self._inference.infer(self.release.version, batch, deadline)
        laws = predicted(self._support, outputs)
        grades = grade(laws, [play.situation for play in passes], [play.yards for play in passes])
        return [
            ScoredPass(law, graded) if graded.is_of_a_law else _no_law()
            for law, graded in zip(unstack(self._support, laws), grades, strict=True)
        ]


def _no_law() -> PlayscoreError:
    return PlayscoreError(Reason.LAW_INVALID, "the model gives no law for this tensor: its outputs are not finite")
