"""A tracked game on the wire: domain types and the messages of `playscore.tracking.v1`, both ways.

What comes from outside is checked here, once. A message that is wrong raises a PlayscoreError which names every field
at fault by its path, `path` being that of the message itself.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.game import (
    AngleConvention,
    AttackingDirection,
    CoordinateSystem,
    Floats,
    FootballSituation,
    Frames,
    GameHeader,
    LengthUnit,
    Origin,
    PassOutcome,
    PassResult,
    PlayContext,
    Player,
    PlayKind,
    Sport,
    TrackingEvent,
    TrackingEventKind,
)
from playscore.tracking.v1 import reason_pb2
from playscore.tracking.v1 import tracking_pb2 as messages

MAX_ROSTER: Final = 200
MAX_PLAYERS: Final = 64
"""Players of a batch of frames."""
MAX_ID_LENGTH: Final = 128
MAX_NAME_LENGTH: Final = 256
"""Characters of what a reader should see."""
MAX_DETAIL_LENGTH: Final = 4_096
"""Characters of why a play was refused."""
MAX_FRAME_NUMBER: Final = 10_000_000
MAX_EVENTS: Final = 256
"""Of one batch of frames."""

_LEAGUE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LITTLE_ENDIAN_FLOAT = np.dtype("<f4")

E = TypeVar("E", bound=enum.Enum)


def is_identifier(value: str) -> bool:
    """Whether it can name something: 1 to 128 printable characters."""
    return 0 < len(value) <= MAX_ID_LENGTH and value.isprintable()


class _Check:
    """Collects what is wrong with one message, and raises it all at once."""

    def __init__(self, message: Message, path: str) -> None:
        self._message: Any = message
        self._path = path
        self._violations: list[FieldViolation] = []

    def that(self, holds: bool, field: str, description: str) -> None:
        """`description` says what would be right."""
        if not holds:
            self._violations.append(FieldViolation(f"{self._path}.{field}", description))

    def identifier(self, field: str) -> str:
        """A field that names something."""
        value: str = getattr(self._message, field)
        self.that(is_identifier(value), field, f"must have 1 to {MAX_ID_LENGTH} printable characters")
        return value

    def optional_identifier(self, field: str) -> str:
        """A field that names something, or is empty."""
        return self.identifier(field) if getattr(self._message, field) else ""

    def number(self, field: str, low: float, high: float) -> Any:
        """An optional number between two bounds, both included; None where it is absent."""
        if not self._message.HasField(field):
            return None
        value = getattr(self._message, field)
        self.that(low <= value <= high, field, f"must be {low:g} to {high:g}, not {value:g}")
        return value

    def choice(self, field: str, kind: type[E]) -> E | None:
        """A value of an enum; None where it is unspecified."""
        return None if getattr(self._message, field) == 0 else self.required_choice(field, kind)

    def required_choice(self, field: str, kind: type[E]) -> E | None:
        """A value of an enum; None where it is wrong, which `done` raises."""
        value = getattr(self._message, field)
        known = value in {member.value for member in kind}
        self.that(known, field, f"must be one of {', '.join(member.name for member in kind)}")
        return kind(value) if known else None

    def text(self, field: str, longest: int) -> None:
        """What a reader sees: may be empty, but neither endless nor full of control characters."""
        value: str = getattr(self._message, field)
        printable = len(value) <= longest and value.isprintable()
        self.that(printable, field, f"must have at most {longest} printable characters")

    def done(self, reason: Reason = Reason.FIELD_INVALID) -> None:
        """Raise what was found, if anything."""
        if self._violations:
            text = "; ".join(f"{violation.field} {violation.description}" for violation in self._violations)
            raise PlayscoreError(reason, text, fields=tuple(self._violations))


def header_to_message(header: GameHeader) -> messages.GameHeader:
    """A game's header as it travels."""
    coordinates = header.coordinates
    convention = coordinates.angle_convention
    return messages.GameHeader(
        league=header.league,
        game_id=header.game_id,
        sport=_number(header.sport),
        season=header.season,
        week=header.week,
        home_team_id=header.home_team_id,
        away_team_id=header.away_team_id,
        coordinates=messages.CoordinateSystem(
            length_unit=_number(coordinates.length_unit),
            origin=_number(coordinates.origin),
            angle_convention=_number(convention),
        ),
        frame_rate_hertz=header.frame_rate_hertz,
        home_side_unknown=not header.home_side_known,
        home_games_remaining=header.home_games_remaining,
        away_games_remaining=header.away_games_remaining,
    )


