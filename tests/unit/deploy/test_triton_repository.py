"""Triton's model repository: both targets serve the same thing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from deploy.triton.repository import Device, Target, build_repository
from playscore.errors import PlayscoreError, Reason
from playscore.release import GRAPH, list_releases

RELEASES = Path(__file__).resolve().parents[3] / "models" / "releases"


def configuration(out: Path) -> str:
    return (out / "passing" / "config.pbtxt").read_text()


def test_the_scorer_cannot_tell_the_targets_apart(tmp_path: Path) -> None:
    python = configuration(build_repository(RELEASES, tmp_path / "python", Target.PYTHON))
    native = configuration(build_repository(RELEASES, tmp_path / "native", Target.ONNXRUNTIME))
    assert python.replace('backend: "python"', 'backend: "onnxruntime"') == native


def test_every_released_version_is_served_with_the_graph_that_was_released(tmp_path: Path) -> None:
    build_repository(RELEASES, tmp_path, Target.ONNXRUNTIME)
    versions = [release.version for release in list_releases(RELEASES, "passing")]
    assert f"versions: [ {', '.join(map(str, versions))} ]" in configuration(tmp_path)
    for version in versions:
        released = (RELEASES / "passing" / str(version) / GRAPH).read_bytes()
        assert (tmp_path / "passing" / str(version) / GRAPH).read_bytes() == released


def test_every_bucket_is_warmed_up_alone_and_full(tmp_path: Path) -> None:
    written = configuration(build_repository(RELEASES, tmp_path, Target.PYTHON))
    newest = list_releases(RELEASES, "passing")[-1]
    warmed = {(int(length), int(batch)) for length, batch in re.findall(r'name: "bucket (\d+), batch (\d+)"', written)}
    assert warmed == {(length, batch) for length in newest.bucket_lengths for batch in (1, newest.max_batch_size)}


def test_a_gpu_is_asked_for_by_name(tmp_path: Path) -> None:
    written = configuration(build_repository(RELEASES, tmp_path, Target.ONNXRUNTIME, Device.GPU, instances=2))
    assert "count: 2 kind: KIND_GPU" in written


def test_what_stood_there_before_is_gone(tmp_path: Path) -> None:
    (tmp_path / "passing" / "7").mkdir(parents=True)
    build_repository(RELEASES, tmp_path, Target.PYTHON)
    assert not (tmp_path / "passing" / "7").exists()


def test_a_folder_without_releases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError) as refused:
        build_repository(tmp_path, tmp_path / "out", Target.PYTHON)
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


def test_a_graph_that_is_not_the_released_one_is_refused(tmp_path: Path) -> None:
    shutil.copytree(RELEASES, tmp_path / "releases")
    graph = tmp_path / "releases" / "passing" / "1" / GRAPH
    graph.write_bytes(graph.read_bytes() + b"\0")
    with pytest.raises(PlayscoreError, match="is not the graph that was released"):
        build_repository(tmp_path / "releases", tmp_path / "out", Target.PYTHON)
