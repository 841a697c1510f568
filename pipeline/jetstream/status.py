"""How the live feed stands: what is kept, what waits, what is played, and what is set aside."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from nats.js import api

from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import FEED, WORK, GameName, work_of
from pipeline.jetstream.states import Failures, GameState, States, Unreadable
from pipeline.jetstream.streams import FEED_STREAM, FINDERS, WORK_STREAM, WORKERS, existing_streams
from playscore.errors import PlayscoreError


class Standing(enum.StrEnum):
    """Where a game is."""

    WAITING = "waiting"
    """In the queue, and nobody holds it."""
    IN_PROGRESS = "in progress"
    """Somebody holds it, or did until they died less than a lease ago, or failed and it waits for the next try."""
    PLAYED = "played"
    """All that was said of it is played, and its plays are recorded."""
    QUIET = "quiet"
    """All that was said of it is played; its end was not told."""
    ASIDE = "set aside"
    """Nobody plays it until it is retried."""
    FOUND = "not found yet"
    """It is in the feed, and no worker has come across it: none runs."""


@dataclass(frozen=True, slots=True)
class GameStatus:
    """One game."""

    name: GameName
    standing: Standing
    state: GameState
    failures: Failures | None
    messages: int
    """That the feed keeps of it."""
    last: int
    """The place of its last message; 0 where none is kept."""


@dataclass(slots=True)
class FeedStatus:
    """The feed."""

    stream: api.StreamInfo
    lease_seconds: float
    waiting: int
    """Games that nobody holds."""
    in_progress: int
    """Games that somebody holds."""
    not_looked_at: int
    """Messages whose games were not offered to workers yet."""
    games: list[GameStatus] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def count(self, standing: Standing) -> int:
        """How many games stand so."""
        return sum(game.standing is standing for game in self.games)


async def feed_status(broker: Broker) -> FeedStatus:
    """How the feed stands now. Raises FIELD_INVALID where there is none."""
    streams = await existing_streams(broker)
    states = await States.of(broker, streams)
    js = broker.js
    stream = await broker.until_it_answers(lambda: js.stream_info(FEED_STREAM, subjects_filter=f"{FEED}.>"))
    queue = await broker.until_it_answers(lambda: js.stream_info(WORK_STREAM, subjects_filter=f"{WORK}.>"))
    workers = await broker.until_it_answers(lambda: js.consumer_info(WORK_STREAM, WORKERS))
    finders = await broker.until_it_answers(lambda: js.consumer_info(FEED_STREAM, FINDERS))
    status = FeedStatus(
        stream=stream,
        lease_seconds=streams.lease_seconds,
        waiting=workers.num_pending or 0,
        in_progress=workers.num_ack_pending or 0,
        not_looked_at=(finders.num_pending or 0) + (finders.num_ack_pending or 0),
        unreadable=await states.unreadable(),
    )
    delivered = workers.delivered.stream_seq if workers.delivered is not None else 0
    queued: dict[GameName, bool] = {}
    for subject in queue.state.subjects or {}:
        name, _ = work_of(subject)
        if (place := await broker.last_place(WORK_STREAM, subject)) > 0:
            queued[name] = queued.get(name, False) or place <= delivered
    kept = stream.state.subjects or {}
    known = {state.name: state for state in await states.all()}
    names = set(known)
    for subject in kept:
        try:
            names.add(GameName.of_feed(subject))
        except PlayscoreError:
            continue  # it is among the unreadable messages
    for name in sorted(names):
        state = known.get(name, GameState(name))
        last = await broker.last_place(FEED_STREAM, name.feed) if name.feed in kept else 0
        status.games.append(
            GameStatus(
                name,
                _standing(state, queued.get(name), last),
                state,
                await states.failures(name),
                kept.get(name.feed, 0),
                last,
            )
        )
    return status


def _standing(state: GameState, is_held: bool | None, last: int) -> Standing:
    if state.aside:
        return Standing.ASIDE
    if is_held is not None:
        return Standing.IN_PROGRESS if is_held else Standing.WAITING
    if last > state.read:
        return Standing.FOUND
    return Standing.PLAYED if state.settled >= state.read else Standing.QUIET
