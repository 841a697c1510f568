"""Server-sent events, and the recent ones of a stream that many browsers follow."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

EVENTS_KEPT: Final = 64
"""A browser that is further behind than this starts again from the state as it is."""
HEARTBEAT: Final = b": still here\n\n"


def event(kind: str, data: Mapping[str, Any], place: str) -> bytes:
    """One event. JSON has no line breaks, so that no data can end it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return f"id: {place}\nevent: {kind}\ndata: {text}\n\n".encode()


class RecentEvents:
    """The last events of a stream, each encoded once, however many follow it.

    Places are opaque to followers: one of another stream, or of an event that is no longer kept, has no successor.
    """

    def __init__(self, keep: int = EVENTS_KEPT) -> None:
        self._epoch = uuid.uuid4().hex[:12]
        self._number = 0
        self._events: deque[tuple[int, bytes]] = deque(maxlen=keep)

    @property
    def place(self) -> str:
        """Of the last event."""
        return f"{self._epoch}-{self._number}"

    def add(self, kind: str, data: Mapping[str, Any]) -> None:
        """One more event."""
        self._number += 1
        self._events.append((self._number, event(kind, data, self.place)))

    def after(self, place: str) -> bytes | None:
        """Everything since a place; None where that is not known any more, and the state must be told instead."""
        epoch, _, told = place.partition("-")
        if epoch != self._epoch or not (told.isascii() and told.isdigit()) or len(told) > 18:
            return None
        seen = int(told)
        oldest = self._events[0][0] if self._events else self._number + 1
        if not oldest - 1 <= seen <= self._number:
            return None
        return b"".join(content for number, content in self._events if number > seen)
