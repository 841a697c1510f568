"""Public tables of the league's passers: every start of a regular season, what was measured in it, and how it ended.

Starts come from the schedule. A passer's line of the week and their Next Gen Stats are joined by the league's id and
the week, QBR by the game's ESPN number and the passer's first initial and surname, because ESPN has ids of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from playscore.errors import PlayscoreError, Reason

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

SCHEDULES = "schedules_2016_2025.parquet"
WEEKLY = "weekly_passing_2015_2025.parquet"
NEXT_GEN_STATS = "ngs_passing_2016_2025.parquet"
QBR = "espn_qbr_weekly_2006_2023.parquet"

_COLUMNS: dict[str, dict[str, type[pl.DataType]]] = {
    SCHEDULES: {
        "season": pl.Int64,
        "week": pl.Int64,
        "game_type": pl.String,
        "espn": pl.Int64,
        "home_team": pl.String,
        "away_team": pl.String,
        "home_score": pl.Float64,
        "away_score": pl.Float64,
        "home_qb_id": pl.String,
        "away_qb_id": pl.String,
    },
    WEEKLY: {
        "season": pl.Int64,
        "week": pl.Int64,
        "season_type": pl.String,
        "player_id": pl.String,
        "player_display_name": pl.String,
        "recent_team": pl.String,
        "attempts": pl.Float64,
        "completions": pl.Float64,
        "passing_yards": pl.Float64,
        "passing_tds": pl.Float64,
        "interceptions": pl.Float64,
        "passing_epa": pl.Float64,
    },
    NEXT_GEN_STATS: {
        "season": pl.Int64,
        "week": pl.Int64,
        "season_type": pl.String,
        "player_gsis_id": pl.String,
        "attempts": pl.Float64,
        "completion_percentage_above_expectation": pl.Float64,
    },
    QBR: {
        "season": pl.Int64,
        "season_type": pl.String,
        "game_id": pl.Int64,
        "name_display": pl.String,
        "qb_plays": pl.Float64,
        "qbr_total": pl.Float64,
        "epa_total": pl.Float64,
    },
}
_COUNTED = ["completions", "passing_yards", "passing_tds", "interceptions", "passing_epa"]
_MOVED = {"OAK": "LV", "SD": "LAC", "STL": "LA"}
"""The weekly table knows teams by where they play now."""
_WHO = ["season", "week", "player_id"]


@dataclass(frozen=True, eq=False)
class Starts:
    """N starts in regular seasons. Arrays (N,). Sums over starts divided by each other make the measures."""

    passer: NDArray[np.str_]
    """The league's id."""
    season: Integers
    week: Integers
    team: NDArray[np.str_]
    points: Array
    """Of the team."""
    won: Array
    """1, 1/2 or 0"""
    playoffs: Flags
    """Whether the team plays on after this season."""
    attempts: Array
    completions: Array
    yards: Array
    touchdowns: Array
    interceptions: Array
    epa: Array
    """Expected points added by passes and sacks."""
    expected_attempts: Array
    """The attempts in Next Gen Stats; 0 if this start is not there."""
    over_expected: Array
    """Completions beyond those expected on these attempts; 0 if this start is not in Next Gen Stats."""
    plays: Array
    """Passes, sacks, runs and penalties in ESPN's table; 0 if this start is not there."""
    qbr: Array
    """QBR times plays; 0 if this start is not in ESPN's table."""
    play_epa: Array
    """Expected points added by these plays; 0 if this start is not in ESPN's table."""

    def __len__(self) -> int:
        return len(self.passer)

    def subset(self, chosen: Flags) -> Starts:
        """The chosen starts; `chosen` (N,)."""
        return Starts(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@dataclass(frozen=True, eq=False)
class PublicSeasons:
    """What public tables know of the league's passers."""

    starts: Starts
    team_games: Mapping[int, int]
    """By season, the games of a regular season that a team plays."""
    qbr_seasons: tuple[int, int]
    """The first and the last season of starts that have a QBR."""
    joined: Mapping[str, int]
    """How many rows of the tables found each other, and how many did not."""


def read(folder: Path) -> PublicSeasons:
    """Read and join the four tables in the folder.

    Raises FIELD_INVALID, with the file and the column, if a table or a column is absent, if a column holds something
    else than it should, or if a table has two rows for the same thing.
    """
    schedule = _table(folder, SCHEDULES, ["season", "week", "home_team"])
    weekly = _table(folder, WEEKLY, ["season", "week", "player_id"])
    tracked = _table(folder, NEXT_GEN_STATS, ["season", "season_type", "week", "player_gsis_id"])
    qbr = _table(folder, QBR, ["game_id", "name_display"])

    sides, regular = _sides(schedule), pl.col("season_type") == "REG"
    first, last = sides["season"].min(), sides["season"].max()
    lines = weekly.filter(regular, pl.col("season").is_between(first, last), pl.col("attempts") > 0)
    named = sides.join(lines.select("season", "week", "player_id", threw=pl.lit(True)), on=_WHO, how="left")
    corrected = _with_the_leading_passer(named, lines)
    starts = corrected.join(lines.drop("season_type", "recent_team"), on=_WHO, how="inner")
    for column in _COUNTED:
        if lacking := starts[column].null_count():
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"{folder / WEEKLY}: column {column} is null in the lines of {lacking} starts"
            )

    games = tracked.filter(regular, pl.col("week") > 0).drop("season_type").rename({"attempts": "expected_attempts"})
    known = games.drop_nulls().filter(pl.col("season").is_between(first, last))
    starts = starts.join(known.rename({"player_gsis_id": "player_id"}), on=_WHO, how="left")
    of_espn = qbr.filter(pl.col("season_type") == "Regular", pl.col("season").is_between(first, last)).drop_nulls()
    keyed = of_espn.select(
        "qb_plays", "qbr_total", "epa_total", espn="game_id", key=_initial_and_surname("name_display")
    ).unique(["espn", "key"], keep="none")
    starts = starts.with_columns(key=_initial_and_surname("player_display_name")).join(
        keyed, on=["espn", "key"], how="left"
    )
    graded = starts["qb_plays"].is_not_null()
    if not graded.any():
        raise PlayscoreError(Reason.FIELD_INVALID, f"{folder / QBR}: column game_id has no game of {SCHEDULES}")
    of_qbr = starts.filter(graded)["season"].to_numpy()
    in_qbr_seasons = starts["season"].is_between(of_qbr.min(), of_qbr.max())
    return PublicSeasons(
        _arrays(starts.sort("season", "week", "team")),
        team_games=_team_games(sides),
        qbr_seasons=(int(of_qbr.min()), int(of_qbr.max())),
        joined={
            "games": len(sides) // 2,
            "starts": len(starts),
            "starters_who_threw_no_pass": int(named["threw"].is_null().sum()),
            "starts_without_a_passer": len(sides) - len(starts),
            "other_lines": len(lines) - len(starts),
            "attempts": int(lines["attempts"].sum()),
            "attempts_in_other_lines": int(lines["attempts"].sum()) - int(starts["attempts"].sum()),
            "without_next_gen_stats": starts["expected_attempts"].null_count(),
            "next_gen_stats_of_no_start": len(known) - starts["expected_attempts"].count(),
            "starts_in_seasons_with_qbr": int(in_qbr_seasons.sum()),
            "without_qbr": int((in_qbr_seasons & ~graded).sum()),
            "qbr_of_no_start": len(of_espn) - int(graded.sum()),
        },
    )


