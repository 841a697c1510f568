"""Sound calls of every method: what clients and a worker sent while games were played, corrected, read and erased."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from deploy.local.stack import LocalStack
from pipeline.batch_stages import BatchStages
from pipeline.game_run import GameRun
from pipeline.tasks import tasks_over
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.featurizer.v1.featurizer_pb2_grpc import FeaturizerServiceStub
from playscore.feed.v1 import feed_pb2 as feed
from playscore.game import Game
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.scorer.v1.scorer_pb2_grpc import ScorerServiceStub
from playscore.wire.games import feed_of
from simulator import simulate
from simulator.hockey import simulate_games
from simulator.hockey.feed import feed_of as hockey_feed_of
from tests.adversary.recorder import Recorded, recorded
from tests.scored_plays import SUPPORT, a_pass

SERVICES: Final[Mapping[str, ServiceDescriptor]] = {
    "featurizer": featurizer.DESCRIPTOR.services_by_name["FeaturizerService"],
    "scorer": scorer.DESCRIPTOR.services_by_name["ScorerService"],
    "aggregator": aggregator.DESCRIPTOR.services_by_name["AggregatorService"],
}
LEAGUE: Final = "SIM"
HOCKEY_LEAGUE: Final = "SIH"
_PLAYS: Final = 4
_PERIOD_SECONDS: Final = 20.0
_HOCKEY_ROLES: Final = (common.ROLE_SHOOTER, common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM, common.ROLE_FACEOFF_TAKER)
_MAX_CALLS: Final = 40
"""Of one method; a worker reads ratings after every play."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of one of the services."""

    service: str
    """For example "scorer"."""
    name: str
    path: str
    request: type[Message]
    response: type[Message]
    takes_many: bool
    answers_many: bool


def methods() -> Iterator[Method]:
    """Every method there is, by the contracts."""
    for service, descriptor in SERVICES.items():
        for each in descriptor.methods:
            yield Method(
                service,
                each.name,
                f"/{descriptor.full_name}/{each.name}",
                GetMessageClass(each.input_type),
                GetMessageClass(each.output_type),
                each.client_streaming,
                each.server_streaming,
            )


