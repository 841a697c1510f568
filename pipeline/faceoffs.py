"""The face-offs task: score, grade and look up face-offs through the scorer and the aggregator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.scoring import answered, latest_records, stored_records, with_grade
from pipeline.task import Scored, Stored
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.tracking.v1 import tracking_pb2 as tracking

OTHER_ZONE: Final = {
    hockey.RINK_ZONE_OFFENSIVE: hockey.RINK_ZONE_DEFENSIVE,
    hockey.RINK_ZONE_DEFENSIVE: hockey.RINK_ZONE_OFFENSIVE,
}
"""The zone as the other team sees it; the middle is the same."""
OTHER_STRENGTH: Final = {
    hockey.STRENGTH_POWER_PLAY: hockey.STRENGTH_SHORT_HANDED,
    hockey.STRENGTH_SHORT_HANDED: hockey.STRENGTH_POWER_PLAY,
}
OTHER_RESULT: Final = {
    hockey.FACEOFF_RESULT_WON: hockey.FACEOFF_RESULT_LOST,
    hockey.FACEOFF_RESULT_LOST: hockey.FACEOFF_RESULT_WON,
}


class Faceoffs:
    """The face-offs task, over a scorer and an aggregator. See `pipeline.task.Task`."""

    name = "faceoffs"
    number = common.TASK_FACEOFFS
    sport = common.SPORT_ICE_HOCKEY
    roles = (common.ROLE_FACEOFF_TAKER,)
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
        return tensor.WhichOneof("attributes") == "faceoff_attributes"

    def closes(self, frames: tracking.FrameBatch) -> bool:
        """See Task: it has no film."""
        return False

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, feed.OfficialResult | None]]
    ) -> Sequence[Scored | common.Rejection]:
        """See Task."""
        answer = await self._scoring.score_faceoffs(
            [
                scorer.FaceoffToScore(tensor=tensor, outcome=None if result is None else result.faceoff_outcome)
                for tensor, result in plays
            ],
            self._model,
        )
        return answered(plays, answer.scores, answer.rejections, lambda play, score: _scored(play[0], score))

    async def grade(self, plays: Sequence[tuple[Scored, feed.OfficialResult]]) -> Sequence[Scored | common.Rejection]:
        """See Task."""
        answer = await self._scoring.grade_faceoffs([_to_grade(scored.records[0], result) for scored, result in plays])
        return answered(plays, answer.graded, answer.rejections, lambda play, graded: _graded(play[0], graded.grade))

    async def stored(self, play: common.PlayKey) -> Stored | None:
        """See Task."""
        listed = await stored_records(self._ratings, play, common.ROLE_FACEOFF_TAKER, self._model)
        return _stored(latest_records(listed)) if listed else None


def _scored(tensor: featurizer.PlayTensor, score: scorer.FaceoffScore) -> Scored:
    """A face-off from the scorer's answer: the taker's record, then the opponent's, each as they see it."""
    won = score.distribution.bernoulli.probability
    views = ((tensor.faceoff_attributes, won), (_other_view(tensor), 1.0 - won))
    records = tuple(
        aggregator.PlayRecord(
            score=aggregator.ScoreRecord(
                key=score.key,
                subject=subject,
                model=score.model,
                revision=score.revision,
                faceoff_attributes=attributes,
                distribution=distribution.Distribution(bernoulli=distribution.Bernoulli(probability=probability)),
            )
        )
        for subject, (attributes, probability) in zip(tensor.subjects, views, strict=True)
    )
    scored = Scored(records, tuple(tensor.subjects), score=score)
    return _graded(scored, score.grade) if score.HasField("grade") else scored


def _other_view(tensor: featurizer.PlayTensor) -> hockey.FaceoffAttributes:
    """The attributes of a face-off as the opponent sees them."""
    own = tensor.faceoff_attributes
    other = hockey.FaceoffAttributes()
    other.CopyFrom(own)
    other.team_id, other.opponent_team_id = own.opponent_team_id, own.team_id
    other.opponent_id = tensor.subjects[0].subject_id
    other.zone = OTHER_ZONE.get(own.zone, own.zone)
    other.strength = OTHER_STRENGTH.get(own.strength, own.strength)
    other.is_taker = not own.is_taker
    if own.HasField("home"):
        other.home = not own.home
    if own.HasField("score_difference"):
        other.score_difference = -own.score_difference
    return other


def _graded(scored: Scored, grade: scorer.FaceoffGrade) -> Scored:
    """The same face-off, graded."""
    records = []
    for known, result in zip(scored.records, (grade.result, OTHER_RESULT[grade.result]), strict=True):
        record = aggregator.PlayRecord()
        record.CopyFrom(known)
        record.score.outcome_revision = grade.outcome_revision
        record.score.faceoff_measure.CopyFrom(
            aggregator.FaceoffMeasure(win_probability=record.score.distribution.bernoulli.probability, result=result)
        )
        records.append(record)
    return Scored(tuple(records), scored.subjects, (), grade.outcome_revision, with_grade(scored.score, grade))


def _stored(records: Sequence[aggregator.ScoreRecord]) -> Stored | None:
    """A stored face-off; None if it was stored without its chance, or only one taker's record is there.

    The taker's record comes first, as where the face-off was just scored.
    """
    if len(records) != 2 or not records[0].distribution.HasField("bernoulli"):
        return None
    records = sorted(records, key=lambda record: not record.faceoff_attributes.is_taker)
    first = records[0]
    graded = first.HasField("faceoff_measure")
    scored = Scored(
        records=tuple(aggregator.PlayRecord(score=record) for record in records),
        subjects=tuple(record.subject for record in records),
        outcome_revision=first.outcome_revision if graded else None,
    )
    outcome = hockey.FaceoffOutcome(result=first.faceoff_measure.result, outcome_revision=first.outcome_revision)
    result = feed.OfficialResult(play_id=first.key.play_id, faceoff_outcome=outcome)
    return Stored(first.revision, scored, result if graded else None)


def _to_grade(record: aggregator.PlayRecord, result: feed.OfficialResult) -> scorer.FaceoffToGrade:
    score = record.score
    return scorer.FaceoffToGrade(
        key=score.key,
        revision=score.revision,
        distribution=score.distribution,
        outcome=result.faceoff_outcome,
        traceparent=record.traceparent,
    )
