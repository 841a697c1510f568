"""What the embedded store does on top of what every store promises: it lasts, and it says what is wrong with a file."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.backup import backups_of
from aggregator.core.records import PlayKey, PlayRecord, Unscored
from aggregator.core.revision import Revision
from aggregator.sqlite import SqliteStore
from playscore.errors import PlayscoreError, Reason
from playscore.passing import PASSER
from playscore.shots import GOALIE
from playscore.subjects import Role, Subject
from tests.unit.aggregator.scores import scored, unscored
from tests.unit.aggregator.stores import State, counts, everything, followed, ordered, write
from tests.unit.aggregator.test_stores import what_should_stand

ROOT = Path(__file__).parents[3]


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, [PASSER])
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def state_of(path: Path) -> State:
    async with opened(path) as store:
        return await everything(store)


async def test_a_write_whose_caller_left_before_it_began_is_not_made(tmp_path: Path) -> None:
    free = threading.Event()
    async with opened(tmp_path / "scores.sqlite") as store:
        holding = asyncio.create_task(store._done(lambda _: free.wait()))
        left, stayed = (asyncio.create_task(store.record(write(scored(play)))) for play in ("1", "2"))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        free.set()
        await holding
        assert (await stayed).inserted == 1
        assert len((await everything(store))[0]) == 1


# --- For good ---

STORM_REQUESTS = 10_000
STORM = """
import asyncio, itertools, sys
from pathlib import Path
from aggregator.core.recording import Write
from aggregator.sqlite import SqliteStore
from playscore.passing import PASSER
from tests.unit.aggregator.test_sqlite import storm_records

async def main(path, unanswered):
    store = SqliteStore(path, [PASSER])
    await store.open()
    numbers = iter(unanswered)
    async def caller():
        for number in numbers:
            await store.record(Write(f"{number}", b"", dict(enumerate(storm_records(number)))))
            print(number, flush=True)
    await asyncio.gather(*(caller() for _ in range(64)))
    await store.close()

asyncio.run(main(Path(sys.argv[1]), map(int, sys.stdin.read().split())))
"""


def storm_records(number: int) -> list[PlayRecord]:
    """What a request writes: corrections of the same plays, in whatever order they come to be written."""
    play, revision = number % 1500, number // 1500
    subject = f"p{revision % 2}"
    graded = scored(play, revision / 100, subject=subject, revision=1 + revision // 2, outcome_revision=revision % 2)
    if number % 13 == 0:
        return [unscored(play, revision=1 + revision // 2, outcome_revision=revision % 2)]
    return [graded, scored(f"{number}-alone", distribution=f"{number}")]


def test_ten_thousand_writes_have_one_effect_each_though_the_process_is_killed_at_any_moment(tmp_path: Path) -> None:
    path, chance = tmp_path / "s", random.Random(7)
    answered: set[int] = set()
    kills = [1, *(chance.randrange(2, 2000) for _ in range(7)), STORM_REQUESTS]
    for lines in kills:
        unanswered = " ".join(str(number) for number in range(STORM_REQUESTS) if number not in answered)
        command = [sys.executable, "-c", STORM, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as storm:
            assert storm.stdin is not None
            assert storm.stdout is not None
            storm.stdin.write(unanswered)
            storm.stdin.close()
            heard = list(itertools.islice(storm.stdout, lines))
            storm.send_signal(signal.SIGKILL)
            heard += [line for line in storm.stdout if line.endswith("\n")]
        answered |= set(map(int, heard))
        stored = requests_of(path)
        assert answered <= stored.keys()
        # A request is written whole or not at all, and once, however often it comes.
        assert sum(stored.values()) == changes_of(path)
    assert len(answered) == STORM_REQUESTS
    scores, plays = asyncio.run(state_of(path))
    by_play: defaultdict[PlayKey, list[PlayRecord]] = defaultdict(list)
    for record in itertools.chain.from_iterable(map(storm_records, range(STORM_REQUESTS))):
        by_play[record.play].append(record)
    expected = [what_should_stand(records) for records in by_play.values()]
    assert scores == ordered(itertools.chain.from_iterable(scored_then for scored_then, _ in expected))
    assert plays == ordered(itertools.chain.from_iterable(plays_then for _, plays_then in expected))


def requests_of(path: Path) -> dict[int, int]:
    """Of each request that was written, how many records it put."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT request_id, inserted + replaced FROM requests").fetchall()
    return {int(request): put for request, put in rows}


