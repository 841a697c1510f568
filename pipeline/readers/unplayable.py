"""Layouts that are known, so that nobody takes them for another year's, and that lack what the passing score needs."""

from __future__ import annotations

from typing import Final

from pipeline.readers.cells import Kind
from pipeline.readers.layout import UnplayableLayout
from pipeline.readers.tables import Table

_NEEDED: Final = "needed are all 22 players from the snap to the release, as in Big Data Bowl 2019, 2023 and 2025"


def _table(name: str, columns: str, game: str = "gameId") -> Table:
    return Table(name, dict.fromkeys(columns.split(), Kind.TEXT), game=game)


BDB2020: Final = UnplayableLayout(
    "bdb2020",
    (
        _table(
            "tracking",
            "GameId PlayId Team X Y S A Dis Orientation Dir NflId PossessionTeam NflIdRusher TimeHandoff TimeSnap",
            "GameId",
        ),
    ),
    f"Big Data Bowl 2020 holds runs, each at the one moment of the handoff; {_NEEDED}",
)
BDB2021: Final = UnplayableLayout(
    "bdb2021",
    (
        _table(
            "tracking",
            "time x y s a dis o dir event nflId displayName jerseyNumber position frameId team gameId playId"
            " playDirection route",
        ),
    ),
    f"Big Data Bowl 2021 tracks about 13 players a play, no linemen and no pass rushers; {_NEEDED}",
)
BDB2024: Final = UnplayableLayout(
    "bdb2024",
    (
        _table(
            "tracking",
            "gameId playId nflId displayName frameId time jerseyNumber club playDirection x y s a dis o dir event",
        ),
        _table("plays", "gameId playId ballCarrierId playDescription quarter down possessionTeam"),
    ),
    f"Big Data Bowl 2024 is about tackles, and its clips of passes begin at the catch; {_NEEDED}",
)
BDB2026: Final = UnplayableLayout(
    "bdb2026",
    (
        _table(
            "tracking",
            "game_id play_id player_to_predict nfl_id frame_id player_side player_role x y s a dir o num_frames_output"
            " ball_land_x ball_land_y",
            "game_id",
        ),
    ),
    "Big Data Bowl 2026 tracks about 13 players a play until the release, no linemen and no pass rushers, without ball"
    f" or events; {_NEEDED}",
)
