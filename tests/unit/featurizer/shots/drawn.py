"""A drawing as a source would tell it: the film of a period in which it happens, or its events alone."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from docs.generate.drawings import Body, Drawing, Point
from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.shots.factors import FACTORS, PLACE
from featurizer.shots.ice import FEET
from featurizer.shots.task import SHOTS
from playscore import rink
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
    Track,
    TrackedObject,
)
from playscore.shots import (
    Handedness,
    HockeyEventKind,
    NetState,
    PrecedingEvent,
    ShotListing,
    ShotSituation,
    ShotType,
)

SHOOTING: Final = "HOM"
DEFENDING: Final = "AWY"
BEGINS: Final = -8.0
"""Seconds from the release at which the film begins, and ends."""
ENDS: Final = 1.4
ENUMS: Final[dict[str, type[enum.Enum]]] = {"net_state": NetState, "listing": ShotListing, "shot_type": ShotType}


@dataclass(frozen=True)
class Layout:
    """How a source tells what is drawn."""

    direction: AttackingDirection = AttackingDirection.POSITIVE_X
    unit: LengthUnit = LengthUnit.FOOT
    origin: Origin = Origin.CENTER
    angles: AngleConvention | None = None
    """By which it states speeds and directions; None: it does not."""
    rate: float = 15.0
    """Of the players, in hertz."""
    puck_rate: float = 60.0
    released: float = 100.0
    """Second of the period."""

    @property
    def coordinates(self) -> CoordinateSystem:
        return CoordinateSystem(self.unit, self.origin, self.angles)

    @property
    def sign(self) -> int:
        return 1 if self.direction is AttackingDirection.POSITIVE_X else -1

    def told(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Places in the source's coordinates."""
        corner = self.origin is Origin.CORNER
        along = self.sign * x + (rink.HALF_LENGTH_FEET if corner else 0.0)
        across = self.sign * y + (rink.HALF_WIDTH_FEET if corner else 0.0)
        return along / FEET[self.unit], across / FEET[self.unit]


AS_DRAWN: Final = Layout()


@dataclass(frozen=True)
class Told:
    """A play as a source tells it."""

    header: GameHeader
    roster: dict[str, Player]
    context: PlayContext
    frames: tuple[Frames, ...]
    tracks: tuple[Track, ...]

    def made(self) -> Tensor:
        made = featurize((SHOTS,), self.header, self.roster, self.context, self.frames, self.tracks)
        assert isinstance(made, Tensor), made
        return made


def filmed(drawing: Drawing, layout: Layout = AS_DRAWN) -> Told:
    """With film: the place of the shot is for the film to say, unless the puck is not seen."""
    people = _people(drawing)
    situation = _situation(drawing, layout, stated=drawing.unseen is not None)
    return Told(
        _header(layout, layout.rate),
        {player_id: player for player_id, (player, _) in people.items()} | _others(),
        replace(_context(layout, situation), release_frame=round(layout.released * layout.rate), segment_id="period-1"),
        (_frames({i: body for i, (_, body) in people.items() if body is not None}, layout),),
        (_track(drawing, layout),),
    )


def listed(drawing: Drawing, layout: Layout = AS_DRAWN) -> Told:
    """Without film: place and events only."""
    return Told(
        _header(layout, None),
        {player_id: player for player_id, (player, _) in _people(drawing).items()},
        _context(layout, _situation(drawing, layout, stated=True)),
        (),
        (),
    )


def value(tensor: Tensor, factor: str) -> float | None:
    """None where it is not known."""
    return float(tensor.statics[PLACE[factor]]) if tensor.statics[len(FACTORS) + PLACE[factor]] else None


def _header(layout: Layout, rate: float | None) -> GameHeader:
    return GameHeader("NHL", "2024020001", Sport.ICE_HOCKEY, 2024, SHOOTING, DEFENDING, layout.coordinates, rate)


def _context(layout: Layout, situation: ShotSituation) -> PlayContext:
    return PlayContext("17", SHOOTING, situation, layout.direction)


def _others() -> dict[str, Player]:
    """Goalies who may not be on the ice: the roster says who is one."""
    return {name: Player(name, team, position="G") for name, team in (("g1", DEFENDING), ("g2", SHOOTING))}


