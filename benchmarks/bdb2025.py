"""A week of Big Data Bowl 2025 from CSV to tensors: `python -m benchmarks.bdb2025`.

The week is made of simulated games in that layout, a CSV of as many rows as a real week's: 16 games of 70 passes, each
led in by twenty seconds in which nobody moves. Seconds of wall time of one process on all cores that there are, and the
greatest memory that it held of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.passing.task import PASSING
from playscore.game import AttackingDirection, Game, Play
from playscore.passing import PassResult, outcome_of, situation_of
from playscore.sources import open_source
from simulator import simulate

GAMES = 16
ROWS = 7_100_000
FRAME_TYPES = np.array(["BEFORE_SNAP", "SNAP", "AFTER_SNAP"])
RESULTS = {
    PassResult.COMPLETE: "C",
    PassResult.INCOMPLETE: "I",
    PassResult.INTERCEPTED: "IN",
    PassResult.SACK: "S",
    PassResult.SCRAMBLE: "R",
}


def write_week(folder: Path) -> int:
    """Writes the tables; the number of rows of tracking."""
    games = [simulated.game for simulated in simulate(seed=1, games=GAMES)]
    frames = sum(len(play.frames) for game in games for play in game.plays)
    before = max(0, (ROWS // 23 - frames) // sum(len(game.plays) for game in games))
    rows = 0
    with (folder / "tracking_week_1.csv").open("wb") as stream:
        for game in games:
            for play in game.plays:
                samples = tracking(game, play, before)
                samples.write_csv(stream, include_header=rows == 0, null_value="NA", float_precision=2)
                rows += len(samples)
    pl.concat([plays(game) for game in games]).write_csv(folder / "plays.csv", null_value="NA")
    pl.DataFrame(
        [
            {
                "gameId": game.header.game_id, "season": game.header.season, "week": game.header.week,
                "homeTeamAbbr": game.header.home_team_id, "visitorTeamAbbr": game.header.away_team_id,
            }
            for game in games
        ]
    ).write_csv(folder / "games.csv")  # fmt: skip
    players = {player.player_id: player for game in games for player in game.roster}
    pl.DataFrame(
        [
            {"nflId": player.player_id, "position": player.position, "displayName": player.display_name}
            for player in players.values()
        ]
    ).write_csv(folder / "players.csv")
    pl.concat([deeds(game) for game in games]).write_csv(folder / "player_play.csv")
    return rows


def tracking(game: Game, play: Play, before: int) -> pl.DataFrame:
    """One play, led in by so many frames in which nobody moves."""
    names = {player.player_id: player for player in game.roster}
    frames, (ball, *_) = play.frames, play.tracks
    snap = next(event.frame_number for event in frames.events if event.name == "ball_snap")
    events = {event.frame_number + before: event.name for event in frames.events}
    people = [*frames.player_ids, None]
    length = before + len(frames)
    numbers = np.arange(1, length + 1)

    def column(of_players: np.ndarray | None, of_ball: np.ndarray | None, still: float | None) -> np.ndarray:
        values = np.full((length, len(people)), np.nan)
        if of_players is not None:
            values[before:, :-1] = of_players
        if of_ball is not None:
            values[before:, -1] = of_ball
        values[:before] = values[before] if still is None else still
        return values.T.ravel()

    count = len(people)
    each = {
        "gameId": game.header.game_id,
        "playId": play.context.play_id,
        "nflId": np.repeat([player or "NA" for player in people], length),
        "displayName": np.repeat([names[player].display_name if player else "football" for player in people], length),
        "frameId": np.tile(numbers, count),
        "frameType": np.tile(FRAME_TYPES[np.sign(numbers - snap - before) + 1], count),
        "time": np.tile([f"2022-09-11 17:{t // 600:02d}:{t // 10 % 60:02d}.{t % 10}" for t in numbers.tolist()], count),
        "jerseyNumber": np.repeat([str(names[player].jersey_number) if player else "NA" for player in people], length),
        "club": np.repeat([names[player].team_id if player else "football" for player in people], length),
        "playDirection": "right" if play.context.attacking_direction is AttackingDirection.POSITIVE_X else "left",
        "x": column(frames.x, ball.x, None),
        "y": column(frames.y, ball.y, None),
        "s": column(frames.speed, None, 0.0),
        "a": 0.0,
        "dis": 0.0,
        "o": column(frames.orientation_degrees, None, 90.0),
        "dir": column(frames.direction_degrees, None, 90.0),
        "event": np.tile([events.get(number, "NA") for number in numbers.tolist()], count),
    }  # fmt: skip
    return pl.DataFrame(each).with_columns(pl.col("x", "y", "s", "o", "dir").fill_nan(None))


def plays(game: Game) -> pl.DataFrame:
    """The table of plays, whose sentences say nothing: `player_play` names passers and targets."""
    rows = []
    for play in game.plays:
        situation, outcome = situation_of(play.context), outcome_of(play)
        offense, to_go = play.context.attacking_team_id, situation.yards_to_end_zone or 50.0
        defense = next(team for team in game.header.team_ids if team != offense)
        rows.append(
            {
                "gameId": game.header.game_id, "playId": play.context.play_id, "playDescription": "NA",
                "quarter": situation.quarter, "down": situation.down, "yardsToGo": situation.yards_to_go,
                "possessionTeam": offense,
                "yardlineSide": offense if to_go > 50.0 else defense,
                "yardlineNumber": min(to_go, 100.0 - to_go),
                "gameClock": clock(situation.game_clock_seconds or 0.0),
                "preSnapHomeScore": situation.home_score, "preSnapVisitorScore": situation.away_score,
                "playNullifiedByPenalty": "N", "qbSpike": "FALSE", "qbKneel": 0,
                "passResult": RESULTS.get(outcome.result) if outcome and outcome.result else None,
                "passLength": situation.charted_air_yards,
                "prePenaltyYardsGained": outcome.yards_gained if outcome else None,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def deeds(game: Game) -> pl.DataFrame:
    """What each player did."""
    return pl.DataFrame(
        [
            {
                "gameId": game.header.game_id, "playId": play.context.play_id, "nflId": player_id,
                "hadDropback": int(player_id == situation_of(play.context).passer_id), "passingYards": 0,
                "wasTargettedReceiver": int(player_id == situation_of(play.context).target_id),
            }
            for play in game.plays
            for player_id in play.frames.player_ids
        ]
    )  # fmt: skip


def read(folder: Path) -> None:
    begin = time.perf_counter()
    source = open_source(folder)
    made: Counter[str] = Counter()
    held = 0
    for game_id in source.game_ids:
        game = source.game(game_id)
        players = {player.player_id: player for player in game.roster}
        for play in game.plays:
            outcome = featurize((PASSING,), game.header, players, play.context, [play.frames], play.tracks)
            made["tensors" if isinstance(outcome, Tensor) else outcome.reason.name] += 1
        held = max(held, own_memory())
    seconds = time.perf_counter() - begin
    print(f"CSV to tensors: {seconds:.1f} s; {', '.join(f'{count:,} {what}' for what, count in made.items())}")
    print(f"memory held after a game: at most {held / 2**10:,.0f} MiB")
    for loss in source.losses():
        print(f"left out: {loss.reason}, {loss.count}; {loss.example}")


def own_memory() -> int:
    """KiB of memory that no file backs."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told["RssAnon"].split()[0])


def main() -> None:
    if len(sys.argv) == 2:
        read(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = write_week(folder)
        size = (folder / "tracking_week_1.csv").stat().st_size
        print(f"{GAMES} games, {rows:,} rows of tracking in one CSV of {size / 2**20:,.0f} MiB", flush=True)
        # A process of its own: what writing the week took is not what reading it takes.
        subprocess.run([sys.executable, "-m", "benchmarks.bdb2025", name], check=True)


if __name__ == "__main__":
    main()
