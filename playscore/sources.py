"""Where games come from: layouts of recorded data, found by name, and the sources that they open.

A layout is an entry point of the group `playscore.layouts`, so any package can add one. What a layout needs is imported
when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Game

GROUP: Final = "playscore.layouts"
_MAX_NAMED: Final = 20


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


@runtime_checkable
class Layout(Protocol):
    """A layout of recorded data."""

    @property
    def name(self) -> str:
        """What it is called, for example "bdb2023"."""
        ...

    def finds(self, data: Path) -> bool:
        """Whether a folder or file holds tracking in this layout."""
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

    Raises FIELD_INVALID where there is none, where there are several and none is named, or where a table is missing.
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
    """The games named, or all; FIELD_INVALID for one that is not there."""
    unknown = [game for game in games if game not in source.game_ids]
    if unknown:
        known = ", ".join(source.game_ids[:_MAX_NAMED]) + (", ..." if len(source.game_ids) > _MAX_NAMED else "")
        raise PlayscoreError(Reason.FIELD_INVALID, f"no game {', '.join(unknown)}; there are {known}")
    return tuple(games) or source.game_ids


def _only_layout(data: Path, known: Mapping[str, Layout]) -> str:
    found = [name for name, layout in known.items() if layout.finds(data)]
    if len(found) == 1:
        return found[0]
    if found:
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{data} holds several layouts: {', '.join(found)}; say which with --layout"
        )
    raise PlayscoreError(Reason.FIELD_INVALID, f"{data} holds no tracking in a known layout ({', '.join(known)})")
