"""The aggregator's contract, over a real server on loopback with a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status

from aggregator.core.revision import Revision
from aggregator.core.store import Reading
from aggregator.core.tokens import Tokens
from aggregator.distributions import same_distribution
from aggregator.passing.messages import pass_messages
from aggregator.passing.task import PassingTask
from aggregator.service import AggregatorService
from aggregator.sqlite import SqliteStore
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1 import aggregator_pb2_grpc
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.passing import PASSER
from playscore.release import ModelVersion, ReferencePopulation, Support
from servicekit import ServiceSettings
from servicekit.server import serving
from servicekit.token_keys import TokenKeyFile
from servicekit.tokens import Keyring, derived

MODEL, OTHER_MODEL = ModelVersion("passing", 1), ModelVersion("passing", 2)
POPULATION = ReferencePopulation(
    description="made up",
    subjects=31,
    min_plays=170,
    mean=0.5,
    standard_deviation=0.02,
    play_standard_deviation=0.3,
    shrinkage_plays=100,
)


@dataclass
class Calls:
    stub: Any
    store: SqliteStore
    address: str
    _requests: int = field(default=0)

    async def record(
        self,
        *records: pb.ScoreRecord | common.Rejection | pb.PlayRecord,
        request_id: str = "",
        supports: tuple[distributions.Support, ...] = (),
    ) -> pb.RecordScoresResponse:
        self._requests += 1
        request = pb.RecordScoresRequest(
            request_id=request_id or f"request {self._requests}", records=map(play_record, records), supports=supports
        )
        answer: pb.RecordScoresResponse = await self.stub.RecordScores(request, timeout=30)
        return answer


def play_record(record: pb.ScoreRecord | common.Rejection | pb.PlayRecord) -> pb.PlayRecord:
    match record:
        case pb.ScoreRecord():
            return pb.PlayRecord(score=record)
        case common.Rejection():
            return pb.PlayRecord(unscored=record)
        case pb.PlayRecord():
            return record


@asynccontextmanager
async def aggregator(
    folder: Path, *, max_watched_splits: int = 10, token_keys: TokenKeyFile | None = None, **stated: Any
) -> AsyncIterator[Calls]:
    store = SqliteStore(folder / "scores.sqlite", [PASSER], same_distribution)
    tasks = [pass_messages(PassingTask({MODEL: POPULATION, OTHER_MODEL: POPULATION}, MODEL))]
    service = AggregatorService(store, tasks, max_watched_splits=max_watched_splits, token_keys=token_keys)
    settings = ServiceSettings(listen="127.0.0.1:0", metrics_listen="127.0.0.1:0", **stated)
    async with serving(service, settings) as running:
        await running.until_serving()
        async with grpc.aio.insecure_channel(str(running.address)) as channel:
            yield Calls(aggregator_pb2_grpc.AggregatorServiceStub(channel), store, str(running.address))


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    async with aggregator(tmp_path) as made:
        yield made


def fresh(written: pb.RecordScoresResponse) -> common.Consistency:
    return common.Consistency(at_least_as_fresh=written.revision)


def split(text: str = "", **changed: Any) -> pb.Split:
    made = pb.Split(league="SIM", role=common.ROLE_PASSER, filter=text)
    made.MergeFrom(pb.Split(**changed))
    return made


def subject(subject_id: str, **changed: Any) -> common.Subject:
    made = common.Subject(role=common.ROLE_PASSER, subject_id=subject_id, subject_name="P. One", team_id="KC")
    made.MergeFrom(common.Subject(**changed))
    return made


def without(measure: str) -> pb.ScoreRecord:
    made = record()
    made.pass_measure.ClearField(measure)  # type: ignore[arg-type]
    return made


def record(play: str = "1", play_score: float = 0.5, **changed: Any) -> pb.ScoreRecord:
    made = pb.ScoreRecord(
        key=common.PlayKey(league="SIM", game_id="g1", play_id=play),
        subject=subject("p1"),
        model=common.ModelVersion(name="passing", version=1),
        revision=1,
        pass_measure=pb.PassMeasure(
            play_score=play_score, yards_gained=12, expected_yards=6.5, result=football.PASS_RESULT_COMPLETE
        ),
        pass_attributes=football.PassAttributes(
            season=2021,
            down=3,
            home=False,
            score_difference=-7,
            team_id="KC",
            time_to_throw_seconds=2.5,
            depth=football.PASS_DEPTH_DEEP,
        ),
    )
    made.MergeFrom(pb.ScoreRecord(**changed))
    return made


def ungraded(play: str = "1", **changed: Any) -> pb.ScoreRecord:
    made = record(play, **changed)
    made.ClearField("pass_measure")
    return made


def rejection(play: str, **changed: Any) -> common.Rejection:
    made = common.Rejection(
        key=common.PlayKey(league="SIM", game_id="g1", play_id=play),
        revision=1,
        reason=reason_pb2.REASON_NO_RELEASE,
        detail="a sack",
        task=common.TASK_PASSING,
    )
    made.MergeFrom(common.Rejection(**changed))
    return made


EDGES = (-10.5, 0.0, 10.0, 99.5)
SUPPORT = distributions.Support(
    support_id=Support(edges_yards=EDGES, lower_tail_probability=0.05, upper_tail_probability=0.05).id,
    edges_yards=EDGES,
    lower_tail_probability=0.05,
    upper_tail_probability=0.05,
)


def expected(middle: float = 0.5, **changed: Any) -> distributions.Distribution:
    """A distribution of the support."""
    stated = distributions.SplicedBinnedPareto(
        support_id=SUPPORT.support_id,
        probabilities=[0.75 - middle, middle, 0.25],
        lower_shape=0.1,
        lower_scale_yards=2,
        upper_shape=-0.1,
        upper_scale_yards=9,
    )
    if "probabilities" in changed:
        stated.ClearField("probabilities")
    stated.MergeFrom(distributions.SplicedBinnedPareto(**changed))
    return distributions.Distribution(spliced_binned_pareto=stated)


async def error_of(call: Awaitable[object]) -> tuple[grpc.StatusCode, str, list[str]]:
    """Status code, reason and the fields at fault of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    failed: Any = raised.value
    status = rpc_status.from_call(failed)
    assert status is not None
    information, violations = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(information)
        detail.Unpack(violations)
    assert information.domain == "playscore"
    return raised.value.code(), information.reason, [violation.field for violation in violations.field_violations]


