"""NGS highlights 2017-19: chosen pass plays, 22 players and ball, with the situation on every row.

Outcomes stand in the play-by-play of the games ("gsis"); the sentence of the play tells them where that lacks a play.
The same play may be filed twice, once under each team: its samples then come twice, under one identifier. The file's
frame numbers start anew for players who appear late, so frames are numbered by time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from pipeline.readers import situations
from pipeline.readers.cells import Kind
from pipeline.readers.descriptions import described_pass, is_nullified, kind_told
from pipeline.readers.layout import TableLayout
from pipeline.readers.names import find_passer, find_target, only_passer
from pipeline.readers.official_statistics import OfficialPass, Statistic, official_pass, statistics_of
from pipeline.readers.samples import Film, film_by_play, frame_by_time, is_far_in_time
from pipeline.readers.situations import pass_outcome
from pipeline.readers.source import (
    TableSource,
    all_say,
    header_of,
    most_say,
    on_field,
    play_of,
    roster,
    unreadable_game,
)
from pipeline.readers.tables import Table
from pipeline.readers.teams import Teams
from playscore.game import Game, Play, PlayContext, Player, PlayStatus
from playscore.passing import FootballSituation, PlayKind

_TRACKING = {
    "gameId": Kind.ID,
    "playId": Kind.ID,
    "playType": Kind.ID,
    "season": Kind.INTEGER,
    "week": Kind.INTEGER,
    "preSnapHomeScore": Kind.INTEGER,
    "preSnapVisitorScore": Kind.INTEGER,
    "playDirection": Kind.TEXT,
    "quarter": Kind.INTEGER,
    "gameClock": Kind.CLOCK,
    "down": Kind.INTEGER,
    "yardsToGo": Kind.INTEGER,
    "yardlineSide": Kind.ID,
    "yardlineNumber": Kind.YARD_LINE,
    "possessionFlag": Kind.INTEGER,
    "homeTeamFlag": Kind.INTEGER,
    "teamAbbr": Kind.ID,
    "displayName": Kind.NAME,
    "gsisId": Kind.ID,
    "jerseyNumber": Kind.INTEGER,
    "nflId": Kind.ID,
    "position": Kind.ID,
    "time": Kind.TIME,
    "x": Kind.NUMBER,
    "y": Kind.NUMBER,
    "s": Kind.NUMBER,
    "o": Kind.NUMBER,
    "dir": Kind.NUMBER,
    "event": Kind.ID,
    "playDescription": Kind.TEXT,
}
TABLES = (
    Table("tracking", _TRACKING, keys=("playId", "time"), by_game=True),
    Table(
        "gsis_plays",
        {"gameId": Kind.ID, "playId": Kind.ID, "players": Kind.TEXT, "desc": Kind.TEXT},
        keys=("playId",),
    ),
)
_KINDS: Final = {
    "play_type_pass": PlayKind.PASS,
    "play_type_sack": PlayKind.PASS,
    "play_type_two_point_conversion": PlayKind.CONVERSION_TRY,
}


_NO_PASS: Final = (PlayKind.SPIKE, PlayKind.KNEEL, PlayKind.CONVERSION_TRY)
_SITUATION: Final = (
    "playType",
    "playDirection",
    "quarter",
    "gameClock",
    "down",
    "yardsToGo",
    "yardlineSide",
    "yardlineNumber",
    "preSnapHomeScore",
    "preSnapVisitorScore",
    "playDescription",
)


class Reader(TableSource):
    """The games of this layout in a folder."""

    def read(self, game_id: str) -> Game:
        """The plays of one game that are among the highlights."""
        gsis = self.tables["gsis_plays"].rows(game_id)
        samples = self._samples(game_id, gsis["playId"])
        on_teams = samples.filter(pl.col("team").is_not_null())
        teams = _teams(game_id, on_teams)
        players = roster(on_teams.with_columns(team=_named(on_teams["team"], teams)))
        films = film_by_play(samples)
        statistics = self._statistics(game_id, gsis, on_teams)
        sentences = dict(gsis.select("playId", "desc").iter_rows())
        by_play = on_teams.partition_by("play", as_dict=True, maintain_order=True)
        return Game(
            header=header_of(game_id, teams, most_say(on_teams, "season"), most_say(on_teams, "week")),
            roster=tuple(players.values()),
            plays=[
                _play(
                    play_id,
                    by_play.get((play_id,)),
                    film,
                    statistics.get(play_id, ()),
                    sentences.get(play_id) or "",
                    players,
                    teams,
                )
                for play_id, film in sorted(films.items(), key=lambda item: (len(item[0]), item[0]))
            ],
        )

    def _samples(self, game_id: str, listed: Iterable[str]) -> pl.DataFrame:
        rows = self.tables["tracking"].rows(game_id)
        samples = rows.rename(
            {
                "playId": "play",
                "nflId": "player",
                "teamAbbr": "team",
                "displayName": "name",
                "jerseyNumber": "jersey",
            }
        )
        samples = self.leave_out(game_id, samples, is_far_in_time(), "the time is not one of the play")
        nobody = pl.col("player").is_null() & pl.col("team").is_not_null()
        samples = self.leave_out(game_id, samples, nobody, "no player is named")
        return self.without_slips(game_id, samples.with_columns(frame=frame_by_time()), listed)

    def _statistics(self, game_id: str, gsis: pl.DataFrame, on_teams: pl.DataFrame) -> dict[str, list[Statistic]]:
        """The official statistics of each play, with the players' identifiers in tracking."""
        nfl_ids = dict(on_teams.select("gsisId", "player").drop_nulls().unique("gsisId", keep="first").iter_rows())
        told = {play: statistics_of(text, "gsisId") for play, text in gsis.select("playId", "players").iter_rows()}
        broken = pl.col("playId").is_in([play for play, lines in told.items() if lines is None])
        self.leave_out(game_id, gsis, broken, "players is not JSON of statistics")
        return {
            play: [replace(line, player_id=nfl_ids.get(line.player_id, "")) for line in lines or ()]
            for play, lines in told.items()
        }


