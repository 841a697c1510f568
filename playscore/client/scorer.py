"""Tensors in, laws and scores out."""

from __future__ import annotations

from collections.abc import Iterable

from playscore.client.connection import Connection, Tls
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.scorer.v1.scorer_pb2_grpc import ScorerServiceStub


class ScorerClient(Connection):
    """Calls a scorer."""

    def __init__(
        self, address: str = "127.0.0.1:50052", *, tls: Tls | None = None, timeout_seconds: float = 10.0
    ) -> None:
        super().__init__(address, tls=tls, timeout_seconds=timeout_seconds)
        self._stub = ScorerServiceStub(self.channel)

    async def score_passes(
        self, passes: Iterable[messages.PassToScore], model_version: int = 0
    ) -> messages.ScorePassesResponse:
        """Laws of yards gained, and scores where the yards are known; at most 256 passes."""
        request = messages.ScorePassesRequest(passes=passes, model_version=model_version)
        return await self.call(lambda timeout: self._stub.ScorePasses(request, timeout=timeout))

    async def grade_passes(self, passes: Iterable[messages.PassToGrade]) -> messages.GradePassesResponse:
        """Scores of laws from before by the official yards; at most 1,024 passes."""
        request = messages.GradePassesRequest(passes=passes)
        return await self.call(lambda timeout: self._stub.GradePasses(request, timeout=timeout))

    async def list_models(self) -> tuple[messages.Model, ...]:
        """All models being served."""
        models: list[messages.Model] = []
        request = messages.ListModelsRequest()
        while True:
            answer = await self.call(lambda timeout: self._stub.ListModels(request, timeout=timeout))
            models.extend(answer.models)
            if not answer.next_page_token:
                return tuple(models)
            request.page_token = answer.next_page_token
