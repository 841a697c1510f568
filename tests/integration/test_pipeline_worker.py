from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.ports import reserve
from deploy.local.stack import service_process
from pipeline.results import Ending, PlayResult
from playscore.common.v1.common_pb2 import ROLE_PASSER, Subject
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Game
from playscore.passing import PassOutcome, PassResult, outcome_of, situation_of
from playscore.wire.feed import result_to_message
from playscore.wire.games import feed_of
from simulator.games import simulate
from tests.integration.services import Bench, NotingRatings, RulePassing, bench

Telling = Callable[[Game, Bench], AsyncIterator[FeedMessage]]
"""How a game is told."""


@pytest.fixture(scope="module")
def game() -> Game:
    return next(iter(simulate(7, 1, 40))).game


def overloaded() -> PlayscoreError:
    return PlayscoreError(Reason.OVERLOADED, "try later", retry_after_seconds=0.01)


def away() -> PlayscoreError:
    return PlayscoreError(Reason.STORE_UNAVAILABLE, "no disk")


def of(results: tuple[PlayResult, ...], ending: Ending) -> list[PlayResult]:
    return [result for result in results if result.ending is ending]


async def test_every_play_of_a_game_ends_scored_or_with_a_reason(game: Game) -> None:
    async with bench(read_back=True) as services:
        results = await services.play(game)

    assert [result.play_id for result in results] == [play.context.play_id for play in game.plays]
    assert Counter(result.ending for result in results)[Ending.SCORED] == len(services.ratings.graded)
    assert len(services.ratings.records) + len(services.ratings.unscored) == len(game.plays)
    assert all((result.ending is Ending.SCORED) == (result.reason is None) for result in results)
    outcomes = {play.context.play_id: outcome_of(play) for play in game.plays}
    for result in of(results, Ending.SCORED):
        outcome = outcomes[result.play_id]
        assert outcome is not None
        assert result.result is not None
        assert result.result.pass_outcome.yards_gained == outcome.yards_gained
    stages = services.stages.times.as_json()
    assert {stages[stage]["count"] for stage in ("featurize", "score", "record", "read", "play")} == {
        len(services.ratings.records)
    }


async def test_the_same_game_again_changes_nothing(game: Game) -> None:
    ratings = NotingRatings()
    async with bench(ratings=ratings) as services:
        await services.play(game)
        before = services.scores()
        await services.play(game)
    assert services.scores() == before
    assert services.stages.written.unchanged == len(game.plays)
    assert services.stages.written.replaced == 0


async def test_services_that_fail_and_come_back_leave_the_same_ratings(game: Game) -> None:
    async with bench() as services:
        await services.play(game)
        undisturbed = services.scores()
    passing = RulePassing(failures=[overloaded(), PlayscoreError(Reason.INFERENCE_UNAVAILABLE, "no Triton")])
    ratings = NotingRatings(failures=[away(), None, away()], forget_answers=[away(), away()])
    async with bench(passing, ratings) as services:
        results = await services.play(game)
    assert services.scores() == undisturbed
    assert len(results) == len(game.plays)


async def a_scored_play(game: Game) -> str:
    async with bench() as services:
        return of(await services.play(game), Ending.SCORED)[0].play_id


async def test_a_play_that_the_scorer_refuses_is_recorded_with_the_reason(game: Game) -> None:
    play_id = await a_scored_play(game)
    async with bench(RulePassing(refuse={play_id: Reason.YARDS_OUT_OF_RANGE.value})) as services:
        results = await services.play(game)
    (refused,) = (result for result in results if result.play_id == play_id)
    assert (refused.ending, refused.reason) == (Ending.REJECTED, Reason.YARDS_OUT_OF_RANGE)
    assert services.ratings.unscored[game.header.game_id, play_id].reason == Reason.YARDS_OUT_OF_RANGE.value


async def test_a_reason_that_only_a_newer_service_knows_is_final_and_kept(game: Game) -> None:
    play_id = await a_scored_play(game)
    async with bench(RulePassing(refuse={play_id: 999})) as services:
        results = await services.play(game)
    (refused,) = (result for result in results if result.play_id == play_id)
    assert (refused.ending, refused.reason) == (Ending.REJECTED, None)
    assert "reason 999" in refused.detail
    assert services.ratings.unscored[game.header.game_id, play_id].reason == 999


