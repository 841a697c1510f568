"""A pass play on film, whose every number is known: 22 players who start at the snap and accelerate evenly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurizer.core.game_stream import Answers, GameStream
from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.progress import Progress
from featurizer.core.whole_plays import featurize
from featurizer.passing.task import PASSING
from playscore.game import (
    AngleConvention,
    AttackingDirection,
    CoordinateSystem,
    Frames,
    GameHeader,
    LengthUnit,
    Origin,
    PlayContext,
    Player,
    Sport,
    TrackingEvent,
)
from playscore.passing import FootballSituation, PassAttributes, PlayKind

SNAP = 8
RELEASE = 33
LENGTH = 48
YARDS_TO_END_ZONE = 60.0
LINE = 50.0 - YARDS_TO_END_ZONE
"""x of the line of scrimmage from the center of the field, the offense going towards +x."""

PASSER = "o1"
TARGET = "o6"
CENTER = "o2"

_OFFENSE = {
    "o1": (-5.0, 0.0),
    "o2": (-0.8, 0.1),
    "o3": (-1.0, 1.6),
    "o4": (-1.0, -1.5),
    "o5": (-1.2, 3.1),
    "o6": (-1.0, 18.0),
    "o7": (-1.3, -3.0),
    "o8": (-1.0, -20.0),
    "o9": (-6.0, 2.0),
    "o10": (-1.5, 8.0),
    "o11": (-1.1, -5.0),
}
_DEFENSE = {
    "d1": (1.0, 0.5),
    "d2": (1.0, -1.0),
    "d3": (1.2, 4.0),
    "d4": (1.1, -4.5),
    "d5": (5.0, 2.0),
    "d6": (5.5, -2.5),
    "d7": (4.5, 7.0),
    "d8": (7.0, 18.5),
    "d9": (6.5, -19.0),
    "d10": (12.0, 6.0),
    "d11": (13.0, -7.0),
}
STARTS: Mapping[str, tuple[float, float]] = {**_OFFENSE, **_DEFENSE}
"""Yards beyond the line of scrimmage, and to the left of the center line."""

HEADER = GameHeader(
    league="NFL",
    game_id="2021091300",
    sport=Sport.AMERICAN_FOOTBALL,
    season=2021,
    week=1,
    home_team_id="HOM",
    away_team_id="AWY",
    coordinates=CoordinateSystem(LengthUnit.YARD, Origin.CORNER, AngleConvention.DEGREES_CLOCKWISE_FROM_Y),
    home_games_remaining=16,
    away_games_remaining=15,
)
ROSTER = {i: Player(i, "HOM" if i in _OFFENSE else "AWY", display_name=f"Player {i}") for i in STARTS}
SITUATION = FootballSituation(
    kind=PlayKind.PASS,
    quarter=2,
    game_clock_seconds=431.0,
    down=3,
    yards_to_go=7.0,
    yards_to_end_zone=YARDS_TO_END_ZONE,
    home_score=10,
    away_score=13,
    passer_id=PASSER,
    target_id=TARGET,
)
CONTEXT = PlayContext(
    play_id="54",
    attacking_team_id="HOM",
    attacking_direction=AttackingDirection.POSITIVE_X,
    situation=SITUATION,
)
EVENTS = (TrackingEvent(SNAP, "ball_snap"), TrackingEvent(RELEASE, "pass_forward"))


@dataclass
class Filmed:
    """Positions in yards from the center of the field, the offense going towards +x; (T, 22)."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    player_ids: tuple[str, ...] = tuple(STARTS)
    numbers: NDArray[np.int32] = field(default_factory=lambda: np.arange(LENGTH, dtype=np.int32))
    events: tuple[TrackingEvent, ...] = EVENTS

    def frames(self, *, angles: bool = True) -> Frames:
        """As a source of `HEADER`'s coordinates sends it."""
        speed_x, speed_y = np.gradient(self.x, 0.1, axis=0), np.gradient(self.y, 0.1, axis=0)
        direction = np.degrees(np.arctan2(speed_x, speed_y)) % 360.0
        return Frames(
            frame_numbers=self.numbers,
            player_ids=self.player_ids,
            x=(self.x + 60.0).astype(np.float32),
            y=(self.y + 80.0 / 3.0).astype(np.float32),
            speed=np.hypot(speed_x, speed_y).astype(np.float32) if angles else None,
            direction_degrees=direction.astype(np.float32) if angles else None,
            orientation_degrees=((direction + 30.0) % 360.0).astype(np.float32) if angles else None,
            events=self.events,
        )