def header_from_message(message: messages.GameHeader, path: str = "header") -> GameHeader:
    """A game's header. Raises FIELD_INVALID, SPORT_UNSUPPORTED or COORDINATES_UNDECLARED.

    Which frame rates can be read is for those to say who read the frames.
    """
    sport = _Check(message, path)
    known_sport = sport.required_choice("sport", Sport)
    sport.done(Reason.SPORT_UNSUPPORTED)

    check = _Check(message, path)
    check.that(
        _LEAGUE.fullmatch(message.league) is not None,
        "league",
        "must have 1 to 64 characters out of letters, digits, '-', '_' and '.'",
    )
    game_id, home, away = (check.identifier(field) for field in ("game_id", "home_team_id", "away_team_id"))
    check.that(home != away, "away_team_id", f"must not be the home side's, {home!r}")
    check.that(1850 <= message.season <= 2200, "season", "must be the year in which the season began")
    week = check.number("week", 1, 60)
    remaining = [check.number(field, 0, 200) for field in ("home_games_remaining", "away_games_remaining")]
    check.done()
    assert known_sport is not None
    return GameHeader(
        league=message.league,
        game_id=game_id,
        sport=known_sport,
        season=message.season,
        home_team_id=home,
        away_team_id=away,
        coordinates=_coordinates(message.coordinates, f"{path}.coordinates"),
        frame_rate_hertz=message.frame_rate_hertz,
        week=week,
        home_side_known=not message.home_side_unknown,
        home_games_remaining=remaining[0],
        away_games_remaining=remaining[1],
    )


def _coordinates(message: messages.CoordinateSystem, path: str) -> CoordinateSystem:
    check = _Check(message, path)
    unit, origin = check.required_choice("length_unit", LengthUnit), check.required_choice("origin", Origin)
    convention = check.choice("angle_convention", AngleConvention)
    check.done(Reason.COORDINATES_UNDECLARED)
    assert unit is not None
    assert origin is not None
    return CoordinateSystem(unit, origin, convention)


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
    """Players of a game between `teams`. Raises FIELD_INVALID."""
    whole = _Check(message, path)
    whole.that(len(message.players) <= MAX_ROSTER, "players", f"must be at most {MAX_ROSTER}")
    whole.done()
    players = tuple(_player(player, teams, f"{path}.players[{place}]") for place, player in enumerate(message.players))
    seen: set[str] = set()
    for place, player in enumerate(players):
        whole.that(player.player_id not in seen, f"players[{place}].player_id", f"{player.player_id!r} came before")
        seen.add(player.player_id)
    whole.done()
    return players


def _player(message: messages.Player, teams: Collection[str], path: str) -> Player:
    check = _Check(message, path)
    player_id = check.identifier("player_id")
    check.that(message.team_id in teams, "team_id", f"must be one of {', '.join(teams)}, not {message.team_id!r}")
    check.text("display_name", MAX_NAME_LENGTH)
    check.text("position", MAX_ID_LENGTH)
    number = message.jersey_number if message.HasField("jersey_number") else None
    check.done()
    return Player(player_id, message.team_id, message.display_name, message.position, number)


def context_to_message(game_id: str, context: PlayContext) -> messages.PlayContext:
    """What is known of a play of a game, as it travels."""
    situation = context.football
    return messages.PlayContext(
        game_id=game_id,
        play_id=context.play_id,
        revision=context.revision,
        offense_team_id=context.offense_team_id,
        attacking_direction=_number(context.attacking_direction),
        football=messages.FootballSituation(
            kind=_number(situation.kind),
            quarter=situation.quarter,
            game_clock_seconds=situation.game_clock_seconds,
            down=situation.down,
            yards_to_go=situation.yards_to_go,
            yards_to_end_zone=situation.yards_to_end_zone,
            home_score=situation.home_score,
            away_score=situation.away_score,
            passer_id=situation.passer_id,
            target_id=situation.target_id,
            charted_air_yards=situation.charted_air_yards,
        ),
    )


def context_from_message(message: messages.PlayContext, path: str = "context") -> PlayContext:
    """What is known of a play. Raises FIELD_INVALID, or SPORT_UNSUPPORTED for a situation of another sport.

    Before anything else it is checked which play at which revision it is about.
    """
    named = _Check(message, path)
    play_id = named.identifier("play_id")
    named.that(message.revision >= 1, "revision", f"must be at least 1, not {message.revision}")
    named.done()
    if message.HasField("hockey"):
        raise PlayscoreError(
            Reason.SPORT_UNSUPPORTED,
            f"{path}.hockey is set; the passing score reads football",
            fields=(FieldViolation(f"{path}.hockey", "must be empty; set football"),),
        )
    check = _Check(message, path)
    offense = check.optional_identifier("offense_team_id")
    direction = check.choice("attacking_direction", AttackingDirection)
    check.that(message.HasField("football"), "football", "must be set")
    check.done()
    return PlayContext(
        play_id=play_id,
        offense_team_id=offense,
        football=_situation(message.football, f"{path}.football"),
        attacking_direction=direction,
        revision=message.revision,
    )


