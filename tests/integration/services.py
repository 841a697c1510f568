"""A passing task and ratings that go by rule, keep what they were told, and fail when they are told to.

They stand where the scorer and the aggregator stand for the worker; the featurizer is the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from featurizer.service import FeaturizerService
from pipeline.batch_stages import BatchStages
from pipeline.game_run import GameRun
from pipeline.pace import paced
from pipeline.results import PlayResult
from pipeline.retry import GIVE_UP_SECONDS
from pipeline.task import Scored, Stored
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import FeaturizerClient
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.game import Game
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.tracking_events import is_release
from playscore.wire.common import rejection
from playscore.wire.games import feed_of
from playscore.wire.tracking import event_from_message
from servicekit import ServiceSettings, serving

Failure = PlayscoreError | None
PlayId = tuple[str, str]
"""Of a game and of a play."""


@dataclass
class Rehearsed:
    """Fails as often as `failures` says, first in, first out; None is an answer. Answers while `open` is set."""

    failures: list[Failure] = field(default_factory=list)
    calls: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def answer(self) -> None:
        self.calls += 1
        self.called.set()
        await self.open.wait()
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure


@dataclass
class NotingRatings(Rehearsed):
    """The port `pipeline.task.Ratings`: keeps records by play, counts what is written again.

    Of two records the one of the higher revisions stands, as in the real ratings. `forget_answers` writes fail after
    they were made. Of the plays `conflicting` it says that they stand recorded otherwise.
    """

    plays: dict[PlayId, aggregator.PlayRecord] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    conflicting: set[str] = field(default_factory=set)
    forget_answers: list[PlayscoreError] = field(default_factory=list)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def records(self) -> dict[PlayId, aggregator.ScoreRecord]:
        """The plays that are scored."""
        return {key: record.score for key, record in self.plays.items() if record.HasField("score")}

    @property
    def graded(self) -> dict[PlayId, aggregator.ScoreRecord]:
        """The plays that count in ratings."""
        return {key: record for key, record in self.records.items() if record.pass_measure.HasField("play_score")}

    @property
    def unscored(self) -> dict[PlayId, common.Rejection]:
        """The plays that are not scored."""
        return {key: record.unscored for key, record in self.plays.items() if record.HasField("unscored")}

    async def record_scores(
        self,
        records: Iterable[aggregator.PlayRecord],
        supports: Iterable[distribution.Support] = (),
        request_id: str = "",
    ) -> aggregator.RecordScoresResponse:
        await self.answer()
        records = list(records)
        content = b"".join(record.SerializeToString(deterministic=True) for record in records)
        assert request_id
        assert self.answers.setdefault(request_id, content) == content, "one request_id, two requests"
        response = aggregator.RecordScoresResponse(revision=common.RevisionToken(value=str(len(self.answers))))
        for index, record in enumerate(records):
            key = key_of(record)
            if key[1] in self.conflicting:
                response.rejections.add(index=index, reason=Reason.REVISION_CONFLICT.value, detail="another stands")
                continue
            stands = self.plays.get(key)
            if stands is None:
                response.inserted += 1
            elif stands == record:
                response.unchanged += 1
            elif revisions_of(record) < revisions_of(stands):
                response.stale += 1
                continue
            else:
                response.replaced += 1
            self.plays[key] = aggregator.PlayRecord.FromString(record.SerializeToString())
        async with self.grown:
            self.grown.notify_all()
        if self.forget_answers:
            raise self.forget_answers.pop(0)
        return response

    async def has_records(self, count: int) -> None:
        """Returns once so many plays are scored."""
        async with self.grown:
            await self.grown.wait_for(lambda: len(self.records) >= count)

    async def has_play(self, play: PlayId) -> None:
        """Returns once the play is recorded, scored or not."""
        async with self.grown:
            await self.grown.wait_for(lambda: play in self.plays)

    async def is_graded_by(self, play: PlayId, outcome_revision: int) -> None:
        """Returns once the play is graded by that official result."""
        async with self.grown:
            await self.grown.wait_for(
                lambda: play in self.graded and self.graded[play].outcome_revision == outcome_revision
            )

    async def get_rating(
        self,
        league: str,
        subject_id: str,
        *,
        role: common.Role.ValueType,
        at_least_as_fresh: common.RevisionToken | None = None,
    ) -> aggregator.GetRatingResponse:
        assert at_least_as_fresh is not None
        assert at_least_as_fresh.value
        return aggregator.GetRatingResponse()


@dataclass
class RulePassing(Rehearsed):
    """The port `pipeline.task.Task`: a play's score is its yards over 100, sacks and scrambles have none.

    `refuse` names plays that it refuses, and for what. What was scored before it finds in `ratings`.
    """

    refuse: dict[str, int] = field(default_factory=dict)
    ratings: NotingRatings = field(default_factory=NotingRatings)
    name = "passing"
    number = common.TASK_PASSING
    sport = common.SPORT_AMERICAN_FOOTBALL
    roles = (common.ROLE_PASSER,)
    follows_film = False

    def owns(self, tensor: featurizer.PlayTensor) -> bool:
        return tensor.HasField("pass_attributes")

    def closes(self, frames: tracking.FrameBatch) -> bool:
        return any(is_release(event_from_message(event)) for event in frames.events)

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, feed.OfficialResult | None]]
    ) -> Sequence[Scored | common.Rejection]:
        await self.answer()
        return [self._score(tensor, result) for tensor, result in plays]

    async def grade(self, plays: Sequence[tuple[Scored, feed.OfficialResult]]) -> Sequence[Scored | common.Rejection]:
        await self.answer()
        return [self._grade(scored.records[0].score, result) for scored, result in plays]

    async def stored(self, play: common.PlayKey) -> Stored | None:
        record = self.ratings.records.get((play.game_id, play.play_id))
        if record is None:
            return None
        scored = scored_as(record)
        if scored.outcome_revision is None:
            return Stored(record.revision, scored, None)
        outcome = football.PassOutcome(
            yards_gained=record.pass_measure.yards_gained, outcome_revision=record.outcome_revision
        )
        return Stored(record.revision, scored, feed.OfficialResult(play_id=play.play_id, pass_outcome=outcome))

    def _score(self, tensor: featurizer.PlayTensor, result: feed.OfficialResult | None) -> Scored | common.Rejection:
        if (reason := self.refuse.get(tensor.key.play_id)) is not None:
            return rejection(tensor.key, tensor.revision, reason, "by rule", tensor.subjects)
        record = aggregator.ScoreRecord(
            key=tensor.key,
            subject=tensor.subjects[0],
            model=common.ModelVersion(name="passing", version=1),
            revision=tensor.revision,
            pass_attributes=tensor.pass_attributes,
        )
        return scored_as(record) if result is None else self._grade(record, result)

    def _grade(self, record: aggregator.ScoreRecord, result: feed.OfficialResult) -> Scored | common.Rejection:
        outcome = result.pass_outcome
        if outcome.result in (football.PASS_RESULT_SACK, football.PASS_RESULT_SCRAMBLE):
            return rejection(record.key, record.revision, Reason.NO_RELEASE.value, "not a pass", [record.subject])
        graded = aggregator.ScoreRecord.FromString(record.SerializeToString())
        graded.outcome_revision = outcome.outcome_revision
        graded.pass_measure.expected_yards = 6.0
        graded.pass_measure.yards_gained = outcome.yards_gained
        graded.pass_measure.play_score = outcome.yards_gained / 100
        return scored_as(graded)


def scored_as(record: aggregator.ScoreRecord) -> Scored:
    """A play as its record says."""
    is_graded = record.pass_measure.HasField("play_score")
    return Scored(
        records=(aggregator.PlayRecord(score=record),),
        subjects=(record.subject,),
        outcome_revision=record.outcome_revision if is_graded else None,
    )


def key_of(record: aggregator.PlayRecord) -> PlayId:
    """The play that a record is of."""
    key = (record.score if record.HasField("score") else record.unscored).key
    return key.game_id, key.play_id


def revisions_of(record: aggregator.PlayRecord) -> tuple[int, int]:
    """What decides between two records of one play: its revision, then that of its result."""
    if record.HasField("score"):
        return record.score.revision, record.score.outcome_revision
    return record.unscored.revision, record.outcome_revision


@dataclass
class Bench:
    """The worker's surroundings."""

    featurizer: FeaturizerClient
    stages: BatchStages
    passing: RulePassing
    ratings: NotingRatings
    give_up_seconds: float

    def scores(self) -> dict[PlayId, float]:
        """The play scores that are recorded."""
        return {key: record.pass_measure.play_score for key, record in self.ratings.graded.items()}

    async def play(
        self, game: Game, feed: Iterable[feed.FeedMessage] | None = None, *, speed: float | None = None
    ) -> tuple[PlayResult, ...]:
        """Plays a game, told by its own feed if by no other."""
        return await self.play_feed(game, paced(feed_of(game) if feed is None else feed, speed))

    async def play_feed(
        self,
        game: Game,
        messages: AsyncIterable[feed.FeedMessage],
        archive: Iterable[feed.FeedMessage] = (),
    ) -> tuple[PlayResult, ...]:
        """Plays messages as they come."""
        key = common.GameKey(league=game.header.league, game_id=game.header.game_id)
        run = GameRun(
            key,
            self.featurizer,
            (self.passing,),
            self.stages,
            archive=archive,
            give_up_seconds=self.give_up_seconds,
        )
        return await run.run(messages)


@asynccontextmanager
async def bench(
    passing: RulePassing | None = None,
    ratings: NotingRatings | None = None,
    *,
    featurizer_address: str = "",
    read_back: bool = False,
    give_up_seconds: float = GIVE_UP_SECONDS,
) -> AsyncIterator[Bench]:
    """The real featurizer (in this process, unless there is one at `featurizer_address`), and the two stand-ins."""
    ratings = ratings or NotingRatings()
    passing = passing or RulePassing()
    passing.ratings = ratings
    async with (
        serving(FeaturizerService(), ServiceSettings()) as featurizing,
        FeaturizerClient(featurizer_address or str(featurizing.address)) as client,
        BatchStages(ratings, read_back=read_back, give_up_seconds=give_up_seconds) as stages,
    ):
        await featurizing.until_serving()
        yield Bench(client, stages, passing, ratings, give_up_seconds)
