"""The stores that there are, opened alike, and what tests ask of them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol, TypeVar

from aggregator.core.operations import EraseRequest, SwitchRequest
from aggregator.core.precedence import close
from aggregator.core.recording import Write, Written
from aggregator.core.records import PlayRecord, Score, Scored, Unscored
from aggregator.core.revision import NOTHING, Revision
from aggregator.core.store import Changes, ScoreColumns, Store
from aggregator.postgres import PostgresStore
from aggregator.sqlite import SqliteStore
from playscore.faceoffs import FACEOFF_TAKER
from playscore.passing import PASSER
from playscore.release import ModelVersion
from playscore.shots import GOALIE, SHOOTER, SHOOTING_TEAM
from tests.postgres import Databases, server
from tests.unit.aggregator.memory_store import Disk, MemoryStore
from tests.unit.aggregator.previous import postgres_1
from tests.unit.aggregator.scores import LEAGUE, MODEL, PASSING

_requests = itertools.count()
_disks: defaultdict[Path, Disk] = defaultdict(Disk)
ROLES: Final = (PASSER, SHOOTER, GOALIE, SHOOTING_TEAM, FACEOFF_TAKER)


def same_number(one: bytes, other: bytes) -> bool:
    """Distributions are numbers in these tests."""
    return close(float(one), float(other))


class Opens(Protocol):
    """Opens a store at a location, the same one each time."""

    def __call__(self, location: Path) -> AbstractAsyncContextManager[Store]: ...


def opening(make: Callable[[Path], Store]) -> Opens:
    """Of a store that is made with its location."""

    @contextlib.asynccontextmanager
    async def opened(location: Path) -> AsyncIterator[Store]:
        store = make(location)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return opened


def sqlite(location: Path) -> Store:
    return SqliteStore(location, ROLES, same_number)


def memory(location: Path) -> Store:
    return MemoryStore(_disks[location], same_number)


def postgres(location: Path) -> Store:
    return PostgresStore(postgres_url(location), ROLES, same_number)


def postgres_url(location: Path) -> str:
    """Of the location's database."""
    return _databases().url(location)


@functools.cache
def _databases() -> Databases:
    """Copies of a store without an identity: each gets its own when it is opened."""
    server().execute("CREATE DATABASE stores")

    async def prepared() -> None:
        async with opening(lambda _: PostgresStore(server().url("stores"), ROLES))(Path()):
            pass

    # Not in the event loop that may be running here.
    with ThreadPoolExecutor() as pool:
        pool.submit(asyncio.run, prepared()).result()
    tables = server().execute(
        "SELECT string_agg('playscore.' || tablename, ', ') FROM pg_tables"
        " WHERE schemaname = 'playscore' AND tablename NOT IN ('migrations', 'history', 'keys')",
        "stores",
    )
    deletions = "; ".join(f"DELETE FROM {table}" for table in tables.split(", "))
    sequences = "; ".join(f"ALTER SEQUENCE playscore.{table}_id_seq RESTART" for table in ("scores", "unscored"))
    server().execute("DELETE FROM playscore.store", "stores")
    return Databases("stores", f"{deletions}; {sequences}")


STORES: Final[Mapping[str, Callable[[Path], Store]]] = {"sqlite": sqlite, "postgresql": postgres, "memory": memory}
"""Each makes a store that is not open yet. Locations that differ are stores that differ."""


def write(
    *records: PlayRecord, request_id: str = "", digest: bytes = b"", supports: Mapping[str, bytes] | None = None
) -> Write:
    request_id = request_id or f"request {next(_requests)}"
    return Write(request_id, digest, dict(enumerate(records)), supports=supports or {})


def switching(
    model: ModelVersion,
    expected: ModelVersion | None = None,
    *,
    league: str = LEAGUE,
    request_id: str = "",
    digest: bytes = b"",
) -> SwitchRequest:
    request_id = request_id or f"request {next(_requests)}"
    return SwitchRequest(request_id, digest, "ops", league, PASSING.number, model, MODEL, expected)


def erasing(
    subject_id: str | None, *, league: str = LEAGUE, request_id: str = "", digest: bytes = b"", mentions: str = ""
) -> EraseRequest:
    request_id = request_id or f"request {next(_requests)}"
    return EraseRequest(request_id, digest, "ops", league, subject_id, "request 4711", frozenset(mentions.split()))


