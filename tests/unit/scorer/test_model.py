"""A play's score does not depend on the plays that share its batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, Release, ReleasedTensor, load_release
from scorer.core.inference import Batch, Outputs
from scorer.core.model import Model
from scorer.onnx import OnnxInference
from scorer.passing.messages import PassMessages
from scorer.passing.task import Pass, Passing, ScoredPass
from tests.releases import pass_to_score

PassingModel = Model[Pass, ScoredPass]


@pytest.fixture
async def model(releases: Path, passing_release: Release) -> AsyncIterator[PassingModel]:
    inference = OnnxInference(releases, [passing_release])
    await inference.open()
    yield Model(passing_release, Passing(), inference)
    await inference.close()


def plays(release: Release, lengths: Sequence[int]) -> list[Pass]:
    return [
        PassMessages().item(pass_to_score(release, frames=length, yards=float(seed), seed=seed), release, "pass")
        for seed, length in enumerate(lengths)
    ]


def soon() -> float:
    return time.monotonic() + 60.0


def assert_same(one: ScoredPass | PlayscoreError, other: ScoredPass | PlayscoreError) -> None:
    assert isinstance(one, ScoredPass)
    assert isinstance(other, ScoredPass)
    np.testing.assert_allclose(one.distribution.probabilities, other.distribution.probabilities, atol=1e-5)
    assert one.assessment.play_score == pytest.approx(other.assessment.play_score, abs=1e-5)
    assert one.assessment.expected_yards == pytest.approx(other.assessment.expected_yards, abs=1e-3)


async def test_plays_of_all_buckets_are_scored_in_order_and_as_if_alone(
    model: PassingModel, passing_release: Release
) -> None:
    passes = plays(passing_release, [5, 100, 32, 33, 128, 64, 7, 65])
    together = await model.score(passes, soon())
    for play, scored in zip(passes, together, strict=True):
        assert_same(scored, (await model.score([play], soon()))[0])


async def test_a_release_says_whether_the_goal_line_cuts_its_distributions(
    releases: Path, passing_release: Release
) -> None:
    before = load_release(releases / "passing" / "2")
    assert (before.ceiling, passing_release.ceiling) == (None, "goal_line")
    inference = OnnxInference(releases, [before, passing_release])
    await inference.open()
    near = pass_to_score(passing_release, yards=3.0, yards_to_end_zone=3.0)
    unknown = pass_to_score(passing_release, yards=3.0, yards_to_end_zone=None)
    ceilings = {}
    for release in (before, passing_release):
        passes = [PassMessages().item(play, release, "pass") for play in (near, unknown)]
        scored = await Model(release, Passing(), inference).score(passes, soon())
        ceilings[release.version] = [each.distribution.ceiling_yards for each in scored if isinstance(each, ScoredPass)]
    await inference.close()
    assert ceilings == {2: [None, None], passing_release.version: [3.0, None]}


async def test_callers_that_share_a_batch_get_their_own_scores(model: PassingModel, passing_release: Release) -> None:
    passes = plays(passing_release, [20] * 100)
    alone = await model.score(passes, soon())
    met = await asyncio.gather(*(model.score([play], soon()) for play in passes))
    for one, [other] in zip(alone, met, strict=True):
        assert_same(one, other)


class Faltering(OnnxInference):
    """A model that gives NaN for plays whose first static number is 1,000."""

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        outputs = await super().infer(model, batch, deadline)
        outputs["logits"][batch.statics[:, 0] == 1000.0] = np.nan
        return outputs


async def test_a_play_without_a_distribution_does_not_affect_the_others(
    releases: Path, passing_release: Release
) -> None:
    inference = Faltering(releases, [passing_release])
    await inference.open()
    model = Model(passing_release, Passing(), inference)
    passes = plays(passing_release, [20, 20, 20])
    alone = await model.score(passes, soon())
    statics = passes[1].tensor.statics.copy()
    statics[0] = 1000.0
    strange = replace(passes[1], tensor=replace(passes[1].tensor, statics=statics))
    scored = await model.score([passes[0], strange, passes[2]], soon())
    assert_same(scored[0], alone[0])
    assert_same(scored[2], alone[2])
    assert isinstance(scored[1], PlayscoreError)
    assert scored[1].reason is Reason.DISTRIBUTION_INVALID
    await inference.close()


async def test_no_plays_no_scores(model: PassingModel) -> None:
    assert await model.score([], soon()) == []


class Mislabeled(OnnxInference):
    """A graph that answers other tensors than the release says."""

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        outputs = dict(await super().infer(model, batch, deadline))
        return {"logits": outputs["logits"], "heads": outputs["tails"]}


async def test_a_graph_that_answers_other_outputs_than_released_is_not_the_callers_fault(
    releases: Path, passing_release: Release
) -> None:
    inference = Mislabeled(releases, [passing_release])
    await inference.open()
    model = Model(passing_release, Passing(), inference)
    with pytest.raises(PlayscoreError, match=r"answers tails with shape None") as refused:
        await model.score(plays(passing_release, [20]), soon())
    assert refused.value.reason is Reason.INFERENCE_UNAVAILABLE
    await inference.close()


@pytest.mark.parametrize(
    "change",
    [
        {"support": None},
        {"outputs": (ReleasedTensor(name="logits", shape=(120,)),)},
        {"outputs": (ReleasedTensor(name="logits", shape=(12,)), ReleasedTensor(name="tails", shape=(4,)))},
    ],
)
def test_a_release_that_cannot_score_passes_is_refused_before_it_is_served(
    passing_release: Release, releases: Path, change: dict[str, object]
) -> None:
    other = passing_release.model_copy(update=change)
    with pytest.raises(PlayscoreError, match="cannot score passes") as refused:
        Model(other, Passing(), OnnxInference(releases, [other]))
    assert refused.value.reason is Reason.MODEL_NOT_FOUND
