"""What every store promises: once, in any order, and for good. A store that is added is added to `stores.STORES`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aggregator.sqlite.reading
from aggregator.core.operations import Erasure, ModelSwitch
from aggregator.core.recording import Rejected, Stale, Written
from aggregator.core.records import Distribution, PlayKey, PlayRecord, Scored, Unscored
from aggregator.core.revision import NOTHING, Revision
from aggregator.core.store import Store
from playscore.errors import PlayscoreError, Reason
from playscore.passing import PASSER
from playscore.release import ModelVersion
from playscore.shots import GOALIE
from playscore.subjects import Subject
from tests.unit.aggregator.scores import LEAGUE, MODEL, OTHER_MODEL, scored, unscored
from tests.unit.aggregator.stores import (
    STORES,
    Opens,
    Seen,
    State,
    Stood,
    counts,
    erasing,
    everything,
    followed,
    opening,
    ordered,
    state_at,
    switching,
    write,
)


@pytest.fixture(params=STORES)
def opened(request: pytest.FixtureRequest) -> Opens:
    return opening(STORES[request.param])


async def stands(store: Store, scores: Sequence[Scored] = (), plays: Sequence[Unscored] = ()) -> None:
    assert await everything(store) == (ordered(scores), ordered(plays))


# --- Once ---


async def test_a_higher_revision_replaces_and_a_lower_one_is_ignored_and_counted(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        assert counts(await store.record(write(scored(1, 0.2)))) == (1, 0, 0, 0)
        assert counts(await store.record(write(scored(1, 0.2)))) == (0, 0, 1, 0)
        assert counts(await store.record(write(scored(1, 0.3, revision=3)))) == (0, 1, 0, 0)
        written = await store.record(write(scored(2), scored(1, 0.2, revision=2), request_id="stale"))
        assert (counts(written), written.stale) == ((1, 0, 0, 1), [Stale(1, 3, 0)])
        await stands(store, [scored(1, 0.3, revision=3), scored(2)])
    async with opened(tmp_path / "s") as store:
        assert await store.record(write(request_id="stale")) == written


async def test_the_plays_revision_goes_before_the_outcomes(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1, 0.2, outcome_revision=2)))
        assert counts(await store.record(write(scored(1, 0.1, outcome_revision=1)))) == (0, 0, 0, 1)
        assert counts(await store.record(write(scored(1, 0.3, outcome_revision=3)))) == (0, 1, 0, 0)
        assert counts(await store.record(write(scored(1, 0.4, revision=2)))) == (0, 1, 0, 0)
        assert counts(await store.record(write(scored(1, 0.3, outcome_revision=9)))) == (0, 0, 0, 1)
        await stands(store, [scored(1, 0.4, revision=2)])


async def test_an_ungraded_score_comes_before_every_graded_one_of_its_revision(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        assert counts(await store.record(write(scored(1, None)))) == (1, 0, 0, 0)
        assert counts(await store.record(write(scored(1, None)))) == (0, 0, 1, 0)
        assert counts(await store.record(write(scored(1, 0.4)))) == (0, 1, 0, 0)
        assert counts(await store.record(write(scored(1, None)))) == (0, 0, 0, 1)
        assert counts(await store.record(write(scored(1, 0.5, outcome_revision=1)))) == (0, 1, 0, 0)
        assert counts(await store.record(write(scored(1, None, revision=2)))) == (0, 1, 0, 0)
        await stands(store, [scored(1, None, revision=2)])


async def test_a_play_inferred_again_is_unchanged_though_not_to_the_last_digit(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        first: list[PlayRecord] = [
            scored(1, 0.2, distribution="6.5", time_to_throw_seconds=2.5, season=2021),
            scored(2, None, distribution="6.5"),
            unscored(3),
        ]
        await store.record(write(*first))
        again: list[PlayRecord] = [
            scored(1, 0.2 + 3e-8, distribution="6.5000001", time_to_throw_seconds=2.5 + 1e-7, season=2021),
            scored(2, None, distribution="6.4999999"),
            unscored(3, detail="in other words"),
        ]
        assert counts(await store.record(write(*again))) == (0, 0, 3, 0)
        await stands(store, [each for each in first if isinstance(each, Scored)], [unscored(3)])


async def test_other_content_at_the_same_revisions_is_refused_and_the_first_stands(
    opened: Opens, tmp_path: Path
) -> None:
    graded, ungraded, ended = (
        scored(1, 0.2, outcome_revision=1, distribution="6.5", down=3),
        scored(3, None),
        unscored(2),
    )
    same: list[PlayRecord] = [graded, ended, ungraded]
    others: list[PlayRecord] = [
        scored(1, 0.9, outcome_revision=1, distribution="6.5", down=3),
        scored(1, 0.2, outcome_revision=1, distribution="6.6", down=3),
        scored(1, 0.2, outcome_revision=1, distribution="6.5", down=4),
        scored(1, 0.2, outcome_revision=1, distribution="6.5"),
        scored(1, 0.2, outcome_revision=1, distribution="6.5", down=3, name="Q"),
        unscored(2, reason=Reason.TOO_LONG),
        scored(3, None, down=1),
    ]
    async with opened(tmp_path / "s") as store:
        await store.record(write(*same))
        written = await store.record(write(*same, *others, request_id="others", digest=b"1"))
        assert counts(written) == (0, 0, 3, 0)
        assert [each.index for each in written.rejected] == list(range(3, 10))
        assert {each.reason for each in written.rejected} == {Reason.REVISION_CONFLICT}
        assert written.rejected[0].play == same[0].play
        assert "revision 1 of play '1'" in written.rejected[0].detail
        await stands(store, [graded, ungraded], [ended])
    async with opened(tmp_path / "s") as store:
        assert await store.record(write(*same, *others, request_id="others", digest=b"1")) == written


async def test_what_was_refused_before_the_store_is_part_of_the_kept_answer(opened: Opens, tmp_path: Path) -> None:
    passer = Subject(PASSER, "p1", "P. One", "KC")
    refused = [
        Rejected(1, PlayKey(LEAGUE, "g1", "2"), 1, 3, Reason.ROLE_UNSUPPORTED, "no such role", (passer,)),
        Rejected(0, None, 0, 0, Reason.FIELD_INVALID, "?"),
    ]
    async with opened(tmp_path / "s") as store:
        first = await store.record(replace(write(request_id="a"), rejected=refused))
        assert first.rejected == refused[::-1]
    async with opened(tmp_path / "s") as store:
        assert await store.record(write(request_id="a")) == first


async def test_the_key_is_play_subject_role_and_model(opened: Opens, tmp_path: Path) -> None:
    others = scored(1), scored(2), scored(1, game="g2"), scored(1, subject="p2"), scored(1, league="NFL")
    async with opened(tmp_path / "s") as store:
        written = await store.record(write(*others, scored(1, model=OTHER_MODEL), scored(1, role=GOALIE)))
    assert counts(written) == (7, 0, 0, 0)


async def test_the_same_request_has_the_same_answer_and_another_is_refused(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        first = await store.record(write(scored(1), request_id="a", digest=b"1"))
        await store.record(write(scored(1, revision=2)))
        assert await store.record(write(scored(1), request_id="a", digest=b"1")) == first
        with pytest.raises(PlayscoreError) as raised:
            await store.record(write(scored(2), request_id="a", digest=b"2"))
        assert raised.value.reason is Reason.IDEMPOTENCY_KEY_REUSED
        await stands(store, [scored(1, revision=2)])
    async with opened(tmp_path / "s") as store:
        assert await store.record(write(scored(1), request_id="a", digest=b"1")) == first


async def test_requests_that_come_together_each_have_their_own_answer(opened: Opens, tmp_path: Path) -> None:
    same = write(scored(1), request_id="same", digest=b"1")
    other = write(scored(1), request_id="same", digest=b"2")
    async with opened(tmp_path / "s") as store:
        writes = [same, other, same, write(scored(1)), write(scored(1, revision=2))]
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


async def test_a_play_goes_to_and_fro_with_higher_revisions(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(unscored(1)))
        await store.record(write(scored(1)))
        await stands(store, [scored(1)], [unscored(1)])
        assert (await store.record(write(unscored(1, revision=2)))).withdrawn == 1
        await stands(store, [], [unscored(1, revision=2)])
        assert counts(await store.record(write(scored(1)))) == (0, 0, 0, 1)
        assert counts(await store.record(write(scored(1, revision=2)))) == (1, 0, 0, 0)
        await stands(store, [scored(1, revision=2)], [unscored(1, revision=2)])


async def test_a_play_is_unscored_by_one_task_or_by_all(opened: Opens, tmp_path: Path) -> None:
    of_another, of_all = unscored(1, task=2, revision=3), unscored(1, task=0, revision=4)
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        assert (await store.record(write(of_another))).withdrawn == 0
        assert counts(await store.record(write(scored(1, revision=2)))) == (0, 1, 0, 0)
        ended = await store.record(write(of_all))
        assert (counts(ended), ended.withdrawn) == ((1, 0, 0, 0), 1)
        late = await store.record(write(scored(1, revision=3)))
        assert late.stale == [Stale(0, 4, 0)]
        await stands(store, [], [of_another, of_all])


async def test_an_official_result_can_end_a_score_and_a_later_one_bring_it_back(opened: Opens, tmp_path: Path) -> None:
    none_thrown = unscored(1, outcome_revision=1)
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1, None)))
        assert (await store.record(write(none_thrown))).withdrawn == 1
        assert counts(await store.record(write(scored(1, None)))) == (0, 0, 0, 1)
        assert counts(await store.record(write(unscored(1)))) == (0, 0, 0, 1)
        assert counts(await store.record(write(scored(1, 0.5, outcome_revision=2)))) == (1, 0, 0, 0)
        await stands(store, [scored(1, 0.5, outcome_revision=2)], [none_thrown])
        ended = await store.record(write(unscored(1, outcome_revision=3)))
        assert (counts(ended), ended.withdrawn) == ((0, 1, 0, 0), 1)
        # A correction of the play itself goes before every official result of the play as it was.
        assert counts(await store.record(write(scored(1, None, revision=2)))) == (1, 0, 0, 0)


async def test_a_corrected_passer_keeps_nothing_of_the_play(opened: Opens, tmp_path: Path) -> None:
    wrong = scored(1), scored(1, model=OTHER_MODEL), scored(2), scored(1, game="g2")
    right = scored(1, subject="p2", revision=2)
    async with opened(tmp_path / "s") as store:
        await store.record(write(*wrong))
        written = await store.record(write(right))
        assert (counts(written), written.withdrawn) == ((1, 0, 0, 0), 1)
        await stands(store, [*wrong[1:], right])
        assert counts(await store.record(write(scored(1, 0.9, outcome_revision=5)))) == (0, 0, 0, 1)
        # Corrected back; and at one revision a play may have several.
        assert (await store.record(write(scored(1, revision=3)))).withdrawn == 1
        written = await store.record(write(scored(1, subject="p3", revision=3)))
        assert (counts(written), written.withdrawn) == ((1, 0, 0, 0), 0)


async def test_a_revision_is_of_all_roles_of_its_model(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1), scored(1, role=GOALIE), scored(1, role=GOALIE, model=OTHER_MODEL)))
        written = await store.record(write(scored(1, revision=2)))
        assert (counts(written), written.withdrawn) == ((0, 1, 0, 0), 1)
        assert counts(await store.record(write(scored(1, role=GOALIE)))) == (0, 0, 0, 1)
        scores, _ = await everything(store)
        assert sorted((each.score.subject.role.number, each.score.model.version) for each in scores) == [(1, 1), (3, 2)]


async def test_a_request_may_correct_itself(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        written = await store.record(
            write(
                scored(1, subject="p2", revision=2),
                scored(1, subject="p3", revision=3),
                scored(1, revision=3),
                unscored(2),
                unscored(2, revision=2),
            )
        )
        assert (counts(written), written.withdrawn) == ((4, 1, 0, 0), 2)
        await stands(store, [scored(1, subject="p3", revision=3), scored(1, revision=3)], [unscored(2, revision=2)])


async def test_a_reason_of_a_later_release_is_kept_by_its_number(opened: Opens, tmp_path: Path) -> None:
    unknown = replace(unscored(1), reason=4711, subjects=(Subject(PASSER, "", "", "KC"),))
    async with opened(tmp_path / "s") as store:
        await store.record(write(unknown))
    async with opened(tmp_path / "s") as store:
        await stands(store, [], [unknown])


# --- Distributions ---


async def test_a_distribution_is_kept_with_its_score_and_its_support_once(opened: Opens, tmp_path: Path) -> None:
    first, second = scored(1, distribution="1", support="s"), scored(2, None, distribution="2", support="s")
    bare, alone = scored(3), scored(4, distribution="4")
    async with opened(tmp_path / "s") as store:
        await store.record(write(first, bare, alone, supports={"s": b"edges", "unused": b"x"}))
        written = await store.record(write(second))  # the support is known by now
        assert counts(written) == (1, 0, 0, 0)
    async with opened(tmp_path / "s") as store:
        await stands(store, [first, second, bare, alone])
        numbers = await numbers_of(store)
        reading = await store.read(numbers.values(), written.revision)
        assert reading.supports == {"s": b"edges"}
        assert reading.scored[numbers["2"]] == second
        assert (await store.read([numbers["3"]], written.revision)).supports == {}
        assert (await store.read([999_999], written.revision)).scored == {}


async def test_a_distribution_goes_with_the_score_it_came_with(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1, distribution="1"), scored(2, distribution="2")))
        await store.record(write(scored(1, revision=2), unscored(2, revision=2)))
        await stands(store, [scored(1, revision=2)], [unscored(2, revision=2)])
        await store.record(write(scored(2, revision=3)))
        await stands(store, [scored(1, revision=2), scored(2, revision=3)], [unscored(2, revision=2)])


async def test_of_two_that_are_the_same_the_one_that_says_more_stays(opened: Opens, tmp_path: Path) -> None:
    ended = {"result": "PASS_RESULT_COMPLETE"}
    for number, (bare, whole) in enumerate(
        (
            (scored(1), scored(1, distribution="1")),
            (scored(1), scored(1, **ended)),
            (scored(1, **ended), scored(1, distribution="1", **ended)),
        )
    ):
        for first, second, effect in ((bare, whole, (0, 1, 0, 0)), (whole, bare, (0, 0, 1, 0))):
            async with opened(tmp_path / f"{number} {effect}") as store:
                await store.record(write(first))
                assert counts(await store.record(write(second))) == effect
                await stands(store, [whole])
    async with opened(tmp_path / "different") as store:
        await store.record(write(scored(1, **ended)))
        for other in (scored(1, result="PASS_RESULT_INCOMPLETE"), scored(1, distribution="1")):
            (refused,) = (await store.record(write(other))).rejected
            assert refused.reason is Reason.REVISION_CONFLICT


async def test_a_distribution_needs_a_support_that_somebody_states(opened: Opens, tmp_path: Path) -> None:
    lost, fine = scored(1, distribution="1", support="s"), scored(2)
    async with opened(tmp_path / "s") as store:
        written = await store.record(write(lost, fine, supports={"t": b"other"}))
        (refused,) = written.rejected
        assert (refused.index, refused.reason) == (0, Reason.DISTRIBUTION_INVALID)
        assert "'s'" in refused.detail
        await stands(store, [fine])
        await store.record(write(lost, supports={"s": b"edges"}))
        (refused,) = (
            await store.record(write(scored(3, distribution="3", support="s"), supports={"s": b"x"}))
        ).rejected
        assert refused.reason is Reason.DISTRIBUTION_INVALID
        await stands(store, [lost, fine])


async def numbers_of(store: Store) -> dict[str, int]:
    """The store's numbers of scores by their play."""
    return {score.play.play_id: number for number, score in (await followed(store)).scores.items()}