INVALID = grpc.StatusCode.INVALID_ARGUMENT, "REASON_FIELD_INVALID"


async def test_a_score_goes_in_and_a_rating_comes_out(calls: Calls) -> None:
    written = await calls.record(record("1", 0.9), record("2", 0.5), rejection("3"))
    assert (written.inserted, written.replaced, written.unchanged, written.stale) == (3, 0, 0, 0)
    question = pb.GetRatingRequest(
        split=split("season = 2021 AND NOT home AND time_to_throw_seconds >= 2.5 AND depth = PASS_DEPTH_DEEP"),
        subject_id="p1",
        min_plays=2,
        consistency=fresh(written),
    )
    answer = await calls.stub.GetRating(question, timeout=30)
    assert answer.revision == written.revision
    assert answer.ranking == pb.Ranking(model=common.ModelVersion(name="passing", version=1), min_plays=2, qualified=1)
    rating = answer.rating
    assert rating.subject == subject("p1")
    assert (rating.plays, rating.qualified, rating.rank, list(rating.group)) == (2, True, 1, [])
    assert rating.WhichOneof("value") == "passing"
    assert rating.passing.mean_play_score == pytest.approx(0.7)
    assert rating.passing.yards_per_play == 12
    assert rating.passing.rating == pytest.approx(84 + 7 * ((1.4 + 50) / 102 - 0.5) / 0.02)


async def test_plays_come_back_as_they_went_in(calls: Calls) -> None:
    records = [record("1"), record("2", 0.0, revision=3, outcome_revision=2, subject=subject("p2")), ungraded("3")]
    written = await calls.record(*records)
    for include_ungraded in (False, True):
        plays = await calls.stub.ListPlays(
            pb.ListPlaysRequest(split=split(), consistency=fresh(written), include_ungraded=include_ungraded),
            timeout=30,
        )
        assert list(plays.plays) == (records if include_ungraded else records[:2])
        assert (plays.total_size, plays.next_page_token) == (2 + include_ungraded, "")
        assert (list(plays.supports), plays.revision) == ([], written.revision)


# --- Comparisons ---


def compared(subject_id: str, text: str = "", **changed: Any) -> pb.ComparedSubject:
    return pb.ComparedSubject(split=split(text, **changed), subject_id=subject_id)


def comparison(first: pb.ComparedSubject, second: pb.ComparedSubject, **changed: Any) -> pb.CompareRatingsRequest:
    return pb.CompareRatingsRequest(first=first, second=second, **changed)


async def test_two_passers_are_compared(calls: Calls) -> None:
    better = [record(f"{play}", 0.8) for play in range(30)]
    worse = [record(f"{play}", 0.2, subject=subject("p2")) for play in range(30, 50)]
    written = await calls.record(*better, *worse)
    question = comparison(compared("p1"), compared("p2"), consistency=fresh(written))
    answer = await calls.stub.CompareRatings(question, timeout=30)
    assert answer.revision == written.revision
    assert answer.first_model == answer.second_model == common.ModelVersion(name="passing", version=1)
    for rating, subject_id, plays in ((answer.first, "p1", 30), (answer.second, "p2", 20)):
        assert (rating.subject.subject_id, rating.plays, rating.qualified, rating.rank) == (subject_id, plays, False, 0)
        assert rating.WhichOneof("value") == "passing"
    difference = answer.difference
    assert (difference.measure, difference.shared_plays) == ("rating", 0)
    assert difference.difference == pytest.approx(7 / 0.02 * ((24 + 50) / 130 - (4 + 50) / 120))
    assert difference.difference_low < difference.difference < difference.difference_high
    assert 0.9 < difference.probability_first_is_better < 1


async def test_one_passer_is_compared_in_two_splits(calls: Calls) -> None:
    written = await calls.record(
        *(record(f"{play}", 0.8, pass_attributes={"under_pressure": play < 10}) for play in range(30))
    )
    question = comparison(compared("p1", "under_pressure"), compared("p1"), consistency=fresh(written))
    answer = await calls.stub.CompareRatings(question, timeout=30)
    assert (answer.first.plays, answer.second.plays, answer.difference.shared_plays) == (10, 30, 10)
    assert answer.difference.difference == pytest.approx(0.0, abs=1e-6)
    assert answer.difference.probability_first_is_better == pytest.approx(0.5, abs=1e-6)


