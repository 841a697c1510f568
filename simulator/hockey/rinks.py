"""B games in progress, side by side: where everybody is, who has the puck, and what the scoreboard shows."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from playscore.shots import HockeyEventKind, ShotKind, ShotResult, ShotType
from simulator.hockey.league import BY_SLOT, ROSTER, TEAMS, Skills, opponents
from simulator.hockey.randomness import Draws

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

RATE_HERTZ: Final = 15
"""Frames of the players a second."""
PUCK_RATE_HERTZ: Final = 60
SAMPLES: Final = PUCK_RATE_HERTZ // RATE_HERTZ
SECOND: Final = RATE_HERTZ
SLOTS: Final = 6
"""Of each team: 0 the goalie's or an extra attacker's, 1 left wing, 2 center, 3 right wing, 4 and 5 defense."""
EVERYBODY: Final = 2 * SLOTS
NEVER: Final = -(10**6)
OVERTIME: Final = 4
STARTING_GOALIE: Final = 0


class Puck(enum.IntEnum):
    """What the puck does."""

    CARRIED = 0
    PASSED = 1
    SHOT = 2
    LOOSE = 3
    DEAD = 4


class Whistle(enum.IntEnum):
    """Why play stopped."""

    GOAL = 0
    FREEZE = 1
    ICING = 2
    OFFSIDE = 3
    OUT_OF_PLAY = 4
    PENALTY = 5
    PERIOD = 6


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; team 0 is at home, -1 nobody's. Places are those of the ice, not of the attack."""

    kind: HockeyEventKind
    period: int
    frame: int
    clock: float
    """Seconds left in the period."""
    team: int
    x: float
    y: float
    player: int = -1
    """Place in the team's roster."""
    other: int = -1
    """Place in the roster of whom else it concerns: a blocker, a receiver, who lost the face-off."""
    detail: str = ""
    to: tuple[float, float] | None = None
    skaters: tuple[int, int] = (5, 5)
    score: tuple[int, int] = (0, 0)
    """Before it."""
    on_ice: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    goalies: tuple[bool, bool] = (True, True)
    shot: int = -1
    """Which of the game's attempts it is."""


@dataclass(slots=True)
class Attempt:
    """A shot attempt, and the truth about it."""

    period: int
    frame: int
    """Of the release."""
    clock: float
    team: int
    shooter: int
    """Place in the roster of the shooting team."""
    goalie: int
    """Place in the roster of the other team; -1: an empty net."""
    direction: int
    """Which way the shooting team attacks: 1 or -1."""
    puck: tuple[float, float]
    skaters: tuple[int, int]
    """Of the shooting and of the defending team."""
    score: tuple[int, int]
    """Of the shooting and of the defending team, before it."""
    seconds_on_ice: tuple[float, float, float]
    """Of the shooter; the means of the shooting and of the defending skaters."""
    kind: ShotType
    result: ShotResult
    chance: float
    """That it is a goal, given that it is not blocked."""
    average_chance: float
    """The same if shooter and goalie were average."""
    block_chance: float
    situation: dict[str, float]
    events_before: int
    """How many of the game's events came before it."""
    ended_frame: int = -1
    """When the puck arrived."""
    play: ShotKind = ShotKind.IN_PLAY


@dataclass(frozen=True, slots=True)
class Draw:
    """A face-off, seen from the home team."""

    period: int
    frame: int
    clock: float
    spot: tuple[float, float]
    direction: int
    """Which way the home team attacks."""
    takers: tuple[int, int]
    """Places in the rosters: home, visitors."""
    skaters: tuple[int, int]
    score: tuple[int, int]
    chance: float
    """That the home team wins it."""
    home_won: bool
    events_before: int


@dataclass
class Log:
    """What happened in one game."""

    index: int
    teams: tuple[int, int]
    """Home and visitors, as places in TEAMS."""
    events: list[Event] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    period_frames: list[int] = field(default_factory=list)
    """Frames of each period that is over."""
    score: tuple[int, int] = (0, 0)


