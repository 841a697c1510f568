"""Simulated hockey as a live source tells it and as files have it, with the traps of the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from playscore.faceoffs import FaceoffSituation
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.shots import ShotResult, ShotSituation, outcome_of
from playscore.wire.games import game_from_feed
from simulator.commands import simulate
from simulator.hockey import SimulatedHockeyGame, big_data_cup, edge, feed, play_by_play, simulate_games
from simulator.hockey.rinks import RATE_HERTZ

REAL = Path(__file__).parents[4] / "shared" / "data" / "hockey"
needs_real_files = pytest.mark.skipif(not REAL.exists(), reason="the real games are not here")


@pytest.fixture(scope="module")
def games() -> list[SimulatedHockeyGame]:
    return list(simulate_games(11, 6, period_seconds=60.0))


@pytest.fixture(scope="module")
def with_goals(games: list[SimulatedHockeyGame]) -> SimulatedHockeyGame:
    return max(games, key=lambda simulated: sum(simulated.final_score))


def results(simulated: SimulatedHockeyGame) -> list[ShotResult]:
    outcomes = [outcome_of(play) for play in simulated.game.plays]
    return [outcome.result for outcome in outcomes if outcome is not None and outcome.result is not None]


def test_a_feed_tells_the_whole_game(with_goals: SimulatedHockeyGame) -> None:
    told = game_from_feed(feed.feed_of(with_goals))
    assert told.header == with_goals.game.header
    assert told.roster == with_goals.game.roster
    plays = {play.context.play_id: play for play in told.plays}
    assert len(plays) == len(with_goals.game.plays)
    for play in with_goals.game.plays:
        heard = plays[play.context.play_id]
        assert heard.outcome == play.outcome
        assert heard.context.release_frame == play.context.release_frame
        np.testing.assert_array_equal(heard.tracks[0].x, play.tracks[0].x)
        np.testing.assert_array_equal(heard.frames.frame_numbers, play.frames.frame_numbers)
        seen = [play.frames.player_ids.index(player) for player in heard.frames.player_ids]
        np.testing.assert_array_equal(heard.frames.x, play.frames.x[:, seen])


def test_a_feed_is_in_the_order_of_time(with_goals: SimulatedHockeyGame) -> None:
    messages = list(feed.feed_of(with_goals))
    assert [message.WhichOneof("message") for message in messages[:2]] == ["header", "roster"]
    assert messages[-1].WhichOneof("message") == "end_game"
    filmed: dict[str, int] = {}
    asked: set[str] = set()
    for message in messages:
        match message.WhichOneof("message"):
            case "frames":
                numbers = message.frames.frame_numbers
                assert len(numbers) <= RATE_HERTZ
                assert numbers[0] == filmed.get(message.frames.segment_id, -1) + 1
                filmed[message.frames.segment_id] = numbers[-1]
            case "context":
                asked.add(message.context.play_id)
                late = filmed[message.context.segment_id] - message.context.release_frame
                assert 0.3 * RATE_HERTZ - feed.BATCH_FRAMES <= late <= 1.0 * RATE_HERTZ
            case "official_result":
                assert message.official_result.play_id in asked


def test_a_shots_result_is_told_after_the_puck_has_arrived(with_goals: SimulatedHockeyGame) -> None:
    arrived = {
        with_goals.play_ids[0][place]: attempt.ended_frame
        for place, attempt in enumerate(with_goals.played.log.attempts)
    }
    filmed = 0
    for message in feed.feed_of(with_goals):
        match message.WhichOneof("message"):
            case "frames":
                filmed = message.frames.frame_numbers[-1]
            case "official_result" if message.official_result.play_id in arrived:
                assert filmed >= arrived[message.official_result.play_id]


def test_a_file_of_feed_messages_can_be_read_again(with_goals: SimulatedHockeyGame, tmp_path: Path) -> None:
    feed.write([with_goals], tmp_path)
    (file,) = tmp_path.iterdir()
    data, place, read = file.read_bytes(), 0, []
    while place < len(data):
        size = shift = 0
        while True:
            byte = data[place]
            size |= (byte & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if byte < 0x80:
                break
        read.append(FeedMessage.FromString(data[place : place + size]))
        place += size
    assert read == list(feed.feed_of(with_goals))


def test_a_replay_ends_with_the_puck_in_the_net(with_goals: SimulatedHockeyGame, tmp_path: Path) -> None:
    edge.write([with_goals], tmp_path)
    files = list(tmp_path.rglob("ev*.json"))
    assert len(files) == sum(with_goals.final_score) > 0
    for file in files:
        frames = json.loads(file.read_text(encoding="utf-8"))
        stamps = [frame["timeStamp"] for frame in frames]
        assert set(np.diff(stamps)) == {1}
        entries = [entry for frame in frames for entry in frame["onIce"].values()]
        assert all(0 <= entry["x"] <= 2400 and 0 <= entry["y"] <= 1020 for entry in entries)
        assert all(
            entry["id"] in (1, 1000 * (entry["teamId"] or 0) + (entry["sweaterNumber"] or 0)) for entry in entries
        )
        puck = [frame["onIce"]["1"] for frame in frames]
        beyond = [abs(entry["x"] / 12 - 100) > 89 and abs(entry["y"] / 12 - 42.5) < 3 for entry in puck]
        assert any(beyond)
        assert not beyond[0]


def test_a_play_by_play_lists_every_attempt_and_faceoff(games: list[SimulatedHockeyGame]) -> None:
    for simulated in games:
        rows = play_by_play.table(simulated)
        counts = dict(rows["event_type"].value_counts().iter_rows())
        found = results(simulated)
        assert counts.get("GOAL", 0) == found.count(ShotResult.GOAL)
        assert counts.get("SHOT", 0) == found.count(ShotResult.SAVED)
        assert counts.get("MISSED_SHOT", 0) == found.count(ShotResult.MISSED) + found.count(ShotResult.POST)
        assert counts.get("BLOCKED_SHOT", 0) == found.count(ShotResult.BLOCKED)
        assert counts["FACEOFF"] == sum(
            isinstance(play.context.situation, FaceoffSituation) for play in simulated.game.plays
        )
        assert rows["event_idx"].n_unique() == len(rows)
        assert rows["period"].is_sorted()


def test_a_play_by_play_has_the_traps_of_the_real_one(games: list[SimulatedHockeyGame]) -> None:
    rows = pl.concat([play_by_play.table(simulated) for simulated in games])
    missed = rows.filter(pl.col("event_type").is_in(["MISSED_SHOT", "BLOCKED_SHOT"]))
    assert missed["secondary_type"].is_null().all()
    assert rows.filter(pl.col("event_type").is_in(["SHOT", "GOAL"]))["secondary_type"].is_not_null().all()
    for game in rows.partition_by("game_id"):
        goals = game.filter(pl.col("event_type") == "GOAL")
        totals = (goals["home_score"] + goals["away_score"]).to_list()
        assert totals == [float(number) for number in range(1, len(totals) + 1)]
    blocked = rows.filter(pl.col("event_type") == "BLOCKED_SHOT")
    theirs = pl.when(pl.col("event_team_type") == "home").then(pl.col("away_abbreviation"))
    assert blocked.select((pl.col("event_team_abbr") == theirs.otherwise(pl.col("home_abbreviation"))).all()).item()
    assert rows.filter(pl.col("event_type") == "PERIOD_END")["strength_state"].unique().to_list() == ["0v0"]
    attacks = rows.filter(pl.col("event_type").is_in(["SHOT", "GOAL"]))
    side = pl.when(pl.col("event_team_type") == "home").then(pl.col("x_fixed")).otherwise(-pl.col("x_fixed"))
    assert attacks.select((side > 0).mean()).item() > 0.9


def test_tracking_comes_at_thirty_frames_a_second_with_puck_and_players(with_goals: SimulatedHockeyGame) -> None:
    table = big_data_cup.tracking(with_goals, 1)
    puck = table.filter(pl.col("Player or Puck") == "Puck")
    images = puck["Image Id"].str.extract(r"_(\d+)$").cast(pl.Int64)
    assert images.diff().drop_nulls().unique().to_list() == [1]
    play = next(play for play in with_goals.game.plays if play.context.segment == "period-1")
    assert len(puck) == len(play.tracks[0].x[::2])
    first = table.filter(pl.col("Image Id") == puck["Image Id"][0])
    assert len(first) == 13
    assert first.filter(pl.col("Player Jersey Number") == "Go")["Team"].to_list() == ["Home", "Away"]
    clocks = puck["Game Clock"].str.split(":").list.eval(pl.element().cast(pl.Int64))
    seconds = (clocks.list.get(0) * 60 + clocks.list.get(1)).to_list()
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] == 60


def test_its_events_name_shots_with_how_and_where_they_ended(games: list[SimulatedHockeyGame]) -> None:
    for simulated in games:
        rows = big_data_cup.events(simulated)
        shots = rows.filter(pl.col("Event").is_in(["Shot", "Goal"]))
        plays = [play for play in simulated.game.plays if isinstance(play.context.situation, ShotSituation)]
        assert len(shots) == len(plays)
        assert shots["Detail_1"].is_not_null().all()
        assert set(shots["Detail_2"]) <= {"On Net", "Missed", "Blocked"}
        passes = rows.filter(pl.col("Event") == "Play")
        assert passes["X_Coordinate_2"].is_not_null().all()


@needs_real_files
def test_the_tables_have_columns_of_the_real_ones_in_their_order(with_goals: SimulatedHockeyGame) -> None:
    def columns(name: str) -> list[str]:
        return list(pl.read_parquet_schema(REAL / f"{name}.parquet"))

    real = [name for name in columns("nhl_pbp_hockeyR") if name in play_by_play.SCHEMA]
    assert play_by_play.table(with_goals).columns == real
    folder = "stathletes_noncommercial"
    for table, name in (
        (big_data_cup.tracking(with_goals, 1), "bdc2026_tracking_clips"),
        (big_data_cup.events(with_goals), "bdc2026_events"),
    ):
        assert table.columns == [each for each in columns(f"{folder}/{name}") if each != "sourceFile"]


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        ("feed", {"2030020001.feed"}),
        ("hockeyr", {"play_by_play.csv"}),
        ("bdc2026", {"camera_orientations.csv", "2030-10-08.PIN.@.AUR.Events.csv"}),
    ],
)
def test_the_command_writes_each_layout(layout: str, files: set[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--sport", "hockey", "--period-minutes", "0.5", "--layout", layout, "--out", str(out)]
    done = CliRunner().invoke(simulate, arguments)
    assert done.exit_code == 0, done.output
    assert files <= {file.name for file in out.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sport", "hockey", "--layout", "bdb2019"], "bdb2019 is no layout of hockey: choose feed"),
        (["--layout", "edge"], "edge is no layout of football: choose bdb2019"),
        (["--sport", "hockey", "--plays", "9", "--format", "csv"], "--plays, --format: for football only"),
    ],
)
def test_the_command_says_which_choices_do_not_go_together(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(simulate, [*arguments, "--out", str(tmp_path / "out")])
    assert done.exit_code != 0
    assert words in done.output
    assert not (tmp_path / "out").exists()
