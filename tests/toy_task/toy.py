"""A toy task: how far the home team has come up the field in the last frame of a play, and how much of it, in all.

Two columns, a linear model, and a sum as its rating: all that a task has to provide, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aggregator.core.arrays import Numbers
from aggregator.core.fields import Schema
from aggregator.core.task import ComparedPlays, Extent, Totals
from featurizer.core.outcomes import Tensor
from featurizer.core.segments import Footage
from featurizer.core.tracking_window import X
from pipeline.task import Scored, Stored
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.features import Column, FeatureSpecification
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.game import GameHeader, PlayContext, Player, Sport
from playscore.rating_differences import Difference, normal
from playscore.release import ModelVersion, Release
from playscore.subjects import Role, Subject
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.columns import from_bytes
from scorer.core.inference import Outputs
from scorer.core.model import Model
from scorer.core.task import Scoring
from scorer.core.tensors import Tensor as ModelTensor

TEAM = Role(1000, "team")
MODEL = ModelVersion("advance", 1)
COLUMNS = (Column("mean_x", "ft", "mean x of the attackers"), Column("max_x", "ft", "greatest x of the attackers"))


@dataclass(frozen=True)
class OpenAdvance:
    """The last frame of what was filmed of the attacking team."""

    roster: Mapping[str, Player]
    context: PlayContext
    film: Footage

    def is_complete(self) -> bool:
        return False  # its end closes it

    def tensor(self) -> Tensor:
        last = self.film.last_frame
        if last < 0:
            raise PlayscoreError(Reason.NO_FRAMES, "the play has no frames")
        window = self.film.window(last, last)
        attackers = [self.roster[each].team_id == self.context.attacking_team_id for each in window.player_ids]
        x = window.samples[X][:, attackers]
        return Tensor(
            play_id=self.context.play_id,
            revision=self.context.revision,
            specification_id=Advance.specification.id,
            frames=np.stack([x.mean(axis=1), x.max(axis=1)], axis=1).astype(np.float32),
            statics=np.zeros(1, np.float32),
            subjects=Advance.subjects(self.roster, self.context),
            attributes=None,
        )


class Advance:
    """To the featurizer."""

    name = "advance"
    number = 1000
    specification = FeatureSpecification(Sport.ICE_HOCKEY, 30.0, COLUMNS, (Column("one", "1", "nothing"),))

    def check_header(self, header: GameHeader) -> None:
        """Reads any rate."""

    def reads(self, context: PlayContext) -> bool:
        return True

    def first_frame(self, header: GameHeader, context: PlayContext) -> int:
        return 0

    @staticmethod
    def subjects(roster: Mapping[str, Player], context: PlayContext) -> tuple[Subject, ...]:
        return (Subject(TEAM, context.attacking_team_id, context.attacking_team_id, context.attacking_team_id),)

    def open(
        self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext, film: Footage
    ) -> OpenAdvance:
        return OpenAdvance(roster, context, film)


@dataclass(frozen=True)
class Item:
    """To the scorer: a play is its tensor."""

    tensor: ModelTensor


class AdvanceScoring:
    """To the scorer: the model's one output is the score."""

    name = "advance"

    def scoring(self, release: Release) -> Scoring[Item, float]:
        def score(outputs: Outputs, items: Sequence[Item]) -> list[float | PlayscoreError]:
            return [float(total) for total in outputs["total"]]

        return score

    def grade(self, stored: Sequence[float]) -> list[float | PlayscoreError]:
        return list(stored)


class AdvanceRating:
    """To the aggregator: the sum of a team's advances."""

    number = 1000
    roles = (TEAM,)
    models = (MODEL,)
    default_model = MODEL
    schema = Schema(measures=("total",), attributes=())
    ranked_by = "total"
    orders = ("total",)
    compared_by = "total"

    def rate(self, role: Role, model: ModelVersion, totals: Totals) -> Mapping[str, Numbers]:
        return {"total": totals.sums["total"]}

    def difference(self, role: Role, first: ComparedPlays, second: ComparedPlays, *, one_subject: bool) -> Difference:
        return normal(float(first.own.sums["total"][0] - second.own.sums["total"][0]), 0.0)

    def qualifying_plays(self, role: Role, model: ModelVersion, extent: Extent) -> int:
        return 1


@dataclass(frozen=True)
class Advanced:
    """To the worker's recorder: one play's advance."""

    key: common.PlayKey
    revision: int
    team_id: str
    total: float


class AdvancePlays:
    """To the worker: plays are scored in process, and graded at once."""

    name = "advance"
    number = common.Task.ValueType(Advance.number)
    sport = common.SPORT_ICE_HOCKEY
    roles = (common.Role.ValueType(TEAM.number),)
    follows_film = False

    def __init__(self, model: Model[Item, float]) -> None:
        self._model = model

    def owns(self, tensor: featurizer.PlayTensor) -> bool:
        return tensor.feature_specification_id == Advance.specification.id

    def closes(self, frames: tracking.FrameBatch) -> bool:
        return False

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, feed.OfficialResult | None]]
    ) -> Sequence[Scored | common.Rejection]:
        tensors = [tensor for tensor, _ in plays]
        totals = await self._model.score([_item(tensor) for tensor in tensors], deadline=float("inf"))
        return [_scored(tensor, total) for tensor, total in zip(tensors, totals, strict=True)]

    async def grade(self, plays: Sequence[tuple[Scored, feed.OfficialResult]]) -> Sequence[Scored | common.Rejection]:
        return [scored for scored, _ in plays]

    async def stored(self, play: common.PlayKey) -> Stored | None:
        return None


def _item(tensor: featurizer.PlayTensor) -> Item:
    frames = from_bytes(tensor.frames, tensor.shape, "frames", Reason.TENSOR_SHAPE_INVALID)
    return Item(ModelTensor(frames, from_bytes(tensor.statics, (1,), "statics", Reason.TENSOR_SHAPE_INVALID)))


def _scored(tensor: featurizer.PlayTensor, total: float | PlayscoreError) -> Scored:
    assert isinstance(total, float)
    (team,) = tensor.subjects
    return Scored(
        records=(Advanced(tensor.key, tensor.revision, team.subject_id, total),), subjects=(team,), outcome_revision=0
    )
