"""What no limit of a single field says: what must agree within a message. The field at fault is named by its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.game import (
    AngleConvention,
    AttackingDirection,
    CoordinateSystem,
    Frames,
    GameHeader,
    LengthUnit,
    Origin,
    PlayContext,
    Player,
    Sport,
    Track,
    TrackedObject,
)
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.passing import FootballSituation, PassOutcome, PassResult, PlayKind
from playscore.tracking.v1 import tracking_pb2 as messages
from playscore.wire.columns import finite, from_bytes
from playscore.wire.feed import context_from_message, context_to_message, result_from_message, result_to_message
from playscore.wire.passing import outcome_from_message, outcome_to_message
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

HEADER = GameHeader(
    league="NFL",
    game_id="2021091300",
    sport=Sport.AMERICAN_FOOTBALL,
    season=2021,
    week=1,
    home_team_id="HOM",
    away_team_id="AWY",
    coordinates=CoordinateSystem(LengthUnit.YARD, Origin.CORNER, AngleConvention.DEGREES_CLOCKWISE_FROM_Y),
)
ABLE = Player("101", "HOM", "Paul Able", "QB")
CONTEXT = PlayContext(
    play_id="54",
    attacking_team_id="HOM",
    situation=FootballSituation(kind=PlayKind.PASS, quarter=2, down=3, passer_id="101"),
    attacking_direction=AttackingDirection.POSITIVE_X,
)


def batch(frames: int = 48, players: int = 22) -> messages.FrameBatch:
    somewhere = np.zeros((frames, players), np.float32)
    return frames_to_message(
        "p",
        Frames(
            np.arange(frames, dtype=np.int32), tuple(map(str, range(players))), somewhere, somewhere, speed=somewhere
        ),
    )


def refused(read: Callable[..., object], *arguments: object) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as caught:
        read(*arguments)
    return caught.value


def fields(error: PlayscoreError) -> list[str]:
    return [violation.field for violation in error.fields]


class TestHeader:
    @pytest.mark.parametrize(
        ("field", "value", "reason"),
        [
            ("key.league", "N F L", Reason.FIELD_INVALID),
            ("key.game_id", "", Reason.FIELD_INVALID),
            ("season", 0, Reason.FIELD_INVALID),
            ("week", -1, Reason.FIELD_INVALID),
            ("away_team_id", "HOM", Reason.FIELD_INVALID),
            ("key.game_id", "a\nb", Reason.FIELD_INVALID),
            ("home_team_id", "H" * 129, Reason.FIELD_INVALID),
            ("home_side", 9, Reason.FIELD_INVALID),
            ("sport", 0, Reason.SPORT_UNSUPPORTED),
            ("sport", 77, Reason.SPORT_UNSUPPORTED),
        ],
    )
    def test_a_field(self, field: str, value: object, reason: Reason) -> None:
        message: Any = header_to_message(HEADER)
        *within, name = field.split(".")
        setattr(getattr(message, within[0]) if within else message, name, value)
        error = refused(header_from_message, message, "open.header")
        assert error.reason is reason
        assert fields(error) == [f"open.header.{field}"]

    @pytest.mark.parametrize("field", ["length_unit", "origin"])
    def test_coordinates_left_open(self, field: str) -> None:
        message: Any = header_to_message(HEADER)
        message.coordinates.ClearField(field)
        error = refused(header_from_message, message)
        assert error.reason is Reason.COORDINATES_UNDECLARED
        assert fields(error) == [f"header.coordinates.{field}"]

    def test_everything_wrong_is_named_at_once(self) -> None:
        message = header_to_message(HEADER)
        message.key.league, message.season = "", 0
        assert fields(refused(header_from_message, message)) == ["header.key.league", "header.season"]


class TestRoster:
    TEAMS = ("HOM", "AWY")

    @pytest.mark.parametrize(
        ("players", "field"),
        [
            ([replace(ABLE, team_id="KC")], "roster.players[0].team_id"),
            ([ABLE, ABLE], "roster.players[1].player_id"),
            ([replace(ABLE, player_id="n" * 129)], "roster.players[0].player_id"),
            ([replace(ABLE, player_id=str(n)) for n in range(201)], "roster.players"),
        ],
    )
    def test_a_roster(self, players: list[Player], field: str) -> None:
        error = refused(roster_from_message, roster_to_message(players), self.TEAMS)
        assert error.reason is Reason.FIELD_INVALID
        assert fields(error) == [field]

    @pytest.mark.parametrize("text", ["n" * 257, "one\ntwo", "\x1b[31mred", "\u202evil", "\x00"])
    def test_a_bad_name_costs_nobody_more_than_their_name(self, text: str) -> None:
        other = replace(ABLE, player_id="2", display_name="B. Other")
        message = roster_to_message([replace(ABLE, display_name=text, position=text), other])
        players = roster_from_message(message, self.TEAMS)
        assert players == (replace(ABLE, display_name="", position=""), other)
        assert message.players[0].display_name == text, "what was sent stays as it is"

    def test_a_stranger_is_told_the_teams(self) -> None:
        message = roster_to_message([replace(ABLE, team_id="KC")])
        assert "must be one of HOM, AWY, not 'KC'" in str(refused(roster_from_message, message, self.TEAMS))


class TestContext:
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
        message = context_to_message(CONTEXT)
        setattr(message.football, field, value)
        error = refused(context_from_message, message, "plays[3].context")
        assert error.reason is Reason.FIELD_INVALID
        assert fields(error) == [f"plays[3].context.football.{field}"]

    def test_a_context(self) -> None:
        message = context_to_message(CONTEXT)
        message.ClearField("play_id")
        message.revision = 0
        assert fields(refused(context_from_message, message)) == ["context.play_id", "context.revision"]
        message = context_to_message(CONTEXT)
        message.attacking_team_id = "H" * 129
        assert fields(refused(context_from_message, message)) == ["context.attacking_team_id"]

    def test_a_shot_with_a_wrong_event_before_it(self) -> None:
        message = context_to_message(CONTEXT)
        message.shot.preceding_events.add(kind=hockey.HOCKEY_EVENT_KIND_HIT, seconds_before=-1)
        error = refused(context_from_message, message)
        assert fields(error) == ["context.shot.preceding_events[0].seconds_before"]

    def test_a_taker_who_won_more_faceoffs_than_they_took(self) -> None:
        message = context_to_message(CONTEXT)
        message.faceoff.taker_faceoffs, message.faceoff.taker_wins = 3, 4
        assert fields(refused(context_from_message, message)) == ["context.faceoff.taker_wins"]


def spoiled_batches() -> Iterator[tuple[messages.FrameBatch, Reason, str]]:
    for column in ("x", "y", "speed"):
        message = batch()
        setattr(message, column, getattr(message, column)[:-4])
        yield message, Reason.COLUMNS_INCONSISTENT, f"frames.{column}"
    message = batch()
    message.orientation_degrees = b"\0" * 4
    yield message, Reason.COLUMNS_INCONSISTENT, "frames.orientation_degrees"
    message = batch()
    message.times_unix_micros.extend([1, 2])
    yield message, Reason.COLUMNS_INCONSISTENT, "frames.times_unix_micros"
    message = batch(players=2)
    message.player_ids[1] = message.player_ids[0]
    yield message, Reason.COLUMNS_INCONSISTENT, "frames.player_ids"
    message = batch(players=65)
    yield message, Reason.FIELD_INVALID, "frames.player_ids"
    message = batch()
    message.frame_numbers[3] = -1
    yield message, Reason.FIELD_INVALID, "frames.frame_numbers"
    message = batch()
    message.events.add(name="snap")
    message.events.add(name="snap").kind = 9  # type: ignore[assignment]
    yield message, Reason.FIELD_INVALID, "frames.events[1].kind"
    message = batch()
    message.events.add(name="snap").tagged_by = 9  # type: ignore[assignment]
    yield message, Reason.FIELD_INVALID, "frames.events[0].tagged_by"
    message = batch()
    message.ClearField("segment_id")
    yield message, Reason.FIELD_INVALID, "frames.segment_id"


class TestFilm:
    @pytest.mark.parametrize(("message", "reason", "field"), [*spoiled_batches()])
    def test_frames(self, message: messages.FrameBatch, reason: Reason, field: str) -> None:
        error = refused(frames_from_message, message)
        assert (error.reason, fields(error)) == (reason, [field])

    @pytest.mark.parametrize("nobody", ["", "p" * 129, "a\nb"])
    def test_a_player_without_a_name(self, nobody: str) -> None:
        message = batch(players=2)
        message.player_ids[1] = nobody
        assert fields(refused(frames_from_message, message)) == ["frames.player_ids[1]"]

    def test_columns_say_how_long_they_must_be(self) -> None:
        message = batch()
        message.x = message.x[:-4]
        assert "must have 4224 bytes (48 x 22 float32), not 4220" in str(refused(frames_from_message, message))

    @pytest.mark.parametrize("column", ["x", "y", "z"])
    def test_a_track(self, column: str) -> None:
        here = np.zeros(3, np.float32)
        message = track_to_message("p", Track(TrackedObject.BALL, 10.0, np.arange(3, dtype=np.int32), here, here))
        setattr(message, column, b"\0" * 8)
        error = refused(track_from_message, message)
        assert (error.reason, fields(error)) == (Reason.COLUMNS_INCONSISTENT, [f"track.{column}"])

    @pytest.mark.parametrize(("field", "value"), [("object", 0), ("object", 9), ("rate_hertz", 0.0)])
    def test_what_a_track_follows_and_how_often(self, field: str, value: float) -> None:
        nowhere = np.zeros(0, np.float32)
        message = track_to_message("p", Track(TrackedObject.BALL, 10.0, np.zeros(0, np.int32), nowhere, nowhere))
        setattr(message, field, value)
        assert fields(refused(track_from_message, message)) == [f"track.{field}"]


class TestOutcome:
    def test_a_count(self) -> None:
        message = outcome_to_message(PassOutcome(PassResult.COMPLETE, 3.0, revision=-1))
        assert fields(refused(outcome_from_message, message)) == ["outcome.outcome_revision"]

    def test_yards(self) -> None:
        message = result_to_message("54", PassOutcome(PassResult.COMPLETE, 1e9))
        error = refused(result_from_message, message)
        assert error.reason is Reason.YARDS_OUT_OF_RANGE
        assert fields(error) == ["official_result.pass_outcome.yards_gained"]

    def test_a_play_without_a_name(self) -> None:
        message = result_to_message("", PassOutcome(PassResult.COMPLETE, 3.0))
        assert fields(refused(result_from_message, message)) == ["official_result.play_id"]


class TestTensor:
    def test_numbers_that_are_not_all_there(self) -> None:
        error = refused(from_bytes, b"\x00" * 23, (2, 3), "tensor.frames", Reason.TENSOR_SHAPE_INVALID)
        assert error.reason is Reason.TENSOR_SHAPE_INVALID
        assert error.detail == "tensor.frames must have 24 bytes (2 x 3 float32), not 23"

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_numbers_that_are_not_finite(self, value: float) -> None:
        values = np.zeros((2, 3), np.float32)
        assert finite(values, "tensor.frames", ("a", "b", "c")) is values
        values[1, 2] = value
        error = refused(finite, values, "tensor.frames", ("a", "b", "c"))
        assert (error.reason, fields(error)) == (Reason.TENSOR_NOT_FINITE, ["tensor.frames"])
        assert "tensor.frames[1], column c is" in error.detail
        error = refused(finite, values[1], "tensor.statics", ("a", "b", "c"))
        assert "tensor.statics, column c is" in error.detail