def _table(folder: Path, name: str, keys: Sequence[str]) -> pl.DataFrame:
    """The columns of a table that are needed, with their types. No two rows have the same keys."""
    path, wanted = folder / name, _COLUMNS[name]
    if not path.is_file():
        raise PlayscoreError(Reason.FIELD_INVALID, f"{path} does not exist; it is one of {', '.join(_COLUMNS)}")
    table = pl.read_parquet(path)
    lacking = [column for column in wanted if column not in table.columns]
    if lacking:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{path} has no column {', '.join(lacking)}")
    for column, kind in wanted.items():
        try:
            table = table.with_columns(pl.col(column).cast(kind, strict=True))
        except pl.exceptions.PolarsError as error:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"{path}: column {column} should hold {kind.__name__}: {error}"
            ) from error
    for key in keys:
        if table[key].null_count():
            raise PlayscoreError(Reason.FIELD_INVALID, f"{path}: column {key} has {table[key].null_count()} nulls")
    if twice := int(table.select(keys).is_duplicated().sum()):
        raise PlayscoreError(Reason.FIELD_INVALID, f"{path}: {twice} rows are not the only one of their {keys}")
    return table.select(list(wanted))


def _sides(schedule: pl.DataFrame) -> pl.DataFrame:
    """Both teams of every game of a regular season that was played, with their starters."""
    after = schedule.filter(pl.col("game_type") != "REG")
    in_playoffs = pl.concat([after.select("season", team=f"{side}_team") for side in ("home", "away")]).unique()
    played = schedule.filter(pl.col("game_type") == "REG").drop_nulls(["home_score", "away_score"])
    return pl.concat(
        [
            played.select(
                "season",
                "week",
                "espn",
                team=f"{own}_team",
                player_id=f"{own}_qb_id",
                points=f"{own}_score",
                won=(1 + (pl.col(f"{own}_score") - pl.col(f"{other}_score")).sign()) / 2,
            )
            for own, other in (("home", "away"), ("away", "home"))
        ]
    ).join(in_playoffs.with_columns(playoffs=pl.lit(True)), on=["season", "team"], how="left")