def _situation(message: messages.FootballSituation, path: str) -> FootballSituation:
    check = _Check(message, path)
    kind = check.choice("kind", PlayKind)
    situation = FootballSituation(
        kind=kind or PlayKind.UNSPECIFIED,
        quarter=check.number("quarter", 1, 20),
        game_clock_seconds=check.number("game_clock_seconds", 0, 900),
        down=check.number("down", 1, 4),
        yards_to_go=check.number("yards_to_go", 0, 100),
        yards_to_end_zone=check.number("yards_to_end_zone", 0, 100),
        home_score=check.number("home_score", 0, 300),
        away_score=check.number("away_score", 0, 300),
        passer_id=check.optional_identifier("passer_id"),
        target_id=check.optional_identifier("target_id"),
        charted_air_yards=check.number("charted_air_yards", -100, 110),
    )
    check.that(situation.yards_to_go != 0, "yards_to_go", "must be above 0")
    check.done()
    return situation


def frames_to_message(game_id: str, play_id: str, frames: Frames) -> messages.FrameBatch:
    """Frames of a play of a game, as they travel."""
    times = frames.times_unix_micros
    return messages.FrameBatch(
        game_id=game_id,
        play_id=play_id,
        frame_numbers=frames.frame_numbers.tolist(),
        times_unix_micros=None if times is None else times.tolist(),
        player_ids=frames.player_ids,
        x=_values(frames.x),
        y=_values(frames.y),
        speed=_values(frames.speed),
        acceleration=_values(frames.acceleration),
        direction_degrees=_values(frames.direction_degrees),
        orientation_degrees=_values(frames.orientation_degrees),
        ball_x=_values(frames.ball_x),
        ball_y=_values(frames.ball_y),
        events=map(_event_to_message, frames.events),
    )


def _event_to_message(event: TrackingEvent) -> messages.TrackingEvent:
    return messages.TrackingEvent(
        frame_number=event.frame_number, name=event.name, kind=_number(event.kind), automatic=event.automatic
    )


def frames_from_message(message: messages.FrameBatch, path: str = "frames") -> Frames:
    """Frames of a play. Raises COLUMNS_INCONSISTENT, TOO_MANY_PLAYERS or FIELD_INVALID.

    Values are taken as they are: which of them must be finite depends on the play.
    """
    players = tuple(message.player_ids)
    if len(players) > MAX_PLAYERS:
        raise PlayscoreError(
            Reason.TOO_MANY_PLAYERS,
            f"{path}.player_ids names {len(players)} players; at most {MAX_PLAYERS} can be sent, and 22 play",
            fields=(FieldViolation(f"{path}.player_ids", f"must be at most {MAX_PLAYERS}"),),
        )
    check = _Check(message, path)
    check.that(
        all(map(is_identifier, players)), "player_ids", f"must have 1 to {MAX_ID_LENGTH} printable characters each"
    )
    numbers = np.fromiter(message.frame_numbers, np.int32, len(message.frame_numbers))
    valid = len(numbers) == 0 or (int(numbers.min()) >= 0 and int(numbers.max()) <= MAX_FRAME_NUMBER)
    check.that(valid, "frame_numbers", f"must be 0 to {MAX_FRAME_NUMBER}")
    check.that(len(message.events) <= MAX_EVENTS, "events", f"must be at most {MAX_EVENTS}, not {len(message.events)}")
    check.done()
    events = tuple(_event(event, f"{path}.events[{place}]") for place, event in enumerate(message.events))

    shape = _Check(message, path)
    shape.that(len(set(players)) == len(players), "player_ids", "must name each player once")
    count, cells = len(numbers), len(numbers) * len(players)

    def column(name: str, size: int, *, optional: bool = True) -> Floats | None:
        values = getattr(message, name)
        if optional and not len(values):
            return None
        expected = f"{count} frames" if size == count else f"{count} frames of {len(players)} players"
        shape.that(len(values) == size, name, f"must have {size} values ({expected}), not {len(values)}")
        return np.fromiter(values, np.float32, len(values))

    x, y = column("x", cells, optional=False), column("y", cells, optional=False)
    per_player = {name: column(name, cells) for name in _PER_PLAYER}
    ball = {name: column(name, count) for name in ("ball_x", "ball_y")}
    times = np.fromiter(message.times_unix_micros, np.int64, len(message.times_unix_micros))
    shape.that(len(times) in (0, count), "times_unix_micros", f"must have {count} values or none, not {len(times)}")
    shape.done(Reason.COLUMNS_INCONSISTENT)

    def table(values: Floats | None) -> Floats | None:
        return None if values is None else values.reshape(count, len(players))

    assert x is not None
    assert y is not None
    return Frames(
        frame_numbers=numbers,
        player_ids=players,
        x=x.reshape(count, len(players)),
        y=y.reshape(count, len(players)),
        **{name: table(values) for name, values in per_player.items()},
        **ball,
        times_unix_micros=times if len(times) else None,
        events=events,
    )


