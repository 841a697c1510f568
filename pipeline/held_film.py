"""Film that can close no play, held back so that it goes to the featurizer in few messages.

A message costs both ends of a stream the same whether it has one frame or thirty, and film is nearly all that there is
to send. Only the film that closes a play is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playscore.errors import PlayscoreError
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.validation import check

MAX_FRAMES: Final = 32
"""Frames that are held: some three seconds of football."""
MAX_SAMPLES: Final = 512
"""Samples of the ball or puck that are held."""

_MAX_EVENTS: Final = 8
"""Of one batch that is held, so that all that are held together have fewer than a batch may have."""
_PLAYERS: Final = ("speed", "acceleration", "direction_degrees", "orientation_degrees")
_FLOAT_BYTES: Final = 4


class HeldFilm:
    """The latest film of one segment that was not sent yet."""

    def __init__(self) -> None:
        self._frames: list[tracking.FrameBatch] = []
        self._frame_count = 0
        self._tracks: list[tracking.TrackBatch] = []
        self._sample_count = 0

    @property
    def is_full(self) -> bool:
        """Whether it is to be sent."""
        return self._frame_count >= MAX_FRAMES or self._sample_count >= MAX_SAMPLES

    def add_frames(self, batch: tracking.FrameBatch) -> bool:
        """Hold a batch; False for one that must go by itself, after what is held.

        Such is one of another segment, or of other players or columns than those held, and one that the featurizer will
        refuse: joined with others it would be refused with them, or pass where its columns do not fit its frames.
        """
        if not (self._is_on(batch.segment_id) and _is_whole(batch)):
            return False
        if self._frames and not _are_alike(batch, self._frames[0]):
            return False
        self._frames.append(batch)
        self._frame_count += len(batch.frame_numbers)
        return True

    def add_track(self, batch: tracking.TrackBatch) -> bool:
        """Hold samples; False for those that must go by themselves, as frames must."""
        if not (self._is_on(batch.segment_id) and _is_whole_track(batch)):
            return False
        if self._tracks and not _are_alike_tracks(batch, self._tracks[0]):
            return False
        self._tracks.append(batch)
        self._sample_count += len(batch.sample_numbers)
        return True

    def take(self) -> tuple[tracking.TrackBatch | None, tracking.FrameBatch | None]:
        """All that is held, in the order in which it came: samples, for the frames that need them, and frames."""
        tracks, frames = self._tracks, self._frames
        self.clear()
        return _joined_tracks(tracks), _joined_frames(frames)

    def clear(self) -> None:
        """Hold nothing: it was told otherwise."""
        self._frames, self._frame_count = [], 0
        self._tracks, self._sample_count = [], 0

    def _is_on(self, segment_id: str) -> bool:
        return all(held[0].segment_id == segment_id for held in (self._frames, self._tracks) if held)


def _is_whole(batch: tracking.FrameBatch) -> bool:
    """Whether every column has a value for each frame and player, or none where it may be absent."""
    frames = len(batch.frame_numbers)
    size = frames * len(batch.player_ids) * _FLOAT_BYTES
    if len(batch.x) != size or len(batch.y) != size or len(batch.times_unix_micros) not in (0, frames):
        return False
    if any(len(getattr(batch, column)) not in (0, size) for column in _PLAYERS):
        return False
    return not batch.events or _are_sound_events(batch)


def _are_sound_events(batch: tracking.FrameBatch) -> bool:
    if len(batch.events) > _MAX_EVENTS:
        return False
    try:
        check(batch, "frames")
    except PlayscoreError:
        return False
    return True


def _is_whole_track(batch: tracking.TrackBatch) -> bool:
    size = len(batch.sample_numbers) * _FLOAT_BYTES
    return len(batch.x) == len(batch.y) == size and len(batch.z) in (0, size)


def _are_alike(batch: tracking.FrameBatch, held: tracking.FrameBatch) -> bool:
    return (
        batch.player_ids == held.player_ids
        and bool(batch.times_unix_micros) == bool(held.times_unix_micros)
        and all(bool(getattr(batch, column)) == bool(getattr(held, column)) for column in _PLAYERS)
    )


def _are_alike_tracks(batch: tracking.TrackBatch, held: tracking.TrackBatch) -> bool:
    return (batch.object, batch.rate_hertz, bool(batch.z)) == (held.object, held.rate_hertz, bool(held.z))


def _joined_frames(batches: Sequence[tracking.FrameBatch]) -> tracking.FrameBatch | None:
    if len(batches) < 2:
        return batches[0] if batches else None
    joined = tracking.FrameBatch(segment_id=batches[0].segment_id, player_ids=batches[0].player_ids)
    for batch in batches:
        joined.frame_numbers.extend(batch.frame_numbers)
        joined.times_unix_micros.extend(batch.times_unix_micros)
        joined.events.extend(batch.events)
    for column in ("x", "y", *_PLAYERS):
        setattr(joined, column, b"".join(getattr(batch, column) for batch in batches))
    return joined


def _joined_tracks(batches: Sequence[tracking.TrackBatch]) -> tracking.TrackBatch | None:
    if len(batches) < 2:
        return batches[0] if batches else None
    first = batches[0]
    joined = tracking.TrackBatch(segment_id=first.segment_id, object=first.object, rate_hertz=first.rate_hertz)
    for batch in batches:
        joined.sample_numbers.extend(batch.sample_numbers)
    for column in ("x", "y", "z"):
        setattr(joined, column, b"".join(getattr(batch, column) for batch in batches))
    return joined