async def test_there_is_no_difference_from_a_side_without_plays(calls: Calls) -> None:
    written = await calls.record(record())
    question = comparison(compared("p1", "down = 4"), compared("p1"), consistency=fresh(written))
    answer = await calls.stub.CompareRatings(question, timeout=30)
    assert (answer.first.plays, answer.second.plays, answer.HasField("difference")) == (0, 1, False)
    assert answer.first.passing.rating == 84


@pytest.mark.parametrize(
    ("first", "second", "code", "reason", "fields"),
    [
        ({}, {"subject_id": ""}, "INVALID_ARGUMENT", "FIELD_INVALID", ["second.subject_id"]),
        ({"filter": "down ="}, {}, "INVALID_ARGUMENT", "FILTER_INVALID", ["first.split.filter"]),
        ({}, {"filter": "quarterback = 7"}, "INVALID_ARGUMENT", "FILTER_FIELD_UNKNOWN", ["second.split.filter"]),
        ({}, {"role": common.ROLE_GOALIE}, "INVALID_ARGUMENT", "ROLE_UNSUPPORTED", ["second.split.role"]),
        ({"league": "sim"}, {}, "NOT_FOUND", "LEAGUE_NOT_FOUND", []),
        ({}, {"filter": "game_id = g2"}, "NOT_FOUND", "GAME_NOT_FOUND", []),
        ({}, {"subject_id": "nobody"}, "NOT_FOUND", "SUBJECT_NOT_FOUND", []),
        ({}, {"model": {"name": "passing", "version": 99}}, "NOT_FOUND", "MODEL_NOT_FOUND", []),
    ],
)
async def test_a_wrong_side_of_a_comparison_is_named(
    calls: Calls, first: dict[str, Any], second: dict[str, Any], code: str, reason: str, fields: list[str]
) -> None:
    written = await calls.record(record())
    sides = (compared(side.pop("subject_id", "p1"), **side) for side in (dict(first), dict(second)))
    call = calls.stub.CompareRatings(comparison(*sides, consistency=fresh(written)), timeout=30)
    assert await error_of(call) == (grpc.StatusCode[code], f"REASON_{reason}", fields)


async def test_a_comparison_without_its_sides_is_refused(calls: Calls) -> None:
    call = calls.stub.CompareRatings(pb.CompareRatingsRequest(first=compared("p1")), timeout=30)
    assert await error_of(call) == (*INVALID, ["second.split.role"])


# --- Pages and groups ---


async def test_ratings_are_listed_page_by_page(calls: Calls) -> None:
    written = await calls.record(*(record(str(n), n / 10, subject=subject(f"p{n}")) for n in range(10)))
    request = pb.ListRatingsRequest(split=split(), page_size=4, min_plays=1, consistency=fresh(written))
    listed: list[str] = []
    while True:
        page = await calls.stub.ListRatings(request, timeout=30)
        listed += [rating.subject.subject_id for rating in page.ratings]
        assert (page.total_size, page.ranking.min_plays, page.ranking.qualified) == (10, 1, 10)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert listed == [f"p{n}" for n in reversed(range(10))]


async def test_a_page_is_at_most_as_long_as_the_limit(calls: Calls) -> None:
    written = await calls.record(*(record(str(n), subject=subject(f"p{n}")) for n in range(1100)))
    latest = fresh(written)
    ratings = pb.ListRatingsRequest(split=split(), page_size=9999, consistency=latest)
    plays = pb.ListPlaysRequest(split=split(), page_size=9999, consistency=latest)
    for answer, items in (
        (await calls.stub.ListRatings(ratings, timeout=30), "ratings"),
        (await calls.stub.ListPlays(plays, timeout=30), "plays"),
        (await calls.stub.ListSubjects(subjects_request(page_size=9999, consistency=latest), timeout=30), "subjects"),
    ):
        assert (len(getattr(answer, items)), answer.total_size) == (1000, 1100)
        assert answer.next_page_token


def subjects_request(**changed: Any) -> pb.ListSubjectsRequest:
    return pb.ListSubjectsRequest(league="SIM", role=common.ROLE_PASSER, **changed)


async def test_ratings_of_teams_and_seasons(calls: Calls) -> None:
    moved = record("3", 0.1)
    moved.pass_attributes.season = 2022
    unknown = record("4", 0.4)
    unknown.pass_attributes.ClearField("season")
    written = await calls.record(record("1", 0.9), record("2", 0.8), moved, unknown)

    async def grouped(*group_by: str) -> list[pb.Rating]:
        request = pb.ListRatingsRequest(split=split(), group_by=group_by, min_plays=1, consistency=fresh(written))
        return list((await calls.stub.ListRatings(request, timeout=30)).ratings)

    (team,) = await grouped("team_id")
    assert team.subject == common.Subject(role=common.ROLE_PASSER, team_id="KC")
    assert list(team.group) == [pb.FieldValue(field="team_id", text="KC")]
    seasons = await grouped("season")
    assert [list(rating.group) for rating in seasons] == [
        [pb.FieldValue(field="season", integer=2021)],
        [pb.FieldValue(field="season")],
        [pb.FieldValue(field="season", integer=2022)],
    ]
    assert {str(rating.subject) for rating in seasons} == {str(common.Subject(role=common.ROLE_PASSER))}
    assert [(rating.plays, rating.rank) for rating in seasons] == [(2, 1), (1, 2), (1, 3)]
    of_passers = await grouped("subject_id", "season")
    assert [rating.subject for rating in of_passers] == [subject("p1")] * 3
    assert of_passers[0].group[0] == pb.FieldValue(field="subject_id", text="p1")


