"""What damage may change of what becomes of the plays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.corpus import table_of

PlayKey = tuple[str, str]
"""Game and play."""


@dataclass(slots=True)
class Blame:
    """What damage may change."""

    plays: set[PlayKey] = field(default_factory=set)
    """Plays whose rows were touched: they may end otherwise."""
    every: bool = False
    """All plays may end otherwise."""
    takes: bool = False
    """Plays that were touched may be gone without a word: nothing of them is left."""
    adds: bool = False
    """Plays may be there that were not. Unless all may end otherwise, they may not be scored."""
    refused: bool = False
    """The folder, or a game, may be refused."""
    counts: bool = False
    """A row must be left out, and counted as a loss."""
    files: set[str] = field(default_factory=set)
    """Names of files that may be no table of their layout any more. If a loss says so, their plays may be gone."""

    def rows(self, file: Path, plays: Iterable[PlayKey]) -> None:
        """Rows of a table were touched, which are of these plays."""
        if table_of(file) in ("tracking", "plays", "player_play", "gsis_plays"):
            self.plays.update(plays)
            self.adds |= table_of(file) == "plays"
        else:
            self.every = True
            self.adds |= table_of(file) == "events"

    def whole(self, file: Path) -> None:
        """A whole file was touched."""
        self.every = self.refused = self.adds = True
        self.files.add(file.name)


def plays_of(row: Mapping[str, Any]) -> Iterable[PlayKey]:
    """The play that a row is of, if any."""
    play = row.get("ngsPlayId", row.get("playId"))
    if play is not None and "gameId" in row:
        yield identifier(row["gameId"]), identifier(play)


def identifier(cell: object) -> str:
    """A cell as an identifier, roughly as readers have it."""
    text = str(cell).strip().strip('"')
    try:
        number = float(text)
        return str(int(number)) if number == int(number) else text
    except (ValueError, OverflowError):
        return text


def shown(value: object) -> str:
    """A value in few characters."""
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
