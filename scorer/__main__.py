"""`python -m scorer`: settings and wiring."""

from __future__ import annotations

from typing import Literal

from pydantic import DirectoryPath, Field, FilePath, PositiveFloat

from playscore.errors import PlayscoreError, Reason
from playscore.release import list_releases, parse_models
from playscore.shipped import RELEASES
from scorer.core.inference import Inference
from scorer.onnx import OnnxInference
from scorer.proof import ProvenInference
from scorer.service import ScorerService
from scorer.shots.wording import read_catalog
from scorer.tasks import TASKS
from scorer.triton import TritonInference
from servicekit import ServiceSettings, run
from servicekit.settings import HostAndPort, ModelVersions


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
        default=RELEASES,
        description="folder of <model>/<version>/ releases; those of known tasks are served",
    )
    default_models: ModelVersions = Field(
        default="",
        description="models to use when a request names none, as name:version, separated by commas; a task without "
        "one uses its newest",
    )
    inference: Literal["triton", "onnxruntime"] = Field(
        default="triton", description="what runs the model: a Triton server, or onnxruntime in this process"
    )
    triton_url: str = Field(default="127.0.0.1:8001", description="gRPC address of Triton, host:port")
    triton_timeout_seconds: PositiveFloat = Field(
        default=5.0, description="longest wait for one answer of Triton, whatever the caller's deadline"
    )
    shot_texts: FilePath | None = Field(
        default=None,
        description="file with the words for the factors of a shot, in another language than English; docs/shots.md "
        "says how one is made",
    )


def build(settings: ScorerSettings) -> ScorerService:
    """The service with the inference that the settings choose.

    Raises:
        PlayscoreError: MODEL_NOT_FOUND if there is nothing to serve, or a default model is not there; FIELD_INVALID if
            the file of texts is none.
    """
    known = {edge.task.name for edge in TASKS}
    releases = [release for release in list_releases(settings.releases) if release.task in known]
    if not releases:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"no release of {', '.join(sorted(known))} in {settings.releases}")
    inference: Inference
    if settings.inference == "triton":
        seconds = settings.triton_timeout_seconds
        triton = TritonInference(settings.triton_url, seconds)
        inference = ProvenInference(triton, settings.releases, releases, seconds)
    else:
        inference = OnnxInference(settings.releases, releases)
    texts = None if settings.shot_texts is None else read_catalog(settings.shot_texts)
    return ScorerService(releases, inference, parse_models(settings.default_models), texts)


if __name__ == "__main__":
    run(ScorerSettings, build)
