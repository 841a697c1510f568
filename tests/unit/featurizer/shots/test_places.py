"""Places of a shot's situation that look like another unit's than the header declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurizer.shots.checks import MIN_PLACES, SPOT_FEET, SPOTS, check_places
from featurizer.shots.ice import FEET
from playscore import rink
from playscore.errors import PlayscoreError, Reason
from playscore.game import CoordinateSystem, LengthUnit, Origin
from playscore.shots import HockeyEventKind, PrecedingEvent, ShotListing, ShotSituation
from playscore.sources import layouts

Place = tuple[float, float]

LEFT, RIGHT = (69.0, 22.0), (69.0, -22.0)
CENTER = (0.0, 0.0)
NAMES = {LengthUnit.FOOT: "feet", LengthUnit.METER: "meters", LengthUnit.YARD: "yards"}
ORIGINS = st.sampled_from(list(Origin))
UNITS = st.sampled_from(list(FEET))


def written(place: Place, unit: LengthUnit, origin: Origin) -> Place:
    """A place in feet from the center as a source of another unit and origin writes it."""
    x, y = place
    if origin is Origin.CORNER:
        x, y = x + rink.HALF_LENGTH_FEET, y + rink.HALF_WIDTH_FEET
    return x / FEET[unit], y / FEET[unit]


def situation(
    *faceoffs: Place, others: tuple[Place, ...] = (), unit: LengthUnit, origin: Origin = Origin.CENTER
) -> ShotSituation:
    """A shot from the slot after face-offs and hits at places in feet from the center, written in a unit."""
    kinds = [HockeyEventKind.FACEOFF] * len(faceoffs) + [HockeyEventKind.HIT] * len(others)
    events = [
        PrecedingEvent(kind, 10.0 * number, "BOS", *written(place, unit, origin))
        for number, (kind, place) in enumerate(zip(kinds, (*faceoffs, *others), strict=True))
    ]
    x, y = written((70.0, 5.0), unit, origin)
    return ShotSituation(listing=ShotListing.UNBLOCKED, x=x, y=y, preceding_events=tuple(events))


def declared(unit: LengthUnit, origin: Origin = Origin.CENTER) -> CoordinateSystem:
    return CoordinateSystem(unit, origin, None)


def refused(shot: ShotSituation, coordinates: CoordinateSystem) -> str:
    with pytest.raises(PlayscoreError) as caught:
        check_places(shot, coordinates)
    assert caught.value.reason is Reason.SITUATION_CONTRADICTED
    return str(caught.value)


@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize(("true", "header"), [(true, header) for true in FEET for header in FEET if true is not header])
def test_faceoffs_on_spots_in_another_unit_alone_are_told(true: LengthUnit, header: LengthUnit, origin: Origin) -> None:
    told = refused(situation(LEFT, (-69.0, 22.0), CENTER, unit=true, origin=origin), declared(header, origin))
    assert told.endswith(f"on spots in {NAMES[true]}")


def test_one_faceoff_that_is_charted_badly_costs_no_shot() -> None:
    in_meters = (69.0 * 0.3048, 22.0 * 0.3048)
    feet = declared(LengthUnit.FOOT)
    check_places(situation(in_meters, unit=LengthUnit.FOOT), feet)
    check_places(situation(in_meters, CENTER, unit=LengthUnit.FOOT), feet)
    check_places(situation(in_meters, in_meters, LEFT, unit=LengthUnit.FOOT), feet)


def test_one_faceoff_that_is_charted_badly_hides_no_wrong_unit() -> None:
    refused(situation(LEFT, RIGHT, (40.0, 0.0), unit=LengthUnit.METER), declared(LengthUnit.FOOT))


@given(
    spots=st.lists(st.sampled_from(SPOTS.tolist()), min_size=1, max_size=15),
    away=st.lists(st.tuples(*[st.floats(-SPOT_FEET * 0.7, SPOT_FEET * 0.7)] * 2), min_size=15, max_size=15),
    bad=st.tuples(st.floats(-100, 100), st.floats(-42.5, 42.5)),
    unit=UNITS,
    origin=ORIGINS,
)
def test_faceoffs_in_the_right_unit_cost_no_shot(
    spots: list[Place], away: list[Place], bad: Place, unit: LengthUnit, origin: Origin
) -> None:
    charted = [(x + off_x, y + off_y) for (x, y), (off_x, off_y) in zip(spots, away, strict=False)]
    check_places(situation(bad, *charted, unit=unit, origin=origin), declared(unit, origin))


ALL_OVER = ((-80.0, 10.0), (-40.0, -30.0), (0.0, 38.0), (10.0, -5.0), (30.0, 20.0), (60.0, -15.0), (75.0, 30.0))


@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize("unit", [LengthUnit.METER, LengthUnit.YARD])
def test_events_that_all_lie_in_a_part_of_the_ice_are_told_without_faceoffs(unit: LengthUnit, origin: Origin) -> None:
    events = (*ALL_OVER, (85.0, -2.0))
    assert len(events) == MIN_PLACES
    feet = declared(LengthUnit.FOOT, origin)
    assert "meters or yards" in refused(situation(others=events, unit=unit, origin=origin), feet)
    check_places(situation(others=events, unit=unit, origin=origin), declared(unit, origin))
    check_places(situation(others=ALL_OVER, unit=unit, origin=origin), feet)


@given(
    others=st.lists(st.tuples(st.floats(-100, 100), st.floats(-42.5, 42.5)), max_size=16), unit=UNITS, origin=ORIGINS
)
def test_a_shot_from_the_slot_is_never_told_by_its_events(
    others: list[Place], unit: LengthUnit, origin: Origin
) -> None:
    check_places(situation(others=tuple(others), unit=unit, origin=origin), declared(unit, origin))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("layout", "folder", "step"), [("hockeyr", ".", 20), ("pwhl", ".", 20), ("bdc2026", "stathletes_noncommercial", 1)]
)
def test_no_real_shot_looks_like_another_unit_s_and_games_in_meters_do(
    real_data: Path, layout: str, folder: str, step: int
) -> None:
    """With the events of a real game, written from either origin, in feet and in meters that are called feet."""
    source = layouts()[layout].open(real_data / "hockey" / folder)
    shots = told = 0
    for game_id in source.game_ids[::step]:
        for play in source.game(game_id).plays:
            shot = play.context.situation
            if not isinstance(shot, ShotSituation):
                continue
            for origin in Origin:
                check_places(rewritten(shot, LengthUnit.FOOT, origin), declared(LengthUnit.FOOT, origin))
            if sum(event.x is not None for event in shot.preceding_events) < MIN_PLACES:
                continue
            shots += 1
            try:
                check_places(rewritten(shot, LengthUnit.METER, Origin.CORNER), declared(LengthUnit.FOOT, Origin.CORNER))
            except PlayscoreError:
                told += 1
    assert shots > 200
    assert told > 0.9 * shots


def rewritten(shot: ShotSituation, unit: LengthUnit, origin: Origin) -> ShotSituation:
    """A shot in feet from the center as another source would write it."""
    events = [event for event in shot.preceding_events if event.x is not None and event.y is not None]
    places = [written((event.x or 0.0, event.y or 0.0), unit, origin) for event in events]
    x, y = (None, None) if shot.x is None or shot.y is None else written((shot.x, shot.y), unit, origin)
    moved = tuple(replace(event, x=place[0], y=place[1]) for event, place in zip(events, places, strict=True))
    return replace(shot, x=x, y=y, preceding_events=moved)
