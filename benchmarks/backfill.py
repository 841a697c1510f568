"""How fast a backfill goes, and what a play costs: `python -m benchmarks.backfill`.

Triton and the services run as processes of their own, and so does each worker (`playscore backfill`). CPU seconds are
those of the processes while games are played, from reading the files to the ratings.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import click

from deploy.local.stack import LocalStack
from simulator.bdb2019 import write
from simulator.games import simulate

PUBLISHED_CORE_SECONDS = 2 * 3600 * 96 / 50_000
"""What the published system takes for a play: two hours on 96 cores for 50,000."""
PLAYS_A_GAME = 70
TICKS = os.sysconf("SC_CLK_TCK")
RUN = "from pipeline.backfill.commands import backfill; backfill()"


def cpu_seconds(root: int) -> float:
    """Of a process and all that it started, those that have ended and were waited for included."""
    parents: defaultdict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        pid = int(stat.parent.name)
        parents[int(fields[1])].append(pid)
        ticks[pid] = sum(map(int, fields[11:15]))
    family, total = [root], 0
    while family:
        pid = family.pop()
        total += ticks.get(pid, 0)
        family += parents[pid]
    return total / TICKS


async def work(stack: LocalStack, data: Path, share: str, report: Path, options: tuple[str, ...]) -> None:
    """Runs one worker to its end."""
    addresses = ("--featurizer", stack.featurizer, "--scorer", stack.scorer, "--aggregator", stack.aggregator)
    arguments = ("--data", str(data), "--worker", share, "--json", str(report), *addresses, *options)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode:
        raise click.ClickException(said.decode())


def spent_by_children() -> float:
    """CPU seconds of the processes that ended."""
    times = os.times()
    return times.children_user + times.children_system


async def measure(data: Path, workers: int, rounds: int, options: tuple[str, ...]) -> None:
    rates, costs = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            async with LocalStack() as stack:
                servers = {name: server.pid for name, server in stack.servers.items()}
                before = {name: cpu_seconds(pid) for name, pid in servers.items()}
                begin, spent_before = time.perf_counter(), spent_by_children()
                reports = [Path(folder) / f"{index}.jsonl" for index in range(workers)]
                await asyncio.gather(
                    *(work(stack, data, f"{place}/{workers}", report, options) for place, report in enumerate(reports))
                )
                seconds = time.perf_counter() - begin
                spent = {"workers": spent_by_children() - spent_before}
                spent |= {name: cpu_seconds(pid) - before[name] for name, pid in servers.items()}
            plays = sum(json.loads(report.read_text().splitlines()[-1])["summary"]["plays"] for report in reports)
        rates.append(plays / seconds)
        costs.append(sum(spent.values()) / plays)
        parts = ", ".join(f"{name} {1e3 * value / plays:.2f}" for name, value in spent.items())
        print(f"{plays} plays in {seconds:.1f} s, start of the workers included: {rates[-1]:.0f} a second")
        print(f"  CPU ms a play: {1e3 * costs[-1]:.2f} in all; {parts}")
    rate, cost = statistics.median(rates), statistics.median(costs)
    print(f"median: {rate:.0f} plays a second; 50,000 take {50_000 * cost:.0f} core-seconds")
    print(f"the published system takes {PUBLISHED_CORE_SECONDS / cost:,.0f} times as long")


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Recorded games; simulated ones if absent.")
@click.option("--games", default=32, show_default=True, help="Games to simulate.")
@click.option("--workers", default=1, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.argument("options", nargs=-1)
def main(data: Path | None, games: int, workers: int, rounds: int, options: tuple[str, ...]) -> None:
    """OPTIONS behind -- go to playscore backfill."""
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            data = Path(folder)
            write(simulate(11, games, PLAYS_A_GAME), data)
        asyncio.run(measure(data, workers, rounds, options))


if __name__ == "__main__":
    main()
