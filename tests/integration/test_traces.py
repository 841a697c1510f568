"""One trace follows one play: from the message that closes it, through every stage, to the commit of its score."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.ports import reserve
from deploy.local.stack import Inference, LocalStack
from deploy.observability.dashboards import RATE, dashboards, has_exemplars
from pipeline.jetstream.bodies import cut, pack
from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import publish_game
from pipeline.jetstream.streams import StreamSettings
from servicekit.budgets import budgets
from servicekit.tracing import tracing
from simulator.hockey import simulate_game
from simulator.hockey.feed import feed_of
from simulator.source import SimulatedGames
from tests import nats
from tests.integration.test_feed import LEASE_SECONDS, feed_on
from tests.otlp import Collector, Told, collector
from tests.processes import Command, until

ROOT = Path(__file__).resolve().parents[2]
GAMES = SimulatedGames(4, 2)
SPEED = 20.0
"""Times real time."""
HOCKEY_SPEED = 8.0
"""The same, of a game in which the result of a shot is told a second or more after its film."""
STAGES = {
    ("publisher", "publish"): None,
    ("worker", "play"): "publish",
    ("worker", "featurize"): "play",
    ("featurizer", "make tensor"): "featurize",
    ("worker", "score"): "play",
    ("scorer", "score play"): "score",
    ("scorer", "infer"): "score play",
    ("worker", "record"): "play",
    ("aggregator", "record play"): "record",
    ("aggregator", "wait for transaction"): "record play",
    ("aggregator", "commit"): "record play",
}
"""The spans of a play that is scored, each with the one that it is a part of."""


@pytest.fixture(scope="module")
def told() -> Iterator[Collector]:
    with collector() as taking:
        yield taking


@pytest.fixture(scope="module")
async def traced(
    told: Collector, releases: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LocalStack]:
    """The services, which send what they trace; they begin no traces of their own."""
    folder = tmp_path_factory.mktemp("traced")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        for service in ("FEATURIZER", "SCORER", "AGGREGATOR"):
            environment.setenv(f"PLAYSCORE_{service}_OTLP_ENDPOINT", told.url)
            environment.setenv(f"PLAYSCORE_{service}_TRACE_RATIO", "0")
        stack = LocalStack(store=folder / "aggregator.db", releases=releases, inference=Inference.ONNXRUNTIME)
        async with stack as running:
            yield running


@pytest.fixture(scope="module")
async def broker() -> AsyncIterator[Broker]:
    async with feed_on(nats.server(), StreamSettings(lease_seconds=LEASE_SECONDS)) as empty:
        yield empty


@pytest.fixture(scope="module")
async def worker(
    traced: LocalStack, broker: Broker, told: Collector, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of a worker's metrics. It traces every play of which the feed says nothing else."""
    with reserve(0) as (port,):
        command = Command(
            tmp_path_factory.mktemp("traces") / "worker",
            *(sys.executable, "-m", "playscore", "work", "--broker", nats.server().url),
            *("--featurizer", traced.featurizer, "--scorer", traced.scorer, "--aggregator", traced.aggregator),
            *("--metrics-listen", f"127.0.0.1:{port}", "--otlp-endpoint", told.url, "--trace-ratio", "1"),
            environment={"PYTHONPATH": str(ROOT), "OTEL_BSP_SCHEDULE_DELAY": "100"},
        )
        async with command:
            await command.says('"serving"')
            yield f"127.0.0.1:{port}"


async def play(broker: Broker, number: int) -> str:
    """Publishes a simulated game as it is played, so that no message closes two plays. Its identifier."""
    game_id = GAMES.game_ids[number]
    await publish_game(GameName("SIM", game_id), GAMES.feed(game_id), broker, speed=SPEED)
    return game_id


def ends_of(told: Collector, game_id: str) -> list[Told]:
    """The spans of the game's plays that were scored and recorded."""
    return [
        span
        for span in told.named("play")
        if span.attributes.get("playscore.game_id") == game_id
        and span.attributes["playscore.outcome"] in ("scored", "ungraded")
    ]


async def whole(told: Collector, game_id: str, stages: int) -> list[list[Told]]:
    """The traces of a game's plays, once each has as many spans as it must."""

    def traces() -> list[list[Told]]:
        found = (told.trace(span.trace_id) for span in ends_of(told, game_id))
        return [trace for trace in found if len({(span.service, span.name) for span in trace}) >= stages]

    await until(lambda: bool(traces()))
    return traces()


