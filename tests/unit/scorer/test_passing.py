"""Plays are scored each by itself, whoever travels with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.release import Release
from scorer.core.inference import Batch, Outputs
from scorer.core.passing import Pass, PassingModel, ScoredPass
from scorer.messages import pass_from_message
from scorer.onnx import OnnxInference
from tests.releases import pass_to_score


@pytest.fixture
async def model(releases: Path, passing_release: Release) -> AsyncIterator[PassingModel]:
    inference = OnnxInference(releases, [passing_release])
    await inference.open()
    yield PassingModel(passing_release, inference)
    await inference.close()


def plays(release: Release, lengths: Sequence[int]) -> list[Pass]:
    return [
        pass_from_message(pass_to_score(release, frames=length, yards=float(seed), seed=seed), release)
        for seed, length in enumerate(lengths)
    ]


def soon() -> float:
    return time.monotonic() + 60.0


def assert_same(one: ScoredPass | PlayscoreError, other: ScoredPass | PlayscoreError) -> None:
    assert isinstance(one, ScoredPass)
    assert isinstance(other, ScoredPass)
    np.testing.assert_allclose(one.law.probabilities, other.law.probabilities, atol=1e-5)
    assert one.grade.play_score == pytest.approx(other.grade.play_score, abs=1e-5)
    assert one.grade.expected_yards == pytest.approx(other.grade.expected_yards, abs=1e-3)


async def test_plays_of_all_buckets_in_one_call_are_scored_as_alone_and_in_order(
    model: PassingModel, passing_release: Release
) -> None:
    passes = plays(passing_release, [5, 100, 32, 33, 128, 64, 7, 65])
    together = await model.score(passes, soon())
    for play, scored in zip(passes, together, strict=True):
        assert_same(scored, (await model.score([play], soon()))[0])


async def test_callers_that_meet_get_each_their_own(model: PassingModel, passing_release: Release) -> None:
    passes = plays(passing_release, [20] * 100)
    alone = await model.score(passes, soon())
    met = await asyncio.gather(*(model.score([play], soon()) for play in passes))
    for one, [other] in zip(alone, met, strict=True):
        assert_same(one, other)


class Faltering(OnnxInference):
    """A model that gives NaN for plays whose first static number is 1,000."""

    async def infer(self, version: int, batch: Batch, deadline: float) -> Outputs:
        outputs = await super().infer(version, batch, deadline)
        outputs.logits[batch.statics[:, 0] == 1000.0] = np.nan
        return outputs


async def test_a_play_the_model_has_no_law_for_leaves_its_neighbours_alone(
    releases: Path, passing_release: Release
) -> None:
    inference = Faltering(releases, [passing_release])
    await inference.open()
    model = PassingModel(passing_release, inference)
    passes = plays(passing_release, [20, 20, 20])
    alone = await model.score(passes, soon())
    statics = passes[1].statics.copy()
    statics[0] = 1000.0
    scored = await model.score([passes[0], replace(passes[1], statics=statics), passes[2]], soon())
    assert_same(scored[0], alone[0])
    assert_same(scored[2], alone[2])
    assert isinstance(scored[1], PlayscoreError)
    assert scored[1].reason is Reason.LAW_INVALID
    await inference.close()


async def test_no_plays_no_scores(model: PassingModel) -> None:
    assert await model.score([], soon()) == []
