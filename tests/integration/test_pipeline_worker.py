from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.process import ServerProcess, free_port
from deploy.local.stack import serving as is_serving
from pipeline.results import Ending
from pipeline.worker import play_game
from playscore.errors import PlayscoreError, Reason
from playscore.game import Game, PassOutcome, PassResult
from playscore.tracking.v1.tracking_pb2 import ROLE_PASSER, Subject
from simulator.games import simulate
from tests.integration.services import NotingAggregator, RuleScorer, bench


@pytest.fixture(scope="module")
def game() -> Game:
    return next(iter(simulate(7, 1, 40))).game


def overloaded() -> PlayscoreError:
    return PlayscoreError(Reason.OVERLOADED, "try later", retry_after_seconds=0.01)


def away() -> PlayscoreError:
    return PlayscoreError(Reason.STORE_UNAVAILABLE, "no disk")


async def test_every_play_of_a_game_ends_scored_or_with_a_reason(game: Game) -> None:
    async with bench(read_back=True) as services:
        results = await play_game(game, services.featurizer, services.desks)

    assert [result.play_id for result in results] == [play.context.play_id for play in game.plays]
    assert Counter(result.ending for result in results)[Ending.SCORED] == len(services.aggregator.records)
    assert len(services.aggregator.records) + len(services.aggregator.unscored) == len(game.plays)
    assert all((result.ending is Ending.SCORED) == (result.reason is None) for result in results)
    outcomes = {play.context.play_id: play.outcome for play in game.plays}
    for result in results:
        if result.ending is Ending.SCORED:
            assert result.yards == outcomes[result.play_id].yards_gained
    stages = services.desks.times.as_json()
    assert {stages[stage]["count"] for stage in ("featurize", "score", "record", "read", "play")} == {
        len(services.aggregator.records)
    }


async def test_the_same_game_again_changes_nothing(game: Game) -> None:
    aggregator = NotingAggregator()
    async with bench(aggregator=aggregator) as services:
        await play_game(game, services.featurizer, services.desks)
        before = services.scores()
        await play_game(game, services.featurizer, services.desks)
    assert services.scores() == before
    assert services.desks.written.unchanged == len(game.plays)
    assert services.desks.written.replaced == 0


async def test_services_that_fail_and_come_back_leave_the_same_ratings(game: Game) -> None:
    async with bench() as services:
        await play_game(game, services.featurizer, services.desks)
        undisturbed = services.scores()
    scorer = RuleScorer(failures=[overloaded(), PlayscoreError(Reason.INFERENCE_UNAVAILABLE, "no Triton")])
    aggregator = NotingAggregator(failures=[away(), None, away()], forget_answers=[away(), away()])
    async with bench(scorer, aggregator) as services:
        results = await play_game(game, services.featurizer, services.desks)
    assert services.scores() == undisturbed
    assert len(results) == len(game.plays)


async def test_a_play_that_the_scorer_refuses_is_recorded_with_the_reason(game: Game) -> None:
    async with bench() as services:
        play_id = next(r.play_id for r in await play_game(game, services.featurizer, services.desks) if r.score)
    async with bench(RuleScorer(refuse={play_id: Reason.YARDS_OUT_OF_RANGE.value})) as services:
        results = await play_game(game, services.featurizer, services.desks)
    (refused,) = (result for result in results if result.play_id == play_id)
    assert (refused.ending, refused.reason) == (Ending.REJECTED, Reason.YARDS_OUT_OF_RANGE)
    assert services.aggregator.unscored[game.header.game_id, play_id].reason == Reason.YARDS_OUT_OF_RANGE.value


async def test_a_reason_that_only_a_newer_service_knows_is_final_and_kept(game: Game) -> None:
    async with bench() as services:
        play_id = next(r.play_id for r in await play_game(game, services.featurizer, services.desks) if r.score)
    async with bench(RuleScorer(refuse={play_id: 999})) as services:
        results = await play_game(game, services.featurizer, services.desks)
    (refused,) = (result for result in results if result.play_id == play_id)
    assert (refused.ending, refused.reason) == (Ending.REJECTED, None)
    assert "reason 999" in refused.detail
    assert services.aggregator.unscored[game.header.game_id, play_id].reason == 999


async def test_a_play_that_stands_recorded_otherwise_ends_with_that(game: Game) -> None:
    async with bench() as services:
        results = await play_game(game, services.featurizer, services.desks)
        play_ids = {next(r.play_id for r in results if bool(r.score) is scored) for scored in (True, False)}
    async with bench(aggregator=NotingAggregator(conflicting=play_ids)) as services:
        results = await play_game(game, services.featurizer, services.desks)
    assert {result.play_id for result in results if result.reason is Reason.REVISION_CONFLICT} == play_ids
    assert services.desks.written.conflicting == 2
    assert len(services.aggregator.records) + len(services.aggregator.unscored) == len(game.plays) - 2


async def test_a_record_says_whose_play_it_is_and_for_what(game: Game) -> None:
    async with bench() as services:
        await play_game(game, services.featurizer, services.desks)
    contexts = {play.context.play_id: play.context for play in game.plays}
    names = {player.player_id: player.display_name for player in game.roster}
    for (_, play_id), record in services.aggregator.records.items():
        passer_id, team_id = contexts[play_id].football.passer_id, contexts[play_id].offense_team_id
        assert record.subject == Subject(
            role=ROLE_PASSER, subject_id=passer_id, subject_name=names[passer_id], team_id=team_id
        )
        assert record.pass_measure.HasField("yards_gained")
        assert record.pass_attributes.team_id == team_id