def changes_of(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("SELECT count(*) FROM changes WHERE kind <> 'withdrawn'").fetchone()
    return int(number)


# --- Files of older releases ---

VERSION_1 = """
CREATE TABLE store (id TEXT NOT NULL) STRICT;
CREATE TABLE scores (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    league TEXT NOT NULL,
    game_id TEXT NOT NULL,
    play_id TEXT NOT NULL,
    role INTEGER NOT NULL,
    model TEXT NOT NULL,
    model_version INTEGER NOT NULL,
    subject_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    outcome_revision INTEGER NOT NULL,
    subject_name TEXT NOT NULL,
    team_id TEXT NOT NULL,
    measures TEXT NOT NULL,    -- JSON object, keys sorted
    attributes TEXT NOT NULL,  -- JSON object, keys sorted, without what is not known
    UNIQUE (league, game_id, play_id, role, model, model_version, subject_id)
) STRICT;
CREATE TABLE unscored (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    league TEXT NOT NULL,
    game_id TEXT NOT NULL,
    play_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    reason INTEGER NOT NULL,   -- number of playscore.tracking.v1.Reason
    detail TEXT NOT NULL,
    subjects TEXT NOT NULL,    -- JSON list of [role, subject_id, name, team_id]
    UNIQUE (league, game_id, play_id)
) STRICT;
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('score', 'withdrawn', 'unscored')),
    item INTEGER NOT NULL      -- id in scores or in unscored
) STRICT;
CREATE TABLE requests (
    request_id TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    inserted INTEGER NOT NULL,
    replaced INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    stale INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    refused TEXT NOT NULL,     -- JSON list of [index, in_unscored, name of the reason, detail]
    seq INTEGER NOT NULL,
    recorded_unix REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (recorded_unix);
INSERT INTO store VALUES ('the store');
PRAGMA application_id = 0x706C6179;
PRAGMA user_version = 1;
"""
OLD_ATTRIBUTES = {
    "depth": "behind_line",
    "down": 3,
    "passer_depth": 7.5,
    "passer_lateral": -1.0,
    "passer_speed": 2.0,
    "target_separation": 3.5,
    "time_to_throw": 2.5,
}
NEW_ATTRIBUTES: dict[str, Any] = {
    "depth": "PASS_DEPTH_BEHIND_LINE",
    "down": 3,
    "passer_depth_yards": 7.5,
    "passer_lateral_yards": -1.0,
    "passer_speed_yards_per_second": 2.0,
    "target_separation_yards": 3.5,
    "time_to_throw_seconds": 2.5,
}
SUBJECTS = '[[1,"","","KC"]]'
MEASURES = '{"expected_yards":6.0,"play_score":0.5,"yards_gained":5.0}'


def write_version_1(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
        for item, attributes, revision in ((1, OLD_ATTRIBUTES, 1), (7, {}, 4)):
            connection.execute(
                "INSERT INTO scores VALUES (?, 'SIM', 'g1', ?, 1, 'passing', 1, 'p1', ?, 2, 'P. One', '', ?, ?)",
                (item, str(item), revision, MEASURES, json.dumps(attributes)),
            )
        connection.execute("DELETE FROM scores WHERE id = 7")
        connection.execute(
            "INSERT INTO unscored VALUES (3, 'SIM', 'g1', '7', 5, 41, 'a sack', '[[1,\"\",\"\",\"KC\"]]')"
        )
        connection.executemany(
            "INSERT INTO changes VALUES (?, ?, ?)",
            [(1, "score", 1), (2, "score", 7), (3, "unscored", 3), (4, "withdrawn", 7)],
        )
        connection.execute("INSERT INTO requests VALUES ('again', x'00', 1, 0, 0, 0, 0, '[]', 4, 1e12)")
        connection.commit()


async def test_a_store_of_version_1_becomes_one_of_this_release(tmp_path: Path) -> None:
    write_version_1(tmp_path / "s")
    kept = scored(1, outcome_revision=2, name="P. One", **NEW_ATTRIBUTES)
    nullified = Unscored(PlayKey("SIM", "g1", "7"), 1, 5, 0, 41, "a sack", (Subject(PASSER, "", "", "KC"),))
    for _ in range(2):  # as it is migrated, and once more as it is then
        async with opened(tmp_path / "s") as store:
            assert store.store_id == "the store"
            assert await everything(store) == ([kept], [nullified])
    async with opened(tmp_path / "s") as store:
        assert counts(await store.record(write(kept, nullified))) == (0, 0, 2, 0)
        assert counts(await store.record(write(scored(7, revision=4)))) == (0, 0, 0, 1)
        # Numbers are not given twice, and kept answers, which no request of today's contract can ask for, are gone.
        written = await store.record(write(scored(8), scored(9, None, distribution="1"), request_id="again"))
        assert (counts(written), written.revision) == ((2, 0, 0, 0), Revision(7))
        async for changes in store.follow(Revision(5)):
            assert [number for number, _ in changes.scores] == [8, 9]
            break


async def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    write_version_1(tmp_path / "s")
    with contextlib.closing(sqlite3.connect(tmp_path / "s")) as connection:
        connection.execute("UPDATE scores SET attributes = 'no JSON'")
        connection.commit()
    await refusal(tmp_path / "s")
    with contextlib.closing(sqlite3.connect(tmp_path / "s")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM scores").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM requests").fetchone() == (1,)


async def test_scores_of_a_role_that_this_release_does_not_know_are_kept(tmp_path: Path) -> None:
    later = SqliteStore(tmp_path / "s", [PASSER, GOALIE])
    await later.open()
    await later.record(write(scored(1, role=GOALIE), scored(2)))
    await later.close()
    scores, _ = await state_of(tmp_path / "s")
    assert {record.score.subject.role for record in scores} == {PASSER, Role(3, "role 3")}


# --- What goes wrong ---


async def refusal(path: Path) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as raised:
        await SqliteStore(path, [PASSER]).open()
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    assert str(path) in raised.value.detail
    return raised.value


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path / "s"):
        assert "has it open" in (await refusal(tmp_path / "s")).detail
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))


