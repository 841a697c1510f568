"""What is kept of a snapshot is the snapshot, or is not used."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aggregator
from aggregator.core.filter import EVERYTHING
from aggregator.core.following import Follower
from aggregator.core.keeping import code_digest, fingerprint, packing, unpacked
from aggregator.core.operations import EraseRequest, SwitchRequest
from aggregator.core.records import Score, Unscored
from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Changes, KeepsSnapshots, KeptSnapshot, LeagueModel, Store
from aggregator.core.task import Tasks
from aggregator.keeper import Keeper
from aggregator.shots.task import ShotsTask
from playscore.errors import PlayscoreError, Reason
from playscore.passing import PASSER
from playscore.subjects import Subject
from tests.unit.aggregator.scores import (
    LEAGUE,
    MODEL,
    OTHER_MODEL,
    PASSING,
    TASKS,
    graded_table,
    league_of,
    score,
    scored,
    snapshot_of,
    unscored,
)
from tests.unit.aggregator.stores import Opens, opening, postgres, sqlite, write
from tests.unit.aggregator.test_table import SCORES, UNGRADED, described

FIELDS = (("subject_id",), ("season", "team_id"), ("depth", "home"))


def told(snapshot: Snapshot) -> list[object]:
    """All that is said of the passers of a league."""
    tables = league_of(snapshot).scores(PASSING, PASSER, MODEL)
    graded = [described(tables.graded, text, fields) for text in ("", "down >= 3 AND home") for fields in FIELDS]
    coverage = league_of(snapshot).coverage(PASSING, tables, "")
    pages = [table.page(table.select(EVERYTHING), 99, None) for table in (tables.graded, tables.ungraded)]
    return [*graded, coverage, *pages, snapshot.model(LEAGUE, PASSING), snapshot.revision]


@settings(max_examples=30)
@given(st.lists(SCORES | UNGRADED, max_size=30), st.lists(st.integers(0, 29), max_size=5), st.booleans())
def test_a_snapshot_that_is_unpacked_says_the_same(
    scores: Sequence[Score], withdrawn: Sequence[int], switched: bool
) -> None:
    records: list[Score | Unscored] = [*scores, unscored("never scored"), replace(unscored("2"), subjects=(ANN,))]
    snapshot = snapshot_of(*records)
    changes = [LeagueModel(LEAGUE, PASSING.number, OTHER_MODEL)] if switched else []
    snapshot.apply(Changes(Revision(99), True, withdrawn=withdrawn, switched=changes))
    again = unpacked(packing(snapshot).run(), TASKS)
    assert told(again) == told(snapshot)
    more = Changes(Revision(100), True, [(0, score("new", 0.9))], [1])
    for each in (snapshot, again):
        each.apply(more)
    assert told(again) == told(snapshot)


ANN = Subject(PASSER, "ann", "Ann", "KC")


@pytest.mark.parametrize("gone", ["a", "b", "c"])
def test_a_snapshot_without_a_subject_that_it_had_says_the_same(gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, numbers and rows of those who are gone are not packed, wherever they stand among the others."""
    monkeypatch.setattr("aggregator.core.table.MAX_RECENT", 5)
    scores = [score(n, game="g9", subject=who, name=who.upper(), team_id=f"t{who}") for n, who in enumerate("abcabc")]
    snapshot = snapshot_of(*scores)
    withdrawn = [n for n, each in enumerate(scores) if each.subject.subject_id == gone]
    snapshot.apply(Changes(Revision(99), True, [], withdrawn))
    kept = packing(snapshot).run()
    content = b"".join(kept.parts)
    assert gone.upper().encode() not in re.findall(rb'"(.*?)"', content)
    again = unpacked(kept, TASKS)
    early = Changes(Revision(100), True, [(50, score(50, game="g1", subject=gone, name=gone.upper()))])
    for each in (snapshot, again):
        each.apply(early)
    assert told(again) == told(snapshot)


KEEPING: Sequence[Callable[[Path], Store]] = (sqlite, postgres)