async def test_a_scorer_with_another_feature_specification_ends_the_run(game: Game) -> None:
    refusal = PlayscoreError(Reason.FEATURE_SPECIFICATION_MISMATCH, "made to another one")
    with pytest.raises(ExceptionGroup) as failures:
        async with bench(RuleScorer(failures=[refusal])) as services:
            await play_game(game, services.featurizer, services.desks)
    assert failures.group_contains(PlayscoreError, match="made to another one")


async def test_yards_that_come_late_are_graded_as_if_they_had_been_there(game: Game) -> None:
    async with bench() as services:
        await play_game(game, services.featurizer, services.desks)
        undisturbed = services.aggregator.records
    loop = asyncio.get_running_loop()
    official = {play.context.play_id: loop.create_future() for play in game.plays if play.outcome is not None}
    unknowing = replace(game, plays=[replace(play, outcome=None) for play in game.plays])
    async with bench() as services:
        playing = asyncio.create_task(play_game(unknowing, services.featurizer, services.desks, official=official))
        for play in game.plays:
            await asyncio.sleep(0)
            if play.outcome is not None:
                official[play.context.play_id].set_result(play.outcome)
        await playing
    assert services.aggregator.records == undisturbed
    assert {(record.revision, record.outcome_revision) for record in undisturbed.values()} == {(1, 1)}


async def test_a_play_whose_yards_never_become_known_is_not_scored(game: Game) -> None:
    unknowing = replace(
        game,
        plays=[replace(play, outcome=play.outcome and PassOutcome(play.outcome.result, None)) for play in game.plays],
    )
    async with bench() as services:
        results = await play_game(unknowing, services.featurizer, services.desks)
    assert not services.aggregator.records
    assert len(services.aggregator.unscored) == len(game.plays)
    assert any(result.reason is Reason.OUTCOME_UNKNOWN for result in results)
    assert not any(result.reason is Reason.FIELD_INVALID for result in results)


async def test_an_official_sack_is_not_scored_whatever_the_events_say(game: Game) -> None:
    sacked = replace(game, plays=[replace(play, outcome=PassOutcome(PassResult.SACK, -7.0)) for play in game.plays])
    async with bench() as services:
        results = await play_game(sacked, services.featurizer, services.desks)
    assert not services.aggregator.records
    assert {result.ending for result in results} <= {Ending.NO_RELEASE, Ending.NOT_A_PASS, Ending.REJECTED}


async def test_a_game_that_the_featurizer_refuses_ends_play_by_play_with_its_reason(game: Game) -> None:
    odd = replace(game, header=replace(game.header, frame_rate_hertz=25.0))
    async with bench() as services:
        results = await play_game(odd, services.featurizer, services.desks)
    assert {result.ending for result in results} == {Ending.REJECTED}
    assert len(services.aggregator.unscored) == len(game.plays)


async def test_a_refusal_in_the_middle_of_the_stream_is_the_reason_of_the_plays_that_are_left(game: Game) -> None:
    stranger = replace(game.roster[0], team_id="nobody's")
    odd = replace(game, roster=(stranger, *game.roster[1:]))
    async with bench() as services:
        results = await play_game(odd, services.featurizer, services.desks)
    assert {(result.ending, result.reason) for result in results} == {(Ending.REJECTED, Reason.FIELD_INVALID)}
    assert all("team_id" in result.detail for result in results)


@pytest.mark.parametrize("speed", [8.0, 40.0])
async def test_at_a_pace_the_answers_are_those_of_a_whole_game_at_once(game: Game, speed: float) -> None:
    short = replace(game, plays=game.plays[:4])
    async with bench() as services:
        at_once = await play_game(short, services.featurizer, services.desks)
        paced = await play_game(short, services.featurizer, services.desks, speed=speed)
    assert paced == at_once


@pytest.mark.parametrize("ended", ["killed", "drained"])
async def test_a_featurizer_that_goes_and_comes_back_in_the_middle_of_a_game_loses_no_play(
    game: Game, tmp_path: Path, ended: str
) -> None:
    async with bench() as services:
        await play_game(game, services.featurizer, services.desks)
        undisturbed = services.scores()
    port, metrics_port = free_port(), free_port()
    featurizer = ServerProcess(
        name="featurizer",
        command=[sys.executable, "-m", "featurizer"],
        environment={
            **os.environ,
            "PLAYSCORE_FEATURIZER_LISTEN": f"127.0.0.1:{port}",
            "PLAYSCORE_FEATURIZER_METRICS_LISTEN": f"127.0.0.1:{metrics_port}",
            "PLAYSCORE_FEATURIZER_DRAIN_SECONDS": "0",
            "PLAYSCORE_FEATURIZER_GRACE_SECONDS": "0.1",
        },
        log=tmp_path / "featurizer.log",
        ready=lambda: is_serving(f"127.0.0.1:{port}"),
    )
    await featurizer.start()
    try:
        await featurizer.wait_ready(30)
        async with bench(featurizer_address=f"127.0.0.1:{port}") as services:
            playing = asyncio.create_task(play_game(game, services.featurizer, services.desks, speed=200.0))
            await services.aggregator.has_records(5)
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
