"""A shared store is dumped while it is written to, restored as another one, and says what is wrong with it."""

from __future__ import annotations

import asyncio
import itertools
import os
import shlex
import signal
import sys
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
    with pytest.raises(PlayscoreError, match="a store already exists there; pass --replace"):
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
    file, name, target = await backed_up_and_restored(tmp_path)
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


async def backed_up_and_restored(path: Path) -> tuple[Path, str, Backups]:
    """A backup of the store in `path`, the database that it was restored into, and the backups of that."""
    file = path / "monday.dump"
    await asyncio.to_thread(backups_of(postgres_url(path / "s")).back_up, file, untold)
    name = database()
    target = backups_of(server().url(name))
    await asyncio.to_thread(restored, target, file)
    return file, name, target


RESTORE = """
import pathlib, sys
from aggregator.backup import backups_of
backups_of(sys.argv[1]).restore(pathlib.Path(sys.argv[2]), replace=True, progress=lambda done, of: None)
"""


def failing_pg_restore(path: Path, sent: str, end: str) -> Path:
    """The folder of a pg_restore that sends a part of a backup's statements, and then ends in another way."""
    program = path / "bin" / "pg_restore"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
PATH={shlex.quote(os.environ["PATH"])}
case $1 in
--file=-) pg_restore "$@" | {sent}; {end};;
*) exec pg_restore "$@";;
esac
"""
    )
    program.chmod(0o755)
    return program.parent


@pytest.mark.parametrize("sent", ["head -c 0", "head -n 300", "cat"], ids=["nothing", "a part", "everything"])
async def test_a_restore_that_is_killed_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    stood = await filled(tmp_path / "s")
    file, name, target = await backed_up_and_restored(tmp_path)
    async with opening(lambda _: PostgresStore(server().url(name), ROLES))(tmp_path) as store:
        await store.record(write(scored("after the backup")))
        before, identity = await state_at(store), store.store_id
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{failing_pg_restore(tmp_path, sent, 'kill -KILL $PPID')}{os.pathsep}{path}")
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", RESTORE, server().url(name), str(file))
    assert await killed.wait() == -signal.SIGKILL
    monkeypatch.setenv("PATH", path)
    async with opening(lambda _: PostgresStore(server().url(name), ROLES))(tmp_path) as store:
        assert store.store_id == identity
        assert (await state_at(store)).state == before.state
    await asyncio.to_thread(restored, target, file, replace=True)
    async with opening(lambda _: PostgresStore(server().url(name), ROLES))(tmp_path) as store:
        assert (await state_at(store)).state == stood.state


async def test_a_restore_whose_pg_restore_fails_is_not_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stood = await filled(tmp_path / "s")
    file, name, target = await backed_up_and_restored(tmp_path)
    failing = failing_pg_restore(tmp_path, "cat", "kill -KILL $$")
    monkeypatch.setenv("PATH", f"{failing}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(PlayscoreError, match="not restored: pg_restore was ended"):
        await asyncio.to_thread(restored, target, file, replace=True)
    async with opening(lambda _: PostgresStore(server().url(name), ROLES))(tmp_path) as store:
        assert (await state_at(store)).state == stood.state


async def test_a_backup_of_a_newer_release_replaces_nothing(tmp_path: Path) -> None:
    await filled(tmp_path / "s")
    _, name, target = await backed_up_and_restored(tmp_path)
    server().execute("INSERT INTO playscore.migrations VALUES (99, 99)", name)
    dump = (server().programs / "pg_dump", "--format=custom", "--schema=playscore", "--file", tmp_path / "newer.dump")
    dumping = await asyncio.create_subprocess_exec(*map(str, dump), server().url(name))
    assert await dumping.wait() == 0
    server().execute("DELETE FROM playscore.migrations WHERE version = 99", name)
    with pytest.raises(PlayscoreError, match="not restored: a newer release wrote the backup"):
        await asyncio.to_thread(restored, target, tmp_path / "newer.dump", replace=True)
    assert await asyncio.to_thread(target.check) == []


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("DELETE FROM playscore.supports", "its support 's' is missing"),
        ("INSERT INTO playscore.distributions VALUES (9999, '', '')", "distributions 9999: there is no such score"),
        ("UPDATE playscore.superseded_scores SET since = until", "begins before that of the state before it"),
        ("UPDATE playscore.scores SET outcome = '{'", "measures, attributes or outcome are not JSON"),
    ],
)
async def test_check_reports_each_kind_of_damage(tmp_path: Path, script: str, says: str) -> None:
    await filled(tmp_path / "s")
    _, name, target = await backed_up_and_restored(tmp_path)
    server().execute(script, name)
    found = await asyncio.to_thread(target.check)
    assert any(says in problem for problem in found)


async def test_the_programs_are_named_where_they_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(tmp_path / "s")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PlayscoreError, match="pg_dump is not on the PATH"):
        await asyncio.to_thread(backups_of(postgres_url(tmp_path / "s")).back_up, tmp_path / "f", untold)
    assert not (tmp_path / "f").exists()
