"""Every factor of a shot has the value that was worked out by hand on a drawing of it, whatever a source is like."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from docs.generate.drawings import Drawing, groups
from featurizer.shots.factors import NAMES
from playscore.game import AngleConvention, AttackingDirection, LengthUnit, Origin
from tests.unit.featurizer.shots.drawn import AS_DRAWN, Layout, filmed, listed, value

GROUPS: Final = groups()
DRAWINGS: Final = [drawing for group in GROUPS for drawing in group.drawings]
BY_FILM: Final = [drawing for drawing in DRAWINGS if "film" in drawing.by]
BY_EVENTS: Final = [drawing for drawing in DRAWINGS if "events" in drawing.by]
TURNED: Final = AttackingDirection.NEGATIVE_X
LAYOUTS: Final = {
    "as drawn": AS_DRAWN,
    "the other way": Layout(TURNED),
    "meters from a corner": Layout(unit=LengthUnit.METER, origin=Origin.CORNER),
    "yards, the other way from a corner": Layout(TURNED, LengthUnit.YARD, Origin.CORNER),
    "speeds stated": Layout(TURNED, LengthUnit.METER, angles=AngleConvention.DEGREES_CLOCKWISE_FROM_Y),
    "speeds stated from x": Layout(angles=AngleConvention.DEGREES_COUNTERCLOCKWISE_FROM_X),
    "thirty frames a second": Layout(rate=30.0, puck_rate=30.0),
    "late in a period": Layout(released=1187.0),
}


def check(drawing: Drawing, measured: float | None) -> None:
    if drawing.value is None:
        assert measured is None
    else:
        assert measured == pytest.approx(drawing.value, abs=drawing.tolerance)


def test_every_factor_is_drawn() -> None:
    assert {drawing.factor for drawing in DRAWINGS} == set(NAMES)


def test_the_drawings_are_in_the_order_of_the_factors() -> None:
    shown = [name for group in GROUPS for name in group.shown]
    assert shown == list(NAMES)
    for group in GROUPS:
        drawn = [factor for factor, _ in itertools.groupby(drawing.factor for drawing in group.drawings)]
        assert drawn == list(group.shown)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
@pytest.mark.parametrize("drawing", BY_FILM, ids=lambda drawing: drawing.name)
def test_film_tells_a_factor_as_it_was_worked_out(drawing: Drawing, layout: Layout) -> None:
    check(drawing, value(filmed(drawing, layout).made(), drawing.factor))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
@pytest.mark.parametrize("drawing", BY_EVENTS, ids=lambda drawing: drawing.name)
def test_events_tell_a_factor_as_it_was_worked_out(drawing: Drawing, layout: Layout) -> None:
    check(drawing, value(listed(drawing, layout).made(), drawing.factor))
