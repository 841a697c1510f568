"""What the demo's page shows: leaderboards, plays with their laws, latencies, and where every play went."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.desks import Desks
from pipeline.results import PlayResult
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.distributions import SplicedBinnedPareto
from playscore.game import AttackingDirection, Floats, Game, Play
from simulator.games import SimulatedGame

PLAYS_SHOWN = 12
FIELD_YARDS = 120.0
FIELD_WIDTH_YARDS = 160.0 / 3.0


_LIVE_NOTE = (
    "As the worker saw it. featurize: from the closing frame's sending to the tensor. play: to the readable rating."
)
_FLAT_OUT_NOTE = (
    "As the worker saw it, flat out: plays wait in queues for each other. playscore demo --speed 1 shows a live feed's."
)


@dataclass(frozen=True, slots=True)
class Split:
    """A leaderboard."""

    name: str
    filter: str
    ratings: tuple[aggregator.Rating, ...]


def page_data(
    slate: Sequence[SimulatedGame],
    results: Sequence[PlayResult],
    splits: Sequence[Split],
    desks: Desks,
    seconds: float,
    speed: float | None,
) -> dict[str, Any]:
    """What `page.js` reads, and `demo.json` holds."""
    scored = [result for result in results if result.score is not None]
    endings = Counter(
        result.ending.value if result.reason is None else f"{result.ending.value}: {result.reason.name}"
        for result in results
    )
    stages = desks.times.as_json()
    pace = "flat out" if speed is None else f"at {speed:g} times real time"
    return {
        "summary": f"{len(slate)} simulated games, played {pace} through the featurizer, the scorer on Triton,"
        " and the aggregator",
        "figures": [
            ["games", str(len(slate))],
            ["plays", str(len(results))],
            ["passes scored", str(len(scored))],
            ["plays a second", f"{len(results) / seconds:.0f}"],
            *(
                [["release to readable rating, median", f"{stages['play']['p50_ms']:.1f} ms"]]
                if speed is not None
                else []
            ),
        ],
        "splits": [
            {
                "name": split.name,
                "filter": split.filter,
                "qualified": split.ratings[0].qualified_peers if split.ratings else 0,
                "ratings": [_rating_row(rating) for rating in split.ratings],
            }
            for split in splits
        ],
        "plays": _shown(slate, scored),
        "stages": [{"name": name, **figures} for name, figures in stages.items()],
        "latency_note": _LIVE_NOTE if speed is not None else _FLAT_OUT_NOTE,
        "outcomes": [[name, count] for name, count in endings.most_common()],
    }


def _rating_row(rating: aggregator.Rating) -> dict[str, Any]:
    passing = rating.passing
    return {
        "rank": rating.rank,
        "name": rating.subject.subject_name,
        "team": rating.subject.team_id,
        "plays": rating.plays,
        "rating": passing.rating,
        "low": passing.rating_low,
        "high": passing.rating_high,
        "qualified": rating.qualified,
        "yards_per_play": passing.yards_per_play,
        "expected_yards_per_play": passing.expected_yards_per_play,
    }


def _shown(slate: Sequence[SimulatedGame], scored: Sequence[PlayResult]) -> list[dict[str, Any]]:
    """A spread of plays: the best, the worst, and those between at even steps of the score."""
    graded = sorted(
        (result for result in scored if result.score),
        key=lambda r: r.score.play_score if r.score else 0.0,
        reverse=True,
    )
    steps = np.unique(np.linspace(0, max(len(graded) - 1, 0), min(PLAYS_SHOWN, len(graded))).astype(int))
    games = {played.game.header.game_id: played.game for played in slate}
    shown = []
    for place in steps:
        game = games[graded[place].game_id]
        play = next(play for play in game.plays if play.context.play_id == graded[place].play_id)
        shown.append(_play_data(game, play, graded[place]))
    return shown


def _play_data(game: Game, play: Play, result: PlayResult) -> dict[str, Any]:
    score, situation, frames = result.score, play.context.football, play.frames
    if score is None or result.yards is None:
        raise ValueError(f"play {result.play_id} has no score to show")
    roster = {player.player_id: player for player in game.roster}
    backwards = play.context.attacking_direction is AttackingDirection.NEGATIVE_X
    passer = roster[result.passer_id]

    def along(values: Floats | None, length: float) -> list[Any] | None:
        if values is None:
            return None
        turned = length - values if backwards else values
        return _without_nan(np.round(turned.astype(float), 1).tolist())

    numbers = frames.frame_numbers.tolist()
    row_of = {
        event.name: numbers.index(event.frame_number)
        for event in reversed(frames.events)
        if event.frame_number in numbers
    }
    yards_to_end_zone = situation.yards_to_end_zone if situation.yards_to_end_zone is not None else 50.0
    line = FIELD_YARDS - 10.0 - yards_to_end_zone
    outcome = play.outcome.result.name.lower() if play.outcome and play.outcome.result else ""
    down = f"{situation.down} & {situation.yards_to_go:.0f}, " if situation.down and situation.yards_to_go else ""
    teams = f"{game.header.away_team_id} at {game.header.home_team_id}"
    return {
        "title": f"{score.play_score:.2f}: {passer.display_name}, {outcome} for {result.yards:.0f} "
        f"({teams}, Q{situation.quarter}, {down}play {result.play_id})",
        "passer": passer.display_name,
        "yards": result.yards,
        "score": score.play_score,
        "expected_yards": score.expected_yards,
        "first_down_probability": score.first_down_probability if score.HasField("first_down_probability") else None,
        "touchdown_probability": score.touchdown_probability if score.HasField("touchdown_probability") else None,
        "quantiles": [[point.probability, point.yards] for point in score.quantiles],
        "law": _yard_by_yard(result, yards_to_end_zone),
        "line_of_scrimmage": line,
        "first_down": line + situation.yards_to_go
        if situation.yards_to_go and situation.yards_to_go < yards_to_end_zone
        else None,
        "snap": row_of.get("ball_snap", 0),
        "release": row_of.get("pass_forward", 0),
        "players": [
            {
                "number": roster[player_id].jersey_number,
                "role": "passer"
                if player_id == situation.passer_id
                else "target"
                if player_id == situation.target_id
                else "offense"
                if roster[player_id].team_id == play.context.offense_team_id
                else "defense",
            }
            for player_id in frames.player_ids
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


def _yard_by_yard(result: PlayResult, yards_to_end_zone: float) -> dict[str, list[float]]:
    """Chance of every whole yard that the field allows."""
    if result.score is None:
        raise ValueError(f"play {result.play_id} has no law to show")
    law = result.score.law
    with np.errstate(divide="ignore"):
        logits = np.log(np.asarray(law.probabilities))
    predicted = SplicedBinnedPareto(
        np.asarray(law.edges),
        logits,
        law.lower_shape,
        law.lower_scale,
        law.upper_shape,
        law.upper_scale,
        law.lower_tail,
        law.upper_tail,
    )
    low, high = -10, int(min(yards_to_end_zone, 60))
    yards = np.arange(min(low, int(result.yards or 0)), max(high, int(result.yards or 0)) + 1)
    below = np.asarray(predicted.cdf(np.append(yards, yards[-1] + 1) - 0.5))
    # The field ends the play: what the law has beyond either end is its last yard.
    below[0], below[-1] = 0.0, 1.0
    return {"yards": yards.tolist(), "probabilities": np.diff(below).tolist()}
