"""`python -m scorer`: settings and wiring."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, DirectoryPath, Field, PositiveFloat

from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, list_releases
from playscore.shipped import RELEASES
from scorer.core.inference import Inference
from scorer.onnx import OnnxInference
from scorer.service import ScorerService
from scorer.tasks import TASKS
from scorer.triton import TritonInference
from servicekit import ServiceSettings, run
from servicekit.settings import HostAndPort


def _models(text: str) -> str:
    _parse_models(text)
    return text


def _parse_models(text: str) -> tuple[ModelVersion, ...]:
    """Models out of `name:version,name:version`; whitespace around them is allowed."""
    models = []
    for part in text.split(",") if text.strip() else ():
        name, colon, version = part.strip().rpartition(":")
        if not (colon and name and version.isascii() and version.isdigit()):
            raise ValueError(f'"{part.strip()}" is not name:version; for example passing:2')
        models.append(ModelVersion(name, int(version)))
    return tuple(models)


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
        description="folder of <model>/<version>/ releases; those of tasks that the scorer knows are served",
    )
    default_models: Annotated[str, AfterValidator(_models)] = Field(
        default="",
        description="models to score with where a request names none, as name:version, several with commas between; "
        "the newest of a task for which none is set",
    )
    inference: Literal["triton", "onnxruntime"] = Field(
        default="triton", description="what runs the model: a Triton server, or onnxruntime in this process"
    )
    triton_url: str = Field(default="127.0.0.1:8001", description="gRPC address of Triton, host:port")
    triton_timeout_seconds: PositiveFloat = Field(
        default=5.0, description="longest wait for one answer of Triton, whatever the caller's deadline"
    )


def build(settings: ScorerSettings) -> ScorerService:
    """The service over the inference that the settings choose.

    Raises:
        PlayscoreError: MODEL_NOT_FOUND, there is nothing to serve, or not what is to be the default.
    """
    known = {edge.task.name for edge in TASKS}
    releases = [release for release in list_releases(settings.releases) if release.task in known]
    if not releases:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"no release of {', '.join(sorted(known))} in {settings.releases}")
    inference: Inference
    if settings.inference == "triton":
        inference = TritonInference(settings.triton_url, settings.triton_timeout_seconds)
    else:
        inference = OnnxInference(settings.releases, releases)
    return ScorerService(releases, inference, _parse_models(settings.default_models))


if __name__ == "__main__":
    run(ScorerSettings, build)
