"""How the games of a backfill are divided among its workers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Share:
    """One of `of` shares of all games, by a hash of their identifiers. Workers need no coordination.

    Shares are counted from 0, as the indexes of a Kubernetes Job are.
    """

    index: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.of:
            raise ValueError(f"there is no share {self.index} of {self.of}: they are counted from 0 to {self.of - 1}")

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads "2/8": the third of eight. Raises ValueError."""
        index, slash, of = text.partition("/")
        if not (slash and index.isascii() and index.isdigit() and of.isascii() and of.isdigit()):
            raise ValueError(f"{text!r} is not index/count, for example 2/8")
        return cls(int(index), int(of))

    def holds(self, game_id: str) -> bool:
        """Whether a game is in it. Every game is in exactly one share, the same one on every machine."""
        digest = hashlib.sha256(game_id.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.index
