"""Headers, rosters, frames and tracks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import numpy as np

from playscore.common.v1 import common_pb2 as common
from playscore.errors import Reason
from playscore.game import (
    AngleConvention,
    CoordinateSystem,
    Floats,
    Frames,
    GameHeader,
    HomeSide,
    LengthUnit,
    Origin,
    Player,
    Sport,
    TagSource,
    Track,
    TrackedObject,
    TrackingEvent,
    TrackingEventKind,
)
from playscore.limits import TextKind
from playscore.tracking.v1 import tracking_pb2 as messages
from playscore.wire.columns import from_bytes, to_bytes
from playscore.wire.common import number
from playscore.wire.validation import check, invalid

PER_PLAYER: Final = ("speed", "acceleration", "direction_degrees", "orientation_degrees")
"""Columns of a batch of frames that may be empty."""


def header_to_message(header: GameHeader) -> messages.GameHeader:
    """A game's header as it travels."""
    return messages.GameHeader(
        key=common.GameKey(league=header.league, game_id=header.game_id),
        sport=number(header.sport),
        season=header.season,
        week=header.week,
        home_team_id=header.home_team_id,
        away_team_id=header.away_team_id,
        home_side=number(header.home_side),
        coordinates=None if header.coordinates is None else _coordinates_to_message(header.coordinates),
        frame_rate_hertz=header.frame_rate_hertz,
        home_games_remaining=header.home_games_remaining,
        away_games_remaining=header.away_games_remaining,
        revision=header.revision,
    )


def _coordinates_to_message(coordinates: CoordinateSystem) -> messages.CoordinateSystem:
    return messages.CoordinateSystem(
        length_unit=number(coordinates.length_unit),
        origin=number(coordinates.origin),
        angle_convention=number(coordinates.angle_convention),
    )


def header_from_message(message: messages.GameHeader, path: str = "header") -> GameHeader:
    """A game's header. Raises FIELD_INVALID, SPORT_UNSUPPORTED or COORDINATES_UNDECLARED.

    Which coordinates and frame rates are needed is for the tasks to say.
    """
    check(message, path)
    if message.home_team_id == message.away_team_id:
        raise invalid(f"{path}.away_team_id", f"must not be the home team's, {message.home_team_id!r}")
    coordinates = message.coordinates if message.HasField("coordinates") else None
    return GameHeader(
        league=message.key.league,
        game_id=message.key.game_id,
        sport=Sport(message.sport),
        season=_optional(message, "season"),
        home_team_id=message.home_team_id,
        away_team_id=message.away_team_id,
        coordinates=None if coordinates is None else _coordinates_from_message(coordinates),
        frame_rate_hertz=_optional(message, "frame_rate_hertz"),
        week=_optional(message, "week"),
        home_games_remaining=_optional(message, "home_games_remaining"),
        away_games_remaining=_optional(message, "away_games_remaining"),
        home_side=HomeSide(message.home_side) if message.home_side else HomeSide.STATED,
        revision=message.revision,
    )


def _coordinates_from_message(message: messages.CoordinateSystem) -> CoordinateSystem:
    return CoordinateSystem(
        LengthUnit(message.length_unit),
        Origin(message.origin),
        AngleConvention(message.angle_convention) if message.angle_convention else None,
    )


def roster_to_message(players: Iterable[Player]) -> messages.Roster:
    """Players of a game as they travel."""
    return messages.Roster(
        players=[
            messages.Player(
                player_id=player.player_id,
                team_id=player.team_id,
                display_name=player.display_name,
                position=player.position,
                jersey_number=player.jersey_number,
            )
            for player in players
        ]
    )


def roster_from_message(message: messages.Roster, teams: Collection[str], path: str = "roster") -> tuple[Player, ...]:
    """Players of a game between `teams`.

    A name or position that breaks its limits is not known: it is for people, and no reason to lose anybody's plays.
    Raises FIELD_INVALID for anything else.
    """
    message = _with_valid_names(message)
    check(message, path)
    seen: set[str] = set()
    for place, player in enumerate(message.players):
        field = f"{path}.players[{place}]"
        if player.team_id not in teams:
            raise invalid(f"{field}.team_id", f"must be one of {', '.join(teams)}, not {player.team_id!r}")
        if player.player_id in seen:
            raise invalid(f"{field}.player_id", f"must not come twice: {player.player_id!r}")
        seen.add(player.player_id)
    return tuple(
        Player(
            player.player_id, player.team_id, player.display_name, player.position, _optional(player, "jersey_number")
        )
        for player in message.players
    )


