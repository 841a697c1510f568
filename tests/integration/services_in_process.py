"""The three services in this process, each behind its own gRPC port; inference by onnxruntime."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aggregator.__main__ import AggregatorSettings
from aggregator.__main__ import build as build_aggregator
from featurizer.service import FeaturizerService
from pipeline.replay import Addresses
from scorer.__main__ import ScorerSettings
from scorer.__main__ import build as build_scorer
from servicekit import ServiceSettings, serving


@dataclass(frozen=True)
class Makers:
    """The services that keep nothing."""

    featurizer: str
    scorer: str


@asynccontextmanager
async def making(releases: Path) -> AsyncIterator[Makers]:
    scoring = ScorerSettings(releases=releases, inference="onnxruntime")
    async with (
        serving(FeaturizerService(), ServiceSettings()) as featurizer,
        serving(build_scorer(scoring), ServiceSettings()) as scorer,
    ):
        await featurizer.until_serving()
        await scorer.until_serving()
        yield Makers(str(featurizer.address), str(scorer.address))


@asynccontextmanager
async def stored(makers: Makers, releases: Path, file: Path) -> AsyncIterator[Addresses]:
    """The services, with an aggregator over a store of its own."""
    settings = AggregatorSettings(releases=releases, store=f"sqlite:///{file}")
    async with serving(build_aggregator(settings), ServiceSettings()) as aggregator:
        await aggregator.until_serving()
        yield Addresses(makers.featurizer, makers.scorer, str(aggregator.address))
