"""Film that goes to the featurizer as it comes, whoever is open: what one connection was told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipeline.game_record import GameRecord
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.told_game import segment_of

LATEST_FRAMES: Final = 2_000
"""Frames of the segment filmed last that a new connection is told: as many as the featurizer keeps."""


class StreamedFilm:
    """The film of one game on one connection. `record` has all that came."""

    def __init__(self, record: GameRecord) -> None:
        self._record = record
        self._since: dict[str, int] = {}
        """By segment: all its film from this frame on was told."""

    def begin(self) -> Iterator[featurizer.StreamPlaysRequest]:
        """A new connection, and what it is told: the latest film of the game, tracks before frames."""
        self._since.clear()
        if not self._record.segments:
            return
        segment_id, segment = next(reversed(self._record.segments.items()))  # the one whose film began last
        first = self._since[segment_id] = max(segment.last_frame_number - LATEST_FRAMES, 0)
        for track in segment.tracks:
            yield featurizer.StreamPlaysRequest(track=track)
        for frames in segment.frames:
            if not frames.frame_numbers or max(frames.frame_numbers) >= first:
                yield featurizer.StreamPlaysRequest(frames=frames)

    def goes_on(self, frames: tracking.FrameBatch) -> None:
        """Frames are told that the record has just taken in."""
        if frames.segment_id not in self._since:
            begins = len(self._record.segments[frames.segment_id].frames) == 1
            self._since[frames.segment_id] = 0 if begins else min(frames.frame_numbers, default=0)

    def lacks(self, context: feed.PlayContext) -> bool:
        """Whether film of a play came that this connection was not told."""
        if not self._record.tracking_of(context).frames:
            return False
        since, first = self._since.get(segment_of(context)), self._first_frame(context)
        return since is None or (first is not None and first < since)

    def _first_frame(self, context: feed.PlayContext) -> int | None:
        """The first frame that a play can need; None where its context does not tell."""
        if context.HasField("opens_at_frame"):
            return max(context.opens_at_frame - self._record.lead_in(), 0)
        if context.HasField("release_frame"):
            return max(context.release_frame - self._record.lead_in(), 0)
        return None