def _with_valid_names(message: messages.Roster) -> messages.Roster:
    wrong = [
        (place, field)
        for place, player in enumerate(message.players)
        for field, kind in (("display_name", TextKind.NAME), ("position", TextKind.IDENTIFIER))
        if (text := getattr(player, field)) and not kind.allows(text)
    ]
    if not wrong:
        return message
    mended = messages.Roster.FromString(message.SerializeToString())
    for place, field in wrong:
        setattr(mended.players[place], field, "")
    return mended


def frames_to_message(segment_id: str, frames: Frames) -> messages.FrameBatch:
    """Frames of a segment as they travel."""
    times = frames.times_unix_micros
    return messages.FrameBatch(
        segment_id=segment_id,
        frame_numbers=frames.frame_numbers.tolist(),
        times_unix_micros=None if times is None else times.tolist(),
        player_ids=frames.player_ids,
        x=to_bytes(frames.x),
        y=to_bytes(frames.y),
        speed=to_bytes(frames.speed),
        acceleration=to_bytes(frames.acceleration),
        direction_degrees=to_bytes(frames.direction_degrees),
        orientation_degrees=to_bytes(frames.orientation_degrees),
        events=map(_event_to_message, frames.events),
    )


def _event_to_message(event: TrackingEvent) -> messages.TrackingEvent:
    return messages.TrackingEvent(
        frame_number=event.frame_number, name=event.name, kind=number(event.kind), tagged_by=number(event.tagged_by)
    )


def event_from_message(message: messages.TrackingEvent) -> TrackingEvent:
    """Something that happened, as it was checked with its frames."""
    return TrackingEvent(
        message.frame_number,
        message.name,
        TrackingEventKind(message.kind) if message.kind else None,
        TagSource(message.tagged_by) if message.tagged_by else None,
    )


def frames_from_message(message: messages.FrameBatch, path: str = "frames") -> Frames:
    """Frames of a segment. Raises COLUMNS_INCONSISTENT, TOO_MANY_PLAYERS or FIELD_INVALID.

    Values are taken as they are: which of them must be finite depends on the play.
    """
    check(message, path)
    players = tuple(message.player_ids)
    if len(set(players)) != len(players):
        raise invalid(f"{path}.player_ids", "must name each player once", Reason.COLUMNS_INCONSISTENT)
    numbers = np.fromiter(message.frame_numbers, np.int32, len(message.frame_numbers))
    times = np.fromiter(message.times_unix_micros, np.int64, len(message.times_unix_micros))
    if len(times) not in (0, len(numbers)):
        raise invalid(
            f"{path}.times_unix_micros",
            f"must have {len(numbers)} values or none, not {len(times)}",
            Reason.COLUMNS_INCONSISTENT,
        )
    shape = (len(numbers), len(players))

    def column(name: str) -> Floats:
        return from_bytes(getattr(message, name), shape, f"{path}.{name}", Reason.COLUMNS_INCONSISTENT)

    return Frames(
        frame_numbers=numbers,
        player_ids=players,
        x=column("x"),
        y=column("y"),
        **{name: column(name) for name in PER_PLAYER if getattr(message, name)},
        times_unix_micros=times if len(times) else None,
        events=tuple(map(event_from_message, message.events)),
    )


def track_to_message(segment_id: str, track: Track) -> messages.TrackBatch:
    """Samples of the ball or puck as they travel."""
    return messages.TrackBatch(
        segment_id=segment_id,
        object=number(track.tracked),
        rate_hertz=track.rate_hertz,
        sample_numbers=track.sample_numbers.tolist(),
        x=to_bytes(track.x),
        y=to_bytes(track.y),
        z=to_bytes(track.z),
    )


def track_from_message(message: messages.TrackBatch, path: str = "track") -> Track:
    """Samples of the ball or puck. Raises COLUMNS_INCONSISTENT or FIELD_INVALID."""
    check(message, path)
    numbers = np.fromiter(message.sample_numbers, np.int32, len(message.sample_numbers))

    def column(name: str) -> Floats:
        return from_bytes(getattr(message, name), numbers.shape, f"{path}.{name}", Reason.COLUMNS_INCONSISTENT)

    return Track(
        tracked=TrackedObject(message.object),
        rate_hertz=message.rate_hertz,
        sample_numbers=numbers,
        x=column("x"),
        y=column("y"),
        z=column("z") if message.z else None,
    )


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None
