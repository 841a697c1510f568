"""A tracked game as code works with it: the messages of `playscore.tracking.v1` and `playscore.feed.v1`, in numpy.

Nothing here knows what is played. A context's `situation` and a play's `outcome` are those of its task, for example
`playscore.football.FootballSituation` and `PassOutcome`.
"""

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
    """Which way the attacking team goes, in the source's coordinates."""

    POSITIVE_X = 1
    NEGATIVE_X = 2


class HomeSide(enum.Enum):
    """What the source knows of who plays at home."""

    STATED = 1
    UNKNOWN = 2
    NEUTRAL = 3


class PlayStatus(enum.Enum):
    """Whether a play counts."""

    STANDS = 1
    NULLIFIED = 2
    WITHDRAWN = 3


class TrackingEventKind(enum.Enum):
    """What an event is."""

    SNAP = 1
    PASS_RELEASE = 2
    SHOT = 3


class TagSource(enum.Enum):
    """Who tagged an event."""

    MANUAL = 1
    AUTOMATIC = 2


class TrackedObject(enum.Enum):
    """What a track follows."""

    BALL = 1
    PUCK = 2


@dataclass(frozen=True, slots=True)
class CoordinateSystem:
    """How the numbers of a source are to be read."""

    length_unit: LengthUnit
    origin: Origin
    angle_convention: AngleConvention | None


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody who may appear in the frames."""

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
    season: int | None
    home_team_id: str
    away_team_id: str
    coordinates: CoordinateSystem | None
    """None: the source sends no positions."""
    frame_rate_hertz: float | None = 10.0
    """Frames of the players per second; None: the source does not track players."""
    week: int | None = None
    home_games_remaining: int | None = None
    away_games_remaining: int | None = None
    home_side: HomeSide = HomeSide.STATED
    """Unless it is stated, what depends on who is at home is masked."""
    revision: int = 0
    """Counts corrections of the header."""

    @property
    def team_ids(self) -> tuple[str, str]:
        """The two teams."""
        return self.home_team_id, self.away_team_id


@dataclass(frozen=True, slots=True)
class PlayContext:
    """What is known of a play besides its film."""

    play_id: str
    attacking_team_id: str
    situation: object | None
    """The task's own part; it says by which task the play is graded. None: nothing is known that a task could read."""
    attacking_direction: AttackingDirection | None = None
    revision: int = 1
    segment_id: str = ""
    """The segment that its tracking is in; empty: one of the play's own name."""
    opens_at_frame: int | None = None
    """Earlier events of the segment belong to other plays."""
    status: PlayStatus | None = None
    """None: as before; a play stands unless a context says otherwise."""
    complete: bool = False
    """It states all that is known of the play: contexts of lower revisions no longer count."""
    release_frame: int | None = None
    """The frame of what is graded, where the source knows it; it overrules events."""

    @property
    def segment(self) -> str:
        """The segment it was filmed in."""
        return self.segment_id or self.play_id


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """Something that happened at a frame, in the source's words; `playscore.tracking_events` tells what."""

    frame_number: int
    name: str
    kind: TrackingEventKind | None = None
    """What it is, for sources that know; None: by its name."""
    tagged_by: TagSource | None = None
    """None: by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The ball or puck in one segment: N samples at a rate of their own, on the segment's clock; NaN: not seen."""

    tracked: TrackedObject
    rate_hertz: float
    sample_numbers: NDArray[np.int32]
    """(N,) sample n is filmed n / rate_hertz seconds after frame number 0 of the players."""
    x: Floats
    """(N,)"""
    y: Floats
    """(N,)"""
    z: Floats | None = None
    """(N,) height above the ground; None: not known."""

    def __len__(self) -> int:
        return len(self.sample_numbers)

    def samples(self, start: int, stop: int) -> Track:
        """The samples from place `start` to before place `stop`."""
        return replace(
            self,
            sample_numbers=self.sample_numbers[start:stop],
            x=self.x[start:stop],
            y=self.y[start:stop],
            z=None if self.z is None else self.z[start:stop],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frames of one segment, in the source's units: F frames of E players; NaN in x and y: not seen in that frame.

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
            times_unix_micros=None if self.times_unix_micros is None else self.times_unix_micros[start:stop],
            events=tuple(event for event in self.events if event.frame_number in mine),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """A play as a source has it. `outcome` is None where its result is not known or no task grades it."""

    context: PlayContext
    frames: Frames
    outcome: object | None = None
    tracks: tuple[Track, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """A game as a source has it, plays in the order in which they were played."""

    header: GameHeader
    roster: tuple[Player, ...]
    plays: Sequence[Play]
