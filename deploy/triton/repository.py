"""Triton's model repository, made from releases.

Both targets serve the same names, inputs, outputs and batching, so the scorer cannot tell them apart: `frames` [T, C],
`mask` [T] and `static` [S] go in, or `static` alone, and the tensors that the release names come out.
"""

from __future__ import annotations

import enum
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Self

from playscore.errors import PlayscoreError, Reason
from playscore.release import GRAPH, GRAPH_DIGEST, ModelVersion, Release, ReleasedTensor, list_releases

_SERVED = Path(__file__).with_name("onnx_model.py")


class Target(enum.Enum):
    """Which of Triton's backends runs the graph."""

    PYTHON = "python"
    """Triton's Python backend over onnxruntime, for servers that have no other."""
    ONNXRUNTIME = "onnxruntime"
    """Triton's own onnxruntime backend: the official container."""


class Device(enum.Enum):
    """Where the graph runs."""

    CPU = "cpu"
    GPU = "gpu"


_GPU_BATCH_SIZES = (1, 8)
"""Batches on a GPU are filled up to these or the largest: an H200 takes 1.4 ms for 1, 1.5 for 8, 2.4 for 64."""

_CONFIGURATION = Template("""\
name: "$name"
backend: "$backend"
max_batch_size: $max_batch_size
input [
$inputs
]
output [
$outputs
]
version_policy: { specific: { versions: [ $versions ] } }
instance_group [ { count: $instances kind: $kind } ]
dynamic_batching { }
$parameters
model_warmup [
$warmups
]
""")

_WARMUP = Template("""\
  {
    name: "bucket $length, batch $batch"
    batch_size: $batch
$inputs
  }""")


def build_repository(
    releases: Path,
    out: Path,
    target: Target,
    device: Device = Device.CPU,
    instances: int = 1,
    without: Collection[ModelVersion] = (),
) -> Path:
    """Writes the model repository of every release under `releases` but `without` to `out`, replacing what is there.

    Raises:
        PlayscoreError: MODEL_NOT_FOUND: there is no release, or none that is to be left out, versions of one model
            differ in what goes in or comes out, or Triton cannot serve an output.
    """
    listed = list_releases(releases)
    if unknown := set(without) - {release.key for release in listed}:
        named = ", ".join(map(str, sorted(unknown)))
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"cannot leave out {named}: not in {releases}")
    served = (release for release in listed if release.key not in without)
    models = {model: list(versions) for model, versions in groupby(served, key=lambda one: one.model)}
    if not models:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"no releases in {releases}: expected <model>/<version>/ folders")
    shutil.rmtree(out, ignore_errors=True)
    for model, versions in models.items():
        folder = out / model
        folder.mkdir(parents=True)
        (folder / "config.pbtxt").write_text(_configuration(versions, target, device, instances))
        for release in versions:
            version = folder / str(release.version)
            version.mkdir()
            shutil.copyfile(releases / model / str(release.version) / GRAPH, version / GRAPH)
            if target is Target.PYTHON:
                shutil.copyfile(_SERVED, version / "model.py")
    return out


@dataclass(frozen=True, slots=True)
class _Signature:
    """What goes in and comes out of a graph."""

    frame_columns: int
    static_columns: int
    inputs: tuple[str, ...]
    outputs: tuple[ReleasedTensor, ...]

    @classmethod
    def of(cls, release: Release) -> Self:
        for output in release.outputs:
            if not output.shape:
                raise PlayscoreError(
                    Reason.MODEL_NOT_FOUND,
                    f"{release.key}: Triton cannot serve output {output.name}, which has no dimension after the batch",
                )
        features = release.features
        return cls(len(features.frame_columns), len(features.static_columns), features.inputs, release.outputs)

    def dimensions(self, length: int) -> dict[str, tuple[int, ...]]:
        """Of each input after the batch, for plays of a length; -1 for any."""
        every = {"frames": (length, self.frame_columns), "mask": (length,), "static": (self.static_columns,)}
        return {name: every[name] for name in self.inputs}

    def __str__(self) -> str:
        outputs = ", ".join(f"{output.name} {list(output.shape)}" for output in self.outputs)
        return f"{self.frame_columns} frame columns, {self.static_columns} static columns, outputs {outputs}"


def _configuration(versions: Sequence[Release], target: Target, device: Device, instances: int) -> str:
    newest = versions[-1]
    signature = _Signature.of(newest)
    for release in versions:
        if (other := _Signature.of(release)) != signature:
            raise PlayscoreError(
                Reason.MODEL_NOT_FOUND,
                f"versions of one model must have the same inputs and outputs: {release.key} has {other}; "
                f"{newest.key} has {signature}",
            )
    sizes = (*(_GPU_BATCH_SIZES if device is Device.GPU else (1,)), newest.max_batch_size)
    warmups = [
        _WARMUP.substitute(length=length, batch=batch, inputs=_zeros(signature.dimensions(length)))
        for length in newest.bucket_lengths
        for batch in sizes
    ]
    parameters = {GRAPH_DIGEST.format(version=release.version): release.graph_sha256 for release in versions}
    if device is Device.GPU:
        parameters |= _on_gpu(target, sizes)
    return _CONFIGURATION.substitute(
        name=newest.model,
        backend=target.value,
        max_batch_size=newest.max_batch_size,
        inputs=_tensors(signature.dimensions(-1)),
        outputs=_tensors({output.name: output.shape for output in signature.outputs}),
        versions=", ".join(str(release.version) for release in versions),
        instances=instances,
        parameters="\n".join(
            f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}' for key, value in parameters.items()
        ),
        kind=f"KIND_{device.value.upper()}",
        warmups=",\n".join(warmups),
    )


def _on_gpu(target: Target, sizes: Sequence[int]) -> Mapping[str, str]:
    """What a backend is told so that a batch of a new size does not wait for cuDNN's search for the best algorithms."""
    match target:
        case Target.PYTHON:
            return {"batch_sizes": ",".join(map(str, sizes))}
        case Target.ONNXRUNTIME:
            return {"cudnn_conv_algo_search": "1"}  # by heuristics, in the backend's own numbers


def _tensors(dimensions: Mapping[str, Sequence[int]]) -> str:
    return ",\n".join(
        f'  {{ name: "{name}" data_type: TYPE_FP32 dims: [ {_listed(each)} ] }}' for name, each in dimensions.items()
    )


def _zeros(dimensions: Mapping[str, Sequence[int]]) -> str:
    return "\n".join(
        f'    inputs {{ key: "{name}" value: {{ data_type: TYPE_FP32 dims: [ {_listed(each)} ] zero_data: true }} }}'
        for name, each in dimensions.items()
    )


def _listed(dimensions: Sequence[int]) -> str:
    return ", ".join(map(str, dimensions))
