"""`python -m scorer`: settings and wiring."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import DirectoryPath, Field, PositiveFloat, PositiveInt

from playscore.errors import PlayscoreError, Reason
from playscore.release import list_releases
from scorer.core.inference import Inference
from scorer.onnx import OnnxInference
from scorer.service import ScorerService
from scorer.triton import TritonInference
from servicekit import ServiceSettings, run
from servicekit.settings import HostAndPort

MODEL = "passing"


class ScorerSettings(ServiceSettings, env_prefix="PLAYSCORE_SCORER_"):
    """Ranks what happened against what was to be expected: tensors in, scores out."""

    listen: HostAndPort = Field(default="127.0.0.1:50052", description="where calls are taken, host:port")
    metrics_listen: HostAndPort = Field(
        default="127.0.0.1:9102", description="where metrics are shown over HTTP, host:port"
    )
    max_message_bytes: int = Field(
        default=32 * 2**20,
        ge=1024,
        description="largest message taken or sent, bytes; the default holds 256 long plays",
    )
    releases: DirectoryPath = Field(
        default=Path("models/releases"), description="folder of <model>/<version>/ releases"
    )
    model_version: PositiveInt | None = Field(
        default=None, description="version to score with where a request names none; the newest where not set"
    )
    inference: Literal["triton", "onnxruntime"] = Field(
        default="triton", description="what runs the model: a Triton server, or onnxruntime in this process"
    )
    triton_url: str = Field(default="127.0.0.1:8001", description="gRPC address of Triton, host:port")
    triton_timeout_seconds: PositiveFloat = Field(
        default=5.0, description="longest wait for one answer of Triton, whatever the caller's deadline"
    )


def build(settings: ScorerSettings) -> ScorerService:
    """The service over the inference that the settings choose."""
    releases = list_releases(settings.releases, MODEL)
    if not releases:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"no release of {MODEL} in {settings.releases / MODEL}")
    inference: Inference
    if settings.inference == "triton":
        inference = TritonInference(settings.triton_url, MODEL, settings.triton_timeout_seconds)
    else:
        inference = OnnxInference(settings.releases, releases)
    return ScorerService(releases, inference, settings.model_version)


if __name__ == "__main__":
    run(ScorerSettings, build)
