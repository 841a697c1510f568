"""Film that can close no play, held back so that it goes to the featurizer in few messages.

A message costs both ends of a stream the same whether it has one frame or thirty, and film is nearly all that there is
to send. Only the film that closes a play is waited for.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

from playscore.errors import PlayscoreError
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.columns import FLOAT_BYTES
from playscore.wire.tracking import PER_PLAYER
from playscore.wire.validation import check

MAX_FRAMES: Final = 32
"""Frames that are held: some three seconds of football."""
MAX_SAMPLES: Final = 512
"""Samples of the ball or puck that are held."""

_MAX_EVENTS: Final = 8
"""Of one batch that is held, so that all that are held together have fewer than a batch may have."""

B = TypeVar("B", tracking.FrameBatch, tracking.TrackBatch)


class HeldFilm:
    """The latest film of one segment that was not sent yet."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Hold nothing: it was told otherwise."""
        self._frames = _Run[tracking.FrameBatch](
            ("frame_numbers", "times_unix_micros", "events"), ("x", "y", *PER_PLAYER)
        )
        self._tracks = _Run[tracking.TrackBatch](("sample_numbers",), ("x", "y", "z"))

    @property
    def is_full(self) -> bool:
        """Whether it is to be sent."""
        return self._frames.size >= MAX_FRAMES or self._tracks.size >= MAX_SAMPLES

    def add_frames(self, batch: tracking.FrameBatch) -> bool:
        """Hold a batch; False for one that must go by itself, after what is held.

        Such is one of another segment, or of other players or columns than those held, and one that the featurizer will
        refuse: joined with others it would be refused with them, or pass where its columns do not fit its frames.
        """
        whole = self._is_on(batch.segment_id) and _is_whole(batch)
        return whole and self._frames.add(batch, _kind(batch), len(batch.frame_numbers))

    def add_track(self, batch: tracking.TrackBatch) -> bool:
        """Hold samples; False for those that must go by themselves, as frames must."""
        whole = self._is_on(batch.segment_id) and _is_whole_track(batch)
        return whole and self._tracks.add(batch, _kind_of_track(batch), len(batch.sample_numbers))

    def take(self) -> tuple[tracking.TrackBatch | None, tracking.FrameBatch | None]:
        """All that is held, in the order in which it came: samples, for the frames that need them, and frames."""
        tracks, frames = self._tracks, self._frames
        self.clear()
        return tracks.joined(), frames.joined()

    def _is_on(self, segment_id: str) -> bool:
        return all(run.segment_id in (segment_id, None) for run in (self._frames, self._tracks))


class _Run(Generic[B]):
    """Batches of one kind, in the order in which they came."""

    def __init__(self, lists: Sequence[str], columns: Sequence[str]) -> None:
        """`lists` and `columns` are the fields that go on from batch to batch; all others are the same in each."""
        self.size = 0
        """Frames or samples."""
        self._lists = lists
        self._columns = columns
        self._batches: list[B] = []
        self._kind: Hashable = None

    @property
    def segment_id(self) -> str | None:
        """Of the batches; None where there are none."""
        return self._batches[0].segment_id if self._batches else None

    def add(self, batch: B, kind: Hashable, size: int) -> bool:
        """Add a batch of so many frames or samples; False for one of another kind."""
        if self._batches and kind != self._kind:
            return False
        self._batches.append(batch)
        self._kind = kind
        self.size += size
        return True

    def joined(self) -> B | None:
        """All as one batch; None where there are none."""
        if len(self._batches) < 2:
            return self._batches[0] if self._batches else None
        joined = type(self._batches[0])()
        joined.CopyFrom(self._batches[0])
        for name in self._lists:
            for batch in self._batches[1:]:
                getattr(joined, name).MergeFrom(getattr(batch, name))
        for name in self._columns:
            setattr(joined, name, b"".join(getattr(batch, name) for batch in self._batches))
        return joined


def _kind(batch: tracking.FrameBatch) -> Hashable:
    """What is the same in frames that can be joined."""
    columns = (bool(getattr(batch, column)) for column in PER_PLAYER)
    return tuple(batch.player_ids), bool(batch.times_unix_micros), *columns


def _kind_of_track(batch: tracking.TrackBatch) -> Hashable:
    return batch.object, batch.rate_hertz, bool(batch.z)


def _is_whole(batch: tracking.FrameBatch) -> bool:
    """Whether every column has a value for each frame and player, or none where it may be absent."""
    frames = len(batch.frame_numbers)
    size = frames * len(batch.player_ids) * FLOAT_BYTES
    if len(batch.x) != size or len(batch.y) != size or len(batch.times_unix_micros) not in (0, frames):
        return False
    if any(len(getattr(batch, column)) not in (0, size) for column in PER_PLAYER):
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
    size = len(batch.sample_numbers) * FLOAT_BYTES
    return len(batch.x) == len(batch.y) == size and len(batch.z) in (0, size)
