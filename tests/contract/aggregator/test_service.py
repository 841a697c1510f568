"""The aggregator's contract, over a real server on loopback with a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from aggregator.core.records import ModelVersion
from aggregator.core.tokens import revision_token
from aggregator.service import AggregatorService
from aggregator.sqlite import SqliteStore
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1 import aggregator_pb2_grpc
from playscore.release import ReferencePopulation
from playscore.scorer.v1 import scorer_pb2
from playscore.tracking.v1 import reason_pb2, tracking_pb2
from servicekit import ServiceSettings
from servicekit.server import serving

POPULATION = ReferencePopulation(
    description="made up",
    passers=31,
    min_plays=10,
    mean=0.5,
    standard_deviation=0.02,
    play_standard_deviation=0.3,
    shrinkage_plays=100,
)


@dataclass
class Calls:
    stub: Any
    store: SqliteStore
    _requests: int = field(default=0)

    async def record(
        self, *records: pb.ScoreRecord, unscored: Any = (), request_id: str = ""
    ) -> pb.RecordScoresResponse:
        self._requests += 1
        request = pb.RecordScoresRequest(
            request_id=request_id or f"request {self._requests}", records=records, unscored=unscored
        )
        return await self.stub.RecordScores(request, timeout=5)


@asynccontextmanager
async def aggregator(folder: Path) -> AsyncIterator[Calls]:
    store = SqliteStore(folder / "scores.sqlite")
    service = AggregatorService(store, {ModelVersion("passing", 1): POPULATION}, 1)
    settings = ServiceSettings(listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    async with serving(service, settings) as running:
        await running.until_serving()
        async with grpc.aio.insecure_channel(str(running.address)) as channel:
            yield Calls(aggregator_pb2_grpc.AggregatorServiceStub(channel), store)


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    async with aggregator(tmp_path) as made:
        yield made


def subject(subject_id: str, **changed: Any) -> tracking_pb2.Subject:
    made = tracking_pb2.Subject(
        role=tracking_pb2.ROLE_PASSER, subject_id=subject_id, subject_name="P. One", team_id="KC"
    )
    made.MergeFrom(tracking_pb2.Subject(**changed))
    return made


def without(measure: str) -> pb.ScoreRecord:
    made = record()
    made.pass_measure.ClearField(measure)  # type: ignore[arg-type]
    return made


def record(play: str = "1", play_score: float = 0.5, **changed: Any) -> pb.ScoreRecord:
    made = pb.ScoreRecord(
        key=tracking_pb2.PlayKey(league="SIM", game_id="g1", play_id=play),
        subject=subject("p1"),
        model=scorer_pb2.ModelVersion(name="passing", version=1),
        revision=1,
        pass_measure=pb.PassMeasure(play_score=play_score, yards_gained=12, expected_yards=6.5),
        pass_attributes=tracking_pb2.PassAttributes(
            season=2021,
            down=3,
            home=False,
            score_difference=-7,
            team_id="KC",
            time_to_throw=2.5,
            depth=tracking_pb2.PASS_DEPTH_DEEP,
        ),
    )
    made.MergeFrom(pb.ScoreRecord(**changed))
    return made


def rejection(play: str, **changed: Any) -> tracking_pb2.PlayRejection:
    made = tracking_pb2.PlayRejection(
        key=tracking_pb2.PlayKey(league="SIM", game_id="g1", play_id=play),
        revision=1,
        reason=reason_pb2.REASON_NO_RELEASE,
        detail="a sack",
    )
    made.MergeFrom(tracking_pb2.PlayRejection(**changed))
    return made


async def error_of(call: Awaitable[object]) -> tuple[grpc.StatusCode, str, list[str]]:
    """Status code, reason and the fields at fault of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    status = rpc_status.from_call(raised.value)
    assert status is not None
    information, violations = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(information)
        detail.Unpack(violations)
    assert information.domain == "playscore"
    return raised.value.code(), information.reason, [violation.field for violation in violations.field_violations]


