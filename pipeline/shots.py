"""The shots task: score, grade and look up shots through the scorer and the aggregator."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.scoring import answered, latest_records, stored_records, with_grade
from pipeline.task import Scored, Stored
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.tracking.v1 import tracking_pb2 as tracking


class Shots:
    """The shots task, over a scorer and an aggregator. See `pipeline.task.Task`."""

    name = "shots"
    number = common.TASK_SHOTS
    sport = common.SPORT_ICE_HOCKEY
    roles = (common.ROLE_SHOOTER, common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM)
    follows_film = True

    def __init__(
        self, scoring: ScorerClient, ratings: AggregatorClient, model: common.ModelVersion | None = None
    ) -> None:
        """Scores by `model`, and looks for its scores; None: by the models that the services are set to."""
        self._scoring = scoring
        self._ratings = ratings
        self._model = model

    def owns(self, tensor: featurizer.PlayTensor) -> bool:
        """See Task."""
        return tensor.WhichOneof("attributes") == "shot_attributes"

    def closes(self, frames: tracking.FrameBatch) -> bool:
        """See Task: a shot is over a moment after its release, which no frame is marked as."""
        return True

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, feed.OfficialResult | None]]
    ) -> Sequence[Scored | common.Rejection]:
        """See Task."""
        answer = await self._scoring.score_shots(
            [scorer.ShotToScore(tensor=tensor, outcome=_outcome(result)) for tensor, result in plays], self._model
        )
        return answered(plays, answer.scores, answer.rejections, lambda play, score: _scored(play[0], score))

    async def grade(self, plays: Sequence[tuple[Scored, feed.OfficialResult]]) -> Sequence[Scored | common.Rejection]:
        """See Task."""
        answer = await self._scoring.grade_shots([_to_grade(scored.records[0], result) for scored, result in plays])
        return answered(plays, answer.graded, answer.rejections, lambda play, graded: _graded(play[0], graded.grade))

    async def stored(self, play: common.PlayKey) -> Stored | None:
        """See Task."""
        listed = [each for role in self.roles for each in await stored_records(self._ratings, play, role, self._model)]
        return _stored(latest_records(listed)) if listed else None


def _scored(tensor: featurizer.PlayTensor, score: scorer.ShotScore) -> Scored:
    """A shot from the scorer's answer: a record for each of its subjects."""
    attributes = hockey.ShotAttributes()
    attributes.CopyFrom(tensor.shot_attributes)
    attributes.level = score.level
    records = tuple(
        aggregator.PlayRecord(
            score=aggregator.ScoreRecord(
                key=score.key,
                subject=subject,
                model=score.model,
                revision=score.revision,
                shot_attributes=attributes,
                distribution=score.distribution,
            )
        )
        for subject in tensor.subjects
    )
    scored = Scored(records, tuple(tensor.subjects), score=score)
    return _graded(scored, score.grade) if score.HasField("grade") else scored


def _graded(scored: Scored, grade: scorer.ShotGrade) -> Scored:
    """The same shot, graded."""
    records = []
    for known in scored.records:
        record = aggregator.PlayRecord()
        record.CopyFrom(known)
        record.score.outcome_revision = grade.outcome_revision
        record.score.shot_measure.CopyFrom(
            aggregator.ShotMeasure(
                goal_probability=record.score.distribution.bernoulli.probability,
                result=grade.result,
                level=record.score.shot_attributes.level,
            )
        )
        records.append(record)
    return Scored(tuple(records), scored.subjects, (), grade.outcome_revision, with_grade(scored.score, grade))


def _stored(records: Sequence[aggregator.ScoreRecord]) -> Stored | None:
    """A stored shot; None if it was stored without its chance and cannot be graded again."""
    first = records[0]
    if not first.distribution.HasField("bernoulli"):
        return None
    graded = first.HasField("shot_measure")
    outcome = hockey.ShotOutcome(result=first.shot_measure.result, outcome_revision=first.outcome_revision)
    scored = Scored(
        records=tuple(aggregator.PlayRecord(score=record) for record in records),
        subjects=tuple(record.subject for record in records),
        outcome_revision=first.outcome_revision if graded else None,
    )
    result = feed.OfficialResult(play_id=first.key.play_id, shot_outcome=outcome)
    return Stored(first.revision, scored, result if graded else None)


def _to_grade(record: aggregator.PlayRecord, result: feed.OfficialResult) -> scorer.ShotToGrade:
    score = record.score
    return scorer.ShotToGrade(
        key=score.key,
        revision=score.revision,
        distribution=score.distribution,
        outcome=result.shot_outcome,
        traceparent=record.traceparent,
    )


def _outcome(result: feed.OfficialResult | None) -> hockey.ShotOutcome | None:
    return None if result is None else result.shot_outcome
