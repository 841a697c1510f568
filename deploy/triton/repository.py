"""Triton's model repository, made from releases.

Both targets serve the same names, inputs, outputs and batching, so that the scorer cannot tell them apart:

    frames [T, C]  mask [T]  static [S]   ->   logits [K]  tails [4]
"""

from __future__ import annotations

import enum
import shutil
from importlib.resources import files
from pathlib import Path
from string import Template

from playscore.errors import PlayscoreError, Reason
from playscore.release import GRAPH, Release, list_releases

TAILS = 4
"""Shape and scale of the lower and of the upper tail."""


class Target(enum.Enum):
    """Which of Triton's backends runs the graph."""

    PYTHON = "python"
    """Triton's Python backend over onnxruntime: where only that backend is at hand."""
    ONNXRUNTIME = "onnxruntime"
    """Triton's own onnxruntime backend: the official container."""


class Device(enum.Enum):
    """Where the graph runs."""

    CPU = "cpu"
    GPU = "gpu"


_CONFIGURATION = Template("""\
name: "$name"
backend: "$backend"
max_batch_size: $max_batch_size
input [
  { name: "frames" data_type: TYPE_FP32 dims: [ -1, $columns ] },
  { name: "mask" data_type: TYPE_FP32 dims: [ -1 ] },
  { name: "static" data_type: TYPE_FP32 dims: [ $statics ] }
]
output [
  { name: "logits" data_type: TYPE_FP32 dims: [ $bins ] },
  { name: "tails" data_type: TYPE_FP32 dims: [ $tails ] }
]
version_policy: { specific: { versions: [ $versions ] } }
instance_group [ { count: $instances kind: $kind } ]
dynamic_batching { }
model_warmup [
$warmups
]
""")

_WARMUP = Template("""\
  {
    name: "bucket $length, batch $batch"
    batch_size: $batch
    inputs { key: "frames" value: { data_type: TYPE_FP32 dims: [ $length, $columns ] zero_data: true } }
    inputs { key: "mask" value: { data_type: TYPE_FP32 dims: [ $length ] zero_data: true } }
    inputs { key: "static" value: { data_type: TYPE_FP32 dims: [ $statics ] zero_data: true } }
  }""")


def build_repository(
    releases: Path, out: Path, target: Target, device: Device = Device.CPU, instances: int = 1
) -> Path:
    """Writes the model repository of every release under `releases` to `out`, replacing what stood there.

    Raises:
        PlayscoreError: there is no release, or versions of one model differ in what a client sends and receives.
    """
    models = sorted(folder.name for folder in releases.iterdir() if folder.is_dir()) if releases.is_dir() else []
    if not models:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"no releases in {releases}: expected <model>/<version>/ folders")
    shutil.rmtree(out, ignore_errors=True)
    for model in models:
        versions = list_releases(releases, model)
        folder = out / model
        folder.mkdir(parents=True)
        (folder / "config.pbtxt").write_text(_configuration(versions, target, device, instances))
        for release in versions:
            version = folder / str(release.version)
            version.mkdir()
            shutil.copyfile(releases / model / str(release.version) / GRAPH, version / GRAPH)
            if target is Target.PYTHON:
                served = files("deploy.triton").joinpath("onnx_model.py").read_text()
                (version / "model.py").write_text(served)
    return out


def _configuration(versions: tuple[Release, ...], target: Target, device: Device, instances: int) -> str:
    newest = versions[-1]
    sizes = {
        "columns": len(newest.features.frame_columns),
        "statics": len(newest.features.static_columns),
        "bins": len(newest.law.edges) - 1,
    }
    for release in versions:
        same = (
            len(release.features.frame_columns),
            len(release.features.static_columns),
            len(release.law.edges) - 1,
        )
        if same != tuple(sizes.values()):
            raise PlayscoreError(
                Reason.MODEL_NOT_FOUND,
                f"{release.model} version {release.version} has (columns, statics, bins) {same} and version "
                f"{newest.version} has {tuple(sizes.values())}: versions of one model must be called alike",
            )
    warmups = [
        _WARMUP.substitute(sizes, length=length, batch=batch)
        for length in newest.bucket_lengths
        for batch in (1, newest.max_batch_size)
    ]
    return _CONFIGURATION.substitute(
        sizes,
        name=newest.model,
        backend=target.value,
        max_batch_size=newest.max_batch_size,
        tails=TAILS,
        versions=", ".join(str(release.version) for release in versions),
        instances=instances,
        kind=f"KIND_{device.value.upper()}",
        warmups=",\n".join(warmups),
    )
