"""Where each game stands: how far its feed was read and recorded, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from nats.js import errors as js_errors
from nats.js.kv import KeyValue

from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import GameName, token
from pipeline.jetstream.streams import STATES, Streams

_GAME: Final = "game"
_CHECKPOINT: Final = "checkpoint"
_FAILURES: Final = "failures"
_UNREADABLE: Final = "unreadable"
NOT_RECORDED: Final = "not recorded"
MAX_DETAIL: Final = 500
"""Characters of what went wrong that are kept."""


@dataclass(frozen=True, slots=True)
class GameState:
    """How far a game has come. Positions are sequence numbers of the feed's stream."""

    name: GameName
    read: int = 0
    """Up to here its feed was played by a run that has ended."""
    settled: int = 0
    """Up to here its feed was played, to the end of the game, and every play of it is recorded."""
    plays: Mapping[str, int] = field(default_factory=dict)
    """What became of its plays when it was last played whole: how many are scored, ungraded, superseded, not recorded,
    or rejected, these by the names of their reasons."""
    refused_messages: int = 0
    """Messages that could not be taken in when it was last played whole."""
    aside: str = ""
    """Why it is set aside: nobody plays it until it is retried. Empty: it is not."""
    epoch: int = 0
    """Grows each time that a run of the game ends, or it is retried; 0: it was never played."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place in the feed of a game under way up to which its plays are recorded: another worker can go on from it."""

    position: int = 0
    plays: Mapping[str, int] = field(default_factory=dict)
    """What became of them; see `GameState.plays`."""
    refused_messages: int = 0


@dataclass(frozen=True, slots=True)
class Failures:
    """Runs of a game that failed, one after the other."""

    count: int
    detail: str
    """What the last one failed of."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message of the feed that could not be read, and was passed over."""

    sequence: int
    subject: str
    detail: str


