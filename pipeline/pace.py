"""The pace of a feed: messages as they would come from a stadium, faster, or as fast as they are taken."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterable, Iterator

import numpy as np

from playscore.errors import PlayscoreError
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Frames
from playscore.wire.tracking import frames_from_message, frames_to_message


async def paced(messages: Iterable[FeedMessage], speed: float | None) -> AsyncIterator[FeedMessage]:
    """The messages of a feed, frames at `speed` times real time; None: as fast as they are taken.

    Dead time between segments is left out. At real time or slower a message holds one frame; faster it holds those that
    come due in one sampling interval, so that speed costs no more messages a second.
    """
    hertz = 10.0
    segment, begun, first = "", 0.0, 0
    for message in messages:
        if message.HasField("header"):
            hertz = message.header.frame_rate_hertz or hertz
        if speed is None or not message.HasField("frames") or not message.frames.frame_numbers:
            yield message
            continue
        batch = message.frames
        if batch.segment_id != segment:
            segment, begun, first = batch.segment_id, time.perf_counter(), batch.frame_numbers[0]
        try:
            frames = frames_from_message(batch)
        except PlayscoreError:
            yield message  # for the featurizer to refuse
            continue
        for start, stop in due_together(frames, speed):
            due = begun + (int(frames.frame_numbers[stop - 1]) - first) / hertz / speed
            await asyncio.sleep(due - time.perf_counter())
            yield FeedMessage(game=message.game, frames=frames_to_message(segment, frames.rows(start, stop)))


def due_together(frames: Frames, speed: float) -> Iterator[tuple[int, int]]:
    """Rows that come due in one sampling interval of the clock, at `speed` times real time."""
    if not len(frames):
        return iter(())
    intervals = np.ceil((frames.frame_numbers - frames.frame_numbers[:1]) / speed)
    cuts = [0, *(np.flatnonzero(np.diff(intervals)) + 1).tolist()]
    return itertools.pairwise([*cuts, len(frames)])