async def test_a_score_goes_in_and_a_rating_comes_out(calls: Calls) -> None:
    written = await calls.record(record("1", 0.9), record("2", 0.5), unscored=[rejection("3")])
    assert (written.inserted, written.replaced, written.unchanged, written.stale) == (3, 0, 0, 0)
    question = pb.GetRatingRequest(
        league="SIM",
        subject_id="p1",
        role=tracking_pb2.ROLE_PASSER,
        filter="season = 2021 AND NOT home AND time_to_throw >= 2.5 AND depth = deep",
        min_plays=2,
        at_least_as_fresh=written.revision_token,
    )
    answer = await calls.stub.GetRating(question, timeout=5)
    assert answer.revision_token == written.revision_token
    rating = answer.rating
    assert rating.subject == subject("p1")
    assert answer.min_plays_applied == 2
    assert (rating.plays, rating.qualified, rating.rank, rating.qualified_peers) == (2, True, 1, 1)
    assert rating.WhichOneof("value") == "passing"
    assert rating.passing.mean_play_score == pytest.approx(0.7)
    assert rating.passing.rating == pytest.approx(84 + 7 * ((1.4 + 50) / 102 - 0.5) / 0.02)
    assert rating.model == scorer_pb2.ModelVersion(name="passing", version=1)


async def test_plays_come_back_as_they_went_in(calls: Calls) -> None:
    records = [record("1"), record("2", 0.0, revision=3, outcome_revision=2, subject=subject("p2"))]
    written = await calls.record(*records)
    plays = await calls.stub.ListPlays(
        pb.ListPlaysRequest(league="SIM", role=tracking_pb2.ROLE_PASSER, at_least_as_fresh=written.revision_token),
        timeout=5,
    )
    assert list(plays.plays) == records
    assert (plays.total_size, plays.next_page_token) == (2, "")


async def test_ratings_are_listed_page_by_page(calls: Calls) -> None:
    written = await calls.record(*(record(str(n), n / 10, subject=subject(f"p{n}")) for n in range(10)))
    request = pb.ListRatingsRequest(
        league="SIM", role=tracking_pb2.ROLE_PASSER, page_size=4, min_plays=1, at_least_as_fresh=written.revision_token
    )
    listed: list[str] = []
    while True:
        page = await calls.stub.ListRatings(request, timeout=5)
        listed += [rating.subject.subject_id for rating in page.ratings]
        assert (page.total_size, page.min_plays_applied) == (10, 1)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert listed == [f"p{n}" for n in reversed(range(10))]


async def test_coverage_counts_what_was_not_scored(calls: Calls) -> None:
    of_a_later_release = rejection("5", reason=4711)
    its_side = rejection("4", subjects=[tracking_pb2.Subject(role=tracking_pb2.ROLE_PASSER, team_id="KC")])
    written = await calls.record(record("1"), unscored=[rejection("3"), its_side, of_a_later_release])
    assert not written.rejections
    coverage = await calls.stub.GetCoverage(
        pb.GetCoverageRequest(
            league="SIM", role=tracking_pb2.ROLE_PASSER, game_id="g1", at_least_as_fresh=written.revision_token
        ),
        timeout=5,
    )
    assert (coverage.plays, coverage.scored) == (4, 1)
    assert [(each.reason, each.plays) for each in coverage.unscored] == [(reason_pb2.REASON_NO_RELEASE, 2), (4711, 1)]


async def test_a_corrected_passer_is_rated_without_the_play(calls: Calls) -> None:
    await calls.record(record("1", 0.9), record("2", 0.5))
    written = await calls.record(record("1", 0.8, revision=2, subject=subject("p2")))
    assert (written.inserted, written.withdrawn) == (1, 1)
    question = pb.ListPlaysRequest(
        league="SIM", role=tracking_pb2.ROLE_PASSER, at_least_as_fresh=written.revision_token
    )
    plays = (await calls.stub.ListPlays(question, timeout=5)).plays
    assert [(play.key.play_id, play.subject.subject_id) for play in plays] == [("1", "p2"), ("2", "p1")]


