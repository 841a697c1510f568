"""A real Prometheus over the running suite: every rule and panel has data, and an alert gets to who is on call."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.http import status
from deploy.local.ports import reserve
from deploy.local.stack import LocalStack
from deploy.observability.__main__ import FOLDER
from deploy.observability.dashboards import RATE, dashboards
from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import publish_game
from pipeline.jetstream.streams import StreamSettings
from playscore.client import AggregatorClient, FeaturizerClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError
from servicekit.budgets import budgets
from simulator.hockey import simulate_game
from simulator.hockey.feed import feed_of
from simulator.source import SimulatedGames
from tests import nats
from tests.integration.test_feed import LEASE_SECONDS, feed_on
from tests.processes import SECONDS, Command

ROOT = Path(__file__).resolve().parents[2]
AUTOSCALING = ROOT / "deploy" / "kubernetes" / "components" / "autoscaling"
RULES: dict[str, Any] = yaml.safe_load((FOLDER / "rules.yaml").read_text())
NO_DATA: Mapping[str, str] = {
    "playscore_reload_successful": "nothing is followed without certificates, callers or token keys",
}
"""Metrics that this suite does not export, and why."""


@dataclass(frozen=True)
class Prometheus:
    """A server that scrapes the suite."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that an expression has now."""
        address = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found

    def has_data(self, expression: str) -> bool:
        """Whether an expression has a sample that is a number."""
        return any(sample["value"][1] != "NaN" for sample in self.query(expression))

    def names(self) -> set[str]:
        """Of all metrics."""
        with urllib.request.urlopen(f"{self.url}/api/v1/label/__name__/values", timeout=30) as answer:
            return set(json.load(answer)["data"])


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is missing: install Debian's packages prometheus and prometheus-alertmanager")
    return found


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its URL, and what it was told."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", told
    finally:
        server.shutdown()
        server.server_close()


def rules_for_a_test(path: Path) -> None:
    """The committed rules, worked out all at one pace."""
    groups = [{key: value for key, value in group.items() if key != "interval"} for group in RULES["groups"]]
    path.write_text(yaml.safe_dump({"groups": groups}))


