"""Where games come from: layouts of recorded data, found by name, and the sources that they open.

A layout is an entry point of the group `playscore.layouts`, so any package can add one. What a layout needs is imported
when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Game

GROUP: Final = "playscore.layouts"
_MAX_NAMED: Final = 20
_MAX_NEAR: Final = 2
_MIN_LIKENESS: Final = 0.5
"""Below it, a folder has nothing of a layout."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What a source could not read and left out, for one reason."""

    reason: str
    """For example "frameId is missing"."""
    count: int
    """Rows, cells, messages or files: whatever the reason names."""
    example: str
    """Where the first of them stands and what it says, for example 'week1.csv, row 17, column frameId: "x"'."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """How near a folder or file comes to a layout."""

    missing: tuple[str, ...]
    """What is missing, one thing each, in words that name files and columns; empty: it is this layout."""
    likeness: float
    """0 to 1: how much of the layout is there."""
    unreadable: tuple[str, ...] = ()
    """Files that cannot be read, and why: they may be what is missing."""


class Source(Protocol):
    """Games in one layout. A game is read when it is asked for, and nothing of it is kept."""

    @property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games, in order."""
        ...

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        """What the source knows of a game, message by message."""
        ...

    def game(self, game_id: str) -> Game:
        """A game whole."""
        ...

    def losses(self) -> Sequence[Loss]:
        """What could not be read of the games that were read so far, by reason. A game read twice counts once."""
        ...


@runtime_checkable
class Layout(Protocol):
    """A layout of recorded data."""

    @property
    def name(self) -> str:
        """What it is called, for example "bdb2023"."""
        ...

    def recognize(self, data: Path) -> Recognition:
        """How near a folder or file comes to this layout."""
        ...

    def open(self, data: Path) -> Source:
        """The games in a folder or file. Raises FIELD_INVALID where something that the layout needs is missing."""
        ...


@cache
def layouts() -> Mapping[str, Layout]:
    """All layouts that are installed, by name."""
    found = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        layout = entry.load()
        if not isinstance(layout, Layout):
            raise TypeError(f"the entry point {entry.name} of {GROUP} is not a layout: {entry.value}")
        found[entry.name] = layout
    return found


def open_source(data: Path, layout: str | None = None) -> Source:
    """The games of a folder or file in `layout`, or in the only layout there is.

    Raises FIELD_INVALID where there is none (it says what the nearest layouts would need), where there are several and
    none is named, or where the layout cannot be played.
    """
    known = layouts()
    if not data.exists():
        raise PlayscoreError(Reason.FIELD_INVALID, f"{data} does not exist; name the folder or file with the data")
    if layout is None:
        return known[_only_layout(data, known)].open(data)
    if layout not in known:
        raise PlayscoreError(Reason.FIELD_INVALID, f"no layout {layout!r}; there are {', '.join(known)}")
    return known[layout].open(data)


def select_games(source: Source, games: Sequence[str]) -> tuple[str, ...]:
    """The games named, or all; FIELD_INVALID for one that is not there, or where there is none at all."""
    if not games and not source.game_ids:
        left_out = "; ".join(f"{loss.reason} ({loss.count}; {loss.example})" for loss in source.losses())
        raise PlayscoreError(Reason.FIELD_INVALID, f"there is no game in the data{': ' if left_out else ''}{left_out}")
    unknown = [game for game in games if game not in source.game_ids]
    if unknown:
        known = ", ".join(source.game_ids[:_MAX_NAMED]) + (", ..." if len(source.game_ids) > _MAX_NAMED else "")
        raise PlayscoreError(Reason.FIELD_INVALID, f"no game {', '.join(unknown)}; there are {known}")
    return tuple(games) or source.game_ids


def _only_layout(data: Path, known: Mapping[str, Layout]) -> str:
    recognitions = {name: layout.recognize(data) for name, layout in known.items()}
    found = [name for name, recognition in recognitions.items() if not recognition.missing]
    if len(found) == 1:
        return found[0]
    if found:
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{data} holds several layouts: {', '.join(found)}; say which with --layout"
        )
    near = [name for name, recognition in recognitions.items() if recognition.likeness >= _MIN_LIKENESS]
    near.sort(key=lambda name: (len(recognitions[name].missing), -recognitions[name].likeness))
    told = [
        f"{'Nearest is' if place == 0 else 'Then comes'} {name}: {'; '.join(recognitions[name].missing)}"
        for place, name in enumerate(near[:_MAX_NEAR])
    ]
    unreadable = dict.fromkeys(why for recognition in recognitions.values() for why in recognition.unreadable)
    why = ". ".join((f"{data} holds no tracking in a known layout ({', '.join(known)})", *told, *unreadable))
    raise PlayscoreError(Reason.FIELD_INVALID, why)
