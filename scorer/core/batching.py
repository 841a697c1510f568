"""Plays of many lengths, as batches of few."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from playscore.errors import PlayscoreError, Reason
from playscore.game import Floats
from scorer.core.inference import Batch


def bucket_length(frames: int, bucket_lengths: Sequence[int]) -> int:
    """The smallest of the rising `bucket_lengths` that holds so many frames.

    Raises:
        PlayscoreError: TOO_LONG.
    """
    place = bisect_left(bucket_lengths, frames)
    if place == len(bucket_lengths):
        raise PlayscoreError(
            Reason.TOO_LONG, f"the tensor has {frames} frames; the model takes at most {bucket_lengths[-1]}"
        )
    return bucket_lengths[place]


def pad(frames: Sequence[Floats], statics: Sequence[Floats], length: int) -> Batch:
    """One batch of N plays: `frames` each (T, C) with T ≤ `length`, `statics` each (S,)."""
    columns = frames[0].shape[1]
    padded = np.zeros((len(frames), length, columns), np.float32)
    mask = np.zeros((len(frames), length), np.float32)
    for row, play in enumerate(frames):
        padded[row, : len(play)] = play
        mask[row, : len(play)] = 1.0
    return Batch(padded, mask, np.stack(statics))
