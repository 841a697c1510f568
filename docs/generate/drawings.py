"""The drawings of docs/drawings: situations whose factors were worked out by hand, for the docs and for the tests."""

from __future__ import annotations

import importlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from playscore import rink

FOLDER: Final = Path(__file__).resolve().parents[1] / "drawings"
Point: TypeAlias = tuple[float, float]
NET: Final[Point] = (rink.GOAL_LINE_X_FEET, 0.0)
SHOT_SPEED: Final = 80.0
"""Of the puck, ft/s, where a drawing does not say how it goes on."""
SHOT_SECONDS: Final = 0.3
"""After the release that the puck is drawn."""
MOVING_SECONDS: Final = 2.0
"""Before the release that somebody with a velocity moves; before that they stand."""
TOLERANCE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Body:
    """Somebody on the ice."""

    way: tuple[tuple[float, float, float], ...]
    """Seconds from the release, x and y. They stand before the first, and go on as they went after the last."""
    hand: str = ""
    """`left` or `right`: how they shoot, or with which hand they catch."""
    unseen: tuple[float, float] | None = None
    """Seconds between which nobody sees them."""

    def at(self, seconds: float) -> Point:
        """Where they are."""
        return _along(self.way, seconds)

    @property
    def velocity(self) -> Point:
        """At the release, ft/s."""
        (x, y), (later_x, later_y) = self.at(-0.01), self.at(0.01)
        return (later_x - x) / 0.02, (later_y - y) / 0.02


