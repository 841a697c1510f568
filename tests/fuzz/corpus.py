"""Small folders of games to damage: a few plays in each layout, simulated or cut out of the real games."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from pipeline.readers.feed_files import FeedWriter
from playscore.game import AttackingDirection
from playscore.passing import situation_of
from playscore.shots import ShotOutcome, ShotResult, ShotSituation
from playscore.wire.games import feed_of
from simulator import SimulatedGame, bdb2019, simulate
from simulator.hockey import SimulatedHockeyGame, big_data_cup, edge, play_by_play, simulate_games, simulate_shots

Tables = dict[str, pl.DataFrame]
"""By the names of their files, without endings: a table's own name, perhaps with more behind a dash."""


@dataclass(frozen=True)
class Corpus:
    """A folder of sound files."""

    name: str
    folder: Path

    @property
    def files(self) -> Sequence[Path]:
        """Its files, by name."""
        return sorted(self.folder.iterdir())


def table_of(file: Path) -> str:
    """The table that a file of a corpus holds; "feed" for messages."""
    return file.name.split(".")[0].split("-")[0]


# --- simulated games ---

_PLAYS: Final = ((0, 1, 2, 3), (1, 3))
"""Places of the plays that are listed, by game. The two games have plays of the same identifiers."""
_FILMED: Final = (2, 1)
"""How many of them are filmed, by game: passes that can be scored."""


@cache
def _simulated() -> tuple[SimulatedGame, ...]:
    games = simulate(seed=1, games=len(_PLAYS))
    return tuple(
        replace(each, game=replace(each.game, plays=[each.game.plays[place] for place in places]))
        for each, places in zip(games, _PLAYS, strict=True)
    )


def _bdb2019(games: int = len(_PLAYS)) -> Tables:
    """The games as the simulator writes them."""
    with TemporaryDirectory() as name:
        bdb2019.write(_simulated()[:games], Path(name), "parquet")
        tables = {file.stem: pl.read_parquet(file) for file in sorted(Path(name).iterdir())}
    for each, filmed in zip(_simulated()[:games], _FILMED, strict=False):
        game = each.game
        shown = pl.col("playId").is_in([int(play.context.play_id) for play in game.plays[:filmed]])
        samples = tables.pop(f"tracking_gameId_{game.header.game_id}")
        tables[f"tracking-{game.header.game_id}"] = samples.filter(shown)
    return tables


def _later_tracking(tables: Tables) -> pl.DataFrame:
    """Samples of all games with what layouts after that of 2019 tell besides."""
    teams = {
        (int(each.game.header.game_id), side): team
        for each in _simulated()
        for side, team in zip(("home", "away"), each.game.header.team_ids, strict=True)
    }
    directions = {
        (int(each.game.header.game_id), int(play.context.play_id)): (
            "right" if play.context.attacking_direction is AttackingDirection.POSITIVE_X else "left"
        )
        for each in _simulated()
        for play in each.game.plays
    }
    samples = pl.concat([table for name, table in tables.items() if name.startswith("tracking")])
    games, plays = samples["gameId"], samples["playId"]
    return samples.rename({"frame.id": "frameId"}).with_columns(
        pl.Series("club", [teams.get(key, "football") for key in zip(games, samples["team"], strict=True)]),
        pl.Series("playDirection", [directions[key] for key in zip(games, plays, strict=True)]),
        pl.Series("time", [f"2030-09-07T17:00:{frame / 10:06.3f}" for frame in samples["frame.id"]]),
        pl.col("dir").alias("o"),
        a=1.0,
    )


def _later_plays(plays: pl.DataFrame) -> pl.DataFrame:
    return plays.rename(
        {
            "GameClock": "gameClock",
            "PassResult": "passResult",
            "HomeScoreBeforePlay": "preSnapHomeScore",
            "VisitorScoreBeforePlay": "preSnapVisitorScore",
            "PassLength": "passLength",
        }
    ).with_columns(pl.col("gameClock").str.slice(0, 5))


def _bdb2023() -> Tables:
    tables = _bdb2019(1)
    names = pl.concat_str("FirstName", pl.lit(" "), "LastName").alias("displayName")
    return {
        "tracking": _later_tracking(tables).select(
            "gameId", "playId", "nflId", "frameId", "time", "jerseyNumber", "club", "playDirection", "x", "y", "s", "a",
            "dis", "o", "dir", "event",
        ).rename({"club": "team"}),
        "plays": _later_plays(tables["plays"]).with_columns(
            pl.lit(None, dtype=pl.String).alias("defensiveTeam"), pl.col("PlayResult").alias("prePenaltyPlayResult")
        ),
        "players": tables["players"].select("nflId", pl.col("PositionAbbr").alias("officialPosition"), names),
        "games": tables["games"],
    }  # fmt: skip


