"""Load tests end to end, on a suite of their own: every play is counted once. How fast it was is not looked at."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.stack import Inference
from loadtest.k6 import requests
from loadtest.recording import Recording
from loadtest.run import load_test
from loadtest.scenarios import SCENARIOS, Scenario
from loadtest.suite import Suite, local_suite
from loadtest.verdict import verdict
from playscore.client import AggregatorClient
from servicekit.budgets import budgets

GAMES = 3
SCRIPTS = Path(__file__).resolve().parents[2] / "deploy" / "k6"


@pytest.fixture(scope="module")
async def suite() -> AsyncIterator[Suite]:
    async with local_suite(GAMES, Inference.ONNXRUNTIME) as started:
        yield started


def small(name: str) -> Scenario:
    return replace(SCENARIOS[name], football=GAMES, hockey=0, seconds=8.0, kickoffs_seconds=1.0)


@pytest.mark.parametrize("name", ["sunday", "burst", "season"])
async def test_every_play_is_counted_once(suite: Suite, name: str) -> None:
    done = await load_test(small(name), 1, suite)
    assert done.plays_recorded == done.plays_told > done.plays_scored > 0
    assert done.readable.count == (0 if done.flat_out else done.plays_scored)
    assert sum(second.plays for second in done.seconds_of_plays) == done.readable.count
    recorded = done.stage("record")
    assert recorded is not None
    assert recorded.count >= done.plays_scored
    assert set(done.parts) == set(suite.processes)
    assert all(part.cpu_seconds >= 0 and part.memory_bytes > 0 for part in done.parts.values())
    assert not [each for each in verdict(done, budgets()).reasons if "plays" in each and "took" not in each]


async def test_a_running_suite_is_tested_by_its_addresses(suite: Suite, tmp_path: Path) -> None:
    report, page = tmp_path / "out.json", tmp_path / "out.html"
    command = [
        *(sys.executable, "-m", "playscore", "loadtest", "--scenario", "burst", "--seconds", "5"),
        *("--target", suite.services["aggregator"], "--broker", suite.broker.url, "--metrics", ",".join(suite.metrics)),
        *("--json", str(report), "--page", str(page)),
    ]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert ran.returncode in {0, 1, 3}, ran.stderr
    written = json.loads(report.read_text())
    recording = Recording.load(report)
    assert written["verdict"]["outcome"] == {0: "kept", 1: "broken", 3: "invalid"}[ran.returncode]
    assert recording.plays_recorded == recording.plays_told
    assert recording.readable.count == recording.plays_scored
    assert {each.metric for each in recording.series} >= {
        "grpc_server_handling_seconds",
        "playscore_pipeline_play_seconds",
    }
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "127.0.0.1:1"], "--broker"),
        (["--metrics", "127.0.0.1:1"], "--target"),
        (["--scale", "0"], "--scale"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(arguments: list[str], said: str) -> None:
    command = [sys.executable, "-m", "playscore", "loadtest", "--scenario", "sunday", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert said in ran.stderr


# --- k6 ---


@pytest.fixture(scope="module")
async def asked(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of requests for the scripts."""
    await load_test(small("season"), 1, suite)
    async with AggregatorClient(suite.services["aggregator"]) as ratings:
        league = next(iter([each.league async for each in ratings.list_leagues() if each.league.startswith("LOAD")]))
    folder = tmp_path_factory.mktemp("requests")
    await requests(suite.services["featurizer"], suite.services["aggregator"], league, folder)
    return folder


@pytest.mark.parametrize(
    ("script", "service"), [("score_passes", "scorer"), ("get_rating", "aggregator"), ("list_ratings", "aggregator")]
)
async def test_k6_calls_a_running_service(script: str, service: str, suite: Suite, asked: Path, tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("k6")
    k6 = str(beside) if beside.exists() else shutil.which("k6")
    assert k6 is not None, "k6 is missing: run make environments"
    summary = tmp_path / "summary.json"
    command = [
        *(k6, "run", "--quiet", "--summary-export", str(summary), "-e", f"ADDRESS={suite.services[service]}"),
        *("-e", f"REQUEST={asked / script}.json", "-e", "RATE=10", "-e", "DURATION=2s", "-e", "CALLERS=5"),
        str(SCRIPTS / f"{script}.js"),
    ]
    environment = {**os.environ, "K6_NO_USAGE_REPORT": "true"}
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode in {0, 99}, ran.stderr  # 99: a threshold was crossed, which is this machine's mood
    metrics = json.loads(summary.read_text())["metrics"]
    assert metrics["checks"]["passes"] > 0, ran.stdout + ran.stderr
    assert metrics["checks"]["fails"] == 0, ran.stdout
