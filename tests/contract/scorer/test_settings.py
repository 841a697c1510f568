"""What the scorer serves follows from its settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.release import DESCRIPTION, Release
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc
from scorer.__main__ import ScorerSettings, build
from servicekit import serving
from tests.releases import pass_to_score

SECONDS = 30.0


def settings(**changes: Any) -> ScorerSettings:
    return ScorerSettings(listen="127.0.0.1:0", metrics_listen="127.0.0.1:0", inference="onnxruntime", **changes)


async def served(chosen: ScorerSettings, release: Release) -> tuple[list[tuple[str, int, bool]], int]:
    """The models listed (name, version, is the default) and the version that scores when a request names none."""
    async with (
        serving(build(chosen), chosen) as running,
        grpc.aio.insecure_channel(str(running.address)) as channel,
    ):
        await running.until_serving()
        stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)
        listed = await stub.ListModels(scorer_pb2.ListModelsRequest(), timeout=SECONDS)
        request = scorer_pb2.ScorePassesRequest(passes=[pass_to_score(release)])
        [scored] = (await stub.ScorePasses(request, timeout=SECONDS)).scores
    models = [(each.model.name, each.model.version, each.is_default) for each in listed.models]
    return models, scored.model.version


async def test_the_releases_that_come_with_playscore_are_served_and_the_newest_is_the_default(
    passing_release: Release,
) -> None:
    models, scored_by = await served(settings(), passing_release)
    assert [each for each in models if each[0] == "passing"][-1] == ("passing", passing_release.version, True)
    assert [name for name, _, is_default in models if is_default] == ["faceoffs", "passing", "shots"]
    assert scored_by == passing_release.version


async def test_another_default_may_be_chosen(passing_release: Release) -> None:
    models, scored_by = await served(settings(default_models="passing:1"), passing_release)
    assert [version for name, version, is_default in models if is_default and name == "passing"] == [1]
    assert scored_by == 1


async def test_releases_of_other_tasks_are_left_out(releases: Path, passing_release: Release, tmp_path: Path) -> None:
    shutil.copytree(releases / "passing", tmp_path / "passing")
    shutil.copytree(releases / "passing" / str(passing_release.version), tmp_path / "sums" / "1")
    described = json.loads(passing_release.to_json()) | {"model": "sums", "version": 1, "task": "sums"}
    (tmp_path / "sums" / "1" / DESCRIPTION).write_text(json.dumps(described))
    models, _ = await served(settings(releases=tmp_path), passing_release)
    assert {name for name, _, _ in models} == {"passing"}


def test_a_default_model_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PlayscoreError, match="passing:99 cannot be the default") as refused:
        build(settings(default_models="passing:99"))
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


def test_a_folder_without_releases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match="no release of faceoffs, passing, shots") as refused:
        build(settings(releases=tmp_path))
    assert refused.value.reason is Reason.MODEL_NOT_FOUND
