"""A shared store is dumped while it is written to, restored as another one, and says what is wrong with it."""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path

import pytest

from aggregator.backup import Backups, backups_of
from aggregator.core.revision import Revision
from aggregator.postgres import PostgresStore
from playscore.errors import PlayscoreError
from tests.postgres import server
from tests.unit.aggregator.scores import scored, unscored
from tests.unit.aggregator.stores import ROLES, Stood, opening, postgres, postgres_url, state_at, write

opened = opening(postgres)
_databases = itertools.count()


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump and pg_restore are those of the server."""
    monkeypatch.setenv("PATH", f"{server().programs}{os.pathsep}{os.environ['PATH']}")


def untold(done: int, of: int) -> None:
    assert 0 <= done <= of


def database() -> str:
    """A new and empty one."""
    name = f"restored_{next(_databases)}"
    server().execute(f"CREATE DATABASE {name}")
    return name


async def filled(path: Path) -> Stood:
    async with opened(path) as store:
        first = [scored(play, distribution="1", support="s") for play in range(20)]
        await store.record(write(*first, unscored(40), supports={"s": b"edges"}))
        await store.record(write(*(scored(play, revision=2) for play in range(5)), unscored(2, revision=2)))
        return await state_at(store)


def restored(backups: Backups, file: Path, *, replace: bool = False) -> None:
    backups.restore(file, replace=replace, progress=untold)


async def test_a_backup_is_restored_as_another_store_with_all_its_states(tmp_path: Path) -> None:
    stood = await filled(tmp_path / "s")
    file = tmp_path / "backups" / "monday.dump"
    async with opened(tmp_path / "s") as store:
        identity = store.store_id
        early = Revision(stood.revision.end - 1, stood.revision.missing)
        earlier = await state_at(store, early)
        await asyncio.to_thread(backups_of(postgres_url(tmp_path / "s")).back_up, file, untold)
        await store.record(write(scored(99)))
    name = database()
    target = backups_of(server().url(name))
    await asyncio.to_thread(restored, target, file)
    assert await asyncio.to_thread(target.check) == []
    with pytest.raises(PlayscoreError, match="it is there already"):
        await asyncio.to_thread(restored, target, file)
    await asyncio.to_thread(restored, target, file, replace=True)
    store = PostgresStore(server().url(name), ROLES)
    await store.open()
    try:
        assert store.store_id != identity
        assert (await state_at(store)).state == stood.state
        assert (await state_at(store, early)).state == earlier.state
        with pytest.raises(PlayscoreError, match="an aggregator has it open"):
            await asyncio.to_thread(restored, target, file, replace=True)
        await store.record(write(scored(100)))
    finally:
        await store.close()


async def test_what_cannot_be_read_is_not_restored_and_what_was_there_stays(tmp_path: Path) -> None:
    stood = await filled(tmp_path / "s")
    file = tmp_path / "monday.dump"
    await asyncio.to_thread(backups_of(postgres_url(tmp_path / "s")).back_up, file, untold)
    name = database()
    target = backups_of(server().url(name))
    await asyncio.to_thread(restored, target, file)
    cut = tmp_path / "cut.dump"
    cut.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(PlayscoreError, match="pg_restore"):
        await asyncio.to_thread(restored, target, cut, replace=True)
    other = tmp_path / "other.dump"
    other.write_text("no dump at all")
    with pytest.raises(PlayscoreError, match="pg_restore"):
        await asyncio.to_thread(restored, target, other, replace=True)
    store = PostgresStore(server().url(name), ROLES)
    await store.open()
    assert (await state_at(store)).state == stood.state
    await store.close()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("DELETE FROM playscore.supports", "its support 's' is not there"),
        ("INSERT INTO playscore.distributions VALUES (9999, '', '')", "distributions 9999: there is no such score"),
        ("UPDATE playscore.superseded_scores SET since = until", "begins before that of the state before it"),
        ("UPDATE playscore.scores SET outcome = '{'", "measures, attributes or outcome are no JSON"),
    ],
)
async def test_what_is_wrong_is_said(tmp_path: Path, script: str, says: str) -> None:
    await filled(tmp_path / "s")
    file = tmp_path / "monday.dump"
    await asyncio.to_thread(backups_of(postgres_url(tmp_path / "s")).back_up, file, untold)
    name = database()
    target = backups_of(server().url(name))
    await asyncio.to_thread(restored, target, file)
    server().execute(script, name)
    found = await asyncio.to_thread(target.check)
    assert any(says in problem for problem in found)


async def test_the_programs_are_named_where_they_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(tmp_path / "s")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PlayscoreError, match="pg_dump is not on the PATH"):
        await asyncio.to_thread(backups_of(postgres_url(tmp_path / "s")).back_up, tmp_path / "f", untold)
    assert not (tmp_path / "f").exists()
