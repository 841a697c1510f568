"""Replays of goals by NHL EDGE."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.tasks import TASKS
from playscore.errors import PlayscoreError
from playscore.game import AttackingDirection, Game, HomeSide, Play, Sport
from playscore.shots import ShotOutcome, ShotResult, situation_of
from playscore.sources import layouts, open_source

Replay = list[dict[str, Any]]
START = 17_280_628_929
PLACES = {
    ("7001", 8001, "BUF"): (-85.0, 1.0),
    ("7019", 8019, "BUF"): (60.0, 10.0),
    ("7088", 8088, "BUF"): (40.0, -20.0),
    ("9030", 9030, "OTT"): (85.0, 0.5),
    ("9004", 9004, "OTT"): (75.0, 5.0),
}
"""Feet from the center of the ice; the first and the fourth stand in their creases."""


def inches(x: float, y: float) -> dict[str, float]:
    return {"x": (x + 100.0) * 12.0, "y": (y + 42.5) * 12.0}


def replay(goals_x: float = 1.0, without: tuple[str, ...] = ()) -> Replay:
    """Three seconds in which the puck goes from the slot into the net at +x, or at -x if `goals_x` is -1."""
    frames = []
    for tenth in range(30):
        on_ice: dict[str, Any] = {
            key: {
                "id": int(key), "playerId": player, **inches(x, y), "sweaterNumber": int(key) % 1000,
                "teamId": int(key) // 1000, "teamAbbrev": team,
            }
            for (key, player, team), (x, y) in PLACES.items()
            if key not in without
        }  # fmt: skip
        on_ice["1"] = {
            "id": 1, "playerId": "", **inches(goals_x * min(60.0 + 6.0 * max(tenth - 20, 0), 91.0), 1.0),
            "sweaterNumber": "", "teamId": "", "teamAbbrev": "",
        }  # fmt: skip
        frames.append({"timeStamp": START + tenth, "onIce": on_ice})
    return frames


def write(file: Path, frames: Replay) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(frames))


def only_game(folder: Path) -> Game:
    source = open_source(folder)
    (game_id,) = source.game_ids
    return source.game(game_id)


def only_goal(folder: Path, frames: Replay) -> Play:
    write(folder / "2023020001" / "ev53.json", frames)
    (play,) = only_game(folder).plays
    return play


def test_a_goal_is_a_play_with_film_of_players_and_puck_in_feet(tmp_path: Path) -> None:
    play = only_goal(tmp_path, replay())
    game = only_game(tmp_path)
    header = game.header
    assert (header.game_id, header.league, header.sport, header.season) == (
        "2023020001", "NHL", Sport.ICE_HOCKEY, 2023,
    )  # fmt: skip
    assert (header.frame_rate_hertz, header.home_side) == (10.0, HomeSide.UNKNOWN)
    assert (play.context.play_id, play.outcome) == ("ev53", ShotOutcome(ShotResult.GOAL))
    assert play.frames.frame_numbers.tolist() == list(range(30))
    assert play.frames.times_unix_micros is not None
    assert play.frames.times_unix_micros[0] == START * 100_000
    column = play.frames.player_ids.index("8019")
    np.testing.assert_allclose([play.frames.x[0, column], play.frames.y[0, column]], (60.0, 10.0), atol=1e-3)
    (puck,) = play.tracks
    np.testing.assert_allclose([puck.x[0], puck.y[0], puck.x[-1]], (60.0, 1.0, 91.0), atol=1e-3)
    assert {player.player_id: player.jersey_number for player in game.roster}["8019"] == 19


@pytest.mark.parametrize(("end", "team"), [(1.0, "BUF"), (-1.0, "OTT")])
def test_the_net_that_the_puck_went_into_tells_whose_goal_it_was(tmp_path: Path, end: float, team: str) -> None:
    context = only_goal(tmp_path, replay(end)).context
    assert context.attacking_team_id == team
    assert context.attacking_direction is (AttackingDirection.POSITIVE_X if end > 0 else AttackingDirection.NEGATIVE_X)
    situation = situation_of(context)
    assert (situation.shooter_id, context.release_frame, context.opens_at_frame) == ("", None, 0)


@pytest.mark.parametrize("end", [1.0, -1.0])
def test_on_an_empty_net_the_goalie_at_the_other_end_tells(tmp_path: Path, end: float) -> None:
    beaten = "9030" if end > 0 else "7001"
    team = only_goal(tmp_path, replay(end, without=(beaten,))).context.attacking_team_id
    assert team == ("BUF" if end > 0 else "OTT")


def test_without_goalies_nobody_is_said_to_have_scored(tmp_path: Path) -> None:
    assert only_goal(tmp_path, replay(without=("9030", "7001"))).context.attacking_team_id == ""


def test_which_side_is_left_changes_no_factor(tmp_path: Path) -> None:
    def factors(name: str, frames: Replay) -> np.ndarray:
        play = only_goal(tmp_path / name, frames)
        game = only_game(tmp_path / name)
        roster = {player.player_id: player for player in game.roster}
        made = featurize(TASKS, game.header, roster, play.context, [play.frames], play.tracks)
        assert isinstance(made, Tensor), made
        return made.statics

    mirrored = replay()
    for frame in mirrored:
        for each in frame["onIce"].values():
            each["y"] = 1020.0 - each["y"]
    np.testing.assert_allclose(factors("mirrored", mirrored), factors("as it came", replay()), atol=1e-3)


def test_who_stands_in_the_creases_is_a_goalie(tmp_path: Path) -> None:
    only_goal(tmp_path, replay())
    positions = {player.player_id: player.position for player in only_game(tmp_path).roster}
    assert {player for player, position in positions.items() if position == "G"} == {"8001", "9030"}


def test_goals_are_grouped_by_the_game_in_their_names(tmp_path: Path) -> None:
    write(tmp_path / "2023020001_ev53.json", replay())
    write(tmp_path / "2023020001-ev99.json", replay(-1.0))
    write(tmp_path / "2023020002" / "ev7.json", replay())
    write(tmp_path / "some goal.json", replay())
    source = open_source(tmp_path)
    plays = {game_id: [play.context.play_id for play in source.game(game_id).plays] for game_id in source.game_ids}
    assert plays == {"some goal": ["goal"], "2023020001": ["ev99", "ev53"], "2023020002": ["ev7"]}


def test_one_file_is_enough_packed_or_not(tmp_path: Path) -> None:
    file = tmp_path / "2023020001_ev53.json.gz"
    file.write_bytes(gzip.compress(json.dumps(replay()).encode()))
    assert layouts()["edge"].open(file).game_ids == ("2023020001",)
    assert [play.context.play_id for play in only_game(tmp_path).plays] == ["ev53"]


def test_frames_that_come_twice_and_gaps_stay(tmp_path: Path) -> None:
    frames = replay()
    play = only_goal(tmp_path, [*frames[:10], frames[9], *frames[15:]])
    assert play.frames.frame_numbers.tolist() == [*range(10), 9, *range(15, 30)]


def test_a_puck_that_is_not_seen_has_no_samples(tmp_path: Path) -> None:
    frames = replay()
    for frame in frames[5:10]:
        del frame["onIce"]["1"]
    (puck,) = only_goal(tmp_path, frames).tracks
    assert puck.sample_numbers.tolist() == [*range(5), *range(10, 30)]


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    frames = replay()
    frames[3]["onIce"]["7019"]["x"] = None
    frames[4]["onIce"]["7019"]["teamAbbrev"] = ""
    del frames[5]["timeStamp"]
    frames[6]["timeStamp"] = 12
    write(tmp_path / "2023020001" / "ev53.json", frames)
    (tmp_path / "2023020001" / "ev54.json").write_text(json.dumps(replay())[:-40])
    source = open_source(tmp_path)
    first, second = source.game("2023020001").plays
    assert (len(first.frames), len(second.frames)) == (28, 0)
    assert second.outcome == ShotOutcome(ShotResult.GOAL)
    assert {loss.reason: loss.count for loss in source.losses()} == {
        "somebody on the ice has no place": 1,
        "somebody on the ice has no team": 1,
        "the frame has no timeStamp or no onIce": 1,
        "timeStamp is not one of the replay": 1,
        "the file is no JSON of a replay": 1,
    }


def test_a_game_of_three_teams_is_refused(tmp_path: Path) -> None:
    frames = replay()
    for frame in frames:
        frame["onIce"]["7019"]["teamAbbrev"] = "TOR"
    write(tmp_path / "2023020001" / "ev53.json", frames)
    with pytest.raises(PlayscoreError, match=r"2023020001 .* BUF, OTT, TOR, not two teams"):
        only_game(tmp_path)


def test_a_slip_of_a_team_costs_no_game(tmp_path: Path) -> None:
    frames = replay()
    frames[0]["onIce"]["7019"]["teamAbbrev"] = "TOR"
    write(tmp_path / "2023020001" / "ev53.json", frames)
    source = open_source(tmp_path)
    (play,) = source.game("2023020001").plays
    assert np.isnan(play.frames.x[0, play.frames.player_ids.index("8019")])
    assert [(loss.reason, loss.count) for loss in source.losses()] == [("the team is neither of those that play", 1)]


def test_other_json_is_not_taken_for_a_replay(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('[{"name": "x"}]')
    assert layouts()["edge"].recognize(tmp_path).missing
    with pytest.raises(PlayscoreError, match="holds no replays"):
        layouts()["edge"].open(tmp_path)