async def test_a_play_that_stands_recorded_otherwise_ends_with_that(game: Game) -> None:
    async with bench() as services:
        results = await services.play(game)
    play_ids = {of(results, ending)[0].play_id for ending in (Ending.SCORED, Ending.REJECTED)}
    async with bench(ratings=NotingRatings(conflicting=play_ids)) as services:
        results = await services.play(game)
    assert {result.play_id for result in results if result.reason is Reason.REVISION_CONFLICT} == play_ids
    assert services.stages.written.conflicting == 2
    assert len(services.ratings.records) + len(services.ratings.unscored) == len(game.plays) - 2


async def test_a_record_says_whose_play_it_is_and_for_what(game: Game) -> None:
    async with bench() as services:
        await services.play(game)
    contexts = {play.context.play_id: play.context for play in game.plays}
    names = {player.player_id: player.display_name for player in game.roster}
    assert services.ratings.records
    for (_, play_id), record in services.ratings.records.items():
        passer_id, team_id = situation_of(contexts[play_id]).passer_id, contexts[play_id].attacking_team_id
        assert record.subject == Subject(
            role=ROLE_PASSER, subject_id=passer_id, subject_name=names[passer_id], team_id=team_id
        )
        assert record.pass_measure.HasField("yards_gained")
        assert record.pass_attributes.team_id == team_id


async def test_a_scorer_with_another_feature_specification_ends_the_run(game: Game) -> None:
    refusal = PlayscoreError(Reason.FEATURE_SPECIFICATION_MISMATCH, "made to another one")
    with pytest.raises(ExceptionGroup) as failures:
        async with bench(RulePassing(failures=[refusal])) as services:
            await services.play(game)
    assert failures.group_contains(PlayscoreError, match="made to another one")


def without_results(game: Game) -> Iterator[FeedMessage]:
    return (message for message in feed_of(game) if not message.HasField("official_result"))


def results_of(game: Game) -> list[FeedMessage]:
    return [message for message in feed_of(game) if message.HasField("official_result")]


async def results_first(game: Game, services: Bench) -> AsyncIterator[FeedMessage]:
    header, *rest = without_results(game)
    for message in (header, *results_of(game), *rest):
        yield message


async def results_last(game: Game, services: Bench) -> AsyncIterator[FeedMessage]:
    for message in (*without_results(game), *results_of(game)):
        yield message


async def results_while_plays_are_scored(game: Game, services: Bench) -> AsyncIterator[FeedMessage]:
    services.passing.open.clear()
    for message in without_results(game):
        yield message
    await services.passing.called.wait()
    for message in results_of(game):
        yield message
    services.passing.open.set()


async def results_while_plays_are_recorded(game: Game, services: Bench) -> AsyncIterator[FeedMessage]:
    services.ratings.open.clear()
    for message in without_results(game):
        yield message
    await services.ratings.called.wait()
    for message in results_of(game):
        yield message
    services.ratings.open.set()


async def results_once_plays_are_recorded(game: Game, services: Bench) -> AsyncIterator[FeedMessage]:
    for message in without_results(game):
        yield message
    await services.ratings.has_records(10)
    for message in results_of(game):
        yield message


@pytest.mark.parametrize(
    "told",
    [
        results_first,
        results_last,
        results_while_plays_are_scored,
        results_while_plays_are_recorded,
        results_once_plays_are_recorded,
    ],
)
async def test_yards_that_come_late_are_graded_as_if_they_had_been_there(game: Game, told: Telling) -> None:
    async with bench() as services:
        await services.play(game)
        undisturbed = services.ratings.records
    async with bench() as services:
        async with asyncio.timeout(30):
            await services.play_feed(game, told(game, services))
    assert services.ratings.records == undisturbed
    assert {(record.revision, record.outcome_revision) for record in undisturbed.values()} == {(1, 1)}


SACK = PassOutcome(PassResult.SACK, -7.0)
CAUGHT = PassOutcome(PassResult.COMPLETE, 12.0)
DROPPED = PassOutcome(PassResult.INCOMPLETE, 0.0)


@pytest.mark.parametrize("recorded_between", [False, True])
@pytest.mark.parametrize(
    ("first", "second"), [(SACK, CAUGHT), (CAUGHT, SACK), (CAUGHT, DROPPED)], ids=["caught", "sacked", "dropped"]
)
async def test_a_corrected_result_counts_as_if_it_had_been_the_only_one(
    game: Game, first: PassOutcome, second: PassOutcome, recorded_between: bool
) -> None:
    play_id = await a_scored_play(game)

    def told(outcome: PassOutcome) -> FeedMessage:
        (message,) = (one for one in results_of(game) if one.official_result.play_id == play_id)
        return FeedMessage(game=message.game, official_result=result_to_message(play_id, outcome))

    corrected = replace(second, revision=2)
    others = [message for message in feed_of(game) if message.official_result.play_id != play_id]

    async def at_once() -> AsyncIterator[FeedMessage]:
        for message in (*others, told(corrected)):
            yield message

    async def one_by_one(services: Bench) -> AsyncIterator[FeedMessage]:
        for message in (*others, told(first)):
            yield message
        if recorded_between:
            await services.ratings.has_play((game.header.game_id, play_id))
        yield told(corrected)

    async with bench() as services:
        await services.play_feed(game, at_once())
        expected = services.ratings.plays
    async with bench() as services:
        async with asyncio.timeout(30):
            results = await services.play_feed(game, one_by_one(services))
    assert services.ratings.plays == expected
    (result,) = (result for result in results if result.play_id == play_id)
    assert result.ending is (Ending.REJECTED if second is SACK else Ending.SCORED)


