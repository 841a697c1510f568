from __future__ import annotations

import itertools

import numpy as np
import pytest

from pipeline.worker import _messages
from playscore.game import Frames


def film(*numbers: int) -> Frames:
    unseen = np.zeros((len(numbers), 0), np.float32)
    return Frames(np.array(numbers, np.int32), (), unseen, unseen)


@pytest.mark.parametrize("speed", [0.5, 1.0])
def test_at_real_time_or_slower_every_frame_has_a_message(speed: float) -> None:
    assert list(_messages(film(*range(3, 8)), speed)) == [(row, row + 1) for row in range(5)]


def test_samples_of_one_frame_travel_together() -> None:
    assert list(_messages(film(3, 3, 4, 5, 5), 1.0)) == [(0, 2), (2, 3), (3, 5)]


@pytest.mark.parametrize("speed", [1.0, 3.0, 20.0, None])
def test_every_row_travels_once_and_in_order(speed: float | None) -> None:
    parts = list(_messages(film(*range(10, 90), 50, 51, *range(90, 700)), speed))
    rows = itertools.chain.from_iterable(range(start, stop) for start, stop in parts)
    assert list(rows) == list(range(692))


def test_speed_costs_no_more_messages_a_second_than_real_time() -> None:
    assert list(_messages(film(*range(100, 141)), 20.0)) == [(0, 1), (1, 21), (21, 41)]


@pytest.mark.parametrize("speed", [1.0, 20.0, None])
def test_no_frames_make_no_messages(speed: float | None) -> None:
    assert list(_messages(film(), speed)) == []
