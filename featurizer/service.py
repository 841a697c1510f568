"""The featurizer's contract: decode, call the core, encode."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from featurizer import metrics
from featurizer.core.columns import PASSING
from featurizer.core.play import Rejection, Tensor, check_header, featurize
from featurizer.messages import refusal, refused_to_message, specification_to_message, tensor_to_message
from featurizer.stream import GameStream
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as messages
from playscore.featurizer.v1 import featurizer_pb2_grpc
from playscore.game import Frames, GameHeader, Player
from playscore.game_messages import (
    MAX_ID_LENGTH,
    context_from_message,
    frames_from_message,
    header_from_message,
    is_identifier,
    roster_from_message,
)
from playscore.tracking.v1 import tracking_pb2 as tracking

MAX_PLAYS: Final = 200
"""Plays of one FeaturizePlays."""

Context = grpc.aio.ServicerContext[Any, Any]


class FeaturizerService(featurizer_pb2_grpc.FeaturizerServiceServicer):
    """Frames in, tensors out. Keeps nothing between calls."""

    name = "featurizer"
    descriptor: ServiceDescriptor = messages.DESCRIPTOR.services_by_name["FeaturizerService"]

    def register(self, server: grpc.aio.Server) -> None:
        """Add the handlers to the server."""
        featurizer_pb2_grpc.add_FeaturizerServiceServicer_to_server(self, server)

    async def open(self) -> None:
        """Show every series from the start."""
        metrics.announce()

    async def ready(self) -> bool:
        """Always: there is nothing to wait for."""
        return True

    async def close(self) -> None:
        """Nothing was acquired."""

    async def StreamPlays(
        self, request_iterator: AsyncIterator[messages.StreamPlaysRequest], context: Context
    ) -> AsyncIterator[messages.StreamPlaysResponse]:
        """A game as it is played."""
        stream: GameStream | None = None
        async for request in request_iterator:
            arrival = time.perf_counter()
            if stream is None:
                stream, opened = GameStream.open(request)
                yield opened
                continue
            for response in stream.receive(request):
                _observe(response, arrival)
                yield response
        if stream is not None:
            arrival = time.perf_counter()
            for response in stream.half_close():
                _observe(response, arrival)
                yield response

    async def FeaturizePlays(
        self, request: messages.FeaturizePlaysRequest, context: Context
    ) -> messages.FeaturizePlaysResponse:
        """Whole plays of one game."""
        header = header_from_message(request.header)
        check_header(header)
        players = roster_from_message(request.roster, (header.home_team_id, header.away_team_id))
        roster = {player.player_id: player for player in players}
        _check_plays(request.plays, header)
        response = messages.FeaturizePlaysResponse()
        for place, play in enumerate(request.plays):
            outcome = _whole_play(header, roster, play, f"plays[{place}]")
            if isinstance(outcome, Tensor):
                response.tensors.append(tensor_to_message(header, outcome))
                metrics.count_play(response.tensors[-1])
            else:
                response.rejections.append(refused_to_message(header, outcome))
                metrics.count_play(response.rejections[-1])
            await asyncio.sleep(0)  # streams go first: a backfill must not hold up a game
        return response

    async def DescribeFeatures(
        self, request: messages.DescribeFeaturesRequest, context: Context
    ) -> messages.DescribeFeaturesResponse:
        """What the columns of the tensors mean."""
        if request.sport != PASSING.sport.value:
            raise PlayscoreError(
                Reason.SPORT_UNSUPPORTED,
                f"there are features of {PASSING.sport.name} only",
                fields=(FieldViolation("sport", f"must be SPORT_{PASSING.sport.name}"),),
            )
        return messages.DescribeFeaturesResponse(specification=specification_to_message(PASSING))


def _observe(response: messages.StreamPlaysResponse, arrival: float) -> None:
    match response.WhichOneof("message"):
        case "tensor":
            metrics.TENSOR_SECONDS.observe(time.perf_counter() - arrival)
            metrics.count_play(response.tensor)
        case "rejection":
            metrics.count_play(response.rejection)


def _check_plays(plays: Sequence[messages.WholePlay], header: GameHeader) -> None:
    """Raise FIELD_INVALID or GAME_MISMATCH where plays cannot be told apart or are another game's."""
    if len(plays) > MAX_PLAYS:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{len(plays)} plays were sent; at most {MAX_PLAYS} a call",
            fields=(FieldViolation("plays", f"must be at most {MAX_PLAYS}"),),
        )
    for place, play in enumerate(plays):
        path = f"plays[{place}]"
        if not is_identifier(play.context.play_id):
            right = f"must have 1 to {MAX_ID_LENGTH} printable characters"
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{path}.context.play_id says which play the answer is about; it {right}",
                fields=(FieldViolation(f"{path}.context.play_id", right),),
            )
        belongs_to = {"context": play.context.game_id}
        belongs_to |= {f"frames[{number}]": batch.game_id for number, batch in enumerate(play.frames)}
        for field, game_id in belongs_to.items():
            if game_id != header.game_id:
                raise PlayscoreError(
                    Reason.GAME_MISMATCH,
                    f"{path}.{field} belongs to game {game_id!r}; the header is of game {header.game_id!r}",
                    fields=(FieldViolation(f"{path}.{field}.game_id", f"must be {header.game_id!r}"),),
                )


def _whole_play(
    header: GameHeader, roster: Mapping[str, Player], play: messages.WholePlay, path: str
) -> Tensor | Rejection:
    try:
        context = context_from_message(play.context, f"{path}.context")
        frames = (_frames(batch, context.play_id, f"{path}.frames[{i}]") for i, batch in enumerate(play.frames))
        return featurize(header, roster, context, frames)
    except PlayscoreError as fault:
        return refusal(play.context, fault)


def _frames(batch: tracking.FrameBatch, play_id: str, path: str) -> Frames:
    if batch.play_id != play_id:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{path} belongs to play {batch.play_id!r}, its context to play {play_id!r}",
            fields=(FieldViolation(f"{path}.play_id", f"must be {play_id!r}"),),
        )
    return frames_from_message(batch, path)
