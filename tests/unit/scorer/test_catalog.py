"""Several tasks are served at once, and a request gets the model that it means."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, Release, ReleasedTensor
from scorer.core.catalog import Catalog
from scorer.core.inference import Batch, Inference, Outputs
from scorer.core.model import Model
from scorer.core.task import Scoring
from scorer.core.tensors import Tensor
from scorer.passing.task import Passing


@dataclass(frozen=True)
class Play:
    """All that the task of sums knows of a play."""

    tensor: Tensor


class Sums:
    """A task whose model answers one number a play, which is the score."""

    name = "sums"

    def scoring(self, release: Release) -> Scoring[Play, float]:
        return lambda outputs, plays: [float(value) for [value] in outputs["sum"]]

    def grade(self, stored: Sequence[float]) -> list[float | PlayscoreError]:
        return list(stored)


class Adding:
    """Inference that answers every model with the sum of all frames, and keeps what it was asked."""

    def __init__(self) -> None:
        self.batches: list[tuple[ModelVersion, int]] = []

    async def open(self) -> None: ...

    async def ready(self, model: ModelVersion) -> bool:
        return True

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        self.batches.append((model, len(batch)))
        return {"sum": batch.frames.sum(axis=(1, 2))[:, None]}

    async def close(self) -> None: ...


def passing(release: Release, version: int, name: str = "passing") -> Model[Any, Any]:
    return Model(release.model_copy(update={"model": name, "version": version}), Passing(), Adding())


def sums(release: Release, version: int, inference: Inference | None = None, name: str = "sums") -> Model[Any, Any]:
    outputs = (ReleasedTensor(name="sum", shape=(1,)),)
    update = {"model": name, "version": version, "task": "sums", "outputs": outputs, "support": None}
    return Model(release.model_copy(update=update), Sums(), inference or Adding())


def test_models_are_listed_by_name_and_version(passing_release: Release) -> None:
    models = [sums(passing_release, 1), passing(passing_release, 10), passing(passing_release, 9)]
    assert [str(model.release.key) for model in Catalog(models)] == [
        "passing:9",
        "passing:10",
        "sums:1",
    ]


def test_the_default_of_a_task_is_its_newest_model_unless_another_is_set(passing_release: Release) -> None:
    models = [
        passing(passing_release, 1),
        passing(passing_release, 2),
        passing(passing_release, 7, name="trial"),
        sums(passing_release, 3),
    ]
    unset = Catalog(models)
    assert unset.find("passing", None).release.key == ModelVersion("passing", 2)
    assert unset.find("sums", None).release.key == ModelVersion("sums", 3)
    for chosen in (ModelVersion("passing", 1), ModelVersion("trial", 7)):
        catalog = Catalog(models, [chosen])
        assert catalog.find("passing", None).release.key == chosen
        assert catalog.find("sums", None).release.key == ModelVersion("sums", 3)


def test_a_default_that_is_not_served_is_refused(passing_release: Release) -> None:
    with pytest.raises(PlayscoreError, match=r"passing:9 .* served: passing:1") as refused:
        Catalog([passing(passing_release, 1)], [ModelVersion("passing", 9)])
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


@pytest.mark.parametrize("wanted", [ModelVersion("passing", 9), ModelVersion("passes", 1), ModelVersion("sums", 1)])
def test_a_model_of_another_name_version_or_task_is_not_found(passing_release: Release, wanted: ModelVersion) -> None:
    catalog = Catalog([passing(passing_release, 1), sums(passing_release, 1)])
    with pytest.raises(PlayscoreError, match=f"{wanted} is not served; served: passing:1$") as refused:
        catalog.find("passing", wanted)
    assert refused.value.reason is Reason.MODEL_NOT_FOUND
    assert [violation.field for violation in refused.value.fields] == ["model"]


def test_a_task_without_a_model_is_not_found(passing_release: Release) -> None:
    with pytest.raises(PlayscoreError) as refused:
        Catalog([sums(passing_release, 1)]).find("passing", None)
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


def test_supports_of_all_models_are_known_by_their_identifiers(passing_release: Release) -> None:
    support = passing_release.support
    assert support is not None
    assert Catalog([passing(passing_release, 1), sums(passing_release, 1)]).supports == {support.id: support}


async def test_models_of_the_same_version_do_not_share_batches(passing_release: Release) -> None:
    adding = Adding()
    one, other = sums(passing_release, 1, adding), sums(passing_release, 1, adding, name="others")
    plays = [Play(Tensor(np.full((3, 2), value, np.float32), np.zeros(1, np.float32))) for value in (1.0, 2.0)]
    deadline = time.monotonic() + 60.0
    assert await one.score(plays, deadline) == [6.0, 12.0]
    assert await other.score(plays[:1], deadline) == [6.0]
    assert adding.batches == [(ModelVersion("sums", 1), 2), (ModelVersion("others", 1), 1)]
