"""What the embedded store does on top of what every store promises: it lasts, and it says what is wrong with a file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.core.records import PlayKey, Unscored
from aggregator.core.revision import Revision
from aggregator.sqlite import SqliteStore
from playscore.errors import PlayscoreError, Reason
from playscore.passing import PASSER
from playscore.shots import GOALIE
from playscore.subjects import Role, Subject
from tests.unit.aggregator.scores import scored
from tests.unit.aggregator.stores import State, counts, everything, write

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


# --- For good ---

STORM = """
import asyncio, sys
from pathlib import Path
from aggregator.core.recording import Write
from aggregator.core.revision import Revision
from aggregator.sqlite import SqliteStore
from playscore.passing import PASSER
from playscore.shots import GOALIE
from tests.unit.aggregator.scores import scored

async def main():
    store = SqliteStore(Path(sys.argv[1]), [PASSER])
    await store.open()
    async def caller(number):
        play = 0
        while True:
            records = {part: scored(f"{number}-{play}-{part}") for part in range(3)}
            await store.record(Write(f"{number}-{play}", b"", records))
            print(f"{number}-{play}", flush=True)
            play += 1
    await asyncio.gather(*map(caller, range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 40, 400])
def test_what_was_answered_survives_being_killed(tmp_path: Path, lines: int) -> None:
    command = [sys.executable, "-c", STORM, str(tmp_path / "s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as storm:
        assert storm.stdout is not None
        answered = [storm.stdout.readline() for _ in range(lines)]
        storm.send_signal(signal.SIGKILL)
        answered += [line for line in storm.stdout if line.endswith("\n")]
    scores, _ = asyncio.run(state_of(tmp_path / "s"))
    requests = {line.strip() for line in answered}
    kept = {stands.play.play_id for stands in scores}
    assert {f"{request}-{part}" for request in requests for part in range(3)} <= kept
    # A request is written whole or not at all.
    assert all(f"{play.rsplit('-', 1)[0]}-{part}" in kept for play in kept for part in range(3))


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


async def test_a_newer_releases_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path / "s"):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "s")) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "version 99" in (await refusal(tmp_path / "s")).detail


async def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 1000)
    assert "not a database" in (await refusal(tmp_path / "text")).detail
    with contextlib.closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "something else" in (await refusal(tmp_path / "other")).detail
    (tmp_path / "folder").mkdir()
    await refusal(tmp_path / "folder")


async def test_a_full_disk_refuses_what_does_not_fit_and_loses_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        assert store._writer is not None
        connection = store._writer._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        big = write(*(scored(number, subject="p" * 100) for number in range(2000)))
        with pytest.raises(PlayscoreError) as raised:
            await store.record(big)
        assert raised.value.reason is Reason.STORE_UNAVAILABLE
        assert raised.value.retry_after_seconds
        assert await everything(store) == ([scored(1)], [])
        connection.execute("PRAGMA max_page_count = 1000000")
        assert counts(await store.record(big)) == (2000, 0, 0, 0)


async def test_a_caller_who_leaves_takes_nobody_with_them(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        leaving = asyncio.create_task(store.record(write(scored(1))))
        await asyncio.sleep(0)
        leaving.cancel()
        assert counts(await store.record(write(scored(2)))) == (1, 0, 0, 0)
        assert len((await everything(store))[0]) == 2