def _event(message: messages.TrackingEvent, path: str) -> TrackingEvent:
    check = _Check(message, path)
    kind = check.choice("kind", TrackingEventKind)
    check.text("name", MAX_ID_LENGTH)
    check.done()
    return TrackingEvent(message.frame_number, message.name, kind, message.automatic)


_PER_PLAYER = ("speed", "acceleration", "direction_degrees", "orientation_degrees")


def outcome_to_message(outcome: PassOutcome) -> messages.PassOutcome:
    """The result of a pass as it travels."""
    return messages.PassOutcome(
        result=_number(outcome.result), yards_gained=outcome.yards_gained, outcome_revision=outcome.revision
    )


def outcome_from_message(message: messages.PassOutcome, path: str = "outcome") -> PassOutcome:
    """The result of a pass. Raises FIELD_INVALID or YARDS_OUT_OF_RANGE."""
    check = _Check(message, path)
    result = check.choice("result", PassResult)
    revision = message.outcome_revision
    check.that(revision >= 0, "outcome_revision", f"must be at least 1, or 0 where nobody counts, not {revision}")
    check.done()
    yards = check.number("yards_gained", -100, 110)
    check.done(Reason.YARDS_OUT_OF_RANGE)
    return PassOutcome(result, yards, revision)


def passer_to_message(player_id: str, display_name: str, team_id: str) -> messages.Subject:
    """Whose pass a play is; of a play that was refused as far as known, the rest being empty."""
    return messages.Subject(role=messages.ROLE_PASSER, subject_id=player_id, subject_name=display_name, team_id=team_id)


def rejection_to_message(
    key: messages.PlayKey, revision: int, reason: int, detail: str, subjects: Iterable[messages.Subject]
) -> messages.PlayRejection:
    """A play that ended without a tensor or a score. `reason` is the contract's number, which may be a newer one."""
    return messages.PlayRejection(
        key=key,
        revision=revision,
        reason=reason_pb2.Reason.ValueType(reason),
        detail=detail if len(detail) <= MAX_DETAIL_LENGTH else f"{detail[: MAX_DETAIL_LENGTH - 1]}…",
        subjects=subjects,
    )


def floats_to_bytes(values: Floats) -> bytes:
    """Numbers of a tensor as little-endian IEEE 754 float32, row by row."""
    return values.astype(_LITTLE_ENDIAN_FLOAT, copy=False).tobytes()


def floats_from_bytes(data: bytes, shape: Sequence[int], path: str) -> Floats:
    """Numbers of a tensor of a shape. Raises TENSOR_SHAPE_INVALID or TENSOR_NOT_FINITE."""
    right = all(size > 0 for size in shape) and len(data) == math.prod(shape) * _LITTLE_ENDIAN_FLOAT.itemsize
    if not right:
        raise PlayscoreError(
            Reason.TENSOR_SHAPE_INVALID,
            f"{path} has {len(data)} bytes; {' x '.join(map(str, shape))} float32 take {4 * math.prod(shape)}",
            fields=(FieldViolation(path, "must have 4 bytes for each number of the shape"),),
        )
    values = np.frombuffer(data, _LITTLE_ENDIAN_FLOAT).reshape(shape).astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise PlayscoreError(
            Reason.TENSOR_NOT_FINITE,
            f"{path}{list(where)} is {values[where]}",
            fields=(FieldViolation(path, "must be finite numbers"),),
        )
    return values


def _number(member: enum.Enum | None) -> Any:
    """The number of an enum's member on the wire: the domain's enums carry the contract's numbers."""
    return 0 if member is None else member.value


def _values(column: NDArray[np.float32] | None) -> list[float] | None:
    return None if column is None else column.ravel().tolist()
