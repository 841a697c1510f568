"""A simulated game as a live source tells it: film as it is shot, each shot a moment after it, its result later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from playscore.common.v1 import common_pb2 as common
from playscore.feed.v1 import feed_pb2 as messages
from playscore.game import Frames, Play
from playscore.wire.feed import context_to_message, result_to_message
from playscore.wire.tracking import frames_to_message, header_to_message, roster_to_message, track_to_message
from simulator.hockey.engine import AFTER
from simulator.hockey.games import SimulatedHockeyGame
from simulator.hockey.rinks import RATE_HERTZ, SAMPLES

BATCH_FRAMES: Final = RATE_HERTZ // 3
"""A third of a second of film a message."""
SHOT_TOLD_SECONDS: Final = (0.3, 1.0)
"""After the release."""
RESULT_TOLD_SECONDS: Final = (1.0, 3.0)
"""After the shot has come to its end, or the puck was dropped."""
ENDING: Final = ".feed"


def feed_of(simulated: SimulatedHockeyGame) -> Iterator[messages.FeedMessage]:
    """Its messages in the order of time. The game must have been filmed whole.

    A batch of film comes when its last frame has been shot, and the puck's samples with it. What is told late of a
    period comes before the next one begins.
    """
    game = simulated.game
    key = common.GameKey(league=game.header.league, game_id=game.header.game_id)

    def told(**message: Any) -> messages.FeedMessage:
        return messages.FeedMessage(game=key, **message)

    yield told(header=header_to_message(game.header))
    yield told(roster=roster_to_message(game.roster))
    rng = np.random.default_rng([int(game.header.game_id), 5])
    segments = dict.fromkeys(play.context.segment for play in game.plays)
    for segment in segments:
        plays = [play for play in game.plays if play.context.segment == segment]
        timed = [*_film(plays[0], segment), *_words(simulated, plays, rng)]
        for _, _, message in sorted(timed, key=lambda each: each[:2]):
            yield told(**message)
    yield told(end_game=messages.EndGame())


def _film(play: Play, segment: str) -> Iterator[tuple[float, int, dict[str, Any]]]:
    """Seconds into the period, a place among what is told at that moment, and the message."""
    frames, (track,) = play.frames, play.tracks
    for start in range(0, len(frames), BATCH_FRAMES):
        rows = _seen(frames.rows(start, start + BATCH_FRAMES))
        seconds = float(rows.frame_numbers[-1]) / RATE_HERTZ
        first = max(SAMPLES * (start - 1) + 1, 0)
        part = track.samples(first, SAMPLES * (start + len(rows) - 1) + 1)
        yield seconds, 0, {"track": track_to_message(segment, part)}
        yield seconds, 1, {"frames": frames_to_message(segment, rows)}


def _seen(frames: Frames) -> Frames:
    """Without those who are on the bench all the time."""
    there = np.flatnonzero(np.isfinite(frames.x).any(axis=0))
    ids = tuple(frames.player_ids[each] for each in there)
    return replace(frames, player_ids=ids, x=frames.x[:, there], y=frames.y[:, there])


def _words(
    simulated: SimulatedHockeyGame, plays: list[Play], rng: np.random.Generator
) -> Iterator[tuple[float, int, dict[str, Any]]]:
    ends = {
        play_id: simulated.played.log.attempts[place].ended_frame for place, play_id in simulated.play_ids[0].items()
    }
    last = len(plays[0].frames) - 1
    for play in plays:
        context = play.context
        assert context.release_frame is not None
        released = context.release_frame / RATE_HERTZ
        filmed = min(context.release_frame + AFTER, last)
        knows = released + float(rng.uniform(*SHOT_TOLD_SECONDS))
        ended = ends.get(context.play_id, context.release_frame) / RATE_HERTZ
        result = max(ended + float(rng.uniform(*RESULT_TOLD_SECONDS)), knows)
        yield knows, 2, {"context": context_to_message(context)}
        yield knows, 3, {"end_play": messages.EndPlay(play_id=context.play_id, last_frame_number=filmed)}
        yield result, 4, {"official_result": result_to_message(context.play_id, play.outcome)}


def write(games: Iterable[SimulatedHockeyGame], folder: Path) -> None:
    """A file of feed messages a game, each message behind its length, for `playscore replay`."""
    folder.mkdir(parents=True, exist_ok=True)
    for simulated in games:
        with (folder / f"{simulated.game.header.game_id}{ENDING}").open("wb") as file:
            for message in feed_of(simulated):
                body = message.SerializeToString()
                file.write(_varint(len(body)) + body)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
