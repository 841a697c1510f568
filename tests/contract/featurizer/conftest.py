from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from featurizer.service import FeaturizerService
from playscore.client.featurizer import FeaturizerClient
from playscore.game import Game
from servicekit import ServiceSettings, serving
from simulator import simulate


@pytest.fixture(scope="session")
def games() -> tuple[Game, ...]:
    """Two simulated games."""
    return tuple(simulated.game for simulated in simulate(seed=20, games=2, plays_per_game=24))


@pytest.fixture
async def client() -> AsyncIterator[FeaturizerClient]:
    """A caller of a featurizer that serves on loopback."""
    async with serving(FeaturizerService(), ServiceSettings()) as running:
        await running.until_serving()
        async with FeaturizerClient(str(running.address)) as client:
            yield client
