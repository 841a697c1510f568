"""What was shown then is shown again; operators switch models and erase players, for all and on the record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from tests.contract.aggregator.test_service import (
    Calls,
    aggregator,
    coverage_request,
    error_of,
    fresh,
    record,
    split,
    subject,
)

OLD, NEW = common.ModelVersion(name="passing", version=1), common.ModelVersion(name="passing", version=2)


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    async with aggregator(tmp_path) as made:
        yield made


async def ratings(calls: Calls, **more: Any) -> pb.ListRatingsResponse:
    answer: pb.ListRatingsResponse = await calls.stub.ListRatings(
        pb.ListRatingsRequest(split=split(), min_plays=1, **more), timeout=30
    )
    return answer


def unscored(play: str, revision: int = 1) -> common.Rejection:
    return common.Rejection(
        key=common.PlayKey(league="SIM", game_id="g1", play_id=play),
        revision=revision,
        reason=reason_pb2.REASON_PLAY_NULLIFIED,
        task=common.TASK_PASSING,
    )


def as_of(answer: Any) -> common.Consistency:
    return common.Consistency(as_of=answer.revision)


def at(time: datetime) -> common.Consistency:
    consistency = common.Consistency()
    consistency.as_of_time.FromDatetime(time)
    return consistency


# --- As of ---


async def test_every_state_is_answered_again_as_it_was_shown(calls: Calls) -> None:
    shown = []
    for revision, score in enumerate((0.2, 0.9, 0.4), 1):
        written = await calls.record(record("1", score, revision=revision), record(f"more {revision}", 0.5))
        shown.append(await ratings(calls, consistency=fresh(written)))
    struck = await calls.record(unscored("1", revision=4))
    shown.append(await ratings(calls, consistency=fresh(struck)))
    assert [answer.ratings[0].plays for answer in shown] == [2, 3, 4, 3]
    for answer in shown:
        assert await ratings(calls, consistency=as_of(answer)) == answer
    listed = await calls.stub.ListPlays(pb.ListPlaysRequest(split=split(), consistency=as_of(shown[1])), timeout=30)
    assert [play.pass_measure.play_score for play in listed.plays] == [0.9, 0.5, 0.5]


async def test_a_time_is_the_state_that_stood_then(calls: Calls) -> None:
    first = await calls.record(record("1", 0.2))
    between = datetime.now(UTC)
    await calls.record(record("1", 0.9, revision=2))
    answer = await ratings(calls, consistency=at(between))
    assert answer.revision == first.revision
    assert answer.ratings[0].passing.mean_play_score == pytest.approx(0.2)
    code, reason, fields = await error_of(
        calls.stub.ListRatings(
            pb.ListRatingsRequest(split=split(), consistency=at(datetime.now(UTC) + timedelta(hours=1))), timeout=30
        )
    )
    assert (code, reason, fields) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "REASON_FIELD_INVALID",
        ["consistency.as_of_time"],
    )


async def test_the_past_is_there_after_a_restart(tmp_path: Path) -> None:
    async with aggregator(tmp_path) as calls:
        written = await calls.record(record("1", 0.2))
        shown = await ratings(calls, consistency=fresh(written))
        await calls.record(record("1", 0.9, revision=2))
    async with aggregator(tmp_path) as calls:
        assert await ratings(calls, consistency=as_of(shown)) == shown


# --- SwitchRequest models ---


def by(model: common.ModelVersion, play: str, score: float) -> pb.ScoreRecord:
    made = record(play, score)
    made.model.CopyFrom(model)
    return made


def switch(model: common.ModelVersion, request_id: str, **more: Any) -> pb.SwitchModelRequest:
    return pb.SwitchModelRequest(request_id=request_id, league="SIM", task=common.TASK_PASSING, model=model, **more)


async def test_leagues_are_listed_with_what_is_rated_of_them(calls: Calls) -> None:
    assert not (await calls.stub.ListLeagues(pb.ListLeaguesRequest(), timeout=30)).leagues
    records = [
        record(str(play), key=common.PlayKey(league=league, game_id="g1", play_id=str(play)))
        for league, plays in (("B", 2), ("A", 1), ("C", 3))
        for play in range(plays)
    ]
    written = await calls.record(*records)
    first = await calls.stub.ListLeagues(pb.ListLeaguesRequest(page_size=2, consistency=fresh(written)), timeout=30)
    second = await calls.stub.ListLeagues(pb.ListLeaguesRequest(page_token=first.next_page_token), timeout=30)
    assert (first.total_size, second.next_page_token) == (3, "")
    every = (*first.leagues, *second.leagues)
    listed = [(each.league, [(role.role, role.graded) for role in each.roles]) for each in every]
    assert listed == [(league, [(common.ROLE_PASSER, plays)]) for league, plays in (("A", 1), ("B", 2), ("C", 3))]
    code, reason, _ = await error_of(calls.stub.ListLeagues(pb.ListLeaguesRequest(page_token="x"), timeout=30))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REASON_PAGE_TOKEN_INVALID")


async def test_a_model_in_the_shadow_is_switched_to_for_all_at_once_and_back(calls: Calls) -> None:
    written = await calls.record(by(OLD, "1", 0.2), by(NEW, "1", 0.9))
    before = await ratings(calls, consistency=fresh(written))
    assert before.ranking.model == OLD
    assert before.ratings[0].passing.mean_play_score == pytest.approx(0.2)
    listed = await calls.stub.ListModels(pb.ListModelsRequest(league="SIM", role=common.ROLE_PASSER), timeout=30)
    assert [(each.model, each.graded, each.is_default) for each in listed.models] == [(OLD, 1, True), (NEW, 1, False)]

    switched = await calls.stub.SwitchModel(switch(NEW, "to the new one", expected=OLD), timeout=30)
    assert switched.previous == OLD
    after = await ratings(calls, consistency=fresh(switched))
    assert after.ranking.model == NEW
    assert after.ratings[0].passing.mean_play_score == pytest.approx(0.9)
    assert await ratings(calls, consistency=as_of(before)) == before
    code, reason, _ = await error_of(calls.stub.SwitchModel(switch(NEW, "another", expected=OLD), timeout=30))
    assert (code, reason) == (grpc.StatusCode.ABORTED, "REASON_MODEL_CHANGED")

    back = await calls.stub.SwitchModel(switch(OLD, "back"), timeout=30)
    assert await calls.stub.SwitchModel(switch(OLD, "back"), timeout=30) == back
    assert (await ratings(calls, consistency=fresh(back))).ratings == before.ratings
    operations = await calls.stub.ListOperations(pb.ListOperationsRequest(), timeout=30)
    assert [(each.request_id, each.model_switch.model) for each in operations.operations] == [
        ("back", OLD),
        ("to the new one", NEW),
    ]


async def test_watchers_of_a_league_begin_anew_when_its_model_is_switched(calls: Calls) -> None:
    written = await calls.record(by(OLD, "1", 0.2), by(NEW, "1", 0.9))
    watch = calls.stub.WatchRatings(pb.WatchRatingsRequest(split=split(), consistency=fresh(written)), timeout=30)
    told = aiter(watch)
    assert (await anext(told)).checkpoint.ranking.model == OLD
    await calls.stub.SwitchModel(switch(NEW, "now"), timeout=30)
    while (response := await anext(told)).checkpoint.ranking.model != NEW:
        assert not response.ratings
    assert response.restarted
    assert response.ratings[0].passing.mean_play_score == pytest.approx(0.9)
    watch.cancel()


async def test_a_model_that_is_not_released_is_not_switched_to(calls: Calls) -> None:
    unknown = common.ModelVersion(name="passing", version=9)
    code, reason, _ = await error_of(calls.stub.SwitchModel(switch(unknown, "x"), timeout=30))
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "REASON_MODEL_NOT_FOUND")
    wrong = switch(OLD, "y")
    wrong.task = common.TASK_SHOTS
    code, reason, fields = await error_of(calls.stub.SwitchModel(wrong, timeout=30))
    assert (reason, fields) == ("REASON_TASK_UNSUPPORTED", ["task"])


# --- EraseRequest ---


def erase(request_id: str, **what: Any) -> pb.EraseRecordsRequest:
    return pb.EraseRecordsRequest(request_id=request_id, league="SIM", justification="request 17", **what)


async def test_an_erased_player_is_nowhere_and_does_not_come_back(calls: Calls, tmp_path: Path) -> None:
    theirs = record("1", 0.2, subject=subject("p-erased", subject_name="Erased Name"))
    thrown_to = record("2", 0.5)
    thrown_to.pass_attributes.target_id = "p-erased"
    first = await calls.record(theirs, thrown_to)
    await calls.record(record("1", 0.3, revision=2, subject=subject("p-erased", subject_name="Erased Name")))
    assert len((await ratings(calls, consistency=as_of(first))).ratings) == 2
    erased = await calls.stub.EraseRecords(erase("17", subject_id="p-erased"), timeout=30)
    assert (erased.scores, erased.mentions) == (1, 1)
    assert erased.superseded >= 1
    for consistency in (fresh(erased), as_of(first)):
        assert [each.subject.subject_id for each in (await ratings(calls, consistency=consistency)).ratings] == ["p1"]
        question = pb.ListPlaysRequest(split=split(), consistency=consistency)
        (left,) = (await calls.stub.ListPlays(question, timeout=30)).plays
        assert left.pass_attributes.target_id == ""
    code, reason, _ = await error_of(
        calls.stub.GetRating(
            pb.GetRatingRequest(split=split(), subject_id="p-erased", consistency=fresh(erased)), timeout=30
        )
    )
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "REASON_SUBJECT_NOT_FOUND")
    (rejection,) = (await calls.record(theirs)).rejections
    assert rejection.reason == reason_pb2.REASON_SUBJECT_ERASED
    assert "p-erased" not in rejection.detail
    (operation,) = (await calls.stub.ListOperations(pb.ListOperationsRequest(league="SIM"), timeout=30)).operations
    assert (operation.erasure.justification, operation.erasure.whole_league) == ("request 17", False)
    assert "p-erased" not in str(operation)


async def test_a_league_is_erased_and_may_be_recorded_anew(calls: Calls) -> None:
    await calls.record(record("1"), unscored("2"))
    erased = await calls.stub.EraseRecords(erase("all", whole_league=True), timeout=30)
    assert (erased.scores, erased.unscored) == (1, 1)
    code, reason, _ = await error_of(
        calls.stub.GetCoverage(coverage_request(at_least_as_fresh=erased.revision), timeout=30)
    )
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "REASON_LEAGUE_NOT_FOUND")
    written = await calls.record(record("1", 0.7))
    assert (await ratings(calls, consistency=fresh(written))).total_size == 1


async def test_what_to_erase_must_be_said(calls: Calls) -> None:
    for what in ({}, {"whole_league": False}, {"subject_id": ""}):
        code, reason, fields = await error_of(calls.stub.EraseRecords(erase("x", **what), timeout=30))
        assert (code, reason, fields) == (grpc.StatusCode.INVALID_ARGUMENT, "REASON_FIELD_INVALID", ["what"])