async def test_subjects_are_found_by_name(calls: Calls) -> None:
    written = await calls.record(
        record("1", subject=subject("p1", subject_name="José Müller")),
        record("2", subject=subject("p1", subject_name="José Müller")),
        record("3", subject=subject("p2", subject_name="A. Smith")),
        ungraded("4", subject=subject("p3", subject_name="Jose")),
    )
    found = await calls.stub.ListSubjects(
        subjects_request(name_contains="jose m", consistency=fresh(written)), timeout=30
    )
    listed = pb.ListedSubject(subject=subject("p1", subject_name="José Müller"), plays=2)
    assert (list(found.subjects), found.total_size, found.revision) == ([listed], 1, written.revision)
    first = await calls.stub.ListSubjects(subjects_request(page_size=1), timeout=30)
    assert [each.subject.subject_id for each in first.subjects] == ["p2"]
    second = await calls.stub.ListSubjects(subjects_request(page_token=first.next_page_token), timeout=30)
    assert [each.subject.subject_id for each in second.subjects] == ["p1"]


async def test_the_fields_are_described_page_by_page(calls: Calls) -> None:
    whole = await calls.stub.DescribeSplits(pb.DescribeSplitsRequest(role=common.ROLE_PASSER), timeout=30)
    assert whole.next_page_token == ""
    by_name = {each.name: each for each in whole.fields}
    assert by_name["time_to_throw_seconds"].type == pb.SPLIT_FIELD_TYPE_NUMBER
    assert by_name["time_to_throw_seconds"].unit == "s"
    assert by_name["depth"].type == pb.SPLIT_FIELD_TYPE_ENUM
    assert list(by_name["depth"].values) == football.PassDepth.keys()[1:]
    numbers = {name for name, each in by_name.items() if each.type == pb.SPLIT_FIELD_TYPE_NUMBER}
    assert {name for name, each in by_name.items() if not each.groupable} == {*numbers, "play_id"}
    request = pb.DescribeSplitsRequest(role=common.ROLE_PASSER, page_size=7)
    paged: list[pb.SplitField] = []
    while True:
        page = await calls.stub.DescribeSplits(request, timeout=30)
        paged += page.fields
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert paged == list(whole.fields)


# --- Coverage and corrections ---


async def test_coverage_counts_what_was_not_scored(calls: Calls) -> None:
    of_a_later_release = rejection("5", reason=4711)
    its_side = rejection("4", subjects=[common.Subject(role=common.ROLE_PASSER, team_id="KC")])
    of_another_task, of_no_task = rejection("7"), rejection("8")
    of_another_task.task, of_no_task.task = common.TASK_SHOTS, common.TASK_UNSPECIFIED
    written = await calls.record(
        record("1"), ungraded("6"), rejection("3"), its_side, of_a_later_release, of_another_task, of_no_task
    )
    assert not written.rejections
    coverage = await calls.stub.GetCoverage(
        pb.GetCoverageRequest(league="SIM", role=common.ROLE_PASSER, game_id="g1", consistency=fresh(written)),
        timeout=30,
    )
    assert (coverage.plays, coverage.graded, coverage.ungraded) == (6, 1, 1)
    assert [(each.reason, each.plays) for each in coverage.unscored] == [(reason_pb2.REASON_NO_RELEASE, 3), (4711, 1)]


async def test_a_corrected_passer_is_rated_without_the_play(calls: Calls) -> None:
    await calls.record(record("1", 0.9), record("2", 0.5))
    written = await calls.record(record("1", 0.8, revision=2, subject=subject("p2")))
    assert (written.inserted, written.withdrawn) == (1, 1)
    question = pb.ListPlaysRequest(split=split(), consistency=fresh(written))
    plays = (await calls.stub.ListPlays(question, timeout=30)).plays
    assert [(play.key.play_id, play.subject.subject_id) for play in plays] == [("1", "p2"), ("2", "p1")]


async def test_a_play_is_graded_when_its_result_comes_and_ended_by_a_later_one(calls: Calls) -> None:
    async def coverage() -> tuple[int, int, int]:
        request = pb.GetCoverageRequest(league="SIM", role=common.ROLE_PASSER, consistency=fresh(written))
        answer = await calls.stub.GetCoverage(request, timeout=30)
        return answer.graded, answer.ungraded, sum(each.plays for each in answer.unscored)

    written = await calls.record(ungraded())
    assert (written.inserted, await coverage()) == (1, (0, 1, 0))
    written = await calls.record(record(outcome_revision=1))
    assert (written.replaced, await coverage()) == (1, (1, 0, 0))
    late = await calls.record(ungraded(), record("1", 0.9))
    assert list(late.stale_records) == [
        pb.StaleRecord(index=index, revision=1, outcome_revision=1) for index in range(2)
    ]
    written = await calls.record(pb.PlayRecord(unscored=rejection("1"), outcome_revision=2))
    assert (written.withdrawn, await coverage()) == (1, (0, 0, 1))


