"""What the embedded store promises: once, in any order, and for good."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.core.records import ModelVersion, Score, Unscored
from aggregator.core.store import Changes, Refused, Write, Written
from aggregator.sqlite import SqliteStore
from playscore.errors import PlayscoreError, Reason
from tests.unit.aggregator.scores import score, unscored

Item = Score | Unscored
_requests = itertools.count()


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def write(*items: Item, request_id: str = "", digest: bytes = b"") -> Write:
    return Write(
        request_id=request_id or f"request {next(_requests)}",
        digest=digest,
        scores={place: item for place, item in enumerate(items) if isinstance(item, Score)},
        unscored={place: item for place, item in enumerate(items) if isinstance(item, Unscored)},
    )


def counts(written: Written) -> tuple[int, int, int, int]:
    return written.inserted, written.replaced, written.unchanged, written.stale


async def everything(store: SqliteStore) -> tuple[list[Score], list[Unscored]]:
    """What somebody who follows from the beginning ends up with."""
    scores: dict[int, Score] = {}
    plays: dict[object, Unscored] = {}
    async with contextlib.aclosing(store.follow(0)) as following:  # type: ignore[type-var]
        async for changes in following:
            apply(changes, scores, plays)
            if changes.last:
                break
    return sorted(scores.values(), key=repr), sorted(plays.values(), key=repr)


def apply(changes: Changes, scores: dict[int, Score], plays: dict[object, Unscored]) -> None:
    for item in changes.withdrawn:
        scores.pop(item, None)
    scores.update(changes.scores)
    plays.update({play.play: play for play in changes.unscored})


# --- Once ---


async def test_a_higher_revision_replaces_and_a_lower_one_is_ignored_and_counted(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        assert counts(await store.record(write(score(1, 0.2)))) == (1, 0, 0, 0)
        assert counts(await store.record(write(score(1, 0.2)))) == (0, 0, 1, 0)
        assert counts(await store.record(write(score(1, 0.3, revision=3)))) == (0, 1, 0, 0)
        assert counts(await store.record(write(score(1, 0.2, revision=2)))) == (0, 0, 0, 1)
        assert await everything(store) == ([score(1, 0.3, revision=3)], [])


async def test_the_plays_revision_goes_before_the_outcomes(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(score(1, 0.2, outcome_revision=2)))
        assert counts(await store.record(write(score(1, 0.1, outcome_revision=1)))) == (0, 0, 0, 1)
        assert counts(await store.record(write(score(1, 0.3, outcome_revision=3)))) == (0, 1, 0, 0)
        assert counts(await store.record(write(score(1, 0.4, revision=2)))) == (0, 1, 0, 0)
        assert counts(await store.record(write(score(1, 0.3, outcome_revision=9)))) == (0, 0, 0, 1)
        assert await everything(store) == ([score(1, 0.4, revision=2)], [])


async def test_a_play_inferred_again_is_unchanged_though_not_to_the_last_digit(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(score(1, 0.2), unscored(2)))
        again = await store.record(write(score(1, 0.2 + 3e-8), unscored(2, detail="in other words")))
        assert counts(again) == (0, 0, 2, 0)
        assert await everything(store) == ([score(1, 0.2)], [unscored(2)])


async def test_other_content_at_the_same_revisions_is_refused_and_the_first_stands(tmp_path: Path) -> None:
    same = score(1, 0.2, outcome_revision=1), unscored(2)
    others = (
        score(1, 0.9, outcome_revision=1),
        score(1, 0.2, name="Q", outcome_revision=1),
        unscored(2, reason=Reason.TOO_LONG),
    )
    async with opened(tmp_path / "s") as store:
        await store.record(write(*same))
        written = await store.record(write(*same, *others, request_id="others", digest=b"1"))
        assert counts(written) == (0, 0, 2, 0)
        assert [(each.index, each.in_unscored) for each in written.refused] == [(2, False), (3, False), (4, True)]
        assert {each.reason for each in written.refused} == {Reason.REVISION_CONFLICT}
        assert "revision 1 of play '1'" in written.refused[0].detail
        assert await everything(store) == ([same[0]], [same[1]])
    async with opened(tmp_path / "s") as store:
        assert await store.record(write(*same, *others, request_id="others", digest=b"1")) == written


async def test_what_was_refused_before_the_store_is_part_of_the_kept_answer(tmp_path: Path) -> None:
    refused = [Refused(1, True, Reason.ROLE_UNSUPPORTED, "no such role"), Refused(0, False, Reason.FIELD_INVALID, "?")]
    async with opened(tmp_path / "s") as store:
        first = await store.record(replace(write(request_id="a"), refused=refused))
        assert first.refused == refused[::-1]
        assert await store.record(write(request_id="a")) == first


async def test_the_key_is_play_subject_role_and_model_version(tmp_path: Path) -> None:
    others = score(1), score(2), score(1, game="g2"), score(1, subject="p2"), score(1, league="NFL")
    async with opened(tmp_path / "s") as store:
        written = await store.record(write(*others, score(1, model=ModelVersion("passing", 2))))
    assert counts(written) == (6, 0, 0, 0)


async def test_the_same_request_has_the_same_answer_and_another_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        first = await store.record(write(score(1), request_id="a", digest=b"1"))
        await store.record(write(score(1, revision=2)))
        assert await store.record(write(score(1), request_id="a", digest=b"1")) == first
        with pytest.raises(PlayscoreError) as raised:
            await store.record(write(score(2), request_id="a", digest=b"2"))
        assert raised.value.reason is Reason.IDEMPOTENCY_KEY_REUSED
        assert await everything(store) == ([score(1, revision=2)], [])
    async with opened(tmp_path / "s") as store:
        assert await store.record(write(score(1), request_id="a", digest=b"1")) == first


async def test_requests_that_share_a_commit_each_have_their_own_answer(tmp_path: Path) -> None:
    same = write(score(1), request_id="same", digest=b"1")
    other = write(score(1), request_id="same", digest=b"2")
    async with opened(tmp_path / "s") as store:
        writes = [same, other, same, write(score(1)), write(score(1, revision=2))]
        answers = await asyncio.gather(*map(store.record, writes), return_exceptions=True)
    first, refused, again, unchanged, replaced = answers
    assert first == again
    assert isinstance(first, Written)
    assert counts(first) == (1, 0, 0, 0)
    assert isinstance(refused, PlayscoreError)
    assert isinstance(unchanged, Written)
    assert counts(unchanged) == (0, 0, 1, 0)
    assert isinstance(replaced, Written)
    assert counts(replaced) == (0, 1, 0, 0)


# --- Scored and unscored ---


async def test_a_play_goes_to_and_fro_with_higher_revisions(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(unscored(1)))
        await store.record(write(score(1)))
        assert await everything(store) == ([score(1)], [unscored(1)])
        assert (await store.record(write(unscored(1, revision=2)))).withdrawn == 1
        assert await everything(store) == ([], [unscored(1, revision=2)])
        assert counts(await store.record(write(score(1)))) == (0, 0, 0, 1)
        assert counts(await store.record(write(score(1, revision=2)))) == (1, 0, 0, 0)
        assert await everything(store) == ([score(1, revision=2)], [unscored(1, revision=2)])


async def test_a_corrected_passer_keeps_nothing_of_the_play(tmp_path: Path) -> None:
    wrong = score(1), score(1, model=ModelVersion("passing", 2)), score(2), score(1, game="g2")
    right = score(1, subject="p2", revision=2)
    async with opened(tmp_path / "s") as store:
        await store.record(write(*wrong))
        written = await store.record(write(right))
        assert (counts(written), written.withdrawn) == ((1, 0, 0, 0), 1)
        assert await everything(store) == (sorted((*wrong[1:], right), key=repr), [])
        assert counts(await store.record(write(score(1, 0.9, outcome_revision=5)))) == (0, 0, 0, 1)
        # Corrected back; and at one revision a play may have several.
        assert (await store.record(write(score(1, revision=3)))).withdrawn == 1
        written = await store.record(write(score(1, subject="p3", revision=3)))
        assert (counts(written), written.withdrawn) == ((1, 0, 0, 0), 0)


async def test_a_reason_of_a_later_release_is_kept_by_its_number(tmp_path: Path) -> None:
    unknown = replace(unscored(1), reason=4711)
    async with opened(tmp_path / "s") as store:
        await store.record(write(unknown))
    async with opened(tmp_path / "s") as store:
        assert await everything(store) == ([], [unknown])


# --- In any order ---

REVISIONS = st.integers(1, 3)
PLACES = st.integers(1, 2)
ITEMS = st.builds(
    # The content is a function of the key and the revisions: that is what a revision is.
    lambda play, subject, revision, outcome_revision, version: score(
        play,
        revision / 10 + outcome_revision / 100,
        subject=subject,
        revision=revision,
        outcome_revision=outcome_revision,
        model=ModelVersion("passing", version),
        down=play,
    ),
    PLACES,
    st.sampled_from(["p1", "p2", "p3"]),
    REVISIONS,
    st.integers(0, 2),
    st.integers(1, 2),
) | st.builds(lambda play, revision: unscored(play, revision=revision, detail=f"{revision}"), PLACES, REVISIONS)


async def state_after(path: Path, batches: Sequence[Sequence[Item]]) -> tuple[list[Score], list[Unscored]]:
    async with opened(path) as store:
        for batch in batches:
            written = await store.record(write(*batch))
            assert sum(counts(written)) == len(batch)
        return await everything(store)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.lists(ITEMS, min_size=1, max_size=16))
def test_any_order_any_batches_and_any_repetition_end_in_one_state(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, items: list[Item]
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    other = data.draw(st.permutations(items)) + data.draw(st.lists(st.sampled_from(items), max_size=4))
    cut = data.draw(st.integers(0, len(other)))
    one_by_one = asyncio.run(state_after(folder / "one", [[item] for item in items]))
    at_once = asyncio.run(state_after(folder / "two", [items]))
    shuffled = asyncio.run(state_after(folder / "three", [other[:cut], other[cut:]]))
    assert one_by_one == at_once == shuffled == what_should_stand(items)


def what_should_stand(items: Sequence[Item]) -> tuple[list[Score], list[Unscored]]:
    """What the port promises, of all items at once."""
    plays = {
        item.play: max((each for each in items if isinstance(each, Unscored) and each.play == item.play), key=at)
        for item in items
        if isinstance(item, Unscored)
    }
    newest = {
        (item.play, item.model): max(
            each.revision
            for each in items
            if isinstance(each, Score) and (each.play, each.model) == (item.play, item.model)
        )
        for item in items
        if isinstance(item, Score)
    }
    scores: dict[object, Score] = {}
    for item in sorted((item for item in items if isinstance(item, Score)), key=at):
        floor = max(newest[item.play, item.model], plays[item.play].revision if item.play in plays else 0)
        if item.revision >= floor:
            scores[item.play, item.model, item.subject] = item
    return sorted(scores.values(), key=repr), sorted(plays.values(), key=repr)


def at(item: Item) -> tuple[int, int]:
    return item.revision, item.outcome_revision if isinstance(item, Score) else 0


async def test_whoever_follows_sees_all_and_in_the_end_what_a_newcomer_sees(tmp_path: Path) -> None:
    scores: dict[int, Score] = {}
    plays: dict[object, Unscored] = {}
    reached = asyncio.Event()

    async with opened(tmp_path / "s") as store:

        async def follow() -> None:
            async for changes in store.follow(0):
                apply(changes, scores, plays)
                if unscored(99) in changes.unscored:
                    reached.set()

        following = asyncio.create_task(follow())
        for start in range(0, 3000, 500):
            await store.record(write(*(score(number) for number in range(start, start + 500))))
            await store.record(write(*(unscored(number, revision=2) for number in range(start, start + 5))))
        await store.record(write(unscored(99)))
        await store.record(write(unscored(99)))
        async with asyncio.timeout(10):
            await reached.wait()
        following.cancel()
        newcomer = await everything(store)
    assert (sorted(scores.values(), key=repr), sorted(plays.values(), key=repr)) == newcomer
    assert len(newcomer[0]) == 3000 - 6 * 5


# --- For good ---

STORM = """
import asyncio, sys
from pathlib import Path
from tests.unit.aggregator.scores import score
from aggregator.core.store import Write
from aggregator.sqlite import SqliteStore

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    async def caller(number):
        play = 0
        while True:
            scores = {part: score(f"{number}-{play}-{part}") for part in range(3)}
            await store.record(Write(f"{number}-{play}", b"", scores, {}))
            print(f"{number}-{play}", flush=True)
            play += 1
    await asyncio.gather(*map(caller, range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 40, 400])
