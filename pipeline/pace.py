"""The pace of a feed: messages as they would come from a stadium, faster, or as fast as they are taken."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from playscore.errors import PlayscoreError
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Frames
from playscore.wire.tracking import (
    frames_from_message,
    frames_to_message,
    track_from_message,
    track_to_message,
)


async def paced(messages: Iterable[FeedMessage], speed: float | None) -> AsyncIterator[FeedMessage]:
    """The messages of a feed, film at `speed` times real time; None: as fast as they are taken.

    Dead time between segments is left out. At real time or slower a message holds one frame; faster it holds those that
    come due in one sampling interval, so that speed costs no more messages a second. Samples of the ball or puck come
    with the frames of their time.
    """
    async with aclosing(moments(messages, speed)) as due:
        async for together in due:
            for message in together:
                yield message


async def moments(messages: Iterable[FeedMessage], speed: float | None) -> AsyncGenerator[Sequence[FeedMessage], None]:
    """The messages of `paced`, those together that come at one moment: film of one sampling interval, or what is said
    between film. At no pace all of them are.
    """
    if speed is None:
        yield list(messages)
        return
    clock = _Clock()
    for film, together in _moments(messages, speed):
        if film is not None:
            await asyncio.sleep(clock.due(film, time.perf_counter(), speed) - time.perf_counter())
        yield together


def timetable(messages: Iterable[FeedMessage], speed: float) -> Iterator[tuple[float, Sequence[FeedMessage]]]:
    """The moments of a feed, each with when it is due: seconds after the first, if nobody is ever late."""
    clock, now = _Clock(), 0.0
    for film, together in _moments(messages, speed):
        if film is not None:
            now = clock.due(film, now, speed)
        yield now, together


@dataclass(frozen=True, slots=True)
class _Filmed:
    """When a moment of film was filmed, on the clock of its segment."""

    segment_id: str
    seconds: float


def _moments(messages: Iterable[FeedMessage], speed: float) -> Iterator[tuple[_Filmed | None, Sequence[FeedMessage]]]:
    """The messages that come at one moment, and when it was filmed; None for what is said between film."""
    hertz = 10.0
    for is_film, run in itertools.groupby(messages, key=_is_film):
        if not is_film:
            told = list(run)
            for message in told:
                hertz = (message.header.frame_rate_hertz or hertz) if message.HasField("header") else hertz
            yield None, told
            continue
        for segment_id, of_segment in itertools.groupby(run, key=_segment_of):
            pieces = [piece for message in of_segment for piece in _pieces(message, hertz, speed)]
            pieces.sort(key=lambda piece: piece.seconds)
            intervals = [math.ceil(piece.seconds * hertz / speed - 1e-6) for piece in pieces]
            for _, interval in itertools.groupby(zip(intervals, pieces, strict=True), key=itemgetter(0)):
                together = [piece for _, piece in interval]
                yield _Filmed(segment_id, together[-1].seconds), [piece.message for piece in together]


@dataclass(frozen=True, slots=True)
class _Piece:
    seconds: float
    """Of the segment's clock, when it is filmed."""
    message: FeedMessage


class _Clock:
    """When film is due: a segment begins when its first piece comes."""

    def __init__(self) -> None:
        self._segment_id: str | None = None
        self._begun = self._first = 0.0

    def due(self, film: _Filmed, now: float, speed: float) -> float:
        """In seconds of the clock that tells `now`."""
        if film.segment_id != self._segment_id:
            self._segment_id, self._begun, self._first = film.segment_id, now, film.seconds
        return self._begun + (film.seconds - self._first) / speed


def _is_film(message: FeedMessage) -> bool:
    return bool(message.frames.frame_numbers or message.track.sample_numbers)


def _segment_of(message: FeedMessage) -> str:
    return message.frames.segment_id or message.track.segment_id


def _pieces(message: FeedMessage, hertz: float, speed: float) -> Iterator[_Piece]:
    """A message of film, cut into what comes due together. What cannot be read is for the featurizer to refuse."""
    try:
        if message.HasField("frames"):
            frames = frames_from_message(message.frames)
            for start, stop in due_together(frames, speed):
                cut = frames_to_message(message.frames.segment_id, frames.rows(start, stop))
                yield _Piece(int(frames.frame_numbers[stop - 1]) / hertz, FeedMessage(game=message.game, frames=cut))
            return
        track = track_from_message(message.track)
    except PlayscoreError:
        number = message.frames.frame_numbers[0] if message.HasField("frames") else 0
        yield _Piece(number / hertz, message)
        return
    seconds = track.sample_numbers / track.rate_hertz
    intervals = np.ceil(seconds * hertz / speed - 1e-6)
    for start, stop in _runs(intervals):
        part = track_to_message(message.track.segment_id, track.samples(start, stop))
        yield _Piece(float(seconds[stop - 1]), FeedMessage(game=message.game, track=part))


def due_together(frames: Frames, speed: float) -> Iterator[tuple[int, int]]:
    """Rows that come due in one sampling interval of the clock, at `speed` times real time."""
    return _runs(np.ceil((frames.frame_numbers - frames.frame_numbers[:1]) / speed))


def _runs(intervals: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Where runs of the same interval start and stop."""
    if not len(intervals):
        return iter(())
    return itertools.pairwise([0, *(np.flatnonzero(np.diff(intervals)) + 1).tolist(), len(intervals)])
