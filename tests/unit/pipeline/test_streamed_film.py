"""Film that goes to the featurizer as it comes: what a connection was told, and which plays it cannot make."""

from __future__ import annotations

from typing import Any

import pytest

from featurizer.shots.shot import LOOK_BACK_SECONDS
from pipeline.game_record import LEAD_IN_SECONDS, GameRecord
from pipeline.streamed_film import LATEST_FRAMES, StreamedFilm
from playscore.common.v1.common_pb2 import GameKey
from playscore.feed.v1.feed_pb2 import FeedMessage, PlayContext
from playscore.tracking.v1.tracking_pb2 import FrameBatch, GameHeader

RATE = 15
LEAD_IN = int(RATE * LEAD_IN_SECONDS)


@pytest.fixture
def record() -> GameRecord:
    record = GameRecord()
    record.add(FeedMessage(header=GameHeader(key=GameKey(league="NHL", game_id="7"), frame_rate_hertz=RATE)))
    return record


def filmed(record: GameRecord, segment_id: str, first: int, last: int) -> FrameBatch:
    """A batch that the record has taken in."""
    batch = FrameBatch(segment_id=segment_id, frame_numbers=range(first, last + 1))
    record.add(FeedMessage(frames=batch))
    return batch


def shot(segment_id: str, **said: Any) -> PlayContext:
    return PlayContext(play_id="1", segment_id=segment_id, **said)


def told(film: StreamedFilm) -> list[int]:
    return [number for request in film.begin() for number in request.frames.frame_numbers]


def test_a_shot_reaches_back_no_further_than_plays_are_sent_with() -> None:
    assert LOOK_BACK_SECONDS <= LEAD_IN_SECONDS


def test_a_connection_that_was_there_from_the_start_lacks_nothing(record: GameRecord) -> None:
    film = StreamedFilm(record)
    assert told(film) == []
    film.goes_on(filmed(record, "P1", 40, 99))
    film.goes_on(filmed(record, "P1", 100, 199))
    for said in ({}, {"release_frame": 50}, {"opens_at_frame": 0}, {"release_frame": 900}):
        assert not film.lacks(shot("P1", **said))


def test_a_play_of_which_nothing_was_filmed_lacks_nothing(record: GameRecord) -> None:
    film = StreamedFilm(record)
    told(film)
    assert not film.lacks(shot("P1", release_frame=50))


def test_a_new_connection_is_told_the_latest_film_and_lacks_what_was_before_it(record: GameRecord) -> None:
    filmed(record, "P1", 0, 499)
    for first in range(0, 6_000, 100):
        filmed(record, "P2", first, first + 99)
    film = StreamedFilm(record)
    since = 5_999 - LATEST_FRAMES
    assert told(film)[0] <= since
    assert told(film)[-1] == 5_999
    assert film.lacks(shot("P1", release_frame=200))
    assert film.lacks(shot("P1"))
    assert film.lacks(shot("P2", release_frame=since + LEAD_IN - 1))
    assert film.lacks(shot("P2", opens_at_frame=since + LEAD_IN - 1))
    assert not film.lacks(shot("P2", release_frame=since + LEAD_IN))
    assert not film.lacks(shot("P2"))


def test_a_segment_that_goes_on_after_another_lacks_its_beginning(record: GameRecord) -> None:
    filmed(record, "P1", 0, 499)
    filmed(record, "P2", 0, 99)
    film = StreamedFilm(record)
    told(film)
    film.goes_on(filmed(record, "P1", 500, 599))
    film.goes_on(filmed(record, "P1", 600, 699))
    assert film.lacks(shot("P1", release_frame=500 + LEAD_IN - 1))
    assert not film.lacks(shot("P1", release_frame=500 + LEAD_IN))
    film.goes_on(filmed(record, "P3", 0, 99))
    assert not film.lacks(shot("P3", release_frame=10))
