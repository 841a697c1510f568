"""What can be played over the recorded part of a game, and what has it played again from its start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.jetstream.archive import Archive
from pipeline.jetstream.names import GameName
from playscore.common.v1.common_pb2 import GameKey
from playscore.feed.v1.feed_pb2 import EndGame, EndPlay, FeedMessage, OfficialResult, PlayContext
from playscore.tracking.v1.tracking_pb2 import TRACKED_OBJECT_BALL, FrameBatch, GameHeader, Player, Roster, TrackBatch

GAME = GameKey(league="NFL", game_id="g")
NAME = GameName("NFL", "g")


def said(**message: object) -> FeedMessage:
    return FeedMessage(game=GAME, **message)  # type: ignore[arg-type]


def header(revision: int) -> FeedMessage:
    return said(header=GameHeader(key=GAME, revision=revision))


def film(segment_id: str, *numbers: int) -> FeedMessage:
    return said(frames=FrameBatch(segment_id=segment_id, frame_numbers=numbers))


def ball(segment_id: str, *numbers: int) -> FeedMessage:
    return said(track=TrackBatch(segment_id=segment_id, object=TRACKED_OBJECT_BALL, sample_numbers=numbers))


def roster(player_id: str) -> FeedMessage:
    return said(roster=Roster(players=[Player(player_id=player_id, team_id="A")]))


def told() -> Iterator[FeedMessage]:
    """A play that was filmed whole, and one whose film did not all come."""
    yield header(1)
    yield roster("p1")
    yield said(context=PlayContext(play_id="whole", revision=1))
    yield from (film("whole", 1, 2, 3), ball("whole", 1, 2, 3))
    yield said(end_play=EndPlay(play_id="whole", last_frame_number=3))
    yield said(context=PlayContext(play_id="part", revision=1))
    yield said(end_play=EndPlay(play_id="part", last_frame_number=9))


@pytest.mark.parametrize(
    "message",
    [
        said(context=PlayContext(play_id="whole", revision=2)),
        said(context=PlayContext(play_id="next", revision=1)),
        said(official_result=OfficialResult(play_id="whole")),
        said(end_game=EndGame()),
        said(),
        film("next", 1, 2),
        film("whole", 4, 5),
        ball("whole", 4),
        ball("next", 1),
        header(1),
        roster("p1"),
        said(roster=Roster(players=[Player(player_id="\n", team_id="A")])),
    ],
    ids=str,
)
def test_what_cannot_change_a_recorded_play_goes_on(message: FeedMessage) -> None:
    assert Archive.of(NAME, told()).can_go_on_with(message)


@pytest.mark.parametrize(
    "message",
    [film("whole", 3, 4), film("part", 1), ball("whole", 2), ball("part", 1), header(2), roster("p2")],
    ids=str,
)
def test_what_may_change_a_recorded_play_has_the_game_played_again(message: FeedMessage) -> None:
    assert not Archive.of(NAME, told()).can_go_on_with(message)
    assert Archive.of(NAME, []).can_go_on_with(message), "nothing is recorded of it"


def test_a_message_that_was_refused_is_left_out() -> None:
    stray = FeedMessage(game=GameKey(league="NFL", game_id="another"), end_game=EndGame())
    archive = Archive.of(NAME, [stray, *told(), said(end_game=EndGame())])
    assert stray not in archive.messages
    assert archive.ended
    assert archive.play_ids == {"whole", "part"}
