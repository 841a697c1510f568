"""A game on the wire: what goes out comes back, and what is wrong is named by its path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.game import Frames, PassOutcome, PassResult, PlayContext, TrackingEvent, TrackingEventKind
from playscore.game_messages import (
    context_from_message,
    context_to_message,
    floats_from_bytes,
    floats_to_bytes,
    frames_from_message,
    frames_to_message,
    header_from_message,
    header_to_message,
    outcome_from_message,
    outcome_to_message,
    rejection_to_message,
    roster_from_message,
    roster_to_message,
)
from playscore.tracking.v1 import tracking_pb2 as messages
from tests.unit.featurizer.film import CONTEXT, HEADER, ROSTER, film

TEAMS = ("HOM", "AWY")


def travelled(message: Any) -> Any:
    return type(message).FromString(message.SerializeToString())


def refused(read: Callable[..., object], *arguments: object) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as caught:
        read(*arguments)
    return caught.value


class TestThereAndBack:
    def test_header(self) -> None:
        for header in (HEADER, replace(HEADER, week=None, home_games_remaining=None, home_side_known=False)):
            assert header_from_message(travelled(header_to_message(header))) == header

    def test_roster(self) -> None:
        players = tuple(ROSTER.values())
        assert roster_from_message(travelled(roster_to_message(players)), TEAMS) == players

    def test_context(self) -> None:
        bare = PlayContext("1", "", replace(CONTEXT.football, down=None, passer_id="", home_score=0))
        for context in (CONTEXT, bare):
            assert context_from_message(travelled(context_to_message("g", context))) == context

    @pytest.mark.parametrize("angles", [True, False])
    def test_frames(self, angles: bool) -> None:
        frames = film().frames(angles=angles)
        frames = replace(
            frames,
            times_unix_micros=np.arange(len(frames)) * 100_000,
            ball_x=np.zeros(len(frames), np.float32),
            ball_y=np.ones(len(frames), np.float32),
            events=(*frames.events, TrackingEvent(40, "Wurf", TrackingEventKind.PASS_RELEASE, automatic=True)),
        )
        frames.x[3, 4] = frames.y[3, 4] = np.nan
        back = frames_from_message(travelled(frames_to_message("g", "p", frames)))
        assert (back.player_ids, back.events) == (frames.player_ids, frames.events)
        for name in Frames.__slots__:
            ours, theirs = getattr(frames, name), getattr(back, name)
            if isinstance(ours, np.ndarray):
                assert np.array_equal(ours, theirs, equal_nan=True), name
                assert ours.dtype == theirs.dtype, name
        assert (back.speed is None) is not angles

    def test_frames_of_nobody(self) -> None:
        nobody = np.zeros((2, 0), np.float32)
        frames = Frames(np.arange(2, dtype=np.int32), (), nobody, nobody)
        assert frames_from_message(travelled(frames_to_message("g", "p", frames))).x.shape == (2, 0)

    def test_outcome(self) -> None:
        for outcome in (PassOutcome(PassResult.COMPLETE, 12.0), PassOutcome(None, None), PassOutcome(None, 3.0, 0)):
            assert outcome_from_message(travelled(outcome_to_message(outcome))) == outcome

    def test_why_a_play_was_refused_is_cut_to_what_is_kept(self) -> None:
        key = messages.PlayKey(league="NFL", game_id="g", play_id="p")
        for detail, kept in (("x" * 4096, "x" * 4096), ("x" * 4097, "x" * 4095 + "…")):
            assert rejection_to_message(key, 1, 44, detail, []).detail == kept

    def test_numbers_of_a_tensor(self) -> None:
        values = np.arange(6, dtype=np.float32).reshape(2, 3)
        assert floats_to_bytes(values)[4:8] == b"\x00\x00\x80\x3f"
        assert np.array_equal(floats_from_bytes(floats_to_bytes(values), (2, 3), "frames"), values)


class TestRefused:
    @pytest.mark.parametrize(
        ("field", "value", "reason"),
        [
            ("league", "N F L", Reason.FIELD_INVALID),
            ("game_id", "", Reason.FIELD_INVALID),
            ("season", 0, Reason.FIELD_INVALID),
            ("week", -1, Reason.FIELD_INVALID),
            ("away_team_id", "HOM", Reason.FIELD_INVALID),
            ("game_id", "a\nb", Reason.FIELD_INVALID),
            ("home_team_id", "H" * 129, Reason.FIELD_INVALID),
            ("sport", 0, Reason.SPORT_UNSUPPORTED),
            ("sport", 77, Reason.SPORT_UNSUPPORTED),
        ],
    )
    def test_a_header(self, field: str, value: object, reason: Reason) -> None:
        message = header_to_message(HEADER)
        setattr(message, field, value)
        error = refused(header_from_message, message, "open.header")
        assert error.reason is reason
        assert [violation.field for violation in error.fields] == [f"open.header.{field}"]

    @pytest.mark.parametrize("field", ["length_unit", "origin"])
    def test_coordinates_left_open(self, field: str) -> None:
        message = header_to_message(HEADER)
        message.coordinates.ClearField(field)
        error = refused(header_from_message, message)
        assert error.reason is Reason.COORDINATES_UNDECLARED
        assert error.fields[0].field == f"header.coordinates.{field}"

    def test_everything_wrong_is_named_at_once(self) -> None:
        message = header_to_message(HEADER)
        message.league, message.season = "", 0
        assert len(refused(header_from_message, message).fields) == 2

    def test_a_roster(self) -> None:
        stranger = roster_to_message([replace(ROSTER["o1"], team_id="KC")])
        error = refused(roster_from_message, stranger, TEAMS)
        assert error.fields[0].field == "roster.players[0].team_id"
        twice = roster_to_message([ROSTER["o1"], ROSTER["o1"]])
        assert refused(roster_from_message, twice, TEAMS).fields[0].field == "roster.players[1].player_id"
        named = roster_to_message([replace(ROSTER["o1"], display_name="n" * 257)])
        assert refused(roster_from_message, named, TEAMS).fields[0].field == "roster.players[0].display_name"
        many = roster_to_message([replace(ROSTER["o1"], player_id=str(n)) for n in range(201)])
        assert refused(roster_from_message, many, TEAMS).fields[0].field == "roster.players"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("down", 5),
            ("quarter", 0),
            ("game_clock_seconds", 901.0),
            ("yards_to_go", 0.0),
            ("yards_to_end_zone", float("nan")),
            ("home_score", -1),
            ("charted_air_yards", float("inf")),
            ("kind", 9),
            ("passer_id", "p" * 129),
            ("target_id", "a\tb"),
        ],
    )
    def test_a_situation(self, field: str, value: object) -> None:
        message = context_to_message("g", CONTEXT)
        setattr(message.football, field, value)
        error = refused(context_from_message, message, "plays[3].context")
        assert error.reason is Reason.FIELD_INVALID
        assert [violation.field for violation in error.fields] == [f"plays[3].context.football.{field}"]

    def test_a_context(self) -> None:
        message = context_to_message("g", CONTEXT)
        message.ClearField("play_id")
        message.revision = 0
        assert {v.field for v in refused(context_from_message, message).fields} == {
            "context.play_id",
            "context.revision",
        }
        message = context_to_message("g", CONTEXT)
        message.hockey.period = 1
        assert refused(context_from_message, message).reason is Reason.SPORT_UNSUPPORTED
        message.revision = 0  # goes before everything else
        assert refused(context_from_message, message).reason is Reason.FIELD_INVALID
        message = context_to_message("g", CONTEXT)
        message.offense_team_id = "H" * 129
        assert refused(context_from_message, message).fields[0].field == "context.offense_team_id"

    def test_columns_of_the_wrong_length(self) -> None:
        message = frames_to_message("g", "p", film().frames())
        message.x.pop()
        message.speed.append(1.0)
        error = refused(frames_from_message, message)
        assert error.reason is Reason.COLUMNS_INCONSISTENT
        assert [violation.field for violation in error.fields] == ["frames.x", "frames.speed"]
        assert "must have 1056 values (48 frames of 22 players), not 1055" in error.detail

    def test_players_of_a_batch(self) -> None:
        message = messages.FrameBatch(player_ids=[str(n) for n in range(65)])
        assert refused(frames_from_message, message).reason is Reason.TOO_MANY_PLAYERS
        message = messages.FrameBatch(player_ids=["1", "1"])
        assert refused(frames_from_message, message).reason is Reason.COLUMNS_INCONSISTENT
        for nobody in ("", "p" * 129, "a\nb"):
            error = refused(frames_from_message, messages.FrameBatch(player_ids=["1", nobody]))
            assert error.fields[0].field == "frames.player_ids"

    def test_events(self) -> None:
        message = messages.FrameBatch(events=[{"name": "snap"}, {"name": "snap", "kind": 9}])
        assert refused(frames_from_message, message).fields[0].field == "frames.events[1].kind"

    def test_frame_numbers(self) -> None:
        message = messages.FrameBatch(frame_numbers=[-1])
        assert refused(frames_from_message, message).fields[0].field == "frames.frame_numbers"

    def test_an_outcome(self) -> None:
        message = outcome_to_message(PassOutcome(PassResult.COMPLETE, 3.0, revision=-1))
        assert refused(outcome_from_message, message).fields[0].field == "outcome.outcome_revision"

    def test_yards(self) -> None:
        message = outcome_to_message(PassOutcome(PassResult.COMPLETE, 1e9))
        assert refused(outcome_from_message, message).reason is Reason.YARDS_OUT_OF_RANGE

    def test_numbers_of_a_tensor(self) -> None:
        error = refused(floats_from_bytes, b"\x00" * 23, (2, 3), "tensor.frames")
        assert error.reason is Reason.TENSOR_SHAPE_INVALID
        assert error.detail == "tensor.frames has 23 bytes; 2 x 3 float32 take 24"
        nan = floats_to_bytes(np.array([0.0, np.nan], np.float32))
        assert refused(floats_from_bytes, nan, (2,), "tensor.statics").reason is Reason.TENSOR_NOT_FINITE