# --- In any order ---

REVISIONS = st.integers(1, 3)
OUTCOME_REVISIONS = st.integers(0, 2)
PLACES = st.integers(1, 2)
# The content is a function of the key and the revisions: that is what a revision is.
SCORES = st.builds(
    lambda play, subject, role, revision, outcome_revision, version, graded, whole: scored(
        play,
        revision / 10 + outcome_revision / 100 if graded else None,
        role=role,
        subject=subject,
        revision=revision,
        outcome_revision=outcome_revision if graded else 0,
        model=ModelVersion("passing", version),
        distribution=f"{revision}" if whole else "",
        support=f"{version}" if whole else "",
        down=play,
    ),
    PLACES,
    st.sampled_from(["p1", "p2", "p3"]),
    st.sampled_from([PASSER, GOALIE]),
    REVISIONS,
    OUTCOME_REVISIONS,
    st.integers(1, 2),
    st.booleans(),
    st.booleans(),
)
PLAYS = st.builds(
    lambda play, task, revision, outcome_revision: unscored(
        play, task=task, revision=revision, outcome_revision=outcome_revision, detail=f"{revision} {outcome_revision}"
    ),
    PLACES,
    st.integers(0, 2),
    REVISIONS,
    OUTCOME_REVISIONS,
)
RECORDS = st.lists(SCORES | PLAYS, min_size=1, max_size=16)
SUPPORTS = {"1": b"edges of 1", "2": b"edges of 2"}


