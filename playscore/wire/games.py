"""A whole game as its feed, and a game put together from a feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

import numpy as np

from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1 import feed_pb2 as messages
from playscore.game import (
    Frames,
    Game,
    GameHeader,
    Play,
    Track,
)
from playscore.wire.feed import (
    context_from_message,
    context_to_message,
    result_from_message,
    result_to_message,
)
from playscore.wire.told_game import ToldGame
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

MAX_FRAMES_PER_MESSAGE: Final = 256
"""When a whole game is sent."""


def feed_of(game: Game) -> Iterator[messages.FeedMessage]:
    """A game as its source would tell it: play by play, the context of each before its tracking."""
    yield _told(game.header, header=header_to_message(game.header))
    yield _told(game.header, roster=roster_to_message(game.roster))
    for play in game.plays:
        yield from _feed_of_play(game.header, play)
    yield _told(game.header, end_game=messages.EndGame())


def _feed_of_play(header: GameHeader, play: Play) -> Iterator[messages.FeedMessage]:
    context, frames = play.context, play.frames
    yield _told(header, context=context_to_message(context))
    if play.outcome is not None:
        yield _told(header, official_result=result_to_message(context.play_id, play.outcome))
    for track in play.tracks:
        for start in range(0, len(track), MAX_FRAMES_PER_MESSAGE):
            part = track.samples(start, start + MAX_FRAMES_PER_MESSAGE)
            yield _told(header, track=track_to_message(context.segment, part))
    for start in range(0, len(frames), MAX_FRAMES_PER_MESSAGE):
        rows = frames.rows(start, start + MAX_FRAMES_PER_MESSAGE)
        yield _told(header, frames=frames_to_message(context.segment, rows))
    last = int(frames.frame_numbers.max()) if len(frames) else None
    yield _told(header, end_play=messages.EndPlay(play_id=context.play_id, last_frame_number=last))


def game_from_feed(feed: Iterable[messages.FeedMessage]) -> Game:
    """The game that a feed tells, whatever the order of its messages, each play at its highest revision.

    Messages add up as `ToldGame` says. Plays and players are listed in the order in which the feed first names them.

    Raises:
        PlayscoreError: STREAM_ORDER if the feed has no header, GAME_MISMATCH if it is about several games, and
            FIELD_INVALID, COLUMNS_INCONSISTENT or the reason of the field at fault if a message is wrong.
    """
    told = ToldGame()
    told.add_all(feed)
    if told.header is None:
        raise PlayscoreError(Reason.STREAM_ORDER, "the feed has no header: it does not say which game it is of")
    header = header_from_message(told.header)
    roster = roster_from_message(told.roster(), header.team_ids)
    frames = {
        segment_id: joined(map(frames_from_message, segment.frames)) for segment_id, segment in told.segments.items()
    }
    tracks = {
        segment_id: _joined_tracks(map(track_from_message, segment.tracks))
        for segment_id, segment in told.segments.items()
    }
    plays = []
    for play_id, play in told.plays.items():
        if not play.contexts:
            continue
        context = context_from_message(play.context(play.revision(whole=True)))
        result = told.results.get(play_id)
        plays.append(
            Play(
                context=context,
                frames=frames[context.segment] if context.segment in frames else joined(()),
                outcome=None if result is None else result_from_message(result),
                tracks=tracks.get(context.segment, ()),
            )
        )
    return Game(header, roster, plays)


def joined(batches: Iterable[Frames]) -> Frames:
    """Frames of one segment as one, by frame number; two samples of one player in one frame stay two rows.

    Only the order of such rows depends on that of the batches.
    """
    parts = list(batches)
    if len(parts) == 1:
        return parts[0]
    by_start = sorted(parts, key=lambda part: int(part.frame_numbers[0]) if len(part) else -1)
    player_ids = tuple(dict.fromkeys(chain.from_iterable(part.player_ids for part in by_start)))
    numbers = np.concatenate([part.frame_numbers for part in parts]) if parts else np.empty(0, np.int32)
    order = np.argsort(numbers, kind="stable")

    def column(name: str) -> Any:
        columns = [getattr(part, name) for part in parts]
        if all(column is None for column in columns):
            return None
        return np.concatenate([_spread(part, values, player_ids) for part, values in zip(parts, columns, strict=True)])[
            order
        ]

    timed = bool(parts) and all(part.times_unix_micros is not None for part in parts)
    nothing = np.empty((0, 0), np.float32)
    return Frames(
        frame_numbers=numbers[order],
        player_ids=player_ids,
        x=column("x") if parts else nothing,
        y=column("y") if parts else nothing,
        **{name: column(name) for name in ("speed", "acceleration", "direction_degrees", "orientation_degrees")},
        times_unix_micros=np.concatenate([part.times_unix_micros for part in parts])[order] if timed else None,
        events=tuple(dict.fromkeys(chain.from_iterable(part.events for part in by_start))),
    )


def _spread(part: Frames, values: Any, player_ids: tuple[str, ...]) -> Any:
    if values is not None and part.player_ids == player_ids:
        return values
    spread = np.full((len(part), len(player_ids)), np.nan, np.float32)
    if values is not None:
        place: Mapping[str, int] = {player_id: e for e, player_id in enumerate(player_ids)}
        spread[:, [place[player_id] for player_id in part.player_ids]] = values
    return spread


def _joined_tracks(batches: Iterable[Track]) -> tuple[Track, ...]:
    by_object: defaultdict[Any, list[Track]] = defaultdict(list)
    for batch in batches:
        by_object[batch.tracked, batch.rate_hertz].append(batch)
    return tuple(
        _joined_track(parts) for _, parts in sorted(by_object.items(), key=lambda item: (item[0][0].value, item[0][1]))
    )


def _joined_track(parts: list[Track]) -> Track:
    """One object's samples at one rate, by sample number."""
    if len(parts) == 1:
        return parts[0]
    numbers = np.concatenate([part.sample_numbers for part in parts])
    order = np.argsort(numbers, kind="stable")
    unknown = [np.full(len(part), np.nan, np.float32) for part in parts]
    heights = [blank if part.z is None else part.z for part, blank in zip(parts, unknown, strict=True)]
    return Track(
        parts[0].tracked,
        parts[0].rate_hertz,
        numbers[order],
        np.concatenate([part.x for part in parts])[order],
        np.concatenate([part.y for part in parts])[order],
        None if all(part.z is None for part in parts) else np.concatenate(heights)[order],
    )


def _told(of: GameHeader, **message: Any) -> messages.FeedMessage:
    return messages.FeedMessage(game=common.GameKey(league=of.league, game_id=of.game_id), **message)
