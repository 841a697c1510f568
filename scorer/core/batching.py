"""Plays of any length, padded into batches of a few lengths."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from playscore.errors import PlayscoreError, Reason
from scorer.core.inference import Batch
from scorer.core.tensors import Tensor


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


def pad(tensors: Sequence[Tensor], length: int) -> Batch:
    """One batch of N plays of at most `length` frames each."""
    columns = tensors[0].frames.shape[1]
    padded = np.zeros((len(tensors), length, columns), np.float32)
    mask = np.zeros((len(tensors), length), np.float32)
    for row, tensor in enumerate(tensors):
        padded[row, : len(tensor)] = tensor.frames
        mask[row, : len(tensor)] = 1.0
    return Batch(padded, mask, np.stack([tensor.statics for tensor in tensors]))
