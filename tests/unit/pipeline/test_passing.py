"""The passing task, over a real scorer and a real aggregator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from aggregator.__main__ import AggregatorSettings
from aggregator.__main__ import build as build_aggregator
from pipeline.passing import Passing
from pipeline.task import Scored
from playscore.client import AggregatorClient, ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1.common_pb2 import RevisionToken
from playscore.errors import Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.release import Release
from playscore.tracking.v1.tracking_pb2 import FrameBatch
from scorer.__main__ import ScorerSettings
from scorer.__main__ import build as build_scorer
from servicekit import ServiceSettings, serving
from tests.releases import pass_to_score, passing_release, releases

__all__ = ["passing_release", "releases"]


@dataclass
class Services:
    passing: Passing
    ratings: AggregatorClient
    release: Release
    revision: RevisionToken | None = None
    """After the last record."""

    def tensor(self, play_id: str, game_id: str = "1", seed: int = 0) -> featurizer.PlayTensor:
        tensor = pass_to_score(self.release, play_id, seed=seed).tensor
        tensor.key.game_id = game_id
        return tensor

    async def record(self, scored: Scored) -> None:
        answer = await self.ratings.record_scores(scored.records, scored.supports)
        assert not answer.rejections
        self.revision = answer.revision


@pytest.fixture
async def services(releases: Path, passing_release: Release, tmp_path: Path) -> AsyncIterator[Services]:
    scoring = ScorerSettings(releases=releases, inference="onnxruntime")
    rating = AggregatorSettings(releases=releases, store=f"sqlite:///{tmp_path / 'scores.db'}")
    async with (
        serving(build_scorer(scoring), ServiceSettings()) as scorer,
        serving(build_aggregator(rating), ServiceSettings()) as aggregator,
        ScorerClient(str(scorer.address)) as scorer_client,
        AggregatorClient(str(aggregator.address)) as ratings,
    ):
        await scorer.until_serving()
        await aggregator.until_serving()
        yield Services(Passing(scorer_client, ratings), ratings, passing_release)


def result(
    yards: float | None, revision: int = 1, how: football.PassResult.ValueType = football.PASS_RESULT_COMPLETE
) -> feed.OfficialResult:
    outcome = football.PassOutcome(yards_gained=yards, outcome_revision=revision, result=how)
    return feed.OfficialResult(pass_outcome=outcome)


def sack() -> feed.OfficialResult:
    return result(-7.0, how=football.PASS_RESULT_SACK)


def scored(answer: Scored | common.Rejection) -> Scored:
    assert isinstance(answer, Scored), answer
    return answer


def rejected(answer: Scored | common.Rejection) -> common.Rejection:
    assert isinstance(answer, common.Rejection)
    return answer


def play_of(answer: Scored | common.Rejection) -> str:
    key = answer.key if isinstance(answer, common.Rejection) else answer.records[0].score.key
    return str(key.play_id)


def test_it_owns_tensors_of_passes(passing_release: Release) -> None:
    passing = Passing(None, None)  # type: ignore[arg-type]  # it asks nobody
    assert passing.owns(pass_to_score(passing_release).tensor)
    assert not passing.owns(featurizer.PlayTensor())


@pytest.mark.parametrize(
    ("event", "closes"),
    [
        ({"name": "pass_forward"}, True),
        ({"name": "autoevent_passforward"}, True),
        ({"name": "Wurf", "kind": 2}, True),
        ({"name": "ball_snap"}, False),
        ({"name": "pass_forward", "kind": 1}, False),
    ],
)
def test_a_play_may_close_with_its_release(event: dict[str, object], closes: bool) -> None:
    passing = Passing(None, None)  # type: ignore[arg-type]
    other = {"frame_number": 1, "name": "man_in_motion"}
    assert passing.closes(FrameBatch(events=[other, event])) is closes  # type: ignore[list-item]
    assert not passing.closes(FrameBatch())


async def test_every_play_is_answered_in_order_whether_it_is_scored_or_not(services: Services) -> None:
    torn = services.tensor("torn")
    torn.frames = np.full(len(torn.frames) // 4, np.nan, "<f4").tobytes()
    answers = await services.passing.score(
        [
            (torn, result(3.0)),
            (services.tensor("graded"), result(9.0)),
            (services.tensor("sack"), sack()),
            (services.tensor("ungraded", seed=1), None),
            (services.tensor("torn too"), result(500.0)),
        ]
    )
    assert list(map(play_of, answers)) == ["torn", "graded", "sack", "ungraded", "torn too"]
    assert rejected(answers[0]).reason == Reason.TENSOR_NOT_FINITE.value
    assert scored(answers[1]).outcome_revision == 1
    assert rejected(answers[2]).reason == Reason.NO_RELEASE.value
    assert scored(answers[3]).outcome_revision is None
    assert rejected(answers[4]).reason == Reason.YARDS_OUT_OF_RANGE.value


async def test_a_record_is_what_was_scored_and_of_whom(services: Services) -> None:
    tensor = services.tensor("54")
    (answer,) = await services.passing.score([(tensor, result(9.0, revision=2))])
    made = scored(answer)
    (record,) = (record.score for record in made.records)
    assert record.key == tensor.key
    assert (record.subject,) == tuple(tensor.subjects) == made.subjects
    assert (record.model.name, record.model.version) == (services.release.model, services.release.version)
    assert (record.revision, record.outcome_revision) == (1, 2)
    assert record.pass_attributes == tensor.pass_attributes
    assert record.pass_measure.yards_gained == 9.0
    assert record.pass_measure.play_score == made.score.grade.play_score
    assert record.pass_measure.expected_yards == made.score.expected_yards
    assert [support.support_id for support in made.supports] == [record.distribution.spliced_binned_pareto.support_id]


async def test_a_play_graded_later_is_the_same_as_one_graded_at_once(services: Services) -> None:
    tensors = [services.tensor(str(seed), seed=seed) for seed in range(3)]
    at_once = await services.passing.score([(tensor, result(4.0, revision=2)) for tensor in tensors])
    waiting = await services.passing.score([(tensor, None) for tensor in tensors])
    official = [result(4.0, revision=2), sack(), result(4.0, revision=2)]
    graded = await services.passing.grade(list(zip(map(scored, waiting), official, strict=True)))
    assert list(map(play_of, graded)) == ["0", "1", "2"]
    assert rejected(graded[1]).reason == Reason.NO_RELEASE.value
    for place in (0, 2):
        mine, theirs = scored(graded[place]), scored(at_once[place])
        assert mine.outcome_revision == theirs.outcome_revision == 2
        assert mine.records[0].score.pass_measure.play_score == pytest.approx(
            theirs.records[0].score.pass_measure.play_score, abs=1e-5
        )
        assert mine.score.grade.yards_gained == 4.0


async def test_nothing_is_stored_of_a_play_that_nobody_recorded(services: Services) -> None:
    key = services.tensor("54").key
    assert await services.passing.stored(key) is None
    (other,) = await services.passing.score([(services.tensor("55"), result(9.0))])
    await services.record(scored(other))
    assert await services.passing.stored(key) is None
    key.game_id = "another"
    assert await services.passing.stored(key) is None


@pytest.mark.parametrize("name", ["54", 'a "quoted" play', "back\\slash", "AND play_id = 55", "ü"])
async def test_a_stored_play_is_found_by_whatever_name_it_has(services: Services, name: str) -> None:
    tensors = [services.tensor(name, game_id=name), services.tensor("55", game_id=name), services.tensor(name)]
    for answer in await services.passing.score([(tensor, result(9.0)) for tensor in tensors]):
        await services.record(scored(answer))
    stored = await services.passing.stored(tensors[0].key)
    assert stored is not None
    assert stored.scored.records[0].score.key == tensors[0].key


@pytest.mark.parametrize("known", [None, result(9.0, revision=1)])
async def test_a_stored_play_is_graded_as_one_at_hand(services: Services, known: feed.OfficialResult | None) -> None:
    tensor = services.tensor("54")
    (answer,) = await services.passing.score([(tensor, known)])
    at_hand = scored(answer)
    await services.record(at_hand)
    stored = await services.passing.stored(tensor.key)
    assert stored is not None
    assert (stored.revision, stored.scored.outcome_revision) == (1, at_hand.outcome_revision)
    assert (stored.result is None) == (known is None)
    if stored.result is not None:
        assert stored.result.pass_outcome.yards_gained == 9.0
        assert stored.result.pass_outcome.outcome_revision == 1
    (from_store,) = await services.passing.grade([(stored.scored, result(12.0, revision=2))])
    (from_hand,) = await services.passing.grade([(at_hand, result(12.0, revision=2))])
    mine, theirs = scored(from_store).records[0].score, scored(from_hand).records[0].score
    assert mine.outcome_revision == theirs.outcome_revision == 2
    for field in ("play_score", "yards_gained", "expected_yards"):
        assert getattr(mine.pass_measure, field) == pytest.approx(getattr(theirs.pass_measure, field), abs=1e-9)
    assert mine.distribution == theirs.distribution