async def test_other_content_at_the_same_revisions_is_refused(calls: Calls) -> None:
    await calls.record(record("1", 0.9), rejection("2"))
    written = await calls.record(
        record("1", 0.9),
        record("1", 0.8),
        record("1", 0.8, outcome_revision=1),
        rejection("2", reason=reason_pb2.REASON_TOO_LONG),
    )
    assert (written.replaced, written.unchanged, written.stale) == (1, 1, 0)
    score, play = written.rejections
    assert (score.index, score.key, score.revision, score.reason) == (
        1,
        record("1").key,
        1,
        reason_pb2.REASON_REVISION_CONFLICT,
    )
    assert (list(score.subjects), score.task) == ([subject("p1")], common.TASK_PASSING)
    assert (play.index, play.key, play.reason) == (3, rejection("2").key, reason_pb2.REASON_REVISION_CONFLICT)


async def test_a_known_subject_without_plays_in_the_split_is_rated_like_anybody(calls: Calls) -> None:
    written = await calls.record(record())
    question = pb.GetRatingRequest(split=split("down = 1"), subject_id="p1", consistency=fresh(written))
    rating = (await calls.stub.GetRating(question, timeout=30)).rating
    assert (rating.plays, rating.qualified, rating.passing.rating) == (0, False, 84.0)
    assert not rating.passing.HasField("mean_play_score")


async def test_who_qualifies_goes_by_what_was_played_or_by_what_is_asked(calls: Calls) -> None:
    written = await calls.record(*(record(str(n), subject=subject(f"p{n % 2}")) for n in range(30)))
    request = pb.ListRatingsRequest(split=split(), consistency=fresh(written))
    assert (await calls.stub.ListRatings(request, timeout=30)).ranking.min_plays == 10  # of 170 in 17 games
    request.min_plays = 0
    assert (await calls.stub.ListRatings(request, timeout=30)).ranking == pb.Ranking(
        model=common.ModelVersion(name="passing", version=1), min_plays=0, qualified=2
    )


async def test_the_same_request_again_has_the_same_answer(calls: Calls) -> None:
    bad = record("2", 1.5)
    first = await calls.record(record("1"), bad, request_id="again")
    assert await calls.record(record("1"), bad, request_id="again") == first
    code, reason, fields = await error_of(calls.record(record("1", 0.6), request_id="again"))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REASON_IDEMPOTENCY_KEY_REUSED")
    assert fields == ["request_id"]


# --- Distributions ---


async def test_distributions_are_answered_where_they_are_asked_for_and_their_support_once(calls: Calls) -> None:
    goal = distributions.Distribution(bernoulli=distributions.Bernoulli(probability=0.3))
    records = [
        record("1", distribution=expected()),
        ungraded("2", distribution=expected(0.4, ceiling_yards=60)),
        record("3"),
        record("4", distribution=goal),
    ]
    written = await calls.record(*records, supports=(SUPPORT,))
    assert not written.rejections
    request = pb.ListPlaysRequest(split=split(), include_ungraded=True, consistency=fresh(written))
    assert not any(play.HasField("distribution") for play in (await calls.stub.ListPlays(request, timeout=30)).plays)
    request.include_distributions = True
    plays = await calls.stub.ListPlays(request, timeout=30)
    assert list(plays.plays) == records
    assert list(plays.supports) == [SUPPORT]
    request.split.filter = "play_id = 3"
    assert list((await calls.stub.ListPlays(request, timeout=30)).supports) == []


async def test_a_play_that_is_corrected_while_it_is_read_is_answered_as_it_was(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await calls.record(record("1", distribution=expected()), supports=(SUPPORT,))
    read = calls.store.read

    async def read_late(scores: Collection[int], at: Revision) -> Reading:
        await calls.record(record("1", distribution=expected(0.4), revision=2))
        return await read(scores, at)

    monkeypatch.setattr(calls.store, "read", read_late)
    request = pb.ListPlaysRequest(split=split(), include_distributions=True, consistency=fresh(first))
    answer = await calls.stub.ListPlays(request, timeout=30)
    assert list(answer.plays) == [record("1", distribution=expected())]
    assert answer.revision == first.revision


async def test_a_play_inferred_again_is_the_same_play(calls: Calls) -> None:
    await calls.record(ungraded(distribution=expected()), record("2", distribution=expected()), supports=(SUPPORT,))
    again = expected(0.5 + 1e-7, upper_scale_yards=9.00001)
    written = await calls.record(ungraded(distribution=again), record("2", distribution=again))
    assert (written.unchanged, len(written.rejections)) == (2, 0)
    for other in (expected(0.4), expected(ceiling_yards=60)):
        (refused,) = (await calls.record(record("2", distribution=other))).rejections
        assert refused.reason == reason_pb2.REASON_REVISION_CONFLICT


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (expected(support_id="other"), "'other' is neither stated in the request nor known"),
        (expected(probabilities=[0.5, 0.5]), "one for each of the support's 3 bins"),
        (expected(probabilities=[0.5, 0.5, 0.5]), "add up to 1"),
        (expected(probabilities=[1.5, -0.5, 0.0]), "at least 0"),
        (expected(probabilities=[NAN, 0.5, 0.5]), "add up to 1"),
        (expected(lower_scale_yards=-1), "lower_scale_yards"),
        (expected(upper_scale_yards=INF), "upper_scale_yards must be finite"),
        (expected(upper_shape=NAN), "upper_shape must be finite"),
        (expected(ceiling_yards=NAN), "ceiling_yards must be 1 to 100"),
        (expected(ceiling_yards=0), "ceiling_yards must be 1 to 100"),
        (expected(ceiling_yards=44.5), "ceiling_yards must be whole yards"),
        (distributions.Distribution(), "must be of a kind"),
    ],
)
async def test_what_is_no_distribution_is_refused_with_its_record(
    calls: Calls, wrong: distributions.Distribution, says: str
) -> None:
    written = await calls.record(
        record("1", distribution=wrong), record("2", distribution=expected()), supports=(SUPPORT,)
    )
    (refused,) = written.rejections
    assert (refused.index, refused.reason) == (0, reason_pb2.REASON_DISTRIBUTION_INVALID)
    assert says in refused.detail
    assert written.inserted == 1


