"""The contracts make a Node client, with types, that calls each service."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import NODE
from tests.clients.services import Services

TYPES = [
    "--longs=String", "--enums=String", "--defaults", "--oneofs", "--grpcLib=@grpc/grpc-js",
    "--importFileExtension=.js", "--includeDirs=protos", "--outDir=types",
]  # fmt: skip


def run(folder: Path, *command: str) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def calls(node_folder: Path) -> Path:
    """calls.ts, compiled against the types of the contracts."""
    contracts = [f"playscore/{name}/v1/{name}.proto" for name in ("aggregator", "featurizer", "scorer")]
    run(node_folder, "node_modules/.bin/proto-loader-gen-types", *TYPES, *contracts)
    for name in ("calls.ts", "tsconfig.json"):
        shutil.copy(NODE / name, node_folder)
    run(node_folder, "node_modules/.bin/tsc", "--project", ".")
    return node_folder / "calls.js"


def test_one_call_of_each_service_and_a_refusal(calls: Path, services: Services) -> None:
    answers = json.loads(
        run(calls.parent, "node", calls.name, "protos", services.featurizer, services.scorer, services.aggregator)
    )
    assert answers["frameColumns"] > 100
    assert {"name": "passing", "task": "TASK_PASSING", "ready": True} in answers["models"]
    assert "PASS_DEPTH_DEEP" in answers["depths"]
    assert answers["plays"] > 0
    assert answers["refusal"] == {"code": "NOT_FOUND", "reason": "REASON_LEAGUE_NOT_FOUND"}


def test_packages_are_pinned_and_come_from_no_particular_host() -> None:
    package = json.loads((NODE / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((NODE / "package-lock.json").read_text(encoding="utf-8"))
    wanted = package["dependencies"] | package["devDependencies"]
    assert lock["packages"][""]["dependencies"] | lock["packages"][""]["devDependencies"] == wanted
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert not any("resolved" in locked for locked in lock["packages"].values())
    assert all("integrity" in locked for place, locked in lock["packages"].items() if place)
