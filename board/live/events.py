"""Server-sent events, and the recent ones of a stream that many browsers follow."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

EVENTS_KEPT: Final = 64
"""A browser that is further behind gets the whole state."""
HEARTBEAT: Final = b": still here\n\n"


def event(kind: str, data: Mapping[str, Any], place: str) -> bytes:
    """An event as bytes. JSON has no line breaks, so data cannot end it."""
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
        """The place of the last event."""
        return f"{self._epoch}-{self._number}"

    def add(self, kind: str, data: Mapping[str, Any]) -> None:
        """Appends an event."""
        self._number += 1
        self._events.append((self._number, event(kind, data, self.place)))

    def after(self, place: str) -> bytes | None:
        """Everything since a place; None where that is no longer known: the whole state must be sent instead."""
        epoch, _, number = place.partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return None
        seen = int(number)
        oldest = self._events[0][0] if self._events else self._number + 1
        if not oldest - 1 <= seen <= self._number:
            return None
        return b"".join(content for index, content in self._events if index > seen)
