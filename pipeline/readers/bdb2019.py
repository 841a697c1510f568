"""Big Data Bowl 2019: whole games of 2017, a tracking file each; only the play's sentence names passer and target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.readers import situations
from pipeline.readers.descriptions import DescribedPass, counts, described_pass, find_passer, find_target
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
from playscore.errors import PlayscoreError, Reason
from playscore.game import Game, GameHeader, Play, PlayContext, Player, Sport
from playscore.passing import FootballSituation, PassOutcome, PassResult, PlayKind

TABLES = (
    Table(
        "tracking",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "frame.id": Kind.INTEGER,
            "nflId": Kind.ID,
            "displayName": Kind.TEXT,
            "jerseyNumber": Kind.INTEGER,
            "team": Kind.TEXT,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "s": Kind.NUMBER,
            "dir": Kind.NUMBER,
            "event": Kind.TEXT,
        },
    ),
    Table(
        "plays",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "quarter": Kind.INTEGER,
            "GameClock": Kind.TEXT,
            "down": Kind.INTEGER,
            "yardsToGo": Kind.INTEGER,
            "possessionTeam": Kind.TEXT,
            "yardlineSide": Kind.TEXT,
            "yardlineNumber": Kind.NUMBER,
            "HomeScoreBeforePlay": Kind.INTEGER,
            "VisitorScoreBeforePlay": Kind.INTEGER,
            "isPenalty": Kind.FLAG,
            "isSTPlay": Kind.FLAG,
            "PassLength": Kind.NUMBER,
            "PassResult": Kind.TEXT,
            "PlayResult": Kind.NUMBER,
            "playDescription": Kind.TEXT,
        },
    ),
    Table(
        "games",
        {
            "gameId": Kind.ID,
            "season": Kind.INTEGER,
            "week": Kind.INTEGER,
            "homeTeamAbbr": Kind.TEXT,
            "visitorTeamAbbr": Kind.TEXT,
            "HomeScore": Kind.INTEGER,
        },
        extras={"league": Kind.TEXT},
    ),
    Table(
        "players",
        {"nflId": Kind.ID, "FirstName": Kind.TEXT, "LastName": Kind.TEXT, "PositionAbbr": Kind.TEXT},
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


class Reader(TableSource):
    """The games of this layout in a folder."""

    def game(self, game_id: str) -> Game:
        """One game. Times in this layout are whole seconds; frames go by their number."""
        schedule = self.tables["games"].row(game_id)
        if schedule is None:
            raise PlayscoreError(Reason.FIELD_INVALID, f"game {game_id} has tracking but no row in the table of games")
        teams = {"home": schedule["homeTeamAbbr"], "away": schedule["visitorTeamAbbr"]}
        samples = self.tables["tracking"].rows(game_id)
        is_ball = pl.col("team").is_in(BALL_NAMES) | pl.col("displayName").is_in(BALL_NAMES)
        player = pl.coalesce("nflId", "displayName")
        films = film_by_play(
            samples.select(
                pl.col("playId").alias("play"),
                pl.when(~is_ball).then(player).alias("player"),
                pl.col("frame.id").alias("frame"),
                "x",
                "y",
                "s",
                "dir",
                "event",
            )
        )
        people = samples.filter(~is_ball).select(
            player.alias("player"),
            pl.col("team").replace(teams),
            pl.col("displayName").alias("name"),
            pl.col("jerseyNumber").alias("jersey"),
        )
        players = roster(people.join(self._positions(), on="player", how="left"))
        rows = self.tables["plays"].rows(game_id).sort(pl.col("playId").cast(pl.Int64)).to_dicts()
        return Game(
            header=GameHeader(
                league=schedule["league"] or LEAGUE,
                game_id=game_id,
                sport=Sport.AMERICAN_FOOTBALL,
                season=schedule["season"],
                week=schedule["week"],
                home_team_id=teams["home"],
                away_team_id=teams["away"],
                coordinates=COORDINATES,
            ),
            roster=tuple(players.values()),
            plays=[_play(row, films.get(row["playId"]), players, (teams["home"], teams["away"])) for row in rows]
            + without_record(films.keys() - {row["playId"] for row in rows}, films),
        )

    def _positions(self) -> pl.DataFrame:
        if "players" not in self.tables:
            return pl.DataFrame(schema={"player": pl.String, "position": pl.String})
        players = self.tables["players"].rows()
        return players.select(pl.col("nflId").alias("player"), pl.col("PositionAbbr").alias("position"))


def _play(row: dict[str, Any], film: Film | None, players: Mapping[str, Player], teams: tuple[str, str]) -> Play:
    offense = row["possessionTeam"] or ""
    distance = situations.yards_to_end_zone(offense, teams, row["yardlineSide"], row["yardlineNumber"])
    told = described_pass(row["playDescription"] or "")
    outcome = _outcome(row, told, distance)
    passer = target = ""
    if outcome is not None and told is not None:
        squad = [player for player in players.values() if player.team_id == offense]
        candidates = on_field(film, players, offense)
        passer = find_passer(told.passer, candidates) or find_passer(told.passer, squad)
        target = find_target(told.target, candidates) or find_target(told.target, squad)
    return play_of(
        PlayContext(
            play_id=row["playId"],
            attacking_team_id=offense,
            situation=FootballSituation(
                kind=_kind(row, outcome),
                quarter=row["quarter"],
                game_clock_seconds=situations.clock_seconds(row["GameClock"]),
                down=situations.down(row["down"]),
                yards_to_go=situations.positive(row["yardsToGo"]),
                yards_to_end_zone=distance,
                home_score=row["HomeScoreBeforePlay"],
                away_score=row["VisitorScoreBeforePlay"],
                passer_id=passer,
                target_id=target,
                charted_air_yards=row["PassLength"],
            ),
        ),
        film,
        outcome,
    )


def _outcome(row: dict[str, Any], told: DescribedPass | None, distance: float | None) -> PassOutcome | None:
    """The result column; attempts at two points have none and are told.

    The column of yards says how far the ball was moved in the end. What penalties and fumbles added is not the pass's:
    there the sentence's yards count.
    """
    description = row["playDescription"] or ""
    if not counts(description):
        return None
    if row["PassResult"] in _RESULTS:
        yards = row["PlayResult"]
        if told is not None and told.yards is not None and (row["isPenalty"] or "FUMBLES" in description):
            yards = told.yards
        return situations.pass_outcome(_RESULTS[row["PassResult"]], yards)
    if told is not None and "TWO-POINT" in description:
        return situations.pass_outcome(told.result, distance)
    return None


def _kind(row: dict[str, Any], outcome: PassOutcome | None) -> PlayKind:
    if outcome is not None:
        return PlayKind.PASS
    description = row["playDescription"] or ""
    ran = not row["isSTPlay"] and counts(description) and "kneels" not in description and row["down"]
    return PlayKind.RUN if ran else PlayKind.OTHER


LAYOUT = TableLayout("bdb2019", TABLES, Reader)
