"""Our own clients and commands with a token, over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator import commands
from playscore.client import AggregatorClient, Tls
from playscore.errors import PlayscoreError, Reason
from tests.authority import Authority
from tests.contract.aggregator.guarded import guarded
from tests.tokens import TokenIssuer

CALLERS = """
callers:
  operator: {role: operator, tokens: [{issuer: https://id.example.org, subject: operator}]}
issuers:
  https://id.example.org: {audience: playscore, keys: keys.pem}
"""


@dataclass
class Place:
    """A service that takes tokens, and a caller's file with one."""

    address: str
    authority: Path
    issuer: TokenIssuer
    token: Path

    def put(self, token: str) -> None:
        self.token.write_text(f"{token}\n")

    @property
    def tls(self) -> Tls:
        return Tls(self.authority, token=self.token)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    authority, issuer = Authority(tmp_path / "tls"), TokenIssuer()
    (tmp_path / "keys.pem").write_bytes(issuer.key.pem)
    async with guarded(tmp_path, authority, CALLERS, mutual=False) as address:
        made = Place(address, authority.certificate, issuer, tmp_path / "token")
        made.put(issuer.token("operator"))
        yield made


async def operations(client: AggregatorClient) -> int:
    return len([each async for each in client.list_operations()])


async def test_a_token_is_read_for_every_call(place: Place) -> None:
    async with AggregatorClient(place.address, tls=place.tls) as client:
        assert await operations(client) == 0
        place.put(place.issuer.token("operator", exp=1))
        with pytest.raises(PlayscoreError, match="the token has expired") as refused:
            await operations(client)
        assert refused.value.reason is Reason.UNAUTHENTICATED
        place.put(place.issuer.token("operator"))
        assert await operations(client) == 0


async def test_a_token_that_is_not_there_is_said_to_be_missing(place: Place) -> None:
    async with AggregatorClient(place.address, tls=place.tls, timeout_seconds=2.0) as client:
        place.token.unlink()
        with pytest.raises(ConnectionError, match="No such file"):
            await operations(client)
        place.put(place.issuer.token("operator"))
        assert await operations(client) == 0


async def test_a_command_takes_a_token(place: Place) -> None:
    named = ["--aggregator", place.address, "--tls-authority", str(place.authority)]
    runner = CliRunner()
    without = await asyncio.to_thread(runner.invoke, commands.operations, named)
    assert isinstance(without.exception, PlayscoreError)
    assert without.exception.reason is Reason.UNAUTHENTICATED
    told = await asyncio.to_thread(runner.invoke, commands.operations, [*named, "--token-file", str(place.token)])
    assert told.exit_code == 0, told.output
