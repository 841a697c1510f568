from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pytest

from pipeline.pace import due_together, paced
from playscore.common.v1.common_pb2 import GameKey
from playscore.feed.v1.feed_pb2 import EndPlay, FeedMessage
from playscore.game import Frames
from playscore.tracking.v1.tracking_pb2 import FrameBatch, GameHeader
from playscore.wire.games import joined
from playscore.wire.tracking import frames_from_message, frames_to_message

GAME = GameKey(league="NFL", game_id="g")
FAST = 1000.0


def film(*numbers: int) -> Frames:
    unseen = np.zeros((len(numbers), 0), np.float32)
    return Frames(np.array(numbers, np.int32), (), unseen, unseen)


def told(segment_id: str, *numbers: int) -> FeedMessage:
    return FeedMessage(game=GAME, frames=frames_to_message(segment_id, film(*numbers)))


async def at_pace(messages: Iterable[FeedMessage], speed: float | None) -> list[FeedMessage]:
    return [message async for message in paced(messages, speed)]


@pytest.mark.parametrize("speed", [0.5, 1.0])
def test_at_real_time_or_slower_every_frame_has_a_message(speed: float) -> None:
    assert list(due_together(film(*range(3, 8)), speed)) == [(row, row + 1) for row in range(5)]


def test_samples_of_one_frame_travel_together() -> None:
    assert list(due_together(film(3, 3, 4, 5, 5), 1.0)) == [(0, 2), (2, 3), (3, 5)]


@pytest.mark.parametrize("speed", [1.0, 3.0, 20.0])
def test_every_row_travels_once_and_in_order(speed: float) -> None:
    parts = list(due_together(film(*range(10, 90), 50, 51, *range(90, 700)), speed))
    rows = itertools.chain.from_iterable(range(start, stop) for start, stop in parts)
    assert list(rows) == list(range(692))


def test_speed_costs_no_more_messages_a_second_than_real_time() -> None:
    assert list(due_together(film(*range(100, 141)), 20.0)) == [(0, 1), (1, 21), (21, 41)]


@pytest.mark.parametrize("speed", [1.0, 20.0])
def test_no_frames_make_no_messages(speed: float) -> None:
    assert list(due_together(film(), speed)) == []


async def test_as_fast_as_it_goes_a_feed_is_as_it_was() -> None:
    feed = [told("1", *range(10, 90), 50, 51), told("1"), FeedMessage(game=GAME, end_play=EndPlay(play_id="1"))]
    assert await at_pace(feed, None) == feed


async def test_at_a_pace_a_feed_says_the_same_in_smaller_batches() -> None:
    header = FeedMessage(game=GAME, header=GameHeader(frame_rate_hertz=10.0))
    end = FeedMessage(game=GAME, end_play=EndPlay(play_id="1"))
    feed = [header, told("1", *range(10, 60)), told("2", 7, 8), told("1", *range(60, 90)), end]
    slower = await at_pace(feed, FAST / 50)
    assert len(slower) > len(feed)
    assert {message.game.game_id for message in slower} == {"g"}
    for segment_id, numbers in (("1", [*range(10, 90)]), ("2", [7, 8])):
        batches = [message.frames for message in slower if message.frames.segment_id == segment_id]
        assert joined(map(frames_from_message, batches)).frame_numbers.tolist() == numbers
    assert (slower[0], slower[-1]) == (header, end)


async def test_a_batch_that_cannot_be_read_passes_through_for_the_featurizer_to_refuse() -> None:
    torn = told("1", 1, 2)
    torn.frames.player_ids.append("somebody")
    assert await at_pace([torn, told("1", 3)], FAST) == [torn, told("1", 3)]


async def test_a_batch_without_frames_passes_through() -> None:
    nothing = FeedMessage(game=GAME, frames=FrameBatch(segment_id="1"))
    assert await at_pace([nothing], FAST) == [nothing]
