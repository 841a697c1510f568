"""What becomes of a play after the featurizer: how it is recorded, how often, and what its record says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aggregator.__main__ import AggregatorSettings
from aggregator.__main__ import build as build_aggregator
from pipeline.batch_stages import BatchStages
from pipeline.in_flight_play import InFlightPlay
from pipeline.results import Ending, PlayResult
from pipeline.task import Scored, Stored
from pipeline.verdicts import Conflict, Refused, Stale, Undecided, Verdict, verdicts
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.errors import Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.release import list_releases
from playscore.shipped import RELEASES
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.common import rejection
from servicekit import ServiceSettings, serving
from tests.unit.pipeline.played_featurizer import GAME, key_of, tensor

SECONDS = 20.0
PASSER = common.Subject(role=common.ROLE_PASSER, subject_id="101")
RATED_BY = max(
    (each for each in list_releases(RELEASES) if each.task == "passing"), key=lambda each: (each.model, each.version)
)
MODEL = common.ModelVersion(name=RATED_BY.model, version=RATED_BY.version)

Response = aggregator.RecordScoresResponse
Answered = Scored | common.Rejection


def catch(revision: int, yards: float = 9.0) -> feed.OfficialResult:
    outcome = football.PassOutcome(yards_gained=yards, outcome_revision=revision, result=football.PASS_RESULT_COMPLETE)
    return feed.OfficialResult(play_id="1", pass_outcome=outcome)


def sack(revision: int) -> feed.OfficialResult:
    outcome = football.PassOutcome(outcome_revision=revision, result=football.PASS_RESULT_SACK)
    return feed.OfficialResult(play_id="1", pass_outcome=outcome)


def record(play_id: str, revision: int, result: feed.OfficialResult | None = None) -> aggregator.PlayRecord:
    """A score; graded, where there is a result."""
    score = aggregator.ScoreRecord(
        key=key_of(play_id),
        subject=PASSER,
        model=MODEL,
        revision=revision,
        pass_attributes=football.PassAttributes(season=2021),
    )
    if result is not None:
        outcome = result.pass_outcome
        score.outcome_revision = outcome.outcome_revision
        score.pass_measure.play_score = 0.5
        score.pass_measure.yards_gained = outcome.yards_gained
        score.pass_measure.expected_yards = 6.0
        score.pass_measure.result = outcome.result
    return aggregator.PlayRecord(score=score)


def scored_as(made: aggregator.PlayRecord, subjects: int = 1) -> Scored:
    graded = made.score.HasField("pass_measure")
    return Scored((made,) * subjects, (PASSER,), outcome_revision=made.score.outcome_revision if graded else None)


@dataclass
class Passing:
    """A task without a model: a catch is scored, a sack is rejected. `Task` in this process."""

    subjects: int = 1
    """Records of each play."""
    overloaded: int = 0
    """How often it rejects a play for a transient reason."""
    known: Stored | None = None
    """What it finds stored."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """It answers while this is set."""
    name: str = "passing"
    number: common.Task.ValueType = common.TASK_PASSING
    sport: common.Sport.ValueType = common.SPORT_AMERICAN_FOOTBALL
    roles: tuple[common.Role.ValueType, ...] = (common.ROLE_PASSER,)
    follows_film: bool = False

    def __post_init__(self) -> None:
        self.open.set()

    def owns(self, tensor: featurizer.PlayTensor) -> bool:
        return True

    def closes(self, frames: tracking.FrameBatch) -> bool:
        return False

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, feed.OfficialResult | None]]
    ) -> Sequence[Answered]:
        await self._called()
        return [self._judge(tensor.key, tensor.revision, result) for tensor, result in plays]

    async def grade(self, plays: Sequence[tuple[Scored, feed.OfficialResult]]) -> Sequence[Answered]:
        await self._called()
        scores = [(scored.records[0].score, result) for scored, result in plays]
        return [self._judge(score.key, score.revision, result) for score, result in scores]

    async def stored(self, play: common.PlayKey) -> Stored | None:
        return self.known

    async def _called(self) -> None:
        self.asked.set()
        await self.open.wait()

    def _judge(self, key: common.PlayKey, revision: int, result: feed.OfficialResult | None) -> Answered:
        if self.overloaded:
            self.overloaded -= 1
            return rejection(key, revision, Reason.OVERLOADED.value, "busy")
        if result is not None and result.pass_outcome.result == football.PASS_RESULT_SACK:
            return rejection(key, revision, Reason.NO_RELEASE.value, "a sack")
        return scored_as(record(key.play_id, revision, result), self.subjects)


@dataclass
class Ratings:
    """Answers each write as a test says, and accepts whatever comes after."""

    says: list[Response] = field(default_factory=list)
    writes: list[list[aggregator.PlayRecord]] = field(default_factory=list)
    writing: int = 0
    most_writing: int = 0

    async def record_scores(
        self,
        records: Iterable[aggregator.PlayRecord],
        supports: Iterable[distribution.Support] = (),
        request_id: str = "",
    ) -> Response:
        self.writes.append(list(records))
        self.writing += 1
        self.most_writing = max(self.most_writing, self.writing)
        number = len(self.writes)
        await asyncio.sleep(0)
        self.writing -= 1
        answer = Response()
        answer.CopyFrom(self.says.pop(0) if self.says else Response())
        answer.revision.value = str(number)
        return answer

    async def get_rating(self, *_: Any, **__: Any) -> None:
        """Nothing is read of it."""


class Finished:
    """Plays in the stages, and how often each was done."""

    def __init__(self) -> None:
        self.times: dict[InFlightPlay, int] = {}
        self._changed = asyncio.Event()

    def __call__(self, play: InFlightPlay) -> None:
        self.times[play] = self.times.get(play, 0) + 1
        self._changed.set()

    async def has(self, count: int) -> None:
        while sum(self.times.values()) < count:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), SECONDS)


def featurized(
    finished: Finished, task: Passing, result: feed.OfficialResult | None = None, revision: int = 1, play_id: str = "1"
) -> InFlightPlay:
    made = tensor(play_id, revision).tensor
    return InFlightPlay(key_of(play_id), revision, finished, task=task, tensor=made, result=result)


def refused(*reasons: Reason) -> Response:
    rejections = [
        common.Rejection(index=index, reason=reason.value, detail=reason.name)  # type: ignore[arg-type]
        for index, reason in enumerate(reasons)
    ]
    return Response(rejections=rejections)


def stale(*standing: tuple[int, int]) -> Response:
    places = [
        aggregator.StaleRecord(index=index, revision=revision, outcome_revision=outcome)
        for index, (revision, outcome) in enumerate(standing)
    ]
    return Response(stale=len(places), stale_records=places)


async def played(
    ratings: Ratings, task: Passing, result: feed.OfficialResult | None = None, revision: int = 1
) -> PlayResult:
    """One play through the stages. Fails if it is done twice."""
    results: list[PlayResult] = []
    finished = Finished()
    async with BatchStages(ratings, on_recorded=results.append) as stages:
        play = featurized(finished, task, result, revision)
        stages.take(play)
        await finished.has(1)
        other = featurized(finished, Passing(), play_id="2")
        stages.take(other)
        await finished.has(2)
    assert finished.times == {play: 1, other: 1}
    return results[0]


def unscored(ratings: Ratings) -> list[tuple[int, str, int]]:
    """Revision, reason and outcome revision of each rejection that was written."""
    return [
        (each.unscored.revision, Reason(each.unscored.reason).name, each.outcome_revision)
        for write in ratings.writes
        for each in write
        if each.HasField("unscored")
    ]


@pytest.fixture
async def aggregating(tmp_path: Path) -> AsyncIterator[AggregatorClient]:
    settings = AggregatorSettings(store=f"sqlite:///{tmp_path / 'scores.db'}")
    async with (
        serving(build_aggregator(settings), ServiceSettings()) as service,
        AggregatorClient(str(service.address)) as client,
    ):
        await service.until_serving()
        yield client


class TestRejections:
    """A rejection names the official result that was its reason."""

    async def test_missing_frames_do_not_withdraw_a_score_whatever_result_is_known(
        self, aggregating: AggregatorClient
    ) -> None:
        finished = Finished()
        async with BatchStages(aggregating) as stages:
            stages.take(featurized(finished, Passing(), catch(1)))
            await finished.has(1)
            nothing_seen = rejection(key_of("1"), 1, Reason.NO_FRAMES.value, "nothing was seen")
            stages.take(InFlightPlay(key_of("1"), 1, finished, rejection=nothing_seen, result=catch(2)))
            await finished.has(2)
            coverage = await aggregating.get_coverage(GAME.league, at_least_as_fresh=stages.revision)
        assert coverage.graded == 1
        assert stages.written.withdrawn == 0

    async def test_a_sack_withdraws_the_score_of_the_catch_before_it(self, aggregating: AggregatorClient) -> None:
        finished = Finished()
        async with BatchStages(aggregating) as stages:
            play = featurized(finished, Passing(), catch(1))
            stages.take(play)
            await finished.has(1)
            play.learn(sack(2))
            assert play.judge_again()
            stages.take(play)
            await finished.has(2)
        assert stages.written.withdrawn == 1
        assert play.outcome().reason is Reason.NO_RELEASE

    async def test_a_sack_that_is_corrected_while_it_is_scored_is_recorded_as_the_sack_it_was(self) -> None:
        ratings, task, finished = Ratings(), Passing(), Finished()
        task.open.clear()
        async with BatchStages(ratings) as stages:
            play = featurized(finished, task, sack(1))
            stages.take(play)
            await asyncio.wait_for(task.asked.wait(), SECONDS)
            play.learn(catch(2))
            task.open.set()
            await finished.has(1)
            assert unscored(ratings) == [(1, "NO_RELEASE", 1)]
            assert play.judge_again()
            stages.take(play)
            await finished.has(2)
        assert play.outcome().ending is Ending.SCORED
        assert ratings.writes[-1] == [record("1", 1, catch(2))]

    async def test_a_score_made_while_a_result_came_is_graded_by_it_before_it_is_recorded(self) -> None:
        ratings, task, finished = Ratings(), Passing(), Finished()
        task.open.clear()
        async with BatchStages(ratings) as stages:
            play = featurized(finished, task, catch(1))
            stages.take(play)
            await asyncio.wait_for(task.asked.wait(), SECONDS)
            play.learn(catch(2, yards=3.0))
            task.open.set()
            await finished.has(1)
        assert ratings.writes == [[record("1", 1, catch(2, yards=3.0))]]


class TestSeveralRecordsOfOnePlay:
    """The aggregator may answer each of them differently; the play is decided once."""

    async def test_two_stale_records_supersede_the_play_once(self) -> None:
        ratings = Ratings([stale((2, 0), (3, 1))])
        result = await played(ratings, Passing(subjects=2), catch(1))
        assert result.ending is Ending.SUPERSEDED
        assert result.detail == "a later revision stands: revision 3, outcome_revision 1"

    async def test_two_rejected_records_are_recorded_as_one_rejection(self) -> None:
        ratings = Ratings([refused(Reason.SCORE_OUT_OF_RANGE, Reason.SCORE_OUT_OF_RANGE)])
        result = await played(ratings, Passing(subjects=2), catch(1))
        assert unscored(ratings) == [(1, "SCORE_OUT_OF_RANGE", 1)]
        assert (result.reason, result.recorded) == (Reason.SCORE_OUT_OF_RANGE, True)

    async def test_of_a_rejected_record_and_a_conflict_the_rejection_is_recorded(self) -> None:
        for reasons in (
            (Reason.SCORE_OUT_OF_RANGE, Reason.REVISION_CONFLICT),
            (Reason.REVISION_CONFLICT, Reason.SCORE_OUT_OF_RANGE),
        ):
            ratings = Ratings([refused(*reasons)])
            result = await played(ratings, Passing(subjects=2), catch(1))
            assert unscored(ratings) == [(1, "SCORE_OUT_OF_RANGE", 1)]
            assert result.reason is Reason.SCORE_OUT_OF_RANGE

    async def test_where_other_content_stands_nothing_more_is_written(self) -> None:
        ratings = Ratings([refused(Reason.REVISION_CONFLICT, Reason.REVISION_CONFLICT)])
        result = await played(ratings, Passing(subjects=2), catch(1))
        assert unscored(ratings) == []
        assert (result.reason, result.recorded) == (Reason.REVISION_CONFLICT, True)

    async def test_a_play_whose_rejection_is_refused_too_is_not_recorded(self) -> None:
        ratings = Ratings([refused(*[Reason.SCORE_OUT_OF_RANGE] * 2), refused(Reason.FIELD_INVALID)])
        result = await played(ratings, Passing(subjects=2), catch(1))
        assert (result.reason, result.recorded) == (Reason.FIELD_INVALID, False)

    async def test_a_stored_score_of_a_later_revision_is_graded_once_by_the_later_result(self) -> None:
        known = Stored(2, scored_as(record("1", 2, catch(1)), 2), catch(1))
        ratings = Ratings([stale((2, 1), (2, 1))])
        result = await played(ratings, Passing(subjects=2, known=known), catch(2))
        assert ratings.writes[1] == [record("1", 2, catch(2))] * 2
        assert (result.ending, result.revision) == (Ending.SCORED, 2)

    async def test_a_stored_score_of_a_pass_that_officially_was_a_sack_is_rejected_at_its_own_revision(self) -> None:
        known = Stored(2, scored_as(record("1", 2, catch(1))), catch(1))
        ratings = Ratings([stale((2, 1))])
        result = await played(ratings, Passing(known=known), sack(2))
        assert unscored(ratings) == [(1, "NO_RELEASE", 2), (2, "NO_RELEASE", 2)]
        assert (result.ending, result.revision) == (Ending.REJECTED, 2)

    async def test_a_stored_score_that_is_earlier_than_what_stands_is_left_alone(self) -> None:
        known = Stored(1, scored_as(record("1", 1, catch(1))), catch(1))
        result = await played(Ratings([stale((2, 0))]), Passing(known=known), catch(2))
        assert result.ending is Ending.SUPERSEDED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response(), None),
        (refused(Reason.REVISION_CONFLICT), Conflict("REVISION_CONFLICT")),
        (refused(Reason.STORE_UNAVAILABLE), Undecided(Reason.STORE_UNAVAILABLE.value, "STORE_UNAVAILABLE")),
        (
            refused(Reason.REVISION_CONFLICT, Reason.TASK_UNSUPPORTED, Reason.FIELD_INVALID),
            Refused(Reason.TASK_UNSUPPORTED.value, "TASK_UNSUPPORTED"),
        ),
        (stale((2, 5), (3, 0), (3, 1)), Stale(3, 1)),
        (
            Response(
                rejections=refused(Reason.FIELD_INVALID).rejections,
                stale_records=[aggregator.StaleRecord(index=1, revision=2)],
            ),
            Stale(2, 0),
        ),
    ],
)
def test_one_play_has_one_verdict(answer: Response, expected: Verdict | None) -> None:
    assert verdicts(["play"] * 3, answer).get("play") == expected


def test_each_play_has_its_own_verdict() -> None:
    answer = refused(Reason.FIELD_INVALID, Reason.REVISION_CONFLICT)
    assert verdicts(["a", "b", "c"], answer) == {
        "a": Refused(Reason.FIELD_INVALID.value, "FIELD_INVALID"),
        "b": Conflict("REVISION_CONFLICT"),
    }


class TestTransientRejections:
    """A play that is rejected for a transient reason is tried again, but not forever."""

    async def test_a_play_is_scored_once_the_service_has_room(self) -> None:
        result = await played(Ratings(), Passing(overloaded=2), catch(1))
        assert result.ending is Ending.SCORED

    async def test_a_record_is_written_again_once_the_store_is_back(self) -> None:
        ratings = Ratings([refused(Reason.STORE_UNAVAILABLE)])
        result = await played(ratings, Passing(), catch(1))
        assert result.ending is Ending.SCORED
        assert ratings.writes[:2] == [[record("1", 1, catch(1))]] * 2

    @pytest.mark.parametrize("stored", [False, True])
    async def test_a_service_that_never_takes_the_play_ends_the_stages(self, stored: bool) -> None:
        finished, task = Finished(), Passing(overloaded=1_000_000)
        play = featurized(finished, task, catch(1))
        if stored:
            play.scored = scored_as(record("1", 1))
        with pytest.RaisesGroup(pytest.RaisesExc(ConnectionError, match="given up")):
            async with BatchStages(Ratings(), give_up_seconds=0.1) as stages:
                stages.take(play)
                await finished.has(1)
        assert not finished.times


async def test_plays_in_no_hurry_wait_for_each_other_until_a_call_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.batch_stages.MAX_PLAYS_PER_CALL", 4)
    ratings, passing, finished = Ratings(), Passing(), Finished()
    async with BatchStages(ratings, gather_seconds=SECONDS * 10) as stages:
        for number in range(8):
            stages.take(featurized(finished, passing, catch(1), play_id=str(number)))
            for _ in range(10):
                await asyncio.sleep(0)
        await finished.has(8)
    assert [len(write) for write in ratings.writes] == [4, 4]


async def test_the_state_of_the_ratings_never_goes_back() -> None:
    ratings, finished, seen = Ratings(), Finished(), list[int]()

    def note(play: InFlightPlay) -> None:
        assert stages.revision is not None
        seen.append(int(stages.revision.value))
        finished(play)

    async with BatchStages(ratings) as stages:
        for number in range(300):
            play = featurized(finished, Passing(), catch(1), play_id=str(number))
            play.done = note
            stages.take(play)
        await finished.has(300)
    assert len(ratings.writes) > 1
    assert ratings.most_writing == 1
    assert seen == sorted(seen)


class TestReplays:
    """What is played again after something later was recorded."""

    async def test_an_old_score_of_a_play_that_was_struck_is_superseded(self, aggregating: AggregatorClient) -> None:
        finished, results = Finished(), list[PlayResult]()
        async with BatchStages(aggregating, on_recorded=results.append) as stages:
            struck = rejection(key_of("1"), 2, Reason.PLAY_NULLIFIED.value, "it does not count")
            stages.take(InFlightPlay(key_of("1"), 2, finished, rejection=struck))
            await finished.has(1)
            stages.take(featurized(finished, Passing(), catch(1)))
            await finished.has(2)
            coverage = await aggregating.get_coverage(GAME.league, at_least_as_fresh=stages.revision)
        assert [each.ending for each in results] == [Ending.REJECTED, Ending.SUPERSEDED]
        assert results[1].detail == "a later revision stands: revision 2, outcome_revision 0"
        assert coverage.graded == 0

    async def test_an_old_score_of_a_play_whose_result_was_corrected_is_superseded(
        self, aggregating: AggregatorClient
    ) -> None:
        finished, results = Finished(), list[PlayResult]()
        async with BatchStages(aggregating, on_recorded=results.append) as stages:
            for result in (catch(2, yards=3.0), catch(1)):
                stages.take(featurized(finished, Passing(), result))
                await finished.has(len(results) + 1)
        assert [each.ending for each in results] == [Ending.SCORED, Ending.SUPERSEDED]

    async def test_the_same_score_again_is_scored(self, aggregating: AggregatorClient) -> None:
        finished, results = Finished(), list[PlayResult]()
        async with BatchStages(aggregating, on_recorded=results.append) as stages:
            for _ in range(2):
                stages.take(featurized(finished, Passing(), catch(1)))
                await finished.has(len(results) + 1)
        assert [each.ending for each in results] == [Ending.SCORED] * 2
        assert stages.written.unchanged == 1


async def test_a_play_that_is_judged_again_is_not_timed() -> None:
    finished = Finished()
    async with BatchStages(Ratings()) as stages:
        play = featurized(finished, Passing(), catch(1))
        play.begin(1.0)
        stages.take(play)
        await finished.has(1)
        timed = {stage: len(seconds) for stage, seconds in stages.times.seconds.items()}
        play.learn(catch(2))
        assert play.judge_again()
        play.untimed()
        stages.take(play)
        await finished.has(2)
        assert {stage: len(seconds) for stage, seconds in stages.times.seconds.items()} == timed
    assert timed == {"featurize": 1, "score": 1, "record": 1, "play": 1}