class States:
    """The states of games, kept by the broker."""

    def __init__(self, broker: Broker, bucket: KeyValue, streams: Streams) -> None:
        self._broker = broker
        self._bucket = bucket
        self._feed = streams.feed_created

    @classmethod
    async def of(cls, broker: Broker, streams: Streams) -> States:
        """Those of a broker."""
        return cls(broker, await broker.until_it_answers(lambda: broker.js.key_value(STATES)), streams)

    async def get(self, name: GameName) -> GameState:
        """The state of a game, as of now; a new one where there is none of this feed."""
        found = await self._get(f"{_GAME}.{name.tokens}")
        return GameState(name) if found is None else self._read(name, *found)

    async def move(self, played: GameState) -> GameState:
        """A run has ended with this: the state moves on, and its epoch with it. It never moves back."""
        while True:
            known = await self.get(played.name)
            moved = replace(
                played, read=max(known.read, played.read), settled=max(known.settled, played.settled), epoch=known.epoch
            )
            kept = await self._put(moved)
            if kept is not None:
                return kept

    async def retry(self, name: GameName) -> GameState:
        """Have a game played from its start again, whatever became of it."""
        while True:
            fresh = GameState(name, epoch=(await self.get(name)).epoch)
            kept = await self._put(fresh)
            if kept is not None:
                await self.forget_checkpoint(name)
                await self.forget_failures(name)
                return kept

    async def all(self) -> list[GameState]:
        """Of every game that was played."""
        states = []
        for key in await self._keys(_GAME):
            found = await self._get(key)
            if found is not None:
                _, league, game = key.split(".")
                states.append(self._read(GameName.of_tokens(league, game), *found))
        return sorted(states, key=lambda state: state.name)

    async def checkpoint(self, name: GameName) -> Checkpoint:
        """From where a game under way can go on; its start where nothing is known."""
        found = await self._get(f"{_CHECKPOINT}.{name.tokens}")
        if found is None or found[0].pop("feed") != self._feed:
            return Checkpoint()
        return Checkpoint(**found[0])

    async def keep_checkpoint(self, name: GameName, checkpoint: Checkpoint) -> None:
        """From where it can go on now."""
        document = json.dumps({"feed": self._feed, **asdict(checkpoint)}).encode()
        await self._broker.until_it_answers(lambda: self._bucket.put(f"{_CHECKPOINT}.{name.tokens}", document))

    async def forget_checkpoint(self, name: GameName) -> None:
        """It can go on only from its start."""
        await self._broker.until_it_answers(lambda: self._bucket.purge(f"{_CHECKPOINT}.{name.tokens}"))

    async def failures(self, name: GameName) -> Failures | None:
        """How often its runs failed, since the last one that did not."""
        found = await self._get(f"{_FAILURES}.{name.tokens}")
        return None if found is None else Failures(**found[0])

    async def add_failure(self, name: GameName, detail: str) -> Failures:
        """One more run of it failed."""
        known = await self.failures(name)
        failures = Failures(1 if known is None else known.count + 1, detail[:MAX_DETAIL])
        document = json.dumps(asdict(failures)).encode()
        await self._broker.until_it_answers(lambda: self._bucket.put(f"{_FAILURES}.{name.tokens}", document))
        return failures

    async def forget_failures(self, name: GameName) -> None:
        """A run of it did not fail."""
        await self._broker.until_it_answers(lambda: self._bucket.purge(f"{_FAILURES}.{name.tokens}"))

    async def note_unreadable(self, message: Unreadable) -> None:
        """Keep a record of a message that could not be read."""
        document = json.dumps(asdict(replace(message, detail=message.detail[:MAX_DETAIL]))).encode()
        key = f"{_UNREADABLE}.{token(self._feed)}.{message.sequence}"
        await self._broker.until_it_answers(lambda: self._bucket.put(key, document))

    async def unreadable(self) -> list[Unreadable]:
        """The messages of this feed that could not be read."""
        found = [await self._get(key) for key in await self._keys(f"{_UNREADABLE}.{token(self._feed)}")]
        return sorted((Unreadable(**each[0]) for each in found if each is not None), key=lambda each: each.sequence)

    async def _get(self, key: str) -> tuple[dict[str, Any], int] | None:
        """What is kept under a key, and its revision."""
        try:
            entry = await self._broker.until_it_answers(lambda: self._bucket.get(key))
        except js_errors.KeyNotFoundError:
            return None
        assert entry.value is not None
        assert entry.revision is not None
        return json.loads(entry.value), entry.revision

    async def _put(self, state: GameState) -> GameState | None:
        """Keep a state in place of the one of its epoch; None where that one is no longer the last."""
        document = {
            "league": state.name.league,
            "game_id": state.name.game_id,
            "feed": self._feed,
            "read": state.read,
            "settled": state.settled,
            "plays": dict(state.plays),
            "refused_messages": state.refused_messages,
            "aside": state.aside[:MAX_DETAIL],
        }
        key, body = f"{_GAME}.{state.name.tokens}", json.dumps(document).encode()
        try:
            epoch = await self._broker.until_it_answers(lambda: self._bucket.update(key, body, last=state.epoch))
        except js_errors.KeyWrongLastSequenceError:
            return None
        return replace(state, epoch=epoch)

    def _read(self, name: GameName, document: dict[str, Any], epoch: int) -> GameState:
        if document["feed"] != self._feed:
            return GameState(name, epoch=epoch)
        kept = {part: document[part] for part in ("read", "settled", "plays", "refused_messages", "aside")}
        return GameState(name, epoch=epoch, **kept)

    async def _keys(self, prefix: str) -> list[str]:
        stream, subjects = f"KV_{STATES}", f"$KV.{STATES}."
        info = await self._broker.until_it_answers(
            lambda: self._broker.js.stream_info(stream, subjects_filter=f"{subjects}{prefix}.>")
        )
        return [subject.removeprefix(subjects) for subject in info.state.subjects or {}]
