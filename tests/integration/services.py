"""A scorer and an aggregator that answer by rule, keep what they were told, and fail when they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor

from featurizer.service import FeaturizerService
from pipeline.desks import Desks
from playscore.aggregator.v1 import aggregator_pb2, aggregator_pb2_grpc
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from playscore.errors import PlayscoreError, Reason
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc
from servicekit import ServiceSettings, serving

Failure = PlayscoreError | None


@dataclass
class Rehearsed:
    """Fails as often as `failures` says, first in, first out; None is an answer."""

    failures: list[Failure] = field(default_factory=list)
    calls: int = 0

    def answer(self) -> None:
        self.calls += 1
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure

    async def open(self) -> None:
        pass

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        pass


@dataclass
class RuleScorer(Rehearsed, scorer_pb2_grpc.ScorerServiceServicer):
    """A play's score is its yards over 100; `refuse` names plays that it refuses, and for what."""

    refuse: dict[str, int] = field(default_factory=dict)
    name = "scorer"
    descriptor: ServiceDescriptor = scorer_pb2.DESCRIPTOR.services_by_name["ScorerService"]

    def register(self, server: Any) -> None:
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(self, server)

    async def ScorePasses(self, request: Any, context: Any) -> scorer_pb2.ScorePassesResponse:
        self.answer()
        response = scorer_pb2.ScorePassesResponse()
        for index, play in enumerate(request.passes):
            key = play.tensor.key
            if key.play_id in self.refuse:
                response.rejections.add(index=index, key=key, reason=self.refuse[key.play_id], detail="by rule")
                continue
            score = response.scores.add(key=key, revision=play.tensor.revision, expected_yards=6.0)
            score.model.name, score.model.version = "passing", 1
            if play.HasField("outcome"):
                score.outcome_revision = play.outcome.outcome_revision
                score.yards_gained = play.outcome.yards_gained
                score.play_score = play.outcome.yards_gained / 100
        return response

    async def GradePasses(self, request: Any, context: Any) -> scorer_pb2.GradePassesResponse:
        self.answer()
        response = scorer_pb2.GradePassesResponse()
        for play in request.passes:
            score = response.scores.add()
            score.CopyFrom(play.score)
            score.outcome_revision = play.outcome.outcome_revision
            score.yards_gained = play.outcome.yards_gained
            score.play_score = play.outcome.yards_gained / 100
        return response


@dataclass
class NotingAggregator(Rehearsed, aggregator_pb2_grpc.AggregatorServiceServicer):
    """Keeps records by play, counts what is written again; `forget_answers` writes fail after they were made.

    Of the plays `conflicting` it says that they stand recorded otherwise.
    """

    records: dict[tuple[str, str], Any] = field(default_factory=dict)
    unscored: dict[tuple[str, str], Any] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    conflicting: set[str] = field(default_factory=set)
    forget_answers: list[PlayscoreError] = field(default_factory=list)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)
    name = "aggregator"
    descriptor: ServiceDescriptor = aggregator_pb2.DESCRIPTOR.services_by_name["AggregatorService"]

    def register(self, server: Any) -> None:
        aggregator_pb2_grpc.add_AggregatorServiceServicer_to_server(self, server)

    async def RecordScores(self, request: Any, context: Any) -> aggregator_pb2.RecordScoresResponse:
        self.answer()
        content = b"".join(part.SerializeToString(deterministic=True) for part in (*request.records, *request.unscored))
        assert self.answers.setdefault(request.request_id, content) == content, "one request_id, two requests"
        response = aggregator_pb2.RecordScoresResponse(revision_token=str(len(self.answers)))
        for table, items in ((self.records, request.records), (self.unscored, request.unscored)):
            for index, item in enumerate(items):
                if item.key.play_id in self.conflicting:
                    response.rejections.add(
                        index=index, in_unscored=table is self.unscored, reason=Reason.REVISION_CONFLICT.value
                    )
                    continue
                key = (item.key.game_id, item.key.play_id)
                if key not in table:
                    response.inserted += 1
                elif table[key] == item:
                    response.unchanged += 1
                else:
                    response.replaced += 1
                table[key] = item
        async with self.grown:
            self.grown.notify_all()
        if self.forget_answers:
            raise self.forget_answers.pop(0)
        return response

    async def has_records(self, count: int) -> None:
        """Returns once there are that many."""
        async with self.grown:
            await self.grown.wait_for(lambda: len(self.records) >= count)

    async def GetRating(self, request: Any, context: Any) -> aggregator_pb2.GetRatingResponse:
        assert request.at_least_as_fresh
        return aggregator_pb2.GetRatingResponse()


@dataclass
class Bench:
    """The worker's surroundings: clients of services that listen on loopback."""

    featurizer: FeaturizerClient
    desks: Desks
    scorer: RuleScorer
    aggregator: NotingAggregator

    def scores(self) -> dict[tuple[str, str], float]:
        """What the aggregator holds."""
        return {key: record.pass_measure.play_score for key, record in self.aggregator.records.items()}


Setting = Callable[..., Any]


@asynccontextmanager
async def bench(
    scorer: RuleScorer | None = None,
    aggregator: NotingAggregator | None = None,
    *,
    featurizer_address: str = "",
    read_back: bool = False,
) -> AsyncIterator[Bench]:
    """The real featurizer (in process, unless there is one at `featurizer_address`), and the two stand-ins."""
    scorer, aggregator = scorer or RuleScorer(), aggregator or NotingAggregator()
    async with (
        serving(FeaturizerService(), ServiceSettings()) as featurizing,
        serving(scorer, ServiceSettings()) as scoring,
        serving(aggregator, ServiceSettings()) as recording,
        FeaturizerClient(featurizer_address or str(featurizing.address)) as featurizer_client,
        ScorerClient(str(scoring.address)) as scorer_client,
        AggregatorClient(str(recording.address)) as aggregator_client,
    ):
        for running in (featurizing, scoring, recording):
            await running.until_serving()
        async with Desks(
            scorer_client, aggregator_client, read_back=read_back, on_finished=lambda result: None
        ) as desks:
            yield Bench(featurizer_client, desks, scorer, aggregator)
