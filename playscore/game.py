"""A tracked game as code works with it: the messages of `playscore.tracking.v1`, as numpy columns."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Sport(enum.Enum):
    """Which game is played."""

    AMERICAN_FOOTBALL = 1
    ICE_HOCKEY = 2


class LengthUnit(enum.Enum):
    """Unit of positions."""

    YARD = 1
    METER = 2
    FOOT = 3


class Origin(enum.Enum):
    """Where (0, 0) lies."""

    CORNER = 1
    CENTER = 2


class AngleConvention(enum.Enum):
    """How angles are measured."""

    DEGREES_CLOCKWISE_FROM_Y = 1
    DEGREES_COUNTERCLOCKWISE_FROM_X = 2


class AttackingDirection(enum.Enum):
    """Which way the offence goes, in the source's coordinates."""

    POSITIVE_X = 1
    NEGATIVE_X = 2


class PlayKind(enum.Enum):
    """What the source says a play is."""

    UNSPECIFIED = 0
    PASS = 1
    RUN = 2
    OTHER = 3


class PassResult(enum.Enum):
    """How a pass play ended."""

    COMPLETE = 1
    INCOMPLETE = 2
    INTERCEPTED = 3
    SACK = 4
    SCRAMBLE = 5


class TrackingEventKind(enum.Enum):
    """What an event is."""

    SNAP = 1
    PASS_RELEASE = 2
    SHOT = 3


@dataclass(frozen=True, slots=True)
class CoordinateSystem:
    """How the numbers of a source are to be read."""

    length_unit: LengthUnit
    origin: Origin
    angle_convention: AngleConvention | None


@dataclass(frozen=True, slots=True)
class Player:
    """One who may appear in the frames."""

    player_id: str
    team_id: str
    display_name: str = ""
    position: str = ""
    jersey_number: int | None = None


@dataclass(frozen=True, slots=True)
class GameHeader:
    """Which game, and how its numbers are to be read."""

    league: str
    game_id: str
    sport: Sport
    season: int
    home_team_id: str
    away_team_id: str
    coordinates: CoordinateSystem
    frame_rate_hertz: float = 10.0
    week: int | None = None
    home_games_remaining: int | None = None
    away_games_remaining: int | None = None
    home_side_known: bool = True
    """False: the two sides stand in any order, and what depends on who is at home is masked."""


@dataclass(frozen=True, slots=True)
class FootballSituation:
    """The situation before the snap; None is unknown. Units as in the contract: seconds, yards."""

    kind: PlayKind = PlayKind.UNSPECIFIED
    quarter: int | None = None
    game_clock_seconds: float | None = None
    down: int | None = None
    yards_to_go: float | None = None
    yards_to_end_zone: float | None = None
    home_score: int | None = None
    away_score: int | None = None
    passer_id: str = ""
    target_id: str = ""
    charted_air_yards: float | None = None


@dataclass(frozen=True, slots=True)
class PlayContext:
    """What is known of a play besides its frames."""

    play_id: str
    offense_team_id: str
    football: FootballSituation
    attacking_direction: AttackingDirection | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """Something that happened at a frame, in the source's words; `playscore.tracking_events` tells what."""

    frame_number: int
    name: str
    kind: TrackingEventKind | None = None
    """What it is, for sources that know; None: by its name."""
    automatic: bool = False
    """Tagged by a program, not by hand."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frames of one play, in the source's units: F frames of E players; NaN in x and y: not seen in that frame.

    Frame numbers count sampling intervals; they may repeat, jump and go back, as sources do.
    """

    frame_numbers: NDArray[np.int32]
    """(F,)"""
    player_ids: tuple[str, ...]
    """E identifiers."""
    x: Floats
    """(F, E)"""
    y: Floats
    """(F, E)"""
    speed: Floats | None = None
    """(F, E) units per second"""
    acceleration: Floats | None = None
    """(F, E) units per second squared, a magnitude"""
    direction_degrees: Floats | None = None
    """(F, E)"""
    orientation_degrees: Floats | None = None
    """(F, E)"""
    ball_x: Floats | None = None
    """(F,)"""
    ball_y: Floats | None = None
    """(F,)"""
    times_unix_micros: NDArray[np.int64] | None = None
    """(F,)"""
    events: tuple[TrackingEvent, ...] = ()

    def __len__(self) -> int:
        return len(self.frame_numbers)

    def rows(self, start: int, stop: int) -> Frames:
        """The frames from row `start` to before row `stop`, with the events of their frame numbers."""

        def cut(column: Floats | None) -> Floats | None:
            return None if column is None else column[start:stop]

        numbers = self.frame_numbers[start:stop]
        # An event belongs to the first row that carries its frame number, so that batches never repeat it.
        earlier = set(self.frame_numbers[:start].tolist())
        mine = set(numbers.tolist()) - earlier
        return replace(
            self,
            frame_numbers=numbers,
            x=self.x[start:stop],
            y=self.y[start:stop],
            speed=cut(self.speed),
            acceleration=cut(self.acceleration),
            direction_degrees=cut(self.direction_degrees),
            orientation_degrees=cut(self.orientation_degrees),
            ball_x=cut(self.ball_x),
            ball_y=cut(self.ball_y),
            times_unix_micros=None if self.times_unix_micros is None else self.times_unix_micros[start:stop],
            events=tuple(event for event in self.events if event.frame_number in mine),
        )


@dataclass(frozen=True, slots=True)
class PassOutcome:
    """The official result of a pass play. Yards are whole net yards credited to the pass; None: not known yet."""

    result: PassResult | None
    yards_gained: float | None
    revision: int = 1
    """Counts corrections of the official result, apart from those of the play; 0: the source does not count."""


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """A play as a source has it. `outcome` is None where the play is no pass or its result is not known."""

    context: PlayContext
    frames: Frames
    outcome: PassOutcome | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """A game as a source has it, plays in the order in which they were played."""

    header: GameHeader
    roster: tuple[Player, ...]
    plays: Sequence[Play]
