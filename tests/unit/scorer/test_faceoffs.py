"""A face-off's chance is the graph's logit; its grade says who won."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import Release, ReleasedTensor
from scorer.core.chance import StoredChance
from scorer.core.model import Model
from scorer.faceoffs.messages import FaceoffMessages
from scorer.faceoffs.task import Faceoffs, ScoredFaceoff
from scorer.onnx import OnnxInference
from tests.hockey import faceoff_to_score, release_faceoffs


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return release_faceoffs(tmp_path)


@pytest.mark.parametrize(
    ("result", "above"),
    [(hockey.FACEOFF_RESULT_WON, 1.0), (hockey.FACEOFF_RESULT_LOST, 0.0), (hockey.FACEOFF_RESULT_UNSPECIFIED, None)],
)
async def test_the_better_taker_has_the_better_chance(
    release: Release, tmp_path: Path, result: int, above: float | None
) -> None:
    inference = OnnxInference(tmp_path, [release])
    await inference.open()
    item = FaceoffMessages().item(faceoff_to_score(release, edge=0.2, result=result), release, "faceoff")
    [found] = await Model(release, Faceoffs(), inference).score([item], time.monotonic() + 60)
    await inference.close()
    assert isinstance(found, ScoredFaceoff)
    assert found.probability == pytest.approx(1 / (1 + math.exp(-0.2)))
    assert found.wins_above_expected == (None if above is None else above - found.probability)


def test_a_win_is_worth_what_was_missing_and_a_loss_costs_the_chance() -> None:
    assert Faceoffs().grade([StoredChance(0.25, True), StoredChance(0.25, False)]) == [0.75, -0.25]


def test_a_release_without_a_logit_is_refused_before_it_is_served(release: Release, tmp_path: Path) -> None:
    other = release.model_copy(update={"outputs": (ReleasedTensor(name="chance", shape=(1,)),)})
    with pytest.raises(PlayscoreError, match=r"cannot score face-offs.*chance") as refused:
        Model(other, Faceoffs(), OnnxInference(tmp_path, [other]))
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


def test_a_logit_that_is_no_number_is_no_chance(release: Release) -> None:
    item = FaceoffMessages().item(faceoff_to_score(release), release, "faceoff")
    logits = np.array([[0.0], [np.nan]], np.float32)
    good, strange = Faceoffs().scoring(release)({"logit": logits}, [item, item])
    assert isinstance(good, ScoredFaceoff)
    assert isinstance(strange, PlayscoreError)
    assert strange.reason is Reason.DISTRIBUTION_INVALID