async def test_a_second_aggregator_is_refused_whatever_name_it_has_for_the_file(tmp_path: Path) -> None:
    store, there = tmp_path / "s", tmp_path / "there"
    there.mkdir()
    (there / "symbolic").symlink_to(store)
    (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
    async with opened(store) as first:
        (there / "hard").hardlink_to(store)
        for name in (there / "symbolic", tmp_path / "folder" / "s"):
            with pytest.raises(PlayscoreError, match="has it open"):
                await SqliteStore(name, [PASSER]).open()
        assert "has it open by another name" in (await refusal(there / "hard")).detail
        (tmp_path / "s-lock").unlink()  # which somebody took for a leftover
        assert "has it open by another name" in (await refusal(store)).detail
        assert counts(await first.record(write(scored(1)))) == (1, 0, 0, 0)
    assert [path.name for path in sorted(there.iterdir())] == ["hard", "hard-lock", "symbolic"]


async def test_a_file_with_two_names_is_refused_because_each_would_have_a_log_of_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        (tmp_path / "link").hardlink_to(tmp_path / "s")
    for name in ("s", "link"):
        assert "it has 2 names (hard links)" in (await refusal(tmp_path / name)).detail
    (tmp_path / "link").unlink()
    async with opened(tmp_path / "s") as store:
        assert await everything(store) == ([scored(1)], [])


async def test_a_symbolic_link_names_the_store_that_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "s").symlink_to(tmp_path / "data" / "s")
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        assert (tmp_path / "data" / "s-wal").stat().st_size
    async with opened(tmp_path / "data" / "s") as store:
        assert await everything(store) == ([scored(1)], [])
    backups = backups_of(f"sqlite:///{tmp_path / 's'}")
    backups.back_up(tmp_path / "backup", lambda *_: None)
    backups.restore(tmp_path / "backup", replace=True, progress=lambda *_: None)
    assert (tmp_path / "s").is_symlink()
    async with opened(tmp_path / "data" / "s") as store:
        assert await everything(store) == ([scored(1)], [])


async def test_a_try_writes_a_page_and_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        written = await store.record(write(scored(1)))
        before = (tmp_path / "s-wal").stat().st_size
        await store.probe()
        assert (tmp_path / "s-wal").stat().st_size > before
        assert (await followed(store)).revision == written.revision
        assert await everything(store) == ([scored(1)], [])


async def test_a_newer_releases_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path / "s"):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "s")) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "version 99" in (await refusal(tmp_path / "s")).detail


async def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 1000)
    assert (await refusal(tmp_path / "text")).detail == f"store {tmp_path / 'text'}: this is not a SQLite file"
    with contextlib.closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "a database of another program" in (await refusal(tmp_path / "other")).detail
    (tmp_path / "folder").mkdir()
    await refusal(tmp_path / "folder")


async def test_a_caller_who_leaves_takes_nobody_with_them(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        leaving = asyncio.create_task(store.record(write(scored(1))))
        await asyncio.sleep(0)
        leaving.cancel()
        assert counts(await store.record(write(scored(2)))) == (1, 0, 0, 0)
        assert scored(2) in (await everything(store))[0]
