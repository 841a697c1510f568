"""Failures of the aggregator as answers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import pytest

from board.live.server import View, serving
from playscore.client import AggregatorClient
from playscore.errors import PlayscoreError, Reason
from servicekit.addresses import Address


@dataclass
class Failing:
    """An aggregator's client whose calls fail."""

    failure: Exception

    async def list_leagues(self, *_: Any) -> AsyncIterator[Any]:
        raise self.failure
        yield


@pytest.mark.parametrize(
    ("failure", "status", "reason"),
    [
        *(
            (PlayscoreError(reason, "why"), status, reason.name)
            for reason, status in (
                (Reason.FILTER_INVALID, 400),
                (Reason.REVISION_NOT_KEPT, 400),
                (Reason.UNAUTHENTICATED, 401),
                (Reason.PERMISSION_DENIED, 403),
                (Reason.LEAGUE_NOT_FOUND, 404),
                (Reason.MODEL_NOT_FOUND, 404),
                (Reason.OVERLOADED, 429),
                (Reason.INTERNAL, 500),
                (Reason.NOT_IMPLEMENTED, 501),
                (Reason.STORE_UNAVAILABLE, 503),
                (Reason.NOT_FRESH_ENOUGH, 503),
                (Reason.NOT_SERVING, 503),
            )
        ),
        (ConnectionError("why"), 503, "NOT_SERVING"),
        (TimeoutError("why"), 504, "NOT_SERVING"),
    ],
)
async def test_a_failure_has_the_http_status_of_its_reason(failure: Exception, status: int, reason: str) -> None:
    view = View(cast(AggregatorClient, Failing(failure)))
    async with (
        serving(view, Address("127.0.0.1", 0)) as url,
        aiohttp.ClientSession(url) as http,
        http.get("/api/about") as answer,
    ):
        assert (answer.status, (await answer.json())["reason"]) == (status, reason)
        assert ("why" in (await answer.json())["detail"]) == isinstance(failure, PlayscoreError)
