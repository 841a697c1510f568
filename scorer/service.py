"""The scorer's contract: decode, score, encode."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, Release
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.scorer.v1 import scorer_pb2_grpc
from playscore.steps import Steps
from playscore.wire.distributions import support_to_message
from playscore.wire.validation import check, invalid
from scorer import metrics
from scorer.core.catalog import Catalog
from scorer.core.inference import Inference
from scorer.core.model import Model
from scorer.core.task import Task
from scorer.messages import (
    Supports,
    TaskMessages,
    check_play,
    check_specification,
    model_from_message,
    model_to_message,
    rejection_of,
    span_of,
)
from scorer.shots.task import Shots
from scorer.shots.wording import Catalog as Texts
from scorer.stream import ScoreStream
from scorer.tasks import FACEOFFS, PASSES, SHOTS, TASKS
from servicekit import spans
from servicekit.slices import in_slices
from servicekit.spans import Span

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 50
GRADED_TOGETHER: Final = 32
"""Passes whose distributions are computed with at once."""
NO_DEADLINE_SECONDS: Final = 60.0
"""The time for a call without a deadline, if the chassis admits it."""

Read = TypeVar("Read")
Context = grpc.aio.ServicerContext[Any, Any]


class ScorerService(scorer_pb2_grpc.ScorerServiceServicer):
    """Scores and grades plays of every task in `scorer.tasks`."""

    name = "scorer"

    def __init__(
        self,
        releases: Sequence[Release],
        inference: Inference,
        defaults: Collection[ModelVersion] = (),
        shot_texts: Texts | None = None,
    ) -> None:
        """Serves releases of known tasks; see `Catalog` for `defaults`, and `Shots` for `shot_texts`.

        Raises:
            PlayscoreError: MODEL_NOT_FOUND if a task cannot score with one of its releases, or a default is not served.
        """
        tasks: dict[str, Task[Any, Any, Any, Any]] = {edge.task.name: edge.task for edge in TASKS}
        tasks[Shots.name] = Shots(shot_texts)
        self._inference = metrics.TimedInference(inference, (release.key for release in releases))
        models = (Model(release, tasks[release.task], self._inference) for release in releases)
        self._catalog = Catalog(models, defaults)
        metrics.WAITING_PLAYS.set_function(lambda: sum(model.waiting for model in self._catalog))

    @property
    def descriptor(self) -> ServiceDescriptor:
        """The contract."""
        return messages.DESCRIPTOR.services_by_name["ScorerService"]

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the handlers."""
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(self, server)

    async def open(self) -> None:
        """Opens inference."""
        await self._inference.open()

    async def ready(self) -> bool:
        """Whether the default model of every task can be used."""
        return all(await asyncio.gather(*(model.ready() for model in self._catalog.defaults.values())))

    async def close(self) -> None:
        """Closes inference."""
        await self._inference.close()

    async def ScorePasses(self, request: messages.ScorePassesRequest, context: Context) -> messages.ScorePassesResponse:
        """Scores each pass on its own; only what concerns all of them fails the call."""
        scores, rejections, supports = await self._score(PASSES, request, "passes", context)
        return messages.ScorePassesResponse(scores=scores, rejections=rejections, supports=supports)

    async def GradePasses(self, request: messages.GradePassesRequest, context: Context) -> messages.GradePassesResponse:
        """Grades each pass on its own, by the distribution that comes with it."""
        supports = Supports(self._catalog.supports)
        check(request, leaving=("passes", "supports"))
        for place, support in enumerate(request.supports):
            try:
                supports.state(support, f"supports[{place}]")
            except PlayscoreError as error:
                if error.reason is not Reason.DISTRIBUTION_INVALID:  # which rejects the passes that name it
                    raise
        graded, rejections = await in_slices(_grade(PASSES, request.passes, "passes", supports))
        return messages.GradePassesResponse(graded=graded, rejections=rejections)

    async def ScoreShots(self, request: messages.ScoreShotsRequest, context: Context) -> messages.ScoreShotsResponse:
        """Scores each shot on its own; only what concerns all of them fails the call."""
        scores, rejections, _ = await self._score(SHOTS, request, "shots", context)
        return messages.ScoreShotsResponse(scores=scores, rejections=rejections)

    async def GradeShots(self, request: messages.GradeShotsRequest, context: Context) -> messages.GradeShotsResponse:
        """Grades each shot on its own, by the chance that comes with it."""
        check(request, leaving=("shots",))
        graded, rejections = await in_slices(_grade(SHOTS, request.shots, "shots", Supports({})))
        return messages.GradeShotsResponse(graded=graded, rejections=rejections)

    async def ScoreFaceoffs(
        self, request: messages.ScoreFaceoffsRequest, context: Context
    ) -> messages.ScoreFaceoffsResponse:
        """Scores each face-off on its own; only what concerns all of them fails the call."""
        scores, rejections, _ = await self._score(FACEOFFS, request, "faceoffs", context)
        return messages.ScoreFaceoffsResponse(scores=scores, rejections=rejections)

    async def GradeFaceoffs(
        self, request: messages.GradeFaceoffsRequest, context: Context
    ) -> messages.GradeFaceoffsResponse:
        """Grades each face-off on its own, by the chance that comes with it."""
        check(request, leaving=("faceoffs",))
        graded, rejections = await in_slices(_grade(FACEOFFS, request.faceoffs, "faceoffs", Supports({})))
        return messages.GradeFaceoffsResponse(graded=graded, rejections=rejections)

    def StreamScores(
        self, request_iterator: AsyncIterator[messages.StreamScoresRequest], context: Context
    ) -> AsyncGenerator[messages.StreamScoresResponse, None]:
        """Scores and grades play by play."""
        return ScoreStream(self._catalog).answers(request_iterator)

    def StreamScoreBatches(
        self, request_iterator: AsyncIterator[messages.StreamScoreBatchesRequest], context: Context
    ) -> AsyncGenerator[messages.StreamScoreBatchesResponse, None]:
        """Scores and grades play by play, several in a message."""
        return ScoreStream(self._catalog).batches(request_iterator)

    async def ListModels(self, request: messages.ListModelsRequest, context: Context) -> messages.ListModelsResponse:
        """Lists the models, a page at a time; the token of a page is the model it ended with."""
        check(request)
        models = list(self._catalog)
        rest = models[_place_after(models, request.page_token) :]
        page = rest[: min(request.page_size or DEFAULT_PAGE, MAX_PAGE)]
        ready = await asyncio.gather(*(model.ready() for model in page))
        defaults = self._catalog.defaults
        return messages.ListModelsResponse(
            models=[
                model_to_message(model, ready=is_ready, is_default=defaults[model.release.task] is model)
                for model, is_ready in zip(page, ready, strict=True)
            ],
            next_page_token=_token(page[-1]) if len(page) < len(rest) else "",
        )

    async def _score(
        self, edge: TaskMessages, request: Any, field: str, context: Context
    ) -> tuple[list[Any], list[common.Rejection], list[distributions.Support]]:
        """Scores, rejections and supports for a request; its plays are in `field`."""
        check(request, leaving=(field,))
        model = self._catalog.find(edge.task.name, model_from_message(request))
        plays, release = getattr(request, field), model.release
        _check_specifications(plays, field, release)
        items, errors = await in_slices(_read(plays, field, lambda message, path: edge.item(message, release, path)))
        remaining = context.time_remaining()
        deadline = time.monotonic() + (NO_DEADLINE_SECONDS if remaining is None else remaining)
        try:
            with _traced("score play", [plays[place].tensor for place in items]) as parts_of:
                scored = await model.score(list(items.values()), deadline, parts_of)
        except TimeoutError as late:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, str(late))
        scores = await in_slices(_scores(edge, plays, dict(zip(items, scored, strict=True)), release, errors))
        metrics.SCORED.inc(len(scores))
        rejections = _rejections(edge, plays, errors)
        supports = [support_to_message(release.support)] if scores and release.support is not None else []
        return scores, rejections, supports


