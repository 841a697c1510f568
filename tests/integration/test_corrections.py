"""Corrections that arrive: whatever the order, whoever scored a play, ratings end as if all had been known at once.

Featurizer, scorer and aggregator are real, each behind its own gRPC port in this process, inference by onnxruntime.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import numpy as np
import pytest

from aggregator.__main__ import AggregatorSettings
from aggregator.__main__ import build as build_aggregator
from featurizer.service import FeaturizerService
from featurizer.tasks import TASKS
from pipeline.batch_stages import BatchStages
from pipeline.game_run import GameRun
from pipeline.passing import Passing
from pipeline.results import Ending, PlayResult
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.game import Game
from playscore.passing import outcome_of, situation_of
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.games import feed_of
from playscore.wire.tracking import frames_from_message, frames_to_message
from scorer.__main__ import ScorerSettings
from scorer.__main__ import build as build_scorer
from servicekit import Service, ServiceSettings, serving
from simulator import simulate_game
from tests.feed_orders import KINDS_IN_ORDER, by_kind

PLAYS = 14
SECONDS = 60.0
FRAMES_A_MESSAGE = 12


@dataclass
class Suite:
    """Clients of the three services."""

    featurizer: FeaturizerClient
    scorer: ScorerClient
    ratings: AggregatorClient
    revision: common.RevisionToken | None = None
    """After the last write."""

    async def play(
        self, messages: Iterable[feed.FeedMessage], archive: Iterable[feed.FeedMessage] = ()
    ) -> dict[str, PlayResult]:
        """Plays the feed of one game to its end, in a worker that knows nothing of any other."""
        told, tasks = list(messages), (Passing(self.scorer, self.ratings),)
        async with BatchStages(self.ratings) as stages:
            game = GameRun(told[0].game, self.featurizer, tasks, stages, archive=archive)
            done = {result.play_id: result for result in await game.run(_each(told))}
        self.revision = stages.revision or self.revision
        return done

    async def standings(self, league: str) -> dict[str, tuple[int, float]]:
        """Plays and rating of every passer."""
        return {
            rating.subject.subject_id: (rating.plays, rating.passing.rating)
            async for rating in self.ratings.list_ratings(league, at_least_as_fresh=self.revision)
        }

    async def covered(self, league: str) -> tuple[int, int, int]:
        """Plays that are graded, ungraded and not scored."""
        coverage = await self.ratings.get_coverage(league, at_least_as_fresh=self.revision)
        return coverage.graded, coverage.ungraded, coverage.plays - coverage.graded - coverage.ungraded

    async def unscored(self, league: str) -> dict[int, int]:
        """How many plays are not scored, by reason."""
        coverage = await self.ratings.get_coverage(league, at_least_as_fresh=self.revision)
        return {counted.reason: counted.plays for counted in coverage.unscored}

    async def record(self, league: str, play_id: str) -> aggregator.ScoreRecord:
        """What is stored of one play."""
        split = f'play_id = "{play_id}"'
        plays = self.ratings.list_plays(league, split=split, include_ungraded=True, at_least_as_fresh=self.revision)
        (listed,) = [each async for each in plays]
        return listed.record


async def _each(messages: Sequence[feed.FeedMessage]) -> AsyncIterator[feed.FeedMessage]:
    for message in messages:
        yield message


@pytest.fixture(scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    folder = tmp_path_factory.mktemp("corrections")
    services: tuple[Service, ...] = (
        FeaturizerService(TASKS),
        build_scorer(ScorerSettings(inference="onnxruntime")),
        build_aggregator(AggregatorSettings(store=f"sqlite:///{folder / 'scores.db'}")),
    )
    async with AsyncExitStack() as closing:
        addresses = []
        for service in services:
            running = await closing.enter_async_context(serving(service, ServiceSettings()))
            await running.until_serving()
            addresses.append(str(running.address))
        clients = FeaturizerClient(addresses[0]), ScorerClient(addresses[1]), AggregatorClient(addresses[2])
        for client in clients:
            await closing.enter_async_context(client)
        yield Suite(*clients)


_leagues = (f"L{number}" for number in itertools.count())


def a_game(seed: int = 3) -> Game:
    """A simulated game, in a league of its own, so that one store holds many."""
    game = simulate_game(seed, 0, PLAYS).game
    return replace(game, header=replace(game.header, league=next(_leagues)))


def in_pieces(messages: Iterable[feed.FeedMessage]) -> list[feed.FeedMessage]:
    """The same feed, its frames a few a message."""
    pieces = []
    for message in messages:
        if not message.HasField("frames"):
            pieces.append(message)
            continue
        frames = frames_from_message(message.frames)
        for start in range(0, len(frames), FRAMES_A_MESSAGE):
            rows = frames.rows(start, start + FRAMES_A_MESSAGE)
            pieces.append(
                feed.FeedMessage(game=message.game, frames=frames_to_message(message.frames.segment_id, rows))
            )
    return pieces


def in_one_segment(game: Game) -> Game:
    """The same game, its plays one after the other in one segment, as a period that is filmed through."""
    plays, opens_at = [], 0
    for play in game.plays:
        shift = opens_at - int(play.frames.frame_numbers.min())
        events = tuple(replace(event, frame_number=event.frame_number + shift) for event in play.frames.events)
        frames = replace(play.frames, frame_numbers=play.frames.frame_numbers + np.int32(shift), events=events)
        context = replace(play.context, segment_id="period", opens_at_frame=opens_at)
        plays.append(replace(play, context=context, frames=frames))
        opens_at = int(frames.frame_numbers.max()) + 200
    return replace(game, plays=plays)


def passes(game: Game) -> list[str]:
    """The plays that were thrown and gained what counts."""
    thrown = ("COMPLETE", "INCOMPLETE", "INTERCEPTED")
    outcomes = {play.context.play_id: outcome_of(play) for play in game.plays}
    return [play for play, outcome in outcomes.items() if outcome and outcome.result and outcome.result.name in thrown]


def told(game: Game, **message: object) -> feed.FeedMessage:
    key = common.GameKey(league=game.header.league, game_id=game.header.game_id)
    return feed.FeedMessage(game=key, **message)  # type: ignore[arg-type]


def context(game: Game, play_id: str, revision: int, **fields: object) -> feed.FeedMessage:
    return told(game, context=feed.PlayContext(play_id=play_id, revision=revision, **fields))  # type: ignore[arg-type]


def result(game: Game, play_id: str, yards: float, outcome_revision: int) -> feed.FeedMessage:
    outcome = football.PassOutcome(
        result=football.PASS_RESULT_COMPLETE, yards_gained=yards, outcome_revision=outcome_revision
    )
    return told(game, official_result=feed.OfficialResult(play_id=play_id, pass_outcome=outcome))


def somebody_else(game: Game, play_id: str) -> str:
    """Another player of the offense who was on the field."""
    play = next(play for play in game.plays if play.context.play_id == play_id)
    teams = {player.player_id: player.team_id for player in game.roster}
    return next(
        player_id
        for player_id in play.frames.player_ids
        if teams[player_id] == play.context.attacking_team_id and player_id != situation_of(play.context).passer_id
    )


def corrections_of(game: Game) -> list[feed.FeedMessage]:
    """One of each kind."""
    first, second, third, fourth, fifth, sixth, *_ = passes(game)
    return [
        context(game, first, 2, football=football.FootballSituation(passer_id=somebody_else(game, first))),
        context(game, second, 2, football=football.FootballSituation(yards_to_go=1.0)),
        result(game, second, 31.0, 2),
        result(game, third, 44.0, 2),
        result(game, third, 4.0, 3),
        context(game, fourth, 2, status=feed.PLAY_STATUS_NULLIFIED),
        context(game, fifth, 2, status=feed.PLAY_STATUS_NULLIFIED),
        context(game, fifth, 3, status=feed.PLAY_STATUS_STANDS),
        context(game, sixth, 2, status=feed.PLAY_STATUS_WITHDRAWN),
    ]


def shuffled(messages: Sequence[feed.FeedMessage], chance: random.Random) -> list[feed.FeedMessage]:
    """The messages in any order, some of them twice; those with frames of one segment keep theirs."""
    every = [*messages, *(message for message in messages if chance.random() < 0.3)]
    order = list(range(len(every)))
    chance.shuffle(order)
    mixed = [every[place] for place in order]
    in_order = {
        segment: iter([message for message in messages if message.frames.segment_id == segment])
        for segment in {message.frames.segment_id for message in messages if message.HasField("frames")}
    }
    return [
        next(in_order[message.frames.segment_id], message) if message.HasField("frames") else message
        for message in mixed
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_the_order_of_messages_their_repeats_and_delays_change_no_rating(suite: Suite, seed: int) -> None:
    chance = random.Random(seed)
    game, other = a_game(), a_game()
    await suite.play([*feed_of(game), *corrections_of(game)])
    messages = [*in_pieces(feed_of(other)), *corrections_of(other)]
    done = await suite.play(shuffled(messages, chance))
    assert len(done) == PLAYS
    expected, found = await suite.standings(game.header.league), await suite.standings(other.header.league)
    assert found.keys() == expected.keys()
    for passer, standing in expected.items():
        assert found[passer] == pytest.approx(standing, abs=1e-4), passer
    assert await suite.covered(other.header.league) == await suite.covered(game.header.league)
    assert await suite.unscored(other.header.league) == await suite.unscored(game.header.league)


@pytest.mark.parametrize("order", KINDS_IN_ORDER)
@pytest.mark.parametrize("whole_game", [False, True], ids=["a segment a play", "one segment"])
async def test_a_kind_of_message_may_come_before_all_others(suite: Suite, order: str, *, whole_game: bool) -> None:
    game, other = a_game(), a_game()
    await suite.play(feed_of(game))
    messages = in_pieces(feed_of(in_one_segment(other) if whole_game else other))
    told = by_kind(messages, KINDS_IN_ORDER[order])
    done = await suite.play(told)
    assert len(done) == PLAYS
    expected, found = await suite.standings(game.header.league), await suite.standings(other.header.league)
    assert found.keys() == expected.keys()
    for passer, standing in expected.items():
        assert found[passer] == pytest.approx(standing, abs=1e-4), passer
    assert await suite.unscored(other.header.league) == await suite.unscored(game.header.league)


async def test_a_play_told_after_later_ones_of_its_segment_is_made_of_its_own_tracking(suite: Suite) -> None:
    game, other = in_one_segment(a_game()), in_one_segment(a_game())
    await suite.play(feed_of(game))
    messages = list(feed_of(other))
    play = passes(other)[0]
    await suite.play(
        [message for message in messages if message.context.play_id != play]
        + [message for message in messages if message.context.play_id == play]
    )
    expected, found = await suite.record(game.header.league, play), await suite.record(other.header.league, play)
    assert found.pass_attributes == expected.pass_attributes


async def test_a_player_of_a_team_that_does_not_play_spoils_no_play(suite: Suite) -> None:
    game, other = a_game(), a_game()
    await suite.play(feed_of(game))
    stranger = told(other, roster=tracking.Roster(players=[tracking.Player(player_id="x", team_id="XX")]))
    messages = list(feed_of(other))
    await suite.play([*messages[:20], stranger, *messages[20:]])
    assert await suite.covered(other.header.league) == await suite.covered(game.header.league)


@pytest.mark.parametrize("seed", range(3))
async def test_corrections_need_not_reach_the_worker_that_scored_the_play(suite: Suite, seed: int) -> None:
    game, other = a_game(), a_game()
    await suite.play([*feed_of(game), *corrections_of(game)])
    await suite.play(feed_of(other))
    corrections = corrections_of(other)
    random.Random(seed).shuffle(corrections)
    for message in corrections:
        await suite.play([message], archive=[*feed_of(other), *corrections[: corrections.index(message)]])
    expected, found = await suite.standings(game.header.league), await suite.standings(other.header.league)
    assert found.keys() == expected.keys()
    for passer, standing in expected.items():
        assert found[passer] == pytest.approx(standing, abs=1e-4), passer


class TestOneCorrection:
    """What each kind changes."""

    async def test_another_passer_takes_the_play_from_the_first(self, suite: Suite) -> None:
        game = a_game()
        await suite.play(feed_of(game))
        play = passes(game)[0]
        before = await suite.standings(game.header.league)
        passer, other = (await suite.record(game.header.league, play)).subject.subject_id, somebody_else(game, play)
        correction = context(game, play, 2, football=football.FootballSituation(passer_id=other))
        await suite.play([correction], archive=feed_of(game))
        after = await suite.standings(game.header.league)
        assert after[passer][0] == before[passer][0] - 1
        assert after[other][0] == 1
        record = await suite.record(game.header.league, play)
        assert (record.subject.subject_id, record.revision, record.outcome_revision) == (other, 2, 1)

    async def test_late_yards_grade_what_was_stored_without_film(self, suite: Suite) -> None:
        game = a_game()
        play = passes(game)[0]
        late = [message for message in feed_of(game) if message.official_result.play_id == play]
        early = [message for message in feed_of(game) if message.official_result.play_id != play]
        done = await suite.play(early)
        assert (done[play].ending, done[play].reason) == (Ending.UNGRADED, Reason.OUTCOME_UNKNOWN)
        assert (await suite.covered(game.header.league))[1] == 1
        await suite.play(late)
        at_once = a_game()
        await suite.play(feed_of(at_once))
        graded, expected = await suite.record(game.header.league, play), await suite.record(at_once.header.league, play)
        assert graded.pass_measure.play_score == pytest.approx(expected.pass_measure.play_score, abs=1e-5)
        assert graded.pass_measure.expected_yards == pytest.approx(expected.pass_measure.expected_yards, abs=1e-5)
        assert (await suite.covered(game.header.league))[1] == 0

    async def test_a_pass_that_officially_was_none_leaves_the_ratings(self, suite: Suite) -> None:
        game = a_game()
        await suite.play(feed_of(game))
        play = passes(game)[0]
        graded, ungraded, unscored = await suite.covered(game.header.league)
        sack = football.PassOutcome(result=football.PASS_RESULT_SACK, outcome_revision=2)
        done = await suite.play([told(game, official_result=feed.OfficialResult(play_id=play, pass_outcome=sack))])
        assert (done[play].ending, done[play].reason) == (Ending.REJECTED, Reason.NO_RELEASE)
        assert await suite.covered(game.header.league) == (graded - 1, ungraded, unscored + 1)
        await suite.play([result(game, play, 7.0, 3)])
        assert await suite.covered(game.header.league) == (graded - 1, ungraded, unscored + 1), "its score is withdrawn"
        await suite.play([context(game, play, 2), result(game, play, 7.0, 3)], archive=feed_of(game))
        assert await suite.covered(game.header.league) == (graded, ungraded, unscored)

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (feed.PLAY_STATUS_NULLIFIED, Reason.PLAY_NULLIFIED),
            (feed.PLAY_STATUS_WITHDRAWN, Reason.PLAY_WITHDRAWN),
        ],
    )
    async def test_a_struck_play_needs_no_film(
        self, suite: Suite, status: feed.PlayStatus.ValueType, reason: Reason
    ) -> None:
        game = a_game()
        await suite.play(feed_of(game))
        graded, ungraded, unscored = await suite.covered(game.header.league)
        play = passes(game)[0]
        done = await suite.play([context(game, play, 2, status=status)])
        assert (done[play].ending, done[play].reason) == (Ending.REJECTED, reason)
        assert await suite.covered(game.header.league) == (graded - 1, ungraded, unscored + 1)

    async def test_a_corrected_context_without_film_changes_nothing_and_says_so(self, suite: Suite) -> None:
        game = a_game()
        await suite.play(feed_of(game))
        before = await suite.standings(game.header.league)
        play = passes(game)[0]
        done = await suite.play([context(game, play, 2, football=football.FootballSituation(down=4))])
        assert (done[play].reason, done[play].recorded) == (Reason.TRACKING_UNAVAILABLE, False)
        assert await suite.standings(game.header.league) == before

    async def test_a_corrected_context_changes_nothing_where_only_its_film_is_missing(self, suite: Suite) -> None:
        game = a_game()
        await suite.play(feed_of(game))
        play = passes(game)[0]
        before = await suite.standings(game.header.league)
        correction = context(game, play, 2, football=football.FootballSituation(down=4))
        filmless = [message for message in feed_of(game) if message.frames.segment_id != play]
        for feed_of_it, archive in (([correction], filmless), ([*filmless, correction], [])):
            done = await suite.play(feed_of_it, archive=archive)
            assert (done[play].reason, done[play].recorded) == (Reason.TRACKING_UNAVAILABLE, False)
            assert await suite.standings(game.header.league) == before

    async def test_a_later_result_does_not_withdraw_a_play_that_lost_its_film(self, suite: Suite) -> None:
        game = a_game()
        await suite.play(feed_of(game))
        play = passes(game)[0]
        covered = await suite.covered(game.header.league)
        filmless = [message for message in feed_of(game) if message.frames.segment_id != play]
        await suite.play([*filmless, result(game, play, 9.0, 2)])
        assert await suite.covered(game.header.league) == covered

    async def test_an_old_feed_does_not_bring_back_a_struck_play(self, suite: Suite) -> None:
        game = a_game()
        play = passes(game)[0]
        await suite.play([*feed_of(game), context(game, play, 2, status=feed.PLAY_STATUS_NULLIFIED)])
        covered = await suite.covered(game.header.league)
        done = await suite.play(feed_of(game))
        assert done[play].ending is Ending.SUPERSEDED
        assert await suite.covered(game.header.league) == covered

    async def test_a_result_of_a_play_that_nobody_scored_is_told(self, suite: Suite) -> None:
        game = a_game()
        await suite.play(feed_of(game))
        done = await suite.play([result(game, "no such play", 7.0, 2)])
        assert (done["no such play"].reason, done["no such play"].recorded) == (Reason.SUBJECT_NOT_FOUND, False)

    async def test_a_later_result_survives_a_correction_that_does_not_know_it(self, suite: Suite) -> None:
        game = a_game()
        await suite.play(feed_of(game))
        play = passes(game)[0]
        await suite.play([result(game, play, 55.0, 2)])
        correction = context(game, play, 2, football=football.FootballSituation(down=4))
        await suite.play([correction], archive=feed_of(game))
        record = await suite.record(game.header.league, play)
        assert (record.revision, record.outcome_revision, record.pass_measure.yards_gained) == (2, 2, 55.0)


@pytest.mark.parametrize("order", KINDS_IN_ORDER)
async def test_plays_that_end_before_they_open_are_rejected_and_hold_up_no_game(suite: Suite, order: str) -> None:
    game = in_one_segment(a_game())
    last = int(game.plays[0].frames.frame_numbers.max())
    messages = []
    for message in in_pieces(feed_of(game)):
        if message.HasField("end_play"):
            message.end_play.last_frame_number = last
        if not message.HasField("frames") or min(message.frames.frame_numbers) <= last:
            messages.append(message)
    told = by_kind(messages, KINDS_IN_ORDER[order])
    async with asyncio.timeout(SECONDS):
        done = await suite.play(told)
    endings = [result.ending for result in done.values()]
    assert (endings.count(Ending.SCORED), endings.count(Ending.REJECTED)) == (1, PLAYS - 1)
