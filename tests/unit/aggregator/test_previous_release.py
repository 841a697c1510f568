"""A rollout can be rolled back: the release before serves a file of this one, and history is right whoever wrote it."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.core.records import PlayRecord
from aggregator.core.revision import Revision
from aggregator.core.store import Store
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion
from tests.unit.aggregator.scores import OTHER_MODEL, scored, unscored
from tests.unit.aggregator.stores import (
    State,
    Stood,
    counts,
    erasing,
    everything,
    opening,
    ordered,
    sqlite,
    state_at,
    switching,
    write,
)
from tests.unit.aggregator.test_stores import RECORDS, SUPPORTS

ROOT = Path(__file__).parents[3]
PREVIOUS = Path(__file__).parent / "previous" / "serve.py"
AS_RELEASED = "0388bf941fa1a4a71961298990b5da76a583a0ea30548d36b90640059aaa6f53"
"""SHA-256 of its modules, in the order of their paths."""

opened = opening(sqlite)


async def previous(path: Path, *batches: Sequence[PlayRecord], request: str = "previous") -> tuple[Any, int, State]:
    """What the release before answers and then reads, and where its log ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, PREVIOUS, path, request), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    answer, _ = await process.communicate(pickle.dumps((batches, SUPPORTS)))
    assert process.returncode == 0
    written, seq, scores, plays = pickle.loads(answer)
    return written, seq, (ordered(scores), ordered(plays))


async def seen_by(store: Store, *batches: Sequence[PlayRecord]) -> list[Stood]:
    """What stood after each batch."""
    seen = []
    for batch in batches:
        await store.record(write(*batch, supports=SUPPORTS))
        seen.append(await state_at(store))
    return seen


FIRST = [
    scored(1, distribution="1", support="1"),
    scored(2, None, distribution="2"),
    scored(3),
    scored(5),
]
SECOND: list[PlayRecord] = [
    scored(1, 0.9, outcome_revision=1, distribution="3", support="2"),
    scored(2, 0.1, distribution="2"),
    unscored(3, revision=2),
    scored(5, distribution="5"),
    unscored(4, revision=2, detail="again"),
]
THIRD: list[PlayRecord] = [
    scored(1, revision=2),
    scored(1, subject="p2", revision=2),
    scored(2, None, revision=2),
    scored(3, revision=2),
    unscored(5, revision=3),
]


def test_the_copy_of_the_release_before_is_as_it_was_released() -> None:
    modules = sorted((PREVIOUS.parent / "aggregator").rglob("*.py"))
    assert hashlib.sha256(b"".join(module.read_bytes() for module in modules)).hexdigest() == AS_RELEASED


async def test_a_file_goes_to_this_release_back_and_here_again(tmp_path: Path) -> None:
    path = tmp_path / "s"
    _, began, state = await previous(path, [*FIRST, unscored(4)])
    async with opened(path) as store:
        assert await everything(store) == state
        (second,) = await seen_by(store, SECOND)
        await store.switch(switching(OTHER_MODEL))
        third = await state_at(store)
    written, seq, state = await previous(path, [scored(9)], THIRD, [*FIRST, unscored(4)], request="back")
    assert written == [(1, 0, 0, 0), (3, 2, 0, 0), (0, 0, 0, 5)]
    assert state[0] != third.state[0]
    async with opened(path) as store:
        assert await everything(store) == state
        assert (await state_at(store)).models == third.models == {("SIM", 1): OTHER_MODEL}
        assert [await state_at(store, each.revision) for each in (second, third)] == [second, third]
        # What the release before wrote has history, too: of before its second batch, and of the beginning.
        between = await state_at(store, Revision(third.revision.end + 1))
        assert between.state == (ordered([*third.state[0], scored(9)]), third.state[1])
        assert (await state_at(store, Revision(began + 1))).state == (ordered(FIRST), [unscored(4)])
        assert await store.revision_at(datetime.now(UTC)) == Revision(seq + 1)
        assert counts(await store.record(write(*THIRD))) == (0, 0, 5, 0)
        with pytest.raises(PlayscoreError) as raised:
            await state_at(store, Revision(began))
        assert raised.value.reason is Reason.REVISION_NOT_KEPT


async def test_the_release_before_has_nothing_of_what_was_erased(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with opened(path) as store:
        await seen_by(store, [*FIRST, unscored(4)], [scored(6, subject="p2", target_id="p1"), scored(7, league="NFL")])
        await store.erase(erasing("p1", mentions="target_id"))
        await store.erase(erasing(None, league="NFL"))
        state = await everything(store)
    assert (await previous(path))[2] == state == ([scored(6, subject="p2")], [unscored(4)])


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(RECORDS, min_size=1, max_size=4),
    st.lists(RECORDS, min_size=1, max_size=4),
    st.lists(RECORDS, min_size=1, max_size=4),
    st.sampled_from([ModelVersion("passing", version) for version in (1, 2)]),
)
def test_every_state_is_answered_later_as_it_was_whichever_release_wrote(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[list[PlayRecord]],
    by_the_previous: list[list[PlayRecord]],
    after: list[list[PlayRecord]],
    model: ModelVersion,
) -> None:
    folder = tmp_path_factory.mktemp("previous")

    async def run() -> None:
        async with opened(folder / "s") as store:
            seen = await seen_by(store, *before)
            await store.switch(switching(model))
            seen.append(await state_at(store))
        for number, batch in enumerate(by_the_previous):
            _, _, state = await previous(folder / "s", batch, request=f"previous {number}")
            async with opened(folder / "s") as store:
                seen.append(await state_at(store))
                assert seen[-1].state == state
        async with opened(folder / "s") as store:
            seen += await seen_by(store, *after)
            assert [await state_at(store, each.revision) for each in seen] == seen

    asyncio.run(run())
