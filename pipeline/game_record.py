"""What a feed has said of one game so far, and its plays as the featurizer takes them whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from playscore.errors import PlayscoreError
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.told_game import ToldGame, ToldPlay
from playscore.wire.tracking import frames_from_message, frames_to_message

LATEST_FRAMES: Final = 2_000
"""Frames of the segment filmed last that a new connection to the featurizer is told: as many as it keeps."""
MAX_PLAY_FRAMES: Final = 2_000
"""Frames of one play. The featurizer reads no more: it rejects a longer play as TOO_LONG."""
LEAD_IN_FRAMES: Final = 100
"""Frames before a play opens that are sent with it: the window of a task may reach back, as that of a shot does."""


class GameRecord(ToldGame):
    """One game as it was told."""

    __slots__ = ()

    def whole_play(self, play: ToldPlay, context: feed.PlayContext) -> featurizer.WholePlay:
        """A play with the tracking that it can need, however long its segment is.

        Args:
            play: which says where the tracking ends, if the source has said so.
            context: what is known of the play at the revision wanted.
        """
        segment = self.tracking_of(context)
        return featurizer.WholePlay(
            context=context, frames=_needed(segment.frames, context, play.end), tracks=segment.tracks
        )

    def latest_film(self) -> Iterator[featurizer.StreamPlaysRequest]:
        """The latest film of the game, tracks before frames: where it goes to the featurizer as it comes."""
        if not self.segments:
            return
        segment = next(reversed(self.segments.values()))  # the one whose film began last
        first = segment.last_frame_number - LATEST_FRAMES
        for track in segment.tracks:
            yield featurizer.StreamPlaysRequest(track=track)
        for frames in segment.frames:
            if not frames.frame_numbers or max(frames.frame_numbers) >= first:
                yield featurizer.StreamPlaysRequest(frames=frames)


def _needed(
    batches: Iterable[tracking.FrameBatch], context: feed.PlayContext, end: feed.EndPlay | None
) -> Iterator[tracking.FrameBatch]:
    """The batches that can hold frames of a play, as they arrived.

    If neither its opening nor its release is known, its frames are the first of the segment. One frame more than
    `MAX_PLAY_FRAMES` is sent where there are so many, so that the featurizer can tell a play that is too long.
    """
    first, last = _bounds(context)
    if end is not None and end.HasField("last_frame_number"):
        last = end.last_frame_number if last is None else min(last, end.last_frame_number)
    sent = 0
    for batch in batches:
        numbers = batch.frame_numbers
        if numbers:
            if (first is not None and max(numbers) < first) or (last is not None and min(numbers) > last):
                continue
            if first is None and sent > MAX_PLAY_FRAMES:
                continue
            sent += len(numbers)
        yield batch if last is None or not numbers or max(numbers) <= last else _until(batch, last)


def _until(batch: tracking.FrameBatch, last: int) -> tracking.FrameBatch:
    """A batch without the frames after `last`; one that cannot be read, whole: the featurizer says what is wrong."""
    try:
        frames = frames_from_message(batch)
    except PlayscoreError:
        return batch
    stop = int(np.flatnonzero(frames.frame_numbers <= last)[-1]) + 1
    return frames_to_message(batch.segment_id, frames.rows(0, stop))


def _bounds(context: feed.PlayContext) -> tuple[int | None, int | None]:
    """The first and last frame that can matter to a play, as far as its context says; both included."""
    if context.HasField("opens_at_frame"):
        return context.opens_at_frame - LEAD_IN_FRAMES, context.opens_at_frame + MAX_PLAY_FRAMES
    if context.HasField("release_frame"):
        return context.release_frame - MAX_PLAY_FRAMES, context.release_frame + MAX_PLAY_FRAMES
    return None, None