@contextmanager
def _traced(name: str, plays: Iterable[Any]) -> Iterator[Sequence[Span] | None]:
    """A span for each of the plays, see `span_of`; None where nothing is traced."""
    if not spans.are_on():
        yield None
        return
    parts_of = [span_of(name, play) for play in plays]
    with spans.ending(parts_of):
        yield parts_of


def _scores(
    edge: TaskMessages,
    plays: Sequence[Any],
    scored: Mapping[int, Any],
    release: Release,
    errors: dict[int, PlayscoreError],
) -> Steps[list[Any]]:
    """The scores of plays, by their place in the request; adds the errors of those that have none."""
    scores = []
    for index, result in scored.items():
        if isinstance(result, PlayscoreError):
            errors[index] = result
        else:
            scores.append(edge.score(plays[index], result, release))
        yield
    return scores


def _grade(
    edge: TaskMessages, plays: Sequence[Any], field: str, supports: Supports
) -> Steps[tuple[list[Any], list[common.Rejection]]]:
    stored, errors = yield from _read(plays, field, lambda message, path: edge.stored(message, supports, path))
    graded = []
    places = list(stored)
    with _traced("grade play", [plays[place] for place in places]) as parts_of:
        for first in range(0, len(places), GRADED_TOGETHER):
            some = places[first : first + GRADED_TOGETHER]
            for index, grade in zip(some, edge.task.grade([stored[index] for index in some]), strict=True):
                if isinstance(grade, PlayscoreError):
                    errors[index] = grade
                else:
                    graded.append(edge.graded(plays[index], grade))
            yield
        for place, span in zip(places, parts_of or (), strict=False):
            if place in errors:
                span.end(errors[place].reason.name)
    metrics.GRADED.inc(len(graded))
    return graded, _rejections(edge, plays, errors)


def _check_specifications(plays: Iterable[Any], field: str, release: Release) -> None:
    for index, play in enumerate(plays):
        if play.HasField("tensor"):
            check_specification(play.tensor, release, f"{field}[{index}].tensor")


def _read(
    plays: Iterable[Any], field: str, read: Callable[[Any, str], Read]
) -> Steps[tuple[dict[int, Read], dict[int, PlayscoreError]]]:
    """The plays that could be read, and the errors of the others, by place in the request."""
    done: dict[int, Read] = {}
    errors: dict[int, PlayscoreError] = {}
    for index, message in enumerate(plays):
        path = f"{field}[{index}]"
        try:
            check_play(message, path)
            done[index] = read(message, path)
        except PlayscoreError as error:
            errors[index] = error
        yield
    return done, errors


def _rejections(
    edge: TaskMessages, plays: Sequence[Any], errors: Mapping[int, PlayscoreError]
) -> list[common.Rejection]:
    """The rejections of a call, in the order asked."""
    for error in errors.values():
        metrics.count_rejection(error)
    return [rejection_of(error, plays[index], edge.task.name, index=index) for index, error in sorted(errors.items())]


def _token(model: Model[Any, Any]) -> str:
    return f"{model.release.model}/{model.release.version}"


def _place_after(models: Sequence[Model[Any, Any]], token: str) -> int:
    """Where the page after that of a token begins.

    Raises:
        PlayscoreError: PAGE_TOKEN_INVALID.
    """
    if not token:
        return 0
    for place, model in enumerate(models, start=1):
        if token == _token(model):
            return place
    raise invalid("page_token", "must be the next_page_token of the page before, or empty", Reason.PAGE_TOKEN_INVALID)
