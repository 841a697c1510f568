"""The plays of one game whose tracking is streamed, and those that wait for their turn."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from pipeline.play_run import PlayRun

MAX_OPEN_PLAYS = 8
"""Plays whose tracking is streamed at once: as many segments as the featurizer keeps."""


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

    @property
    def full(self) -> bool:
        """No more may open."""
        return len(self._open) >= MAX_OPEN_PLAYS

    @property
    def overdue(self) -> PlayRun | None:
        """The play that has been open longest, once so many others wait that its tracking must be over."""
        if not self.full or len(self.waiting) < MAX_OPEN_PLAYS or any(play.end_told for play in self._open):
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

    def _leave(self, play: PlayRun, segment_id: str) -> None:
        on_segment = self._on_segment[segment_id]
        on_segment.pop(play, None)
        if not on_segment:
            del self._on_segment[segment_id]
