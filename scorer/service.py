"""The scorer's contract: decode, score, encode."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import Release
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc
from scorer.core.grading import rank_each
from scorer.core.inference import Inference
from scorer.core.passing import PassingModel
from scorer.messages import (
    pass_from_message,
    pass_to_grade_from_message,
    regraded_message,
    rejection_message,
    score_message,
)
from scorer.metrics import TimedInference
from servicekit.metrics import PLAYS

MAX_PASSES_TO_SCORE = 256
MAX_PASSES_TO_GRADE = 1024
MAX_PAGE = 100
DEFAULT_PAGE = 50
NO_DEADLINE_SECONDS = 60.0
"""How long a call may take that came without a deadline, where the chassis lets it in."""

_SCORED = PLAYS.labels("scored", "")
_GRADED = PLAYS.labels("graded", "")

Message = TypeVar("Message")
Read = TypeVar("Read")
Context = grpc.aio.ServicerContext[Any, Any]


class ScorerService(scorer_pb2_grpc.ScorerServiceServicer):
    """Scores with the released versions of the passing model; the last of `releases` unless `default_version` says."""

    name = "scorer"

    def __init__(self, releases: Sequence[Release], inference: Inference, default_version: int | None = None) -> None:
        self._inference = TimedInference(inference, releases)
        self._models = {release.version: PassingModel(release, self._inference) for release in releases}
        self._default = self._model(default_version or releases[-1].version)

    @property
    def descriptor(self) -> ServiceDescriptor:
        """The contract."""
        return scorer_pb2.DESCRIPTOR.services_by_name["ScorerService"]

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the handlers."""
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(self, server)

    async def open(self) -> None:
        """Opens inference."""
        await self._inference.open()

    async def ready(self) -> bool:
        """Whether the default version answers."""
        return await self._default.ready()

    async def close(self) -> None:
        """Closes inference."""
        await self._inference.close()

    async def ScorePasses(
        self, request: scorer_pb2.ScorePassesRequest, context: Context
    ) -> scorer_pb2.ScorePassesResponse:
        """Scores each play by itself; only what concerns all of them fails the call."""
        _check_count(request.passes, MAX_PASSES_TO_SCORE)
        model = self._model(request.model_version) if request.model_version else self._default
        _check_specifications(request.passes, model.release)
        passes, errors = _read(request.passes, lambda message: pass_from_message(message, model.release))
        remaining = context.time_remaining()
        deadline = time.monotonic() + (NO_DEADLINE_SECONDS if remaining is None else remaining)
        try:
            scored = await model.score(list(passes.values()), deadline)
        except TimeoutError as late:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, str(late))
        response = scorer_pb2.ScorePassesResponse()
        for index, result in zip(passes, scored, strict=True):
            if isinstance(result, PlayscoreError):
                errors[index] = result
            else:
                response.scores.append(score_message(request.passes[index], result, model.release))
        for index, error in sorted(errors.items()):
            response.rejections.append(rejection_message(index, request.passes[index].tensor.key, error))
        _SCORED.inc(len(response.scores))
        _count_rejections(response.rejections)
        return response

    async def GradePasses(
        self, request: scorer_pb2.GradePassesRequest, context: Context
    ) -> scorer_pb2.GradePassesResponse:
        """Grades each play by itself, by the law it comes with."""
        _check_count(request.passes, MAX_PASSES_TO_GRADE)
        passes, errors = _read(request.passes, pass_to_grade_from_message)
        ranks = rank_each([play.law for play in passes.values()], [play.yards for play in passes.values()])
        response = scorer_pb2.GradePassesResponse()
        for index, rank in zip(passes, ranks, strict=True):
            if math.isfinite(rank):
                response.scores.append(regraded_message(request.passes[index], rank))
            else:
                errors[index] = PlayscoreError(Reason.LAW_INVALID, "law is too extreme to compute with")
        for index, error in sorted(errors.items()):
            response.rejections.append(rejection_message(index, request.passes[index].score.key, error))
        _GRADED.inc(len(response.scores))
        _count_rejections(response.rejections)
        return response

    async def ScoreShots(
        self, request: scorer_pb2.ScoreShotsRequest, context: Context
    ) -> scorer_pb2.ScoreShotsResponse:
        """Not yet."""
        raise PlayscoreError(Reason.NOT_IMPLEMENTED, "this release has no shot model")

    async def ListModels(
        self, request: scorer_pb2.ListModelsRequest, context: Context
    ) -> scorer_pb2.ListModelsResponse:
        """Lists the versions, a page at a time; the token of a page is the version it ended with."""
        if not 0 <= request.page_size <= MAX_PAGE:
            description = f"must be from 1 to {MAX_PAGE}, or 0 for {DEFAULT_PAGE}"
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"page_size is {request.page_size}; it {description}",
                fields=(FieldViolation("page_size", description),),
            )
        after = self._version_of_token(request.page_token) if request.page_token else 0
        rest = [model for version, model in sorted(self._models.items()) if version > after]
        page = rest[: request.page_size or DEFAULT_PAGE]
        ready = await asyncio.gather(*(model.ready() for model in page))
        return scorer_pb2.ListModelsResponse(
            models=[
                scorer_pb2.Model(
                    model=scorer_pb2.ModelVersion(name=model.release.model, version=model.release.version),
                    feature_specification_id=model.release.features.id,
                    graph_sha256=model.release.graph_sha256,
                    ready=is_ready,
                    is_default=model is self._default,
                    bucket_lengths=model.release.bucket_lengths,
                )
                for model, is_ready in zip(page, ready, strict=True)
            ],
            next_page_token=_token(page[-1].release.version) if len(page) < len(rest) else "",
        )

    def _model(self, version: int) -> PassingModel:
        if version not in self._models:
            served = ", ".join(str(version) for version in sorted(self._models))
            raise PlayscoreError(
                Reason.MODEL_NOT_FOUND,
                f"passing version {version} is not served; served: {served}",
                fields=(FieldViolation("model_version", f"one of {served}, or 0 for the default"),),
            )
        return self._models[version]

    def _version_of_token(self, token: str) -> int:
        for version in self._models:
            if token == _token(version):
                return version
        raise PlayscoreError(
            Reason.PAGE_TOKEN_INVALID,
            "page_token was not made by ListModels",
            fields=(FieldViolation("page_token", "next_page_token of the page before, or empty"),),
        )


