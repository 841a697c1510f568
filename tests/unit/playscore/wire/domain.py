"""Strategies for what the domain may hold: everything that the contracts can say."""

from __future__ import annotations

import enum
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from playscore.game import (
    AngleConvention,
    AttackingDirection,
    CoordinateSystem,
    Frames,
    GameHeader,
    HomeSide,
    LengthUnit,
    Origin,
    PlayContext,
    Player,
    PlayStatus,
    Sport,
    TagSource,
    Track,
    TrackedObject,
    TrackingEvent,
    TrackingEventKind,
)
from playscore.passing import FootballSituation, PassAttributes, PassDepth, PassOutcome, PassResult, PlayKind

Member = TypeVar("Member", bound=enum.Enum)

TEAMS = ("HOM", "AWY")

PRINTABLE = st.characters(exclude_categories=["C", "Z"], include_characters=" ")
"""What `str.isprintable` allows, drawn rather than filtered: one character that is not would refuse a whole text."""

IDENTIFIERS = st.text(PRINTABLE, min_size=1, max_size=128)
NAMES = st.text(PRINTABLE, max_size=256)
LEAGUES = st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True)


def known(values: st.SearchStrategy[Member]) -> st.SearchStrategy[Member | None]:
    """One of the values, or None: not known."""
    return st.none() | values


def whole(minimum: int, maximum: int) -> st.SearchStrategy[int | None]:
    """A whole number in a range, or None."""
    return st.none() | st.integers(minimum, maximum)


def number(minimum: float, maximum: float) -> st.SearchStrategy[float | None]:
    """A number in a range, or None."""
    return st.none() | st.floats(minimum, maximum)


HEADERS = st.builds(
    GameHeader,
    league=LEAGUES,
    game_id=IDENTIFIERS,
    sport=st.sampled_from(Sport),
    season=whole(1850, 2200),
    home_team_id=st.just("HOM"),
    away_team_id=IDENTIFIERS.filter(lambda team: team != "HOM"),
    coordinates=st.none()
    | st.builds(
        CoordinateSystem,
        st.sampled_from(LengthUnit),
        st.sampled_from(Origin),
        known(st.sampled_from(AngleConvention)),
    ),
    frame_rate_hertz=st.none() | st.floats(0.0, 1000.0, exclude_min=True),
    week=whole(1, 60),
    home_games_remaining=whole(0, 200),
    away_games_remaining=whole(0, 200),
    home_side=st.sampled_from(HomeSide),
    revision=st.integers(0, 2**31 - 1),
)

ROSTERS = st.lists(
    st.builds(
        Player,
        player_id=IDENTIFIERS,
        team_id=st.sampled_from(TEAMS),
        display_name=NAMES,
        position=st.just("") | IDENTIFIERS,
        jersey_number=whole(0, 99),
    ),
    max_size=8,
    unique_by=lambda player: player.player_id,
).map(tuple)

SITUATIONS = st.builds(
    FootballSituation,
    kind=st.sampled_from(PlayKind),
    quarter=whole(1, 20),
    game_clock_seconds=number(0.0, 900.0),
    down=whole(1, 4),
    yards_to_go=st.none() | st.floats(0.0, 100.0, exclude_min=True),
    yards_to_end_zone=number(0.0, 100.0),
    home_score=whole(0, 300),
    away_score=whole(0, 300),
    passer_id=st.just("") | IDENTIFIERS,
    target_id=st.just("") | IDENTIFIERS,
    charted_air_yards=number(-100.0, 110.0),
)

CONTEXTS = st.builds(
    PlayContext,
    play_id=IDENTIFIERS,
    attacking_team_id=st.just("") | IDENTIFIERS,
    situation=st.none() | SITUATIONS,
    attacking_direction=known(st.sampled_from(AttackingDirection)),
    revision=st.integers(1, 2**31 - 1),
    segment_id=st.just("") | IDENTIFIERS,
    opens_at_frame=whole(0, 10_000_000),
    status=known(st.sampled_from(PlayStatus)),
    complete=st.booleans(),
    release_frame=whole(0, 10_000_000),
)

OUTCOMES = st.builds(
    PassOutcome,
    result=known(st.sampled_from(PassResult)),
    yards_gained=number(-100.0, 110.0),
    revision=st.integers(0, 2**31 - 1),
)

ATTRIBUTES = st.builds(
    PassAttributes,
    season=whole(1850, 2200),
    week=whole(1, 60),
    quarter=whole(1, 20),
    game_clock_seconds=number(0.0, 900.0),
    down=whole(1, 4),
    yards_to_go=st.none() | st.floats(0.0, 100.0, exclude_min=True),
    yards_to_end_zone=number(0.0, 100.0),
    score_difference=whole(-300, 300),
    home=st.none() | st.booleans(),
    team_id=st.just("") | IDENTIFIERS,
    opponent_id=st.just("") | IDENTIFIERS,
    time_to_throw_seconds=number(0.0, 60.0),
    under_pressure=st.none() | st.booleans(),
    air_yards=number(-110.0, 110.0),
    depth=known(st.sampled_from(PassDepth)),
    target_separation_yards=number(0.0, 200.0),
    defenders_near_target=whole(0, 11),
    passer_depth_yards=number(-150.0, 150.0),
    passer_lateral_yards=number(-150.0, 150.0),
    passer_speed_yards_per_second=number(0.0, 100.0),
    target_id=st.just("") | IDENTIFIERS,
)

EVENTS = st.builds(
    TrackingEvent,
    frame_number=st.integers(0, 10_000_000),
    name=st.just("") | IDENTIFIERS,
    kind=known(st.sampled_from(TrackingEventKind)),
    tagged_by=known(st.sampled_from(TagSource)),
)


@st.composite
def frames(draw: st.DrawFn) -> Frames:
    """A batch: numbers in any order, samples of any value, columns there or not."""
    players = draw(st.lists(IDENTIFIERS, max_size=4, unique=True))
    numbers = draw(st.lists(st.integers(0, 10_000_000), max_size=6))
    shape = (len(numbers), len(players))
    column = arrays.arrays(np.float32, shape)
    # A column without a single sample cannot be told from one that is not there.
    perhaps = st.none() | column if numbers and players else st.none()
    times = st.none() | arrays.arrays(np.int64, len(numbers)) if numbers else st.none()
    return Frames(
        frame_numbers=np.array(numbers, np.int32),
        player_ids=tuple(players),
        x=draw(column),
        y=draw(column),
        speed=draw(perhaps),
        acceleration=draw(perhaps),
        direction_degrees=draw(perhaps),
        orientation_degrees=draw(perhaps),
        times_unix_micros=draw(times),
        events=tuple(draw(st.lists(EVENTS, max_size=4))),
    )


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    """A batch of the ball or puck."""
    numbers = draw(st.lists(st.integers(0, 1_000_000_000), max_size=8))
    column = arrays.arrays(np.float32, len(numbers))
    return Track(
        tracked=draw(st.sampled_from(TrackedObject)),
        rate_hertz=draw(st.floats(0.0, 1000.0, exclude_min=True)),
        sample_numbers=np.array(numbers, np.int32),
        x=draw(column),
        y=draw(column),
        z=draw(st.none() | column if numbers else st.none()),
    )