async def test_a_play_whose_yards_never_become_known_waits_for_them(game: Game) -> None:
    unknowing = replace(
        game,
        plays=[replace(play, outcome=play.outcome and PassOutcome(PassResult.COMPLETE, None)) for play in game.plays],
    )
    async with bench() as services:
        results = await services.play(unknowing)
    assert not services.ratings.graded
    assert len(services.ratings.records) + len(services.ratings.unscored) == len(game.plays)
    assert any(play.outcome for play in unknowing.plays)
    ungraded = of(results, Ending.UNGRADED)
    assert len(ungraded) == len(services.ratings.records) > 0
    assert {result.reason for result in ungraded} == {Reason.OUTCOME_UNKNOWN}
    assert not any(result.reason is Reason.FIELD_INVALID for result in results)


async def test_an_official_sack_is_not_scored_whatever_the_events_say(game: Game) -> None:
    sacked = replace(game, plays=[replace(play, outcome=PassOutcome(PassResult.SACK, -7.0)) for play in game.plays])
    async with bench() as services:
        results = await services.play(sacked)
    assert not services.ratings.records
    assert {result.ending for result in results} == {Ending.REJECTED}


async def test_a_game_that_the_featurizer_refuses_ends_play_by_play_with_its_reason(game: Game) -> None:
    odd = replace(game, header=replace(game.header, frame_rate_hertz=25.0))
    async with bench() as services:
        async with asyncio.timeout(30):
            results = await services.play(odd)
    assert {(result.ending, result.reason) for result in results} == {(Ending.REJECTED, Reason.FRAME_RATE_UNSUPPORTED)}
    assert len(services.ratings.unscored) == len(game.plays)


async def test_a_player_of_a_team_that_does_not_play_spoils_only_plays_that_are_theirs(game: Game) -> None:
    stranger = replace(game.roster[0], team_id="nobody's")
    odd = replace(game, roster=(stranger, *game.roster[1:]))
    theirs = {play.context.play_id for play in game.plays if situation_of(play.context).passer_id == stranger.player_id}
    async with bench() as services:
        results = await services.play(odd)
        as_usual = {result.play_id: result.reason for result in await services.play(game)}
    for result in results:
        if result.play_id not in theirs:
            assert result.reason in (as_usual[result.play_id], Reason.PLAYER_NOT_IN_ROSTER), result


@pytest.mark.parametrize("speed", [8.0, 40.0])
async def test_at_a_pace_the_answers_are_those_of_a_whole_game_at_once(game: Game, speed: float) -> None:
    short = replace(game, plays=game.plays[:4])
    async with bench() as services:
        at_once = await services.play(short)
        paced = await services.play(short, speed=speed)
    assert paced == at_once


@pytest.mark.parametrize("ended", ["killed", "drained"])
async def test_a_featurizer_that_goes_and_comes_back_in_the_middle_of_a_game_loses_no_play(
    game: Game, tmp_path: Path, ended: str
) -> None:
    async with bench() as services:
        await services.play(game)
        undisturbed = services.scores()
    with reserve(0, 0) as (port, metrics_port):
        featurizer = service_process(
            "featurizer", port, metrics_port, {"GRACE_SECONDS": "0.1"}, tmp_path / "featurizer.log"
        )
        await featurizer.start()
        try:
            await featurizer.wait_ready(30)
            async with bench(featurizer_address=f"127.0.0.1:{port}") as services:
                playing = asyncio.create_task(services.play(game, speed=40.0))
                await services.ratings.has_records(5)
                if ended == "killed":
                    await featurizer.kill()
                else:
                    assert await featurizer.stop() == 0
                assert not playing.done()
                await featurizer.start()
                results = await playing
            assert services.scores() == undisturbed
            assert len(results) == len(game.plays)
        finally:
            await featurizer.kill()
