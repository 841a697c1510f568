"""When each message of a game is due, and which plays it completes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.jetstream.bodies import cut, pack
from pipeline.jetstream.names import GameName
from pipeline.pace import timetable
from playscore.common.v1 import common_pb2 as common
from playscore.feed.v1.feed_pb2 import FeedMessage, OfficialResult
from playscore.tracking_events import is_release
from playscore.wire.tracking import event_from_message

_ROLES: Final = {
    "pass_outcome": common.ROLE_PASSER,
    "shot_outcome": common.ROLE_SHOOTER,
    "faceoff_outcome": common.ROLE_FACEOFF_TAKER,
}
_RESULTS_AFTER_SECONDS: Final = 1.0
"""Where results are held back: from the end of all film to all results."""


@dataclass(frozen=True, slots=True)
class ClosedPlay:
    """A play, and the role whose rating it counts in."""

    role: common.Role.ValueType
    game_id: str
    play_id: str


@dataclass(frozen=True, slots=True)
class Due:
    """One message of the broker."""

    seconds: float
    """After the begin of the load, when it is to be sent."""
    game: GameName
    body: bytes
    messages: int
    """Feed messages in it."""
    completes: tuple[ClosedPlay, ...] = ()
    """The plays whose rating can be given once it has come: their film is closed, and their official result told."""


Moment = tuple[float, Sequence[FeedMessage]]


def live(messages: Sequence[FeedMessage], kickoff: float) -> list[Due]:
    """A game in real time, film frame by frame, from `kickoff` on, in seconds."""
    return _due([(kickoff + seconds, together) for seconds, together in timetable(messages, 1.0)])


def flat_out(messages: Sequence[FeedMessage]) -> list[Due]:
    """A whole game, all of it due at once."""
    return _due([(0.0, messages)])


def together_released(games: Sequence[Sequence[FeedMessage]]) -> list[Due]:
    """Games whose first plays are all released at one moment, then their second, and so on.

    A play's film begins as long before that moment as it takes. Every second result is held back, and they come at the
    end, those of all games at once.
    """
    by_game, held = zip(*map(_held_back, games), strict=True)
    begun, moments = 0.0, [[] for _ in games]  # type: float, list[list[Moment]]
    for number in range(max(map(len, by_game))):
        timed = [
            (game, list(timetable(plays[number], 1.0))) for game, plays in enumerate(by_game) if number < len(plays)
        ]
        leads = {game: _release_of(play) for game, play in timed}
        release = begun + max(leads.values())
        for game, play in timed:
            moments[game] += [(release - leads[game] + seconds, together) for seconds, together in play]
        begun = max(game[-1][0] for game in moments if game)
    results = begun + _RESULTS_AFTER_SECONDS
    for game, late in enumerate(held):
        moments[game].append((results, late))
    return [due for game in moments for due in _due(game)]


def _held_back(messages: Sequence[FeedMessage]) -> tuple[list[list[FeedMessage]], list[FeedMessage]]:
    """A game play by play without every second result, and those results."""
    late = [message for message in messages if message.HasField("official_result")][1::2]
    held = set(map(id, late))
    return _by_play([message for message in messages if id(message) not in held]), late


def _by_play(messages: Sequence[FeedMessage]) -> list[list[FeedMessage]]:
    """Cut where a play begins; what comes before the first belongs to it."""
    plays: list[list[FeedMessage]] = [[]]
    for message in messages:
        if message.HasField("context") and any(each.HasField("context") for each in plays[-1]):
            plays.append([])
        plays[-1].append(message)
    return plays


def _release_of(play: Sequence[Moment]) -> float:
    """When a play is released; where it is not, its end."""
    released = (seconds for seconds, together in play for m in together if _releases(m))
    return next(released, play[-1][0])


def _due(moments: Sequence[Moment]) -> list[Due]:
    """The broker's messages of one game."""
    sent = [(seconds, part) for seconds, together in moments if together for part in cut(together)]
    completed: defaultdict[int, list[ClosedPlay]] = defaultdict(list)
    for place, play in _completions([part for _, part in sent]):
        completed[place].append(play)
    return [
        Due(
            seconds, GameName(part[0].game.league, part[0].game.game_id), pack(part), len(part), tuple(completed[place])
        )
        for place, (seconds, part) in enumerate(sent)
    ]


def _completions(parts: Sequence[Sequence[FeedMessage]]) -> Iterator[tuple[int, ClosedPlay]]:
    """Plays that can be scored and graded, each with the place of the part after which nothing of it is missing."""
    segment_of: dict[str, str] = {}
    released: dict[str, int] = {}
    filmed: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    ended: dict[str, tuple[int, int]] = {}
    results: dict[str, tuple[int, OfficialResult]] = {}
    for place, part in enumerate(parts):
        for message in part:
            match message.WhichOneof("message"):
                case "context":
                    segment_of[message.context.play_id] = message.context.segment_id or message.context.play_id
                case "frames":
                    segment = message.frames.segment_id
                    filmed[segment].append((max(message.frames.frame_numbers), place))
                    if _releases(message):
                        released.setdefault(segment, place)
                case "end_play":
                    ended[message.end_play.play_id] = place, message.end_play.last_frame_number
                case "official_result":
                    results[message.official_result.play_id] = place, message.official_result
    for play_id, (told, result) in results.items():
        role = _ROLES[str(result.WhichOneof("outcome"))]
        segment = segment_of[play_id]
        if role == common.ROLE_PASSER:
            closed = released.get(segment)
        else:
            said, last = ended[play_id]
            closed = max(said, next((place for number, place in filmed[segment] if number >= last), said))
        if closed is not None:
            game_id = parts[told][0].game.game_id
            yield max(told, closed), ClosedPlay(role, game_id, play_id)


def _releases(message: FeedMessage) -> bool:
    return any(is_release(event_from_message(event)) for event in message.frames.events)
