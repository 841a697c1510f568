"""Film that contradicts itself is mended where one sample is wrong, and rejected in words where more are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.whole_plays import featurize
from featurizer.passing.columns import DERIVED_AT, ORIENTED_AT, PRESENT_AT
from featurizer.passing.task import PASSING
from playscore.errors import Reason
from playscore.game import (
    AngleConvention,
    AttackingDirection,
    CoordinateSystem,
    Frames,
    LengthUnit,
    Origin,
    PlayContext,
)
from playscore.sources import open_source
from tests.unit.featurizer.faults import (
    exchanged,
    flipped,
    float32,
    lost,
    moved,
    noisy,
    renumbered,
    restarted,
    scaled,
    turned_around,
    with_angles,
)
from tests.unit.featurizer.film import (
    CONTEXT,
    HEADER,
    LENGTH,
    PASSER,
    RELEASE,
    SNAP,
    TARGET,
    film,
    pick,
    play,
    rejection,
    situation,
    streamed,
    tensor,
    without,
)

KICKOFF_MICROS = 1_631_491_200_000_000
MIDDLE = 20
"""A row between snap and release."""


@dataclass(frozen=True)
class Filmed:
    """A play as a source sends it, and what is known of it."""

    frames: Frames
    context: PlayContext

    def rejection(self, *frames: Frames) -> Rejection:
        return rejection(*frames, context=self.context)

    def tensor(self, *frames: Frames) -> Tensor:
        return tensor(*frames, context=self.context)


def timed(frames: Frames) -> Frames:
    times = KICKOFF_MICROS + 100_000 * frames.frame_numbers.astype(np.int64)
    return replace(frames, times_unix_micros=times)


def filmed(seed: int, *, noise: float = 0.0, leftward: bool = False, angles: bool = True) -> Filmed:
    frames = (
        noisy(timed(film(seed).frames(angles=angles)), noise, seed)
        if noise
        else timed(film(seed).frames(angles=angles))
    )
    if leftward:
        context = replace(CONTEXT, attacking_direction=AttackingDirection.NEGATIVE_X)
        return Filmed(turned_around(frames), context)
    return Filmed(frames, CONTEXT)


PLAYS = [
    pytest.param(filmed(0), id="plain"),
    pytest.param(filmed(1, noise=0.02), id="noise"),
    pytest.param(filmed(2, leftward=True), id="leftward"),
    pytest.param(filmed(3, leftward=True, noise=0.02), id="leftward with noise"),
]
POSITIONS_ALONE = [
    pytest.param(filmed(4, angles=False), id="positions alone"),
    pytest.param(filmed(5, angles=False, leftward=True, noise=0.02), id="positions alone, leftward with noise"),
]
every_play = pytest.mark.parametrize("made", PLAYS)
every_film = pytest.mark.parametrize("made", PLAYS + POSITIONS_ALONE)

ANGLES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "radians": (np.deg2rad, "directions look like radians:"),
    "radians from -pi to pi": (lambda a: np.deg2rad((a + 180.0) % 360.0 - 180.0), "directions look like radians:"),
    "radians counterclockwise from +x": (
        lambda a: np.deg2rad((90.0 - a) % 360.0),
        "directions look like radians counterclockwise from +x",
    ),
    "counterclockwise from +x": (
        lambda a: (90.0 - a) % 360.0,
        "directions look like degrees counterclockwise from +x",
    ),
    "clockwise from +x": (lambda a: (a - 90.0) % 360.0, "directions look like degrees clockwise from +x"),
    "clockwise from -x": (lambda a: (a + 90.0) % 360.0, "directions look like degrees clockwise from -x"),
    "counterclockwise from +y": (lambda a: -a % 360.0, "directions look like degrees counterclockwise from +y"),
    "turned by 180 degrees": (lambda a: (a + 180.0) % 360.0, "flipped by 180 degrees"),
    "turned by 45 degrees": (lambda a: (a + 45.0) % 360.0, "directions look turned by 4"),
    "gradians": (lambda a: a / 0.9, "directions look like gradians"),
    "full turns": (lambda a: a / 360.0, "directions look like full turns"),
}
SPEEDS = {
    "miles per hour": 3600.0 / 1760.0,
    "kilometers per hour": 3.6 * 0.9144,
    "meters per second": 0.9144,
    "feet per second": 3.0,
    "yards per frame": 0.1,
}


class TestMotion:
    @every_play
    @pytest.mark.parametrize(("change", "words"), ANGLES.values(), ids=list(ANGLES))
    def test_directions_in_another_convention(
        self, made: Filmed, change: Callable[[np.ndarray], np.ndarray], words: str
    ) -> None:
        told = made.rejection(with_angles(made.frames, change))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert words in told.detail

    @every_play
    def test_degrees_where_the_header_states_the_other_convention(self, made: Filmed) -> None:
        assert HEADER.coordinates is not None
        other = replace(HEADER.coordinates, angle_convention=AngleConvention.DEGREES_COUNTERCLOCKWISE_FROM_X)
        told = rejection(made.frames, context=made.context, header=replace(HEADER, coordinates=other))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert told.detail.startswith("directions look like degrees clockwise from +y")

    @every_play
    @pytest.mark.parametrize(
        ("along", "across", "words"),
        [
            (True, True, "positions were flipped and angles were not"),
            (True, False, "x were flipped and angles were not"),
            (False, True, "y were flipped and angles were not"),
        ],
    )
    def test_positions_flipped_but_not_angles(self, made: Filmed, along: bool, across: bool, words: str) -> None:
        told = made.rejection(flipped(made.frames, along=along, across=across))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert words in told.detail

    @every_play
    @pytest.mark.parametrize(("unit", "factor"), SPEEDS.items())
    def test_speeds_in_another_unit(self, made: Filmed, unit: str, factor: float) -> None:
        told = made.rejection(scaled(made.frames, speeds=factor))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert told.detail.startswith(f"speeds look like {unit}")

    @every_play
    @pytest.mark.parametrize(("unit", "factor"), [("meters", 0.9144), ("feet", 3.0)])
    def test_positions_in_another_unit_than_speeds(self, made: Filmed, unit: str, factor: float) -> None:
        told = made.rejection(scaled(made.frames, positions=factor))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert told.detail.startswith(f"positions look like {unit}")

    @every_play
    def test_two_faults_at_once(self, made: Filmed) -> None:
        told = made.rejection(scaled(with_angles(made.frames, np.deg2rad), speeds=SPEEDS["miles per hour"]))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert told.detail.startswith("directions look like radians, and speeds look like miles per hour")

    @every_play
    def test_directions_of_other_players(self, made: Filmed) -> None:
        directions = made.frames.direction_degrees
        assert directions is not None
        told = made.rejection(replace(made.frames, direction_degrees=np.roll(directions, 5, axis=1)))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert told.detail.startswith("displacement and velocity do not agree, however they are read")

    @pytest.mark.parametrize("change", [lambda a: (a + 180.0) % 360.0, np.deg2rad])
    def test_directions_of_one_player(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        made = film(0)
        runner = made.player_ids.index("d11")
        made.x[SNAP:, runner] += 0.4 * np.arange(LENGTH - SNAP)
        frames = made.frames()
        assert isinstance(play(frames), Tensor)
        assert frames.direction_degrees is not None
        frames.direction_degrees[:, runner] = change(frames.direction_degrees[:, runner])
        told = rejection(frames)
        assert told.reason is Reason.MOTION_CONTRADICTED

    @every_play
    def test_speeds_without_directions(self, made: Filmed) -> None:
        without_directions = replace(made.frames, direction_degrees=None)
        assert isinstance(play(without_directions, context=made.context), Tensor)
        told = made.rejection(scaled(without_directions, speeds=SPEEDS["miles per hour"]))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert told.detail.startswith("speeds look like miles per hour")

    @every_play
    def test_directions_without_speeds(self, made: Filmed) -> None:
        without_speeds = replace(made.frames, speed=None)
        assert isinstance(play(without_speeds, context=made.context), Tensor)
        told = made.rejection(with_angles(without_speeds, np.deg2rad))
        assert told.reason is Reason.MOTION_CONTRADICTED
        assert told.detail.startswith("directions look like radians")

    @every_play
    def test_the_numbers_are_told(self, made: Filmed) -> None:
        told = made.rejection(with_angles(made.frames, np.deg2rad))
        assert re.search(
            r"over \d+ samples .* differ by [12]\.\d\d of the displacement, read so by 0\.\d\d", told.detail
        )
        assert "DEGREES_CLOCKWISE_FROM_Y" in told.detail

    def test_players_who_hardly_move_contradict_nothing(self) -> None:
        made = film(0)
        made.x[:] = made.x[SNAP] + 0.01 * np.arange(LENGTH)[:, None]
        made.y[:] = made.y[SNAP]
        frames = made.frames()
        assert frames.direction_degrees is not None
        assert isinstance(play(replace(frames, direction_degrees=frames.direction_degrees + 180.0)), Tensor)


class TestUnits:
    @every_film
    @pytest.mark.parametrize(
        ("factor", "words"), [(0.9144, "positions look like meters:"), (3.0, "positions look like feet:")]
    )
    def test_everything_in_another_unit(self, made: Filmed, factor: float, words: str) -> None:
        told = made.rejection(scaled(made.frames, positions=factor, speeds=factor))
        assert told.reason in (Reason.SITUATION_CONTRADICTED, Reason.POSITION_OFF_FIELD)
        assert told.detail.startswith(words)

    @every_film
    def test_everything_measured_from_the_center(self, made: Filmed) -> None:
        centered = replace(made.frames, x=made.frames.x - np.float32(60.0), y=made.frames.y - np.float32(80.0 / 3.0))
        told = made.rejection(centered)
        assert told.reason in (Reason.SITUATION_CONTRADICTED, Reason.POSITION_OFF_FIELD)
        assert told.detail.startswith("positions look like yards measured from the center:")

    @every_film
    def test_everything_measured_from_a_corner(self, made: Filmed) -> None:
        centered = CoordinateSystem(LengthUnit.YARD, Origin.CENTER, AngleConvention.DEGREES_CLOCKWISE_FROM_Y)
        told = rejection(made.frames, context=made.context, header=replace(HEADER, coordinates=centered))
        assert told.reason in (Reason.SITUATION_CONTRADICTED, Reason.POSITION_OFF_FIELD)
        assert "positions look like yards measured from the corner:" in told.detail

    def test_a_line_four_yards_from_where_the_teams_lined_up(self) -> None:
        for yards in (56.5, 63.5):
            told = rejection(film().frames(), context=situation(yards_to_end_zone=yards))
            assert told.reason is Reason.SITUATION_CONTRADICTED
            assert told.detail.startswith("yards_to_end_zone is")
        for yards in (58.0, 62.0):
            assert isinstance(play(film().frames(), context=situation(yards_to_end_zone=yards)), Tensor)


class TestSamples:
    @every_film
    @pytest.mark.parametrize("yards", [1.0, 8.0, -30.0])
    def test_two_plays_under_one_identifier(self, made: Filmed, yards: float) -> None:
        second = replace(made.frames, x=made.frames.x + np.float32(yards), events=())
        told = made.rejection(made.frames, second)
        assert told.reason is Reason.SAMPLES_CONTRADICTED
        assert f"by {abs(yards):.1f} yards" in told.detail

    @pytest.mark.parametrize("seconds", [40, 3_000])
    def test_two_plays_at_different_times(self, seconds: int) -> None:
        first, second = filmed(0).frames, replace(filmed(1).frames, events=())
        assert second.times_unix_micros is not None
        second = replace(second, times_unix_micros=second.times_unix_micros + 1_000_000 * seconds)
        for batches in ((first, second), (second, first)):
            assert rejection(*batches).reason is Reason.SAMPLES_CONTRADICTED

    @every_film
    def test_two_samples_that_agree(self, made: Filmed) -> None:
        again = replace(made.frames, x=made.frames.x + np.float32(0.2), events=())
        assert np.array_equal(made.tensor(made.frames, again).frames, made.tensor(made.frames).frames)

    @every_play
    def test_two_samples_of_one_place_with_other_velocities(self, made: Filmed) -> None:
        assert made.frames.speed is not None
        again = replace(made.frames, speed=made.frames.speed + np.float32(3.0), events=())
        assert made.rejection(made.frames, again).reason is Reason.SAMPLES_CONTRADICTED

    @every_film
    def test_of_a_single_sample_that_came_twice_neither_is_trusted(self, made: Filmed) -> None:
        twice = moved(pick(replace(made.frames, events=()), [MIDDLE]), TARGET, 0, x=5.0)
        mended = made.tensor(made.frames, twice)
        assert mended.interpolated_frames == (MIDDLE - SNAP,)
        assert np.array_equal(mended.frames, made.tensor(lost(made.frames, TARGET, MIDDLE)).frames)
        assert np.array_equal(mended.frames, made.tensor(twice, made.frames).frames)

    @every_film
    def test_one_player_filmed_as_two(self, made: Filmed) -> None:
        shadow = moved(replace(made.frames, events=()), "d7", slice(None), y=4.0)
        assert made.rejection(made.frames, shadow).reason is Reason.SAMPLES_CONTRADICTED


class TestTimes:
    @every_film
    @pytest.mark.parametrize("at", [SNAP, SNAP + 4, MIDDLE, RELEASE])
    def test_numbers_that_start_again(self, made: Filmed, at: int) -> None:
        again = restarted(made.frames, at)
        told = made.rejection(again)
        assert told.reason is Reason.TIMES_CONTRADICTED
        told = made.rejection(replace(again, times_unix_micros=None))
        assert told.reason is Reason.SAMPLES_CONTRADICTED
        assert "frame numbers started again" in told.detail

    @every_film
    def test_numbers_that_start_again_frame_by_frame(self, made: Filmed) -> None:
        batches = [restarted(made.frames.rows(row, row + 1), MIDDLE) for row in range(LENGTH)]
        live = streamed(batches, context=made.context)
        assert isinstance(live, Rejection)
        assert live.reason in (Reason.TIMES_CONTRADICTED, Reason.SAMPLES_CONTRADICTED)

    @every_film
    @pytest.mark.parametrize(
        "change",
        [
            lambda t: t[::-1],
            lambda t: np.where(np.arange(len(t)) >= MIDDLE, t - 1_500_000, t),
            lambda t: np.where(np.arange(len(t)) >= MIDDLE, t + 3_000_000, t),
            lambda t: t[0] + (t - t[0]) // 2,
            lambda t: t // 1_000,
            lambda t: np.full_like(t, t[0]),
        ],
        ids=["backward", "back once", "a leap", "at half the pace", "milliseconds", "standing still"],
    )
    def test_times_that_pass_otherwise_than_frames(
        self, made: Filmed, change: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        assert made.frames.times_unix_micros is not None
        told = made.rejection(replace(made.frames, times_unix_micros=change(made.frames.times_unix_micros)))
        assert told.reason is Reason.TIMES_CONTRADICTED

    @every_film
    @pytest.mark.parametrize(
        "change",
        [
            lambda t: t + np.random.default_rng(0).integers(-60_000, 60_000, len(t)),
            lambda t: t // 1_000_000 * 1_000_000,
            lambda t: t + 345_678,
        ],
        ids=["jitter", "whole seconds", "another beginning"],
    )
    def test_times_as_sources_have_them(self, made: Filmed, change: Callable[[np.ndarray], np.ndarray]) -> None:
        assert made.frames.times_unix_micros is not None
        other = replace(made.frames, times_unix_micros=change(made.frames.times_unix_micros))
        assert np.array_equal(made.tensor(other).frames, made.tensor(made.frames).frames)

    def test_batches_without_times_among_others(self) -> None:
        frames = filmed(0).frames
        parts = [frames.rows(0, 15), replace(frames.rows(15, 25), times_unix_micros=None), frames.rows(25, LENGTH)]
        assert np.array_equal(tensor(*parts).frames, tensor(frames).frames)

    def test_numbers_that_count_25_frames_a_second(self) -> None:
        told = rejection(renumbered(filmed(0).frames, lambda number: number * 5 // 2))
        assert told.reason is Reason.TIMES_CONTRADICTED


class TestJumps:
    @every_film
    @pytest.mark.parametrize("player", [PASSER, TARGET, "d4"])
    @pytest.mark.parametrize(("x", "y"), [(20.0, 0.0), (-20.0, 0.0), (0.0, 20.0), (3.0, -2.0), (500.0, 0.0)])
    def test_a_jump_for_one_frame_is_dropped_interpolated_and_marked(
        self, made: Filmed, player: str, x: float, y: float
    ) -> None:
        mended = made.tensor(moved(made.frames, player, MIDDLE, x=x, y=y))
        assert mended.interpolated_frames == (MIDDLE - SNAP,)
        assert np.array_equal(mended.frames, made.tensor(lost(made.frames, player, MIDDLE)).frames)

    @every_film
    @pytest.mark.parametrize("row", [SNAP, SNAP + 1, RELEASE - 1])
    def test_wherever_it_is(self, made: Filmed, row: int) -> None:
        mended = made.tensor(moved(made.frames, TARGET, row, x=20.0))
        assert mended.interpolated_frames == (row - SNAP,)

    @every_film
    def test_at_the_release_the_sample_is_dropped_whatever_comes_after(self, made: Filmed) -> None:
        for rows in (RELEASE, slice(RELEASE, None)):
            mended = made.tensor(moved(made.frames, TARGET, rows, x=20.0))
            expected = made.tensor(lost(made.frames, TARGET, RELEASE))
            assert np.array_equal(mended.frames, expected.frames)
            assert mended.frames[-1, PRESENT_AT + 1] == 0.0

    @every_film
    def test_the_passer_at_the_release(self, made: Filmed) -> None:
        mended = made.tensor(moved(made.frames, PASSER, RELEASE, y=-20.0))
        assert len(mended.frames) == RELEASE - SNAP

    @every_film
    def test_two_jumps_far_from_each_other(self, made: Filmed) -> None:
        mended = made.tensor(moved(made.frames, TARGET, [12, 25], y=-9.0))
        assert mended.interpolated_frames == (12 - SNAP, 25 - SNAP)

    @every_film
    def test_two_players_exchanged_for_one_frame(self, made: Filmed) -> None:
        mended = made.tensor(exchanged(made.frames, TARGET, "d8", [MIDDLE]))
        assert mended.interpolated_frames in ((MIDDLE - SNAP,), ())
        mended = made.tensor(exchanged(made.frames, TARGET, "d9", [MIDDLE]))
        assert mended.interpolated_frames == (MIDDLE - SNAP,)

    @every_film
    @pytest.mark.parametrize(("one", "other"), [(TARGET, "o8"), (PASSER, "d10"), ("d8", "d9")])
    @pytest.mark.parametrize("begin", [SNAP, SNAP + 1, MIDDLE, RELEASE - 1])
    def test_two_players_exchanged_from_then_on(self, made: Filmed, one: str, other: str, begin: int) -> None:
        told = made.rejection(exchanged(made.frames, one, other, slice(begin, None)))
        assert told.reason is Reason.PLAYER_JUMPED
        assert f"in frame {begin}" in told.detail
        assert "identifiers were exchanged" in told.detail

    @every_film
    @pytest.mark.parametrize("frames", [2, 3, 5, 8])
    def test_a_jump_for_several_frames(self, made: Filmed, frames: int) -> None:
        told = made.rejection(moved(made.frames, "d5", slice(MIDDLE, MIDDLE + frames), y=15.0))
        assert told.reason is Reason.PLAYER_JUMPED

    @every_film
    def test_a_player_who_flickers(self, made: Filmed) -> None:
        assert made.rejection(moved(made.frames, "d5", slice(12, 30, 2), y=15.0)).reason is Reason.PLAYER_JUMPED

    @every_film
    def test_an_exchange_behind_a_gap(self, made: Filmed) -> None:
        torn = pick(
            exchanged(made.frames, TARGET, "o8", slice(MIDDLE, None)), [r for r in range(LENGTH) if not 17 <= r < 20]
        )
        assert made.rejection(torn).reason is Reason.PLAYER_JUMPED

    @every_play
    def test_neighbors_exchanged_where_velocities_are_known(self, made: Filmed) -> None:
        told = made.rejection(exchanged(made.frames, "o3", "o5", slice(SNAP, None)))
        assert told.reason is Reason.PLAYER_JUMPED

    @every_film
    def test_a_player_lost_for_a_while_and_found_on_their_way(self, made: Filmed) -> None:
        mended = made.tensor(without(made.frames, TARGET, 15, 19))
        assert mended.interpolated_frames == tuple(range(15 - SNAP, 20 - SNAP))

    @every_film
    def test_film_that_stands_still_and_catches_up(self, made: Filmed) -> None:
        frames = made.frames
        rows = np.arange(LENGTH)
        rows[MIDDLE : MIDDLE + 4] = MIDDLE - 1
        frozen = replace(
            pick(frames, rows), frame_numbers=frames.frame_numbers, times_unix_micros=frames.times_unix_micros
        )
        assert made.tensor(frozen).interpolated_frames == ()

    @every_play
    def test_a_speed_that_leaps_for_one_frame(self, made: Filmed) -> None:
        assert made.frames.speed is not None
        speed = made.frames.speed.copy()
        speed[MIDDLE, 3] = 60.0
        assert made.tensor(replace(made.frames, speed=speed)).interpolated_frames == (MIDDLE - SNAP,)


class TestOrientations:
    def facing(self) -> Frames:
        """Film on which everybody looks to the other side."""
        frames = film().frames()
        looks = np.where([player_id.startswith("o") for player_id in frames.player_ids], 90.0, 270.0)
        return replace(frames, orientation_degrees=float32(np.broadcast_to(looks, frames.x.shape)))

    def known(self, frames: Frames) -> bool:
        made = tensor(frames)
        assert made.interpolated_frames == ()
        return bool(made.frames[:, ORIENTED_AT:DERIVED_AT].all())

    def test_orientations_that_can_be_are_known(self) -> None:
        assert self.known(self.facing())
        assert self.known(film().frames())

    def test_orientations_in_radians_or_turned_away_are_masked(self) -> None:
        orientation = self.facing().orientation_degrees
        assert orientation is not None
        for wrong in (np.deg2rad(orientation), (orientation + 180.0) % 360.0, np.zeros_like(orientation)):
            made = tensor(replace(self.facing(), orientation_degrees=float32(wrong)))
            assert not made.frames[:, ORIENTED_AT:DERIVED_AT].any()
            assert not made.frames[:, 7:PRESENT_AT:8].any()


@settings(max_examples=50)
@given(
    st.integers(0, 100_000),
    st.floats(0.0, 0.03),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(SNAP + 1, RELEASE - 1), max_size=3),
)
def test_film_that_agrees_is_left_alone(
    seed: int, noise: float, leftward: bool, angles: bool, missing: list[int]
) -> None:
    made = filmed(seed, noise=noise, leftward=leftward, angles=angles)
    rows = [row for row in range(LENGTH) if row not in missing]
    outcome = play(pick(made.frames, rows), context=made.context)
    assert isinstance(outcome, Tensor), outcome
    assert outcome.interpolated_frames == tuple(sorted({row - SNAP for row in missing}))


@settings(max_examples=50)
@given(
    st.integers(0, 10_000),
    st.sampled_from([PASSER, TARGET, "o8", "d3"]),
    st.lists(st.integers(0, LENGTH - 1), min_size=1, max_size=4),
    st.floats(-25.0, 25.0),
    st.booleans(),
)
def test_live_film_is_judged_as_whole_film_is(
    seed: int, player: str, rows: list[int], yards: float, angles: bool
) -> None:
    frames = moved(filmed(seed, angles=angles).frames, player, sorted(set(rows)), x=yards)
    whole, live = play(frames), streamed([frames.rows(row, row + 1) for row in range(LENGTH)])
    assert type(live) is type(whole)
    if isinstance(live, Tensor) and isinstance(whole, Tensor):
        assert np.array_equal(live.frames, whole.frames)
        assert live.interpolated_frames == whole.interpolated_frames
    elif isinstance(live, Rejection) and isinstance(whole, Rejection):
        assert (live.reason, live.detail) == (whole.reason, whole.detail)


@pytest.mark.real_data
class TestRealFilm:
    """Faults in real games: every tenth highlight."""

    FAULTS: ClassVar[dict[str, tuple[Callable[[Frames], Frames], Reason]]] = {
        "radians": (lambda frames: with_angles(frames, np.deg2rad), Reason.MOTION_CONTRADICTED),
        "another convention": (lambda frames: with_angles(frames, lambda a: 90.0 - a), Reason.MOTION_CONTRADICTED),
        "flipped": (flipped, Reason.MOTION_CONTRADICTED),
        "miles per hour": (
            lambda frames: scaled(frames, speeds=SPEEDS["miles per hour"]),
            Reason.MOTION_CONTRADICTED,
        ),
        "meters": (lambda frames: scaled(frames, positions=0.9144, speeds=0.9144), Reason.SITUATION_CONTRADICTED),
        "feet": (lambda frames: scaled(frames, positions=3.0, speeds=3.0), Reason.POSITION_OFF_FIELD),
    }

    def test_they_are_found(self, real_data: Path) -> None:
        source = open_source(real_data / "nfl", "ngs_highlights")
        found = dict.fromkeys(self.FAULTS, 0)
        judged = 0
        for game_id in source.game_ids[::10]:
            game = source.game(game_id)
            roster = {player.player_id: player for player in game.roster}
            for one in game.plays:
                if isinstance(featurize((PASSING,), game.header, roster, one.context, [one.frames]), Rejection):
                    continue
                judged += 1
                for name, (change, reason) in self.FAULTS.items():
                    told = featurize((PASSING,), game.header, roster, one.context, [change(one.frames)])
                    found[name] += isinstance(told, Rejection) and told.reason is reason
        assert judged > 20
        assert found.pop("meters") >= 0.95 * judged
        assert found == dict.fromkeys(found, judged)
