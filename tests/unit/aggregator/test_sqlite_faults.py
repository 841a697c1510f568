"""The embedded store when its file, disk, neighbors or clock fail it: an error that says so, and no wrong answer."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import aggregator.sqlite.file
import aggregator.sqlite.reading
import aggregator.sqlite.writing
from aggregator.core.records import PlayRecord
from aggregator.core.revision import Revision
from aggregator.sqlite import SqliteStore
from aggregator.sqlite.writing import ANSWERS_KEPT_SECONDS
from playscore.errors import PlayscoreError, Reason
from playscore.passing import PASSER
from tests.unit.aggregator.scores import scored, unscored
from tests.unit.aggregator.stores import State, counts, erasing, everything, followed, state_at, write
from tests.unit.aggregator.test_previous_release import previous


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, [PASSER])
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def unavailable() -> Iterator[pytest.ExceptionInfo[PlayscoreError]]:
    with pytest.raises(PlayscoreError) as raised:
        yield raised
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    assert raised.value.retry_after_seconds


# --- A full disk ---


async def test_a_full_disk_refuses_what_does_not_fit_and_loses_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        assert store._writer is not None
        connection = store._writer._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        big = write(*(scored(number, subject="p" * 100) for number in range(2000)))
        with unavailable():
            await store.record(big)
        assert await everything(store) == ([scored(1)], [])
        connection.execute("PRAGMA max_page_count = 1000000")
        assert counts(await store.record(big)) == (2000, 0, 0, 0)


# --- A locked file ---


async def test_a_file_that_another_process_has_locked_refuses_writes_until_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregator.sqlite.file, "BUSY_SECONDS", 0.05)
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        with contextlib.closing(sqlite3.connect(tmp_path / "s", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = [write(scored(play)) for play in range(2, 30)]
            answers = await asyncio.gather(*map(store.record, waiting), return_exceptions=True)
            assert {answer.reason for answer in answers if isinstance(answer, PlayscoreError)} == {
                Reason.STORE_UNAVAILABLE
            }
            assert all("locked" in str(answer) for answer in answers)
            assert await everything(store) == ([scored(1)], [])
            other.execute("COMMIT")
        for each in waiting:
            assert counts(await store.record(each)) == (1, 0, 0, 0)


# --- A corrupt file ---


async def test_a_corrupt_file_is_refused_or_answered_rightly_never_wrongly(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with opened(path) as store:
        for revision in (1, 2):
            await store.record(write(*(scored(play, distribution="1", revision=revision) for play in range(300))))
            await store.record(write(*(unscored(play, revision=revision) for play in range(300, 400))))
        then = await state_at(store)
        await store.record(write(*(scored(play, revision=3) for play in range(50))))
        state = await everything(store)
    whole = path.read_bytes()
    chance = random.Random(4)
    refused = 0
    for place in chance.sample(range(0, len(whole), 4096), 16):
        path.write_bytes(whole[:place] + chance.randbytes(4096) + whole[place + 4096 :])
        refused += await is_refused(path, state, then.revision, then.state)
    path.write_bytes(whole[: len(whole) // 8192 * 4096])
    refused += await is_refused(path, state, then.revision, then.state)
    assert refused >= 12  # the other pages are free, or of what is not read here
    path.write_bytes(whole)
    assert not await is_refused(path, state, then.revision, then.state)


async def is_refused(path: Path, state: State, then: Revision, state_then: State) -> bool:
    try:
        async with opened(path) as store:
            assert await everything(store) == state
            assert (await state_at(store, then)).state == state_then
    except PlayscoreError as error:
        assert error.reason is Reason.STORE_UNAVAILABLE
        return True
    return False


# --- A file that is gone ---


@pytest.mark.parametrize("lost", ["s", "s-wal"])
async def test_nothing_is_acknowledged_into_a_file_that_is_gone_and_it_may_come_back(tmp_path: Path, lost: str) -> None:
    path, away = tmp_path / lost, tmp_path / "away"
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        follower = asyncio.create_task(following(store))
        path.rename(away)
        late = write(scored(2))
        with unavailable():
            await store.record(late)
        with unavailable():
            await follower
        with unavailable() as refused:
            await everything(store)
        assert str(tmp_path / "s") in refused.value.detail
        path.write_bytes(away.read_bytes())  # the same content, and yet another file
        with unavailable() as refused:
            await store.record(late)
        assert "the file was replaced while it was open" in refused.value.detail
        away.rename(path)
        assert counts(await store.record(late)) == (1, 0, 0, 0)
        assert await everything(store) == ([scored(1), scored(2)], [])


async def following(store: SqliteStore) -> None:
    async for _ in store.follow((await followed(store)).revision):
        pass


# --- A clock that moves back ---


async def test_a_clock_that_moves_back_takes_neither_times_nor_answers_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()

    def set_clock(seconds: float) -> None:
        monkeypatch.setattr(aggregator.sqlite.writing, "_clock_us", lambda: round((now + seconds) * 1e6))

    def at(seconds: float) -> datetime:
        return datetime.fromtimestamp(now, UTC) + timedelta(seconds=seconds)

    async with opened(tmp_path / "s") as store:
        set_clock(3600)
        first = await store.record(write(scored(1), request_id="a"))
        set_clock(-ANSWERS_KEPT_SECONDS)
        second = await store.record(write(scored(2), request_id="b"))
    async with opened(tmp_path / "s") as store:
        third = await store.record(write(scored(3), request_id="c"))
        assert await store.revision_at(at(3599)) == Revision(1)
        assert await store.revision_at(at(3601)) == third.revision
        times = times_of(tmp_path / "s")
        assert times == sorted(set(times))
        # Kept by the same clock as they are forgotten: none before its time.
        set_clock(3600 + ANSWERS_KEPT_SECONDS - 1)
        assert await store.record(write(request_id="a")) == first
        assert await store.record(write(request_id="b")) == second
        set_clock(3600 + ANSWERS_KEPT_SECONDS + 1)
        assert await store.record(write(request_id="a")) != first


async def test_a_time_that_was_asked_for_has_its_state_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "s") as store:
        first = await store.record(write(scored(1)))
        now = datetime.now(UTC)
        assert await store.revision_at(now) == first.revision
        monkeypatch.setattr(aggregator.sqlite.writing, "_clock_us", lambda: 0)
        later = await store.record(write(scored(2)))
        assert await store.revision_at(now) == first.revision
        assert await store.revision_at(now + timedelta(seconds=1)) == later.revision


def times_of(path: Path) -> list[int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [us for (us,) in connection.execute("SELECT time_us FROM commits ORDER BY seq")]


# --- A slow reader ---


async def test_the_log_stays_bounded_beside_a_slow_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bound = 1 << 19
    monkeypatch.setattr(aggregator.sqlite.file, "LOG_BYTES", bound)
    monkeypatch.setattr(aggregator.sqlite.reading, "PIECE_ROWS", 100)
    log = tmp_path / "s-wal"

    async def write_much(store: SqliteStore, revision: int) -> int:
        """Thousands of records, and the largest that the log has been."""
        largest = 0
        for start in range(0, 2000, 50):
            await store.record(write(*(scored(play, revision=revision) for play in range(start, start + 50))))
            largest = max(largest, log.stat().st_size)
        return largest

    async with opened(tmp_path / "s") as store:
        await write_much(store, 1)
        then = await state_at(store)
        slow, came = store.state(), 0
        async for piece in slow:
            came += len(piece.scores.numbers) if piece.scores else 0
            if came in (500, 1500):
                assert await write_much(store, 1 + came) < 2 * bound
        assert came == 2000
        assert (await state_at(store, then.revision)) == then
        # Whoever leaves an open transaction from outside makes it grow; it shrinks again without a hand.
        with contextlib.closing(sqlite3.connect(tmp_path / "s", isolation_level=None)) as outside:
            outside.execute("BEGIN")
            outside.execute("SELECT count(*) FROM scores").fetchone()
            assert await write_much(store, 2001) > 2 * bound
        await write_much(store, 2002)
        assert log.stat().st_size < 2 * bound


# --- Erased for good ---


async def test_nothing_of_an_erased_player_is_left_in_any_file(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    path = folder / "s"
    chance = random.Random(11)
    revisions: dict[int, int] = {}

    def some() -> list[PlayRecord]:
        records: list[PlayRecord] = []
        for _ in range(40):
            play = chance.randrange(150)
            revisions[play] = revisions.get(play, 0) + 1
            whose, name = chance.choice([("Erin-4711", "Erin Secret"), ("p2", ""), ("p3", "")])
            if chance.random() < 0.2:
                detail = chance.choice(["no pass", "passer_id is 'Erin-4711'; no roster names that player"])
                records.append(unscored(play, revision=revisions[play], detail=detail))
            else:
                filler, target = "f" * chance.randrange(200), chance.choice(["Erin-4711", "p4"])
                more = {"target_id": target, "filler": filler, "distribution": "1" * chance.randrange(1, 300)}
                records.append(scored(play, subject=whose, name=name, revision=revisions[play], **more))
        return records

    def found() -> dict[str, int]:
        contents = {file.name: file.read_bytes() for file in folder.iterdir()}
        return {name: content.count(b"Erin") for name, content in contents.items() if b"Erin" in content}

    await previous(path, some(), some())  # which does not overwrite what it deletes
    async with opened(path) as store:
        for _ in range(10):
            await store.record(write(*some(), supports={}))
        hers = [scored(500, play_score, subject="Erin-4711", name="Erin Secret") for play_score in (0.1, 0.9)]
        (refused,) = (await store.record(write(*hers))).rejected  # as a part of the kept answer
        assert refused.subjects == (hers[0].score.subject,)
        assert found()
        await store.erase(erasing("Erin-4711", mentions="target_id"))
        assert not found()
        assert (await store.record(write(scored(999, subject="Erin-4711", name="Erin Secret")))).rejected
        assert not found()
        await store.erase(erasing(None))
        assert await everything(store) == ([], [])
        assert not any(b"p2" in file.read_bytes() for file in folder.iterdir())


async def test_an_erasure_is_not_answered_while_an_earlier_state_is_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregator.sqlite.file, "BUSY_SECONDS", 0.05)
    asked = erasing("p1")
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1), scored(2, subject="p2")))
        with contextlib.closing(sqlite3.connect(tmp_path / "s", isolation_level=None)) as outside:
            outside.execute("BEGIN")
            outside.execute("SELECT count(*) FROM scores").fetchone()
            with unavailable() as refused:
                await store.erase(asked)
            assert "an earlier state is still being read" in refused.value.detail
            assert await everything(store) == ([scored(2, subject="p2")], [])
        await store.erase(asked)
        assert len(await store.operations()) == 1