def _bdb2025() -> Tables:
    tables = _bdb2019()
    samples = _later_tracking(tables)
    passes = [
        (each.game, play.context.play_id, situation_of(play.context))
        for each in _simulated()
        for play in each.game.plays
    ]
    return {
        "tracking-week1": samples.select(
            "gameId", "playId", "nflId", "displayName", "frameId",
            pl.when(pl.col("frameId") > 10).then(pl.lit("AFTER_SNAP")).otherwise(pl.lit("BEFORE_SNAP"))
            .alias("frameType"),
            "time", "jerseyNumber", "club", "playDirection", "x", "y", "s", "a", "dis", "o", "dir", "event",
        ),
        "plays": _later_plays(tables["plays"]).with_columns(
            pl.lit("N").alias("playNullifiedByPenalty"), pl.col("PlayResult").alias("prePenaltyYardsGained")
        ),
        "games": tables["games"],
        "players": tables["players"].select(
            "nflId", pl.col("PositionAbbr").alias("position"), pl.col("LastName").alias("displayName")
        ),
        "player_play": pl.DataFrame(
            [
                {
                    "gameId": game.header.game_id, "playId": play_id, "nflId": player_id,
                    "hadDropback": int(place == 0), "passingYards": 0, "wasTargettedReceiver": int(place == 1),
                }
                for game, play_id, situation in passes
                for place, player_id in enumerate((situation.passer_id, situation.target_id))
                if player_id
            ]
        ),
    }  # fmt: skip


# --- simulated hockey ---

_LEAST_GOALS: Final = 2


@cache
def _filmed_hockey() -> SimulatedHockeyGame:
    """One game of short periods."""
    (game,) = simulate_games(seed=3, games=1, period_seconds=30.0)
    return game


@cache
def _hockeyr() -> Tables:
    """Two games."""
    games = simulate_shots(seed=3, games=2, period_seconds=60.0)
    return {"events": pl.concat([play_by_play.table(game) for game in games])}


def _bdc2026() -> Tables:
    """One game, and the film of the first period in which a shot is listed."""
    game = _filmed_hockey()
    events = big_data_cup.events(game)
    period = int(events.filter(pl.col("Event").is_in(["Shot", "Goal"]))["Period"][0])
    camera = {"Game": big_data_cup.name_of(game), "GoalieTeamOnRightSideOfRink1stPeriod": "Away"}
    return {
        f"tracking-{period}": big_data_cup.tracking(game, period),
        "events": events,
        "cameras": pl.DataFrame([camera]),
    }


def _write_edge(folder: Path) -> None:
    """Replays of a game's first shots, as if they had been goals."""
    game = _filmed_hockey()
    shots = [play for play in game.game.plays if isinstance(play.context.situation, ShotSituation)][:_LEAST_GOALS]
    goals = [replace(shot, outcome=ShotOutcome(ShotResult.GOAL)) for shot in shots]
    for play, frames in edge.replays(replace(game, game=replace(game.game, plays=goals))):
        name = f"{game.game.header.game_id}_ev{play.context.play_id}.json"
        (folder / name).write_text(json.dumps(frames))


# --- real games ---

_BEFORE: Final = 10
_FRAMES: Final = 60
"""Of a real play: as many before its snap, as many in all."""


def _hackathon2015(data: Path) -> Tables:
    plays = pl.read_parquet(data / "hackathon2015_plays.parquet").filter(gameId=1)
    listed = plays.filter(pl.col("ngsPlayId").is_in([10, 100, 110, 120, 130]))
    samples = _rows(data / "hackathon2015_tracking.parquet", 1, (10, 100), "ngsPlayId")
    return {
        "tracking": _around_the_snap(samples, "ngsPlayId", ("snap",)),
        "plays": listed,
        "roster": pl.read_parquet(data / "hackathon2015_roster_team4_COL.parquet"),
    }


def _ngs_highlights(data: Path) -> Tables:
    game, plays = 2018111900, (137, 884)
    gsis = pl.scan_parquet(data / "ngs_highlights_gsis_plays.parquet")
    samples = _rows(data / "ngs_highlights_tracking.parquet", game, plays)
    return {"tracking": _around_the_snap(samples), "gsis_plays": gsis.filter(gameId=game).collect()}


def _bdb2023_sample(data: Path) -> Tables:
    games = (2021091300, 2021091910)
    samples = pl.concat([_rows(data / "bdb2023_sample_tracking.parquet", game) for game in games])
    plays = pl.read_parquet(data / "bdb2023_sample_plays.parquet").filter(pl.col("gameId").is_in(games))
    return {
        "tracking": samples,
        "plays": plays,
        "players": pl.read_parquet(data / "bdb2023_sample_players.parquet"),
    }


def _bdb2022(data: Path) -> Tables:
    plays = pl.read_parquet(data / "bdb2022_special_teams_plays.parquet").head(2)
    keys = plays.select(pl.col("gameId", "playId").cast(pl.Int64)).unique(maintain_order=True)
    samples = [_rows(data / "bdb2022_special_teams_tracking.parquet", game, (play,)) for game, play in keys.iter_rows()]
    return {"tracking": pl.concat([_around_the_snap(each) for each in samples]), "plays": plays}