def prometheus_settings(stack: LocalStack, worker: int, alertmanager: int) -> dict[str, Any]:
    ports = {
        "featurizer": stack.ports.featurizer_metrics,
        "scorer": stack.ports.scorer_metrics,
        "aggregator": stack.ports.aggregator_metrics,
        "triton": stack.ports.triton_metrics,
        "worker": worker,
    }
    return {
        "global": {"scrape_interval": "2s", "evaluation_interval": "5s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [
            {
                "job_name": job,
                "static_configs": [
                    {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": "playscore", "pod": f"{job}-0"}}
                ],
            }
            for job, port in ports.items()
        ],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
    }


async def until_ready(url: str) -> None:
    end = time.monotonic() + SECONDS
    while await status(url) != 200:
        assert time.monotonic() < end, f"{url} is not ready"
        await asyncio.sleep(0.2)


@pytest.fixture(scope="module")
async def broker() -> AsyncIterator[Broker]:
    async with feed_on(nats.server(), StreamSettings(lease_seconds=LEASE_SECONDS)) as empty:
        yield empty


@dataclass(frozen=True)
class Watched:
    """The suite at play, and who watches it."""

    prometheus: Prometheus
    told: list[dict[str, Any]]
    """What Alertmanager told the webhook."""


@pytest.fixture(scope="module")
async def watched(
    stack: LocalStack, broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Watched]:
    folder = tmp_path_factory.mktemp("observability")
    prometheus_program, alertmanager_program = needed("prometheus"), needed("prometheus-alertmanager")
    async with AsyncExitStack() as closing:
        url, told = closing.enter_context(webhook())
        port, alert_port, worker_port = closing.enter_context(reserve(0, 0, 0))
        receiver = {"name": "on-call", "webhook_configs": [{"url": url}]}
        route = {"receiver": "on-call", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
        (folder / "alertmanager.yaml").write_text(yaml.safe_dump({"route": route, "receivers": [receiver]}))
        rules_for_a_test(folder / "rules.yaml")
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(prometheus_settings(stack, worker_port, alert_port)))
        commands = (
            Command(
                folder / "worker",
                *(sys.executable, "-m", "playscore", "work", "--broker", nats.server().url),
                *("--featurizer", stack.featurizer, "--scorer", stack.scorer, "--aggregator", stack.aggregator),
                *("--metrics-listen", f"127.0.0.1:{worker_port}"),
                environment={"PYTHONPATH": str(ROOT)},
            ),
            Command(
                folder / "alertmanager",
                *(alertmanager_program, f"--config.file={folder / 'alertmanager.yaml'}", "--cluster.listen-address="),
                *(f"--storage.path={folder / 'alerts'}", f"--web.listen-address=127.0.0.1:{alert_port}"),
            ),
            Command(
                folder / "prometheus",
                *(prometheus_program, f"--config.file={folder / 'prometheus.yaml'}"),
                *(f"--storage.tsdb.path={folder / 'series'}", f"--web.listen-address=127.0.0.1:{port}"),
            ),
        )
        for command in commands:
            await closing.enter_async_context(command)
        await until_ready(f"http://127.0.0.1:{port}/-/ready")
        await until_ready(f"http://127.0.0.1:{alert_port}/-/ready")
        await until_ready(f"http://127.0.0.1:{worker_port}/metrics")
        yield Watched(Prometheus(f"http://127.0.0.1:{port}"), told)


@asynccontextmanager
async def games_played(broker: Broker, stack: LocalStack) -> AsyncIterator[asyncio.Task[None]]:
    """Inside the block games of both sports are played, and their ratings are watched and read.

    Gives what does it all, which ends only where something fails.
    """

    async def football() -> None:
        games = SimulatedGames(1_000, 6)
        for game_id in games.game_ids:
            await publish_game(GameName("SIM", game_id), games.feed(game_id), broker, speed=10.0)

    async def hockey() -> None:
        told = await asyncio.to_thread(lambda: list(feed_of(simulate_game(3, 0, period_seconds=30))))
        await publish_game(GameName(told[0].game.league, told[0].game.game_id), told, broker, speed=4.0)

    async def watch() -> None:
        async with AggregatorClient(stack.aggregator) as ratings:
            async for _ in ratings.watch_ratings("SIM", min_plays=1):
                with suppress(PlayscoreError):  # the first watch says that there is nothing yet
                    _ = [each async for each in ratings.list_ratings("SIM")]

    async def describe() -> None:
        async with FeaturizerClient(stack.featurizer) as featurizer:
            while True:
                await featurizer.describe_features(common.TASK_PASSING)
                await asyncio.sleep(1.0)

    async def all_of_it() -> None:
        await asyncio.gather(football(), hockey(), watch(), describe())

    running = asyncio.create_task(all_of_it())
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait([running])


def queries() -> dict[str, str]:
    """What must have data, by where it is shown."""
    panels = {
        f"{dashboard.title}: {panel.title}: {query}": query
        for dashboard in dashboards(budgets())
        for panel in dashboard.panels
        if not panel.only_in_failure
        for query, _ in panel.queries
    }
    recorded = {
        f"{rule['record']} of {rule.get('labels', {})}": rule["record"]
        + "".join(f'{{promise="{name}"}}' for name in rule.get("labels", {}).values())
        for group in RULES["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    return panels | recorded


def metrics_named() -> set[str]:
    """Metrics that rules and panels are made of."""
    texts = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    texts += [query for dashboard in dashboards(budgets()) for panel in dashboard.panels for query, _ in panel.queries]
    names = re.compile(r"\b(?:playscore|grpc|nv|process)_[a-z0-9_]+")
    unquoted = [re.sub(r'"[^"]*"', "", text) for text in texts]
    return {name for text in unquoted for name in names.findall(text)} - {
        "grpc_service",
        "grpc_method",
        "grpc_code",
        "grpc_type",
    }


async def test_every_recording_rule_and_every_panel_has_data(
    watched: Watched, broker: Broker, stack: LocalStack
) -> None:
    missing = {where: query.replace(RATE, "30s") for where, query in queries().items()}
    assert len(missing) > 100
    end = time.monotonic() + SECONDS
    async with games_played(broker, stack) as games:
        while missing:
            missing = {
                where: query
                for where, query in missing.items()
                if not await asyncio.to_thread(watched.prometheus.has_data, query)
            }
            assert time.monotonic() < end, "\n".join(sorted(missing))
            if games.done():
                games.result()
            await asyncio.sleep(3.0)
    exported = watched.prometheus.names()
    assert metrics_named() - exported <= NO_DATA.keys()


def autoscalers_metrics() -> dict[str, str]:
    """What autoscalers go by besides CPU: the names, and where they look for them."""
    scalers = yaml.safe_load_all((AUTOSCALING / "autoscaling.yaml").read_text())
    metrics = [metric for scaler in scalers for metric in scaler["spec"]["metrics"] if metric["type"] != "Resource"]
    return {metric[metric["type"].lower()]["metric"]["name"]: metric["type"] for metric in metrics}


@pytest.mark.parametrize(("name", "kind"), autoscalers_metrics().items())
async def test_an_autoscaler_gets_its_metric_by_the_rules_of_the_adapter(
    watched: Watched, name: str, kind: str
) -> None:
    rules = yaml.safe_load((AUTOSCALING / "prometheus-adapter.yaml").read_text())["rules"]
    of_pods = kind == "Pods"
    asked = {
        "<<.Series>>": name,
        "<<.LabelMatchers>>": 'namespace="playscore"' + (',pod=~".+"' if of_pods else ""),
        "<<.GroupBy>>": "pod" if of_pods else "namespace",
    }

    def found() -> list[dict[str, Any]]:
        for rule in rules["custom" if of_pods else "external"]:
            if any(sample["metric"]["__name__"] == name for sample in watched.prometheus.query(rule["seriesQuery"])):
                query = rule["metricsQuery"]
                for placeholder, value in asked.items():
                    query = query.replace(placeholder, value)
                return watched.prometheus.query(query)
        return []

    end = time.monotonic() + SECONDS
    while not (samples := await asyncio.to_thread(found)):
        assert time.monotonic() < end, f"no rule of the adapter finds {name}"
        await asyncio.sleep(0.5)
    for sample in samples:
        assert sample["metric"].keys() == {asked["<<.GroupBy>>"]}
        assert float(sample["value"][1]) >= 0.0


async def test_an_alert_reaches_who_is_on_call(watched: Watched, broker: Broker) -> None:
    told = GameName("SIM", "torn")
    await broker.js.publish(told.feed, b"\xff\xff\xff\xff\xff no message of the feed")
    end = time.monotonic() + SECONDS
    name = "PlayscoreUnreadableMessages"
    while not (
        found := [alert for told in watched.told for alert in told["alerts"] if alert["labels"]["alertname"] == name]
    ):
        assert time.monotonic() < end, watched.told
        await asyncio.sleep(0.2)
    assert found[0]["labels"]["severity"] == "ticket"
    assert found[0]["annotations"]["runbook_url"].endswith(f"/{name}")
