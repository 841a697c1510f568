"""The worker: moves each play of a game along, frames to featurizer, tensor to scorer, score to aggregator.

A task a game streams frames and receives tensors; from there on all games share the desks. A play is finished when its
record, or the record that it was not scored, is acknowledged: until then it is tried again, however often a service
dies. A play that is sent twice gives the same tensor, a record that is sent twice is written once (a request keeps its
identifier, a play its key), so ratings do not depend on what went wrong on the way.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog
from playscore.game_messages import context_to_message, frames_to_message, header_to_message, roster_to_message

from pipeline.desks import Desks
from pipeline.patience import passes
from pipeline.results import PlayResult
from pipeline.traveller import Traveller
from playscore.client import FeaturizerClient, PlayStream, backoff
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.game import Frames, Game, Play
from playscore.passing import PassOutcome
from playscore.tracking_events import is_release

PLAYS_IN_FLIGHT = 64
"""Plays of one game that may be on their way at once."""
FRAMES_A_MESSAGE = 256
"""When nothing holds frames back."""

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Journey:
    """One game under way."""

    game: Game
    travellers: dict[str, Traveller]
    room: asyncio.Semaphore
    departed: set[str] = field(default_factory=set)
    resume_token: str = ""

    def unanswered(self) -> list[Traveller]:
        """The plays that the featurizer has not closed yet."""
        return [each for each in self.travellers.values() if each.tensor is None and each.rejection is None]


async def play_game(
    game: Game,
    client: FeaturizerClient,
    desks: Desks,
    *,
    speed: float | None = None,
    official: Mapping[str, Awaitable[PassOutcome]] | None = None,
) -> tuple[PlayResult, ...]:
    """Plays a game through to its records, at `speed` times real time (dead time between plays left out) or flat out.

    `official` gives, by play, outcomes that are not known yet; such a play is scored at its release and graded then.
    Ends when every play is finished. Where the featurizer refuses the game as a whole (a header it cannot read), every
    play that is left ends with that reason.
    """
    room = asyncio.Semaphore(PLAYS_IN_FLIGHT)
    travellers = {
        play.context.play_id: Traveller(
            game.header,
            play.context,
            play.outcome,
            leave=room.release,
            official=(official or {}).get(play.context.play_id),
        )
        for play in game.plays
    }
    journey = Journey(game, travellers, room)
    pauses = backoff(0.1, 2.0)
    while left := journey.unanswered():
        try:
            await _stream(journey, client, desks, speed)
        except (PlayscoreError, ConnectionError, TimeoutError) as failure:
            if isinstance(failure, PlayscoreError) and failure.reason is Reason.RESUME_TOKEN_INVALID:
                journey.resume_token = ""
            elif not passes(failure):
                _refuse(journey, desks, failure)
                break
            log.warning("stream broken, resuming", game_id=game.header.game_id, failure=str(failure))
            if len(journey.unanswered()) < len(left):
                pauses = backoff(0.1, 2.0)
            await asyncio.sleep(next(pauses))
    return tuple([await traveller.finished for traveller in travellers.values()])


def _refuse(journey: Journey, desks: Desks, failure: Exception) -> None:
    """Ends the plays that are left with the reason for which the game was refused."""
    reason = failure.reason if isinstance(failure, PlayscoreError) else Reason.INTERNAL
    log.error("game refused", game_id=journey.game.header.game_id, reason=reason.name, detail=str(failure))
    for traveller in journey.unanswered():
        traveller.reject(reason.value, str(failure))
        desks.take(traveller)


async def _stream(journey: Journey, client: FeaturizerClient, desks: Desks, speed: float | None) -> None:
    """One stream, from the last checkpoint to the end of the game or of the stream."""
    async with client.stream_plays(header_to_message(journey.game.header), journey.resume_token) as stream:
        try:
            async with asyncio.TaskGroup() as both_ways:
                both_ways.create_task(_send(journey, stream, speed))
                both_ways.create_task(_receive(journey, stream, desks))
        except ExceptionGroup as failures:
            # Both ends of the stream fail together; the one that was told why says more.
            raise min(failures.exceptions, key=_says_little) from None


def _says_little(failure: Exception) -> int:
    """0 for a defect of ours, which must not hide, then what a service said, then that it went away."""
    if isinstance(failure, PlayscoreError):
        return 1
    return 2 if isinstance(failure, ConnectionError | TimeoutError) else 0


async def _send(journey: Journey, stream: PlayStream, speed: float | None) -> None:
    game = journey.game
    await stream.send(featurizer.StreamPlaysRequest(roster=roster_to_message(game.roster)))
    for play in _after(game.plays, stream.opened.resumed_after_play_id):
        traveller = journey.travellers[play.context.play_id]
        if traveller.context.play_id not in journey.departed:
            await journey.room.acquire()
            journey.departed.add(traveller.context.play_id)
        await _send_play(traveller, play.frames, stream, speed)
    await stream.finish()


async def _send_play(traveller: Traveller, frames: Frames, stream: PlayStream, speed: float | None) -> None:
    game_id, play_id = traveller.header.game_id, traveller.context.play_id
    await stream.send(featurizer.StreamPlaysRequest(context=context_to_message(game_id, traveller.context)))
    begun = time.perf_counter()
    for start, stop in _messages(frames, speed):
        if speed is not None:
            film = int(frames.frame_numbers[stop - 1] - frames.frame_numbers[0]) / traveller.header.frame_rate_hertz
            await asyncio.sleep(begun + film / speed - time.perf_counter())
        part = frames.rows(start, stop)
        request = featurizer.StreamPlaysRequest(frames=frames_to_message(game_id, play_id, part))
        traveller.sent(any(map(is_release, part.events)))
        await stream.send(request)
    traveller.sent(release=False)
    end = featurizer.EndPlay(game_id=game_id, play_id=play_id)
    await stream.send(featurizer.StreamPlaysRequest(end_play=end))


async def _receive(journey: Journey, stream: PlayStream, desks: Desks) -> None:
    async for answer in stream:
        match answer.WhichOneof("message"):
            case "tensor":
                traveller = journey.travellers[answer.tensor.key.play_id]
                if traveller.close(tensor=answer.tensor):
                    desks.take(traveller)
            case "rejection":
                traveller = journey.travellers[answer.rejection.key.play_id]
                if traveller.close(rejection=answer.rejection):
                    desks.take(traveller)
            case "checkpoint":
                journey.resume_token = answer.checkpoint.resume_token
    if lost := journey.unanswered():
        names = ", ".join(traveller.context.play_id for traveller in lost)
        raise PlayscoreError(Reason.INTERNAL, f"the featurizer ended the game without an answer to plays {names}")


def _messages(frames: Frames, speed: float | None) -> Iterator[tuple[int, int]]:
    """Rows that travel together: those that come due in one sampling interval of the clock; many if nothing is paced.

    At real time or slower that is a frame. Faster, it is several, so that speed costs no more messages a second.
    """
    if speed is None:
        cuts: Sequence[int] = range(0, len(frames), FRAMES_A_MESSAGE)
    else:
        intervals = np.ceil((frames.frame_numbers - frames.frame_numbers[:1]) / speed)
        cuts = [0, *(np.flatnonzero(np.diff(intervals)) + 1).tolist()] if len(frames) else []
    return itertools.pairwise([*cuts, len(frames)])


def _after(plays: Iterable[Play], play_id: str) -> Iterator[Play]:
    """The plays after one, or all if it is empty."""
    waiting = bool(play_id)
    for play in plays:
        if not waiting:
            yield play
        elif play.context.play_id == play_id:
            waiting = False
