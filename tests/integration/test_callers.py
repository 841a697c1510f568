"""A worker that may write to one league plays games of two, with a token, over TLS, through the real services."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import aggregator.__main__ as aggregating
import featurizer.__main__ as featurizing
import scorer.__main__ as scoring
from featurizer.service import FeaturizerService
from pipeline.batch_stages import BatchStages
from pipeline.game_run import GameRun
from pipeline.pace import paced
from pipeline.replay import Addresses
from pipeline.results import Ending, PlayResult
from pipeline.tasks import tasks_over
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient, Tls
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.game import Game
from playscore.wire.games import feed_of
from servicekit import serving
from simulator.games import simulate
from tests.authority import Authority, dns
from tests.tokens import TokenIssuer

CALLERS = """
callers:
  worker of SIM: {role: writer, leagues: [SIM], tokens: [{issuer: https://id.example.org, subject: worker}]}
  reader: {role: reader, tokens: [{issuer: https://id.example.org, subject: reader}]}
issuers:
  https://id.example.org: {audience: playscore, keys: keys.pem}
"""


@pytest.fixture(scope="module")
def games() -> list[Game]:
    """One of the worker's league, and one of another."""
    own, foreign = (simulated.game for simulated in simulate(11, 2, 12))
    return [own, replace(foreign, header=replace(foreign.header, league="NFL"))]


class Suite:
    """The services, and how somebody calls them."""

    def __init__(self, addresses: Addresses, authority: Path, issuer: TokenIssuer, folder: Path) -> None:
        self._addresses = addresses
        self._authority = authority
        self._issuer = issuer
        self._folder = folder

    def called_by(self, subject: str) -> Addresses:
        token = self._folder / subject
        token.write_text(self._issuer.token(subject))
        return replace(self._addresses, tls=Tls(self._authority, token=token))


@pytest.fixture
async def suite(releases: Path, tmp_path: Path) -> AsyncIterator[Suite]:
    authority, issuer = Authority(tmp_path / "tls"), TokenIssuer()
    certificate, key = authority.sign(dns("localhost"))
    (tmp_path / "keys.pem").write_bytes(issuer.key.pem)
    (tmp_path / "callers.yaml").write_text(CALLERS)
    served: dict[str, Any] = {
        "listen": "localhost:0",
        "metrics_listen": "127.0.0.1:0",
        "tls_certificate": certificate,
        "tls_key": key,
        "callers": tmp_path / "callers.yaml",
    }
    scorer_settings = scoring.ScorerSettings(**served, inference="onnxruntime", releases=releases)
    aggregator_settings = aggregating.AggregatorSettings(
        **served, store=f"sqlite:///{tmp_path}/scores.sqlite", releases=releases
    )
    built = (
        (FeaturizerService(), featurizing.FeaturizerSettings(**served)),
        (scoring.build(scorer_settings), scorer_settings),
        (aggregating.build(aggregator_settings), aggregator_settings),
    )
    async with AsyncExitStack() as stack:
        addresses = []
        for service, settings in built:
            running = await stack.enter_async_context(serving(service, settings))
            await running.until_serving()
            addresses.append(str(running.address))
        featurizer, scorer, aggregator = addresses
        yield Suite(Addresses(featurizer, scorer, aggregator), authority.certificate, issuer, tmp_path)


async def play(games: list[Game], called: Addresses) -> list[PlayResult]:
    results: list[PlayResult] = []
    async with (
        FeaturizerClient(called.featurizer, tls=called.tls) as featurizer,
        ScorerClient(called.scorer, tls=called.tls) as scorer,
        AggregatorClient(called.aggregator, tls=called.tls) as ratings,
    ):
        tasks = tasks_over(scorer, ratings)
        async with BatchStages(ratings, on_recorded=results.append, gather_seconds=0.2) as stages:
            keys = [common.GameKey(league=game.header.league, game_id=game.header.game_id) for game in games]
            runs = [GameRun(key, featurizer, tasks, stages) for key in keys]
            told = (paced(feed_of(game), None) for game in games)
            await asyncio.gather(*(run.run(feed) for run, feed in zip(runs, told, strict=True)))
    return results


async def test_of_games_that_share_calls_those_of_the_workers_league_are_recorded(
    suite: Suite, games: list[Game]
) -> None:
    own, foreign = games
    results = await play(games, suite.called_by("worker"))
    of_own = [result for result in results if result.game_id == own.header.game_id]
    of_foreign = [result for result in results if result.game_id == foreign.header.game_id]
    assert len(of_own) == len(own.plays)
    assert Counter(result.ending for result in of_own)[Ending.SCORED] > 0
    assert {result.reason for result in of_foreign} == {Reason.PERMISSION_DENIED}
    assert not any(result.recorded for result in of_foreign)
    reader = suite.called_by("reader")
    async with AggregatorClient(reader.aggregator, tls=reader.tls) as ratings:
        assert (await ratings.get_coverage("SIM")).plays == len(own.plays)
        with pytest.raises(PlayscoreError) as nothing:
            await ratings.get_coverage("NFL")
        assert nothing.value.reason is Reason.LEAGUE_NOT_FOUND


async def test_a_reader_is_no_worker(suite: Suite, games: list[Game]) -> None:
    with pytest.raises(BaseExceptionGroup) as refused:
        await play(games[:1], suite.called_by("reader"))
    denied = refused.value.subgroup(
        lambda error: isinstance(error, PlayscoreError) and error.reason is Reason.PERMISSION_DENIED
    )
    assert denied is not None
