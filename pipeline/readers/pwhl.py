"""The play-by-play of the PWHL as sportsdataverse has it: face-offs, shots on goal, goals and penalties.

Every goal is listed twice, as a shot that scored and as a goal: it is one play here. Of the five pairs of coordinates
`x_coord` and `y_coord` are feet from the center of the ice, for shots; those of face-offs lie on no face-off spot and
are left out. What only goals tell (empty net, power play) would give the result away. A season is called by the year
in which it ended: 2025 began in November 2024, and the first, which was played from January 2024 on, counts as one of
2023, like the NHL's of that winter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from pipeline.readers import hockey
from pipeline.readers.cells import Kind
from pipeline.readers.hockey import Happened, HockeySource, People
from pipeline.readers.layout import TableLayout
from pipeline.readers.source import most_say, play_of, unreadable_game
from pipeline.readers.tables import Table
from playscore.faceoffs import FaceoffOutcome, FaceoffResult, FaceoffSituation
from playscore.game import AttackingDirection, Game, Play, PlayContext
from playscore.shots import HockeyEventKind, ShotKind, ShotListing, ShotOutcome, ShotResult, ShotSituation

REGULAR_PERIODS: Final = 3

TABLES: Final = (
    Table(
        "events",
        {
            "game_id": Kind.ID,
            "event": Kind.TEXT,
            "team_id": Kind.ID,
            "period_of_game": Kind.INTEGER,
            "minute_start": Kind.NUMBER,
            "second_start": Kind.NUMBER,
            "player_id": Kind.ID,
            "player_name_first": Kind.NAME,
            "player_name_last": Kind.NAME,
            "x_coord": Kind.NUMBER,
            "y_coord": Kind.NUMBER,
            "home_win": Kind.NUMBER,
            "event_type": Kind.TEXT,
            "goal": Kind.FLAG,
            "goalie_id": Kind.ID,
            "goalie_first": Kind.NAME,
            "goalie_last": Kind.NAME,
            "empty_net": Kind.FLAG,
            "penalty_shot": Kind.FLAG,
            "game_season": Kind.INTEGER,
            "home_team_id": Kind.ID,
            "away_team_id": Kind.ID,
        },
        game="game_id",
        keys=("event", "home_team_id", "away_team_id"),
        by_game=True,
    ),
)

Row = Mapping[str, Any]


class Reader(HockeySource):
    """The games of this layout in a folder."""

    def read(self, game_id: str) -> Game:
        """See TableSource. Events have no identifiers: they are numbered in the order of the file, each goal once."""
        rows = self.events.rows(game_id).with_row_index("place", offset=1)
        events = list(rows.iter_rows(named=True))
        teams = most_say(rows, "home_team_id"), most_say(rows, "away_team_id")
        if not all(teams) or teams[0] == teams[1]:
            raise unreadable_game(game_id, f"it is between {teams[0] or 'nobody'} and {teams[1] or 'nobody'}")
        goals = {_identity(row): row for row in events if row["event"] == "goal"}
        shots = [row for row in events if row["event"] == "shot"]
        scored = {_identity(row) for row in shots if row["goal"]}
        ends = hockey.home_directions(
            (row["period_of_game"], row["team_id"] == teams[0], row["x_coord"]) for row in shots
        )
        people = People()
        plays: list[Play] = []
        past: list[Happened] = []
        period: int | None = None
        for listed in events:
            is_alone = listed["event"] == "goal" and _identity(listed) not in scored
            row = {**listed, "event": "shot", "goal": True} if is_alone else listed
            if row["period_of_game"] != period:
                period = row["period_of_game"]
                past = []
            seconds = 60.0 * (row["minute_start"] or 0.0) + (row["second_start"] or 0.0)
            match row["event"]:
                case "shot":
                    plays.append(_shot(row, goals.get(_identity(row)), teams, ends, people, past, seconds))
                    kind = HockeyEventKind.GOAL if row["goal"] else HockeyEventKind.SHOT_ON_GOAL
                    past.append(Happened(kind, seconds, row["team_id"] or "", row["x_coord"], row["y_coord"]))
                case "faceoff":
                    plays.append(_faceoff(row, teams, ends, people, seconds))
                    won = teams[0] if row["home_win"] else teams[1]
                    past.append(Happened(HockeyEventKind.FACEOFF, seconds, won))
                case "penalty":
                    past.append(Happened(HockeyEventKind.PENALTY, seconds, row["team_id"] or ""))
        return Game(hockey.header("PWHL", game_id, _season(rows), teams), people.roster, plays)


def _season(rows: pl.DataFrame) -> int | None:
    """The year in which the season began."""
    ended = most_say(rows, "game_season")
    return None if ended is None else ended - 1


def _identity(row: Row) -> tuple[Any, ...]:
    return row["period_of_game"], row["minute_start"], row["second_start"], row["player_id"]


def _shot(
    row: Row,
    goal: Row | None,
    teams: tuple[str, str],
    ends: Mapping[int | None, AttackingDirection],
    people: People,
    past: list[Happened],
    seconds: float,
) -> Play:
    by_home = row["team_id"] == teams[0]
    goalie = people.add(row["goalie_id"], teams[by_home], _name(row, "goalie"), hockey.GOALIE)
    on_empty_net = goal is not None and bool(goal["empty_net"])
    x, y = hockey.place(row["x_coord"], row["y_coord"])
    return play_of(
        PlayContext(
            play_id=str(row["place"]),
            attacking_team_id=row["team_id"] or "",
            attacking_direction=hockey.direction(ends.get(row["period_of_game"]), by_home=by_home),
            situation=ShotSituation(
                period=hockey.whole("period", row["period_of_game"]),
                game_clock_seconds=_left(row, seconds),
                shooter_id=people.add(row["player_id"], row["team_id"] or "", _name(row, "player_name")),
                goalie_id="" if on_empty_net else goalie,
                listing=ShotListing.ON_GOAL,
                kind=ShotKind.PENALTY_SHOT if goal is not None and goal["penalty_shot"] else ShotKind.IN_PLAY,
                shot_type=hockey.SHOT_TYPES.get((row["event_type"] or "").lower()),
                x=x,
                y=y,
                preceding_events=hockey.preceding(past, seconds),
            ),
        ),
        None,
        ShotOutcome(ShotResult.GOAL if row["goal"] else ShotResult.SAVED),
    )


def _faceoff(
    row: Row,
    teams: tuple[str, str],
    ends: Mapping[int | None, AttackingDirection],
    people: People,
    seconds: float,
) -> Play:
    """Only the home team's taker is named, so that none is scored: a face-off has two takers."""
    won = row["home_win"]
    return play_of(
        PlayContext(
            play_id=str(row["place"]),
            attacking_team_id=teams[0],
            attacking_direction=ends.get(row["period_of_game"]),
            situation=FaceoffSituation(
                period=hockey.whole("period", row["period_of_game"]),
                game_clock_seconds=_left(row, seconds),
                taker_id=people.add(row["player_id"], teams[0], _name(row, "player_name")),
            ),
        ),
        None,
        None if won is None else FaceoffOutcome(FaceoffResult.WON if won else FaceoffResult.LOST),
    )


def _left(row: Row, seconds: float) -> float | None:
    """Seconds left in a period; of an overtime, whose length the source does not say, they are not known."""
    period = row["period_of_game"]
    if period is None or period > REGULAR_PERIODS:
        return None
    return hockey.within("game_clock_seconds", hockey.PERIOD_SECONDS - seconds)


def _name(row: Row, who: str) -> str:
    return f"{row[f'{who}_first'] or ''} {row[f'{who}_last'] or ''}".strip()


LAYOUT = TableLayout("pwhl", TABLES, Reader)