@dataclass(frozen=True, slots=True)
class Before:
    """Something that happened before the shot."""

    kind: str
    seconds: float
    team: str
    """`shooting`, `defending`, or empty where it is not known."""
    at: Point | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A situation, the factor that it shows, and the value which that must have. Feet; the net attacked at +89."""

    name: str
    factor: str
    value: float | None
    """None: not known."""
    tolerance: float
    says: str
    """For people."""
    how: str
    """The arithmetic that makes the value; empty where there is none."""
    view: str
    by: tuple[str, ...]
    """`film`, `events` or both: what tells the value."""
    puck: tuple[tuple[float, ...], ...]
    """Seconds from the release, x, y, and z where the height is known."""
    unseen: tuple[float, float] | None
    """Seconds between which nobody sees the puck."""
    shooter: Body | None
    attackers: tuple[Body, ...]
    defenders: tuple[Body, ...]
    goalie: Body | None
    events: tuple[Before, ...]
    """The latest first."""
    situation: Mapping[str, Any]
    """Fields of `ShotSituation`, those that are enums by their names."""
    marks: tuple[Mapping[str, Any], ...]
    """What is drawn of the measure."""
    panel: tuple[str, ...]
    """Lines of text on the ice."""

    @property
    def place(self) -> Point:
        """Of the puck at the release."""
        return _along([each[:3] for each in self.puck], 0.0)

    def puck_at(self, seconds: float) -> Point:
        """Where the puck is."""
        return _along([each[:3] for each in self.puck], seconds)

    def point(self, where: Any) -> Point:
        """A place by its name, such as `net`, `goalie`, `defender 2` or `puck@-1.0`, or as it is.

        Raises:
            ValueError: nothing has that name.
        """
        if not isinstance(where, str):
            x, y = where
            return float(x), float(y)
        what, _, seconds = where.partition("@")
        at = float(seconds or 0.0)
        if (body := self.bodies.get(what)) is not None:
            return body.at(at)
        half = rink.HALF_NET_WIDTH_FEET
        places = {"puck": self.puck_at(at), "net": NET, "left post": (NET[0], half), "right post": (NET[0], -half)}
        events = {f"event {number}": event.at for number, event in enumerate(self.events, 1) if event.at is not None}
        if (place := (places | events).get(what)) is None:
            raise ValueError(f"{self.name}: nothing is called {where!r}")
        return place

    @property
    def bodies(self) -> dict[str, Body]:
        """Everybody, by name."""
        named = {f"attacker {number}": body for number, body in enumerate(self.attackers, 1)}
        named |= {f"defender {number}": body for number, body in enumerate(self.defenders, 1)}
        alone = {"shooter": self.shooter, "goalie": self.goalie}
        return named | {name: body for name, body in alone.items() if body is not None}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is said of a factor besides its definition."""

    unknown: str
    """When it is."""
    exactly: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Factors of one kind, with their drawings."""

    title: str
    shown: Mapping[str, Shown]
    """By the names of factors, in their order."""
    drawings: tuple[Drawing, ...] = field(default=())


def groups(folder: Path = FOLDER) -> list[Group]:
    """All drawings, in the order of their files."""
    return [_group(tomllib.loads(path.read_text())) for path in sorted(folder.glob("*.toml"))]


def constant(name: str) -> float:
    """A constant of featurizer.shots by its name, such as `events.RUSH_SECONDS`."""
    module, _, rest = name.partition(".")
    return float(getattr(importlib.import_module(f"featurizer.shots.{module}"), rest))


def _group(table: Mapping[str, Any]) -> Group:
    return Group(
        table["title"],
        {name: Shown(**shown) for name, shown in table["factors"].items()},
        tuple(_drawing(each) for each in table["drawings"]),
    )


def _drawing(table: Mapping[str, Any]) -> Drawing:
    stated = dict(table)
    unknown = stated.pop("unknown", False)
    drawing = Drawing(
        name=stated.pop("name"),
        factor=stated.pop("factor"),
        value=None if unknown else float(stated.pop("value")),
        tolerance=float(stated.pop("tolerance", TOLERANCE)),
        says=stated.pop("says"),
        how=stated.pop("how", ""),
        view=stated.pop("view", "zone"),
        by=tuple(stated.pop("by")),
        puck=_puck(stated.pop("puck")),
        unseen=_pair(stated.pop("unseen", None)),
        shooter=_body(stated.pop("shooter", None)),
        attackers=tuple(Body(_way(each), "", _pair(each.get("unseen"))) for each in stated.pop("attackers", ())),
        defenders=tuple(Body(_way(each), "", _pair(each.get("unseen"))) for each in stated.pop("defenders", ())),
        goalie=_body(stated.pop("goalie", None)),
        events=tuple(
            Before(each["kind"], float(each["seconds"]), each.get("team", ""), _pair(each.get("at")))
            for each in stated.pop("events", ())
        ),
        situation=stated.pop("situation", {}),
        marks=tuple(stated.pop("marks", ())),
        panel=tuple(stated.pop("panel", ())),
    )
    if stated:
        raise ValueError(f"{drawing.name}: no drawing has {', '.join(sorted(stated))}")
    return drawing


def _puck(way: Any) -> tuple[tuple[float, ...], ...]:
    """The way as stated, a single place being where it lay. One that ends at the release goes on toward the net."""
    points = [tuple(map(float, each)) for each in (way if isinstance(way[0], list) else [[0.0, *way]])]
    seconds, x, y, *height = points[-1]
    if seconds <= 0.0:
        far = SHOT_SPEED * SHOT_SECONDS / (math.hypot(NET[0] - x, NET[1] - y) or 1.0)
        points.append((SHOT_SECONDS, x + far * (NET[0] - x), y + far * (NET[1] - y), *height))
    return tuple(points)


def _body(table: Mapping[str, Any] | None) -> Body | None:
    if table is None:
        return None
    return Body(_way(table), table.get("shoots", table.get("catches", "")), _pair(table.get("unseen")))


def _way(table: Mapping[str, Any]) -> tuple[tuple[float, float, float], ...]:
    if "way" in table:
        return tuple((float(t), float(x), float(y)) for t, x, y in table["way"])
    (x, y), (vx, vy) = table["at"], table.get("velocity", (0.0, 0.0))
    return (-MOVING_SECONDS, x - MOVING_SECONDS * vx, y - MOVING_SECONDS * vy), (0.0, float(x), float(y))


def _pair(pair: Sequence[float] | None) -> tuple[float, float] | None:
    return None if pair is None else (float(pair[0]), float(pair[1]))


def _along(way: Sequence[Sequence[float]], seconds: float) -> Point:
    """Where something is on its way: standing before the first point, going straight on after the last."""
    if seconds <= way[0][0] or len(way) == 1:
        return way[0][1], way[0][2]
    after = next((place for place, each in enumerate(way) if each[0] >= seconds), len(way) - 1)
    (begin, x, y), (end, to_x, to_y) = way[after - 1], way[after]
    part = (seconds - begin) / (end - begin)
    return x + part * (to_x - x), y + part * (to_y - y)
