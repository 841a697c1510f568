"""The plays of one game whose tracking is streamed, and those that wait for their turn."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from pipeline.play_run import PlayRun

MAX_OPEN_SEGMENTS = 8
"""Segments with open plays: as many as the featurizer keeps."""
MAX_WAITING_PLAYS = 8
"""Plays that may wait for a segment before the one that has been open longest must make room."""


class OpenPlays:
    """Who is open, in the order of opening, and who is next."""

    def __init__(self) -> None:
        self.waiting: deque[PlayRun] = deque()
        self._open: dict[PlayRun, str] = {}
        """With the segment that each is in."""
        self._on_segment: defaultdict[str, dict[PlayRun, None]] = defaultdict(dict)

    def __iter__(self) -> Iterator[PlayRun]:
        return iter(list(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def has_room(self, segment_id: str) -> bool:
        """Whether a play of a segment may open."""
        return segment_id in self._on_segment or not self._is_full

    @property
    def overdue(self) -> PlayRun | None:
        """The play that has been open longest, once so many others wait that its tracking must be over."""
        if not self._is_full or len(self.waiting) < MAX_WAITING_PLAYS or any(play.end_told for play in self._open):
            return None
        return next(iter(self._open))

    def on(self, segment_id: str) -> list[PlayRun]:
        """The open plays of a segment."""
        plays = self._on_segment.get(segment_id)
        return list(plays) if plays else []

    def segment(self, play: PlayRun) -> str | None:
        """The segment that an open play is in."""
        return self._open.get(play)

    def open(self, play: PlayRun, segment_id: str) -> None:
        """A play opens, or turns out to be in another segment."""
        known = self._open.get(play)
        if known is not None and known != segment_id:
            self._leave(play, known)
        self._open[play] = segment_id
        self._on_segment[segment_id][play] = None

    def close(self, play: PlayRun) -> None:
        """A play was answered."""
        segment_id = self._open.pop(play, None)
        if segment_id is not None:
            self._leave(play, segment_id)

    @property
    def _is_full(self) -> bool:
        return len(self._on_segment) >= MAX_OPEN_SEGMENTS

    def _leave(self, play: PlayRun, segment_id: str) -> None:
        on_segment = self._on_segment[segment_id]
        on_segment.pop(play, None)
        if not on_segment:
            del self._on_segment[segment_id]
