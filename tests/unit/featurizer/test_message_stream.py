"""The stream of a game, message by message: what is wrong is rejected or refused by its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from featurizer.passing.columns import SPECIFICATION
from featurizer.streams import MessageStream, Responses
from featurizer.tasks import TASKS
from playscore.common.v1 import common_pb2, reason_pb2
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import OpenGame, ResumeToken, StreamPlaysRequest
from playscore.feed.v1.feed_pb2 import EndPlay, PlayContext
from playscore.hockey.v1.hockey_pb2 import ShotSituation
from playscore.steps import at_once
from playscore.tracking.v1.tracking_pb2 import TRACKED_OBJECT_BALL, FrameBatch, Roster, TrackBatch
from playscore.wire.feed import context_to_message
from playscore.wire.tracking import frames_to_message, header_to_message, roster_to_message
from servicekit.tokens import Keyring
from tests.unit.featurizer.film import CONTEXT, HEADER, RELEASE, ROSTER, film

KEYRING = Keyring.random()


def opening(token: str | None = None) -> StreamPlaysRequest:
    resume = None if token is None else ResumeToken(value=token)
    return StreamPlaysRequest(open=OpenGame(header=header_to_message(HEADER), resume_token=resume))


def opened() -> MessageStream:
    stream, answer = MessageStream.open(opening(), TASKS, KEYRING)
    assert answer.HasField("opened")
    assert at_once(stream.receive(StreamPlaysRequest(roster=roster_to_message(ROSTER.values())))) == []
    return stream


def context(change: Callable[[PlayContext], Any] = lambda message: None) -> StreamPlaysRequest:
    message = context_to_message(CONTEXT)
    change(message)
    return StreamPlaysRequest(context=message)


def frames(change: Callable[[FrameBatch], Any] = lambda message: None) -> StreamPlaysRequest:
    message = frames_to_message("54", film().frames())
    change(message)
    return StreamPlaysRequest(frames=message)


def only_rejection(responses: Responses) -> common_pb2.Rejection:
    rejected, checkpoint = responses
    assert checkpoint.HasField("checkpoint")
    assert rejected.HasField("rejection")
    return rejected.rejection


def refusal(stream: MessageStream, request: StreamPlaysRequest) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as caught:
        at_once(stream.receive(request))
    return caught.value


def test_a_play_as_it_travels() -> None:
    stream = opened()
    assert at_once(stream.receive(context())) == []
    made, checkpoint = at_once(stream.receive(frames()))
    tensor = made.tensor
    assert (tensor.key.league, tensor.key.game_id, tensor.key.play_id) == ("NFL", HEADER.game_id, "54")
    assert tensor.feature_specification_id == SPECIFICATION.id
    assert list(tensor.shape) == [RELEASE - 8 + 1, len(SPECIFICATION.frame_columns)]
    assert len(tensor.frames) == 4 * tensor.shape[0] * tensor.shape[1]
    assert len(tensor.statics) == 4 * len(SPECIFICATION.static_columns)
    assert [(subject.role, subject.subject_id) for subject in tensor.subjects] == [(common_pb2.ROLE_PASSER, "o1")]
    assert tensor.pass_attributes.time_to_throw_seconds == pytest.approx(2.5)
    assert (checkpoint.checkpoint.tensors, checkpoint.checkpoint.last_play_id) == (1, "54")
    _, again = MessageStream.open(opening(checkpoint.checkpoint.resume_token.value), TASKS, KEYRING)
    assert again.opened.plays_finished == 1


def _bad_down(message: PlayContext) -> None:
    message.football.down = 9


def _bad_revision(message: PlayContext) -> None:
    message.revision = 0


def _shot(message: PlayContext) -> None:
    message.shot.CopyFrom(ShotSituation())


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        (_bad_down, reason_pb2.REASON_FIELD_INVALID, "context.football.down must be 1 to 4, not 9"),
        (_bad_revision, reason_pb2.REASON_FIELD_INVALID, "context.revision must be at least 1, not 0"),
        (_shot, reason_pb2.REASON_TASK_UNSUPPORTED, "ShotSituation"),
    ],
)
@pytest.mark.parametrize("open_already", [True, False])
def test_a_wrong_context_costs_its_play_and_no_other(
    change: Callable[[PlayContext], Any], reason: int, detail: str, open_already: bool
) -> None:
    stream = opened()
    if open_already:
        at_once(stream.receive(context()))
    rejected = only_rejection(at_once(stream.receive(context(change))))
    assert (rejected.reason, rejected.revision, rejected.key.play_id) == (reason, 1, "54")
    assert rejected.task in (common_pb2.TASK_PASSING, common_pb2.TASK_SHOTS)
    assert detail in rejected.detail
    assert at_once(stream.receive(context(lambda message: setattr(message, "play_id", "2")))) == []


def test_a_rejection_names_nobody_by_an_identifier_that_is_none() -> None:
    def nameless(message: PlayContext) -> None:
        message.football.passer_id = "p\n"

    (subject,) = only_rejection(at_once(opened().receive(context(nameless)))).subjects
    assert (subject.role, subject.subject_id, subject.team_id) == (common_pb2.ROLE_PASSER, "", "HOM")


@pytest.mark.parametrize("play_id", ["", "p" * 129])
def test_a_context_that_names_no_play_ends_the_stream(play_id: str) -> None:
    error = refusal(opened(), context(lambda message: setattr(message, "play_id", play_id)))
    assert error.fields[0].field == "context.play_id"


def _short(message: FrameBatch) -> None:
    message.x = message.x[:-4]


def _crowd(message: FrameBatch) -> None:
    message.player_ids.extend(f"x{number}" for number in range(100))


@pytest.mark.parametrize(
    ("change", "reason"),
    [(_short, reason_pb2.REASON_COLUMNS_INCONSISTENT), (_crowd, reason_pb2.REASON_FIELD_INVALID)],
)
@pytest.mark.parametrize("context_first", [True, False])
def test_a_wrong_batch_costs_its_play_whichever_comes_first(
    change: Callable[[FrameBatch], Any], reason: int, context_first: bool
) -> None:
    stream = opened()
    requests = [context(), frames(change)]
    responses: Responses = []
    for request in requests if context_first else reversed(requests):
        responses += at_once(stream.receive(request))
    assert only_rejection(responses).reason == reason


def test_a_wrong_track_costs_its_play() -> None:
    stream = opened()
    at_once(stream.receive(context()))
    track = TrackBatch(segment_id="54", object=TRACKED_OBJECT_BALL, rate_hertz=10.0, sample_numbers=[1], x=b"")
    rejected = only_rejection(at_once(stream.receive(StreamPlaysRequest(track=track))))
    assert rejected.reason == reason_pb2.REASON_COLUMNS_INCONSISTENT


@pytest.mark.parametrize(
    "request_",
    [
        StreamPlaysRequest(frames=FrameBatch()),
        StreamPlaysRequest(track=TrackBatch()),
        StreamPlaysRequest(end_play=EndPlay()),
        StreamPlaysRequest(),
    ],
)
def test_what_belongs_to_nothing_ends_the_stream(request_: StreamPlaysRequest) -> None:
    assert refusal(opened(), request_).reason is Reason.FIELD_INVALID


def test_what_is_out_of_order_ends_the_stream() -> None:
    assert refusal(opened(), opening()).reason is Reason.STREAM_ORDER
    assert refusal(opened(), StreamPlaysRequest(end_play=EndPlay(play_id="54"))).reason is Reason.STREAM_ORDER
    with pytest.raises(PlayscoreError, match="the first message is roster; a stream begins with open"):
        MessageStream.open(StreamPlaysRequest(roster=Roster()), TASKS, KEYRING)


@pytest.mark.parametrize("token", ["", "abc", "####", "a" * 5000])
def test_a_resume_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(PlayscoreError) as caught:
        MessageStream.open(opening(token), TASKS, KEYRING)
    assert caught.value.reason is Reason.RESUME_TOKEN_INVALID
    assert caught.value.fields[0].field.startswith("open.resume_token")