async def test_what_is_no_support_is_refused_with_the_records_that_name_it(calls: Calls) -> None:
    falling, renamed, tails = distributions.Support(), distributions.Support(), distributions.Support()
    for made in (falling, renamed, tails):
        made.CopyFrom(SUPPORT)
    falling.edges_yards[1] = -20
    renamed.edges_yards[1] = 0.5
    tails.lower_tail_probability = 0.96
    for wrong, says in ((falling, "rising"), (renamed, "digest"), (tails, "body")):
        written = await calls.record(record("1", distribution=expected()), record("2"), supports=(wrong,))
        (refused,) = written.rejections
        assert (refused.index, refused.reason) == (0, reason_pb2.REASON_DISTRIBUTION_INVALID)
        assert says in refused.detail


# --- What is wrong with a record ---


def unmodeled(**changed: Any) -> pb.ScoreRecord:
    return record(model=common.ModelVersion(**changed))


@pytest.mark.parametrize(
    ("wrong", "reason", "says"),
    [
        (record(play_score=1.7), "SCORE_OUT_OF_RANGE", "1.7"),
        (record(play_score=NAN), "SCORE_OUT_OF_RANGE", "nan"),
        (record(pass_measure=pb.PassMeasure(yards_gained=1e9)), "YARDS_OUT_OF_RANGE", "-100 to 110"),
        (record(pass_measure=pb.PassMeasure(expected_yards=NAN)), "YARDS_OUT_OF_RANGE", "expected_yards"),
        (without("play_score"), "SCORE_OUT_OF_RANGE", "score.pass_measure.play_score must be set"),
        (without("yards_gained"), "YARDS_OUT_OF_RANGE", "score.pass_measure.yards_gained must be set"),
        (record(pass_measure=pb.PassMeasure(result=9)), "FIELD_INVALID", "PASS_RESULT_INTERCEPTED"),  # type: ignore[arg-type]
        (record(subject=subject("p" * 129)), "FIELD_INVALID", "subject_id"),
        (record(subject=subject("p\n")), "FIELD_INVALID", "printable"),
        (record(subject=subject("p1", subject_name="p" * 257)), "FIELD_INVALID", "subject_name"),
        (record(subject=subject("p1", team_id="BUF")), "FIELD_INVALID", "team_id"),
        (record(play="p" * 129), "FIELD_INVALID", "key.play_id"),
        (record(key=common.PlayKey(league="N F L")), "FIELD_INVALID", "league"),
        (record(revision=-1), "FIELD_INVALID", "revision"),
        (record(outcome_revision=-1), "FIELD_INVALID", "outcome_revision"),
        (unmodeled(name="shots"), "MODEL_NOT_FOUND", "shots:1"),
        (unmodeled(version=-1), "FIELD_INVALID", "version"),
        (unmodeled(version=9), "MODEL_NOT_FOUND", "passing:9"),
        (
            record(shot_measure=pb.ShotMeasure(goal_probability=0, result=hockey.SHOT_RESULT_SAVED)),
            "FIELD_INVALID",
            "pass_measure",
        ),
        (record(shot_attributes={}), "FIELD_INVALID", "pass_attributes"),
        (record(pass_attributes=football.PassAttributes(time_to_throw_seconds=NAN)), "FIELD_INVALID", "time_to_throw"),
        (record(pass_attributes=football.PassAttributes(down=99)), "FIELD_INVALID", "1 to 4"),
        (record(pass_attributes=football.PassAttributes(season=-(2**31))), "FIELD_INVALID", "season"),
        (record(pass_attributes=football.PassAttributes(depth=9)), "FIELD_INVALID", "PASS_DEPTH_DEEP"),  # type: ignore[arg-type]
        (record(subject=subject("p1", role=common.ROLE_SHOOTER)), "ROLE_UNSUPPORTED", "ROLE_SHOOTER"),
        (record(subject=subject("p1", role=99)), "ROLE_UNSUPPORTED", "99"),
        (pb.PlayRecord(score=record(), outcome_revision=1), "FIELD_INVALID", "must be 0 with a score"),
    ],
)
async def test_a_wrong_record_is_refused_and_the_others_are_written(
    calls: Calls, wrong: pb.ScoreRecord | pb.PlayRecord, reason: str, says: str
) -> None:
    written = await calls.record(record("a"), wrong, record("b"))
    assert written.inserted == 2
    (refused,) = written.rejections
    assert refused.index == 1
    assert reason_pb2.Reason.Name(refused.reason) == f"REASON_{reason}"
    assert says in refused.detail


async def test_a_record_that_says_nothing_is_refused(calls: Calls) -> None:
    nobodys = record()
    nobodys.subject.subject_id = ""
    for wrong in (pb.PlayRecord(), pb.PlayRecord(score=pb.ScoreRecord()), nobodys):
        written = await calls.record(wrong)
        (refused,) = written.rejections
        assert (refused.index, refused.reason) == (0, reason_pb2.REASON_FIELD_INVALID)
        assert refused.HasField("key") is (wrong is nobodys)