async def test_other_content_at_the_same_revisions_is_refused(calls: Calls) -> None:
    await calls.record(record("1", 0.9), unscored=[rejection("2")])
    written = await calls.record(
        record("1", 0.9),
        record("1", 0.8),
        record("1", 0.8, outcome_revision=1),
        unscored=[rejection("2", reason=reason_pb2.REASON_TOO_LONG)],
    )
    assert (written.replaced, written.unchanged, written.stale) == (1, 1, 0)
    assert [(each.index, each.in_unscored, each.reason) for each in written.rejections] == [
        (1, False, reason_pb2.REASON_REVISION_CONFLICT),
        (0, True, reason_pb2.REASON_REVISION_CONFLICT),
    ]


async def test_a_known_subject_without_plays_in_the_split_is_rated_like_anybody(calls: Calls) -> None:
    written = await calls.record(record())
    question = pb.GetRatingRequest(
        league="SIM",
        subject_id="p1",
        role=tracking_pb2.ROLE_PASSER,
        filter="down = 1",
        at_least_as_fresh=written.revision_token,
    )
    rating = (await calls.stub.GetRating(question, timeout=5)).rating
    assert (rating.plays, rating.qualified, rating.passing.rating) == (0, False, 84.0)
    assert not rating.passing.HasField("mean_play_score")


async def test_the_same_request_again_has_the_same_answer(calls: Calls) -> None:
    bad = record("2", 1.5)
    first = await calls.record(record("1"), bad, request_id="again")
    assert await calls.record(record("1"), bad, request_id="again") == first
    code, reason, _ = await error_of(calls.record(record("1", 0.6), request_id="again"))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REASON_IDEMPOTENCY_KEY_REUSED")


NAN = float("nan")


@pytest.mark.parametrize(
    ("wrong", "reason", "says"),
    [
        (record(play_score=1.7), "SCORE_OUT_OF_RANGE", "1.7"),
        (record(play_score=NAN), "SCORE_OUT_OF_RANGE", "nan"),
        (record(pass_measure=pb.PassMeasure(yards_gained=1e9)), "YARDS_OUT_OF_RANGE", "-100 and 110"),
        (record(pass_measure=pb.PassMeasure(expected_yards=NAN)), "YARDS_OUT_OF_RANGE", "expected_yards"),
        (without("play_score"), "FIELD_INVALID", "pass_measure.play_score"),
        (without("yards_gained"), "FIELD_INVALID", "absent is not 0"),
        (without("expected_yards"), "FIELD_INVALID", "pass_measure.expected_yards"),
        (record(subject=subject("p" * 129)), "FIELD_INVALID", "subject_id"),
        (record(subject=subject("p\n")), "FIELD_INVALID", "printable"),
        (record(subject=subject("p1", subject_name="p" * 257)), "FIELD_INVALID", "subject_name"),
        (record(subject=subject("p1", team_id="BUF")), "FIELD_INVALID", "team_id"),
        (record(play="p" * 129), "FIELD_INVALID", "key.play_id"),
        (record(key=tracking_pb2.PlayKey(league="N F L")), "FIELD_INVALID", "league"),
        (record(revision=-1), "FIELD_INVALID", "revision"),
        (record(outcome_revision=-1), "FIELD_INVALID", "outcome_revision"),
        (record(model=scorer_pb2.ModelVersion(name="shots")), "FIELD_INVALID", "passing"),
        (record(model=scorer_pb2.ModelVersion(version=-1)), "FIELD_INVALID", "version"),
        (record(model=scorer_pb2.ModelVersion(version=2)), "MODEL_NOT_FOUND", "passing 2"),
        (record(shot_measure=pb.ShotMeasure()), "FIELD_INVALID", "pass_measure"),
        (record(shot_attributes=tracking_pb2.ShotAttributes()), "FIELD_INVALID", "pass_attributes"),
        (record(pass_attributes=tracking_pb2.PassAttributes(time_to_throw=NAN)), "FIELD_INVALID", "time_to_throw"),
        (record(pass_attributes=tracking_pb2.PassAttributes(depth=9)), "FIELD_INVALID", "depth"),  # type: ignore[arg-type]
        (record(subject=subject("p1", role=tracking_pb2.ROLE_SHOOTER)), "ROLE_UNSUPPORTED", "ROLE_SHOOTER"),
        (record(subject=subject("p1", role=99)), "ROLE_UNSUPPORTED", "99"),
    ],
)
async def test_a_wrong_record_is_refused_and_the_others_are_written(
    calls: Calls, wrong: pb.ScoreRecord, reason: str, says: str
) -> None:
    written = await calls.record(record("a"), wrong, record("b"))
    assert written.inserted == 2
    (refused,) = written.rejections
    assert (refused.index, refused.in_unscored) == (1, False)
    assert reason_pb2.Reason.Name(refused.reason) == f"REASON_{reason}"
    assert says in refused.detail