@pytest.fixture(params=KEEPING, ids=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest) -> Opens:
    return opening(request.param)


@asynccontextmanager
async def keeping_at(opened: Opens, path: Path) -> AsyncIterator[tuple[Store, KeepsSnapshots]]:
    """A store, as it is and as what it keeps."""
    async with opened(path) as store:
        assert isinstance(store, KeepsSnapshots)
        yield store, store


async def kept_in(opened: Opens, path: Path, *plays: str) -> Revision:
    """Plays in a store, and a snapshot of them. Returns its revision."""
    async with keeping_at(opened, path) as (store, keeping):
        await store.record(write(*(scored(play, name="Ann") for play in plays)))
        follower = Follower(store, snapshot := Snapshot(TASKS))
        await follower.open()
        await keeping.keep(packing(snapshot).run())
        await follower.close()
        return snapshot.revision


async def started(opened: Opens, path: Path) -> tuple[Snapshot, Revision | None]:
    """A snapshot that follows a store, and the revision of the kept one that it began with."""
    async with opened(path) as store:
        follower = Follower(store, snapshot := Snapshot(TASKS))
        await follower.open()
        (last,) = [await store.record(write(scored("last")))]
        await follower.reach(last.revision, 5)
        await follower.close()
        return snapshot, follower.kept


async def test_a_start_goes_on_from_what_was_kept(opened: Opens, tmp_path: Path) -> None:
    before = await kept_in(opened, tmp_path / "s", "1", "2")
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored("3"), scored("1", 0.9, revision=2)))
    snapshot, kept = await started(opened, tmp_path / "s")
    assert kept == before
    assert len(graded_table(snapshot)) == 4


async def test_a_later_one_takes_its_place(opened: Opens, tmp_path: Path) -> None:
    before = await kept_in(opened, tmp_path / "s", "1", "2")
    after = await kept_in(opened, tmp_path / "s", "3")
    assert after != before
    snapshot, kept = await started(opened, tmp_path / "s")
    assert kept == after
    assert len(graded_table(snapshot)) == 4


