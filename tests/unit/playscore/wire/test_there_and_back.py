"""What goes out comes back: every domain value travels as a message, and is the same when it is read."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pytest
from google.protobuf.message import Message
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from playscore.common.v1.common_pb2 import PlayKey
from playscore.errors import PlayscoreError, Reason
from playscore.field_limits import FIELD_LIMITS
from playscore.game import Floats, Frames, GameHeader, PlayContext, Player, Track, TrackedObject
from playscore.passing import PASSER, FootballSituation, PassAttributes, PassOutcome, PassResult
from playscore.subjects import Subject
from playscore.wire.columns import from_bytes, to_bytes
from playscore.wire.common import play_key, rejected, rejection, subject_to_message
from playscore.wire.feed import context_from_message, context_to_message, result_from_message, result_to_message
from playscore.wire.passing import (
    attributes_from_message,
    attributes_to_message,
    outcome_from_message,
    outcome_to_message,
    situation_from_message,
    situation_to_message,
)
from playscore.wire.tracking import (
    frames_from_message,
    frames_to_message,
    header_from_message,
    header_to_message,
    roster_from_message,
    roster_to_message,
    track_from_message,
    track_to_message,
)
from tests.unit.playscore.wire import domain
from tests.unit.playscore.wire.plain import plain

M = TypeVar("M", bound=Message)

WITHOUT_A_CATCH = (PassResult.INCOMPLETE, PassResult.INTERCEPTED)


def travelled(message: M) -> M:
    return type(message).FromString(message.SerializeToString())


@given(domain.HEADERS)
def test_a_header(header: GameHeader) -> None:
    assert header_from_message(travelled(header_to_message(header))) == header


@given(domain.ROSTERS)
def test_a_roster(players: tuple[Player, ...]) -> None:
    assert roster_from_message(travelled(roster_to_message(players)), domain.TEAMS) == players


@given(domain.CONTEXTS)
def test_a_context(context: PlayContext) -> None:
    assert context_from_message(travelled(context_to_message(context))) == context


@given(domain.SITUATIONS)
def test_a_situation(situation: FootballSituation) -> None:
    assert situation_from_message(travelled(situation_to_message(situation)), "football") == situation


@given(domain.frames())
def test_frames(frames: Frames) -> None:
    message = travelled(frames_to_message("segment", frames))
    assert message.segment_id == "segment"
    assert plain(frames_from_message(message)) == plain(frames)


def test_frames_of_nobody() -> None:
    nobody = np.zeros((2, 0), np.float32)
    frames = Frames(np.arange(2, dtype=np.int32), (), nobody, nobody)
    assert frames_from_message(travelled(frames_to_message("p", frames))).x.shape == (2, 0)


@given(domain.tracks())
def test_a_track(track: Track) -> None:
    message = travelled(track_to_message("segment", track))
    assert message.segment_id == "segment"
    assert plain(track_from_message(message)) == plain(track)


def test_a_sample_of_the_ball_that_was_not_seen_stays_unseen() -> None:
    unseen = np.array([np.nan, 1.0], np.float32)
    ball = Track(TrackedObject.BALL, 25.0, np.arange(2, dtype=np.int32), unseen, unseen)
    assert np.isnan(track_from_message(travelled(track_to_message("p", ball))).x).tolist() == [True, False]


@given(domain.OUTCOMES)
def test_an_official_result(outcome: PassOutcome) -> None:
    assume(outcome.yards_gained is not None or outcome.result not in WITHOUT_A_CATCH)
    assert outcome_from_message(travelled(outcome_to_message(outcome))) == outcome
    message = travelled(result_to_message("54", outcome))
    assert message.play_id == "54"
    assert result_from_message(message) == outcome


@pytest.mark.parametrize("result", WITHOUT_A_CATCH)
def test_a_pass_that_no_teammate_caught_has_gained_nothing(result: PassResult) -> None:
    message = travelled(outcome_to_message(PassOutcome(result, None)))
    assert outcome_from_message(message) == PassOutcome(result, 0.0)


@given(domain.ATTRIBUTES)
def test_split_attributes(attributes: PassAttributes) -> None:
    assert attributes_from_message(travelled(attributes_to_message(attributes))) == attributes


@given(arrays.arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_columns_of_numbers(values: Floats) -> None:
    back = from_bytes(to_bytes(values), values.shape, "frames", Reason.TENSOR_SHAPE_INVALID)
    assert plain(back) == plain(values)


def test_columns_are_little_endian_float32() -> None:
    assert to_bytes(np.array([0.0, 1.0], np.float32))[4:] == b"\x00\x00\x80\x3f"
    assert to_bytes(np.array([1.0], ">f4").astype(np.float32)) == b"\x00\x00\x80\x3f"
    assert to_bytes(None) == b""


def test_whose_play_it_is() -> None:
    message = subject_to_message(Subject(PASSER, "101", "Paul Able", "KC"))
    assert (message.role, message.subject_id, message.subject_name, message.team_id) == (1, "101", "Paul Able", "KC")


@given(domain.HEADERS, domain.IDENTIFIERS)
def test_the_key_of_a_play_is_that_of_its_game(header: GameHeader, play_id: str) -> None:
    key = play_key(header, play_id)
    assert (key.league, key.game_id, key.play_id) == (header.league, header.game_id, play_id)


@pytest.mark.parametrize("too_long", [0, 1, 1000])
def test_why_a_play_was_refused_is_cut_to_what_is_kept(too_long: int) -> None:
    limit = FIELD_LIMITS["playscore.common.v1.Rejection.detail"].max_characters
    key = PlayKey(league="NFL", game_id="g", play_id="p")
    for told in (
        rejection(key, 1, Reason.TOO_SHORT.value, "x" * (limit + too_long)),
        rejected(PlayscoreError(Reason.TOO_SHORT, "x" * (limit + too_long)), key, 1),
    ):
        assert len(told.detail) == limit
        assert told.detail.endswith("…") == bool(too_long)


def test_a_reason_of_a_newer_contract_is_kept() -> None:
    told = rejection(PlayKey(league="NFL", game_id="g", play_id="p"), 1, 9999, "", index=3)
    assert (travelled(told).reason, told.index) == (9999, 3)
