"""What the shared store does on top of what every store promises: for several at once, whatever becomes of whom."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest

import aggregator.postgres.database
import aggregator.postgres.reading
import aggregator.postgres.schema
from aggregator.__main__ import AggregatorSettings
from aggregator.core.following import Follower
from aggregator.core.recording import Written
from aggregator.core.records import PlayRecord
from aggregator.core.revision import NOTHING, Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import KeptSnapshot, Store
from aggregator.postgres import PostgresStore
from aggregator.stores import make_store
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion
from servicekit.settings import parse_settings
from tests.postgres import GUARDED, Server, server
from tests.unit.aggregator.previous import postgres_1
from tests.unit.aggregator.scores import OTHER_MODEL, TASKS, graded_table, scored, unscored
from tests.unit.aggregator.stores import (
    ROLES,
    Seen,
    counts,
    erasing,
    everything,
    followed,
    ordered,
    postgres_url,
    same_number,
    state_at,
    switching,
    write,
)
from tests.unit.aggregator.storm import PLAYS, stormed
from tests.unit.aggregator.test_stores import what_should_stand

ROOT = Path(__file__).parents[3]
SECONDS = 30.0
"""What anything here may take on a busy machine."""
_Result = TypeVar("_Result")


@contextlib.asynccontextmanager
async def opened(url: str, *, poll_seconds: float = SECONDS) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, ROLES, same_number, poll_seconds=poll_seconds)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, server_settings={"search_path": "playscore"})
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def watching(store: Store, after: Revision = NOTHING) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    task = asyncio.create_task(watcher.follow(store, after))
    try:
        yield watcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Watcher:
    """Somebody who follows a store."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._moved = asyncio.Condition()

    async def follow(self, store: Store, after: Revision) -> None:
        self.seen.revision = after
        while True:
            with contextlib.suppress(PlayscoreError):
                async for changes in store.follow(self.seen.revision):
                    async with self._moved:
                        self.seen.apply(changes)
                        self._moved.notify_all()
            await asyncio.sleep(0.01)

    async def until(self, holds: Callable[[Seen], bool]) -> None:
        async with asyncio.timeout(SECONDS), self._moved:
            await self._moved.wait_for(lambda: holds(self.seen))

    async def reach(self, written: Written) -> None:
        await self.until(lambda seen: seen.revision.covers(written.revision))

    @property
    def plays(self) -> set[str]:
        return {score.play.play_id for score in self.seen.scores.values()}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of a store that nobody has opened."""
    return postgres_url(tmp_path)


@contextlib.asynccontextmanager
async def held_open(
    url: str, store: Store | postgres_1.PostgresStore, *records: PlayRecord
) -> AsyncIterator[asyncio.Task[Written]]:
    """A write that has written all it will, and is committed when the context ends."""
    late = write(*records)
    async with connected(url) as blocking:
        transaction = blocking.transaction()
        await transaction.start()
        await blocking.execute("INSERT INTO requests VALUES ($1, '', 0, 0, 0, 0, '[]', '[]', 1, '{}')", late.request_id)
        task = asyncio.create_task(store.record(late))
        async with asyncio.timeout(SECONDS):
            while not await blocking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        yield task
        await transaction.rollback()
    await task


# --- Late commits ---


async def test_a_write_whose_caller_left_before_it_began_is_not_made(url: str) -> None:
    async with opened(url) as store:
        left, stayed = (asyncio.create_task(store.record(write(scored(play)))) for play in ("1", "2"))
        await asyncio.sleep(0)
        left.cancel()
        assert (await stayed).inserted == 1
        assert len((await everything(store))[0]) == 1


async def test_a_change_that_commits_late_is_never_skipped(url: str) -> None:
    async with opened(url) as one, opened(url) as two, opened(url) as three, watching(three) as watcher:
        await one.record(write(scored("first")))
        async with held_open(url, one, scored("late"), unscored("late, too")) as late:
            for play in range(3):
                written = await two.record(write(scored(play)))
            # Those who come later wait for nobody, and nobody who follows waits for the late one.
            await watcher.reach(written)
            assert watcher.plays == {"first", "0", "1", "2"}
            assert written.revision.missing
            meanwhile = await state_at(three)
            assert meanwhile.revision == watcher.seen.revision
        await watcher.reach(late.result())
        assert watcher.plays == {"first", "0", "1", "2", "late"}
        assert len(watcher.seen.plays) == 1
        # Whoever was there meanwhile can be told what was shown, and what came since.
        assert await state_at(three, meanwhile.revision) == meanwhile
        async for changes in three.follow(meanwhile.revision):
            assert [score.play.play_id for _, score in changes.scores] == ["late"]
            break
        assert not meanwhile.revision.covers(late.result().revision)


async def test_a_time_has_what_was_committed_by_then_though_it_began_earlier(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        async with held_open(url, one, scored("late")) as late:
            written = await two.record(write(scored("early")))
            then = datetime.now(UTC)
            asked = await two.revision_at(then)
            assert asked == written.revision
            early = (await state_at(two, asked)).state
            assert early == ([scored("early")], [])
        for revision in (asked, await two.revision_at(then)):
            assert (await state_at(two, revision)).state == early
        now = await two.revision_at(datetime.now(UTC))
        assert now.covers(late.result().revision)
        assert len((await state_at(two, now)).state[0]) == 2


async def test_a_time_that_is_still_to_come_by_the_servers_clock_has_no_state_yet(url: str) -> None:
    async with opened(url) as store:
        await store.record(write(scored(1)))
        with pytest.raises(PlayscoreError) as raised:
            await store.revision_at(datetime.now(UTC) + timedelta(minutes=1))
        assert raised.value.reason is Reason.NOT_FRESH_ENOUGH
        assert raised.value.retry_after_seconds == pytest.approx(60, abs=30)


async def test_a_clock_that_goes_back_leaves_times_in_order(url: str) -> None:
    async with opened(url) as store, connected(url) as connection:
        first = await store.record(write(scored(1)))
        ahead = datetime.now(UTC) + timedelta(hours=1)
        await connection.execute("UPDATE transactions SET time = $1", ahead)
        second = await store.record(write(scored(1, revision=2)))
        assert await store.revision_at(ahead) == first.revision
        assert await store.revision_at(ahead + timedelta(microseconds=1)) == second.revision
        with pytest.raises(PlayscoreError):
            await store.revision_at(datetime.now(UTC) - timedelta(days=1))


# --- Several at once ---


async def test_three_replicas_with_random_writers_agree_with_a_recomputation(url: str) -> None:
    chance = random.Random(11)
    records: list[PlayRecord] = []
    for _ in range(400):
        play, revision, outcome = chance.randint(1, 12), chance.randint(1, 4), chance.randint(0, 3)
        if chance.random() < 0.2:
            records.append(unscored(play, revision=revision, outcome_revision=outcome, detail=f"{revision} {outcome}"))
        else:
            records.append(
                scored(
                    play,
                    revision / 10 + outcome / 100,
                    subject=chance.choice(["p1", "p2", "p3"]),
                    model=ModelVersion("passing", chance.randint(1, 2)),
                    revision=revision,
                    outcome_revision=outcome,
                    distribution=str(revision),
                )
            )
    async with opened(url) as one, opened(url) as two, opened(url) as three:
        stores = one, two, three
        async with watching(one) as a, watching(two) as b, watching(three) as c:
            batches = [write(*records[start : start + size]) for start in range(0, 400, 8) for size in (8, 3)]
            pending = iter(batches)

            async def writer(store: Store) -> list[Written]:
                return [await store.record(batch) for batch in pending]

            answers = await asyncio.gather(*(writer(store) for store in stores for _ in range(3)))
            for watcher in (a, b, c):
                for written in (written for each in answers for written in each):
                    await watcher.reach(written)
            states = [await everything(store) for store in stores]
            assert states[0] == states[1] == states[2] == what_should_stand(records)
            for watcher in (a, b, c):
                assert sorted(map(repr, watcher.seen.scores.values())) == [
                    repr(record.score) for record in states[0][0]
                ]
                assert ordered(watcher.seen.plays.values()) == states[0][1]


async def test_the_present_state_has_what_another_replica_wrote(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        for number in range(5):
            written = await one.record(write(scored(number)))
            assert (await two.present()).covers(written.revision)


async def test_one_request_on_two_replicas_at_once_has_one_effect_and_one_answer(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        for number in range(10):
            same = write(scored(number), unscored(number, revision=1), request_id=f"same {number}")
            first, second = await asyncio.gather(one.record(same), two.record(same))
            assert first == second
            assert counts(first) == (2, 0, 0, 0)
            empty = write(request_id=f"empty {number}")
            first, second = await asyncio.gather(one.record(empty), two.record(empty))
            assert first == second
        assert len((await everything(one))[0]) == 10


async def test_batches_of_the_same_plays_in_opposite_orders_do_not_block_each_other(url: str) -> None:
    plays = [scored(play, revision=revision) for revision in (1, 2) for play in range(300)]
    async with opened(url) as one, opened(url) as two:
        answers = await asyncio.gather(one.record(write(*plays)), two.record(write(*reversed(plays))))
        assert sum(sum(counts(written)) for written in answers) == 1200
        assert await everything(one) == (ordered(plays[300:]), [])


async def test_a_batch_of_ten_thousand_plays_is_one_transaction(url: str) -> None:
    async with opened(url) as store, connected(url) as connection:
        written = await store.record(write(*(scored(play, game=f"g{play % 50}") for play in range(10_000))))
        assert written.inserted == 10_000
        assert await connection.fetchval("SELECT count(DISTINCT since) FROM scores") == 1


# --- Notifications ---


async def test_what_is_notified_is_seen_without_polling(url: str) -> None:
    async with opened(url) as one, opened(url, poll_seconds=3600) as two, watching(two) as watcher:
        await watcher.reach(await one.record(write(scored(1))))


async def test_what_is_not_notified_is_found_by_polling(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregator.postgres.reading, "CHANGED", "not_what_writers_notify")
    async with opened(url) as one, opened(url, poll_seconds=0.05) as two, watching(two) as watcher:
        await watcher.reach(await one.record(write(scored(1))))


# --- What goes wrong ---


async def test_a_try_whether_writes_are_taken_is_no_new_state(url: str) -> None:
    async with opened(url) as store, connected(url) as connection:
        before = await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        await store.probe()
        assert await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())") == before


async def until_answered(call: Callable[[], Awaitable[_Result]]) -> _Result:
    """What a caller does who repeats a request for as long as the store is unavailable."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                return await call()
            except PlayscoreError as error:
                assert error.reason is Reason.STORE_UNAVAILABLE
                assert error.retry_after_seconds
                await asyncio.sleep(0.01)


