"""The recent past of each segment that is being filmed, and what one play may see of it."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from featurizer.core.tracking_window import Batch, TrackingWindow, check_columns, joined, pack, packed_track, splice
from playscore.errors import PlayscoreError, Reason
from playscore.field_limits import FIELD_LIMITS
from playscore.game import Frames, Track, TrackedObject, TrackingEvent

MAX_SEGMENTS: Final = 8
"""Segments whose past is kept: those heard of last."""
MAX_FRAMES: Final = 2_000
"""Frames of a play, duplicates counted. As many of a segment are always kept, and fewer than twice as many."""
MAX_EVENTS: Final = 2_000
"""Events of a segment that are kept."""
MAX_TRACK_SAMPLES: Final = 10_000
"""Samples of the ball and puck of a segment that are kept. A batch without samples counts as one."""
MAX_PLAYERS: Final = FIELD_LIMITS["playscore.tracking.v1.Roster.players"].max_items
"""In all frames of a segment."""
MAX_NAMES: Final = 2_000
"""Segments let go whose names are kept."""

_PACKED_FRAMES: Final = 64
_PACKED_BATCHES: Final = 32
_NO_FRAME: Final = -1
"""Less than any frame number."""
_NO_END: Final = 2**31
"""Greater than any frame number."""


class LetGo(NamedTuple):
    """Frames that a segment let go because newer ones came."""

    frames: int
    last_frame: int
    """The greatest number among them; -1 if there are none."""


class Segment:
    """The recent past of one segment: film without a cut, with one clock and one count of frames."""

    def __init__(self) -> None:
        self.last_frame = _NO_FRAME
        """The greatest frame number that has come; -1 if none has."""
        self.size = 0
        """Frames that are kept, duplicates counted."""
        self._latest: list[Frames] = []
        """Fewer than `_PACKED_FRAMES`, as they came; the earlier ones are in the batches."""
        self._latest_size = 0
        self._batches: deque[Batch] = deque()
        self._players: set[str] = set()
        """In its frames, also in those that were let go."""
        self._seen: set[int] = set()
        """Frames of the batches in which somebody was seen."""
        self._events: deque[TrackingEvent] = deque()
        self._events_let_go = 0
        self._latest_tracks: dict[TrackedObject, list[Track]] = {}
        """Fewer than `_PACKED_BATCHES` of each object, as they came; the earlier ones are in `_tracks`."""
        self._tracks: deque[Track] = deque()
        self._rates: dict[TrackedObject, float] = {}
        self._track_size = 0
        self._tracks_let_go: dict[TrackedObject, float] = {}
        """The last second of each object of which samples were let go."""
        self._last_let_go = _NO_FRAME
        self._fault: PlayscoreError | None = None
        self._fault_at = _NO_FRAME

    def add(self, frames: Frames) -> None:
        """Take in frames and their events. Call `trim` afterward to stay within the bounds.

        Raises:
            PlayscoreError: COLUMNS_INCONSISTENT, FIELD_INVALID or TOO_MANY_PLAYERS; nothing was taken in.
        """
        line_up = self._latest[-1].player_ids if self._latest else ()
        check_columns(frames, line_up)
        if frames.player_ids != line_up:
            self._meet(frames.player_ids)
        self._events.extend(frames.events)
        if not len(frames):
            return
        if len(frames) >= _PACKED_FRAMES:
            self._pack()  # not among few frames of many others, which would make it as wide as all of them
        self._latest.append(frames)
        self._latest_size += len(frames)
        self.size += len(frames)
        self.last_frame = max(self.last_frame, *frames.frame_numbers.tolist())
        if self._latest_size >= _PACKED_FRAMES:
            self._pack()

    def add_track(self, track: Track) -> None:
        """Take in samples of the ball or puck. Call `trim` afterward to stay within the bounds.

        Raises:
            PlayscoreError: FIELD_INVALID if their rate is not that of the samples before; nothing was taken in.
        """
        rate = self._rates.setdefault(track.tracked, track.rate_hertz)
        if track.rate_hertz != rate:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"a batch of the {track.tracked.name.lower()} has {track.rate_hertz:g} samples a second, the batches"
                f" before it {rate:g}; all of a segment must have the same rate",
            )
        latest = self._latest_tracks.setdefault(track.tracked, [])
        latest.append(track)
        self._track_size += max(len(track), 1)
        if len(latest) >= _PACKED_BATCHES:
            self._pack_tracks(track.tracked)

    def add_fault(self, fault: PlayscoreError) -> None:
        """Take note of a batch that could not be taken in: a play that it may belong to must not miss it silently."""
        self._fault, self._fault_at = fault, self.last_frame

    def trim(self) -> LetGo:
        """Let go of the oldest frames, events and samples beyond the bounds; says which frames."""
        while len(self._events) > MAX_EVENTS:
            self._let_go_event()
        while self._track_size > MAX_TRACK_SAMPLES and self._tracks:
            self._let_go_track()
        gone: list[int] = []
        while self._batches and self.size - len(self._batches[0]) >= MAX_FRAMES:
            gone += self._let_go_frames(len(self._batches[0]))
        if self._batches and len(self._batches[0]) > MAX_FRAMES:
            gone += self._let_go_frames(len(self._batches[0]) - MAX_FRAMES)
        if not gone:
            return LetGo(0, _NO_FRAME)
        last = max(gone)
        self._last_let_go = max(self._last_let_go, last)
        self._seen.difference_update(gone)
        while self._events and self._events[0].frame_number <= last:
            self._let_go_event()
        if self._fault_at <= last:
            self._fault = None
        return LetGo(len(gone), last)

    def holds(self, first_frame: int) -> bool:
        """Whether every frame from that one on that has come is still kept."""
        return first_frame > self._last_let_go

    def holds_track(self, tracked: TrackedObject, first_second: float) -> bool:
        """Whether every sample of the ball or puck from that second on that has come is still kept."""
        return first_second > self._tracks_let_go.get(tracked, -1.0)

    def footage(self, opens_at: int | None = None, ends_at: int | None = None) -> Footage:
        """What a play may see that opens and ends at these frames, both included; None: not known, no bound."""
        return Footage(self, _NO_FRAME if opens_at is None else opens_at, _NO_END if ends_at is None else ends_at)

    def fault(self, first_frame: int) -> PlayscoreError | None:
        """What was wrong with a batch that may hold frames from that one on, if there was one."""
        return self._fault if first_frame <= self._fault_at + 1 else None

    def tracks(self, tracked: TrackedObject) -> Iterator[Track]:
        """Batches of samples of the ball or puck that are kept, as they came."""
        self._pack_tracks(tracked)
        return (track for track in self._tracks if track.tracked is tracked)

    def frames_seen(self, first: int, last: int) -> int:
        """How many of the frames numbered `first` to `last` were seen, with at least one player in them."""
        self._pack()
        return sum(number in self._seen for number in range(first, last + 1))

    def window(self, first: int, last: int) -> TrackingWindow:
        """The frames numbered `first` to `last` in order."""
        self._pack()
        return splice(self._batches, first, last)

    @property
    def events_come(self) -> int:
        """Events that have come since the beginning."""
        return self._events_let_go + len(self._events)

    def events_after(self, count: int) -> Iterator[TrackingEvent]:
        """The events that are kept, without the first `count` ones of all that came."""
        return islice(self._events, max(0, count - self._events_let_go), None)

    def _meet(self, player_ids: tuple[str, ...]) -> None:
        met = self._players.union(player_ids)
        if len(met) > MAX_PLAYERS:
            raise PlayscoreError(
                Reason.TOO_MANY_PLAYERS,
                f"the frames of the segment name {len(met)} players; at most {MAX_PLAYERS} can be in a game",
            )
        self._players = met

    def _pack(self) -> None:
        """Put the latest frames, which may be many small messages, into few arrays, however often this is asked for."""
        if self._latest:
            packed = pack(self._latest)
            self._seen.update(packed.frames_seen())
            if self._batches and len(self._batches[-1]) + len(packed) <= _PACKED_FRAMES:
                packed = joined([self._batches.pop(), packed])
            self._batches.append(packed)
            self._latest.clear()
            self._latest_size = 0

    def _pack_tracks(self, tracked: TrackedObject) -> None:
        """Put the latest samples of an object, which may be many small messages, into one array."""
        if latest := self._latest_tracks.get(tracked):
            packed = packed_track(latest)
            self._track_size += max(len(packed), 1) - sum(max(len(track), 1) for track in latest)
            self._tracks.append(packed)
            latest.clear()

    def _let_go_frames(self, count: int) -> list[int]:
        """Let go of the first frames of the oldest batch; their numbers."""
        oldest = self._batches.popleft()
        if count < len(oldest):
            self._batches.appendleft(oldest.latest(len(oldest) - count))
        self.size -= count
        gone: list[int] = oldest.numbers[:count].tolist()
        return gone

    def _let_go_track(self) -> None:
        oldest = self._tracks.popleft()
        self._track_size -= max(len(oldest), 1)
        if len(oldest):
            last = float(oldest.sample_numbers.max()) / oldest.rate_hertz
            self._tracks_let_go[oldest.tracked] = max(last, self._tracks_let_go.get(oldest.tracked, -1.0))

    def _let_go_event(self) -> None:
        self._events.popleft()
        self._events_let_go += 1


class Footage:
    """What one play may see of its segment: all its frames, and the events between the play's own bounds."""

    def __init__(self, segment: Segment, opens_at: int, ends_at: int) -> None:
        self._segment = segment
        self._opens_at = opens_at
        self._ends_at = ends_at
        self._events_told = 0

    @property
    def last_frame(self) -> int:
        """The greatest frame number of the play that has come; -1 if none has."""
        last = min(self._segment.last_frame, self._ends_at)
        return last if last >= self._opens_at else _NO_FRAME

    def new_events(self) -> list[TrackingEvent]:
        """The events that have come since the last call, as they came."""
        segment = self._segment
        if self._events_told == segment.events_come:
            return []
        told, self._events_told = self._events_told, segment.events_come
        return [event for event in segment.events_after(told) if self._opens_at <= event.frame_number <= self._ends_at]

    def frames_seen(self, first: int, last: int) -> int:
        """How many of the frames numbered `first` to `last` were seen. Takes time in proportion to `last - first`."""
        return self._segment.frames_seen(first, last)

    def window(self, first: int, last: int) -> TrackingWindow:
        """The frames numbered `first` to `last` in order: T = last - first + 1. They may reach back beyond the play.

        Takes time in proportion to the frames that the segment keeps.
        """
        return self._segment.window(first, last)

    def tracks(self, tracked: TrackedObject) -> tuple[Track, ...]:
        """Batches of samples of the ball or puck as they came; they share the clock of the frames."""
        return tuple(self._segment.tracks(tracked))

    def holds_track(self, tracked: TrackedObject, first_second: float) -> bool:
        """Whether every sample of the ball or puck from that second on that has come is still kept."""
        return self._segment.holds_track(tracked, first_second)


class Segments:
    """The segments of a game that were heard of last, by identifier."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Segment] = OrderedDict()
        self._let_go: OrderedDict[str, None] = OrderedDict()

    def __getitem__(self, segment_id: str) -> Segment:
        return self._held[segment_id]

    def was_let_go(self, segment_id: str) -> bool:
        """Whether it was held before, and is not now."""
        return segment_id in self._let_go

    def turn_to(self, segment_id: str) -> Segment:
        """The segment, heard of now. It begins empty if it is not held. Call `surplus` afterward."""
        self._let_go.pop(segment_id, None)
        segment = self._held.get(segment_id)
        if segment is None:
            segment = self._held[segment_id] = Segment()
        self._held.move_to_end(segment_id)
        return segment

    def surplus(self) -> str | None:
        """Let go of the segment that was not heard of for longest, if more than `MAX_SEGMENTS` are held; its name."""
        if len(self._held) <= MAX_SEGMENTS:
            return None
        segment_id, _ = self._held.popitem(last=False)
        self._let_go[segment_id] = None
        if len(self._let_go) > MAX_NAMES:
            self._let_go.popitem(last=False)
        return segment_id