def film(seed: int = 0) -> Filmed:
    """The play; the seed says how everyone runs."""
    draw = np.random.default_rng(seed)
    start = np.array(list(STARTS.values())) + draw.normal(0.0, 0.2, (22, 2))
    velocity = draw.normal(0.0, 1.0, (22, 2))
    acceleration = draw.normal(0.0, 0.8, (22, 2))
    t = np.maximum(np.arange(LENGTH) - SNAP, 0)[:, None, None] / 10.0
    track = start + velocity * t + 0.5 * acceleration * t**2
    return Filmed(LINE + track[:, :, 0], track[:, :, 1])


def without(frames: Frames, player_id: str, first: int, last: int) -> Frames:
    """The player not seen from frame `first` to `last`."""
    x, y = frames.x.copy(), frames.y.copy()
    rows = (frames.frame_numbers >= first) & (frames.frame_numbers <= last)
    x[rows, frames.player_ids.index(player_id)] = np.nan
    y[rows, frames.player_ids.index(player_id)] = np.nan
    return replace(frames, x=x, y=y)


def pick(frames: Frames, rows: list[int] | NDArray[np.integer]) -> Frames:
    """The frames with these rows, in this order; events stay."""
    return replace(
        frames,
        frame_numbers=frames.frame_numbers[rows],
        x=frames.x[rows],
        y=frames.y[rows],
        speed=None if frames.speed is None else frames.speed[rows],
        direction_degrees=None if frames.direction_degrees is None else frames.direction_degrees[rows],
        orientation_degrees=None if frames.orientation_degrees is None else frames.orientation_degrees[rows],
        times_unix_micros=None if frames.times_unix_micros is None else frames.times_unix_micros[rows],
    )


def play(*batches: Frames, context: PlayContext = CONTEXT, header: GameHeader = HEADER) -> Tensor | Rejection:
    return featurize((PASSING,), header, ROSTER, context, batches)


def tensor(*batches: Frames, context: PlayContext = CONTEXT, header: GameHeader = HEADER) -> Tensor:
    outcome = play(*batches, context=context, header=header)
    assert isinstance(outcome, Tensor), outcome
    return outcome


def rejection(*batches: Frames, context: PlayContext = CONTEXT, header: GameHeader = HEADER) -> Rejection:
    outcome = play(*batches, context=context, header=header)
    assert isinstance(outcome, Rejection)
    return outcome


def with_events(frames: Frames, whole: Frames) -> Frames:
    """Frames of a film with the events of their frame numbers."""
    numbers = set(frames.frame_numbers.tolist())
    return replace(frames, events=tuple(event for event in whole.events if event.frame_number in numbers))


def later(frames: Frames, by: int) -> Frames:
    """The frames so many numbers later."""
    events = tuple(replace(event, frame_number=event.frame_number + by) for event in frames.events)
    return replace(frames, frame_numbers=frames.frame_numbers + np.int32(by), events=events)


def streamed(
    batches: Sequence[Frames], *, context: PlayContext = CONTEXT, opening: int = 0, last_frame: int | None = None
) -> Tensor | Rejection:
    """What a stream answers to one play whose context comes before the batch `opening`."""
    stream = GameStream(HEADER, (PASSING,))
    stream.add_players(ROSTER.values())
    answers: Answers = []
    for place, batch in enumerate(batches):
        if place == opening:
            answers += stream.add_context(context)
            answers += [] if last_frame is None else stream.end_play(context.play_id, last_frame)
        answers += stream.add_frames(context.segment, batch)
    if opening == len(batches):
        answers += stream.add_context(context)
    for closed in stream.half_close():
        answers += closed
    (outcome,) = (answer for answer in answers if not isinstance(answer, Progress))
    return outcome


def situation(**changes: Any) -> PlayContext:
    """The context with another situation."""
    return replace(CONTEXT, situation=replace(SITUATION, **changes))


def attributes(made: Tensor) -> PassAttributes:
    """What splits of the pass can be made by."""
    assert isinstance(made.attributes, PassAttributes)
    return made.attributes
