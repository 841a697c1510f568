"""The plays of the page: their frames, their distributions, and what their scores say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from deploy.local.page import words
from playscore.distribution.v1 import distribution_pb2 as messages
from playscore.distributions import Censored
from playscore.game import AttackingDirection, Floats, Game, Play, Track, TrackedObject
from playscore.passing import PassOutcome, situation_of
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.wire.distributions import distribution_from_message

PLAYS_SHOWN = 12
FRAME_RATE_HERTZ = 10.0
FIELD_YARDS = 120.0
FIELD_WIDTH_YARDS = 160.0 / 3.0

ScoredPass = tuple[scorer.PassScore, messages.Support]
"""A graded score and the support of its distribution."""


def plays_data(games: Sequence[Game], scored: Sequence[ScoredPass]) -> list[dict[str, Any]]:
    """A spread of plays: the best, the worst, and those between at even steps of the score."""
    ranked = sorted(scored, key=lambda one: one[0].grade.play_score, reverse=True)
    steps = np.unique(np.linspace(0, max(len(ranked) - 1, 0), min(PLAYS_SHOWN, len(ranked))).astype(int))
    play_of = {(game.header.game_id, play.context.play_id): (game, play) for game in games for play in game.plays}
    shown = []
    for score, support in (ranked[step] for step in steps):
        game, play = play_of[score.key.game_id, score.key.play_id]
        shown.append(_play_data(game, play, score, support))
    return shown


def _play_data(game: Game, play: Play, score: scorer.PassScore, support: messages.Support) -> dict[str, Any]:
    situation, yards = situation_of(play.context), score.grade.yards_gained
    passer = next(player.display_name for player in game.roster if player.player_id == situation.passer_id)
    distribution = distribution_from_message(score.distribution, [support])
    fewer, up_to = np.asarray(distribution.cdf(yards + np.array([-0.5, 0.5]))).tolist()
    ended = words.result(play.outcome.result if isinstance(play.outcome, PassOutcome) else None, yards)
    where = words.situation(situation.quarter, situation.down, situation.yards_to_go)
    first_down = score.first_down_probability if score.HasField("first_down_probability") else None
    touchdown = score.touchdown_probability if score.HasField("touchdown_probability") else None
    yards_to_end_zone = situation.yards_to_end_zone if situation.yards_to_end_zone is not None else 50.0
    line = FIELD_YARDS - 10.0 - yards_to_end_zone
    return {
        "title": f"{score.grade.play_score:.2f}, {passer}: {ended}",
        "where": f"{game.header.away_team_id} at {game.header.home_team_id}, {where}, play {play.context.play_id}",
        "verdict": f"{words.verdict(passer, yards, score.expected_yards, fewer, up_to - fewer)}"
        f" {words.prospects(first_down, touchdown)}".strip(),
        "yards": yards,
        "score": score.grade.play_score,
        "expected_yards": score.expected_yards,
        "quantiles": [[point.probability, point.yards] for point in score.quantiles],
        "distribution": _yard_by_yard(distribution, yards, yards_to_end_zone),
        "line_of_scrimmage": line,
        "first_down": line + situation.yards_to_go
        if situation.yards_to_go and situation.yards_to_go < yards_to_end_zone
        else None,
        **_frames(game, play),
    }


def _frames(game: Game, play: Play) -> dict[str, Any]:
    """Every frame of a play in yards, turned so that the offense goes to the right."""
    frames, situation = play.frames, situation_of(play.context)
    roster = {player.player_id: player for player in game.roster}
    backwards = play.context.attacking_direction is AttackingDirection.NEGATIVE_X

    def along(values: Floats, length: float) -> list[Any]:
        turned = length - values if backwards else values
        return _without_nan(np.round(turned.astype(float), 1).tolist())

    def role(player_id: str) -> str:
        if player_id == situation.passer_id:
            return "passer"
        if player_id == situation.target_id:
            return "target"
        return "offense" if roster[player_id].team_id == play.context.attacking_team_id else "defense"

    numbers = frames.frame_numbers.tolist()
    row_of = {
        event.name: numbers.index(event.frame_number)
        for event in reversed(frames.events)
        if event.frame_number in numbers
    }
    ball = next((track for track in play.tracks if track.tracked is TrackedObject.BALL), None)
    ball_x, ball_y = _at_frames(ball, numbers, game.header.frame_rate_hertz or FRAME_RATE_HERTZ)
    return {
        "snap": row_of.get("ball_snap", 0),
        "release": row_of.get("pass_forward", 0),
        "players": [
            {"number": roster[player_id].jersey_number, "role": role(player_id)} for player_id in frames.player_ids
        ],
        "x": along(frames.x, FIELD_YARDS),
        "y": along(frames.y, FIELD_WIDTH_YARDS),
        "ball_x": along(ball_x, FIELD_YARDS),
        "ball_y": along(ball_y, FIELD_WIDTH_YARDS),
    }


def _at_frames(track: Track | None, frame_numbers: Sequence[int], frame_rate_hertz: float) -> tuple[Floats, Floats]:
    """x and y of the track's samples closest in time to these F frames, (F,) each; NaN where there is none."""
    x, y = (np.full(len(frame_numbers), np.nan, np.float32) for _ in range(2))
    if track is not None:
        sample_of = {sample: place for place, sample in enumerate(track.sample_numbers.tolist())}
        for row, frame in enumerate(frame_numbers):
            place = sample_of.get(round(frame * track.rate_hertz / frame_rate_hertz))
            if place is not None:
                x[row], y[row] = track.x[place], track.y[place]
    return x, y


def _without_nan(values: list[Any]) -> list[Any]:
    """The same rows, None for NaN, which JSON does not have."""
    return [
        _without_nan(value) if isinstance(value, list) else None if math.isnan(value) else value for value in values
    ]


def _yard_by_yard(distribution: Censored, gained: float, yards_to_end_zone: float) -> dict[str, list[float]]:
    """Chance of every whole yard from a loss of 10 to the end zone, 60 at most."""
    low, high = -10, int(min(yards_to_end_zone, 60))
    yards = np.arange(min(low, int(gained)), max(high, int(gained)) + 1)
    below = np.asarray(distribution.cdf(np.append(yards, yards[-1] + 1) - 0.5))
    # What lies beyond either end counts for its last yard.
    below[0], below[-1] = 0.0, 1.0
    return {"yards": yards.tolist(), "probabilities": np.diff(below).tolist()}
