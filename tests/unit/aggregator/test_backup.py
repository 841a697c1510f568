"""A store is backed up while it runs, restored as another one, and says what is wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.backup import backups_of
from aggregator.commands.store import store as command
from aggregator.core.revision import Revision
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion
from tests.unit.aggregator.scores import scored, unscored
from tests.unit.aggregator.stores import Stood, everything, opening, sqlite, state_at, switching, write

opened = opening(sqlite)


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def untold(done: int, of: int) -> None:
    assert 0 <= done <= of


async def filled(path: Path) -> Stood:
    async with opened(path) as store:
        supports = {"s": b"edges"}
        first = [scored(play, distribution="1", support="s") for play in range(40)]
        await store.record(write(*first, *(unscored(play) for play in range(40, 50)), supports=supports))
        await store.record(write(*(scored(play, revision=2) for play in range(10)), unscored(20, revision=2)))
        await store.record(write(unscored(40, revision=2)))
        await store.switch(switching(ModelVersion("passing", 2)))
        return await state_at(store)


async def test_a_backup_is_one_state_of_a_store_that_is_written_to(tmp_path: Path) -> None:
    path, copy = tmp_path / "s", tmp_path / "backups" / "copy"
    await filled(path)
    backing_up = backups_of(url(path))
    async with opened(path) as store:
        going_on = True

        async def write_on() -> int:
            revision = 3
            while going_on:
                await store.record(write(*(scored(play, revision=revision) for play in range(40))))
                revision += 1
            return revision

        writing = asyncio.create_task(write_on())
        for _ in range(5):
            await asyncio.to_thread(backing_up.back_up, copy, untold)
            async with opened(copy) as copied:
                assert copied.store_id == store.store_id
                stood = await state_at(copied)
                assert stood == await state_at(store, stood.revision)
                half = Revision(stood.revision.end // 2)
                assert await state_at(copied, half) == await state_at(store, half)
        going_on = False
        assert await writing > 3
    assert not backups_of(url(copy)).check()


async def test_a_restored_store_has_all_and_is_another_one(tmp_path: Path) -> None:
    path, copy = tmp_path / "s", tmp_path / "copy"
    stood = await filled(path)
    backups_of(url(path)).back_up(copy, untold)
    async with opened(path) as store:
        before = store.store_id
        await store.record(write(scored(99)))
    with pytest.raises(PlayscoreError, match="a store already exists there; pass --replace") as refused:
        backups_of(url(path)).restore(copy, replace=False, progress=untold)
    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    async with opened(path):
        with pytest.raises(PlayscoreError, match="another process"):
            backups_of(url(path)).restore(copy, replace=True, progress=untold)
    with contextlib.closing(sqlite3.connect(path)) as crashed:  # whose log is still there
        crashed.execute("BEGIN IMMEDIATE")
        backups_of(url(path)).restore(copy, replace=True, progress=untold)
    for place in (path, tmp_path / "elsewhere" / "s"):
        if place != path:
            backups_of(url(place)).restore(copy, replace=False, progress=untold)
        async with opened(place) as store:
            assert store.store_id != before
            assert await state_at(store) == stood
            await store.record(write(scored(100)))
            await everything(store)


async def test_what_is_not_sound_is_neither_kept_nor_restored(tmp_path: Path) -> None:
    path, copy = tmp_path / "s", tmp_path / "copy"
    stood = await filled(path)
    backups_of(url(path)).back_up(copy, untold)
    whole = copy.read_bytes()
    damage(path, "DELETE FROM supports")
    with pytest.raises(PlayscoreError, match="is not sound"):
        backups_of(url(path)).back_up(copy, untold)
    assert copy.read_bytes() == whole
    assert not (tmp_path / "copy.part").exists()
    copy.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PlayscoreError, match=str(copy)):
        backups_of(url(path)).restore(copy, replace=True, progress=untold)
    with pytest.raises(PlayscoreError, match="no such file"):
        backups_of(url(path)).restore(tmp_path / "nowhere", replace=True, progress=untold)
    async with opened(path) as store:
        assert (await state_at(store)).state == stood.state


def damage(path: Path, script: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            "UPDATE scores SET attributes = '{' WHERE id = 12",
            "scores 12: its measures, attributes or outcome",
        ),
        ("DELETE FROM changes WHERE item = 12", "scores 12: no change is logged that made it"),
        ("DELETE FROM changes WHERE seq = 12", "changes 13: the change before it is 11, so some are missing"),
        ("INSERT INTO distributions VALUES (99, x'00', '')", "distributions 99: there is no such score"),
        (
            "UPDATE distributions SET support_id = 't' WHERE score = 12",
            "distributions 12: its support 't' is missing",
        ),
        ("UPDATE superseded_scores SET since = 1 WHERE id = 5", None),
        ("UPDATE superseded_scores SET since = until WHERE id = 5", "superseded_scores 56: its time as 5, from 56"),
        (
            "UPDATE superseded_scores SET id = 6 WHERE id = 5",
            "superseded_scores 56: it was superseded by no",
        ),
        ("UPDATE superseded_unscored SET until = 3", "superseded_unscored 3: it was superseded by no change of 1"),
        ("DROP TRIGGER changes_timed", "trigger changes_timed: it is missing, so history is not kept"),
        ("UPDATE commits SET time_us = 1 WHERE seq > 0", "is earlier than the one before it"),
        ("UPDATE requests SET seq = 1000", "it was answered at 1000, which is after the last change"),
        ("UPDATE operations SET seq = 1000", "operations 1000: no change is logged for it"),
    ],
)
async def test_a_check_says_what_is_wrong_and_where(tmp_path: Path, script: str, says: str | None) -> None:
    await filled(tmp_path / "s")
    assert not backups_of(url(tmp_path / "s")).check()
    damage(tmp_path / "s", f"PRAGMA ignore_check_constraints = ON; {script};")
    found = backups_of(url(tmp_path / "s")).check()
    assert any(says in each for each in found) if says else not found


async def test_a_check_finds_every_broken_page_of_tables(tmp_path: Path) -> None:
    path = tmp_path / "s"
    await filled(path)
    whole = path.read_bytes()
    for page in range(1, len(whole) // 4096, 3):
        path.write_bytes(whole[: 4096 * page] + b"\xff" * 4096 + whole[4096 * (page + 1) :])
        checked = run("check", "--store", url(path))
        assert checked.exit_code == 1
        assert checked.output or isinstance(checked.exception, PlayscoreError)
    path.write_bytes(whole)
    assert run("check", "--store", url(path)).exit_code == 0


# --- The command ---


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)))


async def test_the_command_backs_up_checks_and_restores(tmp_path: Path) -> None:
    path, copy = tmp_path / "s", tmp_path / "copy"
    stood = await filled(path)
    assert run("backup", copy, "--store", url(path)).output.endswith(f"{copy}: complete, no problems found\n")
    assert run("check", "--store", url(copy)).output == "no problems found\n"
    damage(copy, "DELETE FROM supports")
    checked = run("check", "--store", url(copy))
    assert checked.exit_code == 1
    assert "distributions 11: its support 's' is missing" in checked.output
    assert "more like the last" in checked.output
    kept = run("backup", copy, "--store", path)
    assert (kept.exit_code, kept.output) == (1, f"Error: {copy} already exists; pass --replace to overwrite it\n")
    assert run("backup", copy, "--store", path, "--replace").exit_code == 0
    path.unlink()
    assert run("restore", copy, "--store", url(path)).exit_code == 0
    async with opened(path) as store:
        assert await state_at(store) == stood
    refused = run("restore", copy, "--store", url(path))
    assert isinstance(refused.exception, PlayscoreError)
    assert refused.output == ""  # and not that it is copying
    assert run("restore", copy, "--store", url(path), "--replace").exit_code == 0


def test_what_is_no_store_is_a_usage_error() -> None:
    refused = run("check", "--store", "cassandra://here")
    assert refused.exit_code == 2
    assert "'cassandra://here' is not a store URL; use sqlite:///scores.sqlite" in refused.output


def test_a_folder_is_not_taken_for_a_store(tmp_path: Path) -> None:
    refused = run("check", "--store", tmp_path).exception
    assert isinstance(refused, PlayscoreError)
    assert "it is a folder" in refused.detail


def test_a_store_is_made_or_migrated_before_an_aggregator_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "s"
    made = CliRunner().invoke(command, ["migrate"], env={"PLAYSCORE_AGGREGATOR_STORE": url(path)})
    assert (made.exit_code, made.output) == (0, "the store is of this release\n")
    assert CliRunner().invoke(command, ["check", "--store", str(path)]).output == "no problems found\n"


def test_a_store_that_cannot_be_reached_is_not_migrated(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError) as refused:
        CliRunner().invoke(
            command, ["migrate", "--store", "postgresql://nobody@127.0.0.1:1/none"], catch_exceptions=False
        )
    assert refused.value.reason is Reason.STORE_UNAVAILABLE
