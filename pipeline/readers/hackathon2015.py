"""NGS hackathon 2015: every play of whole games, 22 players without ball, no frame numbers, no angles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import polars as pl

from pipeline.readers import situations
from pipeline.readers.cells import Kind, typed
from pipeline.readers.descriptions import described_pass, is_nullified, kind_told
from pipeline.readers.layout import TableLayout
from pipeline.readers.names import find_passer, only_passer
from pipeline.readers.official_statistics import CONVERSION_TRIES, OfficialPass, Statistic, official_pass, statistics_of
from pipeline.readers.samples import Film, film_by_play, frame_by_time, is_far_in_time
from pipeline.readers.source import (
    TableSource,
    header_of,
    most_say,
    on_field,
    play_of,
    roster,
    without_record,
)
from pipeline.readers.tables import Table
from pipeline.readers.teams import Teams
from playscore.game import (
    CoordinateSystem,
    Game,
    LengthUnit,
    Origin,
    Play,
    PlayContext,
    Player,
    PlayStatus,
)
from playscore.passing import FootballSituation, PlayKind

TABLES = (
    Table(
        "tracking",
        {
            "gameId": Kind.ID,
            "ngsPlayId": Kind.ID,
            "trackingSide": Kind.TEXT,
            "nflId": Kind.ID,
            "time": Kind.TIME,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "s": Kind.NUMBER,
            "event": Kind.ID,
        },
        keys=("ngsPlayId", "nflId", "time", "trackingSide"),
        by_game=True,
    ),
    Table(
        "plays",
        {
            "gameId": Kind.ID,
            "ngsPlayId": Kind.ID,
            "gsisPlayId": Kind.INTEGER,
            "playType": Kind.TEXT,
            "yardlineSide": Kind.ID,
            "yardlineNumber": Kind.YARD_LINE,
            "playDescription": Kind.TEXT,
            "quarter": Kind.INTEGER,
            "down": Kind.INTEGER,
            "yardsToGo": Kind.INTEGER,
            "possessionTeamId": Kind.ID,
            "gameClock": Kind.CLOCK,
            "playStats": Kind.TEXT,
            "schedule_season": Kind.INTEGER,
            "schedule_week": Kind.INTEGER,
            "schedule_homeTeamId": Kind.ID,
            "schedule_visitorTeamId": Kind.ID,
            "schedule_homeTeamAbbr": Kind.ID,
            "schedule_visitorTeamAbbr": Kind.ID,
        },
        keys=("ngsPlayId",),
    ),
    Table(
        "roster",
        {
            "nflId": Kind.ID,
            "teamId": Kind.ID,
            "abbr": Kind.ID,
            "displayName": Kind.NAME,
            "position": Kind.ID,
            "positionGroup": Kind.TEXT,
            "jerseyNumber": Kind.INTEGER,
        },
        keys=("nflId",),
        required=False,
    ),
)
_SIDES: Final = ("homeTrackingData", "awayTrackingData")
_KINDS: Final = {
    "play_type_pass": PlayKind.PASS,
    "play_type_sack": PlayKind.PASS,
    "play_type_rush": PlayKind.RUN,
    "play_type_punt": PlayKind.SPECIAL_TEAMS,
    "play_type_field_goal": PlayKind.SPECIAL_TEAMS,
    "play_type_kickoff": PlayKind.SPECIAL_TEAMS,
    "play_type_XP": PlayKind.CONVERSION_TRY,
    "play_type_two_point_conversion": PlayKind.CONVERSION_TRY,
}


class Reader(TableSource):
    """The games of this layout in a folder."""

    def read(self, game_id: str) -> Game:
        """One game. Frames are numbered by time from the first sample of their play."""
        listed = self.plays(game_id, "ngsPlayId").sort("gsisPlayId", nulls_last=True, maintain_order=True)
        home, away = most_say(listed, "schedule_homeTeamAbbr"), most_say(listed, "schedule_visitorTeamAbbr")
        teams = Teams(home, away) if home and away and home != away else Teams("home", "away")
        statistics = self._statistics(game_id, listed)
        samples = self._samples(game_id, teams, listed["ngsPlayId"])
        films = film_by_play(samples)
        names = self._names(statistics.values())
        players = roster(samples.join(names, on="player", how="left", maintain_order="left"))
        return Game(
            header=header_of(
                game_id,
                teams,
                most_say(listed, "schedule_season"),
                most_say(listed, "schedule_week"),
                coordinates=CoordinateSystem(LengthUnit.YARD, Origin.CORNER, angle_convention=None),
            ),
            roster=tuple(players.values()),
            plays=[
                _play(row, films.get(row["ngsPlayId"]), statistics[row["ngsPlayId"]], players, _offense(row, teams))
                for row in listed.to_dicts()
            ]
            + without_record(listed["ngsPlayId"], films),
        )

    def _samples(self, game_id: str, teams: Teams, listed: Iterable[str]) -> pl.DataFrame:
        rows = self.tables["tracking"].rows(game_id)
        sides = pl.col("trackingSide").replace_strict(_SIDES, teams.names, default=None)
        samples = rows.rename({"ngsPlayId": "play", "nflId": "player"}).with_columns(team=sides)
        samples = self.leave_out(game_id, samples, is_far_in_time(), "the time is not one of the play")
        samples = self.leave_out(game_id, samples, pl.col("team").is_null(), "trackingSide is neither team's")
        return self.without_slips(game_id, samples.with_columns(frame=frame_by_time()), listed)

    def _statistics(self, game_id: str, listed: pl.DataFrame) -> dict[str, tuple[Statistic, ...]]:
        """The official statistics of each play."""
        told = {
            play: statistics_of(text, "nflId") for play, text in listed.select("ngsPlayId", "playStats").iter_rows()
        }
        broken = pl.col("ngsPlayId").is_in([play for play, lines in told.items() if lines is None])
        self.leave_out(game_id, listed, broken, "playStats is not JSON of statistics")
        return {play: lines or () for play, lines in told.items()}

    def _names(self, statistics: Iterable[Iterable[Statistic]]) -> pl.DataFrame:
        """Names and positions: one team's roster, and for the others the names that the statistics give."""
        schema = {"player": pl.String, "name": pl.String, "position": pl.String, "jersey": pl.Int32}
        credited = [(line.player_id, line.player_name, None, None) for lines in statistics for line in lines]
        names = pl.DataFrame(credited, schema=schema, orient="row")
        if "roster" in self.tables:
            listed = self.tables["roster"].rows().select("nflId", "displayName", "position", "jerseyNumber")
            names = pl.concat([listed.rename(dict(zip(listed.columns, schema, strict=True))), names])
        printable = names.with_columns(typed(names["name"], Kind.NAME))
        return printable.unique("player", keep="first", maintain_order=True)


