"""Simulated games in the layout of the Big Data Bowl 2019: four tables, the tracking one file a game."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from playscore.game import Floats, Frames, Game, Play, Player, Track
from playscore.passing import FootballSituation, PassResult, PlayKind, outcome_of, situation_of
from simulator.games import PlayDetail, SimulatedGame
from simulator.league import TEAMS

Format = Literal["csv", "parquet"]

DEEP_PASS_YARDS = 15
"""Passes of at least this many air yards are called deep."""

_RESULTS = {
    PassResult.COMPLETE: "C",
    PassResult.INCOMPLETE: "I",
    PassResult.INTERCEPTED: "IN",
    PassResult.SACK: "S",
    PassResult.SCRAMBLE: "R",
}
_PLAYS: dict[str, type[pl.DataType]] = {
    "gameId": pl.Int64, "playId": pl.Int64, "quarter": pl.Int64, "GameClock": pl.String, "down": pl.Int64,
    "yardsToGo": pl.Int64, "possessionTeam": pl.String, "yardlineSide": pl.String, "yardlineNumber": pl.Float64,
    "offenseFormation": pl.String, "personnel.offense": pl.String, "defendersInTheBox": pl.Float64,
    "numberOfPassRushers": pl.Float64, "personnel.defense": pl.String, "HomeScoreBeforePlay": pl.Int64,
    "VisitorScoreBeforePlay": pl.Int64, "HomeScoreAfterPlay": pl.Int64, "VisitorScoreAfterPlay": pl.Int64,
    "isPenalty": pl.Boolean, "isSTPlay": pl.Boolean, "SpecialTeamsPlayType": pl.String,
    "KickReturnYardage": pl.Float64, "PassLength": pl.Float64, "PassResult": pl.String,
    "YardsAfterCatch": pl.Float64, "PlayResult": pl.Int64, "playDescription": pl.String,
}  # fmt: skip
_GAMES: dict[str, type[pl.DataType]] = {
    "league": pl.String,
    "season": pl.Int64, "week": pl.Int64, "gameDate": pl.String, "gameId": pl.Int64, "gameTimeEastern": pl.String,
    "HomeScore": pl.Int64, "VisitorScore": pl.Int64, "homeTeamAbbr": pl.String, "visitorTeamAbbr": pl.String,
    "homeDisplayName": pl.String, "visitorDisplayName": pl.String, "Stadium": pl.String, "Location": pl.String,
    "StadiumType": pl.String, "Turf": pl.String, "GameLength": pl.String, "GameWeather": pl.String,
    "Temperature": pl.Float64, "Humidity": pl.Float64, "WindSpeed": pl.String, "WindDirection": pl.String,
}  # fmt: skip
_PLAYERS: dict[str, type[pl.DataType]] = {
    "nflId": pl.Int64, "FirstName": pl.String, "LastName": pl.String, "PositionAbbr": pl.String,
    "EntryYear": pl.Int64, "DraftRound": pl.Float64, "DraftNumber": pl.Float64, "Height": pl.String,
    "Weight": pl.Int64, "College": pl.String,
}  # fmt: skip
_TRACKING = (
    "time", "x", "y", "s", "dis", "dir", "event", "nflId", "displayName", "jerseyNumber", "team", "frame.id",
    "gameId", "playId",
)  # fmt: skip


def write(games: Iterable[SimulatedGame], folder: Path, file_format: Format = "csv") -> None:
    """Write `tracking_gameId_<id>`, `plays`, `games` and `players` into the folder, making it if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    plays: list[dict[str, object]] = []
    schedule: list[dict[str, object]] = []
    players: dict[str, Player] = {}
    for simulated in games:
        game = simulated.game
        _write_table(tracking(game), folder / f"tracking_gameId_{game.header.game_id}", file_format)
        plays += _play_rows(simulated)
        schedule.append(_game_row(simulated))
        players |= {player.player_id: player for player in game.roster}
    _write_table(pl.DataFrame(plays, schema=_PLAYS), folder / "plays", file_format)
    _write_table(pl.DataFrame(schedule, schema=_GAMES), folder / "games", file_format)
    _write_table(
        pl.DataFrame([_player_row(p) for p in players.values()], schema=_PLAYERS), folder / "players", file_format
    )


def _write_table(table: pl.DataFrame, stem: Path, file_format: Format) -> None:
    if file_format == "csv":
        table.write_csv(stem.with_name(stem.name + ".csv"), null_value="NA")
    else:
        table.write_parquet(stem.with_name(stem.name + ".parquet"), compression="zstd")


def tracking(game: Game) -> pl.DataFrame:
    """The tracking of a game: a row for each frame and each player seen in it, and one for the ball."""
    roster = {player.player_id: player for player in game.roster}
    return pl.concat([_tracking_of(game, play, roster) for play in game.plays])


