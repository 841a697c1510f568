"""A whole game as its feed, and a game put together from a feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
    """A game as its source would tell it: play by play, the context of each before its tracking.

    Film that plays share, the same `Frames` and `Track` objects, is told once: each of them is told when its release
    has been filmed, as a live source does.
    """
    yield _told(game.header, header=header_to_message(game.header))
    yield _told(game.header, roster=roster_to_message(game.roster))
    sharing: dict[tuple[str, int, tuple[int, ...]], list[Play]] = {}
    for play in game.plays:
        film = play.context.segment, id(play.frames), tuple(map(id, play.tracks))
        sharing.setdefault(film, []).append(play)
    for plays in sharing.values():
        if len(plays) == 1:
            yield from _feed_of_play(game.header, plays[0])
        else:
            yield from _feed_of_shared_film(game.header, plays)
    yield _told(game.header, end_game=messages.EndGame())


def _feed_of_play(header: GameHeader, play: Play) -> Iterator[messages.FeedMessage]:
    context, frames = play.context, play.frames
    yield from _what_it_was(header, play)
    for track in play.tracks:
        for start in range(0, len(track), MAX_FRAMES_PER_MESSAGE):
            part = track.samples(start, start + MAX_FRAMES_PER_MESSAGE)
            yield _told(header, track=track_to_message(context.segment, part))
    for start in range(0, len(frames), MAX_FRAMES_PER_MESSAGE):
        rows = frames.rows(start, start + MAX_FRAMES_PER_MESSAGE)
        yield _told(header, frames=frames_to_message(context.segment, rows))
    last = int(frames.frame_numbers.max()) if len(frames) else None
    yield _told(header, end_play=messages.EndPlay(play_id=context.play_id, last_frame_number=last))


def _what_it_was(header: GameHeader, play: Play) -> Iterator[messages.FeedMessage]:
    """A play's context, and what it came to."""
    yield _told(header, context=context_to_message(play.context))
    if play.outcome is not None:
        yield _told(header, official_result=result_to_message(play.context.play_id, play.outcome))


def _feed_of_shared_film(header: GameHeader, plays: Sequence[Play]) -> Iterator[messages.FeedMessage]:
    """Film that several plays share, a second at a time, and the plays as their releases have been filmed."""
    segment_id, frames, tracks = plays[0].context.segment, plays[0].frames, plays[0].tracks
    rate = header.frame_rate_hertz or 1.0
    last = int(frames.frame_numbers.max()) if len(frames) else 0
    waiting = sorted(plays, key=lambda play: _released(play, last))
    of_frames = _seconds(frames.frame_numbers, rate)
    of_tracks = [_seconds(track.sample_numbers, track.rate_hertz) for track in tracks]
    for second in np.unique(np.concatenate([of_frames, *of_tracks])).tolist():
        while waiting and _released(waiting[0], last) < second * rate:
            yield from _what_it_was(header, waiting.pop(0))
        for track, of_track in zip(tracks, of_tracks, strict=True):
            start, stop = np.searchsorted(of_track, [second, second + 1]).tolist()
            if stop > start:
                yield _told(header, track=track_to_message(segment_id, track.samples(start, stop)))
        start, stop = np.searchsorted(of_frames, [second, second + 1]).tolist()
        if stop > start:
            yield _told(header, frames=frames_to_message(segment_id, frames.rows(start, stop)))
    for play in waiting:
        yield from _what_it_was(header, play)
    for play in plays:
        yield _told(header, end_play=messages.EndPlay(play_id=play.context.play_id, last_frame_number=last))


def _seconds(numbers: NDArray[np.int32], rate_hertz: float) -> NDArray[np.int64]:
    """The whole second of the segment's clock that each frame or sample is in."""
    return np.floor(numbers / rate_hertz + 1e-9).astype(np.int64)


def _released(play: Play, last: int) -> int:
    """The frame of a play's release; the last of the film where the source does not name one."""
    return last if play.context.release_frame is None else play.context.release_frame


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