async def test_one_trace_follows_a_play_from_publishing_to_commit(worker: str, broker: Broker, told: Collector) -> None:
    async with tracing("publisher", told.url, 1.0):
        game_id = await play(broker, 0)
    trace = (await whole(told, game_id, len(STAGES)))[0]
    by_id = {span.span_id: span for span in trace}
    for (service, name), parent in STAGES.items():
        spans = [span for span in trace if (span.service, span.name) == (service, name)]
        assert spans, f"{service} tells nothing of {name}"
        for span in spans:
            of = by_id.get(span.parent_id)
            if of is None or of.name != name:  # a later result of a play is a part of its span
                assert (None if of is None else of.name) == parent
    played, commit = (min((s for s in trace if s.name == name), key=lambda s: s.begin) for name in ("play", "commit"))
    assert played.begin <= commit.begin <= commit.end <= played.end
    assert {span.attributes["playscore.play_id"] for span in trace if "playscore.play_id" in span.attributes} == {
        played.attributes["playscore.play_id"]
    }


async def test_the_grade_of_a_later_result_is_a_part_of_the_trace_of_its_play(
    worker: str, broker: Broker, told: Collector
) -> None:
    game = await asyncio.to_thread(lambda: list(feed_of(simulate_game(3, 0, period_seconds=20))))
    await publish_game(GameName(game[0].game.league, game[0].game.game_id), game, broker, speed=HOCKEY_SPEED)
    await until(lambda: bool(told.named("grade play")))
    for span in told.named("grade play"):
        assert span.service == "scorer"
        by_id = {each.span_id: each for each in told.trace(span.trace_id)}
        grade = by_id[span.parent_id]
        assert (grade.service, grade.name) == ("worker", "grade")
        assert by_id[grade.parent_id].attributes["playscore.play_id"] == span.attributes["playscore.play_id"]


async def test_the_worker_begins_the_trace_where_the_feed_names_none(
    worker: str, broker: Broker, told: Collector
) -> None:
    game_id = await play(broker, 3)
    trace = (await whole(told, game_id, len(STAGES) - 1))[0]
    [root] = [span for span in trace if not span.parent_id]
    assert (root.service, root.name) == ("worker", "play")


async def test_plays_are_recorded_whatever_the_feed_says_of_their_trace(
    worker: str, broker: Broker, told: Collector
) -> None:
    game_id = GAMES.game_ids[2]
    name = GameName("SIM", game_id)
    hostile = ["junk", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "0" * 100_000, "00-é-ü-01"]
    for number, together in enumerate(cut(list(GAMES.feed(game_id)))):
        await broker.js.publish(name.feed, pack(together), headers={"traceparent": hostile[number % len(hostile)]})
    await until(lambda: len(ends_of(told, game_id)) > 0)


@dataclass(frozen=True)
class Prometheus:
    url: str

    def exemplars(self, query: str) -> list[dict[str, str]]:
        """The labels of the exemplars that it keeps of what a query shows."""
        asked = urllib.parse.urlencode({"query": query, "start": "0", "end": "9999999999"})
        with urllib.request.urlopen(f"{self.url}/api/v1/query_exemplars?{asked}", timeout=30) as answer:
            series: list[dict[str, Any]] = json.load(answer)["data"]
        return [exemplar["labels"] for each in series for exemplar in each["exemplars"]]


@pytest.fixture(scope="module")
async def prometheus(
    worker: str, traced: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is missing: install Debian's package prometheus")
    folder = tmp_path_factory.mktemp("exemplars")
    ports = traced.ports
    targets = {
        "featurizer": f"127.0.0.1:{ports.featurizer_metrics}",
        "scorer": f"127.0.0.1:{ports.scorer_metrics}",
        "aggregator": f"127.0.0.1:{ports.aggregator_metrics}",
        "worker": worker,
    }
    (folder / "prometheus.yaml").write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s"},
                "scrape_configs": [
                    {"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()
                ],
            }
        )
    )
    async with AsyncExitStack() as closing:
        [port] = closing.enter_context(reserve(0))
        command = Command(
            folder / "prometheus",
            *(program, f"--config.file={folder / 'prometheus.yaml'}", "--enable-feature=exemplar-storage"),
            *(f"--storage.tsdb.path={folder / 'series'}", f"--web.listen-address=127.0.0.1:{port}"),
        )
        await closing.enter_async_context(command)
        await command.says("ready to receive web requests")
        yield Prometheus(f"http://127.0.0.1:{port}")


PANELS = sorted(
    {
        query.replace(RATE, "1m")
        for dashboard in dashboards(budgets())
        for panel in dashboard.panels
        for query, _ in panel.queries
        if has_exemplars(query) and "grpc_server" not in query
    }
)
"""What the dashboards show of the latencies of plays. Calls, whose latencies they show too, begin no traces here."""


def has_any(prometheus: Prometheus, query: str) -> bool:
    return bool(prometheus.exemplars(query))


async def test_a_panel_of_latency_leads_to_the_trace_of_a_play(
    prometheus: Prometheus, broker: Broker, told: Collector
) -> None:
    assert len(PANELS) >= 6
    game_id = await play(broker, 3)
    await whole(told, game_id, len(STAGES) - 1)
    for query in PANELS:
        await until(partial(has_any, prometheus, query))
        for labels in prometheus.exemplars(query):
            assert labels["span_id"] in {span.span_id for span in told.trace(labels["trace_id"])}