async def test_a_wrong_unscored_play_is_refused_and_the_others_are_written(calls: Calls) -> None:
    goalie = subject("p1", role=common.ROLE_GOALIE)
    wrong = [
        rejection("1"),
        rejection("2", revision=-2),
        rejection("3", detail="x" * 5000),
        rejection("4", subjects=[subject("p" * 129)]),
        rejection("5", subjects=[subject("p1")] * 17),
        rejection("6"),
        rejection("7"),
        rejection("8", subjects=[subject("p1"), goalie]),
    ]
    wrong[0].ClearField("reason")
    wrong[5].ClearField("key")
    wrong[6].ClearField("revision")
    written = await calls.record(record("a"), rejection("b"), *wrong, rejection("c"))
    assert written.inserted == 3
    assert [refused.index for refused in written.rejections] == list(range(2, 10))
    assert [refused.reason for refused in written.rejections] == [
        *[reason_pb2.REASON_FIELD_INVALID] * 7,
        reason_pb2.REASON_ROLE_UNSUPPORTED,
    ]
    assert written.rejections[2].key == rejection("3").key
    assert written.rejections[2].task == common.TASK_PASSING


# --- What is wrong with a request ---


async def test_a_wrong_request_is_refused_as_a_whole(calls: Calls) -> None:
    nameless = pb.RecordScoresRequest(records=[pb.PlayRecord(score=record())])
    assert await error_of(calls.stub.RecordScores(nameless, timeout=30)) == (*INVALID, ["request_id"])
    assert await error_of(calls.record(*[record()] * 10_001)) == (*INVALID, ["records"])
    assert await error_of(calls.record(supports=(SUPPORT,) * 17)) == (*INVALID, ["supports"])


async def test_every_field_at_fault_is_named(calls: Calls) -> None:
    await calls.record(record())
    stub = calls.stub
    roleless = pb.Split(league="SIM")
    for call, fields in (
        (stub.ListRatings(pb.ListRatingsRequest(split=roleless), timeout=30), ["split.role"]),
        (stub.ListRatings(pb.ListRatingsRequest(), timeout=30), ["split.role"]),
        (stub.GetCoverage(pb.GetCoverageRequest(league="SIM"), timeout=30), ["role"]),
        (stub.GetRating(pb.GetRatingRequest(split=split()), timeout=30), ["subject_id"]),
        (stub.ListPlays(pb.ListPlaysRequest(split=split(), page_size=-1), timeout=30), ["page_size"]),
        (stub.ListRatings(pb.ListRatingsRequest(split=split(), min_plays=-1), timeout=30), ["min_plays"]),
        (
            stub.ListRatings(pb.ListRatingsRequest(split=split(league="N F L"), order_by="x" * 300), timeout=30),
            ["split.league", "order_by"],
        ),
        (stub.ListRatings(pb.ListRatingsRequest(split=split(), order_by="touchdowns"), timeout=30), ["order_by"]),
        (stub.ListRatings(pb.ListRatingsRequest(split=split(), group_by=["yards_to_go"]), timeout=30), ["group_by[0]"]),
        (stub.ListRatings(pb.ListRatingsRequest(split=split("x" * 3000)), timeout=30), ["split.filter"]),
        (
            stub.ListRatings(pb.ListRatingsRequest(split=split(), consistency=common.Consistency()), timeout=30),
            ["consistency"],
        ),
        (
            stub.ListRatings(
                pb.ListRatingsRequest(split=split(), consistency=common.Consistency(fastest=False)), timeout=30
            ),
            ["consistency.fastest"],
        ),
        (
            stub.ListRatings(
                pb.ListRatingsRequest(split=split(), consistency=common.Consistency(latest=False)), timeout=30
            ),
            ["consistency.latest"],
        ),
    ):
        assert await error_of(call) == (*INVALID, fields)


NOBODY = {"subject_id": "nobody"}


@pytest.mark.parametrize(
    ("changed", "code", "reason", "fields"),
    [
        ({"filter": "down ="}, "INVALID_ARGUMENT", "FILTER_INVALID", ["split.filter"]),
        ({"filter": "quarterback = 7"}, "INVALID_ARGUMENT", "FILTER_FIELD_UNKNOWN", ["split.filter"]),
        ({"filter": "down = 'third'"}, "INVALID_ARGUMENT", "FILTER_TYPE_MISMATCH", ["split.filter"]),
        ({"filter": "depth = deep"}, "INVALID_ARGUMENT", "FILTER_TYPE_MISMATCH", ["split.filter"]),
        ({"model": {"name": "passing", "version": 99}}, "NOT_FOUND", "MODEL_NOT_FOUND", []),
        ({"model": {"name": "shots", "version": 1}}, "NOT_FOUND", "MODEL_NOT_FOUND", []),
        ({"role": common.ROLE_GOALIE}, "INVALID_ARGUMENT", "ROLE_UNSUPPORTED", ["split.role"]),
        ({"role": 99}, "INVALID_ARGUMENT", "ROLE_UNSUPPORTED", ["split.role"]),
        ({"league": "sim"}, "NOT_FOUND", "LEAGUE_NOT_FOUND", []),
        ({"filter": "game_id = g2"}, "NOT_FOUND", "GAME_NOT_FOUND", []),
    ],
)
async def test_a_wrong_split_is_refused_in_every_call(
    calls: Calls, changed: Mapping[str, Any], code: str, reason: str, fields: list[str]
) -> None:
    written = await calls.record(record())
    asked, then = split(**changed), fresh(written)
    for call in (
        calls.stub.GetRating(pb.GetRatingRequest(split=asked, subject_id="p1", consistency=then), timeout=30),
        calls.stub.ListRatings(pb.ListRatingsRequest(split=asked, consistency=then), timeout=30),
        calls.stub.ListPlays(pb.ListPlaysRequest(split=asked, consistency=then), timeout=30),
    ):
        assert await error_of(call) == (grpc.StatusCode[code], f"REASON_{reason}", fields)


