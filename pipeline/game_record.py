"""What a feed has said of one game so far, and its plays as the featurizer takes them whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Self

import numpy as np

from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.told_game import ToldGame, ToldPlay
from playscore.wire.tracking import frames_from_message, frames_to_message

MAX_PLAY_FRAMES: Final = 2_000
"""Frames of one play. The featurizer reads no more: it rejects a longer play as TOO_LONG."""
LEAD_IN_SECONDS: Final = 10.0
"""Film before a play opens that is sent with it: the window of a task may reach back, as far as that of a shot does."""
_HERTZ: Final = 10.0
"""Of a game whose header has not come, or states no rate."""


class GameRecord(ToldGame):
    """One game as it was told."""

    __slots__ = ()

    @classmethod
    def of(cls, game: common.GameKey) -> Self:
        """Of this game: nothing is taken in that is said of another one, not even first."""
        return cls(_game=(game.league, game.game_id))

    def whole_play(self, play: ToldPlay, context: feed.PlayContext) -> featurizer.WholePlay:
        """A play with the tracking that it can need, however long its segment is.

        Args:
            play: which says where the tracking ends, if the source has said so.
            context: what is known of the play at the revision wanted.
        """
        segment = self.tracking_of(context)
        first, last = self._bounds(play, context)
        return featurizer.WholePlay(
            context=context,
            frames=_frames_between(segment.frames, first, last),
            tracks=_samples_between(segment.tracks, self._seconds(first), self._seconds(last)),
        )

    def lead_in(self) -> int:
        """The frames in `LEAD_IN_SECONDS`."""
        return math.ceil(LEAD_IN_SECONDS * self._hertz)

    @property
    def _hertz(self) -> float:
        return (0.0 if self.header is None else self.header.frame_rate_hertz) or _HERTZ

    def _seconds(self, frame: int | None) -> float | None:
        return None if frame is None else frame / self._hertz

    def _bounds(self, play: ToldPlay, context: feed.PlayContext) -> tuple[int | None, int | None]:
        """The first and last frame that can matter to a play, as far as is known; both included."""
        first = last = None
        if context.HasField("opens_at_frame"):
            first, last = context.opens_at_frame - self.lead_in(), context.opens_at_frame + MAX_PLAY_FRAMES
        elif context.HasField("release_frame"):
            first, last = context.release_frame - MAX_PLAY_FRAMES, context.release_frame + MAX_PLAY_FRAMES
        if play.end is not None and play.end.HasField("last_frame_number"):
            last = play.end.last_frame_number if last is None else min(last, play.end.last_frame_number)
        return first, last


def _frames_between(
    batches: Iterable[tracking.FrameBatch], first: int | None, last: int | None
) -> Iterator[tracking.FrameBatch]:
    """The batches that can hold frames of a play, as they arrived.

    If its first frame is not known, its frames are the first of the segment. One frame more than `MAX_PLAY_FRAMES` is
    sent where there are so many, so that the featurizer can tell a play that is too long.
    """
    sent = 0
    for batch in batches:
        numbers = batch.frame_numbers
        if not _may_hold(numbers, first, last) or (numbers and first is None and sent > MAX_PLAY_FRAMES):
            continue
        sent += len(numbers)
        yield batch if last is None or not numbers or max(numbers) <= last else _until(batch, last)


def _samples_between(
    batches: Iterable[tracking.TrackBatch], first: float | None, last: float | None
) -> Iterator[tracking.TrackBatch]:
    """The batches that can hold samples between two seconds, as they arrived."""
    for batch in batches:
        begin, end = (None if seconds is None else seconds * batch.rate_hertz for seconds in (first, last))
        if batch.rate_hertz <= 0 or _may_hold(batch.sample_numbers, begin, end):
            yield batch


def _may_hold(numbers: Sequence[int], first: float | None, last: float | None) -> bool:
    """Whether a batch of such numbers reaches between two, None: no bound. One without numbers may be anything."""
    if not numbers:
        return True
    return (first is None or max(numbers) >= first) and (last is None or min(numbers) <= last)


def _until(batch: tracking.FrameBatch, last: int) -> tracking.FrameBatch:
    """A batch without the frames after `last`; one that cannot be read, whole: the featurizer says what is wrong."""
    try:
        frames = frames_from_message(batch)
    except PlayscoreError:
        return batch
    stop = int(np.flatnonzero(frames.frame_numbers <= last)[-1]) + 1
    return frames_to_message(batch.segment_id, frames.rows(0, stop))
