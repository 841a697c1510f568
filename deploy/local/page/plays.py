"""The plays of the page: their frames, their distributions, and what their scores say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from deploy.local.page import words
from pipeline.results import PlayResult
from playscore.distributions import SplicedBinnedPareto
from playscore.game import AttackingDirection, Floats, Game, Play

PLAYS_SHOWN = 12
FIELD_YARDS = 120.0
FIELD_WIDTH_YARDS = 160.0 / 3.0


def plays_data(games: Sequence[Game], scored: Sequence[PlayResult]) -> list[dict[str, Any]]:
    """A spread of plays: the best, the worst, and those between at even steps of the score."""
    graded = sorted(
        (result for result in scored if result.score),
        key=lambda r: r.score.play_score if r.score else 0.0,
        reverse=True,
    )
    steps = np.unique(np.linspace(0, max(len(graded) - 1, 0), min(PLAYS_SHOWN, len(graded))).astype(int))
    game_of = {game.header.game_id: game for game in games}
    shown = []
    for place in steps:
        game = game_of[graded[place].game_id]
        play = next(play for play in game.plays if play.context.play_id == graded[place].play_id)
        shown.append(_play_data(game, play, graded[place]))
    return shown


def _play_data(game: Game, play: Play, result: PlayResult) -> dict[str, Any]:
    score, situation = result.score, play.context.football
    if score is None or result.yards is None:
        raise ValueError(f"play {result.play_id} has no score to show")
    passer = next(player.display_name for player in game.roster if player.player_id == result.passer_id)
    distribution = _distribution(result)
    fewer, up_to = np.asarray(distribution.cdf(result.yards + np.array([-0.5, 0.5]))).tolist()
    ended = words.result(play.outcome.result if play.outcome else None, result.yards)
    where = words.situation(situation.quarter, situation.down, situation.yards_to_go)
    first_down = score.first_down_probability if score.HasField("first_down_probability") else None
    touchdown = score.touchdown_probability if score.HasField("touchdown_probability") else None
    yards_to_end_zone = situation.yards_to_end_zone if situation.yards_to_end_zone is not None else 50.0
    line = FIELD_YARDS - 10.0 - yards_to_end_zone
    return {
        "title": f"{score.play_score:.2f}, {passer}: {ended}",
        "where": f"{game.header.away_team_id} at {game.header.home_team_id}, {where}, play {result.play_id}",
        "verdict": f"{words.verdict(passer, result.yards, score.expected_yards, fewer, up_to - fewer)}"
        f" {words.prospects(first_down, touchdown)}".strip(),
        "yards": result.yards,
        "score": score.play_score,
        "expected_yards": score.expected_yards,
        "quantiles": [[point.probability, point.yards] for point in score.quantiles],
        "distribution": _yard_by_yard(distribution, result.yards, yards_to_end_zone),
        "line_of_scrimmage": line,
        "first_down": line + situation.yards_to_go
        if situation.yards_to_go and situation.yards_to_go < yards_to_end_zone
        else None,
        **_frames(game, play),
    }


def _frames(game: Game, play: Play) -> dict[str, Any]:
    """Every frame of a play in yards, turned so that the offense goes to the right."""
    frames, situation = play.frames, play.context.football
    roster = {player.player_id: player for player in game.roster}
    backwards = play.context.attacking_direction is AttackingDirection.NEGATIVE_X

    def along(values: Floats | None, length: float) -> list[Any] | None:
        if values is None:
            return None
        turned = length - values if backwards else values
        return _without_nan(np.round(turned.astype(float), 1).tolist())

    def role(player_id: str) -> str:
        if player_id == situation.passer_id:
            return "passer"
        if player_id == situation.target_id:
            return "target"
        return "offense" if roster[player_id].team_id == play.context.offense_team_id else "defense"

    numbers = frames.frame_numbers.tolist()
    row_of = {
        event.name: numbers.index(event.frame_number)
        for event in reversed(frames.events)
        if event.frame_number in numbers
    }
    return {
        "snap": row_of.get("ball_snap", 0),
        "release": row_of.get("pass_forward", 0),
        "players": [
            {"number": roster[player_id].jersey_number, "role": role(player_id)} for player_id in frames.player_ids
        ],
        "x": along(frames.x, FIELD_YARDS),
        "y": along(frames.y, FIELD_WIDTH_YARDS),
        "ball_x": along(frames.ball_x, FIELD_YARDS),
        "ball_y": along(frames.ball_y, FIELD_WIDTH_YARDS),
    }


def _without_nan(values: list[Any]) -> list[Any]:
    """The same rows, None for NaN, which JSON does not have."""
    return [
        _without_nan(value) if isinstance(value, list) else None if math.isnan(value) else value for value in values
    ]


def _distribution(result: PlayResult) -> SplicedBinnedPareto:
    """The yards gained as the scorer predicted them."""
    if result.score is None:
        raise ValueError(f"play {result.play_id} has no distribution to show")
    law = result.score.law
    with np.errstate(divide="ignore"):
        logits = np.log(np.asarray(law.probabilities))
    return SplicedBinnedPareto(
        np.asarray(law.edges),
        logits,
        law.lower_shape,
        law.lower_scale,
        law.upper_shape,
        law.upper_scale,
        law.lower_tail,
        law.upper_tail,
    )


def _yard_by_yard(distribution: SplicedBinnedPareto, gained: float, yards_to_end_zone: float) -> dict[str, list[float]]:
    """Chance of every whole yard from a loss of 10 to the end zone, 60 at most."""
    low, high = -10, int(min(yards_to_end_zone, 60))
    yards = np.arange(min(low, int(gained)), max(high, int(gained)) + 1)
    below = np.asarray(distribution.cdf(np.append(yards, yards[-1] + 1) - 0.5))
    # What lies beyond either end counts for its last yard.
    below[0], below[-1] = 0.0, 1.0
    return {"yards": yards.tolist(), "probabilities": np.diff(below).tolist()}