def _teams(game_id: str, rows: pl.DataFrame) -> Teams:
    home = most_say(rows.filter(pl.col("homeTeamFlag") == 1), "team")
    away = most_say(rows.filter(pl.col("homeTeamFlag") == 0), "team")
    if not home or not away or home == away:
        raise unreadable_game(game_id, f"homeTeamFlag tells {home or 'no team'} at home and {away or 'no team'} away")
    return Teams(home, away)


def _named(spellings: pl.Series, teams: Teams) -> pl.Series:
    names = {spelling: teams.named(spelling) for spelling in spellings.unique().drop_nulls()}
    return spellings.replace_strict(list(names), list(names.values()), default=None, return_dtype=pl.String)


def _play(
    play_id: str,
    rows: pl.DataFrame | None,
    film: Film,
    statistics: Sequence[Statistic],
    sentence: str,
    players: Mapping[str, Player],
    teams: Teams,
) -> Play:
    if rows is None:  # only the ball was tracked
        return play_of(PlayContext(play_id, attacking_team_id="", situation=FootballSituation()), film, None)
    row = all_say(rows, _SITUATION)
    offense = teams.named(most_say(rows.filter(pl.col("possessionFlag") == 1), "team"))
    distance = situations.yards_to_end_zone(
        offense, teams.named(row["yardlineSide"]), row["yardlineSide"], row["yardlineNumber"]
    )
    description = row["playDescription"] or sentence
    candidates = on_field(film, players, offense)
    told = kind_told(description)
    kind = told if told in _NO_PASS else _KINDS.get(row["playType"] or "", told or PlayKind.OTHER)
    nullified = is_nullified(description)
    official = None
    if kind is PlayKind.PASS and not nullified:
        official = official_pass(statistics) or _told(description, candidates)
    return play_of(
        PlayContext(
            play_id=play_id,
            attacking_team_id=offense,
            attacking_direction=situations.attacking_direction(row["playDirection"]),
            status=PlayStatus.NULLIFIED if nullified else None,
            situation=FootballSituation(
                kind=kind,
                quarter=row["quarter"],
                game_clock_seconds=row["gameClock"],
                down=situations.down(row["down"]),
                yards_to_go=situations.positive(row["yardsToGo"]),
                yards_to_end_zone=distance,
                home_score=row["preSnapHomeScore"],
                away_score=row["preSnapVisitorScore"],
                passer_id=official.passer_id or only_passer(candidates) if official else "",
                target_id=official.target_id if official else "",
                charted_air_yards=official.air_yards if official else None,
            ),
        ),
        film,
        official.outcome if official else None,
    )


def _told(description: str, candidates: list[Player]) -> OfficialPass | None:
    """The pass as the play's sentence tells it."""
    told = described_pass(description)
    if told is None:
        return None
    return OfficialPass(
        passer_id=find_passer(told.passer, candidates),
        target_id=find_target(told.target, candidates),
        air_yards=told.air_yards,
        outcome=pass_outcome(told.result, told.yards),
    )


LAYOUT = TableLayout("ngs_highlights", TABLES, Reader)
