"""What holds of the factors of every shot, whoever stands where."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from docs.generate.drawings import NET, Before, Body, Drawing
from featurizer.shots.checks import SPOTS
from featurizer.shots.factors import FACTORS, NAMES
from playscore import rink
from playscore.game import AttackingDirection, Floats, LengthUnit, Origin
from playscore.shots import HockeyEventKind
from tests.unit.featurizer.shots.drawn import Layout, filmed, listed, value

SHARES: Final = ("net_visible_past_goalie", "net_visible_past_traffic")
FLAGS: Final = tuple(factor.name for factor in FACTORS if factor.description.startswith("1 where"))
HANDEDNESS: Final = ("shooter_off_wing", "goalie_glove_side")
KINDS: Final = tuple(
    kind.name.lower() for kind in HockeyEventKind if kind not in (HockeyEventKind.STOPPAGE, HockeyEventKind.OTHER)
)
LIKELY: Final = settings(max_examples=40)
seeds = st.integers(0, 2**32 - 1)


def scene(seed: int) -> Drawing:
    """A shot from anywhere in the zone, with a pass before it, everybody moving, and a few events."""
    draw = np.random.default_rng(seed)

    def place() -> tuple[float, float]:
        return float(draw.uniform(28.0, 86.0)), float(draw.uniform(-36.0, 36.0))

    def body(at: tuple[float, float], hand: str = "") -> Body:
        vx, vy = draw.uniform(-10.0, 10.0, 2)
        return Body(((-0.9, at[0] - 0.9 * vx, at[1] - 0.9 * vy), (0.0, *at)), hand)

    x, y = place()
    passed, away = draw.uniform(0.3, 2.5), np.hypot(NET[0] - x, y)
    ahead = 0.3 * 80.0 / away
    way = (
        (-4.0, float(draw.uniform(-10.0, 80.0)), float(draw.uniform(-36.0, 36.0)), 0.0),
        (-float(passed) - 0.5, *place(), 0.0),
        (-float(passed), x - 0.5, y - 0.5, 0.0),
        (0.0, x, y, float(draw.uniform(0.0, 2.0))),
        (0.3, x + ahead * (NET[0] - x), y - ahead * y, 1.0),
    )
    hands = ("left", "right", "")
    kinds = draw.choice(KINDS, draw.integers(0, 6)).tolist()
    events = tuple(
        Before(
            kind,
            float(seconds),
            str(draw.choice(["shooting", "defending", ""])),
            (SPOTS[draw.integers(len(SPOTS))].tolist() if kind == "faceoff" else place())
            if draw.random() < 0.8
            else None,
        )
        for kind, seconds in zip(kinds, np.sort(draw.uniform(0.0, 20.0, len(kinds))), strict=True)
    )
    return Drawing(
        name=f"seed {seed}",
        factor="",
        value=None,
        tolerance=0.0,
        says="",
        how="",
        view="zone",
        by=("film", "events"),
        puck=way,
        unseen=None,
        shooter=body((x - float(draw.uniform(0.5, 3.0)), y + float(draw.uniform(0.5, 3.0))), str(draw.choice(hands))),
        attackers=tuple(body(place()) for _ in range(draw.integers(0, 5))),
        defenders=tuple(body(place()) for _ in range(draw.integers(0, 5))),
        goalie=body((float(draw.uniform(82.0, 88.5)), float(draw.uniform(-4.0, 4.0))), str(draw.choice(hands)))
        if draw.random() < 0.8
        else None,
        events=events,
        situation={},
        marks=(),
        panel=(),
    )


def mirrored(drawing: Drawing) -> Drawing:
    """Left and right exchanged."""

    def turned(body: Body) -> Body:
        return replace(body, way=tuple((t, x, -y) for t, x, y in body.way))

    return replace(
        drawing,
        puck=tuple((t, x, -y, *height) for t, x, y, *height in drawing.puck),
        shooter=None if drawing.shooter is None else turned(drawing.shooter),
        goalie=None if drawing.goalie is None else turned(drawing.goalie),
        attackers=tuple(map(turned, drawing.attackers)),
        defenders=tuple(map(turned, drawing.defenders)),
        events=tuple(
            replace(event, at=None if event.at is None else (event.at[0], -event.at[1])) for event in drawing.events
        ),
    )


def statics(drawing: Drawing, layout: Layout | None = None) -> Floats:
    return filmed(drawing, layout or Layout()).made().statics


@LIKELY
@given(seeds)
def test_left_and_right_exchanged_change_nothing_but_what_hands_make(seed: int) -> None:
    made, other = filmed(scene(seed)).made(), filmed(mirrored(scene(seed))).made()
    for name in NAMES:
        one, two = value(made, name), value(other, name)
        if name in HANDEDNESS and one is not None:
            assert two == 1.0 - one
        else:
            assert (one is None) == (two is None)
            assert np.isclose(one or 0.0, two or 0.0, atol=1e-3), name


@LIKELY
@given(
    seeds,
    st.sampled_from(AttackingDirection),
    st.sampled_from(LengthUnit),
    st.sampled_from(Origin),
    st.integers(10, 1190),
)
def test_neither_coordinates_nor_the_time_of_the_period_change_a_factor(
    seed: int, direction: AttackingDirection, unit: LengthUnit, origin: Origin, released: int
) -> None:
    layout = Layout(direction, unit, origin, released=float(released))
    assert np.allclose(statics(scene(seed)), statics(scene(seed), layout), rtol=1e-3, atol=0.02)


@LIKELY
@given(seeds)
def test_what_is_not_known_is_zero_and_every_value_is_a_number(seed: int) -> None:
    for told in (filmed(scene(seed)), listed(scene(seed))):
        values, known = np.split(told.made().statics, 2)
        assert np.isin(known, (0.0, 1.0)).all()
        assert (values[known == 0.0] == 0.0).all()
        assert np.isfinite(values).all()


@LIKELY
@given(seeds)
def test_shares_angles_and_flags_are_within_their_bounds(seed: int) -> None:
    made = filmed(scene(seed)).made()
    for name in NAMES:
        measured = value(made, name)
        if measured is None:
            continue
        if name in SHARES:
            assert 0.0 <= measured <= 1.0
        if name in FLAGS:
            assert measured in (0.0, 1.0)
        if name.endswith("degrees"):
            assert 0.0 <= measured <= 180.0
        if name.endswith("_feet") or name.startswith("seconds_since"):
            assert measured >= 0.0
    past_goalie, past_traffic = (value(made, name) for name in SHARES)
    assert past_traffic is None or past_goalie is None or past_traffic <= past_goalie


@LIKELY
@given(seeds, st.floats(0.05, 0.95), st.floats(-0.9, 0.9), st.booleans())
def test_a_body_in_the_way_opens_no_gap_and_is_one_more_screen(
    seed: int, far: float, aside: float, attacks: bool
) -> None:
    drawing = scene(seed)
    x, y = drawing.place
    at = x + far * (NET[0] - x), y + far * (aside * rink.HALF_NET_WIDTH_FEET - y)
    more = Body(((0.0, *at),))
    crowded = (
        replace(drawing, attackers=(*drawing.attackers, more))
        if attacks
        else replace(drawing, defenders=(*drawing.defenders, more), situation={"net_state": "guarded"})
    )
    drawing = replace(drawing, situation=crowded.situation)
    before, after = filmed(drawing).made(), filmed(crowded).made()
    assert value(after, "screens") == (value(before, "screens") or 0.0) + 1.0
    seen_before, seen_after = value(before, "net_visible_past_traffic"), value(after, "net_visible_past_traffic")
    if seen_before is not None and seen_after is not None:
        assert seen_after <= seen_before + 1e-6


@LIKELY
@given(seeds)
def test_film_adds_to_what_events_tell_and_takes_nothing_away(seed: int) -> None:
    drawing = scene(seed)
    by_film, by_events = filmed(drawing).made(), listed(drawing).made()
    lost = {name for name in NAMES if value(by_events, name) is not None and value(by_film, name) is None}
    assert not lost