def _with_the_leading_passer(named: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Where the schedule's starter threw no pass, the passer of the team who threw most."""
    leading = lines.sort("attempts", "player_id", descending=[True, False]).group_by("season", "week", "recent_team")
    of_team = leading.agg(leader=pl.col("player_id").first())
    with_leader = named.with_columns(recent_team=pl.col("team").replace(_MOVED)).join(
        of_team, on=["season", "week", "recent_team"], how="left"
    )
    starter = pl.when(pl.col("threw")).then("player_id").otherwise("leader")
    return with_leader.with_columns(player_id=starter).drop("threw", "leader", "recent_team")


def _initial_and_surname(column: str) -> pl.Expr:
    """`p walker` for P.J. Walker, PJ Walker and Phillip Walker, without a Jr. or III."""
    name = pl.col(column).str.to_lowercase().str.replace_all(r"[^a-z ]", "").str.replace(r" (jr|sr|ii|iii|iv|v)$", "")
    return name.str.slice(0, 1) + " " + name.str.split(" ").list.last()


def _team_games(sides: pl.DataFrame) -> dict[int, int]:
    games = sides.group_by("season", "team").len().group_by("season").agg(pl.col("len").max())
    return {int(season): int(most) for season, most in games.sort("season").iter_rows()}


def _arrays(starts: pl.DataFrame) -> Starts:
    def numbers(column: str) -> Array:
        return starts[column].fill_null(0).to_numpy().astype(np.float64)

    def whole(column: str) -> Integers:
        return starts[column].to_numpy().astype(np.int64)

    def words(column: str) -> NDArray[Any]:
        return np.asarray(starts[column].to_list(), np.str_)

    plays, tracked = numbers("qb_plays"), numbers("expected_attempts")
    return Starts(
        passer=words("player_id"),
        season=whole("season"),
        week=whole("week"),
        team=words("team"),
        points=numbers("points"),
        won=numbers("won"),
        playoffs=starts["playoffs"].fill_null(False).to_numpy(),
        attempts=numbers("attempts"),
        completions=numbers("completions"),
        yards=numbers("passing_yards"),
        touchdowns=numbers("passing_tds"),
        interceptions=numbers("interceptions"),
        epa=numbers("passing_epa"),
        expected_attempts=tracked,
        over_expected=tracked * numbers("completion_percentage_above_expectation") / 100,
        plays=plays,
        qbr=plays * numbers("qbr_total"),
        play_epa=numbers("epa_total"),
    )
