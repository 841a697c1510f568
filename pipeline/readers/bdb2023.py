"""Big Data Bowl 2023 and like it: pass plays with speed, acceleration, direction and orientation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.readers import situations
from pipeline.readers.descriptions import counts, described_pass, find_passer, find_target
from pipeline.readers.layout import TableLayout
from pipeline.readers.samples import Film, film_by_play
from pipeline.readers.source import (
    BALL_NAMES,
    COORDINATES,
    LEAGUE,
    TableSource,
    on_field,
    play_of,
    roster,
    without_record,
)
from pipeline.readers.tables import Kind, Table
from playscore.game import Game, GameHeader, HomeSide, Play, PlayContext, Player, Sport
from playscore.passing import FootballSituation, PassResult, PlayKind

TABLES = (
    Table(
        "tracking",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "frameId": Kind.INTEGER,
            "nflId": Kind.ID,
            "time": Kind.TIME,
            "jerseyNumber": Kind.INTEGER,
            "team": Kind.TEXT,
            "playDirection": Kind.TEXT,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "s": Kind.NUMBER,
            "a": Kind.NUMBER,
            "dir": Kind.NUMBER,
            "o": Kind.NUMBER,
            "event": Kind.TEXT,
        },
    ),
    Table(
        "plays",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "playDescription": Kind.TEXT,
            "quarter": Kind.INTEGER,
            "down": Kind.INTEGER,
            "yardsToGo": Kind.INTEGER,
            "possessionTeam": Kind.TEXT,
            "defensiveTeam": Kind.TEXT,
            "yardlineSide": Kind.TEXT,
            "yardlineNumber": Kind.NUMBER,
            "gameClock": Kind.TEXT,
            "preSnapHomeScore": Kind.INTEGER,
            "preSnapVisitorScore": Kind.INTEGER,
            "passResult": Kind.TEXT,
            "prePenaltyPlayResult": Kind.NUMBER,
        },
    ),
    Table("players", {"nflId": Kind.ID, "officialPosition": Kind.TEXT, "displayName": Kind.TEXT}),
    Table(
        "games",
        {
            "gameId": Kind.ID,
            "season": Kind.INTEGER,
            "week": Kind.INTEGER,
            "homeTeamAbbr": Kind.TEXT,
            "visitorTeamAbbr": Kind.TEXT,
        },
        required=False,
    ),
)
_RESULTS = {
    "C": PassResult.COMPLETE,
    "I": PassResult.INCOMPLETE,
    "IN": PassResult.INTERCEPTED,
    "S": PassResult.SACK,
    "R": PassResult.SCRAMBLE,
}
_ANONYMOUS = "anon"


class Reader(TableSource):
    """The games of this layout in a folder."""

    def game(self, game_id: str) -> Game:
        """One game."""
        rows = self.tables["plays"].rows(game_id).sort(pl.col("playId").cast(pl.Int64)).to_dicts()
        samples = self.tables["tracking"].rows(game_id)
        films = film_by_play(
            samples.select(
                pl.col("playId").alias("play"),
                pl.when(~pl.col("team").is_in(BALL_NAMES)).then("nflId").alias("player"),
                pl.col("frameId").alias("frame"),
                *("time", "x", "y", "s", "a", "dir", "o", "event"),
            )
        )
        people = (
            samples.filter(~pl.col("team").is_in(BALL_NAMES)).select("nflId", "team", "jerseyNumber").unique("nflId")
        )
        players = roster(
            people.join(self.tables["players"].rows(), on="nflId", how="left").select(
                pl.col("nflId").alias("player"),
                "team",
                pl.col("displayName").replace(_ANONYMOUS, None).alias("name"),
                pl.col("officialPosition").alias("position"),
                pl.col("jerseyNumber").alias("jersey"),
            )
        )
        directions = dict(samples.select("playId", "playDirection").unique("playId").iter_rows())
        header = self._header(game_id, people["team"].drop_nulls().unique().sort().to_list())
        plays = [
            _play(
                row | {"playDirection": directions.get(row["playId"])},
                films.get(row["playId"]),
                players,
                header,
            )
            for row in rows
        ]
        return Game(
            header=header,
            roster=tuple(players.values()),
            plays=plays + without_record(films.keys() - {row["playId"] for row in rows}, films),
        )

    def _header(self, game_id: str, teams: list[str]) -> GameHeader:
        """The header. Who plays at home only the table of games says."""
        schedule = self.tables["games"].row(game_id) if "games" in self.tables else None
        if schedule is None:
            season, week = situations.season_of(game_id), None
            home, away = teams
        else:
            season, week = schedule["season"], schedule["week"]
            home, away = schedule["homeTeamAbbr"], schedule["visitorTeamAbbr"]
        return GameHeader(
            league=LEAGUE,
            game_id=game_id,
            sport=Sport.AMERICAN_FOOTBALL,
            season=season,
            week=week,
            home_team_id=home,
            away_team_id=away,
            coordinates=COORDINATES,
            home_side=HomeSide.UNKNOWN if schedule is None else HomeSide.STATED,
        )


def _play(row: dict[str, Any], film: Film | None, players: Mapping[str, Player], header: GameHeader) -> Play:
    offense = row["possessionTeam"] or ""
    sides = (header.home_team_id, header.away_team_id)
    description = row["playDescription"] or ""
    result = _RESULTS.get(row["passResult"] or "") if counts(description) else None
    told = described_pass(description)
    passer = target = ""
    if result is not None:
        candidates = on_field(film, players, offense)
        if told is not None:
            passer, target = find_passer(told.passer, candidates), find_target(told.target, candidates)
        passer = passer or _only_quarterback(candidates)
    return play_of(
        PlayContext(
            play_id=row["playId"],
            attacking_team_id=offense,
            attacking_direction=situations.attacking_direction(row["playDirection"]),
            situation=FootballSituation(
                kind=PlayKind.PASS if result else PlayKind.OTHER,
                quarter=row["quarter"],
                game_clock_seconds=situations.clock_seconds(row["gameClock"]),
                down=situations.down(row["down"]),
                yards_to_go=situations.positive(row["yardsToGo"]),
                yards_to_end_zone=situations.yards_to_end_zone(
                    offense, sides, row["yardlineSide"], row["yardlineNumber"]
                ),
                home_score=row["preSnapHomeScore"],
                away_score=row["preSnapVisitorScore"],
                passer_id=passer,
                target_id=target,
                charted_air_yards=told.air_yards if told else None,
            ),
        ),
        film,
        situations.pass_outcome(result, row["prePenaltyPlayResult"]) if result else None,
    )


def _only_quarterback(candidates: list[Player]) -> str:
    """Where names do not tell: the one quarterback on the field."""
    quarterbacks = [player.player_id for player in candidates if player.position == "QB"]
    return quarterbacks[0] if len(quarterbacks) == 1 else ""


LAYOUT = TableLayout("bdb2023", TABLES, Reader)
