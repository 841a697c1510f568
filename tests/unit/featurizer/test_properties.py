"""What must not matter does not: side of the field, units, order of arrival, names."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from featurizer.core.game_stream import GameStream
from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.passing.columns import SPECIFICATION
from featurizer.passing.task import PASSING
from playscore.game import (
    AngleConvention,
    AttackingDirection,
    CoordinateSystem,
    Frames,
    LengthUnit,
    Origin,
    Player,
)
from tests.unit.featurizer.film import (
    CONTEXT,
    HEADER,
    LENGTH,
    RELEASE,
    ROSTER,
    SITUATION,
    SNAP,
    attributes,
    film,
    later,
    pick,
    play,
    situation,
    streamed,
    tensor,
    with_events,
)

NAMES = [column.name for column in SPECIFICATION.frame_columns]
seeds = st.integers(0, 10_000)
small = settings(max_examples=25)


def same(one: Tensor, other: Tensor) -> None:
    """Equal up to the rounding of float32 positions, which a second derivative at 10 Hz makes 100 times larger."""
    assert one.frames.shape == other.frames.shape
    unit = np.array([column.unit for column in SPECIFICATION.frame_columns])
    angle = unit == "rad"
    assert np.allclose(one.frames[:, ~angle], other.frames[:, ~angle], atol=1e-2)
    # A direction is as uncertain as its velocity is small.
    slow = np.hypot(one.frames[:, 2:176:8], one.frames[:, 3:176:8]) < 0.05
    turned = np.abs(np.exp(1j * one.frames[:, angle]) - np.exp(1j * other.frames[:, angle]))
    assert (turned[~np.repeat(slow, 2, axis=1)] < 1e-2).all()
    assert np.array_equal(one.statics, other.statics)


@small
@given(seeds)
def test_a_game_attacked_the_other_way_gives_the_same_tensor(seed: int) -> None:
    frames = film(seed).frames()
    assert frames.direction_degrees is not None
    assert frames.orientation_degrees is not None
    turned = replace(
        frames,
        x=np.float32(120.0) - frames.x,
        y=np.float32(160.0 / 3.0) - frames.y,
        direction_degrees=(frames.direction_degrees + 180.0) % 360.0,
        orientation_degrees=(frames.orientation_degrees + 180.0) % 360.0,
    )
    made = tensor(frames)
    same(made, tensor(turned, context=replace(CONTEXT, attacking_direction=AttackingDirection.NEGATIVE_X)))
    same(made, tensor(turned, context=replace(CONTEXT, attacking_direction=None)))


@small
@given(seeds, st.sampled_from([(LengthUnit.METER, 0.9144), (LengthUnit.FOOT, 3.0)]), st.booleans())
def test_units_origin_and_angles_do_not_matter(seed: int, unit: tuple[LengthUnit, float], centered: bool) -> None:
    frames = film(seed).frames()
    assert frames.speed is not None
    assert frames.direction_degrees is not None
    assert frames.orientation_degrees is not None
    shift_x, shift_y = (60.0, 80.0 / 3.0) if centered else (0.0, 0.0)
    other = replace(
        frames,
        x=np.multiply(frames.x - shift_x, unit[1], dtype=np.float32),
        y=np.multiply(frames.y - shift_y, unit[1], dtype=np.float32),
        speed=np.multiply(frames.speed, unit[1], dtype=np.float32),
        direction_degrees=(90.0 - frames.direction_degrees) % 360.0,
        orientation_degrees=(90.0 - frames.orientation_degrees) % 360.0,
    )
    coordinates = CoordinateSystem(
        unit[0], Origin.CENTER if centered else Origin.CORNER, AngleConvention.DEGREES_COUNTERCLOCKWISE_FROM_X
    )
    same(tensor(frames), tensor(other, header=replace(HEADER, coordinates=coordinates)))


@small
@given(seeds, st.booleans())
def test_a_mirrored_play_gives_the_mirrored_tensor(seed: int, angles: bool) -> None:
    filmed = film(seed)
    made = tensor(filmed.frames(angles=angles))
    filmed.y = -filmed.y
    mirrored = tensor(filmed.frames(angles=angles))
    sign = np.array([-1.0 if name.endswith(("y", ".direction")) else 1.0 for name in NAMES])
    kept = np.array([not name.endswith((".orientation", "direction")) for name in NAMES])
    assert np.allclose((made.frames * sign)[:, kept], mirrored.frames[:, kept], atol=1e-2)
    assert np.isclose(
        attributes(mirrored).passer_lateral_yards or 0.0, -(attributes(made).passer_lateral_yards or 0.0), atol=1e-4
    )


@small
@given(seeds, st.randoms(use_true_random=False), st.integers(1, 9))
def test_neither_order_nor_repetition_nor_batches_matter(seed: int, random: Random, size: int) -> None:
    frames = film(seed).frames()
    rows = list(range(LENGTH)) + list(range(10, 20))
    random.shuffle(rows)
    scattered = pick(frames, rows)
    batches = [pick(scattered, np.arange(start, min(start + size, len(rows)))) for start in range(0, len(rows), size)]
    made, again = tensor(frames), tensor(*batches)
    assert np.array_equal(made.frames, again.frames)
    assert np.array_equal(made.statics, again.statics)
    assert made.attributes == again.attributes
    assert again.duplicate_samples == 22 * 10


@small
@given(
    seeds, st.lists(st.integers(0, LENGTH - 1).filter(lambda n: n not in (SNAP, RELEASE)), max_size=6), st.booleans()
)
def test_frame_by_frame_gives_what_the_whole_play_gives(seed: int, lost: list[int], angles: bool) -> None:
    frames = pick(film(seed).frames(angles=angles), [row for row in range(LENGTH) if row not in lost])
    live = streamed([frames.rows(row, row + 1) for row in range(len(frames))])
    whole = play(frames)
    assert type(live) is type(whole)
    if isinstance(live, Tensor) and isinstance(whole, Tensor):
        assert np.array_equal(live.frames, whole.frames)
        assert live.attributes == whole.attributes
        assert live.interpolated_frames == whole.interpolated_frames


@small
@given(
    seeds,
    st.randoms(use_true_random=False),
    st.integers(1, 9),
    st.sampled_from(["before the film", "amid the film", "after the film"]),
    st.sampled_from([True, False]),
)
def test_neither_batches_nor_lateness_nor_when_the_play_is_told_of_matter(
    seed: int, random: Random, size: int, told: str, ended: bool
) -> None:
    """Frames keep their order up to five frames, as the feed promises."""
    whole = film(seed).frames()
    rows = sorted(range(LENGTH), key=lambda row: row + random.uniform(0.0, 5.0))
    scattered = pick(whole, rows)
    batches = [
        with_events(pick(scattered, list(range(start, min(start + size, LENGTH)))), whole)
        for start in range(0, LENGTH, size)
    ]
    opening = {"before the film": 0, "amid the film": len(batches) // 2, "after the film": len(batches)}[told]
    live = streamed(batches, opening=opening, last_frame=LENGTH - 1 if ended else None)
    made = tensor(whole)
    assert isinstance(live, Tensor)
    assert np.array_equal(live.frames, made.frames)
    assert np.array_equal(live.statics, made.statics)
    assert live.attributes == made.attributes
    assert (live.subjects, live.interpolated_frames, live.duplicate_samples) == (made.subjects, (), 0)


@small
@given(seeds, seeds, st.integers(1, 9))
def test_two_plays_over_one_segment_are_what_they_are_apart(seed: int, other: int, size: int) -> None:
    first, second = film(seed).frames(), later(film(other).frames(), LENGTH + 3)
    contexts = [replace(CONTEXT, play_id="1", segment_id="Q1", opens_at_frame=0)]
    contexts.append(replace(CONTEXT, play_id="2", segment_id="Q1", opens_at_frame=LENGTH + 3))
    apart = [play(first, context=contexts[0]), play(second, context=contexts[1])]
    stream = GameStream(HEADER, (PASSING,))
    stream.add_players(ROSTER.values())
    answers = [*stream.add_context(contexts[0]), *stream.add_context(contexts[1])]
    for frames in (first, second):
        for start in range(0, LENGTH, size):
            answers += stream.add_frames("Q1", frames.rows(start, min(start + size, LENGTH)))
    together = [answer for answer in answers if isinstance(answer, Tensor)]
    for one, alone in zip(together, apart, strict=True):
        assert isinstance(alone, Tensor)
        assert np.array_equal(one.frames, alone.frames)
        assert one.attributes == alone.attributes
    assert [play(first, second, context=context).play_id for context in contexts] == ["1", "2"]
    for context, alone in zip(contexts, apart, strict=True):
        over_all = play(first, second, context=context)
        assert isinstance(over_all, Tensor)
        assert isinstance(alone, Tensor)
        assert np.array_equal(over_all.frames, alone.frames)


@small
@given(seeds, st.permutations(range(22)))
def test_neither_names_nor_columns_nor_numbers_of_frames_matter(seed: int, order: list[int]) -> None:
    frames = film(seed).frames()
    assert frames.speed is not None
    assert frames.direction_degrees is not None
    assert frames.orientation_degrees is not None
    renamed = Frames(
        frame_numbers=frames.frame_numbers + 700,
        player_ids=tuple(f"n{frames.player_ids[e]}" for e in order),
        x=frames.x[:, order],
        y=frames.y[:, order],
        speed=frames.speed[:, order],
        direction_degrees=frames.direction_degrees[:, order],
        orientation_degrees=frames.orientation_degrees[:, order],
        events=tuple(replace(event, frame_number=event.frame_number + 700) for event in frames.events),
    )
    roster = {f"n{i}": Player(f"n{i}", player.team_id, "Somebody Else") for i, player in ROSTER.items()}
    context = situation(passer_id=f"n{SITUATION.passer_id}", target_id=f"n{SITUATION.target_id}")
    made, other = tensor(frames), featurize((PASSING,), HEADER, roster, context, [renamed])
    assert isinstance(other, Tensor)
    assert np.array_equal(made.frames, other.frames)
    assert np.array_equal(made.statics, other.statics)


@small
@given(seeds, st.floats(-30.0, 30.0))
def test_nothing_after_the_release_is_looked_at(seed: int, shift: float) -> None:
    frames = film(seed).frames()
    later = replace(frames, x=frames.x.copy())
    later.x[RELEASE + 1 :] += np.float32(shift)
    assert np.array_equal(tensor(frames).frames, tensor(later).frames)


@small
@given(seeds)
def test_every_number_is_finite_and_every_angle_within_half_a_turn(seed: int) -> None:
    made = tensor(film(seed).frames())
    assert np.isfinite(made.frames).all()
    angles = made.frames[:, [column.unit == "rad" for column in SPECIFICATION.frame_columns]]
    assert (np.abs(angles) <= np.float32(np.pi)).all()
    assert len(made.frames) == RELEASE - SNAP + 1
