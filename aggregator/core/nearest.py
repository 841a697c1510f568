"""What there is, nearest spelling first: for errors that say what was not found."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable
from itertools import takewhile
from typing import Final

MAX_NAMED: Final = 20
_MAX_COMPARED: Final = 500
"""Names compared in full, so that a misspelling costs no more where there are many."""


def nearest(wanted: str, names: Iterable[str]) -> list[str]:
    """At most MAX_NAMED of the names, those spelled most like `wanted` first, whatever their case."""
    folded = wanted.casefold()

    def roughly(name: str) -> tuple[int, int, str]:
        other = name.casefold()
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(folded, other, strict=False)))
        return -alike, abs(len(other) - len(folded)), name

    matcher = difflib.SequenceMatcher(b=folded)

    def unlike(name: str) -> tuple[float, str]:
        matcher.set_seq1(name.casefold())
        return -matcher.ratio(), name

    return heapq.nsmallest(MAX_NAMED, heapq.nsmallest(_MAX_COMPARED, names, key=roughly), key=unlike)