async def test_a_wrong_unscored_play_is_refused_and_the_others_are_written(calls: Calls) -> None:
    goalie = subject("p1", role=tracking_pb2.ROLE_GOALIE)
    wrong = [
        rejection("1"),
        rejection("2", revision=-2),
        rejection("3", detail="x" * 5000),
        rejection("4", subjects=[subject("p" * 129)]),
        rejection("5", subjects=[subject("p1"), goalie]),
    ]
    wrong[0].ClearField("reason")
    written = await calls.record(record("a"), unscored=[rejection("b"), *wrong, rejection("c")])
    assert written.inserted == 3
    assert [(refused.index, refused.in_unscored) for refused in written.rejections] == [(n, True) for n in range(1, 6)]
    assert [refused.reason for refused in written.rejections] == [
        *[reason_pb2.REASON_FIELD_INVALID] * 4,
        reason_pb2.REASON_ROLE_UNSUPPORTED,
    ]


async def test_a_wrong_request_is_refused_as_a_whole(calls: Calls) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT, "REASON_FIELD_INVALID"
    empty = pb.RecordScoresRequest(records=[record()])
    assert (await error_of(calls.stub.RecordScores(empty, timeout=5)))[:2] == invalid
    assert (await error_of(calls.record(*[record()] * 10_001)))[:2] == invalid
    unasked = pb.ListRatingsRequest(league="SIM")
    assert await error_of(calls.stub.ListRatings(unasked, timeout=5)) == (*invalid, ["role"])
    assert await error_of(calls.stub.GetCoverage(pb.GetCoverageRequest(league="SIM"), timeout=5)) == (
        *invalid,
        ["role"],
    )
    too_large = pb.ListPlaysRequest(league="SIM", role=tracking_pb2.ROLE_PASSER, page_size=1001)
    assert await error_of(calls.stub.ListPlays(too_large, timeout=5)) == (*invalid, ["page_size"])


@pytest.mark.parametrize(
    ("changed", "code", "reason"),
    [
        ({"filter": "down ="}, "INVALID_ARGUMENT", "REASON_FILTER_INVALID"),
        ({"filter": "quarterback = 7"}, "INVALID_ARGUMENT", "REASON_FILTER_FIELD_UNKNOWN"),
        ({"filter": "down = 'third'"}, "INVALID_ARGUMENT", "REASON_FILTER_TYPE_MISMATCH"),
        ({"subject_id": "nobody"}, "NOT_FOUND", "REASON_SUBJECT_NOT_FOUND"),
        ({"model_version": 99}, "NOT_FOUND", "REASON_MODEL_NOT_FOUND"),
        ({"at_least_as_fresh": "abc"}, "INVALID_ARGUMENT", "REASON_REVISION_TOKEN_INVALID"),
        ({"role": tracking_pb2.ROLE_GOALIE}, "INVALID_ARGUMENT", "REASON_ROLE_UNSUPPORTED"),
        ({"role": 99}, "INVALID_ARGUMENT", "REASON_ROLE_UNSUPPORTED"),
    ],
)
async def test_a_wrong_question_is_refused(calls: Calls, changed: dict[str, Any], code: str, reason: str) -> None:
    written = await calls.record(record())
    question = pb.GetRatingRequest(
        league="SIM", subject_id="p1", role=tracking_pb2.ROLE_PASSER, at_least_as_fresh=written.revision_token
    )
    question.MergeFrom(pb.GetRatingRequest(**changed))
    assert (await error_of(calls.stub.GetRating(question, timeout=5)))[:2] == (grpc.StatusCode[code], reason)


