"""Shots and face-offs over a real aggregator: what analysts ask of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.distributions import same_distribution
from aggregator.faceoffs.messages import faceoff_messages
from aggregator.faceoffs.task import FaceoffsTask
from aggregator.service import AggregatorService
from aggregator.shots.messages import shot_messages
from aggregator.shots.task import ShotsTask
from aggregator.sqlite import SqliteStore
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import ModelVersion
from servicekit import ServiceSettings
from servicekit.server import serving

SHOTS, FACEOFFS = ModelVersion("shots", 1), ModelVersion("faceoffs", 1)
SHOOTER, GOALIE, TEAM = common.ROLE_SHOOTER, common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM
TAKER = common.ROLE_FACEOFF_TAKER


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AggregatorClient]:
    tasks = [shot_messages(ShotsTask([SHOTS], SHOTS)), faceoff_messages(FaceoffsTask([FACEOFFS], FACEOFFS))]
    roles = [role for each in tasks for role in each.task.roles]
    service = AggregatorService(SqliteStore(tmp_path / "scores.sqlite", roles, same_distribution), tasks)
    settings = ServiceSettings(listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    async with serving(service, settings) as running:
        await running.until_serving()
        async with AggregatorClient(str(running.address)) as client:
            yield client


def shot(
    play: int,
    chance: float,
    result: int = hockey.SHOT_RESULT_SAVED,
    *,
    shooter: str = "pasta",
    team: str = "BOS",
    goalie: str = "price",
    revision: int = 1,
    outcome_revision: int = 1,
    **known: Any,
) -> list[pb.PlayRecord]:
    """A record for the shooter, their team, and the goalie if there was one."""
    other = {"BOS": "MTL", "MTL": "BOS"}[team]
    subjects = [(SHOOTER, shooter, team), (TEAM, team, team), *([(GOALIE, goalie, other)] if goalie else [])]
    attributes = hockey.ShotAttributes(
        season=2023,
        shooting_team_id=team,
        defending_team_id=other,
        shooting_at_home=team == "BOS",
        shooter_id=shooter,
        goalie_id=goalie,
        net_state=hockey.NET_STATE_GUARDED if goalie else hockey.NET_STATE_EMPTY,
        **known,
    )
    return [
        pb.PlayRecord(
            score=pb.ScoreRecord(
                key=common.PlayKey(league="NHL", game_id="2023020001", play_id=str(play)),
                subject=common.Subject(role=role, subject_id=subject_id, team_id=team_id),
                model=common.ModelVersion(name="shots", version=1),
                revision=revision,
                outcome_revision=outcome_revision,
                shot_measure=pb.ShotMeasure(
                    goal_probability=chance,
                    result=hockey.ShotResult.ValueType(result),
                ),
                shot_attributes=attributes,
                distribution=distributions.Distribution(bernoulli=distributions.Bernoulli(probability=chance)),
            )
        )
        for role, subject_id, team_id in subjects
    ]


GAME = [
    *shot(1, 0.25, hockey.SHOT_RESULT_GOAL, zone=hockey.ICE_ZONE_NET_FRONT),
    *shot(2, 0.25, zone=hockey.ICE_ZONE_NET_FRONT),
    *shot(3, 0.05, hockey.SHOT_RESULT_MISSED, zone=hockey.ICE_ZONE_POINT),
    *shot(4, 0.1, team="MTL", shooter="suzuki", goalie="swayman", zone=hockey.ICE_ZONE_SLOT),
    *shot(5, 0.7, hockey.SHOT_RESULT_GOAL, goalie="", zone=hockey.ICE_ZONE_OUTSIDE),
]


async def test_everybody_is_rated_by_their_side_of_a_shot(client: AggregatorClient) -> None:
    written = await client.record_scores(GAME)
    assert (written.inserted, len(written.rejections)) == (14, 0)

    async def above(subject_id: str, role: common.Role.ValueType) -> tuple[int, float, str]:
        rating = (await client.get_rating("NHL", subject_id, role=role, at_least_as_fresh=written.revision)).rating
        return rating.plays, round(rating.shots.goals_above_expected, 6), rating.subject.team_id

    assert await above("pasta", SHOOTER) == (4, 0.75, "BOS")
    assert await above("BOS", TEAM) == (4, 0.75, "BOS")
    assert await above("price", GOALIE) == (3, -0.45, "MTL")  # none of an empty net
    assert await above("swayman", GOALIE) == (1, 0.1, "BOS")
    coverage = await client.get_coverage("NHL", role=TEAM)
    assert (coverage.plays, coverage.graded) == (5, 5)


async def test_the_better_goalie_is_the_one_who_saves_more(client: AggregatorClient) -> None:
    saves = [each for play in range(40) for each in shot(play, 0.2, goalie="price")]
    goals = [each for play in range(40, 80) for each in shot(play, 0.2, hockey.SHOT_RESULT_GOAL, goalie="theodore")]
    written = await client.record_scores([*saves, *goals])
    answer = await client.compare_ratings("NHL", "price", "theodore", role=GOALIE, at_least_as_fresh=written.revision)
    assert answer.difference.measure == "goals_above_expected_per_shot"
    assert answer.difference.probability_first_is_better > 0.9
    assert answer.first.shots.goals_above_expected > 0 > answer.second.shots.goals_above_expected


async def test_shooting_and_saves_by_zone_against_what_was_expected(client: AggregatorClient) -> None:
    written = await client.record_scores(GAME)
    fresh = written.revision
    by_zone = [
        (each.group[0].text, each.shots.shooting_percentage, round(each.shots.expected_shooting_percentage, 6))
        async for each in client.list_ratings(
            "NHL",
            role=TEAM,
            split="net_state = NET_STATE_GUARDED",
            group_by=["zone"],
            order_by="expected_goals desc",
            at_least_as_fresh=fresh,
        )
    ]
    assert by_zone == [
        ("ICE_ZONE_NET_FRONT", 0.5, 0.25),
        ("ICE_ZONE_SLOT", 0.0, 0.1),
        ("ICE_ZONE_POINT", 0.0, 0.0),
    ]
    saves = [
        (each.subject.subject_id, each.shots.save_percentage, round(each.shots.expected_save_percentage, 6))
        async for each in client.list_ratings("NHL", role=GOALIE, order_by="save_percentage desc")
    ]
    assert saves == [("swayman", 1.0, 0.9), ("price", 0.5, 0.725)]
    against = [
        (each.group[1].text, each.plays)
        async for each in client.list_ratings("NHL", role=SHOOTER, group_by=["subject_id", "goalie_id"])
        if each.subject.subject_id == "pasta"
    ]
    assert sorted(against) == [("", 1), ("price", 3)]


async def test_a_goalie_asks_for_games_at_home_as_they_see_them(client: AggregatorClient) -> None:
    written = await client.record_scores(GAME)
    for split, plays in (("home", 0), ("NOT home", 3), ("team_id = MTL", 3), ("opponent_id = BOS", 3)):
        answer = await client.get_rating("NHL", "price", role=GOALIE, split=split, at_least_as_fresh=written.revision)
        assert answer.rating.plays == plays


async def test_plays_come_back_as_they_were_recorded(client: AggregatorClient) -> None:
    written = await client.record_scores(GAME)
    for role in (SHOOTER, TEAM, GOALIE):
        listed = [
            each.record
            async for each in client.list_plays(
                "NHL", role=role, include_distributions=True, at_least_as_fresh=written.revision
            )
        ]
        assert listed == [each.score for each in GAME if each.score.subject.role == role]


async def test_a_goal_that_is_taken_back_moves_every_rating_of_the_shot(client: AggregatorClient) -> None:
    await client.record_scores(GAME)
    written = await client.record_scores(
        shot(1, 0.25, hockey.SHOT_RESULT_SAVED, outcome_revision=2, zone=hockey.ICE_ZONE_NET_FRONT)
    )
    assert written.replaced == 3
    for subject_id, role, above in (("pasta", SHOOTER, -0.25), ("BOS", TEAM, -0.25), ("price", GOALIE, 0.55)):
        answer = await client.get_rating("NHL", subject_id, role=role, at_least_as_fresh=written.revision)
        assert answer.rating.shots.goals_above_expected == pytest.approx(above)


async def test_a_net_that_was_empty_after_all_takes_the_shot_from_the_goalie(client: AggregatorClient) -> None:
    await client.record_scores(GAME)
    written = await client.record_scores(shot(1, 0.8, hockey.SHOT_RESULT_GOAL, goalie="", revision=2))
    assert not written.rejections
    answer = await client.get_rating("NHL", "price", role=GOALIE, at_least_as_fresh=written.revision)
    assert (answer.rating.plays, answer.rating.shots.goals) == (2, 0)


async def test_the_fields_of_each_role_are_described(client: AggregatorClient) -> None:
    fields = {field.name: field for field in await client.describe_splits(GOALIE)}
    assert fields["zone"].groupable
    assert "ICE_ZONE_NET_FRONT" in fields["zone"].values
    assert "is_taker" in {field.name for field in await client.describe_splits(TAKER)}


async def test_both_takers_are_rated(client: AggregatorClient) -> None:
    def draw(play: int, subject_id: str, chance: float, result: int) -> pb.PlayRecord:
        return pb.PlayRecord(
            score=pb.ScoreRecord(
                key=common.PlayKey(league="NHL", game_id="2023020001", play_id=f"f{play}"),
                subject=common.Subject(role=TAKER, subject_id=subject_id),
                model=common.ModelVersion(name="faceoffs", version=1),
                revision=1,
                faceoff_measure=pb.FaceoffMeasure(
                    win_probability=chance, result=hockey.FaceoffResult.ValueType(result)
                ),
                faceoff_attributes=hockey.FaceoffAttributes(zone=hockey.RINK_ZONE_OFFENSIVE),
            )
        )

    won, lost = hockey.FACEOFF_RESULT_WON, hockey.FACEOFF_RESULT_LOST
    written = await client.record_scores(
        [draw(1, "bergeron", 0.6, won), draw(1, "suzuki", 0.4, lost), draw(2, "bergeron", 0.5, won)]
    )
    ratings = [
        (each.subject.subject_id, round(each.faceoffs.wins_above_expected, 6), each.faceoffs.wins, each.rank)
        async for each in client.list_ratings("NHL", role=TAKER, min_plays=1, at_least_as_fresh=written.revision)
    ]
    assert ratings == [("bergeron", 0.9, 2, 1), ("suzuki", -0.4, 0, 2)]
