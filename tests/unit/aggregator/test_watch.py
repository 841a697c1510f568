"""What watchers are told, however writes, ticks, slow readers, breaks and replicas come together."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aggregator.core.watching
import aggregator.watch
from aggregator.core.following import Follower
from aggregator.core.queries import RatingQueries, Split
from aggregator.core.records import Score
from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.standings import Rating
from aggregator.core.store import Changes
from aggregator.core.tallies import BY_SUBJECT
from aggregator.core.task import Tasks
from aggregator.core.tokens import WatchedState
from aggregator.core.watching import Difference, Evaluation, Key, Question, RankedSplit, State, key_of, state_of
from aggregator.passing.task import PassingTask
from aggregator.watch import Since, Watches
from playscore.errors import PlayscoreError, Reason
from playscore.passing import PASSER
from playscore.release import ModelVersion
from tests.unit.aggregator.memory_store import Disk, MemoryStore
from tests.unit.aggregator.scores import LEAGUE, MODEL, OTHER_MODEL, POPULATION, score


def question(text: str = "", *, subjects: Sequence[str] = (), group_by: tuple[str, ...] = BY_SUBJECT) -> Question:
    ranked = RankedSplit(Split(LEAGUE, PASSER, text), group_by, min_plays=2)
    return Question(ranked, qualified_only=False, subject_ids=frozenset(subjects))


QUESTIONS = (
    question(),
    question("down = 3"),
    question(subjects=["a", "b"]),
    question(group_by=("team_id", "season")),
    Question(question().ranked, qualified_only=True, subject_ids=frozenset()),
)


def at(number: int) -> Revision:
    """The state after so many changes."""
    return Revision(number + 1)


def number_of(revision: Revision) -> int:
    """After how many changes the state is."""
    return revision.end - 1


@dataclass
class Store:
    """All that was ever written: what a state of the past is, for whoever asks."""

    changes: list[Changes] = field(default_factory=list)
    models: list[ModelVersion] = field(default_factory=lambda: [MODEL])
    """That the league is rated by, by revision."""
    forgets: bool = False
    _states: dict[tuple[Question, Revision], State] = field(default_factory=dict)

    @property
    def revision(self) -> int:
        return len(self.changes)

    def write(self, *, scores: Sequence[tuple[int, Score]] = (), withdrawn: Sequence[int] = ()) -> None:
        self.changes.append(Changes(at(self.revision + 1), True, scores, withdrawn))
        self.models.append(self.models[-1])

    def switch(self) -> None:
        self.write()
        self.models[-1] = OTHER_MODEL if self.models[-1] == MODEL else MODEL

    def state(self, asked: Question, revision: Revision) -> State:
        """The ratings at a revision, worked out from the beginning."""
        known = (asked, revision)
        if known not in self._states:
            self._states[known] = self._state(asked, revision)
        return self._states[known]

    def _state(self, asked: Question, revision: Revision) -> State:
        replica = Replica(self)
        replica.go_on(number_of(revision))
        split = asked.ranked.split
        standings = replica.queries.watched(split, group_by=asked.ranked.group_by, min_plays=2)
        evaluation = Evaluation(standings, revision)
        list(evaluation.read())
        return state_of(evaluation, asked)

    async def history(self, asked: Question, revision: Revision) -> State | None:
        await asyncio.sleep(0)
        return None if self.forgets else self.state(asked, revision)


class Replica:
    """Follows the store as far as it is told to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._task = PassingTask({MODEL: POPULATION, OTHER_MODEL: POPULATION}, MODEL)
        tasks = Tasks([self._task])
        self.snapshot = Snapshot(tasks)
        self.queries = RatingQueries(self.snapshot)
        self.watches = Watches(
            self.queries,
            Follower(MemoryStore(Disk()), self.snapshot),
            encode,
            store.history,
            max_splits=10,
        )

    def go_on(self, number: int) -> None:
        for changes in self._store.changes[number_of(self.snapshot.revision) : number]:
            self.snapshot.apply(changes)
        self.rate_by(self._store.models[number_of(self.snapshot.revision)])

    def rate_by(self, model: ModelVersion) -> None:
        self._task.default_model = model


def encode(_question: Question, difference: Difference, part: int) -> bytes:
    """Domain objects are bytes enough for these tests."""
    ratings, left = difference.part(part)
    checkpoint = (difference.revision, difference.ranking.model) if part == difference.parts - 1 else None
    return pickle.dumps((difference.restarted and not part, ratings, left, difference.coalesced, checkpoint))


