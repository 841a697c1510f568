"""The featurizer's contract: decode, call the core, encode."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import grpc.aio
import structlog
from google.protobuf.descriptor import ServiceDescriptor

from featurizer import metrics
from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.task import Task, tasks_of
from featurizer.core.whole_plays import featurizing
from featurizer.messages import refused_play, rejection_to_message, specification_to_message, tensor_to_message
from featurizer.streams import MessageStream
from featurizer.tasks import TASKS
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as messages
from playscore.featurizer.v1 import featurizer_pb2_grpc
from playscore.game import Frames, GameHeader, Player, Track
from playscore.limits import TextKind
from playscore.steps import Steps
from playscore.wire.feed import context_from_message
from playscore.wire.tracking import frames_from_message, header_from_message, roster_from_message, track_from_message
from playscore.wire.validation import check, invalid
from servicekit import spans
from servicekit.slices import in_slices
from servicekit.token_keys import TokenKeyFile
from servicekit.tokens import Keyring

Context = grpc.aio.ServicerContext[Any, Any]

MAX_TOGETHER: Final = 32
"""Answers of a message: the largest tensors of as many are well within what a message may have."""

_log = structlog.get_logger()


class FeaturizerService(featurizer_pb2_grpc.FeaturizerServiceServicer):
    """Frames in, tensors out. Keeps nothing between calls."""

    name = "featurizer"
    descriptor: ServiceDescriptor = messages.DESCRIPTOR.services_by_name["FeaturizerService"]

    def __init__(self, tasks: Sequence[Task] = TASKS, *, token_keys: TokenKeyFile | None = None) -> None:
        self._tasks = tuple(tasks)
        self._token_keys = token_keys
        self._keyring = Keyring.random() if token_keys is None else token_keys.keyring

    def register(self, server: grpc.aio.Server) -> None:
        """Add the handlers to the server."""
        featurizer_pb2_grpc.add_FeaturizerServiceServicer_to_server(self, server)

    async def open(self) -> None:
        """Show every series from the start, and follow the keys of tokens."""
        metrics.announce()
        if self._token_keys is None:
            _log.warning("resume tokens are good at this process only: several featurizers need one --token-keys file")
        else:
            self._token_keys.open()

    async def ready(self) -> bool:
        """Always: there is nothing to wait for."""
        return True

    async def close(self) -> None:
        """Stop following."""
        if self._token_keys is not None:
            await self._token_keys.close()

    async def StreamPlays(
        self, request_iterator: AsyncIterator[messages.StreamPlaysRequest], context: Context
    ) -> AsyncIterator[messages.StreamPlaysResponse]:
        """A game as it is played."""
        async with aclosing(self._game((request,) async for request in request_iterator)) as game:
            async for answers in game:
                for answer in answers:
                    yield answer

    async def StreamPlayBatches(
        self, request_iterator: AsyncIterator[messages.StreamPlayBatchesRequest], context: Context
    ) -> AsyncIterator[messages.StreamPlayBatchesResponse]:
        """A game as it is played, several messages at once."""
        async with aclosing(self._game(_messages_of(batch) async for batch in request_iterator)) as game:
            async for answers in game:
                for first in range(0, len(answers), MAX_TOGETHER):
                    yield messages.StreamPlayBatchesResponse(answers=answers[first : first + MAX_TOGETHER])

    async def _game(
        self, batches: AsyncIterator[Iterable[messages.StreamPlaysRequest]]
    ) -> AsyncGenerator[Sequence[messages.StreamPlaysResponse], None]:
        """The answers to each batch of the messages of one game, and those to its end."""
        stream: MessageStream | None = None
        async for batch in batches:
            arrival = time.perf_counter()
            answers: list[messages.StreamPlaysResponse] = []
            for request in batch:
                if stream is None:
                    stream, opened = MessageStream.open(request, self._tasks, self._keyring)
                    answers.append(opened)
                    continue
                try:
                    made = await in_slices(stream.receive(request), in_loop=not stream.is_busy)
                except PlayscoreError:
                    if answers:
                        yield answers
                    raise
                for answer in made:
                    _observe(answer, arrival, request.traceparent)
                answers += made
            yield answers
        if stream is not None:
            arrival = time.perf_counter()
            answers = await in_slices(stream.half_close(), in_loop=not stream.is_busy)
            for answer in answers:
                _observe(answer, arrival)
            yield answers

    async def FeaturizePlays(
        self, request: messages.FeaturizePlaysRequest, context: Context
    ) -> messages.FeaturizePlaysResponse:
        """Whole plays of one game."""
        header = header_from_message(request.header)
        tasks_of(header, self._tasks)
        players = roster_from_message(request.roster, header.team_ids)
        roster = {player.player_id: player for player in players}
        check(request, leaving=("header", "roster", "plays"))
        _check_named(request.plays)
        return await in_slices(self._whole_plays(header, roster, request.plays))

    async def DescribeFeatures(
        self, request: messages.DescribeFeaturesRequest, context: Context
    ) -> messages.DescribeFeaturesResponse:
        """What the columns of a task's tensors mean."""
        for task in self._tasks:
            if task.number == request.task:
                return messages.DescribeFeaturesResponse(specification=specification_to_message(task))
        names = ", ".join(_name(task) for task in self._tasks)
        raise invalid("task", f"must be one of {names}", Reason.TASK_UNSUPPORTED)

    def _whole_plays(
        self, header: GameHeader, roster: Mapping[str, Player], plays: Sequence[messages.WholePlay]
    ) -> Steps[messages.FeaturizePlaysResponse]:
        response = messages.FeaturizePlaysResponse()
        for place, play in enumerate(plays):
            span = spans.begin("make tensor", play.traceparent, kind=spans.Kind.SERVER)
            outcome = yield from self._whole_play(header, roster, play, f"plays[{place}]")
            if isinstance(outcome, Tensor):
                response.tensors.append(tensor_to_message(header, outcome))
                metrics.count_tensor()
            else:
                response.rejections.append(rejection_to_message(header, outcome))
                metrics.count_rejection(outcome.reason)
            if span:
                span.set(spans.of_play(header.league, header.game_id, outcome.play_id, outcome.revision))
                span.end("" if isinstance(outcome, Tensor) else outcome.reason.name)
            yield
        return response

    def _whole_play(
        self, header: GameHeader, roster: Mapping[str, Player], play: messages.WholePlay, path: str
    ) -> Steps[Tensor | Rejection]:
        frames: list[Frames] = []
        tracks: list[Track] = []
        try:
            context = context_from_message(play.context, f"{path}.context")
            for place, batch in enumerate(play.frames):
                frames.append(frames_from_message(batch, f"{path}.frames[{place}]"))
                yield
            for place, track in enumerate(play.tracks):
                tracks.append(track_from_message(track, f"{path}.tracks[{place}]"))
                yield
        except PlayscoreError as fault:
            # Revisions count from 1: a rejection at a lower one could not be recorded.
            revision = max(1, play.context.revision)
            subjects, task = refused_play(play.context)
            return Rejection(play.context.play_id, revision, fault.reason, fault.detail, subjects, task)
        return (yield from featurizing(self._tasks, header, roster, context, frames, tracks))


