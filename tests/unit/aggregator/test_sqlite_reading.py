"""A store file that is only read: beside whoever writes to it, and without a trace in it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.core.revision import NOTHING
from aggregator.sqlite import SqliteStore
from aggregator.sqlite.schema import SERVED_VERSION
from aggregator.stores import make_store
from playscore.errors import PlayscoreError, Reason
from playscore.passing import PASSER
from tests.unit.aggregator.scores import scored
from tests.unit.aggregator.stores import everything, write


@contextlib.asynccontextmanager
async def opened(path: Path, *, read_only: bool = False) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, [PASSER], read_only=read_only)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def filled(path: Path) -> Path:
    async with opened(path) as store:
        await store.record(write(scored("1"), scored("2")))
    return path


async def refusal(path: Path) -> str:
    with pytest.raises(PlayscoreError) as refused:
        async with opened(path, read_only=True):
            pass
    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    assert str(path) in refused.value.detail
    return refused.value.detail


async def test_a_reader_sees_the_store_and_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    path = await filled(tmp_path / "scores.sqlite")
    before = hashlib.sha256(path.read_bytes()).digest()
    async with opened(path) as writer:
        written = await everything(writer)
    async with opened(path, read_only=True) as reader:
        assert await everything(reader) == written
        with pytest.raises(PlayscoreError, match="reading only"):
            await reader.record(write(scored("3")))
    assert hashlib.sha256(path.read_bytes()).digest() == before


async def test_a_reader_keeps_no_writer_out_and_follows_what_it_writes(tmp_path: Path) -> None:
    path = await filled(tmp_path / "scores.sqlite")
    async with opened(path, read_only=True) as reader, opened(path) as writer:
        assert reader.store_id == writer.store_id
        following = reader.follow(NOTHING)
        seen = await anext(following)
        assert len(seen.scores) == 2
        await writer.record(write(scored("3")))
        async with asyncio.timeout(30):
            while not (piece := await anext(following)).scores:
                pass
        assert [score.play.play_id for _, score in piece.scores] == ["3"]


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "scores.sqlite"
    assert "there is no such file" in await refusal(path)
    assert not path.parent.exists()


async def test_what_is_no_store_is_told_apart(tmp_path: Path) -> None:
    text, empty, other = tmp_path / "text", tmp_path / "empty", tmp_path / "other"
    text.write_text("not a database " * 100)
    empty.touch()
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    assert await refusal(text) == f"store {text}: this is not a SQLite file"
    assert "no aggregator has opened it yet" in await refusal(empty)
    assert "a database of another program" in await refusal(other)


async def test_a_store_of_another_release_is_refused_and_not_migrated(tmp_path: Path) -> None:
    path = await filled(tmp_path / "scores.sqlite")
    for version, told in ((SERVED_VERSION - 1, "an older release wrote it"), (99, "a newer release wrote it")):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        assert told in await refusal(path)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (version,)


async def test_a_url_names_a_store_to_read(tmp_path: Path) -> None:
    path = await filled(tmp_path / "scores.sqlite")
    store = make_store(f"sqlite:///{path}", [PASSER], read_only=True)
    await store.open()
    try:
        assert store.store_id
    finally:
        await store.close()
