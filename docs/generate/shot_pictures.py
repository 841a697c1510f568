"""A drawing as a picture: the ice that is attacked, the puck's way, everybody, and what is measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

import numpy as np

from docs.generate.drawings import NET, Body, Drawing, Point, constant
from featurizer.shots import net
from featurizer.shots.factors import FACTORS, PLACE
from playscore import rink

WIDTH: Final = 360.0
"""In pixels, those of a phone: text is never smaller than it is drawn."""
HEADER: Final = 30.0
TEXT: Final = 12.0
VIEWS: Final[Mapping[str, tuple[float, float, float]]] = {
    "zone": (20.0, 101.0, 43.5),
    "long": (-8.0, 101.0, 43.5),
    "slot": (50.0, 97.0, 25.0),
    "net": (71.0, 97.0, 13.0),
}
"""Least and greatest x, and how far they reach to both sides, in feet."""
STROKE_SECONDS: Final = 0.5
"""The stroke of somebody who moves leads to where they will be then."""
CIRCLE_FEET: Final = 15.0
CREASE_FEET: Final = 6.0
CORNER_FEET: Final = 28.0
NET_DEPTH_FEET: Final = 3.3
ARC: Final = 34.0
"""Of an angle, in pixels from its corner."""
EVENT_WORDS: Final[Mapping[str, str]] = {"shot_on_goal": "shot", "missed_shot": "miss", "blocked_shot": "blocked shot"}

STYLE: Final = """
.sheet{color-scheme:light dark;--ice:#f8fbfd;--ink:#22303c;--faint:#8fa3b3;--red:#c8102e;--blue:#1f5fbf;--own:#1f5fbf;\
--other:#d05a00;--mark:#8a1fa8}
@media (prefers-color-scheme:dark){.sheet{--ice:#1b242c;--ink:#e6edf3;--faint:#6d8191;--red:#e0566b;--blue:#5c94e6;\
--own:#6ba6ff;--other:#ff9a4a;--mark:#e28bff}}
text{font-family:sans-serif;fill:var(--ink);paint-order:stroke;stroke:var(--ice);stroke-width:3px;stroke-linejoin:round}
.ice{fill:var(--ice);stroke:var(--faint)}
.rink{fill:none;stroke:var(--red);stroke-opacity:.5}
.line{fill:none;stroke:var(--blue);stroke-opacity:.5;stroke-width:3}
.boards{fill:none;stroke:var(--faint);stroke-width:2}
.net{fill:none;stroke:var(--red);stroke-width:2.5}
.puck{fill:none;stroke:var(--ink);stroke-width:1.6}
.disk{fill:var(--ink)}
.own{fill:var(--own);stroke:var(--own)}
.other{fill:var(--other);stroke:var(--other)}
.ring{fill:none;stroke:var(--own);stroke-width:1.6}
.stroke{stroke-width:2}
.way{fill:none;stroke-width:1.5;stroke-dasharray:1 4;stroke-linecap:round}
.mark{fill:none;stroke:var(--mark);stroke-width:2}
.thin{stroke-width:1.2;stroke-dasharray:5 4}
.area{fill:var(--mark);fill-opacity:.16;stroke:none}
.hides{fill:var(--other);fill-opacity:.28;stroke:none}
.says{fill:var(--mark);font-weight:bold}
.event{fill:var(--ice);stroke:var(--ink);stroke-width:1.6}
"""


def picture(drawing: Drawing) -> str:
    """The drawing as SVG, 360 pixels wide, with colors of its own for light and dark."""
    return "\n".join(_Picture(drawing).lines()) + "\n"


def shown_value(drawing: Drawing) -> str:
    """The value with its unit, as people write it."""
    if drawing.value is None:
        return "unknown"
    number = f"{drawing.value:.4g}".replace("-", "−")
    unit = FACTORS[PLACE[drawing.factor]].unit
    return {"1": number, "code": number, "deg": f"{number}°"}.get(unit, f"{number} {unit}")


class _Picture:
    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._left, self._right, self._half = VIEWS[drawing.view]
        self._scale = WIDTH / (self._right - self._left)
        self._height = HEADER + 2 * self._half * self._scale

    def lines(self) -> Iterator[str]:
        drawing = self._drawing
        value = shown_value(drawing)
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {self._height:.0f}" width="{WIDTH:g}" '
            f'height="{self._height:.0f}" font-size="{TEXT:g}" role="img">'
        )
        yield f"<title>{escape(f'{drawing.factor}: {value}. {drawing.says}')}</title>"
        yield f"<style>{STYLE}</style>"
        yield '<g class="sheet">'
        yield f'<rect class="ice" x=".5" y=".5" width="{WIDTH - 1:g}" height="{self._height - 1:.0f}" rx="6"/>'
        height = self._height - HEADER
        yield f'<clipPath id="ice"><rect y="{HEADER:g}" width="{WIDTH:g}" height="{height:.1f}"/></clipPath>'
        yield '<g clip-path="url(#ice)">'
        yield from self._rink()
        yield from (line for mark in drawing.marks for line in self._area(mark))
        yield from self._people()
        yield from self._puck()
        yield from self._events()
        yield from (line for mark in drawing.marks for line in self._mark(mark, value))
        yield from self._panel()
        yield "</g>"
        yield from self._header(value)
        yield "</g></svg>"

    # --- Places ---

    def _at(self, place: Point) -> tuple[float, float]:
        return (place[0] - self._left) * self._scale, HEADER + (self._half - place[1]) * self._scale

    def _path(self, places: Sequence[Point]) -> str:
        return "M" + "L".join("{:.1f} {:.1f}".format(*self._at(place)) for place in places)

    def _circle(self, name: str, center: Point, radius: float, *, feet: bool = False) -> str:
        x, y = self._at(center)
        return f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="{radius * (self._scale if feet else 1.0):.1f}"/>'

    def _text(self, name: str, place: Point, text: str, *, up: float = 0.0) -> str:
        """Centered on a place, within the picture."""
        x, y = self._at(place)
        half = 0.3 * TEXT * len(text) + 4.0
        x = min(max(x, half), WIDTH - half)
        y = min(max(y - up + TEXT / 3, HEADER + TEXT + 2), self._height - 6.0)
        return f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(text)}</text>'

    # --- What is always there ---

    def _header(self, value: str) -> Iterator[str]:
        yield f'<path class="boards" style="stroke-width:1" d="M0 {HEADER:g}H{WIDTH:g}"/>'
        yield f'<text x="10" y="20">{self._drawing.factor}</text>'
        yield f'<text class="says" x="{WIDTH - 10:g}" y="20" text-anchor="end">{escape(value)}</text>'

    def _rink(self) -> Iterator[str]:
        goal, half = rink.GOAL_LINE_X_FEET, rink.HALF_NET_WIDTH_FEET
        width, end = rink.HALF_WIDTH_FEET, rink.HALF_LENGTH_FEET
        across = math.sqrt(CORNER_FEET**2 - (goal - end + CORNER_FEET) ** 2) + width - CORNER_FEET
        for x in (rink.BLUE_LINE_X_FEET,):
            yield f'<path class="line" d="{self._path([(x, -width), (x, width)])}"/>'
        yield f'<path class="rink" style="stroke-width:3" d="{self._path([(0.0, -width), (0.0, width)])}"/>'
        yield f'<path class="rink" d="{self._path([(goal, -across), (goal, across)])}"/>'
        for side in (-1, 1):
            dot = rink.END_ZONE_DOT_X_FEET, side * rink.DOT_Y_FEET
            yield self._circle("rink", dot, CIRCLE_FEET, feet=True)
            yield self._circle("rink", dot, 1.0, feet=True)
            yield self._circle("rink", (rink.NEUTRAL_ZONE_DOT_X_FEET, side * rink.DOT_Y_FEET), 1.0, feet=True)
        crease = [
            (goal - CREASE_FEET * math.cos(math.radians(turn)), CREASE_FEET * math.sin(math.radians(turn)))
            for turn in range(-42, 43, 6)
        ]
        yield f'<path class="rink" d="{self._path([(goal, -4.0), *crease, (goal, 4.0)])}"/>'
        back = goal + NET_DEPTH_FEET
        yield f'<path class="net" d="{self._path([(goal, -half), (back, -half), (back, half), (goal, half)])}"/>'
        corner = [
            (
                end - CORNER_FEET * (1 - math.cos(math.radians(turn))),
                width - CORNER_FEET * (1 - math.sin(math.radians(turn))),
            )
            for turn in range(90, -1, -6)
        ]
        other = [(x, -y) for x, y in reversed(corner)]
        begin = -rink.HALF_LENGTH_FEET
        yield f'<path class="boards" d="{self._path([(begin, width), *corner, *other, (begin, -width)])}"/>'

    def _people(self) -> Iterator[str]:
        drawing = self._drawing
        if "film" not in drawing.by:
            return
        for name, body in drawing.bodies.items():
            if body.unseen is not None and body.unseen[0] <= 0.0 <= body.unseen[1]:
                continue
            yield from self._body(body, name)

    def _body(self, body: Body, name: str) -> Iterator[str]:
        team = "own" if name.startswith(("shooter", "attacker")) else "other"
        here = body.at(0.0)
        past = [(x, y) for t, x, y in body.way if t < 0.0]
        if len(body.way) > 2 or (name == "goalie" and len(past) == 1 and past[0] != here and body.way[0][0] > -2.0):
            yield f'<path class="{team} way" style="fill:none" d="{self._path([*past, here])}"/>'
        vx, vy = body.velocity
        if math.hypot(vx, vy) > 0.5:
            to = here[0] + STROKE_SECONDS * vx, here[1] + STROKE_SECONDS * vy
            yield f'<path class="{team} stroke" d="{self._path([here, to])}"/>'
        x, y = self._at(here)
        if name == "goalie":
            yield f'<rect class="{team}" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"/>'
        elif team == "other":
            yield f'<path class="{team}" d="M{x:.1f} {y - 6.5:.1f}l6 10.5h-12z"/>'
        else:
            yield f'<circle class="{team}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
        if name == "shooter":
            yield f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="8.5"/>'

    def _puck(self) -> Iterator[str]:
        drawing = self._drawing
        filmed = "film" in drawing.by
        past = [(each[1], each[2]) for each in drawing.puck if each[0] <= 0.0]
        if filmed and len(past) > 1:
            yield f'<path class="puck" stroke-dasharray="6 3" d="{self._path(past)}"/>'
        yield from self._arrow(drawing.place, self._aim())
        yield self._circle("disk", drawing.place, 3.2)

    def _aim(self) -> Point:
        """Where the arrow of the shot ends: at the goal line at the latest, where the puck is in front of it."""
        drawing = self._drawing
        x, y = drawing.place
        *_, last = (each for each in drawing.puck if each[0] > 0.0)
        to_x, to_y = last[1], last[2]
        if x > NET[0]:
            return NET
        if to_x > NET[0]:
            part = (NET[0] - x) / (to_x - x)
            to_x, to_y = x + part * (to_x - x), y + part * (to_y - y)
        return to_x, to_y

    def _arrow(self, start: Point, end: Point) -> Iterator[str]:
        (x, y), (to_x, to_y) = self._at(start), self._at(end)
        length = math.hypot(to_x - x, to_y - y)
        if length < 1.0:
            return
        ux, uy = (to_x - x) / length, (to_y - y) / length
        yield f'<path class="puck" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"/>'
        left = to_x - 8 * ux + 4 * uy, to_y - 8 * uy - 4 * ux
        right = to_x - 8 * ux - 4 * uy, to_y - 8 * uy + 4 * ux
        yield '<path class="disk" d="M{:.1f} {:.1f}L{:.1f} {:.1f}L{:.1f} {:.1f}z"/>'.format(to_x, to_y, *left, *right)

    def _events(self) -> Iterator[str]:
        for event in self._drawing.events:
            if event.at is None:
                continue
            x, y = self._at(event.at)
            yield f'<path class="event" d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"/>'
            words = EVENT_WORDS.get(event.kind, event.kind.replace("_", " "))
            whose = {"defending": " (defenders)"}.get(event.team, "")
            below = event.at[1] > 0
            yield self._text("", event.at, f"{words}{whose}, −{event.seconds:g} s", up=16.0 if below else -16.0)
        unplaced = [event for event in self._drawing.events if event.at is None]
        for line, event in enumerate(unplaced):
            words = EVENT_WORDS.get(event.kind, event.kind.replace("_", " "))
            text = f"{words}, −{event.seconds:g} s"
            yield self._text("", (self._left, self._half), text, up=-18.0 * (line + 1))

    def _panel(self) -> Iterator[str]:
        """In the half of the ice that the puck is not in."""
        side = -1 if self._drawing.place[1] > 0 else 1
        middle = (self._left + 0.28 * (self._right - self._left), side * 0.62 * self._half)
        for line, text in enumerate(self._drawing.panel):
            x, y = self._at(middle)
            yield (
                f'<text x="{x:.1f}" y="{y + 20 * line:.1f}" text-anchor="middle" font-size="16" font-weight="bold">'
                f"{escape(text)}</text>"
            )

    # --- What is measured ---

    def _area(self, mark: Mapping[str, Any]) -> Iterator[str]:
        """What lies under the players."""
        drawing = self._drawing
        if "cone" in mark:
            left, right = drawing.point("left post"), drawing.point("right post")
            yield f'<path class="area" d="{self._path([drawing.place, left, right])}z"/>'
            yield from self._shadows()
        if "lane" in mark:
            (x, y), (to_x, to_y) = (drawing.point(each) for each in mark["lane"])
            half = constant(mark["half"]) / math.hypot(to_x - x, to_y - y)
            side_x, side_y = -half * (to_y - y), half * (to_x - x)
            corners = [
                (x + side_x, y + side_y),
                (to_x + side_x, to_y + side_y),
                (to_x - side_x, to_y - side_y),
                (x - side_x, y - side_y),
            ]
            yield f'<path class="area" d="{self._path(corners)}z"/>'

    def _shadows(self) -> Iterator[str]:
        """What of the triangle each body hides."""
        drawing = self._drawing
        x, y = drawing.place
        opening = net.mouth(x, y)
        for name, body in drawing.bodies.items():
            if name == "shooter":
                continue
            radius = net.GOALIE_RADIUS_FEET if name == "goalie" else net.BODY_RADIUS_FEET
            at_x, at_y = body.at(0.0)
            hidden = net.shadows(x, y, np.array([at_x]), np.array([at_y]), radius)
            if not net.in_the_way(opening, hidden)[0]:
                continue
            first, last = np.clip(hidden[:, 0], *opening)
            reach = rink.GOAL_LINE_X_FEET - x
            begin = math.hypot(at_x - x, at_y - y)
            near = [(x + begin * math.cos(turn), y + begin * math.sin(turn)) for turn in (first, last)]
            far = [(x + reach, y + reach * math.tan(turn)) for turn in (last, first)]
            yield f'<path class="hides" d="{self._path([*near, *far])}z"/>'

    def _mark(self, mark: Mapping[str, Any], value: str) -> Iterator[str]:
        drawing = self._drawing
        says = str(mark.get("says", "")).replace("{value}", value)
        name = "mark thin" if mark.get("thin") else "mark"
        if "line" in mark:
            start, end = (drawing.point(each) for each in mark["line"])
            yield f'<path class="{name}" d="{self._path([start, end])}"/>'
            if says:
                yield self._label(start, end, says, mark.get("at"))
        if "circle" in mark:
            radius = mark["radius"]
            feet = constant(radius) if isinstance(radius, str) else float(radius)
            yield self._circle("mark thin", drawing.point(mark["circle"]), feet, feet=True)
        if "ghost" in mark:
            x, y = self._at(drawing.point(mark["ghost"]))
            yield f'<rect class="mark thin" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"/>'
        if "angle" in mark:
            corner, one, other = (drawing.point(each) for each in mark["angle"])
            yield from self._angle(corner, one, other, says)
        if "text" in mark:
            yield self._text("says", drawing.point(mark["text"]), says)

    def _label(self, start: Point, end: Point, says: str, at: Any) -> str:
        """Beside the middle of a line, on the side that is higher or, of one that goes down the page, to its left."""
        if at is not None:
            return self._text("says", self._drawing.point(at), says)
        (x, y), (to_x, to_y) = self._at(start), self._at(end)
        length = math.hypot(to_x - x, to_y - y) or 1.0
        side_x, side_y = (to_y - y) / length, -(to_x - x) / length
        if side_y > 0.0 or (abs(side_y) < 1e-6 and side_x > 0.0):
            side_x, side_y = -side_x, -side_y
        out = 9.0 + abs(side_x) * 0.3 * TEXT * len(says)
        middle_x, middle_y = (x + to_x) / 2 + out * side_x, (y + to_y) / 2 + out * side_y
        place = middle_x / self._scale + self._left, self._half - (middle_y - HEADER) / self._scale
        return self._text("says", place, says)

    def _angle(self, corner: Point, one: Point, other: Point, says: str) -> Iterator[str]:
        x, y = self._at(corner)
        turns = [math.atan2(each[1] - corner[1], each[0] - corner[0]) for each in (one, other)]
        apart = (turns[1] - turns[0] + math.pi) % (2 * math.pi) - math.pi
        steps = [turns[0] + apart * step / 16 for step in range(17)]
        arc = [f"{x + ARC * math.cos(turn):.1f} {y - ARC * math.sin(turn):.1f}" for turn in steps]
        yield f'<path class="mark" d="M{"L".join(arc)}"/>'
        yield f'<path class="mark thin" d="{self._path([corner, one])}"/>'
        yield f'<path class="mark thin" d="{self._path([corner, other])}"/>'
        middle, out = turns[0] + apart / 2, ARC + 20.0
        place = (
            corner[0] + out * math.cos(middle) / self._scale,
            corner[1] + out * math.sin(middle) / self._scale,
        )
        yield self._text("says", place, says)
