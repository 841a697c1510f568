"""The shots of the page: the chart of all of them, and some frame by frame with their factors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.results import PlayResult
from playscore.client.words import chance, counted, enum_word
from playscore.game import AttackingDirection, Frames, Game, Play, Track, TrackedObject
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.shots import situation_of

SHOTS_SHOWN: Final = 12
FACTORS_SHOWN: Final = 9
SECONDS_BEFORE: Final = 5.0
SECONDS_AFTER: Final = 1.2
_LEVELS: Final = {
    hockey.OPPORTUNITY_LEVEL_LOW: "low",
    hockey.OPPORTUNITY_LEVEL_MEDIUM: "medium",
    hockey.OPPORTUNITY_LEVEL_HIGH: "high",
}


def is_graded_shot(result: PlayResult) -> bool:
    """Whether a play is a shot that was scored now, and whose result is known."""
    if result.scored is None or not isinstance(result.scored.score, scorer.ShotScore):
        return False
    return result.scored.score.HasField("grade")


def chart_data(shots: Sequence[PlayResult]) -> tuple[list[dict[str, Any]], str]:
    """Every graded shot as `hockey.js` charts it, and what all of them come to."""
    rows = []
    for score, attributes in map(_parts, shots):
        rows.append(
            {
                "x": round(attributes.x_feet, 1),
                "y": round(attributes.y_feet, 1),
                "probability": score.distribution.bernoulli.probability,
                "chance": _LEVELS[score.level],
                "goal": score.grade.result == hockey.SHOT_RESULT_GOAL,
            }
        )
    return rows, _chart_verdict(rows)


def shots_data(games: Iterable[Game], shots: Sequence[PlayResult]) -> list[dict[str, Any]]:
    """A spread of filmed shots: the best chance, the worst, and those between at even steps."""
    play_of = {(game.header.game_id, play.context.play_id): (game, play) for game in games for play in game.plays}
    filmed = [result for result in shots if len(play_of[result.game_id, result.play_id][1].frames)]
    ranked = sorted(filmed, key=lambda result: -_parts(result)[0].distribution.bernoulli.probability)
    steps = np.unique(np.linspace(0, max(len(ranked) - 1, 0), min(SHOTS_SHOWN, len(ranked))).astype(int))
    return [_shot_data(*play_of[ranked[step].game_id, ranked[step].play_id], ranked[step]) for step in steps]


def _parts(result: PlayResult) -> tuple[scorer.ShotScore, hockey.ShotAttributes]:
    assert result.scored is not None
    return result.scored.score, result.scored.records[0].score.shot_attributes


def _chart_verdict(rows: Sequence[dict[str, Any]]) -> str:
    parts = []
    for level in ("high", "medium", "low"):
        of_level = [row for row in rows if row["chance"] == level]
        if of_level:
            goals, expected = sum(row["goal"] for row in of_level), sum(row["probability"] for row in of_level)
            parts.append(f"{counted(len(of_level), f'{level} chance')}: {goals} scored, {expected:.1f} expected")
    return f"{'; '.join(parts)}." if parts else ""


def _shot_data(game: Game, play: Play, result: PlayResult) -> dict[str, Any]:
    score, attributes = _parts(result)
    situation = situation_of(play.context)
    names = {player.player_id: player.display_name for player in game.roster}
    shooter = names.get(situation.shooter_id, "Somebody")
    probability = score.distribution.bernoulli.probability
    ended = enum_word(score.grade, "result")
    period = f"period {situation.period}" if situation.period else ""
    return {
        "title": f"{chance(probability)}, {_LEVELS[score.level]}: {shooter}, {ended}",
        "where": ", ".join(
            part
            for part in (
                f"{game.header.away_team_id} at {game.header.home_team_id}",
                period,
                f"{attributes.distance_feet:.0f} ft out",
                f"shot {play.context.play_id}",
            )
            if part
        ),
        "verdict": f"A {_LEVELS[score.level]} chance: such shots are goals {chance(probability)} of the time."
        f" This one was {'a goal' if ended == 'goal' else ended}.",
        "place": [attributes.x_feet, attributes.y_feet],
        "factors": [
            {"text": factor.text, "contribution": factor.logit, "compared": _compared(factor)}
            for factor in score.contributions[:FACTORS_SHOWN]
        ],
        **_film(game, play),
    }


def _compared(factor: hockey.FactorContribution) -> str:
    """How a factor compares with other shots, in words; nothing where it has no order, or takes few values."""
    if not factor.HasField("percentile") or factor.unit == "1":
        return ""
    share = min(max(factor.percentile, 0.01), 0.99)
    if share >= 0.5:
        return f"more than {100 * share:.0f}% of shots"
    return f"less than {100 * (1 - share):.0f}% of shots"


def _film(game: Game, play: Play) -> dict[str, Any]:
    """The frames around a shot in feet, turned so that it goes to the right."""
    rate, released = game.header.frame_rate_hertz or 1.0, play.context.release_frame or 0
    frames = _cut(play.frames, released - round(SECONDS_BEFORE * rate), released + round(SECONDS_AFTER * rate))
    sign = -1.0 if play.context.attacking_direction is AttackingDirection.NEGATIVE_X else 1.0
    puck = next((track for track in play.tracks if track.tracked is TrackedObject.PUCK), None)
    puck_x, puck_y = _at_frames(puck, frames.frame_numbers / rate)
    seen = np.flatnonzero(np.isfinite(frames.x).any(axis=0))
    situation = situation_of(play.context)
    roster = {player.player_id: player for player in game.roster}

    def role(player_id: str) -> str:
        if player_id == situation.shooter_id:
            return "shooter"
        if roster[player_id].team_id == play.context.attacking_team_id:
            return "attacker"
        return "goalie" if player_id == situation.goalie_id else "defender"

    return {
        "rate": rate,
        "release": int(np.argmin(np.abs(frames.frame_numbers - released))),
        "left": float(np.floor(min(15.0, np.nanmin(np.append(sign * puck_x, 15.0))) - 3.0)),
        "players": [
            {"number": roster[frames.player_ids[e]].jersey_number, "role": role(frames.player_ids[e])} for e in seen
        ],
        "x": _rounded(sign * frames.x[:, seen]),
        "y": _rounded(sign * frames.y[:, seen]),
        "puck_x": _rounded(sign * puck_x),
        "puck_y": _rounded(sign * puck_y),
    }


def _cut(frames: Frames, first: int, last: int) -> Frames:
    start, stop = np.searchsorted(frames.frame_numbers, [first, last + 1])
    return frames.rows(int(start), int(stop))


def _at_frames(track: Track | None, seconds: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """x and y of the samples nearest to these times, (F,) each; NaN where there is none."""
    if track is None or not len(track):
        return np.full(len(seconds), np.nan), np.full(len(seconds), np.nan)
    times = track.sample_numbers / track.rate_hertz
    nearest = np.clip(np.searchsorted(times, seconds - 0.5 / track.rate_hertz), 0, len(times) - 1)
    near = np.abs(times[nearest] - seconds) <= 1.0 / track.rate_hertz
    return np.where(near, track.x[nearest], np.nan), np.where(near, track.y[nearest], np.nan)


def _rounded(values: NDArray[Any]) -> list[Any]:
    """Rows of numbers to a tenth, None for NaN, which JSON does not have."""

    def without_nan(rows: list[Any]) -> list[Any]:
        return [without_nan(each) if isinstance(each, list) else None if math.isnan(each) else each for each in rows]

    return without_nan(np.round(values.astype(float), 1).tolist())
