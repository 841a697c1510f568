"""What could not be read of the data: counted by reason, with an example that names file, row and column."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import replace

from playscore.sources import Loss


class Losses:
    """The losses of one source, game by game, so that a game that is read twice counts once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_scope: defaultdict[str, dict[str, Loss]] = defaultdict(dict)

    def begin(self, scope: str) -> None:
        """Forget what was lost of a game, or of a file: it is read again."""
        with self._lock:
            self._by_scope[scope] = {}

    def add(self, scope: str, reason: str, count: int, example: str) -> None:
        """Count what was left out of a game, or of a file, for one reason."""
        if not count:
            return
        with self._lock:
            _add(self._by_scope[scope], Loss(reason, count, example))

    def all(self) -> tuple[Loss, ...]:
        """By reason, the most frequent first."""
        total: dict[str, Loss] = {}
        with self._lock:
            for losses in self._by_scope.values():
                for loss in losses.values():
                    _add(total, loss)
        return tuple(sorted(total.values(), key=lambda loss: (-loss.count, loss.reason)))


def _add(losses: dict[str, Loss], loss: Loss) -> None:
    known = losses.get(loss.reason)
    losses[loss.reason] = loss if known is None else replace(known, count=known.count + loss.count)