async def test_what_is_not_there_is_not_found(calls: Calls) -> None:
    written = await calls.record(record())
    nobody = pb.GetRatingRequest(split=split(), subject_id="nobody", consistency=fresh(written))
    assert (await error_of(calls.stub.GetRating(nobody, timeout=30)))[1] == "REASON_SUBJECT_NOT_FOUND"
    passer = common.ROLE_PASSER
    for request, reason in (
        (pb.GetCoverageRequest(league="SIM", role=passer, game_id="g2"), "REASON_GAME_NOT_FOUND"),
        (pb.GetCoverageRequest(league="NFL", role=passer), "REASON_LEAGUE_NOT_FOUND"),
    ):
        assert (await error_of(calls.stub.GetCoverage(request, timeout=30)))[:2] == (grpc.StatusCode.NOT_FOUND, reason)
    nowhere = pb.ListSubjectsRequest(league="NFL", role=passer)
    assert (await error_of(calls.stub.ListSubjects(nowhere, timeout=30)))[1] == "REASON_LEAGUE_NOT_FOUND"


# --- Which state ---


def coverage_request(**consistency: Any) -> pb.GetCoverageRequest:
    return pb.GetCoverageRequest(
        league="SIM", role=common.ROLE_PASSER, consistency=common.Consistency(**consistency) if consistency else None
    )


async def test_a_state_that_is_to_come_is_refused_at_once_and_one_that_is_there_is_waited_for(calls: Calls) -> None:
    written = await calls.record(record())
    tokens = Tokens(Keyring(derived(calls.store.secret, "tokens")), calls.store.store_id)

    def token(seq: int) -> common.RevisionToken:
        return common.RevisionToken(value=tokens.revision(Revision(seq + 1)))

    assert written.revision == token(1)
    for seq, requirement in ((2, "at_least_as_fresh"), (3, "as_of")):
        to_come = coverage_request(**{requirement: token(seq)})
        code, reason, _ = await error_of(calls.stub.GetCoverage(to_come, timeout=30))
        assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REASON_REVISION_TOKEN_INVALID")
        await calls.record(record(str(seq)))
        assert (await calls.stub.GetCoverage(to_come, timeout=30)).graded == seq


async def test_the_latest_state_has_every_write_that_was_answered(calls: Calls) -> None:
    for written in range(1, 21):
        await calls.record(record(str(written)))
        assert (await calls.stub.GetCoverage(coverage_request(latest=True), timeout=30)).graded == written


async def test_a_state_is_answered_exactly(calls: Calls) -> None:
    first = await calls.record(record())
    assert (await calls.stub.GetCoverage(coverage_request(as_of=first.revision), timeout=30)).graded == 1
    second = await calls.record(record("2"), record("3"))
    answer = await calls.stub.GetCoverage(coverage_request(as_of=second.revision), timeout=30)
    assert (answer.graded, answer.revision) == (3, second.revision)
    plays = pb.ListPlaysRequest(split=split(), include_distributions=True)
    plays.consistency.as_of.CopyFrom(second.revision)
    assert (await calls.stub.ListPlays(plays, timeout=30)).total_size == 3
    before = await calls.stub.GetCoverage(coverage_request(as_of=first.revision), timeout=30)
    assert (before.graded, before.revision) == (1, first.revision)


async def test_a_token_of_another_store_is_refused(calls: Calls) -> None:
    for requirement in ("at_least_as_fresh", "as_of"):
        wrong = coverage_request(**{requirement: {"value": "abc"}})
        assert await error_of(calls.stub.GetCoverage(wrong, timeout=30)) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "REASON_REVISION_TOKEN_INVALID",
            [f"consistency.{requirement}"],
        )


async def test_no_read_sees_a_part_of_a_request(calls: Calls) -> None:
    await calls.record(record("first"))
    writing = asyncio.ensure_future(calls.record(*(record(str(n)) for n in range(5000))))
    seen: set[int] = set()
    while not writing.done() or len(seen) < 2:
        seen.add((await calls.stub.GetCoverage(coverage_request(), timeout=30)).graded)
    assert seen == {1, 5001}
    assert (await writing).inserted == 5000


# --- The rest ---


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    question = pb.ListRatingsRequest(split=split(), min_plays=1)
    plays = pb.ListPlaysRequest(split=split(), include_distributions=True)
    async with aggregator(tmp_path) as calls:
        records = (record(str(n), n / 10, subject=subject(f"p{n % 3}"), distribution=expected()) for n in range(10))
        written = await calls.record(*records, supports=(SUPPORT,))
        question.consistency.at_least_as_fresh.CopyFrom(written.revision)
        before = await calls.stub.ListRatings(question, timeout=30), await calls.stub.ListPlays(plays, timeout=30)
    async with aggregator(tmp_path) as calls:
        after = await calls.stub.ListRatings(question, timeout=30), await calls.stub.ListPlays(plays, timeout=30)
    assert after == before