@dataclass
class Watcher:
    """Keeps a table of what it is told, and holds it against the store."""

    store: Store
    asked: Question
    replica: Replica
    table: dict[Key, Rating] = field(default_factory=dict)
    start: WatchedState | Since | None = None
    restarts: int = 0
    coalesced: int = 0
    ticks: int = 0
    _restarted: bool = False
    _before: dict[Key, Rating] = field(default_factory=dict)
    _sent: set[Key] = field(default_factory=set)
    _left: set[Key] = field(default_factory=set)
    _responses: AsyncGenerator[bytes, None] | None = None

    async def read(self) -> None:
        """Read a response."""
        if self._responses is None:
            self._responses = self.replica.watches.responses(
                self.asked, self.start, () if self.start is None else [self.start.revision]
            )
        restarted, ratings, left, coalesced, checkpoint = pickle.loads(await anext(self._responses))
        if restarted:
            self.restarts += 1
            self._restarted = True
            self.table.clear()
            self._sent.clear()
            self._left.clear()
        for rating in ratings:
            key = key_of(rating)
            assert key not in self._sent, "sent twice in a tick"
            assert coalesced or self.table.get(key) != rating, "repeated"
            self._sent.add(key)
            self.table[key] = rating
        for rating in left:
            assert coalesced or key_of(rating) in self.table, "left without having been there"
            self._left.add(key_of(rating))
            self.table.pop(key_of(rating), None)
        assert not self._sent & self._left, "sent and left in one tick"
        if checkpoint is not None:
            self._reached(*checkpoint)
            self.coalesced += coalesced

    def _reached(self, revision: Revision, model: ModelVersion) -> None:
        expected = self.store.state(self.asked, revision)
        assert self.table == expected.ratings
        assert model == expected.ranking.model
        if self.start is not None:
            assert revision.covers(self.start.revision), "went back"
        if isinstance(self.start, WatchedState):
            assert self._restarted or model == self.start.model, "another model without a restart"
        self.start = WatchedState(revision, model)
        self.ticks += bool(self._sent or self._left)
        self._before = dict(self.table)
        self._restarted = False
        self._sent.clear()
        self._left.clear()

    async def lose_connection(self) -> None:
        """What was read of a tick does not count; the watch is resumed after the last checkpoint."""
        if self._responses is not None:
            await self._responses.aclose()
        self._responses = None
        self.table = dict(self._before)
        self.restarts -= self._restarted  # it did not reach a checkpoint, and will be made again
        self._restarted = False
        self._sent.clear()
        self._left.clear()

    async def go_to(self, replica: Replica) -> None:
        """Resume on a replica, which has what was read."""
        await self.lose_connection()
        self.replica = replica
        replica.go_on(0 if self.start is None else number_of(self.start.revision))
        await replica.watches.read()

    async def catch_up(self, number: int) -> None:
        while not isinstance(self.start, WatchedState) or self.start.revision != at(number):
            await self.read()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watchers who have nothing to be told are given a checkpoint at once; parts are small."""
    monkeypatch.setattr(aggregator.watch, "IDLE_SECONDS", 0)
    monkeypatch.setattr(aggregator.core.watching, "RATINGS_AT_ONCE", 2)


Step = tuple[str, int, int, int]
KINDS = ("write", "write", "write", "withdraw", "switch", "tick", "tick", "tick", "read", "read", "break")
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 7), st.integers(0, 3), st.integers(0, 5)),
    min_size=20,
    max_size=60,
)


async def happen(asked: Question, steps: Sequence[Step], store: Store, *, replicas: int = 2) -> list[Watcher]:
    """Three watchers of a question, on replicas that are behind the store by some states."""
    there = [Replica(store) for _ in range(replicas)]
    watchers = [Watcher(store, asked, there[number % replicas]) for number in range(3)]
    for watcher in watchers:
        await watcher.read()
    for step, number, other, amount in steps:
        watcher, replica = watchers[number % len(watchers)], there[other % replicas]
        match step:
            case "write":
                model = OTHER_MODEL if amount == 5 else MODEL
                play = score(
                    number,
                    amount / 5,
                    subject="abcd"[other],
                    model=model,
                    down=3 + amount % 2,
                    season=2020 + amount % 2,
                    team_id="XY"[number % 2],
                )
                store.write(scores=[(number, play)])
            case "withdraw":
                store.write(withdrawn=[number])
            case "switch" if amount < 2:
                store.switch()
            case "tick":
                replica.go_on(store.revision - amount // 4)
                await replica.watches.read()
            case "read":
                for _ in range(1 + amount % 3):
                    await watcher.read()
            case "break":
                await watcher.go_to(replica)
    for replica in there:
        replica.go_on(store.revision)
        await replica.watches.read()
    for watcher in watchers:
        await watcher.catch_up(store.revision)
    for watcher in watchers:
        await watcher.lose_connection()
    return watchers


LIMITS = settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LIMITS
@given(st.sampled_from(QUESTIONS), STEPS)
async def test_whatever_happens_a_table_at_a_checkpoint_is_the_ratings_of_its_revision(
    asked: Question, steps: Sequence[Step]
) -> None:
    store = Store()
    for watcher in await happen(asked, steps, store):
        switches = sum(before != after for before, after in pairwise(store.models))
        assert watcher.restarts <= 1 + switches, "restarted where the state was known"


@LIMITS
@given(st.sampled_from(QUESTIONS), STEPS)
async def test_so_it_is_where_states_are_forgotten_and_little_is_held(asked: Question, steps: Sequence[Step]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregator.watch, "MAX_RATINGS_SENT", 3)
        patch.setattr(aggregator.core.watching, "LEFT_KEPT", 1)
        patch.setattr(aggregator.core.watching, "REVISIONS_KEPT", 2)
        await happen(asked, steps, Store(forgets=True))


async def told(store: Store, asked: Question = QUESTIONS[0], *, subjects: int = 5) -> tuple[Replica, Watcher]:
    """A watcher who has been told of so many subjects with a play each."""
    store.write(scores=[(number, score(number, 0.5, subject=f"s{number}")) for number in range(subjects)])
    replica = Replica(store)
    replica.go_on(store.revision)
    watcher = Watcher(store, asked, replica)
    await watcher.catch_up(store.revision)
    return replica, watcher


async def play(store: Store, replica: Replica, number: int, subject: str = "s0") -> None:
    store.write(scores=[(1000 + number, score(f"more {number}", 0.5, subject=subject))])
    replica.go_on(store.revision)
    await replica.watches.read()


async def test_who_reads_slowly_is_told_the_latest_and_how_many_ticks_were_passed_over() -> None:
    store = Store()
    replica, watcher = await told(store)
    for number in range(7):
        await play(store, replica, number)
    await watcher.catch_up(store.revision)
    assert (watcher.ticks, watcher.coalesced, watcher.restarts) == (2, 6, 1)
    await watcher.lose_connection()


async def test_however_many_never_read_what_is_held_for_them_is_bounded_and_they_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aggregator.watch, "MAX_RATINGS_SENT", 100)
    store = Store()
    replica, reader = await told(store, subjects=30)
    stuck = [Watcher(store, QUESTIONS[0], replica) for _ in range(20)]
    for watcher in stuck[::2]:
        await watcher.catch_up(store.revision)
    for number, watcher in enumerate(stuck):
        store.write(scores=[(play, score(play, number / 20, subject=f"s{play}")) for play in range(30)])
        replica.go_on(store.revision)
        await replica.watches.read()
        await watcher.read()  # the first part of the table, or of what has changed, and then no more
        await reader.catch_up(store.revision)
    room = replica.watches._room
    assert sum(len(sending.difference) for sending in room._readers) <= 100
    for watcher in stuck:
        await watcher.catch_up(store.revision)
    assert [watcher.restarts for watcher in stuck[:10]] == [2] * 10
    assert stuck[-1].restarts == 1
    assert reader.restarts == 1
    for watcher in (reader, *stuck):
        await watcher.lose_connection()
    assert room._free == 100


async def test_a_replica_that_rates_by_another_model_restarts_a_watch() -> None:
    store = Store()
    _, watcher = await told(store)
    other = Replica(store)
    other.go_on(store.revision)
    other.rate_by(OTHER_MODEL)
    assert isinstance(watcher.start, WatchedState)
    async with aclosing(other.watches.responses(watcher.asked)) as responses:
        await anext(responses)  # so that the state of that revision is known here, by the other model
        async with aclosing(other.watches.responses(watcher.asked, watcher.start)) as resumed:
            restarted, *_ = pickle.loads(await anext(resumed))
    assert restarted
    await watcher.lose_connection()


async def test_a_difference_is_encoded_once_however_many_watch() -> None:
    encoded = 0

    def counting(asked: Question, difference: Difference, part: int) -> bytes:
        nonlocal encoded
        encoded += 1
        return encode(asked, difference, part)

    store = Store()
    replica, first = await told(store, subjects=1)
    replica.watches._encode = counting
    watchers = [first, *(Watcher(store, QUESTIONS[0], replica) for _ in range(20))]
    for watcher in watchers:
        await watcher.catch_up(store.revision)
    encoded = 0
    await play(store, replica, 1)
    for watcher in watchers:
        await watcher.read()
        assert watcher.ticks >= 1
    assert encoded == 1
    for watcher in watchers:
        await watcher.lose_connection()


async def test_a_split_is_read_once_a_tick_however_many_subjects_of_it_are_watched() -> None:
    store = Store()
    replica, everybody = await told(store)
    some = [Watcher(store, question(subjects=[f"s{number}"]), replica) for number in range(5)]
    for watcher in some:
        await watcher.read()
    read: list[Split] = []
    watched = replica.queries.watched

    def counting(split: Split, **more: object) -> object:
        read.append(split)
        return watched(split, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replica.queries, "watched", counting)
        await play(store, replica, 1)
    assert len(read) == 1
    for watcher in (everybody, *some):
        await watcher.catch_up(store.revision)
        await watcher.lose_connection()


async def test_a_watch_can_begin_with_a_state_of_the_past() -> None:
    store = Store()
    replica, watcher = await told(store)
    await play(store, replica, 1)
    late = Watcher(store, QUESTIONS[0], replica, start=Since(at(1)))
    while not isinstance(late.start, WatchedState):
        await late.read()
    assert late.start.revision == at(1)
    await late.catch_up(2)
    assert late.restarts == 1
    store.forgets = True
    with pytest.raises(PlayscoreError) as refused:
        await Watcher(store, QUESTIONS[0], replica, start=Since(at(1))).read()
    assert refused.value.reason is Reason.REVISION_NOT_KEPT
    for each in (watcher, late):
        await each.lose_connection()


async def test_a_watch_waits_for_the_tick_that_has_what_it_is_to_have() -> None:
    store = Store()
    replica, watcher = await told(store)
    store.write(scores=[(77, score(77, 0.5, subject="s0"))])
    replica.go_on(store.revision)
    fresh = replica.watches.responses(watcher.asked, None, [at(store.revision)])
    reading = asyncio.ensure_future(anext(fresh))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not reading.done()
    await replica.watches.read()
    _, ratings, *_ = pickle.loads(await reading)
    assert {rating.subject.subject_id: rating.plays for rating in ratings}["s0"] == 2
    await fresh.aclose()
    await watcher.lose_connection()


async def test_a_state_of_the_past_is_asked_for_once_by_all_who_resume_from_it() -> None:
    store = Store()
    _, watcher = await told(store)
    await watcher.lose_connection()
    other = Replica(store)
    store.write()
    other.go_on(store.revision)
    asked = 0
    answer = asyncio.Event()

    async def history(asked_for: Question, revision: Revision) -> State:
        nonlocal asked
        asked += 1
        await answer.wait()
        return store.state(asked_for, revision)

    other.watches._history = history
    resumed = [Watcher(store, watcher.asked, other, dict(watcher.table), watcher.start) for _ in range(5)]
    reading = asyncio.gather(*(each.catch_up(store.revision) for each in resumed))
    for _ in range(100):  # until all of them have gone as far as they can
        await asyncio.sleep(0)
    answer.set()
    await reading
    assert asked == 1
    assert not any(each.restarts for each in resumed)
    for each in resumed:
        await each.lose_connection()


async def test_what_goes_wrong_with_one_split_ends_its_watches_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store()
    replica, watcher = await told(store)
    bad = Watcher(store, question("down = 1"), replica)
    await bad.read()
    watched: Callable[..., object] = replica.queries.watched

    def failing(split: Split, **more: object) -> object:
        if split.filter:
            raise ZeroDivisionError
        return watched(split, **more)

    monkeypatch.setattr(replica.queries, "watched", failing)
    await play(store, replica, 1)
    with pytest.raises(ZeroDivisionError):
        await bad.read()
    await watcher.catch_up(store.revision)
    await watcher.lose_connection()
    monkeypatch.undo()
    again = Watcher(store, bad.asked, replica)
    await again.read()
    await again.lose_connection()
    assert not replica.watches._splits


async def test_nothing_is_held_after_the_last_watcher_but_what_helps_to_resume() -> None:
    store = Store()
    replica, watcher = await told(store)
    watches = replica.watches
    await watcher.lose_connection()
    assert not watches._splits
    assert watches._ratings == 5
    async with aclosing(watches.responses(question("down = 1"))) as responses:
        await anext(responses)
    assert len(watches._retired) == 2
    store.forgets = True
    store.write()
    replica.go_on(store.revision)
    await watcher.catch_up(store.revision)
    assert watcher.restarts == 1
    await watcher.lose_connection()
