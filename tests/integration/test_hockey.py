"""A hockey game through the real services: every shot and face-off accounted for, ratings that follow corrections."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.stack import Inference, LocalStack
from featurizer.core.segments import MAX_FRAMES
from pipeline.batch_stages import BatchStages
from pipeline.faceoffs import Faceoffs
from pipeline.game_run import GameRun
from pipeline.open_plays import MAX_WAITING_PLAYS
from pipeline.passing import Passing
from pipeline.reported_plays import play_as_json
from pipeline.results import Ending, PlayResult
from pipeline.shots import Shots
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.shots import ShotResult, ShotSituation, outcome_of
from simulator.hockey import SimulatedHockeyGame, simulate_game
from simulator.hockey.feed import feed_of
from tests.feed_orders import KINDS_IN_ORDER, by_kind
from tests.hockey import release_faceoffs, release_shots

ROLES = (common.ROLE_SHOOTER, common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM, common.ROLE_FACEOFF_TAKER)


@dataclass
class Suite:
    """The three services, and a worker's tasks over them."""

    stack: LocalStack
    featurizer: FeaturizerClient
    ratings: AggregatorClient
    tasks: tuple[Passing, Shots, Faceoffs]
    revision: common.RevisionToken | None = None

    async def play(
        self,
        messages: Iterable[feed.FeedMessage],
        archive: Iterable[feed.FeedMessage] = (),
        restarts: Collection[int] = (),
    ) -> dict[str, PlayResult]:
        """Play a feed to its end. Before each of `restarts`, places in it, the featurizer is killed and comes back."""
        told = list(messages)
        async with BatchStages(self.ratings) as stages:
            run = GameRun(told[0].game, self.featurizer, self.tasks, stages, archive=archive)

            async def each() -> AsyncIterator[feed.FeedMessage]:
                for place, message in enumerate(told):
                    if place in restarts:
                        await self.stack.servers["featurizer"].kill()
                        await self.stack.servers["featurizer"].start()
                    yield message

            results = await run.run(each())
        self.revision = stages.revision or self.revision
        assert run.refused_messages == []
        return {result.play_id: result for result in results}

    async def standings(self, league: str) -> dict[tuple[int, str], tuple[int, float, int]]:
        """By role and subject: plays, what is above expected, and what came of them."""
        found: dict[tuple[int, str], tuple[int, float, int]] = {}
        for role in ROLES:
            async for rating in self.ratings.list_ratings(league, role=role, at_least_as_fresh=self.revision):
                if role == common.ROLE_FACEOFF_TAKER:
                    value = (round(rating.faceoffs.wins_above_expected, 5), rating.faceoffs.wins)
                else:
                    value = (round(rating.shots.goals_above_expected, 5), rating.shots.goals)
                found[role, rating.subject.subject_id] = (rating.plays, *value)
        return found


@asynccontextmanager
async def suite(folder: Path) -> AsyncIterator[Suite]:
    releases = folder / "releases"
    release_shots(releases)
    release_faceoffs(releases)
    async with (
        LocalStack(releases=releases, logs=folder / "logs", inference=Inference.ONNXRUNTIME) as stack,
        FeaturizerClient(stack.featurizer) as featurizer,
        ScorerClient(stack.scorer) as scorer,
        AggregatorClient(stack.aggregator) as ratings,
    ):
        yield Suite(
            stack, featurizer, ratings, (Passing(scorer, ratings), Shots(scorer, ratings), Faceoffs(scorer, ratings))
        )


@pytest.fixture(scope="module")
def simulated() -> SimulatedHockeyGame:
    return simulate_game(3, 0, period_seconds=120)


def shuffled(messages: Sequence[feed.FeedMessage], seed: int) -> list[feed.FeedMessage]:
    """What is told of plays in any order; film stays in order, and the header comes first."""
    words = [message for message in messages if message.WhichOneof("message") in ("context", "official_result")]
    random.Random(seed).shuffle(words)
    rest = [message for message in messages if message.WhichOneof("message") not in ("context", "official_result")]
    film, end = rest[:-1], rest[-1]
    at = sorted(random.Random(seed + 1).randrange(2, len(film)) for _ in words)
    for place, message in zip(reversed(at), words, strict=True):
        film.insert(place, message)
    return [*film, end]


async def test_a_game_as_it_is_told_live(simulated: SimulatedHockeyGame, tmp_path: Path) -> None:
    game = simulated.game
    league = game.header.league
    messages = list(feed_of(simulated))
    async with suite(tmp_path) as running:
        results = await running.play(messages)
        assert results.keys() == {play.context.play_id for play in game.plays}
        for play in game.plays:
            result, row = (
                results[play.context.play_id],
                play_as_json(results[play.context.play_id], distributions=False),
            )
            ended = outcome_of(play)
            if ended is not None and ended.result is ShotResult.BLOCKED:
                assert (row["kind"], row["outcome"], row["reason"]) == ("shot", "rejected", "SHOT_BLOCKED")
                continue
            assert result.ending is Ending.SCORED, (result.reason, result.detail)
            assert 0 < row["probability"] < 1
            if isinstance(play.context.situation, ShotSituation):
                assert row["kind"] == "shot"
                assert row["shooter_id"] == play.context.situation.shooter_id
                assert row["goal"] == (ended is not None and ended.result is ShotResult.GOAL)
                assert row["chance"] in ("low", "medium", "high")
                assert row["attributes"]["tracked"]
                assert all(factor["text"] for factor in row["factors"])
            else:
                assert row["kind"] == "faceoff"
                assert isinstance(row["won"], bool)
        live = await running.standings(league)
        again = await running.play(messages)
        assert {result.ending for result in again.values()} <= {Ending.SCORED, Ending.REJECTED}
        assert await running.standings(league) == live

        shots = [result for result in results.values() if result.ending is Ending.SCORED and _is_shot(result)]
        chances = sum(result.scored.records[0].score.distribution.bernoulli.probability for result in shots)  # type: ignore[union-attr]
        teams = [value for (role, _), value in live.items() if role == common.ROLE_SHOOTING_TEAM]
        goals = sum(value[2] for value in teams)
        assert sum(value[0] for value in teams) == len(shots)
        assert sum(value[1] for value in teams) == pytest.approx(goals - chances, abs=1e-3)
        takers = [value for (role, _), value in live.items() if role == common.ROLE_FACEOFF_TAKER]
        assert sum(value[1] for value in takers) == pytest.approx(0.0, abs=1e-3)

    async with suite(tmp_path / "shuffled") as other:
        await other.play(shuffled(messages, seed=5))
        assert await other.standings(league) == live