async def state_after(opened: Opens, path: Path, batches: Sequence[Sequence[PlayRecord]]) -> State:
    async with opened(path) as store:
        for batch in batches:
            written = await store.record(write(*batch, supports=SUPPORTS))
            assert sum(counts(written)) == len(batch)
        return await everything(store)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), RECORDS)
def test_any_order_any_batches_and_any_repetition_end_in_one_state(
    opened: Opens, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, records: list[PlayRecord]
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    other = data.draw(st.permutations(records)) + data.draw(st.lists(st.sampled_from(records), max_size=4))
    cut = data.draw(st.integers(0, len(other)))
    one_by_one = asyncio.run(state_after(opened, folder / "one", [[record] for record in records]))
    at_once = asyncio.run(state_after(opened, folder / "two", [records]))
    shuffled = asyncio.run(state_after(opened, folder / "three", [other[:cut], other[cut:]]))
    assert one_by_one == at_once == shuffled == what_should_stand(records)


def what_should_stand(records: Sequence[PlayRecord]) -> State:
    """What the rules promise, of all records at once."""
    scores = [record for record in records if isinstance(record, Scored)]
    plays: dict[object, Unscored] = {}
    for play in sorted((record for record in records if isinstance(record, Unscored)), key=time_of):
        plays[play.key] = play
    latest: dict[object, Scored] = {}
    for record in sorted(scores, key=lambda each: (*grade_of(each), each.distribution is not None)):
        latest[record.key] = record
    standing = [
        record
        for record in latest.values()
        if record.revision
        == max(each.revision for each in scores if (each.play, each.score.model) == (record.play, record.score.model))
        and all(
            time_of(record) >= time_of(play)
            for play in plays.values()
            if play.play == record.play and play.task in (0, record.score.task)
        )
    ]
    return ordered(standing), ordered(plays.values())


def time_of(record: PlayRecord) -> tuple[int, int]:
    if isinstance(record, Unscored):
        return record.revision, record.outcome_revision
    return record.revision, record.score.outcome_revision if record.score.graded else 0


def grade_of(record: Scored) -> tuple[int, bool, int]:
    return record.revision, record.score.graded, record.score.outcome_revision


async def test_whoever_follows_sees_all_and_in_the_end_what_a_newcomer_sees(opened: Opens, tmp_path: Path) -> None:
    seen = Seen()
    reached = asyncio.Event()

    async with opened(tmp_path / "s") as store:

        async def follow() -> None:
            async for changes in store.follow(NOTHING):
                seen.apply(changes)
                if unscored(99) in changes.unscored:
                    assert changes.last
                    reached.set()

        following = asyncio.create_task(follow())
        for start in range(0, 3000, 500):
            await store.record(write(*(scored(number) for number in range(start, start + 500))))
            await store.record(write(*(unscored(number, revision=2) for number in range(start, start + 5))))
        await store.record(write(unscored(99)))
        await store.record(write(unscored(99)))
        async with asyncio.timeout(10):
            await reached.wait()
        following.cancel()
        scores, plays = await everything(store)
    assert sorted(map(repr, seen.scores.values())) == sorted(repr(record.score) for record in scores)
    assert ordered(seen.plays.values()) == plays
    assert len(scores) == 3000 - 6 * 5


async def test_what_is_last_is_exactly_the_state(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        written = await store.record(write(*(scored(number) for number in range(1000))))
        async for changes in store.follow(NOTHING):
            assert (changes.revision, changes.last, len(changes.scores)) == (written.revision, True, 1000)
            break


async def test_a_store_keeps_its_identity_and_its_place(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        identity, written = store.store_id, await store.record(write(scored(1)))
    async with opened(tmp_path / "s") as store:
        assert store.store_id == identity
        later = await store.record(write(scored(2)))
        assert later.revision.covers(written.revision)
        assert not written.revision.covers(later.revision)
    async with opened(tmp_path / "t") as other:
        assert other.store_id != identity


@pytest.mark.parametrize("make", STORES.values(), ids=STORES)
async def test_a_store_that_is_not_open_takes_nothing(make: Callable[[Path], Store], tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError) as raised:
        await make(tmp_path / "s").record(write(scored(1)))
    assert raised.value.reason is Reason.STORE_UNAVAILABLE


# --- History ---


async def test_every_state_is_answered_later_as_it_was(opened: Opens, tmp_path: Path) -> None:
    """The store is closed and opened between, and everything is changed by then."""
    steps: list[list[PlayRecord]] = [
        [scored(1, distribution="1", support="1"), scored(2), unscored(3)],
        [scored(1, 0.4, outcome_revision=1, distribution="2", support="1"), unscored(3, revision=2)],
        [scored(2, distribution="3")],
        [unscored(2, revision=2), scored(1, subject="p2", revision=2)],
        [scored(1, revision=3), scored(2, revision=3), scored(4)],
    ]
    seen: list[Stood] = []
    async with opened(tmp_path / "s") as store:
        seen.append(await state_at(store))
        for step in steps:
            written = await store.record(write(*step, supports=SUPPORTS))
            seen.append(await state_at(store))
            assert seen[-1].revision == written.revision
        assert [await state_at(store, each.revision) for each in seen] == seen
    async with opened(tmp_path / "s") as store:
        assert [await state_at(store, each.revision) for each in reversed(seen)] == seen[::-1]
        assert seen[0].state == ([], [])
        assert seen[1].state[0][0].distribution == Distribution(b"1", "1")


STEPS = st.lists(
    RECORDS.map(tuple) | st.integers(1, 3).map(lambda version: ModelVersion("passing", version)), max_size=8
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_every_state_of_any_history_is_answered_later_as_it_was(
    opened: Opens, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[PlayRecord, ...] | ModelVersion]
) -> None:
    async def run() -> None:
        seen: list[Stood] = []
        async with opened(tmp_path_factory.mktemp("stores") / "s") as store:
            for step in steps:
                if isinstance(step, ModelVersion):
                    await store.switch(switching(step))
                else:
                    await store.record(write(*step, supports=SUPPORTS))
                seen.append(await state_at(store))
            assert [await state_at(store, each.revision) for each in seen] == seen
            follower = await followed(store)
            assert follower.models == (seen[-1].models if seen else {})

    asyncio.run(run())


async def test_a_state_is_of_one_league_or_of_all(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1), scored(2, league="NFL"), unscored(3)))
        await store.switch(switching(OTHER_MODEL, league="NFL"))
        then = await state_at(store)
        await store.record(write(scored(1, revision=2), scored(2, league="NFL", revision=2), scored(4, league="NFL")))
        for at, revision in ((then.revision, 1), (None, 2)):
            of_one = await state_at(store, at, league=LEAGUE)
            assert (of_one.state, of_one.models) == (([scored(1, revision=revision)], [unscored(3)]), {})
        assert (await state_at(store, then.revision, league="NFL")).state == ([scored(2, league="NFL")], [])
        assert then.models == {("NFL", 1): OTHER_MODEL}
        assert (await state_at(store, league="NBA")).state == ([], [])


@pytest.mark.parametrize("seed", range(4))
async def test_a_state_is_one_though_it_changes_while_it_is_read(
    opened: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(aggregator.sqlite.reading, "PIECE_ROWS", 5)
    chance, revision = random.Random(seed), 1
    async with opened(tmp_path / "s") as store:

        async def change_some() -> None:
            nonlocal revision
            revision += 1
            plays = chance.sample(range(60), chance.randrange(1, 40))
            make = chance.choice((scored, unscored))
            await store.record(write(*(make(play, revision=revision) for play in plays)))

        await store.record(write(*(scored(play) for play in range(40)), *(unscored(play) for play in range(40, 60))))
        await change_some()
        then = await state_at(store)
        for at in (None, then.revision):
            numbers: list[int] = []
            plays: list[Unscored] = []
            async for piece in store.state(at):
                assert piece.revision == then.revision
                numbers += piece.scores.numbers if piece.scores else ()
                plays += piece.unscored
                if chance.random() < 0.6:
                    await change_some()
            assert len(numbers) == len(set(numbers))
            reading = await store.read(numbers, then.revision)
            assert (ordered(reading.scored.values()), ordered(plays)) == then.state


async def test_a_state_to_come_is_waited_for_elsewhere(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        written = await store.record(write(scored(1)))
        soon = replace(written.revision, end=written.revision.end + 1)
        for ask in (lambda: state_at(store, soon), lambda: store.read([1], soon)):
            with pytest.raises(PlayscoreError) as raised:
                await ask()
            assert raised.value.reason is Reason.NOT_FRESH_ENOUGH


async def test_the_present_state_has_every_write_that_has_returned(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        for play in range(5):
            written = await store.record(write(scored(play)))
            assert (await store.present()).covers(written.revision)


async def test_a_time_has_the_state_that_was_committed_by_then(opened: Opens, tmp_path: Path) -> None:
    before_all = datetime.now(UTC) - timedelta(days=1)
    asked: list[tuple[datetime, Revision]] = []
    async with opened(tmp_path / "s") as store:
        asked.append((datetime.now(UTC), NOTHING))
        for play in range(5):
            written = await store.record(write(scored(play)))
            now = datetime.now(UTC)
            asked.append((now, written.revision))
            assert await store.revision_at(now) == written.revision
        assert [await store.revision_at(time) for time, _ in asked] == [revision for _, revision in asked]
    async with opened(tmp_path / "s") as store:
        assert [await store.revision_at(time) for time, _ in asked] == [revision for _, revision in asked]
        with pytest.raises(PlayscoreError) as raised:
            await store.revision_at(before_all)
        assert raised.value.reason is Reason.REVISION_NOT_KEPT


# --- Operations ---


async def test_a_model_is_switched_once_and_back_and_followers_are_told(opened: Opens, tmp_path: Path) -> None:
    there = switching(OTHER_MODEL, MODEL, request_id="there", digest=b"1")
    async with opened(tmp_path / "s") as store:
        before = await store.record(write(scored(1)))
        done = await store.switch(there)
        assert done.effect == ModelSwitch(1, MODEL, OTHER_MODEL)
        assert not before.revision.covers(done.revision)
        assert await store.switch(there) == done
        with pytest.raises(PlayscoreError) as raised:
            await store.switch(switching(OTHER_MODEL, MODEL, request_id="there", digest=b"2"))
        assert raised.value.reason is Reason.IDEMPOTENCY_KEY_REUSED
    async with opened(tmp_path / "s") as store:
        assert await store.switch(there) == done
        assert (await followed(store)).models == {(LEAGUE, 1): OTHER_MODEL}
        back = await store.switch(switching(MODEL, OTHER_MODEL))
        assert back.effect == ModelSwitch(1, OTHER_MODEL, MODEL)
        assert (await state_at(store)).models == (await followed(store)).models == {(LEAGUE, 1): MODEL}
        assert (await state_at(store, done.revision)).models == {(LEAGUE, 1): OTHER_MODEL}
        assert (await state_at(store, before.revision)).models == {}
        await stands(store, [scored(1)])


async def test_two_operators_do_not_undo_each_other(opened: Opens, tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        answers = await asyncio.gather(
            *(store.switch(switching(ModelVersion("passing", version), MODEL)) for version in (2, 3)),
            return_exceptions=True,
        )
        (refused,) = (answer for answer in answers if isinstance(answer, PlayscoreError))
        assert refused.reason is Reason.MODEL_CHANGED
        assert "is rated by passing:" in refused.detail
        assert len(await store.operations()) == 1


async def test_what_operators_did_is_kept_the_latest_first(opened: Opens, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1)))
        switched = await store.switch(switching(OTHER_MODEL, request_id="a"))
        erased = await store.erase(erasing("p1", request_id="b"))
    async with opened(tmp_path / "s") as store:
        latest, first = await store.operations()
    assert [(each.request_id, each.caller, each.league, each.applied) for each in (first, latest)] == [
        ("a", "ops", LEAGUE, switched),
        ("b", "ops", LEAGUE, erased),
    ]
    assert began - timedelta(seconds=1) < first.time < latest.time
    assert erased.effect == Erasure(False, "request 4711", scores=1, superseded=0, unscored=0, mentions=0)


async def test_an_erased_player_is_in_no_state_any_more(opened: Opens, tmp_path: Path) -> None:
    them, team = Subject(PASSER, "p1", "P. One", "KC"), Subject(PASSER, "", "", "KC")
    another = replace(them, subject_id="p9")
    unthrown = replace(unscored(3, detail="passer_id is 'p1'; P. One fell"), subjects=(them, another))
    thrown_at = [scored(2, subject="p2", target_id="p1", down=3, revision=revision) for revision in (1, 2)]
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1), scored(5, distribution="1"), thrown_at[0], unthrown))
        await store.record(write(scored(1, revision=2), unscored(5, revision=2), scored(6, league="NFL")))
        await store.record(write(replace(unthrown, revision=2), thrown_at[1]))
        then = await state_at(store)
        follower = await followed(store)
        asked = erasing("p1", request_id="erase", mentions="target_id goalie_id")
        done = await store.erase(asked)
        assert done.effect == Erasure(False, "request 4711", scores=1, superseded=3, unscored=1, mentions=1)
        assert await store.erase(asked) == done
        left = [scored(2, subject="p2", down=3, revision=2), scored(6, league="NFL")]
        detail = "passer_id is (erased); (erased) fell"
        named = replace(unthrown, revision=2, detail=detail, subjects=(team, another))
        await stands(store, left, [named, unscored(5, revision=2)])
        # States of the past change, too; what follows a past state is told.
        past = await state_at(store, then.revision)
        assert past.state == (ordered(left), ordered([named, unscored(5, revision=2)]))
        async for changes in store.follow(follower.revision):
            follower.apply(changes)
            assert (changes.erased_leagues, changes.erased_players) == ([], 1)
            break
        assert ordered(follower.plays.values()) == past.state[1]
        assert sorted(map(repr, follower.scores.values())) == [repr(record.score) for record in past.state[0]]
        numbers = range(1, 100)
        for end in range(1, done.revision.end + 1):
            for record in (await store.read(numbers, Revision(end))).scored.values():
                assert "p1" not in repr(record) or record.play.league == "NFL"
    async with opened(tmp_path / "s") as store:
        await stands(store, left, [named, unscored(5, revision=2)])


