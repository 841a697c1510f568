"""Tensors in, distributions, chances and scores out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from playscore.client.connection import Connection, Tls
from playscore.client.score_stream import ScoreStream
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.scorer.v1.scorer_pb2_grpc import ScorerServiceStub

if TYPE_CHECKING:
    from playscore.scorer.v1.scorer_pb2_grpc import ScorerServiceAsyncStub


class ScorerClient(Connection):
    """Calls a scorer."""

    def __init__(
        self, address: str = "127.0.0.1:50052", *, tls: Tls | None = None, timeout_seconds: float = 10.0
    ) -> None:
        super().__init__(address, tls=tls, timeout_seconds=timeout_seconds)

    @property
    def _stub(self) -> ScorerServiceAsyncStub:
        return self.stub_of(ScorerServiceStub)

    async def score_passes(
        self, passes: Iterable[messages.PassToScore], model: common.ModelVersion | None = None
    ) -> messages.ScorePassesResponse:
        """Distributions of the yards gained, and play scores where the yards are known; at most 256 passes.

        `playscore.wire.distributions` makes the distributions of the answer into ones to compute with.
        """
        request = messages.ScorePassesRequest(passes=passes, model=model)
        return await self.call(lambda timeout: self._stub.ScorePasses(request, timeout=timeout))

    async def grade_passes(
        self, passes: Iterable[messages.PassToGrade], supports: Iterable[distribution.Support] = ()
    ) -> messages.GradePassesResponse:
        """Play scores of official yards in distributions from before; at most 1,024 passes.

        The supports that the distributions name may be left out where their models are being served.
        """
        request = messages.GradePassesRequest(passes=passes, supports=supports)
        return await self.call(lambda timeout: self._stub.GradePasses(request, timeout=timeout))

    async def score_shots(
        self, shots: Iterable[messages.ShotToScore], model: common.ModelVersion | None = None
    ) -> messages.ScoreShotsResponse:
        """Chances of a goal, with what made them so, and grades where the result is known; at most 256 shots."""
        request = messages.ScoreShotsRequest(shots=shots, model=model)
        return await self.call(lambda timeout: self._stub.ScoreShots(request, timeout=timeout))

    async def grade_shots(self, shots: Iterable[messages.ShotToGrade]) -> messages.GradeShotsResponse:
        """Goals above expected, of results and chances from before; at most 1,024 shots."""
        request = messages.GradeShotsRequest(shots=shots)
        return await self.call(lambda timeout: self._stub.GradeShots(request, timeout=timeout))

    async def score_faceoffs(
        self, faceoffs: Iterable[messages.FaceoffToScore], model: common.ModelVersion | None = None
    ) -> messages.ScoreFaceoffsResponse:
        """Chances that the taker wins, and grades where the result is known; at most 256 face-offs."""
        request = messages.ScoreFaceoffsRequest(faceoffs=faceoffs, model=model)
        return await self.call(lambda timeout: self._stub.ScoreFaceoffs(request, timeout=timeout))

    async def grade_faceoffs(self, faceoffs: Iterable[messages.FaceoffToGrade]) -> messages.GradeFaceoffsResponse:
        """Wins above expected, of results and chances from before; at most 1,024 face-offs."""
        request = messages.GradeFaceoffsRequest(faceoffs=faceoffs)
        return await self.call(lambda timeout: self._stub.GradeFaceoffs(request, timeout=timeout))

    def stream_scores(self, model: common.ModelVersion | None = None) -> ScoreStream:
        """Score and grade play by play on one stream, which costs less than a call a play."""
        return ScoreStream(self.address, self._stub.StreamScoreBatches, model, self.timeout_seconds)

    async def list_models(self) -> tuple[messages.Model, ...]:
        """All models being served, by name and version."""
        models: list[messages.Model] = []
        request = messages.ListModelsRequest()
        while True:
            answer = await self.call(lambda timeout: self._stub.ListModels(request, timeout=timeout))
            models.extend(answer.models)
            if not answer.next_page_token:
                return tuple(models)
            request.page_token = answer.next_page_token