def _token(version: int) -> str:
    return f"passing-{version}"


def _check_count(passes: Sequence[object], most: int) -> None:
    if len(passes) > most:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{len(passes)} passes in one call; at most {most} may be",
            fields=(FieldViolation("passes", f"at most {most}"),),
        )


def _check_specifications(passes: Iterable[scorer_pb2.PassToScore], release: Release) -> None:
    trained_on = release.features.id
    for index, play in enumerate(passes):
        made_to = play.tensor.feature_specification_id
        if made_to != trained_on:
            raise PlayscoreError(
                Reason.FEATURE_SPECIFICATION_MISMATCH,
                f'tensors are made to feature specification "{made_to}"; {release.model} version {release.version} '
                f'was trained on "{trained_on}"',
                fields=(FieldViolation(f"passes[{index}].tensor.feature_specification_id", f'"{trained_on}"'),),
            )


def _read(
    messages: Iterable[Message], read: Callable[[Message], Read]
) -> tuple[dict[int, Read], dict[int, PlayscoreError]]:
    """What could be read, and what was wrong with the others, by place in the request."""
    done: dict[int, Read] = {}
    errors: dict[int, PlayscoreError] = {}
    for index, message in enumerate(messages):
        try:
            done[index] = read(message)
        except PlayscoreError as error:
            errors[index] = error
    return done, errors


def _count_rejections(rejections: Iterable[scorer_pb2.RejectedScore]) -> None:
    for rejection in rejections:
        PLAYS.labels("rejected", Reason(rejection.reason).name).inc()
