"""Triton's model repository: both targets serve the same thing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.triton.repository import Device, Target, build_repository
from playscore.errors import PlayscoreError, Reason
from playscore.release import DESCRIPTION, GRAPH, ModelVersion, ReleasedTensor, list_releases, load_release
from playscore.shipped import RELEASES
from tests.hockey import release_faceoffs, release_shots


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


def test_the_outputs_are_those_that_the_release_names(tmp_path: Path) -> None:
    outputs = (ReleasedTensor(name="chance", shape=(1,)), ReleasedTensor(name="factors", shape=(-1, 3)))
    written = configuration(build_repository(released(tmp_path, {1: outputs}), tmp_path / "out", Target.PYTHON))
    assert re.findall(r"\{ name: .* dims: .* \}", written)[3:] == [
        '{ name: "chance" data_type: TYPE_FP32 dims: [ 1 ] }',
        '{ name: "factors" data_type: TYPE_FP32 dims: [ -1, 3 ] }',
    ]


def test_versions_that_answer_different_outputs_are_refused(tmp_path: Path) -> None:
    one, other = ((ReleasedTensor(name=name, shape=(1,)),) for name in ("chance", "odds"))
    with pytest.raises(PlayscoreError, match=r"outputs chance \[1\]; passing:2 has .* outputs odds \[1\]"):
        build_repository(released(tmp_path, {1: one, 2: other}), tmp_path / "out", Target.PYTHON)


def test_an_output_that_is_a_bare_number_is_refused(tmp_path: Path) -> None:
    bare = (ReleasedTensor(name="chance", shape=()),)
    with pytest.raises(PlayscoreError, match="passing:1: Triton cannot serve output chance"):
        build_repository(released(tmp_path, {1: bare}), tmp_path / "out", Target.PYTHON)


def released(folder: Path, outputs: Mapping[int, tuple[ReleasedTensor, ...]]) -> Path:
    """Releases of the passing model that answer other outputs, by version."""
    for version, tensors in outputs.items():
        there = folder / "releases" / "passing" / str(version)
        shutil.copytree(RELEASES / "passing" / "1", there)
        release = load_release(there).model_copy(update={"version": version, "outputs": tensors})
        (there / DESCRIPTION).write_text(release.to_json())
    return folder / "releases"


def test_a_gpu_is_asked_for_by_name(tmp_path: Path) -> None:
    written = configuration(build_repository(RELEASES, tmp_path, Target.ONNXRUNTIME, Device.GPU, instances=2))
    assert "count: 2 kind: KIND_GPU" in written


def test_on_a_gpu_batches_have_few_sizes_and_every_size_is_warmed_up(tmp_path: Path) -> None:
    written = configuration(build_repository(RELEASES, tmp_path, Target.PYTHON, Device.GPU))
    sizes = re.search(r'key: "batch_sizes" value: \{ string_value: "([\d,]+)" \}', written)
    assert sizes is not None
    warmed = {
        length: sorted(
            int(batch) for each, batch in re.findall(r'name: "bucket (\d+), batch (\d+)"', written) if each == length
        )
        for length in map(str, list_releases(RELEASES, "passing")[-1].bucket_lengths)
    }
    assert set(map(tuple, warmed.values())) == {tuple(map(int, sizes[1].split(",")))}


def test_the_onnxruntime_backend_does_not_search_through_all_algorithms_for_every_size(tmp_path: Path) -> None:
    written = configuration(build_repository(RELEASES, tmp_path, Target.ONNXRUNTIME, Device.GPU))
    assert 'key: "cudnn_conv_algo_search" value: { string_value: "1" }' in written
    assert "cudnn" not in configuration(build_repository(RELEASES, tmp_path, Target.ONNXRUNTIME))


def test_what_was_there_before_is_gone(tmp_path: Path) -> None:
    (tmp_path / "passing" / "7").mkdir(parents=True)
    build_repository(RELEASES, tmp_path, Target.PYTHON)
    assert not (tmp_path / "passing" / "7").exists()


def test_versions_that_nobody_asks_for_are_left_out(tmp_path: Path) -> None:
    build_repository(RELEASES, tmp_path, Target.PYTHON, without=[ModelVersion("passing", 1)])
    versions = [release.version for release in list_releases(RELEASES, "passing") if release.version != 1]
    assert sorted(int(each.name) for each in (tmp_path / "passing").glob("[0-9]*")) == versions
    assert f"versions: [ {', '.join(map(str, versions))} ]" in configuration(tmp_path)


def test_a_version_that_was_never_released_cannot_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match="cannot leave out passing:77") as refused:
        build_repository(RELEASES, tmp_path / "out", Target.PYTHON, without=[ModelVersion("passing", 77)])
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


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


@pytest.mark.parametrize("target", Target)
def test_a_model_of_statics_alone_takes_nothing_else(tmp_path: Path, target: Target) -> None:
    root = tmp_path / "releases"
    shots = release_shots(root)
    release_faceoffs(root)
    out = build_repository(root, tmp_path / "out", target)
    written = (out / "shots" / "config.pbtxt").read_text()
    statics, factors = len(shots.features.static_columns), len(shots.factors)
    assert re.findall(r"\{ name: (.*) data_type: TYPE_FP32 dims: \[ (.*) \] \}", written) == [
        ('"static"', f"{statics}"),
        ('"contributions"', f"{factors}"),
    ]
    assert (
        re.findall(r'key: "(\w+)" value: \{ data_type: TYPE_FP32 dims: \[ (.*) \]', written)
        == [("static", f"{statics}")] * 2
    )
    assert {each.name for each in out.iterdir()} == {"shots", "faceoffs"}


def test_versions_that_take_other_statics_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "releases"
    for version in (1, 2):
        release_shots(root, version=version)
    there = root / "shots" / "2"
    release = load_release(there)
    fewer = release.features.model_copy(update={"static_columns": release.features.static_columns[:-1]})
    (there / DESCRIPTION).write_text(release.model_copy(update={"features": fewer}).to_json())
    with pytest.raises(PlayscoreError, match="shots:1 has 0 frame columns, 110 static columns"):
        build_repository(root, tmp_path / "out", Target.PYTHON)