class Rinks:
    """The state of B games. Arrays start with B. Teams are 0 (home) and 1; slots 0 to 5 are the home team's."""

    def __init__(self, seed: int, games: Sequence[int], skills: Skills, period_seconds: float) -> None:
        count = len(games)
        self.draws = Draws(seed, games)
        self.logs = [Log(index, opponents(index)) for index in games]
        self.period_seconds = period_seconds
        teams = np.array([log.teams for log in self.logs])
        self.shooting = skills.shooting[teams]
        """(B, 2, 20)"""
        self.goalkeeping = skills.goalkeeping[teams]
        self.faceoffs = skills.faceoffs[teams]
        self.left_handed = np.array([[_left(t) for t in log.teams] for log in self.logs])
        """(B, 2, 20)"""

        self.period = np.ones(count, int)
        self.frame = np.zeros(count, int)
        """Of the period."""
        self.clock = np.full(count, float(period_seconds))
        self.played = np.zeros(count)
        """Seconds of the game clock, all periods."""
        self.score = np.zeros((count, 2), int)
        self.over = np.zeros(count, bool)
        self.ended = np.zeros(count, bool)
        """The period is over and its film is complete."""

        self._clear_players(count)
        self._clear_puck(count)
        self._clear_plans(count)
        self._line_up()

    def _clear_players(self, count: int) -> None:
        self.pos = np.zeros((count, EVERYBODY, 2))
        self.vel = np.zeros((count, EVERYBODY, 2))
        self.who = np.zeros((count, EVERYBODY), int)
        """Places in the rosters."""
        self.on = np.ones((count, EVERYBODY), bool)
        self.leaving = np.zeros((count, EVERYBODY), bool)
        """On the way to the bench."""
        self.boxed = np.zeros((count, EVERYBODY), bool)
        """On the way to the penalty box, or in it."""
        self.targets = np.zeros((count, EVERYBODY, 2))
        """Where everybody wants to be."""
        self.paces = np.zeros((count, EVERYBODY))
        """How fast they go there at most."""
        self.rethink = np.ones(count, bool)
        self.since = np.zeros((count, EVERYBODY))
        """`played` when the shift began."""
        self.rested = np.zeros((count, 2, ROSTER))
        """`played` when each last came off."""
        self.shift = np.full((count, EVERYBODY), 45.0)
        """Seconds that the shift is to last."""
        self.penalty_left = np.zeros((count, 2, 2))
        """Seconds; of a team's penalties the first empties slot 1, the second slot 3."""
        self.pulled = np.zeros((count, 2), bool)
        """The team wants an extra attacker for its goalie."""

    def _clear_puck(self, count: int) -> None:
        self.puck = np.zeros((count, 3))
        self.puck_vel = np.zeros((count, 3))
        self.slide = np.zeros((count, 2))
        """Velocity of a loose puck."""
        self.residual = np.zeros((count, 2))
        """What a carried puck is away from the carrier's stick."""
        self.mode = np.full(count, int(Puck.DEAD))
        self.carrier = np.zeros(count, int)
        self.attacking = np.zeros(count, int)
        """The team that has or last had the puck."""
        self.flight_from = np.zeros((count, 3))
        self.flight_to = np.zeros((count, 3))
        self.flight_start = np.zeros(count)
        self.flight_steps = np.ones(count)
        self.rise = np.zeros(count)
        """Vertical speed at the release."""
        self.receiver = np.full(count, -1)
        """Slot; -1: nobody."""
        self.tip = np.zeros(count, bool)
        self.dumped = np.zeros(count, bool)
        self.icing = np.zeros(count, bool)
        self.shot = np.zeros(count, int)
        """Place of the shot in flight among the game's attempts."""
        self.deflector = np.zeros(count, int)
        """Slot of who blocks it."""
        self.seen_puck = np.zeros((count, 2))
        """Where the goalies think that the puck is."""

    def _clear_plans(self, count: int) -> None:
        self.misplaced = np.zeros((count, 2))
        """Feet that each goalie stands beside the place where they want to stand."""

        self.decide_at = np.zeros(count, int)
        self.got_at = np.full(count, NEVER)
        """When the carrier got the puck."""
        self.was_passed = np.zeros(count, bool)
        self.royal_road_at = np.full(count, NEVER)
        self.shot_at = np.full((count, 2), NEVER)
        """Last unblocked shot of each team."""
        self.entered_at = np.full((count, 2), NEVER)
        """When the puck last came over the blue line of the end at +x, and at -x."""
        self.carry_to = np.zeros((count, 2))
        """Seen as an attack toward +x, as the next two."""
        self.spots = np.zeros((count, SLOTS, 2))
        self.screener = np.zeros(count, int)
        """Slot of the forward who stands in front of the goalie; 0: nobody."""
        self.looseness = np.zeros((count, SLOTS, 2))
        self.resume_at = np.zeros(count, int)
        self.dead_from = np.zeros(count, int)
        self.spot = np.zeros((count, 2))

    def __len__(self) -> int:
        return len(self.frame)

    def _line_up(self) -> None:
        for team in (0, 1):
            for slot in range(1, SLOTS):
                self.who[:, team * SLOTS + slot] = BY_SLOT[slot][0]
            self.who[:, team * SLOTS] = STARTING_GOALIE
        self.rested[:] = -np.arange(ROSTER)[::-1] % 7

    def keep(self, lanes: Integers) -> None:
        """Only these games go on."""
        self.draws.keep(lanes)
        self.logs = [self.logs[lane] for lane in lanes]
        count = len(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and len(value) == count:
                setattr(self, name, value[lanes])

    @property
    def everyone(self) -> Integers:
        """All lanes."""
        return np.arange(len(self))

    def direction(self, team: Any, lanes: Any = slice(None)) -> Integers:
        """1 where that team attacks toward +x, else -1. The home team does in the odd periods."""
        home = np.where(self.period[lanes] % 2 == 1, 1, -1)
        toward: Integers = np.where(np.asarray(team) == 0, home, -home)
        return toward

    def skaters(self, lanes: Any = slice(None)) -> Integers:
        """(n, 2) skaters of each team, extra attackers among them."""
        on = (self.on & ~self.boxed)[lanes].reshape(-1, 2, SLOTS)
        goalies = self.has_goalie(lanes)
        count: Integers = on.sum(-1) - goalies
        return count

    def has_goalie(self, lanes: Any = slice(None)) -> Flags:
        """(n, 2) whose goalie is on the ice."""
        there: Flags = self.who[lanes].reshape(-1, 2, SLOTS)[:, :, 0] == STARTING_GOALIE
        return there

    def attack_view(self, lanes: Integers) -> tuple[Array, Flags, Integers]:
        """Places (n, 12, 2), attackers first, turned so that the attack goes to +x; who is on (n, 12); 1 or -1 (n,)."""
        team = self.attacking[lanes]
        toward = self.direction(team, lanes)
        places = self.pos[lanes].reshape(-1, 2, SLOTS, 2)
        on = (self.on & ~self.boxed)[lanes].reshape(-1, 2, SLOTS)
        visitors = (team == 1)[:, None, None]
        places = np.where(visitors[..., None], places[:, ::-1], places) * toward[:, None, None, None]
        on = np.where(visitors, on[:, ::-1], on)
        return places.reshape(-1, EVERYBODY, 2), on.reshape(-1, EVERYBODY), toward


def _left(team: int) -> list[bool]:
    return [hand.name == "LEFT" for hand in TEAMS[team].hands]
