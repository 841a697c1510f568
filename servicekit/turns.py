"""A queue in which callers take turns."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(slots=True)
class _Line(Generic[Item]):
    """What one caller has waiting, with its costs."""

    waiting: deque[tuple[Item, float]] = field(default_factory=deque)
    cost: float = 0.0


class Turns(Generic[Item]):
    """First come, first served among the items of one caller; callers share what is served equally, by its cost.

    This is start-time fair queueing: the next turn is that of the caller who has been served least since they began to
    wait. Who comes new waits for one turn of the others, however much these have waiting.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line[Item]] = {}
        self._order: list[tuple[float, int, str]] = []
        """Callers by what they have been served, each once."""
        self._served = 0.0
        self._number = 0
        self._count = 0
        self.cost = 0.0
        """Of all that waits."""

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        for line in self._lines.values():
            yield from (item for item, _ in line.waiting)

    def put(self, caller: str, item: Item, cost: float = 1.0) -> None:
        """Queue an item."""
        line = self._lines.get(caller)
        if line is None:
            line = self._lines[caller] = _Line()
            self._enter(self._served, caller)
        line.waiting.append((item, cost))
        line.cost += cost
        self.cost += cost
        self._count += 1

    def take(self, may: Callable[[Item], bool] = lambda _: True) -> Item | None:
        """The item whose turn it is, of those that are first in their lines and may have it; None where none may."""
        for place, (served, _, caller) in enumerate(self._order):
            line = self._lines[caller]
            item, cost = line.waiting[0]
            if may(item):
                del self._order[place]
                self._served = max(self._served, served)
                self._drop(caller, line, line.waiting.popleft()[1])
                if line.waiting:
                    self._enter(served + cost, caller)
                return item
        return None

    def remove(self, caller: str, item: Item) -> bool:
        """Take out an item, wherever it stands. False if it does not wait any more."""
        line = self._lines.get(caller)
        for place, (each, cost) in enumerate(line.waiting if line is not None else ()):
            if each is item:
                assert line is not None
                del line.waiting[place]
                self._drop(caller, line, cost)
                if not line.waiting:
                    self._order = [entry for entry in self._order if entry[2] != caller]
                return True
        return False

    def last_of_the_longest(self) -> tuple[str, Item] | None:
        """The caller who has most items waiting, and the last of them."""
        if not self._lines:
            return None
        caller = max(self._lines, key=lambda caller: len(self._lines[caller].waiting))
        return caller, self._lines[caller].waiting[-1][0]

    def waiting_of(self, caller: str) -> int:
        """How many items a caller has waiting."""
        line = self._lines.get(caller)
        return 0 if line is None else len(line.waiting)

    def ahead_of(self, caller: str, cost: float) -> float:
        """The cost of what is served before the end of an item of `cost` that the caller would put now."""
        line = self._lines.get(caller)
        own = cost + (0.0 if line is None else line.cost)
        return own + sum(min(each.cost, own) for name, each in self._lines.items() if name != caller)

    def _enter(self, served: float, caller: str) -> None:
        self._number += 1
        insort(self._order, (served, self._number, caller))

    def _drop(self, caller: str, line: _Line[Item], cost: float) -> None:
        line.cost -= cost
        self.cost -= cost
        self._count -= 1
        if not line.waiting:
            del self._lines[caller]
