from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.games import simulate
from tests.clients.services import ROOT, Services, all_services, record

NODE = ROOT / "tests" / "clients" / "node"


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The services, with the four games recorded that docs/clients.md tells readers to play."""
    with all_services(tmp_path_factory.mktemp("services")) as services:

        async def play() -> None:
            for simulated in simulate(seed=1, games=4):
                assert await record(services, simulated.game) == len(simulated.game.plays)

        asyncio.run(play())
        yield services


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pinned packages of Node, and the contracts. Skips where Node is absent."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("NODE IS ABSENT, so that nothing is known of the Node client: install nodejs and npm")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE / name, folder)
    installed = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert installed.returncode == 0, installed.stdout + installed.stderr
    (folder / "protos").symlink_to(ROOT / "protos")
    return folder