def _rows(file: Path, game: int, plays: Iterable[int] | None = None, play: str = "playId") -> pl.DataFrame:
    rows = pl.scan_parquet(file).filter(gameId=game)
    return (rows if plays is None else rows.filter(pl.col(play).is_in(list(plays)))).collect()


def _around_the_snap(
    samples: pl.DataFrame, play: str = "playId", snaps: Sequence[str] = ("ball_snap", "kickoff")
) -> pl.DataFrame:
    """Six seconds of each play."""
    moment = pl.col("time").rank("dense").over(play)
    snap = moment.filter(pl.col("event").is_in(snaps)).min().over(play).fill_null(_BEFORE)
    return samples.filter((moment - snap.cast(pl.Int64)).is_between(-_BEFORE, _FRAMES - _BEFORE))


def _pwhl(data: Path) -> Tables:
    rows = pl.read_parquet(data / "pwhl_pbp_2024_26.parquet")
    return {"events": rows.filter(pl.col("game_id").is_in([2, 3])).group_by("game_id", maintain_order=True).head(60)}


def _nhl_sog(data: Path) -> Tables:
    rows = pl.read_parquet(data / "nhl_sog_2024_26.parquet").filter(pl.col("gameId").is_in([2024020060, 2024020090]))
    games = pl.read_parquet(data / "nhl_games_2024_26.parquet")
    return {"events": rows, "games": games.filter(pl.col("gameId").is_in(rows["gameId"].unique().to_list()))}


def _wisehockey(data: Path) -> Tables:
    rows = pl.read_parquet(data / "wisehockey_events.parquet")
    return {"events": rows.group_by("_source_path", maintain_order=True).head(250)}


# --- folders ---

SIMULATED: Final[Mapping[str, Callable[[Path], None]]] = {
    "bdb2019 csv": lambda folder: _write(folder, _bdb2019(1), "csv"),
    "bdb2019 parquet": lambda folder: _write(folder, _bdb2019(), "parquet"),
    "bdb2023 csv": lambda folder: _write(folder, _bdb2023(), "csv"),
    "bdb2025 csv": lambda folder: _write(folder, _bdb2025(), "csv"),
    "bdb2025 parquet": lambda folder: _write(folder, _bdb2025(), "parquet"),
    "feed binary": lambda folder: _write_feed(folder / "feed.feed"),
    "feed lines": lambda folder: _write_feed(folder / "feed.jsonl"),
    "hockeyr csv": lambda folder: _write(folder, _hockeyr(), "csv"),
    "hockeyr parquet": lambda folder: _write(folder, _hockeyr(), "parquet"),
    "bdc2026 csv": lambda folder: _write(folder, _bdc2026(), "csv"),
    "edge json": _write_edge,
}
"""By name: what writes them."""
REAL: Final[Mapping[str, Callable[[Path, Path], None]]] = {
    "hackathon2015 csv": lambda data, folder: _write(folder, _hackathon2015(data / "nfl"), "csv"),
    "ngs_highlights csv": lambda data, folder: _write(folder, _ngs_highlights(data / "nfl"), "csv"),
    "ngs_highlights parquet": lambda data, folder: _write(folder, _ngs_highlights(data / "nfl"), "parquet"),
    "bdb2022 csv": lambda data, folder: _write(folder, _bdb2022(data / "nfl"), "csv"),
    "bdb2023 parquet": lambda data, folder: _write(folder, _bdb2023_sample(data / "nfl"), "parquet"),
    "nhl_sog csv": lambda data, folder: _write(folder, _nhl_sog(data / "hockey"), "csv"),
    "pwhl csv": lambda data, folder: _write(folder, _pwhl(data / "hockey"), "csv"),
    "wisehockey csv": lambda data, folder: _write(folder, _wisehockey(data / "hockey"), "csv"),
}
"""The same, from the folder of real data."""


def corpus(name: str, folder: Path, real_data: Path | None = None) -> Corpus:
    """A corpus by its name, written into a new folder within `folder`."""
    target = folder / name.replace(" ", "_")
    target.mkdir()
    if name in SIMULATED:
        SIMULATED[name](target)
    else:
        assert real_data is not None
        REAL[name](real_data, target)
    return Corpus(name, target)


def _write(folder: Path, tables: Tables, file_format: str) -> None:
    for name, table in tables.items():
        if file_format == "csv":
            table.write_csv(folder / f"{name}.csv", null_value="NA")
        else:
            table.write_parquet(folder / f"{name}.parquet")


def _write_feed(file: Path) -> None:
    with FeedWriter(file) as writer:
        for each, filmed in zip(_simulated(), _FILMED, strict=True):
            for message in feed_of(replace(each.game, plays=each.game.plays[:filmed])):
                writer.write(message)


def write(file: Path, data: bytes | pl.DataFrame) -> None:
    """Write a damaged file in place of the link to a sound one."""
    file.unlink(missing_ok=True)
    if isinstance(data, bytes):
        file.write_bytes(data)
    else:
        data.write_parquet(file)