def test_what_was_answered_survives_being_killed(tmp_path: Path, lines: int) -> None:
    command = [sys.executable, "-c", STORM, str(tmp_path / "s")]
    folder = str(Path(__file__).parent)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": folder}) as storm:
        assert storm.stdout is not None
        answered = [storm.stdout.readline() for _ in range(lines)]
        storm.send_signal(signal.SIGKILL)
        answered += [line for line in storm.stdout if line.endswith("\n")]
    scores, _ = asyncio.run(state_after(tmp_path / "s", []))
    requests = {line.strip() for line in answered}
    kept = {stands.play.play_id for stands in scores}
    assert {f"{request}-{part}" for request in requests for part in range(3)} <= kept
    # A request is written whole or not at all.
    assert all(f"{play.rsplit('-', 1)[0]}-{part}" in kept for play in kept for part in range(3))


async def test_a_store_keeps_its_identity_and_its_place(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        identity, written = store.store_id, await store.record(write(score(1)))
    async with opened(tmp_path / "s") as store:
        assert store.store_id == identity
        assert (await store.record(write(score(2)))).seq == written.seq + 1
    async with opened(tmp_path / "t") as other:
        assert other.store_id != identity


# --- What goes wrong ---


async def refusal(path: Path) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as raised:
        await SqliteStore(path).open()
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    assert str(path) in raised.value.detail
    return raised.value


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path / "s"):
        assert "has it open" in (await refusal(tmp_path / "s")).detail
    async with opened(tmp_path / "s") as store:
        await store.record(write(score(1)))


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
        await store.record(write(score(1)))
        connection = store._writing
        assert connection is not None
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        big = write(*(score(number, subject="p" * 100) for number in range(2000)))
        with pytest.raises(PlayscoreError) as raised:
            await store.record(big)
        assert raised.value.reason is Reason.STORE_UNAVAILABLE
        assert raised.value.retry_after_seconds
        assert await everything(store) == ([score(1)], [])
        connection.execute("PRAGMA max_page_count = 1000000")
        assert counts(await store.record(big)) == (2000, 0, 0, 0)


async def test_a_store_that_is_not_open_takes_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s")
    with pytest.raises(PlayscoreError) as raised:
        await store.record(write(score(1)))
    assert raised.value.reason is Reason.STORE_UNAVAILABLE


async def test_a_caller_who_leaves_takes_nobody_with_him(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        leaving = asyncio.create_task(store.record(write(score(1))))
        await asyncio.sleep(0)
        leaving.cancel()
        assert counts(await store.record(write(score(2)))) == (1, 0, 0, 0)
        assert len((await everything(store))[0]) == 2
