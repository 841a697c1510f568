"""Plays of any length are padded to a few lengths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playscore.errors import PlayscoreError, Reason
from scorer.core.batching import bucket_length, pad
from scorer.core.tensors import Tensor

BUCKETS = (32, 64, 128)


@given(st.integers(1, 128))
def test_a_play_goes_to_the_smallest_bucket_that_holds_it(frames: int) -> None:
    length = bucket_length(frames, BUCKETS)
    assert length >= frames
    assert all(shorter < frames for shorter in BUCKETS if shorter < length)


@pytest.mark.parametrize("frames", [129, 6000])
def test_a_play_longer_than_every_bucket_is_too_long(frames: int) -> None:
    with pytest.raises(PlayscoreError, match=f"{frames} frames.*at most 128") as refused:
        bucket_length(frames, BUCKETS)
    assert refused.value.reason is Reason.TOO_LONG


@given(st.lists(st.integers(1, 32), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_plays_are_padded_on_the_right_and_masked(lengths: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    frames = [random.normal(size=(length, 5)).astype(np.float32) for length in lengths]
    statics = [random.normal(size=3).astype(np.float32) for _ in lengths]
    batch = pad([Tensor(*play) for play in zip(frames, statics, strict=True)], 32)
    assert batch.frames.shape == (len(lengths), 32, 5)
    assert batch.frames.dtype == batch.mask.dtype == batch.statics.dtype == np.float32
    for row, play in enumerate(frames):
        np.testing.assert_array_equal(batch.frames[row, : len(play)], play)
        assert not batch.frames[row, len(play) :].any()
        np.testing.assert_array_equal(batch.mask[row], np.arange(32) < len(play))
        np.testing.assert_array_equal(batch.statics[row], statics[row])


def test_plays_that_statics_alone_describe_are_one_batch_without_frames() -> None:
    statics = [np.full(3, place, np.float32) for place in range(4)]
    nothing = np.zeros((0, 0), np.float32)
    assert bucket_length(0, (0,)) == 0
    batch = pad([Tensor(nothing, row) for row in statics], 0)
    assert len(batch) == 4
    assert list(batch.inputs) == ["static"]
    np.testing.assert_array_equal(batch.inputs["static"], np.stack(statics))


def test_a_graph_takes_frames_mask_and_statics_of_other_plays() -> None:
    batch = pad([Tensor(np.ones((3, 2), np.float32), np.ones(1, np.float32))], 32)
    assert [(name, values.shape) for name, values in batch.inputs.items()] == [
        ("frames", (1, 32, 2)),
        ("mask", (1, 32)),
        ("static", (1, 1)),
    ]
