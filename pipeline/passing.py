"""The passing task: score, grade and look up passes through the scorer and the aggregator."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.scoring import answered, stored_records, with_grade
from pipeline.task import Scored, Stored
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.passing import yards_possible
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.tracking_events import is_release
from playscore.wire.distributions import distribution_from_message
from playscore.wire.tracking import event_from_message


class Passing:
    """The passing task, over a scorer and an aggregator. See `pipeline.task.Task`."""

    name = "passing"
    number = common.TASK_PASSING
    sport = common.SPORT_AMERICAN_FOOTBALL
    roles = (common.ROLE_PASSER,)
    follows_film = False

    def __init__(
        self, scoring: ScorerClient, ratings: AggregatorClient, model: common.ModelVersion | None = None
    ) -> None:
        """Scores by `model`, and looks for its scores; None: by the models that the services are set to."""
        self._scoring = scoring
        self._ratings = ratings
        self._model = model

    def owns(self, tensor: featurizer.PlayTensor) -> bool:
        """See Task."""
        return tensor.WhichOneof("attributes") == "pass_attributes"

    def closes(self, frames: tracking.FrameBatch) -> bool:
        """See Task: the release is among them."""
        return any(is_release(event_from_message(event)) for event in frames.events)

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, feed.OfficialResult | None]]
    ) -> Sequence[Scored | common.Rejection]:
        """See Task."""
        answer = await self._scoring.score_passes(
            [scorer.PassToScore(tensor=tensor, outcome=_outcome(result)) for tensor, result in plays], self._model
        )
        supports = {support.support_id: support for support in answer.supports}
        return answered(
            plays, answer.scores, answer.rejections, lambda play, score: _scored(play[0], score, supports, play[1])
        )

    async def grade(self, plays: Sequence[tuple[Scored, feed.OfficialResult]]) -> Sequence[Scored | common.Rejection]:
        """See Task."""
        supports = {support.support_id: support for scored, _ in plays for support in scored.supports}
        answer = await self._scoring.grade_passes(
            [_to_grade(scored.records[0], result) for scored, result in plays], supports.values()
        )
        return answered(
            plays, answer.graded, answer.rejections, lambda play, graded: _graded(play[0], graded.grade, play[1])
        )

    async def stored(self, play: common.PlayKey) -> Stored | None:
        """See Task."""
        for listed in await stored_records(self._ratings, play, common.ROLE_PASSER, self._model):
            return _stored(listed.record, listed.support)
        return None


def _scored(
    tensor: featurizer.PlayTensor,
    score: scorer.PassScore,
    supports: dict[str, distribution.Support],
    result: feed.OfficialResult | None,
) -> Scored:
    """A pass from the scorer's answer."""
    record = aggregator.ScoreRecord(
        key=score.key,
        subject=next(subject for subject in tensor.subjects if subject.role == common.ROLE_PASSER),
        model=score.model,
        revision=score.revision,
        pass_attributes=tensor.pass_attributes,
        distribution=score.distribution,
    )
    scored = Scored(
        records=(aggregator.PlayRecord(score=record),),
        subjects=(record.subject,),
        supports=(supports[score.distribution.spliced_binned_pareto.support_id],),
        score=score,
    )
    return scored if result is None or not score.HasField("grade") else _graded(scored, score.grade, result)


def _graded(scored: Scored, grade: scorer.PassGrade, result: feed.OfficialResult) -> Scored:
    """The same pass, graded."""
    record = aggregator.PlayRecord()
    record.CopyFrom(scored.records[0])
    record.score.outcome_revision = grade.outcome_revision
    record.score.pass_measure.CopyFrom(
        aggregator.PassMeasure(
            play_score=grade.play_score,
            yards_gained=grade.yards_gained,
            expected_yards=_expected_yards(scored),
            result=result.pass_outcome.result,
        )
    )
    score = with_grade(scored.score, grade)
    return Scored((record,), scored.subjects, scored.supports, grade.outcome_revision, score)


def _expected_yards(scored: Scored) -> float:
    """Mean of the distribution within the yards the field allows; the scorer's own number if it is at hand."""
    record: aggregator.ScoreRecord = scored.records[0].score
    if scored.score is not None:
        expected: float = scored.score.expected_yards
        return expected
    if record.HasField("pass_measure"):
        return record.pass_measure.expected_yards
    attributes = record.pass_attributes
    low, high = yards_possible(attributes.yards_to_end_zone if attributes.HasField("yards_to_end_zone") else None)
    return float(distribution_from_message(record.distribution, scored.supports).mean(low=low, high=high))


def _stored(record: aggregator.ScoreRecord, support: distribution.Support | None) -> Stored | None:
    """A stored pass; None if it was stored without its distribution and cannot be graded again."""
    if support is None:
        return None
    measure, graded = record.pass_measure, record.HasField("pass_measure")
    result = feed.OfficialResult(
        play_id=record.key.play_id,
        pass_outcome=football.PassOutcome(
            result=measure.result, yards_gained=measure.yards_gained, outcome_revision=record.outcome_revision
        ),
    )
    scored = Scored(
        records=(aggregator.PlayRecord(score=record),),
        subjects=(record.subject,),
        supports=(support,),
        outcome_revision=record.outcome_revision if graded else None,
    )
    return Stored(record.revision, scored, result if graded else None)


def _to_grade(record: aggregator.PlayRecord, result: feed.OfficialResult) -> scorer.PassToGrade:
    score = record.score
    return scorer.PassToGrade(
        key=score.key,
        revision=score.revision,
        distribution=score.distribution,
        outcome=_outcome(result),
        traceparent=record.traceparent,
    )


def _outcome(result: feed.OfficialResult | None) -> football.PassOutcome | None:
    return None if result is None else result.pass_outcome