async def test_whoever_was_erased_is_refused_and_named_no_more(opened: Opens, tmp_path: Path) -> None:
    them, nobody = Subject(PASSER, "p1", "P. One", "KC"), Subject(PASSER, "", "", "KC")
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(2, subject="p2", target_id="p1")))
        await store.erase(erasing("p1", mentions="target_id"))
    async with opened(tmp_path / "s") as store:
        told = replace(unscored(3), subjects=(them,))
        again = replace(
            write(
                scored(1, revision=9),
                scored(2, subject="p2", target_id="p1"),
                scored(4, subject="p2", target_id="p1"),
                scored(1, subject="p10"),
                scored(1, league="NFL"),
                told,
            ),
            rejected=[Rejected(99, told.play, 1, 1, Reason.FIELD_INVALID, "it is 'p1'", (them,))],
        )
        written = await store.record(again)
        assert counts(written) == (4, 0, 1, 0)
        refused, stated = written.rejected
        assert (refused.index, refused.reason, refused.subjects) == (0, Reason.SUBJECT_ERASED, ())
        assert stated == replace(
            again.rejected[0], detail="it is (erased)", subjects=(replace(them, subject_id="", subject_name=""),)
        )
        await stands(
            store,
            [scored(2, subject="p2"), scored(4, subject="p2"), scored(1, subject="p10"), scored(1, league="NFL")],
            [replace(told, subjects=(nobody,))],
        )