async def test_lost_connections_lose_nothing_and_double_nothing(url: str) -> None:
    chance = random.Random(3)
    async with opened(url) as one, opened(url) as two, watching(two) as watcher, connected(url) as killer:
        written: list[Written] = []

        async def writer(number: int) -> None:
            for play in range(30):
                batch = write(scored(f"{number}-{play}"), unscored(f"{number}-{play}, too"))
                written.append(await until_answered(lambda: one.record(batch)))  # noqa: B023

        async def kill() -> None:
            for _ in range(25):
                pids = await killer.fetch(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                if pids:
                    await killer.execute("SELECT pg_terminate_backend($1)", chance.choice(pids)["pid"])
                await asyncio.sleep(chance.random() / 20)

        killing = asyncio.create_task(kill())
        await asyncio.gather(*map(writer, range(4)))
        await killing
        assert {counts(each) for each in written} == {(2, 0, 0, 0)}
        for each in written:
            await watcher.reach(each)
        scores, plays = await everything(one)
        assert (len(scores), len(plays)) == (120, 120)
        assert len(watcher.seen.scores) == 120


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """A server that syncs to disk, and that tests may kill."""
    started = Server({"fsync": "on"})
    started.start()
    yield started
    started.remove()


async def test_a_server_that_is_killed_and_started_again_is_gone_on_with(durable: Server) -> None:
    durable.execute("CREATE DATABASE killed")
    snapshot = Snapshot(TASKS)
    async with opened(durable.url("killed")) as store:
        follower = Follower(store, snapshot)
        await follower.open()
        answers: list[Written] = []

        async def writer(number: int) -> None:
            for play in range(40):
                batch = write(scored(f"{number}-{play}"))
                answers.append(await until_answered(lambda: store.record(batch)))  # noqa: B023

        writing = asyncio.gather(*map(writer, range(4)))
        for _ in range(2):
            before = len(answers)
            while len(answers) < min(before + 20, 160):  # noqa: ASYNC110
                await asyncio.sleep(0)
            await asyncio.to_thread(durable.stop, signal.SIGKILL)
            await asyncio.to_thread(durable.start)
        await writing
        assert {counts(each) for each in answers} == {(1, 0, 0, 0)}
        for each in answers:
            await follower.reach(each.revision, SECONDS)
        assert follower.following()
        assert len(graded_table(snapshot)) == len((await everything(store))[0]) == 160
        await follower.close()


WRITES = 10_000


def test_what_was_answered_survives_its_writer_being_killed(durable: Server) -> None:
    durable.execute("CREATE DATABASE stormed")
    url = durable.url("stormed")
    chance = random.Random(5)
    answered: set[int] = set()
    for kill_after in (1, chance.randint(2, 4000), chance.randint(2, 4000), WRITES):
        left = [number for number in range(WRITES) if number not in answered]
        with subprocess.Popen(
            [sys.executable, "-m", "tests.unit.aggregator.storm", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as storm:
            assert storm.stdin is not None
            assert storm.stdout is not None
            storm.stdin.write(" ".join(map(str, left)))
            storm.stdin.close()
            for count, line in enumerate(storm.stdout, start=1):
                if line.endswith("\n"):
                    answered.add(int(line))
                if count == kill_after:
                    storm.send_signal(signal.SIGKILL)
    assert answered == set(range(WRITES))

    async def check() -> None:
        async with opened(url) as store:
            of_plays = [what_should_stand(list(map(stormed, range(play, WRITES, PLAYS)))) for play in range(PLAYS)]
            scores, plays = await everything(store)
            assert scores == ordered(record for standing, _ in of_plays for record in standing)
            assert plays == ordered(record for _, ended in of_plays for record in ended)
        async with connected(url) as connection:
            assert await connection.fetchval("SELECT count(*) FROM requests") == WRITES
            assert await connection.fetchval("SELECT sum(inserted + replaced) FROM requests") == WRITES

    asyncio.run(check())


async def refusal(url: str) -> str:
    with pytest.raises(PlayscoreError) as raised:
        await PostgresStore(url, ROLES).open()
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    return raised.value.detail


async def test_a_url_that_leads_nowhere_is_refused_without_its_password() -> None:
    server().execute(f"DROP ROLE IF EXISTS {GUARDED}; CREATE ROLE {GUARDED} LOGIN PASSWORD 'right'")
    wrong = await refusal(server().url(user=GUARDED, password="s3cret"))
    assert f"store postgresql://{GUARDED}@/postgres" in wrong
    assert "password authentication failed" in wrong
    missing = await refusal(server().url("nowhere"))
    assert 'database "nowhere" does not exist' in missing
    unreachable = await refusal("postgresql://somebody:s3cret@127.0.0.1:1/scores?password=s3cret")
    assert "store postgresql://somebody@127.0.0.1:1/scores: " in unreachable
    not_allowed = await refusal(server().url(user=GUARDED, password="right"))
    assert "permission denied" in not_allowed
    assert not any("s3cret" in each for each in (wrong, missing, unreachable, not_allowed))


async def test_nothing_waits_for_ever_for_a_transaction_that_is_left_open(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(aggregator.postgres.database._SETTINGS, "lock_timeout", "100ms")
    async with opened(url) as one, opened(url) as two:
        await one.record(write(scored(1)))
        async with connected(url) as connection, connection.transaction():
            await connection.execute("SELECT FROM play_locks FOR UPDATE")
            blocked = write(scored(1, revision=2))
            with pytest.raises(PlayscoreError) as raised:
                await one.record(blocked)
            assert raised.value.reason is Reason.STORE_UNAVAILABLE
            assert "lock timeout" in raised.value.detail
            assert counts(await two.record(write(scored(2)))) == (1, 0, 0, 0)
        assert counts(await one.record(blocked)) == (0, 1, 0, 0)


async def test_a_write_that_the_database_cannot_take_fails_alone(url: str) -> None:
    good, bad, told = write(scored(1)), write(scored("\0")), write(unscored(2, detail="a\0b"))
    async with opened(url) as store:
        answers = await asyncio.gather(*map(store.record, (good, bad, told)), return_exceptions=True)
        assert [isinstance(answer, Written) for answer in answers] == [True, False, True]
        assert await everything(store) == ([scored(1)], [unscored(2, detail="a\N{REPLACEMENT CHARACTER}b")])


async def test_what_is_answered_is_durable_though_the_database_is_set_otherwise(url: str) -> None:
    async with connected(url) as connection:
        await connection.execute(
            "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END$$"
        )
    async with opened(url) as store:
        await store.record(write(scored(1)))
        async with store._database.shared() as connection:
            assert await connection.fetchval("SHOW synchronous_commit") == "on"
    async with connected(url) as connection:
        await connection.execute(
            "DO $$BEGIN EXECUTE format('ALTER DATABASE %I RESET synchronous_commit', current_database()); END$$"
        )


async def test_a_store_that_is_only_read_is_left_as_it_is(url: str) -> None:
    reading = PostgresStore(url, ROLES, read_only=True)
    with pytest.raises(PlayscoreError) as raised:
        await reading.open()
    assert "start one first" in raised.value.detail
    async with opened(url) as store:
        await store.record(write(scored(1)))
        await reading.open()
        assert await everything(reading) == ([scored(1)], [])
        with pytest.raises(PlayscoreError) as raised:
            await reading.record(write(scored(2)))
        assert "read-only transaction" in raised.value.detail
        await reading.close()


async def test_a_server_that_is_away_is_named_as_such(tmp_path: Path) -> None:
    store = PostgresStore(f"postgresql://scores@/scores?host={tmp_path}", ROLES)
    with pytest.raises(PlayscoreError, match="store postgresql://scores@/scores: cannot connect: "):
        await store.open()


def test_a_url_is_shown_and_refused_without_its_password(capsys: pytest.CaptureFixture[str]) -> None:
    settings = AggregatorSettings(
        store="postgresql://scores:s3cret@db.example/scores?sslmode=verify-full&password=s3cret"
    )
    assert settings.model_dump(mode="json")["store"] == "postgresql://scores@db.example/scores"
    with pytest.raises(SystemExit):
        parse_settings(AggregatorSettings, ["--store", "postgresql://scores:s3cret@db.example/"])
    refused = capsys.readouterr().err
    assert "'postgresql://scores@db.example/' is not a store URL" in refused
    with pytest.raises(SystemExit):
        parse_settings(AggregatorSettings, ["--store", "scores:s3cret@db.example/scores"])
    refused += capsys.readouterr().err
    assert "'db.example/scores' is not a store URL" in refused
    assert "s3cret" not in refused
    assert isinstance(make_store(settings.store, ROLES), PostgresStore)


# --- Another release ---


@pytest.fixture
def old_url(tmp_path: Path) -> Iterator[str]:
    """Of a database that nobody has used."""
    name = f"old_{abs(hash(tmp_path))}"
    server().execute(f"CREATE DATABASE {name}")
    yield server().url(name)
    server().execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.asynccontextmanager
async def opened_by_1(url: str) -> AsyncIterator[postgres_1.PostgresStore]:
    store = postgres_1.PostgresStore(url, ROLES, same_number)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def test_the_release_before_serves_a_store_of_this_one_and_its_history_is_right(old_url: str) -> None:
    async with opened_by_1(old_url) as old:
        identity = old.store_id
        first = await old.record(write(scored(0)))
        before = await old.record(write(scored(1, distribution="1"), scored(2), unscored(3), request_id="kept"))
        again = write(scored(1, distribution="1"), scored(2), unscored(3), request_id="kept")
        seen = []
        # A rollout: this release comes while that one writes on, and goes again, and comes again.
        for round_, revision in enumerate((2, 5), start=1):
            async with opened(old_url) as new, watching(new) as watcher:
                assert new.store_id == identity
                assert await new.record(again) == before
                seen.append(await state_at(new))
                for number, store in enumerate[Store | postgres_1.PostgresStore]((old, new, old, new)):
                    batch = (
                        scored(1, revision=revision + number, distribution=f"{number}"),
                        scored(2, subject=f"p{number}", revision=revision + number),
                        unscored(3, revision=revision + number),
                        scored(f"new in round {round_}", number / 10, outcome_revision=number + 1),
                    )
                    written = await store.record(write(*batch))
                    assert counts(written)[3] == 0
                    await watcher.reach(written)
                    seen.append(await state_at(new))
                    assert watcher.seen.scores == {
                        number: record.score
                        for number, record in (await new.read(range(100), written.revision)).scored.items()
                    }
            await old.record(write(scored("alone", revision=round_)))
    async with opened(old_url) as new:
        assert [await state_at(new, each.revision) for each in seen] == seen
        times = [await new.revision_at(datetime.now(UTC)), (await state_at(new)).revision]
        assert times[0] == times[1]
        with pytest.raises(PlayscoreError) as raised:
            await state_at(new, first.revision)
        assert raised.value.reason is Reason.REVISION_NOT_KEPT


async def test_a_write_that_is_under_way_while_the_tables_change_has_its_history(old_url: str) -> None:
    async with opened_by_1(old_url) as old, connected(old_url) as looking, contextlib.AsyncExitStack() as stack:
        await old.record(write(scored(1)))
        async with held_open(old_url, old, scored(1, revision=2)):
            rollout = asyncio.create_task(stack.enter_async_context(opened(old_url)))
            async with asyncio.timeout(SECONDS):
                while await looking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            queued = asyncio.create_task(old.record(write(scored(1, revision=3))))
        new = await rollout
        await queued
        then = await state_at(new)
        await old.record(write(scored(1, revision=4)))
        assert then.state == ([scored(1, revision=3)], [])
        assert await state_at(new, then.revision) == then


async def test_after_an_erasure_the_release_before_does_not_serve(old_url: str) -> None:
    async with opened_by_1(old_url) as old:
        await old.record(write(scored(1), scored(2, subject="p2")))
    async with opened(old_url) as new:
        await new.switch(switching(OTHER_MODEL))
    async with opened_by_1(old_url) as old:
        assert len((await followed(old)).scores) == 2
    async with opened(old_url) as new:
        await new.erase(erasing("p1"))
    with pytest.raises(PlayscoreError) as raised:
        await postgres_1.PostgresStore(old_url, ROLES).open()
    assert "it takes schema 2 to serve it, this release knows 1" in raised.value.detail


async def test_a_newer_releases_store_is_served_if_it_says_so(url: str) -> None:
    async with opened(url) as store, connected(url) as connection:
        await connection.execute("INSERT INTO migrations (version, serves_from) VALUES (98, 2)")
        async with opened(url) as again:
            await again.record(write(scored(1)))
        await connection.execute("INSERT INTO migrations (version, serves_from) VALUES (99, 97)")
        assert "it takes schema 97 to serve it" in await refusal(url)
        await connection.execute("DELETE FROM migrations WHERE version > 90")
        assert len((await everything(store))[0]) == 1


async def test_whoever_comes_first_makes_the_tables(old_url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        stores = await asyncio.gather(*(stack.enter_async_context(opened(old_url)) for _ in range(3)))
        assert len({store.store_id for store in stores}) == 1
        await stores[0].record(write(scored(1)))
        assert len((await everything(stores[2]))[0]) == 1


# --- Another server ---


async def test_a_store_that_is_restored_elsewhere_keeps_its_history_and_is_another_store(
    url: str, durable: Server
) -> None:
    server().execute("DO $$BEGIN FOR i IN 1..5000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END$$")
    async with opened(url) as store:
        identity = store.store_id
        await store.record(write(scored(1, distribution="1"), unscored(2)))
        then = datetime.now(UTC)
        at_then = await state_at(store)
        for revision in range(2, 20):
            await store.record(write(scored(1, revision=revision), scored(revision)))
        state = await everything(store)
        await store.keep(KeptSnapshot(b"of these tables", at_then.revision, [b"content"]))
        assert await store.kept(b"of these tables") is not None
    # There, transactions have lower numbers, and one that is nothing to the store runs on.
    async with connected(durable.url()) as other, other.transaction():
        await other.fetchval("SELECT pg_current_xact_id()")
        durable.restore("restored", server().dump(url.partition("@/")[2].partition("?")[0]))
        async with opened(durable.url("restored")) as restored, watching(restored) as watcher:
            assert restored.store_id != identity
            assert await restored.kept(b"of these tables") is None
            assert await everything(restored) == state
            assert (await state_at(restored, await restored.revision_at(then))).state == at_then.state
            before = await state_at(restored)
            written = await restored.record(write(scored(1, revision=99)))
            await watcher.reach(written)
            assert not before.revision.covers(written.revision)
            assert await state_at(restored, before.revision) == before
            assert await restored.revision_at(datetime.now(UTC)) == written.revision
    async with opened(durable.url("restored")) as again:
        assert again.store_id == restored.store_id


async def test_a_store_that_is_moved_while_it_is_open_is_not_gone_on_with(url: str) -> None:
    async with opened(url) as store, connected(url) as connection:
        await store.record(write(scored(1)))
        await connection.execute("UPDATE store SET cluster = 'elsewhere'")
        with pytest.raises(PlayscoreError) as raised:
            async for _ in store.follow(NOTHING):
                pass
        assert "restart to use it" in raised.value.detail
        async with opened(url) as moved:
            assert moved.store_id != store.store_id
            assert len((await everything(moved))[0]) == 1
