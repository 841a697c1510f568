"""`playscore models`, against a real aggregator."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from aggregator.__main__ import AggregatorSettings, build
from aggregator.commands import models
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.football.v1 import football_pb2 as football
from playscore.shipped import RELEASES
from servicekit import ServiceSettings, serving

PLAYS = 20
PLAY_SCORES = {2: {"101": 0.7, "102": 0.5, "103": 0.3}, 3: {"101": 0.7, "102": 0.3, "103": 0.4}}
"""By version of the model and passer."""


def records(version: int) -> Iterator[messages.PlayRecord]:
    for passer, play_score in PLAY_SCORES[version].items():
        for play in range(PLAYS):
            yield messages.PlayRecord(
                score=messages.ScoreRecord(
                    key=common.PlayKey(league="NFL", game_id="1", play_id=f"{passer}{play}"),
                    subject=common.Subject(
                        role=common.ROLE_PASSER, subject_id=passer, subject_name=f"P. {passer}", team_id="H"
                    ),
                    model=common.ModelVersion(name="passing", version=version),
                    revision=1,
                    pass_measure=messages.PassMeasure(play_score=play_score, yards_gained=7, expected_yards=6),
                    pass_attributes=football.PassAttributes(season=2021),
                )
            )


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """An aggregator whose default is passing:3, with plays of one game by two models."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # not among what the command says
    settings = AggregatorSettings(
        releases=RELEASES, store=f"sqlite:///{tmp_path / 'scores.db'}", default_models="passing:3"
    )
    async with (
        serving(build(settings), ServiceSettings()) as running,
        AggregatorClient(str(running.address)) as client,
    ):
        await running.until_serving()
        for version in PLAY_SCORES:
            answer = await client.record_scores(records(version))
            assert answer.inserted == PLAYS * 3
        await client.get_coverage("NFL", at_least_as_fresh=answer.revision)
        yield str(running.address)


async def invoke(address: str, *arguments: str) -> Result:
    """Runs the command beside the service's event loop. Raises what the domain refuses, as the command line does."""
    runner = CliRunner()
    result = await asyncio.to_thread(runner.invoke, models, [*arguments, "--aggregator", address])
    if isinstance(result.exception, PlayscoreError):
        raise result.exception
    return result


async def last(client: AggregatorClient) -> common.RevisionToken:
    """The state after what was done last."""
    return (await client.list_operations().first_page()).operations[0].revision


async def test_two_models_are_compared_by_whom_both_rate(address: str) -> None:
    arguments = ("compare", "passing:2", "passing:3", "--league", "NFL", "--min-plays", "5")
    result = await invoke(address, *arguments, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert [(model["model"], model["graded"]) for model in document["models"]] == [
        ({"name": "passing", "version": 2}, 60),
        ({"name": "passing", "version": 3}, 60),
    ]
    assert document["measure"] == "rating"
    assert document["rank_correlation"] == pytest.approx(0.5)
    moved = {each["subject_id"]: each for each in document["moved"]}
    assert next(iter(moved)) == "102"
    assert moved["102"]["ranks"] == [2, 3]
    assert moved["102"]["difference"] == moved["102"]["values"][1] - moved["102"]["values"][0] < 0
    assert moved["101"]["difference"] == pytest.approx(0.0, abs=1.0)

    shown = await invoke(address, *arguments)
    assert "3 qualify by both; compared by rating." in shown.output
    assert "rank correlation    0.500" in shown.output
    assert "graded different numbers of plays" not in shown.output
    assert shown.output.index("P. 102") < shown.output.index("P. 103") < shown.output.index("P. 101")


async def test_models_that_graded_different_numbers_of_plays_are_compared_with_a_caveat(address: str) -> None:
    result = await invoke(address, "compare", "passing:1", "passing:3", "--league", "NFL")
    assert "The models graded different numbers of plays" in result.output
    assert "No subject qualifies by both; --min-plays lowers the bar." in result.output


async def test_a_model_that_is_not_released_is_refused_by_name(address: str) -> None:
    with pytest.raises(PlayscoreError, match="passing:99") as refused:
        await invoke(address, "compare", "passing:99", "passing:3", "--league", "NFL")
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


async def test_what_is_no_model_is_a_wrong_usage(address: str) -> None:
    result = await invoke(address, "compare", "passing", "passing:3", "--league", "NFL")
    assert result.exit_code == 2
    assert '"passing" is not name:version; for example passing:2' in result.output


async def test_the_models_of_a_league_are_listed_with_what_they_have_scored(address: str) -> None:
    result = await invoke(address, "list", "--league", "NFL", "--json")
    assert json.loads(result.output) == {
        "league": "NFL",
        "role": "passer",
        "models": [
            {
                "model": {"name": "passing", "version": version},
                "graded": graded,
                "ungraded": 0,
                "is_default": version == 3,
            }
            for version, graded in ((1, 0), (2, 60), (3, 60))
        ],
    }
    shown = await invoke(address, "list", "--league", "NFL")
    assert [line.split() for line in shown.output.splitlines()][-1] == ["passing:3", "60", "0", "current"]


async def test_a_league_is_switched_to_another_model_at_once_and_back(address: str) -> None:
    async with AggregatorClient(address) as client:
        before = await client.get_rating("NFL", "102", min_plays=5)
        result = await invoke(address, "switch", "passing:2", "--league", "NFL", "--task", "passing")
        assert result.output.splitlines() == [
            "NFL: passing is now rated by passing:2, before by passing:3",
            "To undo: playscore models switch passing:3 --league NFL --task passing --expect passing:2",
        ]
        switched = await client.get_rating("NFL", "102", min_plays=5, at_least_as_fresh=await last(client))
        assert switched.ranking.model.version == 2
        assert switched.rating.passing.rating > before.rating.passing.rating
        await invoke(address, *result.output.splitlines()[1].split()[4:])
        back = await client.get_rating("NFL", "102", min_plays=5, at_least_as_fresh=await last(client))
        assert back.rating == before.rating


async def test_a_league_is_not_switched_to_a_model_that_has_graded_none_of_it(address: str) -> None:
    switch = ("switch", "passing:1", "--league", "NFL", "--task", "passing")
    refused = await invoke(address, *switch)
    assert refused.exit_code == 1
    assert "passing:1 has graded none of the 60 plays of NFL, so nobody would be rated" in refused.output
    listed = await invoke(address, "list", "--league", "NFL")
    assert [line.split()[-1] for line in listed.output.splitlines() if "passing:3" in line] == ["current"]
    assert (await invoke(address, *switch, "--force")).exit_code == 0


async def test_a_model_of_another_task_is_refused_as_such(address: str) -> None:
    with pytest.raises(PlayscoreError, match="shots:1 is not a released model of passer; released: passing:1"):
        await invoke(address, "switch", "shots:1", "--league", "NFL", "--task", "passing")


async def test_two_operators_do_not_undo_each_other(address: str) -> None:
    switch = ("switch", "passing:2", "--league", "NFL", "--task", "passing", "--expect", "passing:3")
    assert (await invoke(address, *switch)).exit_code == 0
    with pytest.raises(PlayscoreError) as refused:
        await invoke(address, *switch)
    assert refused.value.reason is Reason.MODEL_CHANGED
