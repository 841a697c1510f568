"""Requests are read in pieces, and refused before they are parsed where they hold more than their contract allows."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given, settings
from hypothesis import strategies as st

from playscore.aggregator.v1.aggregator_pb2 import RecordScoresRequest
from playscore.common.v1.common_pb2 import PlayKey, Subject
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import FeaturizePlaysRequest, StreamPlaysRequest
from playscore.scorer.v1.scorer_pb2 import GradePassesRequest
from playscore.steps import at_once
from servicekit.bodies import MAX_FIELDS, PIECE_BYTES, parsed
from tests import hostile

LARGE = 3 << 20


def refusal(body: bytes, kind: type[Message]) -> PlayscoreError:
    def parse(_message: Any) -> None:
        raise AssertionError("it was refused, but not before it was parsed")

    counted: Any = type("Counted", (), {"DESCRIPTOR": kind.DESCRIPTOR, "__init__": parse})
    with pytest.raises(PlayscoreError) as refused:
        at_once(parsed(body, counted))
    assert refused.value.reason is Reason.FIELD_INVALID
    return refused.value


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (hostile.empty_items(1, LARGE), GradePassesRequest, "passes"),
        (hostile.empty_items(2, LARGE), GradePassesRequest, "supports"),
        (hostile.grades(70, 4_096), GradePassesRequest, "passes"),
        (hostile.empty_items(2, LARGE), RecordScoresRequest, "records"),
        (hostile.unscored(10_001), RecordScoresRequest, "records"),
        (hostile.empty_items(3, LARGE), FeaturizePlaysRequest, "plays"),
        (hostile.empty_items(1, 2 * MAX_FIELDS + 10_000), FeaturizePlaysRequest, "request"),
        (hostile.many_plays(50_000), FeaturizePlaysRequest, "plays"),
        (hostile.frame_numbers(LARGE), FeaturizePlaysRequest, "plays"),
        (hostile.frame_numbers(LARGE, plays=100), FeaturizePlaysRequest, "plays"),
        (hostile.player_names(LARGE), FeaturizePlaysRequest, "plays"),
        (hostile.unpacked_frame_numbers(LARGE), FeaturizePlaysRequest, "plays"),
        (hostile.frame_numbers_of_a_stream(LARGE), StreamPlaysRequest, "frames"),
    ],
)
def test_a_request_that_holds_too_much_is_refused_before_it_is_parsed(
    body: list[bytes], kind: type[Message], field: str
) -> None:
    assert refusal(body[0], kind).fields[0].field == field


def test_what_a_request_may_hold_is_read() -> None:
    for body, kind in (
        (hostile.unscored(10_000), RecordScoresRequest),
        (hostile.many_plays(200), FeaturizePlaysRequest),
        (hostile.grades(64, 4_096), GradePassesRequest),
        (hostile.grades(1_024, 257), GradePassesRequest),
    ):
        read: Any = at_once(parsed(body[0], kind))
        assert read == kind.FromString(body[0])


subjects = st.builds(Subject, role=st.integers(0, 3), subject_id=st.text(max_size=8))
unscored = st.builds(
    lambda key, revision, subjects: {"unscored": {"key": key, "revision": revision, "subjects": subjects}},
    st.builds(PlayKey, league=st.text(max_size=8)),
    st.integers(-(2**31), 2**31 - 1),
    st.lists(subjects, max_size=4),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(unscored, min_size=1, max_size=8), st.integers(1, 400), st.text(max_size=PIECE_BYTES // 8))
def test_a_body_read_in_pieces_is_the_body_read_whole(records: list[dict[str, Any]], times: int, detail: str) -> None:
    message: Any = RecordScoresRequest()
    for record in records * times:
        message.records.add(**record)
    message.records[-1].unscored.detail = detail * 8
    body = message.SerializeToString() + RecordScoresRequest(request_id="again").SerializeToString()
    assert at_once(parsed(body, RecordScoresRequest)) == RecordScoresRequest.FromString(body)


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_body_that_is_cut_off_is_no_message(cut: int) -> None:
    body = hostile.unscored(5_000)[0][:-cut]
    with pytest.raises(DecodeError):
        RecordScoresRequest.FromString(body)
    with pytest.raises(DecodeError):
        at_once(parsed(body, RecordScoresRequest))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=64), st.integers(0, 40_000))
def test_whatever_is_read_in_pieces_reads_whole(noise: bytes, place: int) -> None:
    body = bytearray(hostile.unscored(1_000)[0])
    body[place : place + len(noise)] = noise
    try:
        whole = RecordScoresRequest.FromString(bytes(body))
    except DecodeError:
        with pytest.raises((DecodeError, PlayscoreError)):
            at_once(parsed(bytes(body), RecordScoresRequest))
        return
    try:
        assert at_once(parsed(bytes(body), RecordScoresRequest)) == whole
    except DecodeError as refused:
        assert "wire type" in str(refused)  # groups are part of no contract