async def test_an_erased_league_is_gone_and_may_be_recorded_anew(opened: Opens, tmp_path: Path) -> None:
    other = scored(1, league="NFL", distribution="7")
    async with opened(tmp_path / "s") as store:
        await store.record(write(scored(1, distribution="1"), scored(2), unscored(3), other))
        then = await store.record(write(scored(1, revision=2), unscored(2, revision=2), unscored(3, revision=2)))
        follower = await followed(store)
        done = await store.erase(erasing(None))
        assert done.effect == Erasure(True, "request 4711", scores=1, superseded=3, unscored=2, mentions=0)
        await stands(store, [other])
        assert (await state_at(store, then.revision)).state == ([other], [])
        async for changes in store.follow(follower.revision):
            assert (changes.erased_leagues, changes.erased_players) == ([LEAGUE], 0)
            follower.apply(changes)
            break
        assert ([*follower.scores.values()], follower.plays) == ([other.score], {})
        assert counts(await store.record(write(scored(1), unscored(3)))) == (2, 0, 0, 0)
        await stands(store, [scored(1), other], [unscored(3)])
    async with opened(tmp_path / "s") as store:
        await stands(store, [scored(1), other], [unscored(3)])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(RECORDS, min_size=1, max_size=4), st.lists(RECORDS, max_size=3), st.sampled_from(["p1", None]))
def test_after_an_erasure_every_state_is_that_of_the_others(
    opened: Opens,
    tmp_path_factory: pytest.TempPathFactory,
    before: list[list[PlayRecord]],
    after: list[list[PlayRecord]],
    whom: str | None,
) -> None:
    async def run() -> None:
        seen: list[Stood] = []
        async with opened(tmp_path_factory.mktemp("stores") / "s") as store:
            for step in before:
                await store.record(write(*step, supports=SUPPORTS))
                seen.append(await state_at(store))
            await store.erase(erasing(whom))
            for stood in seen:
                left = [each for each in stood.state[0] if whom and each.score.subject.subject_id != whom]
                plays = stood.state[1] if whom else []
                assert (await state_at(store, stood.revision)).state == (left, plays)
            for step in after:
                written = await store.record(write(*step, supports=SUPPORTS))
                assert sum(counts(written)) == sum(
                    isinstance(each, Unscored) or each.score.subject.subject_id != whom for each in step
                )
            await everything(store)

    asyncio.run(run())