def _people(drawing: Drawing) -> dict[str, tuple[Player, Body | None]]:
    def named(letter: str, team: str, bodies: Sequence[Body]) -> dict[str, tuple[Player, Body | None]]:
        return {f"{letter}{n}": (Player(f"{letter}{n}", team, position="F"), body) for n, body in enumerate(bodies, 1)}

    people: dict[str, tuple[Player, Body | None]] = {
        **named("a", SHOOTING, drawing.attackers),
        **named("d", DEFENDING, drawing.defenders),
    }
    people["shooter"] = Player("shooter", SHOOTING, position="F"), drawing.shooter
    if drawing.goalie is not None:
        people["g1"] = Player("g1", DEFENDING, position="G"), drawing.goalie
    return people


def _situation(drawing: Drawing, layout: Layout, *, stated: bool) -> ShotSituation:
    fields: dict[str, Any] = {
        name: ENUMS[name][each.upper()] if name in ENUMS else each for name, each in drawing.situation.items()
    }
    x, y = layout.told(*drawing.place) if stated else (None, None)
    return ShotSituation(
        shooter_id="shooter",
        goalie_id="g1" if drawing.goalie is not None else "",
        x=x,
        y=y,
        shooter_shoots=_hand(drawing.shooter),
        goalie_catches=_hand(drawing.goalie),
        preceding_events=tuple(
            PrecedingEvent(
                HockeyEventKind[event.kind.upper()],
                event.seconds,
                {"shooting": SHOOTING, "defending": DEFENDING, "": ""}[event.team],
                *(layout.told(*event.at) if event.at is not None else ()),
            )
            for event in drawing.events
        ),
        **fields,
    )


def _hand(body: Body | None) -> Handedness | None:
    return Handedness[body.hand.upper()] if body is not None and body.hand else None


def _numbers(layout: Layout, rate: float) -> NDArray[np.int32]:
    first, last = (layout.released + BEGINS) * rate, (layout.released + ENDS) * rate
    return np.arange(math.ceil(first), math.floor(last) + 1, dtype=np.int32)


def _hidden(seconds: NDArray[np.float64], unseen: Point | None) -> NDArray[np.bool_]:
    if unseen is None:
        return np.zeros(len(seconds), bool)
    return (seconds >= unseen[0] - 1e-9) & (seconds <= unseen[1] + 1e-9)


def _frames(bodies: dict[str, Body], layout: Layout) -> Frames:
    numbers = _numbers(layout, layout.rate)
    seconds = numbers / layout.rate - layout.released
    places = np.array([[body.at(t) for body in bodies.values()] for t in seconds]).reshape(len(numbers), -1, 2)
    for e, body in enumerate(bodies.values()):
        places[_hidden(seconds, body.unseen), e] = np.nan
    x, y = layout.told(places[..., 0], places[..., 1])
    stated: dict[str, Any] = {} if layout.angles is None else _motion(x, y, layout)
    return Frames(numbers, tuple(bodies), x.astype(np.float32), y.astype(np.float32), **stated)


def _motion(x: NDArray[np.float64], y: NDArray[np.float64], layout: Layout) -> dict[str, NDArray[np.float32]]:
    along, across = np.gradient(x, axis=0) * layout.rate, np.gradient(y, axis=0) * layout.rate
    clockwise = layout.angles is AngleConvention.DEGREES_CLOCKWISE_FROM_Y
    angle = np.arctan2(along, across) if clockwise else np.arctan2(across, along)
    return {
        "speed": np.hypot(along, across).astype(np.float32),
        "direction_degrees": (np.degrees(angle) % 360.0).astype(np.float32),
    }


def _track(drawing: Drawing, layout: Layout) -> Track:
    numbers = _numbers(layout, layout.puck_rate)
    seconds = numbers / layout.puck_rate - layout.released
    seen = seconds <= drawing.puck[-1][0] + 1e-9
    numbers, seconds = numbers[seen], seconds[seen]
    places = np.array([drawing.puck_at(t) for t in seconds])
    places[_hidden(seconds, drawing.unseen)] = np.nan
    x, y = layout.told(places[:, 0], places[:, 1])
    height = None
    if all(len(each) == 4 for each in drawing.puck):
        times, z = [each[0] for each in drawing.puck], [each[3] for each in drawing.puck]
        height = (np.interp(seconds, times, z) / FEET[layout.unit]).astype(np.float32)
    return Track(TrackedObject.PUCK, layout.puck_rate, numbers, x.astype(np.float32), y.astype(np.float32), height)