def _ball_in(frames: Frames, ball: Track) -> tuple[Floats, Floats]:
    """Where the ball is in each row of the frames. It is tracked at the same rate and on the same clock."""
    at = np.searchsorted(ball.sample_numbers, frames.frame_numbers)
    return ball.x[at], ball.y[at]


def _tracking_of(game: Game, play: Play, roster: dict[str, Player]) -> pl.DataFrame:
    frames = play.frames
    count, size = len(frames), len(frames.player_ids) + 1
    players = [roster[player_id] for player_id in frames.player_ids]
    side = {game.header.home_team_id: "home", game.header.away_team_id: "away"}
    ball_x, ball_y = _ball_in(frames, play.tracks[0])
    speed, direction, times = frames.speed, frames.direction_degrees, frames.times_unix_micros
    assert speed is not None and direction is not None and times is not None
    step = np.hypot(np.diff(ball_x, prepend=ball_x[:1]), np.diff(ball_y, prepend=ball_y[:1]))
    ball_speed = np.where(step < 5, step * 10, 0).astype(np.float32)
    shown = np.column_stack((np.isfinite(frames.x), np.ones(count, dtype=bool))).ravel()

    def column(of_players: np.ndarray, of_ball: np.ndarray) -> pl.Series:
        values = np.column_stack((of_players, of_ball)).astype(np.float64).round(2).ravel()
        return pl.Series(values[shown], nan_to_null=True)

    def per_player(values: list[object]) -> pl.Series:
        return pl.Series(values * count).filter(pl.Series(shown))

    seconds = [datetime.fromtimestamp(t // 1_000_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for t in times.tolist()]
    named: dict[int, str] = {}
    for event in frames.events:
        named.setdefault(event.frame_number, event.name)
    numbers = frames.frame_numbers.tolist()
    rows = np.repeat(np.arange(count), size)[shown]
    s = column(speed, ball_speed)
    return pl.DataFrame(
        {
            "time": pl.Series(seconds).gather(rows),
            "x": column(frames.x, ball_x),
            "y": column(frames.y, ball_y),
            "s": s,
            "dis": (s / 10).round(2),
            "dir": column(direction, np.full(count, np.nan)),
            "event": pl.Series([named.get(number) for number in numbers], dtype=pl.String).gather(rows),
            "nflId": per_player([*(int(player.player_id) for player in players), None]).cast(pl.Int64),
            "displayName": per_player([*(player.display_name for player in players), "football"]),
            "jerseyNumber": per_player([*(player.jersey_number for player in players), None]).cast(pl.Int64),
            "team": per_player([*(side[player.team_id] for player in players), "ball"]),
            "frame.id": pl.Series(numbers, dtype=pl.Int64).gather(rows),
            "gameId": pl.repeat(int(game.header.game_id), len(rows), dtype=pl.Int64, eager=True),
            "playId": pl.repeat(int(play.context.play_id), len(rows), dtype=pl.Int64, eager=True),
        }
    ).select(_TRACKING)


def _play_rows(simulated: SimulatedGame) -> list[dict[str, object]]:
    game = simulated.game
    roster = {player.player_id: player for player in game.roster}
    before = [(situation_of(play.context).home_score, situation_of(play.context).away_score) for play in game.plays]
    after = [*before[1:], simulated.final_score]
    rows = []
    for play, (home, away), (home_after, away_after) in zip(game.plays, before, after, strict=True):
        detail = simulated.details[play.context.play_id]
        football = situation_of(play.context)
        side, line = _yard_line(game, play.context.attacking_team_id, football.yards_to_end_zone or 0.0)
        outcome = outcome_of(play)
        complete = outcome is not None and outcome.result is PassResult.COMPLETE
        air = football.charted_air_yards
        rows.append(
            dict.fromkeys(_PLAYS)
            | {
                "gameId": int(game.header.game_id),
                "playId": int(play.context.play_id),
                "quarter": football.quarter,
                "GameClock": _clock(football) + ":00",
                "down": football.down,
                "yardsToGo": int(football.yards_to_go or 0),
                "possessionTeam": play.context.attacking_team_id,
                "yardlineSide": side,
                "yardlineNumber": line,
                "personnel.offense": "1 RB, 1 TE, 3 WR",
                "personnel.defense": "4 DL, 2 LB, 5 DB",
                "HomeScoreBeforePlay": home,
                "VisitorScoreBeforePlay": away,
                "HomeScoreAfterPlay": home_after,
                "VisitorScoreAfterPlay": away_after,
                "isPenalty": False,
                "isSTPlay": football.kind is PlayKind.OTHER,
                "SpecialTeamsPlayType": {"punt": "Punt", "field_goal": "Field Goal"}.get(detail.kind),
                "PassLength": air,
                "PassResult": None if outcome is None or outcome.result is None else _RESULTS[outcome.result],
                "YardsAfterCatch": detail.yards - air if complete and air is not None else None,
                "PlayResult": detail.yards,
                "playDescription": description(game, play, detail, roster),
            }
        )
    return rows


def _game_row(simulated: SimulatedGame) -> dict[str, object]:
    header = simulated.game.header
    names = {team.team_id: team.name for team in TEAMS}
    times = simulated.game.plays[0].frames.times_unix_micros
    assert times is not None
    day = datetime.fromtimestamp(int(times[0]) // 1_000_000, tz=UTC)
    return dict.fromkeys(_GAMES) | {
        "league": header.league,
        "season": header.season,
        "week": header.week,
        "gameDate": day.strftime("%m/%d/%Y"),
        "gameId": int(header.game_id),
        "gameTimeEastern": "13:00:00",
        "HomeScore": simulated.final_score[0],
        "VisitorScore": simulated.final_score[1],
        "homeTeamAbbr": header.home_team_id,
        "visitorTeamAbbr": header.away_team_id,
        "homeDisplayName": names[header.home_team_id],
        "visitorDisplayName": names[header.away_team_id],
    }


def _player_row(player: Player) -> dict[str, object]:
    first, last = player.display_name.split(" ", 1)
    return dict.fromkeys(_PLAYERS) | {
        "nflId": int(player.player_id),
        "FirstName": first,
        "LastName": last,
        "PositionAbbr": player.position,
    }


def _clock(football: FootballSituation) -> str:
    minutes, seconds = divmod(int(football.game_clock_seconds or 0), 60)
    return f"{minutes:02d}:{seconds:02d}"


def _yard_line(game: Game, offense: str, yards_to_end_zone: float) -> tuple[str | None, float | None]:
    """Side and number of a yard line; both null at midfield."""
    header = game.header
    defense = header.away_team_id if offense == header.home_team_id else header.home_team_id
    if yards_to_end_zone == 50:
        return None, None
    return (offense, 100 - yards_to_end_zone) if yards_to_end_zone > 50 else (defense, yards_to_end_zone)


def description(game: Game, play: Play, detail: PlayDetail, roster: dict[str, Player]) -> str:
    """The play in the words of a play-by-play: `(14:54) P.Ashford pass short left to R.Dale for 12 yards (T.King).`"""
    football = situation_of(play.context)
    to_go = football.yards_to_end_zone or 0.0

    def name(player_id: str) -> str:
        first, last = roster[player_id].display_name.split(" ", 1)
        return f"{first[0]}.{last}"

    def spot(yards: float) -> str:
        side, line = _yard_line(game, play.context.attacking_team_id, float(np.clip(to_go - yards, 0, 100)))
        return "50" if side is None else f"{side} {line:.0f}"

    gained = {0: "no gain", 1: "1 yard", -1: "-1 yards"}.get(detail.yards, f"{detail.yards} yards")
    by = f" ({name(detail.defender_id)})" if detail.defender_id else ""
    scored = detail.points == 7
    reached = f"for {gained}, TOUCHDOWN" if scored else f"to {spot(detail.yards)} for {gained}{by}"
    length = "deep" if (football.charted_air_yards or 0) >= DEEP_PASS_YARDS else "short"
    where = f"{length} {detail.side}"
    outcome = outcome_of(play)
    result = None if outcome is None else outcome.result
    match result:
        case PassResult.COMPLETE:
            words = f"{name(football.passer_id)} pass {where} to {name(football.target_id)} {reached}."
        case PassResult.INCOMPLETE:
            words = f"{name(football.passer_id)} pass incomplete {where} to {name(football.target_id)}."
        case PassResult.INTERCEPTED:
            words = (
                f"{name(football.passer_id)} pass {where} intended for {name(football.target_id)} "
                f"INTERCEPTED by {name(detail.defender_id)} at {spot(football.charted_air_yards or 0)}."
            )
        case PassResult.SACK if detail.points == -2:
            words = f"{name(football.passer_id)} sacked in End Zone for {gained}, SAFETY{by}."
        case PassResult.SACK:
            words = f"{name(football.passer_id)} sacked at {spot(detail.yards)} for {gained}{by}."
        case PassResult.SCRAMBLE:
            words = f"{name(football.passer_id)} scrambles up the middle {reached}."
        case _ if detail.kind == "run":
            words = f"{name(detail.carrier_id)} up the middle {reached}."
        case _ if detail.kind == "punt":
            words = f"{name(detail.carrier_id)} punts {detail.kick_yards} yards to {spot(detail.kick_yards)}."
        case _:
            good = "GOOD" if detail.points == 3 else "No Good"
            words = f"{name(detail.carrier_id)} {detail.kick_yards} yard field goal is {good}."
    return f"({_clock(football).lstrip('0') if football.game_clock_seconds else '00:00'}) {words}"