def _messages_of(batch: messages.StreamPlayBatchesRequest) -> Iterable[messages.StreamPlaysRequest]:
    check(batch, leaving=("messages",))
    return batch.messages


def _observe(response: messages.StreamPlaysResponse, arrival: float, traceparent: str = "") -> None:
    """Count, time and trace the answer to a message that arrived at `arrival`, and say whose it is."""
    match response.WhichOneof("message"):
        case "tensor":
            span = _trace(response, response.tensor, arrival, traceparent)
            metrics.TENSOR_SECONDS.observe(time.perf_counter() - arrival, span.ids)
            metrics.count_tensor()
            span.end()
        case "rejection":
            reason = Reason(response.rejection.reason)
            span = _trace(response, response.rejection, arrival, traceparent)
            metrics.count_rejection(reason)
            span.end(reason.name)


def _trace(
    response: messages.StreamPlaysResponse,
    made: messages.PlayTensor | common.Rejection,
    arrival: float,
    traceparent: str,
) -> spans.Span:
    if not traceparent or spans.read(traceparent) is None:
        return spans.NO_SPAN
    response.traceparent = traceparent
    span = spans.begin("make tensor", traceparent, kind=spans.Kind.SERVER, began_at=arrival)
    if span:
        span.set(spans.of_play(made.key.league, made.key.game_id, made.key.play_id, made.revision))
    return span


def _check_named(plays: Sequence[messages.WholePlay]) -> None:
    """Raise FIELD_INVALID if an answer could not say which play it is about."""
    for place, play in enumerate(plays):
        if not TextKind.IDENTIFIER.allows(play.context.play_id):
            raise invalid(f"plays[{place}].context.play_id", f"must have {TextKind.IDENTIFIER.value}")


def _name(task: Task) -> str:
    value = common.Task.DESCRIPTOR.values_by_number.get(task.number)
    return task.name if value is None else str(value.name)