def _offense(row: Mapping[str, Any], teams: Teams) -> str:
    sides = {row["schedule_homeTeamId"]: teams.home, row["schedule_visitorTeamId"]: teams.away}
    return sides.get(row["possessionTeamId"], "") if row["possessionTeamId"] else ""


def _play(
    row: Mapping[str, Any],
    film: Film | None,
    statistics: Sequence[Statistic],
    players: Mapping[str, Player],
    offense: str,
) -> Play:
    description = row["playDescription"] or ""
    teams = Teams(row["schedule_homeTeamAbbr"] or "", row["schedule_visitorTeamAbbr"] or "")
    nullified = is_nullified(description)
    official = official_pass(statistics)
    kind = _kind(row["playType"], description, official, statistics)
    counts = kind is PlayKind.PASS and not nullified
    candidates = on_field(film, players, offense)
    told = described_pass(description)
    passer = (
        (official.passer_id if official else "")
        or (find_passer(told.passer, candidates) if told is not None else "")
        or only_passer(candidates)
    )
    return play_of(
        PlayContext(
            play_id=row["ngsPlayId"],
            attacking_team_id=offense,
            status=PlayStatus.NULLIFIED if nullified else None,
            situation=FootballSituation(
                kind=kind,
                quarter=row["quarter"],
                game_clock_seconds=row["gameClock"],
                down=situations.down(row["down"]),
                yards_to_go=situations.positive(row["yardsToGo"]),
                yards_to_end_zone=situations.yards_to_end_zone(
                    offense, teams.named(row["yardlineSide"]), row["yardlineSide"], row["yardlineNumber"]
                ),
                passer_id=passer if counts else "",
                target_id=official.target_id if official and counts else "",
                charted_air_yards=official.air_yards if official else None,
            ),
        ),
        film,
        official.outcome if official and counts else None,
    )


def _kind(
    play_type: str | None, description: str, official: OfficialPass | None, statistics: Sequence[Statistic]
) -> PlayKind:
    told = kind_told(description)
    if told in (PlayKind.SPIKE, PlayKind.KNEEL, PlayKind.CONVERSION_TRY):
        return told
    if any(line.statistic in CONVERSION_TRIES for line in statistics):
        return PlayKind.CONVERSION_TRY
    if official is not None:
        return PlayKind.PASS
    return _KINDS.get(play_type or "") or told or PlayKind.OTHER


LAYOUT = TableLayout("hackathon2015", TABLES, Reader)
