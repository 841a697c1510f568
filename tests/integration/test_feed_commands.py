"""`playscore feed`, `publish`, `work` and `backfill --broker`, as people call them."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import urllib.request
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deploy.local.stack import serving as is_serving
from pipeline.backfill.commands import backfill
from pipeline.jetstream.broker import Broker
from pipeline.jetstream.commands import feed, publish_command
from pipeline.jetstream.names import GameName
from pipeline.jetstream.states import States
from pipeline.jetstream.streams import StreamSettings, existing_streams
from pipeline.replay import Addresses
from simulator.source import SimulatedGames
from tests import nats
from tests.integration.test_feed import LEASE_SECONDS, feed_on, worker
from tests.processes import until

NOBODY = "127.0.0.1:1"
GAMES = SimulatedGames(2, 3)


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with feed_on(nats.server(), StreamSettings(lease_seconds=LEASE_SECONDS)) as empty:
        yield empty


async def call(*words: str, command: Any = feed) -> Result:
    """What a command answers. It has an event loop of its own, so it runs in a thread of its own."""
    arguments = [*words, "--broker", nats.server().url]
    return await asyncio.to_thread(CliRunner().invoke, command, arguments)


async def publish(*words: str) -> Result:
    return await call("--speed", "max", *words, command=publish_command(SimulatedGames))


async def status() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((await call("status", "--json")).output)
    return document


async def test_a_feed_is_made_once_and_changed_after(broker: Broker) -> None:
    for stream in ("PLAYSCORE_FEED", "PLAYSCORE_WORK", "KV_playscore_games"):
        await broker.js.delete_stream(stream)
    missing = await call("status")
    assert missing.exit_code == 1
    assert "playscore feed create" in str(missing.exception)
    made = await call("create", "--max-age", "2h", "--max-bytes", "500M", "--lease", "3s")
    assert made.exit_code == 0, made.output
    assert made.output.startswith("made: subjects feed.<league>.<game>, 1 replica")
    assert "sync_interval: always" in made.output
    await publish("--simulate", "2", "--plays", "3")
    changed = await call("create", "--max-age", "3h")
    assert changed.output.startswith("changed:")
    document = await status()
    assert (document["max_age_seconds"], document["lease_seconds"]) == (3 * 3600, 5)
    assert document["messages"] == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("create", "--max-age", "soon"), "no duration"),
        (("create", "--max-age", "0s"), "not above 0"),
        (("create", "--max-bytes", "lots"), "no number of bytes"),
        (("retry",), "--aside"),
        (("retry", "NFL"), "league/game"),
    ],
)
async def test_what_cannot_be_meant_is_refused(words: Sequence[str], complaint: str) -> None:
    refused = await call(*words)
    assert refused.exit_code == 2
    assert complaint in refused.output


async def test_without_a_broker_a_command_says_where_it_looked() -> None:
    refused = await asyncio.to_thread(
        CliRunner().invoke, feed, ["status", "--broker", f"nats://somebody:secret@{NOBODY}"]
    )
    assert refused.exit_code == 1
    [line] = refused.output.splitlines()
    assert f"no broker answers at nats://{NOBODY}" in line
    assert "secret" not in line


async def test_publishing_says_what_it_did(broker: Broker) -> None:
    first = await publish("--simulate", "2", "--plays", "3")
    assert first.exit_code == 0, first.output
    assert "2 games: 2 messages sent" in first.output
    again = await publish("--simulate", "2", "--plays", "3")
    assert "2 games: 0 messages sent (0.0 MB), 2 known already" in again.output
    neither = await publish()
    assert neither.exit_code == 2


async def test_a_game_that_was_set_aside_is_shown_and_retried(broker: Broker) -> None:
    await publish("--simulate", "2", "--plays", "3")
    states = await States.of(broker, await existing_streams(broker))
    name = GameName("SIM", GAMES.game_ids[0])
    state = await states.get(name)
    await states.add_failure(name, "INTERNAL: a defect")
    await states.move(type(state)(name, aside="5 runs failed, the last one of: INTERNAL: a defect"))
    shown = await call("status")
    assert shown.exit_code == 1
    assert "set aside" in shown.output
    retried = await call("retry", "--aside")
    assert retried.output == f"1 game in the queue: {name}\n"
    games = {game["game_id"]: game for game in (await status())["games"]}
    assert games[name.game_id]["standing"] == "waiting"
    assert (games[name.game_id]["failures"], games[name.game_id]["aside"]) == (0, "")
    assert (await call("status")).exit_code == 0
    unknown = await call("retry", "SIM/nobody")
    assert unknown.exit_code == 1
    assert "keeps nothing of game SIM nobody" in unknown.output


async def test_a_worker_shows_health_and_metrics_and_ends_in_good_order(broker: Broker, tmp_path: Path) -> None:
    away = Addresses(NOBODY, NOBODY, NOBODY)
    async with worker(tmp_path / "one", nats.server().url, away, "--games-at-once", "1") as one:
        await one.says('"serving"')
        listening = next(json.loads(line) for line in one.stderr.splitlines() if '"listening"' in line)
        assert await is_serving(listening["address"])
        await publish("--simulate", "2", "--plays", "3")
        shown: dict[str, str] = {}

        def holds_one() -> bool:
            with urllib.request.urlopen(f"http://{listening['metrics_address']}/metrics") as answer:
                shown.update(
                    re.findall(r"^(playscore_work_\w+(?:\{.*\})?) (\S+)$", answer.read().decode(), re.MULTILINE)
                )
            return shown["playscore_work_games_held"] == "1.0"

        await until(holds_one)
        assert shown["playscore_work_messages_behind"] == "0.0"
        assert shown['playscore_work_runs_total{ending="handed_over"}'] == "0.0"
        one.signal(signal.SIGTERM)
        assert await one.ended() == 0
        assert one.stderr.count('"game handed over"') == 1


async def test_a_worker_without_a_feed_ends_and_says_what_to_do(broker: Broker, tmp_path: Path) -> None:
    await broker.js.delete_stream("PLAYSCORE_WORK")
    async with worker(tmp_path / "one", nats.server().url, Addresses(NOBODY, NOBODY, NOBODY)) as refused:
        assert await refused.ended() == 1
        assert "playscore feed create" in refused.stderr
        assert "Traceback" not in refused.stderr


async def test_a_backfill_over_a_broker_refuses_what_workers_decide(tmp_path: Path) -> None:
    (tmp_path / "games.jsonl").touch()
    refused = await call("--data", str(tmp_path), "--models", "passing:3", "--state", "s", command=backfill)
    assert refused.exit_code == 2
    assert "--models, --state: not with --broker" in refused.output
