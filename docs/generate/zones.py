"""docs/shot_zones.svg: the zones of the ice, as `playscore.shots.zone_of` has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from playscore import rink
from playscore.shots import IceZone, zone_of

_STEP: Final = 0.5
"""Feet between the places that are looked at."""
_LEFT: Final = 10.0
"""Where the picture begins: feet from the center of the ice."""
_COLORS: Final[Mapping[IceZone, str]] = {
    IceZone.NET_FRONT: "#d7301f",
    IceZone.SLOT: "#fc8d59",
    IceZone.LEFT_CIRCLE: "#fdcc8a",
    IceZone.RIGHT_CIRCLE: "#fee8c8",
    IceZone.POINT: "#bdd7e7",
    IceZone.BEHIND_NET: "#cccccc",
    IceZone.OUTSIDE: "#f0f0f0",
}
_LABELS: Final[Mapping[IceZone, tuple[float, float]]] = {
    IceZone.NET_FRONT: (79.0, 0.0),
    IceZone.SLOT: (62.0, 0.0),
    IceZone.LEFT_CIRCLE: (70.0, 32.0),
    IceZone.RIGHT_CIRCLE: (70.0, -32.0),
    IceZone.POINT: (39.0, 0.0),
    IceZone.BEHIND_NET: (96.5, 0.0),
    IceZone.OUTSIDE: (17.0, 0.0),
}


def zones_picture() -> str:
    """The end of the ice that is attacked, goal to the right, left as the attackers see it on top."""
    width, height = rink.HALF_LENGTH_FEET - _LEFT, 2 * rink.HALF_WIDTH_FEET
    net = rink.HALF_NET_WIDTH_FEET
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{_LEFT:g} {-rink.HALF_WIDTH_FEET:g} {width:g} {height:g}" '
        'width="720" font-family="sans-serif" font-size="2.6" text-anchor="middle">',
        f'<g shape-rendering="crispEdges" transform="translate({_LEFT:g} {-rink.HALF_WIDTH_FEET:g}) scale({_STEP:g})">',
        *_cells(round(width / _STEP), round(height / _STEP)),
        "</g>",
        f'<g stroke="#08519c" stroke-width="0.5"><path d="M{rink.BLUE_LINE_X_FEET:g} -42.5V42.5"/></g>',
        f'<g stroke="#a50f15" stroke-width="0.3"><path d="M{rink.GOAL_LINE_X_FEET:g} -42.5V42.5"/>',
        f'<path fill="none" d="M{rink.GOAL_LINE_X_FEET:g} {-net:g}h3.3v{2 * net:g}h-3.3"/></g>',
        '<g fill="none" stroke="#a50f15" stroke-width="0.2">',
        *(
            f'<circle cx="{rink.END_ZONE_DOT_X_FEET:g}" cy="{side * rink.DOT_Y_FEET:g}" r="{radius}"/>'
            for side in (-1, 1)
            for radius in (1, 15)
        ),
        "</g>",
        *(_label(zone, *place) for zone, place in _LABELS.items()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _cells(columns: int, rows: int) -> Iterator[str]:
    """A rectangle for every stretch of one zone in a row."""
    for row in range(rows):
        y = rink.HALF_WIDTH_FEET - (row + 0.5) * _STEP
        zones = [zone_of(_LEFT + (column + 0.5) * _STEP, y) for column in range(columns)]
        start = 0
        for zone, cells in groupby(zones):
            length = len(list(cells))
            yield f'<path fill="{_COLORS[zone]}" d="M{start} {row}h{length}v1h-{length}z"/>'
            start += length


def _label(zone: IceZone, x: float, y: float) -> str:
    turned = f' transform="rotate(-90 {x:g} {-y:g})"' if zone is IceZone.BEHIND_NET else ""
    return f'<text x="{x:g}" y="{-y:g}"{turned}>{zone.name.lower().replace("_", " ")}</text>'
