"""The layouts in which simulated hockey is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from simulator.hockey import big_data_cup, edge, feed, play_by_play
from simulator.hockey.games import PERIOD_SECONDS, SimulatedHockeyGame, simulate_games, simulate_shots

Writer = Callable[[Iterable[SimulatedHockeyGame], Path], None]

_FILMED: Final[dict[str, Writer]] = {"feed": feed.write, "bdc2026": big_data_cup.write, "edge": edge.write}
_LISTED: Final[dict[str, Writer]] = {"hockeyr": play_by_play.write}
NAMES: Final = (*_FILMED, *_LISTED)
"""As the readers call them; the first is the default."""


def write(
    layout: str, out: Path, *, games: int, seed: int, season: int, period_seconds: float = PERIOD_SECONDS
) -> None:
    """Writes games into a folder. Raises PlayscoreError (FIELD_INVALID) as `simulate_games`."""
    if layout in _FILMED:
        _FILMED[layout](simulate_games(seed, games, season=season, period_seconds=period_seconds), out)
    else:
        _LISTED[layout](simulate_shots(seed, games, season=season, period_seconds=period_seconds), out)