async def test_other_code_makes_nothing_of_it(opened: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await kept_in(opened, tmp_path / "s", "1", "2")
    monkeypatch.setattr("aggregator.core.following.fingerprint", lambda _: b"another")
    snapshot, kept = await started(opened, tmp_path / "s")
    assert kept is None
    assert len(graded_table(snapshot)) == 3


async def test_a_service_of_more_tasks_reads_the_records_of_all(opened: Opens, tmp_path: Path) -> None:
    await kept_in(opened, tmp_path / "s", "1", "2")
    more = Tasks([PASSING, ShotsTask([MODEL], MODEL)])
    async with opened(tmp_path / "s") as store:
        follower = Follower(store, Snapshot(more))
        await follower.open()
        await follower.close()
        assert follower.kept is None


@pytest.mark.parametrize(
    ("edited", "discards"),
    [
        ("rows.py", True),
        ("core/batches.py", True),
        ("shots/fields.py", True),
        ("sqlite/reading.py", True),
        ("postgres/reading.py", True),
        ("commands/ratings.py", False),
        ("service.py", False),
        ("sqlite/backup.py", False),
    ],
)
def test_only_an_edit_of_what_makes_columns_discards_kept_snapshots(
    tmp_path: Path, edited: str, discards: bool
) -> None:
    package = shutil.copytree(Path(aggregator.__file__).parent, tmp_path / "aggregator")
    before = code_digest(package)
    (package / edited).write_text((package / edited).read_text() + "# edited")
    code_digest.cache_clear()
    assert (code_digest(package) != before) == discards


async def test_a_snapshot_that_is_not_whole_is_not_used(tmp_path: Path) -> None:
    await kept_in(opening(sqlite), tmp_path / "s", "1", "2")
    with closing(sqlite3.connect(tmp_path / "s")) as killed:
        killed.execute("DELETE FROM kept_snapshot")
        killed.commit()
    snapshot, kept = await started(opening(sqlite), tmp_path / "s")
    assert kept is None
    assert len(graded_table(snapshot)) == 3


async def test_nothing_of_who_was_erased_is_kept(opened: Opens, tmp_path: Path) -> None:
    await kept_in(opened, tmp_path / "s", "1", "2")
    async with keeping_at(opened, tmp_path / "s") as (store, keeping):
        follower = Follower(store, snapshot := Snapshot(TASKS))
        await follower.open()
        late = packing(snapshot)
        await store.erase(EraseRequest("e", b"", "", LEAGUE, "p1", "on request", frozenset()))
        assert await keeping.kept(fingerprint(TASKS)) is None
        await keeping.keep(late.run())
        assert await keeping.kept(fingerprint(TASKS)) is None
        await follower.close()


async def test_a_kept_snapshot_that_cannot_be_read_is_not_used(opened: Opens, tmp_path: Path) -> None:
    before = await kept_in(opened, tmp_path / "s", "1", "2")
    async with keeping_at(opened, tmp_path / "s") as (_, keeping):
        await keeping.keep(KeptSnapshot(fingerprint(TASKS), before, [b"{}", b"no columns"]))
    snapshot, kept = await started(opened, tmp_path / "s")
    assert kept is None
    assert len(graded_table(snapshot)) == 3


async def test_a_switch_of_an_erased_league_stands_after_a_start_as_before(opened: Opens, tmp_path: Path) -> None:
    await kept_in(opened, tmp_path / "s", "1")
    async with opened(tmp_path / "s") as store:
        follower = Follower(store, snapshot := Snapshot(TASKS))
        await follower.open()
        await store.switch(SwitchRequest("1", b"", "", LEAGUE, PASSING.number, OTHER_MODEL, MODEL, None))
        erased = await store.erase(EraseRequest("2", b"", "", LEAGUE, None, "on request", frozenset()))
        await follower.reach(erased.revision, 5)
        await follower.close()
    assert snapshot.model(LEAGUE, PASSING) == OTHER_MODEL
    again, _ = await started(opened, tmp_path / "s")
    assert again.model(LEAGUE, PASSING) == OTHER_MODEL


async def test_a_snapshot_that_does_not_fit_on_the_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = await kept_in(opening(sqlite), tmp_path / "s", "1", "2")
    large = KeptSnapshot(fingerprint(TASKS), revision, [b"x" * 1000])
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    async with keeping_at(opening(sqlite), tmp_path / "s") as (_, keeping):
        with pytest.raises(PlayscoreError) as raised:
            await keeping.keep(large)
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    with closing(sqlite3.connect(tmp_path / "s")) as file:
        assert file.execute("SELECT count(*) FROM kept_pieces").fetchone() == (0,)


async def test_what_was_kept_of_who_was_erased_is_not_in_the_file(tmp_path: Path) -> None:
    await kept_in(opening(sqlite), tmp_path / "s", "1", "2")
    assert b"Ann" in (tmp_path / "s").read_bytes()
    async with opening(sqlite)(tmp_path / "s") as store:
        await store.erase(EraseRequest("e", b"", "", LEAGUE, "p1", "on request", frozenset()))
    with closing(sqlite3.connect(tmp_path / "s")) as file:
        assert file.execute("SELECT count(*) FROM kept_pieces").fetchone() == (0,)
    assert b"Ann" not in (tmp_path / "s").read_bytes()


async def test_a_service_keeps_its_snapshot_when_it_ends(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        follower = Follower(store, snapshot := Snapshot(TASKS))
        await follower.open()
        keeper = Keeper(store, snapshot)
        keeper.open(kept=follower.kept is not None)
        written = await store.record(write(*(scored(play) for play in range(1500))))
        await follower.reach(written.revision, 5)
        await keeper.close()
        await follower.close()
        last = snapshot.revision
    snapshot, kept = await started(opened, tmp_path / "s")
    assert kept == last
    assert len(graded_table(snapshot)) == 1501
