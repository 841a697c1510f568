"""Shots and face-offs told when the film of a period has gone on for longer than it is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from featurizer.core.game_stream import GameStream
from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.segments import MAX_FRAMES, MAX_TRACK_SAMPLES
from featurizer.tasks import TASKS
from playscore.errors import Reason
from playscore.faceoffs import FaceoffSituation
from playscore.game import Frames, Play, Track
from playscore.shots import ShotResult, ShotSituation, outcome_of
from simulator.hockey import SimulatedHockeyGame, simulate_game

SEGMENT = "period-1"


@pytest.fixture(scope="module")
def game() -> SimulatedHockeyGame:
    return simulate_game(7, 0, period_seconds=90)


def plays_of(game: SimulatedHockeyGame, situation: type) -> list[Play]:
    return [
        play
        for play in game.game.plays
        if isinstance(play.context.situation, situation) and play.context.segment_id == SEGMENT
    ]


def unblocked_shot(game: SimulatedHockeyGame) -> Play:
    shots = plays_of(game, ShotSituation)
    return next(shot for shot in shots if (ended := outcome_of(shot)) and ended.result is not ShotResult.BLOCKED)


def streamed(game: SimulatedHockeyGame) -> GameStream:
    """The first period, filmed."""
    play = plays_of(game, ShotSituation)[0]
    stream = GameStream(game.game.header, TASKS)
    stream.add_players(game.game.roster)
    for track in play.tracks:
        for start in range(0, len(track), 60):
            stream.add_track(SEGMENT, track.samples(start, start + 60))
    for start in range(0, len(play.frames), 15):
        stream.add_frames(SEGMENT, play.frames.rows(start, start + 15))
    return stream


def later_frames(frames: Frames, count: int) -> Frames:
    """The last frame, again and again."""
    last = int(frames.frame_numbers[-1])
    numbers = np.arange(last + 1, last + 1 + count, dtype=np.int32)
    rows = np.full(count, len(frames) - 1)
    return Frames(numbers, frames.player_ids, frames.x[rows], frames.y[rows])


def later_samples(track: Track, count: int) -> Track:
    """The last sample, again and again."""
    last = int(track.sample_numbers[-1])
    rows = np.full(count, len(track) - 1)
    return replace(
        track,
        sample_numbers=np.arange(last + 1, last + 1 + count, dtype=np.int32),
        x=track.x[rows],
        y=track.y[rows],
        z=None if track.z is None else track.z[rows],
    )


def test_a_shot_whose_puck_was_let_go_is_not_made_without_it(game: SimulatedHockeyGame) -> None:
    shot = unblocked_shot(game)
    assert isinstance(streamed(game).add_context(shot.context)[0], Tensor)

    stream = streamed(game)
    for start in range(0, MAX_TRACK_SAMPLES + 60, 60):
        stream.add_track(SEGMENT, later_samples(shot.tracks[0], MAX_TRACK_SAMPLES + 60).samples(start, start + 60))
    refused = stream.add_context(shot.context)[0]
    assert isinstance(refused, Rejection)
    assert refused.reason is Reason.TRACKING_UNAVAILABLE


def test_a_faceoff_needs_no_film(game: SimulatedHockeyGame) -> None:
    faceoff, shot = plays_of(game, FaceoffSituation)[0], unblocked_shot(game)
    stream = streamed(game)
    after = later_frames(faceoff.frames, 2 * MAX_FRAMES)
    for start in range(0, len(after), 15):
        stream.add_frames(SEGMENT, after.rows(start, start + 15))
    refused = stream.add_context(shot.context)[0]
    assert isinstance(refused, Rejection)
    assert refused.reason is Reason.TRACKING_UNAVAILABLE
    assert isinstance(stream.add_context(faceoff.context)[0], Tensor)
