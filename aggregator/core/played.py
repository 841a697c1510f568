"""How much was played: kept up as rows of a table come and go, so that nobody has to count a million rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

MAX_SEASON: Final = 0xFFFF
_TEAM_BITS, _GAME_BITS = 20, 27
"""Of a number for season, team and game, so that it fits 63 bits: a million teams, 134 million games."""
_FEW: Final = 64
"""Rows that are counted faster one by one."""


class Played:
    """Plays by season, and games by season and team. Season 0 and team 0 are the unknown ones."""

    def __init__(self) -> None:
        self._rows: Counter[int] = Counter()
        self._plays: Counter[int] = Counter()
        self._games: defaultdict[int, Counter[int]] = defaultdict(Counter)

    @property
    def seasons(self) -> list[int]:
        """Seasons with plays."""
        return [season for season, plays in self._plays.items() if plays]

    def add(self, cells: Integers) -> None:
        """Count rows in, by their `cells`."""
        for cell, rows in _counted(cells):
            if not self._rows[cell]:
                self._count_game(cell, 1)
            self._count_rows(cell, rows)

    def remove(self, cells: Integers) -> None:
        """Count rows out that were counted in."""
        for cell, rows in _counted(cells):
            self._count_rows(cell, -rows)
            if not self._rows[cell]:
                del self._rows[cell]
                self._count_game(cell, -1)

    def plays(self, seasons: Collection[int]) -> int:
        """Plays in seasons."""
        return sum(self._plays[season] for season in seasons)

    def team_games(self, seasons: Collection[int]) -> int:
        """The most games of any one team in seasons; of all of them where no team is known."""
        games: Counter[int] = Counter()
        for season in seasons:
            games.update(self._games.get(season, {}))
        unknown = games.pop(0, 0)
        return max(games.values(), default=0) or unknown

    def _count_rows(self, cell: int, rows: int) -> None:
        self._rows[cell] += rows
        self._plays[cell >> (_TEAM_BITS + _GAME_BITS)] += rows

    def _count_game(self, cell: int, games: int) -> None:
        season_and_team = cell >> _GAME_BITS
        self._games[season_and_team >> _TEAM_BITS][season_and_team & ((1 << _TEAM_BITS) - 1)] += games


def cells(seasons: Integers | int, teams: Integers | int, games: Integers) -> Integers:
    """Season, team and game of rows in one number each."""
    return (seasons << _TEAM_BITS | teams) << _GAME_BITS | games


def _counted(cells: Integers) -> Iterable[tuple[int, int]]:
    """Each cell once, and how often it is there."""
    if len(cells) < _FEW:
        return Counter(cells.tolist()).items()
    # Many times faster than numpy.unique.
    ordered = np.sort(cells)
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return zip(ordered[starts].tolist(), np.diff(starts, append=len(ordered)).tolist(), strict=True)