class Corpus:
    """Calls by their paths, as their callers sent them."""

    def __init__(self, calls: Iterable[Recorded]) -> None:
        self._calls: dict[str, list[list[bytes]]] = defaultdict(list)
        for call in calls:
            if call.requests and len(self._calls[call.path]) < _MAX_CALLS:
                self._calls[call.path].append(call.requests)

    @cached_property
    def methods(self) -> Sequence[Method]:
        """Those that it has calls of."""
        return [method for method in methods() if self._calls.get(method.path)]

    def calls(self, method: Method) -> Sequence[Sequence[bytes]]:
        """The requests of each call of a method."""
        return self._calls[method.path]

    def save(self, file: Path) -> None:
        """Write it down, to make the same damages again."""
        encoded = {
            path: [[base64.b64encode(request).decode() for request in call] for call in calls]
            for path, calls in self._calls.items()
        }
        file.write_text(json.dumps(encoded))

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read what was saved."""
        return cls(
            Recorded(path, [base64.b64decode(request) for request in call])
            for path, calls in json.loads(file.read_text()).items()
            for call in calls
        )


async def record_corpus(stack: LocalStack) -> Corpus:
    """Plays two small games of both sports through the services of a stack, and reads and does all there is."""
    async with AsyncExitStack() as closing:
        recorders, addresses = zip(
            *[await closing.enter_async_context(recorded(getattr(stack, name))) for name in SERVICES], strict=True
        )
        frames = await closing.enter_async_context(FeaturizerClient(addresses[0], timeout_seconds=60))
        scores = await closing.enter_async_context(ScorerClient(addresses[1], timeout_seconds=60))
        ratings = await closing.enter_async_context(AggregatorClient(addresses[2], timeout_seconds=60))
        games = list(simulate(seed=1, games=1, plays_per_game=_PLAYS))
        hockey = list(simulate_games(seed=3, games=1, period_seconds=_PERIOD_SECONDS))
        for told in ([*feed_of(games[0].game)], [*hockey_feed_of(hockey[0])]):
            await _play(told, frames, scores, ratings)
        await _featurize_again(frames, (games[0].game, hockey[0].game))
        calls = [call for recorder in recorders for call in recorder.calls]
        await _stream_one_by_one(frames, calls)
        await _score_on_streams(scores, calls)
        await _describe(frames, scores, ratings)
        await _read(ratings)
        await _operate(ratings)
        return Corpus(call for recorder in recorders for call in recorder.calls)


async def _play(
    told: Sequence[feed.FeedMessage], frames: FeaturizerClient, scores: ScorerClient, ratings: AggregatorClient
) -> None:
    """Through a worker: once with all results in time, once more with results that come once plays are recorded."""
    late = [message for message in told if message.HasField("official_result")]
    rest = [message for message in told if not message.HasField("official_result")]
    for first, then in (([*rest, *late], []), (rest, late)):
        league = told[0].game.league + ("L" if then else "")
        async with BatchStages(ratings, read_back=True) as stages:
            run = GameRun(_moved(told[0], league).game, frames, tasks_over(scores, ratings), stages)
            await run.run(_told((_moved(message, league) for message in first), stages))
        if then:
            async with BatchStages(ratings, read_back=True) as stages:
                run = GameRun(
                    _moved(told[0], league).game,
                    frames,
                    tasks_over(scores, ratings),
                    stages,
                    archive=[_moved(message, league) for message in rest],
                )
                await run.run(_told((_moved(message, league) for message in then), stages))


async def _told(messages: Iterable[feed.FeedMessage], stages: BatchStages) -> AsyncIterator[feed.FeedMessage]:
    for message in messages:
        yield message


def _moved(message: feed.FeedMessage, league: str) -> feed.FeedMessage:
    """The same message in another league."""
    moved = feed.FeedMessage.FromString(message.SerializeToString())
    moved.game.league = league
    if moved.HasField("header"):
        moved.header.key.league = league
    return moved


async def _featurize_again(frames: FeaturizerClient, games: Iterable[Game]) -> None:
    """Whole plays, a call each."""
    for game in games:
        for play in game.plays[:6]:
            told = [*feed_of(replace(game, plays=[play]))]
            await frames.featurize_plays(
                next(message.header for message in told if message.HasField("header")),
                next(message.roster for message in told if message.HasField("roster")),
                [
                    featurizer.WholePlay(
                        context=next(message.context for message in told if message.HasField("context")),
                        frames=[message.frames for message in told if message.HasField("frames")][:2],
                        tracks=[message.track for message in told if message.HasField("track")][:2],
                    )
                ],
            )


async def _stream_one_by_one(frames: FeaturizerClient, calls: Sequence[Recorded]) -> None:
    """The games that a worker streamed in batches, message by message."""
    stub: Any = frames.stub_of(FeaturizerServiceStub)
    for call in calls:
        if call.path.endswith("/StreamPlayBatches"):
            batches = map(featurizer.StreamPlayBatchesRequest.FromString, call.requests)
            _ = [answer async for answer in stub.StreamPlays([each for batch in batches for each in batch.messages])]


_STREAMED: Sequence[tuple[str, type[Any], str, str]] = (
    ("ScorePasses", scorer.ScorePassesRequest, "passes", "score_pass"),
    ("GradePasses", scorer.GradePassesRequest, "passes", "grade_pass"),
    ("ScoreShots", scorer.ScoreShotsRequest, "shots", "score_shot"),
    ("GradeShots", scorer.GradeShotsRequest, "shots", "grade_shot"),
    ("ScoreFaceoffs", scorer.ScoreFaceoffsRequest, "faceoffs", "score_faceoff"),
    ("GradeFaceoffs", scorer.GradeFaceoffsRequest, "faceoffs", "grade_faceoff"),
)
"""Calls, the field that has their plays, and what a stream calls one of these."""


async def _score_on_streams(scores: ScorerClient, calls: Sequence[Recorded]) -> None:
    """What was scored and graded in calls, on a stream: one by one, and all in a message."""

    requests: list[scorer.StreamScoresRequest] = []
    for name, request, field, kind in _STREAMED:
        of_name = [request.FromString(call.requests[0]) for call in calls if call.path.endswith(f"/{name}")][:3]
        supports = (support for each in of_name for support in getattr(each, "supports", ()))
        requests += [scorer.StreamScoresRequest(support=support) for support in supports]
        requests += [scorer.StreamScoresRequest(**{kind: getattr(each, field)[0]}) for each in of_name]
    stub: Any = scores.stub_of(ScorerServiceStub)
    _ = [answer async for answer in stub.StreamScores(requests)]
    _ = [answers async for answers in stub.StreamScoreBatches([scorer.StreamScoreBatchesRequest(requests=requests)])]


async def _describe(frames: FeaturizerClient, scores: ScorerClient, ratings: AggregatorClient) -> None:
    for task in (common.TASK_PASSING, common.TASK_SHOTS, common.TASK_FACEOFFS):
        await frames.describe_features(task)
    for role in (common.ROLE_PASSER, *_HOCKEY_ROLES):
        await ratings.describe_splits(role)
    await scores.list_models()


async def _read(ratings: AggregatorClient) -> None:
    """Every kind of question, of every kind of state."""
    _ = [each async for each in ratings.list_leagues()]
    for league, role in ((LEAGUE, common.ROLE_PASSER), *((HOCKEY_LEAGUE, role) for role in _HOCKEY_ROLES)):
        listed = ratings.list_ratings(league, role=role, page_size=1)
        subjects = [rating.subject.subject_id async for rating in listed]
        state = (await listed.first_page()).revision
        field = "down" if role == common.ROLE_PASSER else "period"
        for split in ("", f"{field} = 1", f"NOT {field} = 1 AND season >= 2030"):
            _ = [
                each async for each in ratings.list_ratings(league, role=role, split=split, group_by=["season", field])
            ]
            _ = [each async for each in ratings.list_plays(league, role=role, split=split, include_distributions=True)]
        await ratings.get_rating(league, subjects[0], role=role, as_of=state)
        await ratings.get_rating(league, subjects[0], role=role, split=f"{field} = 1", at_least_as_fresh=state)
        await ratings.compare_ratings(league, subjects[0], subjects[-1], second_split=f"{field} = 1", role=role)
        listed_plays = ratings.list_plays(league, role=role, page_size=2, include_ungraded=True)
        games = {play.record.key.game_id async for play in listed_plays}
        for game_id in ("", *games):
            await ratings.get_coverage(league, role=role, game_id=game_id, as_of=state)
        _ = [each async for each in ratings.list_subjects(league, role=role, name_contains="a", page_size=1)]
        _ = [each async for each in ratings.list_models(league, role=role, at_least_as_fresh=state)]
        async with ratings.watch_ratings(league, role=role, min_plays=1) as watch:
            token = (await anext(watch)).checkpoint.resume_token
        async with ratings.watch_ratings(
            league, role=role, group_by=["subject_id", field], subject_ids=subjects
        ) as watch:
            await anext(watch)
        async with ratings.watch_ratings(league, role=role, min_plays=1, resume_token=token) as watch:
            await anext(watch)


async def _operate(ratings: AggregatorClient) -> None:
    """In leagues of their own, so that there is something to read in the others."""
    for league in ("SWITCHED", "ERASED"):
        plays = [a_pass(play, league=league, game="g1", passer=f"p{play % 2}") for play in range(4)]
        await ratings.record_scores(plays, [SUPPORT])
    await ratings.switch_model("SWITCHED", common.TASK_PASSING, common.ModelVersion(name="passing", version=2))
    await ratings.erase_records("ERASED", "asked to", subject_id="p1")
    await ratings.erase_records("ERASED", "asked to", whole_league=True)
    _ = [each async for each in ratings.list_operations(page_size=1)]
    _ = [each async for each in ratings.list_operations("ERASED")]