@pytest.fixture(scope="module")
def long_game() -> SimulatedHockeyGame:
    """More plays than may wait, in periods with more film than the featurizer keeps."""
    game = simulate_game(3, 0, period_seconds=250)
    assert len(game.game.plays) > MAX_WAITING_PLAYS
    assert all(len(play.frames) > MAX_FRAMES for play in game.game.plays)
    return game


@pytest.fixture(scope="module")
async def long_game_live(
    long_game: SimulatedHockeyGame, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], dict[tuple[int, str], tuple[int, float, int]]]:
    """The tensors of its plays and the standings after it, told as it is played."""
    async with suite(tmp_path_factory.mktemp("live")) as running:
        results = await running.play(feed_of(long_game))
        return tensors(results), await running.standings(long_game.game.header.league)


@pytest.mark.parametrize("order", KINDS_IN_ORDER)
async def test_a_kind_of_message_may_come_before_all_others(
    order: str,
    long_game: SimulatedHockeyGame,
    long_game_live: tuple[dict[str, bytes], dict[tuple[int, str], tuple[int, float, int]]],
    tmp_path: Path,
) -> None:
    messages = list(feed_of(long_game))
    puck_first = {"frames": "track", "track": "frames"}
    kinds = (puck_first.get(kind, kind) for kind in (*KINDS_IN_ORDER[order], "end_game"))
    async with suite(tmp_path) as running:
        results = await running.play(by_kind(messages, kinds))
        assert (tensors(results), await running.standings(long_game.game.header.league)) == long_game_live


async def test_a_featurizer_that_is_killed_in_the_middle_of_periods_changes_nothing(
    long_game: SimulatedHockeyGame,
    long_game_live: tuple[dict[str, bytes], dict[tuple[int, str], tuple[int, float, int]]],
    tmp_path: Path,
) -> None:
    messages = list(feed_of(long_game))
    shots = [place for place, message in enumerate(messages) if message.HasField("context")]
    async with suite(tmp_path) as running:
        results = await running.play(messages, restarts=(shots[7], shots[8] - 1, shots[20], shots[-1] - 3))
        assert (tensors(results), await running.standings(long_game.game.header.league)) == long_game_live


def tensors(results: Mapping[str, PlayResult]) -> dict[str, bytes]:
    """What the featurizer made of each play that was scored."""
    return {
        play_id: result.tensor.SerializeToString(deterministic=True)
        for play_id, result in results.items()
        if result.tensor is not None
    }


async def test_a_goal_that_is_taken_back_moves_everybody(simulated: SimulatedHockeyGame, tmp_path: Path) -> None:
    game = simulated.game
    league = game.header.league
    shot = next(
        play
        for play in game.plays
        if (ended := outcome_of(play)) is not None
        and ended.result is ShotResult.SAVED
        and isinstance(play.context.situation, ShotSituation)
        and play.context.situation.goalie_id
    )
    assert isinstance(shot.context.situation, ShotSituation)
    key = common.GameKey(league=league, game_id=game.header.game_id)
    scored = feed.OfficialResult(
        play_id=shot.context.play_id,
        shot_outcome=hockey.ShotOutcome(result=hockey.SHOT_RESULT_GOAL, outcome_revision=2),
    )
    blocked = feed.OfficialResult(
        play_id=shot.context.play_id,
        shot_outcome=hockey.ShotOutcome(result=hockey.SHOT_RESULT_BLOCKED, outcome_revision=3),
    )
    async with suite(tmp_path) as running:
        messages = list(feed_of(simulated))
        await running.play(messages)
        before = await running.standings(league)
        await running.play([feed.FeedMessage(game=key, official_result=scored)])
        after = await running.standings(league)
        subjects = {
            (common.ROLE_SHOOTER, shot.context.situation.shooter_id): 1.0,
            (common.ROLE_SHOOTING_TEAM, shot.context.attacking_team_id): 1.0,
            (common.ROLE_GOALIE, shot.context.situation.goalie_id): -1.0,
        }
        for subject, change in subjects.items():
            assert after[subject][1] - before[subject][1] == pytest.approx(change, abs=1e-4)
            assert after[subject][2] == before[subject][2] + 1
        assert {key for key in after if after[key] != before[key]} == set(subjects)

        (result,) = (await running.play([feed.FeedMessage(game=key, official_result=blocked)], messages)).values()
        assert result.reason is Reason.SHOT_BLOCKED
        withdrawn = await running.standings(league)
        for subject in subjects:
            assert withdrawn.get(subject, (0,))[0] == before[subject][0] - 1


def _is_shot(result: PlayResult) -> bool:
    return result.tensor is not None and result.tensor.HasField("shot_attributes")