def counts(written: Written) -> tuple[int, int, int, int]:
    return written.inserted, written.replaced, written.unchanged, len(written.stale)


State = tuple[list[Scored], list[Unscored]]
_Record = TypeVar("_Record", Scored, Unscored)


def ordered(records: Iterable[_Record]) -> list[_Record]:
    return sorted(records, key=repr)


async def followed(store: Store | postgres_1.PostgresStore) -> Seen:
    """What somebody who follows from the beginning has seen by now."""
    seen = Seen()
    async with contextlib.aclosing(store.follow(NOTHING)) as following:  # type: ignore[type-var]
        async for changes in following:
            seen.apply(changes)
            if changes.last:
                break
    return seen


async def everything(store: Store) -> State:
    """What stands: what somebody who follows from the beginning ends up with, and what the present state is."""
    seen = await followed(store)
    reading = await store.read(seen.scores, seen.revision)
    assert {number: record.score for number, record in reading.scored.items()} == seen.scores
    state = ordered(reading.scored.values()), ordered(seen.plays.values())
    assert (await state_at(store)).state == state
    return state


class Stood:
    """What stood at a revision."""

    def __init__(self, revision: Revision) -> None:
        self.revision = revision
        self.state: State = [], []
        self.supports: Mapping[str, bytes] = {}
        self.models: dict[tuple[str, int], ModelVersion] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stood) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        return f"Stood({self.__dict__})"

    __hash__ = None  # type: ignore[assignment]


async def state_at(store: Store, at: Revision | None = None, *, league: str | None = None) -> Stood:
    """What stood, as `state` and `read` have it."""
    columns: dict[int, tuple[object, ...]] = {}
    plays: list[Unscored] = []
    stood: Stood | None = None
    async for piece in store.state(at, league=league):
        stood = stood or Stood(piece.revision)
        assert piece.revision == stood.revision
        if piece.scores is not None:
            assert not columns.keys() & set(piece.scores.numbers), "each score comes once"
            columns.update(rows_of(piece.scores))
        plays += piece.unscored
        stood.models.update({(each.league, each.task): each.model for each in piece.switched})
    assert stood is not None
    reading = await store.read(columns, stood.revision)
    assert {number: row_of(record.score) for number, record in reading.scored.items()} == columns
    assert len({play.key for play in plays}) == len(plays)
    stood.state = ordered(reading.scored.values()), ordered(plays)
    stood.supports = reading.supports
    return stood


def rows_of(columns: ScoreColumns) -> Iterable[tuple[int, tuple[object, ...]]]:
    texts = zip(columns.measures, columns.attributes, columns.outcomes, strict=True)
    parsed = [tuple(None if text is None else json.loads(text) for text in row) for row in texts]
    plain = zip(
        *(columns.leagues, columns.games, columns.plays, columns.roles, columns.models, columns.model_versions),
        *(columns.subjects, columns.subject_names, columns.teams),
        strict=True,
    )
    for number, row, rest in zip(columns.numbers, plain, parsed, strict=True):
        yield number, (*row, *rest)


def row_of(score: Score) -> tuple[object, ...]:
    subject = score.subject
    return (
        *(*score.play, subject.role.number, score.model.name, score.model.version, subject.subject_id),
        *(subject.subject_name, subject.team_id, score.measures, score.attributes, score.outcome),
    )


class Seen:
    """What a follower has seen."""

    def __init__(self) -> None:
        self.revision = NOTHING
        self.scores: dict[int, Score] = {}
        self.plays: dict[object, Unscored] = {}
        self.models: dict[tuple[str, int], ModelVersion] = {}

    def apply(self, changes: Changes) -> None:
        assert changes.revision.covers(self.revision)
        self.revision = changes.revision
        for league in changes.erased_leagues:
            self.scores = {item: each for item, each in self.scores.items() if each.play.league != league}
            self.plays = {key: each for key, each in self.plays.items() if each.play.league != league}
        for item in changes.withdrawn:
            self.scores.pop(item, None)
        self.scores.update(changes.scores)
        self.plays.update({play.key: play for play in changes.unscored})
        self.models.update({(each.league, each.task): each.model for each in changes.switched})