async def test_a_state_that_is_not_there_yet_is_waited_for_and_then_refused(calls: Calls) -> None:
    written = await calls.record(record())
    store = calls.store.store_id
    passer = tracking_pb2.ROLE_PASSER
    soon = pb.GetCoverageRequest(league="SIM", role=passer, at_least_as_fresh=revision_token(store, 2))
    waiting = asyncio.ensure_future(calls.stub.GetCoverage(soon, timeout=5))
    await asyncio.sleep(0.05)
    await calls.record(record("2"))
    assert (await waiting).scored == 2
    never = pb.GetCoverageRequest(league="SIM", role=passer, at_least_as_fresh=revision_token(store, 1000))
    code, reason, _ = await error_of(calls.stub.GetCoverage(never, timeout=0.3))
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "REASON_NOT_FRESH_ENOUGH")
    assert written.revision_token == revision_token(store, 1)


async def test_the_fields_are_described_page_by_page(calls: Calls) -> None:
    whole = await calls.stub.DescribeSplits(pb.DescribeSplitsRequest(role=tracking_pb2.ROLE_PASSER), timeout=5)
    assert whole.next_page_token == ""
    by_name = {each.name: each for each in whole.fields}
    assert by_name["time_to_throw"].type == pb.SPLIT_FIELD_TYPE_NUMBER
    assert by_name["time_to_throw"].unit == "s"
    assert list(by_name["depth"].values) == ["behind_line", "short", "intermediate", "deep"]
    request = pb.DescribeSplitsRequest(role=tracking_pb2.ROLE_PASSER, page_size=7)
    paged: list[pb.SplitField] = []
    while True:
        page = await calls.stub.DescribeSplits(request, timeout=5)
        paged += page.fields
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert paged == list(whole.fields)


async def test_watching_is_of_a_later_release(calls: Calls) -> None:
    async def watch() -> None:
        async for _ in calls.stub.WatchRatings(
            pb.WatchRatingsRequest(league="SIM", role=tracking_pb2.ROLE_PASSER), timeout=5
        ):
            pass

    assert (await error_of(watch()))[:2] == (grpc.StatusCode.UNIMPLEMENTED, "REASON_NOT_IMPLEMENTED")


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    question = pb.ListRatingsRequest(league="SIM", role=tracking_pb2.ROLE_PASSER, min_plays=1)
    async with aggregator(tmp_path) as calls:
        written = await calls.record(*(record(str(n), n / 10, subject=subject(f"p{n % 3}")) for n in range(10)))
        question.at_least_as_fresh = written.revision_token
        before = await calls.stub.ListRatings(question, timeout=5)
    async with aggregator(tmp_path) as calls:
        assert await calls.stub.ListRatings(question, timeout=5) == before


@pytest.mark.parametrize(
    "attributes", [{"down": 99}, {"season": -(2**31)}, {"time_to_throw": -1e300}, {"defenders_near_target": -3}]
)
async def test_attributes_that_no_play_has_are_refused(calls: Calls, attributes: dict[str, float]) -> None:
    odd = record("1", 0.5)
    odd.pass_attributes.MergeFrom(tracking_pb2.PassAttributes(**attributes))
    written = await calls.record(odd, record("2", 0.5))
    assert [(each.index, each.reason) for each in written.rejections] == [(0, reason_pb2.REASON_FIELD_INVALID)]
    assert written.inserted == 1
