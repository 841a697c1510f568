"""How fast ratings of a split are read, with other engines reading the same rows in the same run; and what plays cost.

python -m benchmarks.aggregator                                   everything, one million plays
python -m benchmarks.aggregator --plays 10000000 --part reads     ten million, in memory alone
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import click
import duckdb
import grpc
import numpy as np
import polars as pl
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from aggregator.core.arrays import Texts
from aggregator.core.batches import NAME, TEAM, Batch
from aggregator.core.fields import FieldType
from aggregator.core.following import Follower
from aggregator.core.keeping import packing
from aggregator.core.queries import RatingQueries, Split
from aggregator.core.recording import Write
from aggregator.core.records import PlayKey, Score, Scored, Value
from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Changes
from aggregator.core.table import Table
from aggregator.core.task import Tasks
from aggregator.passing.fields import SCHEMA
from aggregator.passing.messages import pass_messages
from aggregator.passing.task import PassingTask
from aggregator.sqlite.store import SqliteStore
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceStub
from playscore.common.v1 import common_pb2 as common
from playscore.passing import PASSER
from playscore.release import ModelVersion, ReferencePopulation
from playscore.subjects import Subject
from tests.postgres import Server

SERVING = health_pb2.HealthCheckResponse.SERVING
LEAGUE, MODEL = "SIM", ModelVersion("passing", 1)
POPULATION = ReferencePopulation(
    description="made up",
    subjects=32,
    min_plays=224,
    mean=0.5,
    standard_deviation=0.02,
    play_standard_deviation=0.29,
    shrinkage_plays=200,
)
PASSING = PassingTask({MODEL: POPULATION}, MODEL)
TASKS = Tasks([PASSING])
SPLITS = {
    "everything": "",
    "under pressure, 2.5 to 4 s": ("under_pressure AND time_to_throw_seconds >= 2.5 AND time_to_throw_seconds < 4"),
    "the same in one season": (
        "season = 2021 AND under_pressure AND time_to_throw_seconds >= 2.5 AND time_to_throw_seconds < 4"
    ),
    "third or fourth down, deep": "down >= 3 AND depth = 'PASS_DEPTH_DEEP'",
    "first or second down": "down <= 2",
    "wide open, or close to the goal": "(target_separation_yards > 3 OR yards_to_end_zone <= 20)",
    "not at home, losing": "NOT home AND score_difference < 0",
}
"""Filters that are SQL, too."""
PIECE = 131_072
SUBJECTS = 60


# --- Plays: always the same; 60 passers in 20 seasons ---


def batches(count: int) -> Iterator[Batch]:
    """Made-up plays. Numbers that are measured have all the digits of a double."""
    for start in range(0, count, PIECE):
        yield batch(start, min(count, start + PIECE), count)


def batch(start: int, stop: int, count: int) -> Batch:
    rng = np.random.default_rng(start)
    numbers, size = np.arange(start, stop), stop - start

    def texts(codes: Any, name: str, many: int) -> Texts:
        return Texts(np.asarray(codes, dtype=np.uint32), [f"{name}{code}" for code in range(many)])

    passers = rng.integers(0, SUBJECTS, size)
    teams = (passers + numbers // 300_000) % 32
    first_game = start // 150
    depths = SCHEMA.fields["depth"].values
    values = {
        "season": 2004 + numbers * 20 // count,
        "week": numbers // 2400 % 18 + 1,
        "quarter": numbers % 4 + 1,
        "game_clock_seconds": rng.integers(0, 900, size),
        "down": rng.integers(1, 5, size),
        "yards_to_go": rng.integers(1, 20, size),
        "yards_to_end_zone": rng.integers(1, 99, size),
        "score_difference": rng.integers(-21, 22, size),
        "home": rng.random(size) < 0.5,
        "time_to_throw_seconds": rng.integers(10, 50, size) / 10,
        "under_pressure": rng.random(size) < 0.3,
        "air_yards": rng.integers(-5, 50, size),
        "target_separation_yards": 8 * rng.random(size),
        "defenders_near_target": rng.integers(0, 3, size),
        "passer_depth_yards": 9 * rng.random(size),
        "passer_lateral_yards": 9 * rng.random(size),
        "passer_speed_yards_per_second": 9 * rng.random(size),
    }
    return Batch(
        numbers=numbers,
        texts={
            "game_id": Texts(
                (numbers // 150 - first_game).astype(np.uint32),
                [f"{game:06d}" for game in range(first_game, stop // 150 + 1)],
            ),
            "play_id": texts(numbers % 150, "", 150),
            "subject_id": texts(passers, "passer-", SUBJECTS),
            NAME: texts(passers, "Passer ", SUBJECTS),
            TEAM: texts(teams, "T", 32),
            "team_id": texts(teams, "T", 32),
            "opponent_id": texts(numbers % 32, "T", 32),
            "depth": Texts(rng.integers(0, len(depths), size).astype(np.uint32), depths),
            "target_id": texts(rng.integers(0, 600, size), "target-", 600),
        },
        values={name: np.asarray(each, dtype=np.float64) for name, each in values.items()},
        addends={
            "play_score": rng.random(size),
            "yards_gained": rng.integers(-5, 50, size).astype(np.float64),
            "expected_yards": 12 * rng.random(size),
        },
    )


def frame_of(plays: Batch) -> pl.DataFrame:
    """The same plays as rows of the fields that splits ask for."""
    columns: dict[str, Any] = {
        name: np.array(each.values, dtype=object)[each.codes] for name, each in plays.texts.items()
    }
    columns |= {**plays.values, **plays.addends}
    types = {FieldType.INTEGER: pl.Int32(), FieldType.BOOLEAN: pl.Boolean()}
    kinds = {name: types[field.type] for name, field in SCHEMA.fields.items() if field.type in types}
    frame = pl.DataFrame({name: pl.Series(each) for name, each in columns.items()})
    return frame.with_columns(pl.col(name).cast(kind) for name, kind in kinds.items())


def scores(plays: Batch) -> list[Score]:
    """The same plays one by one."""
    texts = {name: [each.values[code] for code in each.codes.tolist()] for name, each in plays.texts.items()}
    values = {name: each.tolist() for name, each in plays.values.items()}
    addends = {name: each.tolist() for name, each in plays.addends.items()}

    def value(name: str, number: float) -> Value:
        match SCHEMA.fields[name].type:
            case FieldType.INTEGER:
                return int(number)
            case FieldType.BOOLEAN:
                return bool(number)
        return number

    named = [name for name in texts if name in SCHEMA.fields and name not in ("game_id", "play_id", "subject_id")]
    return [
        Score(
            play=PlayKey(LEAGUE, texts["game_id"][row], texts["play_id"][row]),
            task=PASSING.number,
            subject=Subject(PASSER, texts["subject_id"][row], texts[NAME][row], texts[TEAM][row]),
            model=MODEL,
            revision=1,
            outcome_revision=1,
            measures={name: each[row] for name, each in addends.items()},
            attributes={
                **{name: texts[name][row] for name in named},
                **{name: value(name, each[row]) for name, each in values.items()},
            },
        )
        for row in range(len(plays))
    ]


def median_ms(call: Callable[[], object], repeats: int = 9) -> float:
    """Median time of a call, ms, after one to warm up."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


# --- Reads, in memory ---


def summing(where: str) -> str:
    return (
        "SELECT subject_id, count(*), sum(play_score), sum(yards_gained), sum(expected_yards)"
        f" FROM plays WHERE {where or 'true'} GROUP BY 1 ORDER BY 3 DESC LIMIT 50"
    )


def unheard_of(text: str, number: int) -> str:
    """A split that nobody has asked for, with one comparison more, which every play passes."""
    return f"{text}{' AND ' if text else ''}score_difference > {-1000 - number}"


def snapshot_of(count: int) -> tuple[Snapshot, Table]:
    snapshot = Snapshot(TASKS)
    snapshot.apply(Changes(Revision(2), last=True, scores=[(count, scores(batch(0, 1, count))[0])]))
    snapshot.apply(Changes(Revision(3), last=True, withdrawn=[count]))
    league = snapshot.league(LEAGUE)
    assert league is not None
    table = league.scores(PASSING, PASSER, MODEL).graded
    for plays in batches(count):
        table.load(plays)
    while (merge := table.merge()) is not None:
        merge.finish(merge.run())
    return snapshot, table


async def postgres_table(url: str, frame: pl.DataFrame) -> asyncpg.Connection:
    connection = await asyncpg.connect(url)
    types = {pl.String: "text", pl.Int32: "integer", pl.Boolean: "boolean", pl.Float64: "double precision"}
    columns = ", ".join(f"{name} {types[type(dtype)]}" for name, dtype in frame.schema.items())
    await connection.execute(f"CREATE TABLE plays ({columns})")
    for piece in frame.iter_slices(100_000):
        await connection.copy_records_to_table("plays", records=piece.rows())
    await connection.execute("VACUUM ANALYZE plays")
    return connection


def reads(count: int, *, with_databases: bool) -> None:
    """Every split by every engine. Ours ranks and rates besides; the others add up."""
    snapshot, table = snapshot_of(count)
    click.echo(f"{count:,} plays: {table.nbytes / count:.0f} bytes a play in {len(table.segments())} segments")
    frame = pl.concat([frame_of(plays) for plays in batches(count)])
    duck = duckdb.connect()
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        frame.write_parquet(file.name)
        duck.execute(f"CREATE TABLE plays AS SELECT * FROM '{file.name}'")
    engines: dict[str, Callable[[str], object]] = {
        "DuckDB": lambda where: duck.execute(summing(where)).fetchall(),
        "polars": lambda where: pl.SQLContext(plays=frame).execute(summing(where), eager=True),
    }
    with ExitStack() as stack:
        if with_databases:
            lite = stack.enter_context(closing(sqlite3.connect(":memory:")))
            lite.execute(f"CREATE TABLE plays ({', '.join(frame.columns)})")
            lite.executemany(f"INSERT INTO plays VALUES ({', '.join('?' * frame.width)})", frame.iter_rows())
            engines["SQLite"] = lambda where: lite.execute(summing(where)).fetchall()
            loop = stack.enter_context(asyncio.Runner())
            server = Server({"fsync": "on", "autovacuum": "on", "shared_buffers": "1GB", "jit": "off"})
            server.start()
            stack.callback(server.remove)
            connection = loop.run(postgres_table(server.url(), frame))
            stack.callback(lambda: loop.run(connection.close()))
            engines["PostgreSQL"] = lambda where: loop.run(connection.fetch(summing(where)))
        _compare(snapshot, engines)


def _compare(snapshot: Snapshot, engines: Mapping[str, Callable[[str], object]]) -> None:
    anew = itertools.count()
    question = {name: Split(LEAGUE, PASSER, text) for name, text in SPLITS.items()}

    def page(split: Split, **more: Any) -> object:
        # Queries of their own, so that no whole answer is remembered.
        return RatingQueries(snapshot).ratings(split, **more)

    def first(split: Split, **more: Any) -> object:
        return page(Split(LEAGUE, PASSER, unheard_of(split.filter, next(anew))), **more)

    rows = []
    for name, split in question.items():
        times = [median_ms(partial(first, split)), median_ms(partial(page, split))]
        times += [median_ms(partial(ask, SPLITS[name]), repeats=5) for ask in engines.values()]
        rows.append((name, times))
    titles = ["cold", "cached", *engines]
    click.echo(f"{'ms a split, sums by passer and a page of 50':44}" + "".join(f"{title:>13}" for title in titles))
    for name, times in rows:
        click.echo(f"{name:44}" + "".join(f"{each:13.2f}" for each in times))
    medians = [statistics.median(column) for column in zip(*(times for _, times in rows), strict=True)]
    click.echo(f"{'median':44}" + "".join(f"{each:13.2f}" for each in medians))
    everything = question["everything"]
    for group_by in (["subject_id", "season"], ["team_id"], ["depth", "down"]):
        took = median_ms(partial(first, everything, group_by=group_by), repeats=5)
        click.echo(f"everything by {' and '.join(group_by)}, cold: {took:.1f} ms")
    queries = RatingQueries(snapshot)
    of_one = median_ms(lambda: queries.plays(everything, subject_id="passer-7"))
    of_all = median_ms(lambda: queries.plays(everything))
    coverage = median_ms(lambda: queries.coverage(LEAGUE, PASSER), repeats=3)
    click.echo(f"a page of plays: of one {of_one:.1f} ms, of all {of_all:.1f} ms; coverage of all {coverage:.1f} ms")


# --- A store, and the service over it ---


async def fill(path: Path, count: int) -> float:
    """Write so many plays, 10,000 a request. Returns plays a second."""
    store = SqliteStore(path, TASKS.roles)
    await store.open()
    begin = time.perf_counter()
    for plays in batches(count):
        each = scores(plays)
        for start in range(0, len(each), 10_000):
            some = each[start : start + 10_000]
            await store.record(Write(f"{some[0].play}", b"", dict(enumerate(map(Scored, some)))))
    seconds = time.perf_counter() - begin
    await store.close()
    return count / seconds


async def loading(path: Path, *, keep: bool = False) -> tuple[float, float]:
    """Seconds from opening a store to a snapshot of all of it, and for having it kept if so asked."""
    begin = time.perf_counter()
    store = SqliteStore(path, TASKS.roles)
    await store.open()
    follower = Follower(store, snapshot := Snapshot(TASKS))
    await follower.open()
    loaded = time.perf_counter()
    if keep:
        await store.keep(packing(snapshot).run())
    kept = time.perf_counter()
    await follower.close()
    await store.close()
    return loaded - begin, kept - loaded


class Served:
    """An aggregator of its own process over a store file."""

    def __init__(self, path: Path) -> None:
        self.address = f"127.0.0.1:{_free_port()}"
        settings = {"STORE": f"sqlite:///{path}", "LISTEN": self.address, "METRICS_LISTEN": f"127.0.0.1:{_free_port()}"}
        environment = {f"PLAYSCORE_AGGREGATOR_{name}": value for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aggregator", "--log-level", "warning"], env={**os.environ, **environment}
        )
        self.channel = grpc.insecure_channel(self.address)
        health = health_pb2_grpc.HealthStub(self.channel)
        while True:
            try:
                if health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == SERVING:
                    break
            except grpc.RpcError:
                pass
            time.sleep(0.05)
        self.stub = AggregatorServiceStub(self.channel)

    def come_to_rest(self) -> None:
        """Wait until it has merged what it loaded."""
        process = psutil.Process(self.process.pid)
        process.cpu_percent()
        while process.cpu_percent(interval=1.0) > 5.0:
            pass

    def memory(self) -> int:
        """Resident, bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def close(self) -> None:
        self.channel.close()
        self.process.terminate()
        self.process.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def split(text: str) -> pb.Split:
    model = common.ModelVersion(name=MODEL.name, version=MODEL.version)
    return pb.Split(league=LEAGUE, role=common.ROLE_PASSER, filter=text, model=model)


def served(folder: Path, count: int) -> None:
    """Start-up, reads and fresh reads through gRPC, memory."""
    path, empty = folder / "plays.sqlite", folder / "empty.sqlite"
    rate = asyncio.run(fill(path, count))
    click.echo(f"\n{count:,} plays written to SQLite, 10,000 a request: {rate:,.0f} plays a second")
    seconds = statistics.median(asyncio.run(loading(path))[0] for _ in range(3))
    click.echo(f"in memory from the records after {seconds:.2f} s, {1e6 * seconds / count:.2f} s a million")
    _, keeping = asyncio.run(loading(path, keep=True))
    seconds = statistics.median(asyncio.run(loading(path))[0] for _ in range(3))
    click.echo(
        f"from the kept columns after {seconds:.2f} s, {1e6 * seconds / count:.2f} s a million; kept in {keeping:.2f} s"
    )
    with closing(Served(empty)) as nothing, closing(Served(path)) as service:
        service.come_to_rest()
        anew = itertools.count(1_000_000)

        def ask(text: str, *, first: bool, **more: Any) -> None:
            asked = unheard_of(text, next(anew)) if first else text
            service.stub.ListRatings(pb.ListRatingsRequest(split=split(asked), page_size=50, **more), timeout=30)

        firsts = [median_ms(partial(ask, text, first=True)) for text in SPLITS.values()]
        agains = [median_ms(partial(ask, text, first=False)) for text in SPLITS.values()]
        click.echo("a page of ratings through gRPC, cold, ms: " + ", ".join(f"{each:.2f}" for each in firsts))
        click.echo(
            f"median over the splits: {statistics.median(firsts):.2f} ms, cached {statistics.median(agains):.2f} ms"
        )
        numbers = itertools.count()
        extra = scores(batch(0, 200, 200))

        def write_and_read() -> None:
            number = next(numbers)
            record = pass_messages(PASSING).score_to_message(
                replace(extra[number], play=PlayKey(LEAGUE, "live", str(number)))
            )
            request = pb.RecordScoresRequest(request_id=f"live {time.time_ns()}", records=[pb.PlayRecord(score=record)])
            written = service.stub.RecordScores(request, timeout=30)
            fresh = common.Consistency(at_least_as_fresh=written.revision)
            ask("under_pressure", first=False, consistency=fresh)

        took = median_ms(write_and_read, repeats=51)
        click.echo(f"one play written, and the rating with it read: {took:.2f} ms")
        memory, without = service.memory(), nothing.memory()
        click.echo(
            f"resident: {memory / 2**20:.0f} MiB, {without / 2**20:.0f} without plays: "
            f"{(memory - without) / count:.0f} bytes a play, all told"
        )


async def commits(folder: Path, count: int, at_once: int) -> tuple[float, float]:
    """Median seconds of a commit of one play, and plays a second, with so many calls in flight."""
    store = SqliteStore(folder / f"commits-{at_once}.sqlite", TASKS.roles)
    await store.open()
    waiting = iter(scores(batch(0, count, count)))
    times: list[float] = []

    async def call() -> None:
        for score in waiting:
            begin = time.perf_counter()
            await store.record(Write(f"{score.play}", b"", {0: Scored(score)}))
            times.append(time.perf_counter() - begin)

    begin = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(at_once)))
    rate = count / (time.perf_counter() - begin)
    await store.close()
    return statistics.median(times), rate


@click.command()
@click.option("--plays", "count", default=1_000_000, show_default=True, help="plays in memory, and in the store")
@click.option("--part", type=click.Choice(["reads", "service", "commits"]), help="one part alone")
@click.option("--databases/--no-databases", default=True, help="beside SQLite and PostgreSQL, too")
def main(count: int, part: str | None, databases: bool) -> None:
    """Measure the aggregator."""
    if part in (None, "reads"):
        reads(count, with_databases=databases)
    with tempfile.TemporaryDirectory() as folder:
        if part in (None, "service"):
            served(Path(folder), count)
        for at_once in (1, 8, 64) if part in (None, "commits") else ():
            median, rate = asyncio.run(commits(Path(folder), 2000, at_once))
            click.echo(f"commits, {at_once} in flight: median {1000 * median:.2f} ms, {rate:,.0f} plays a second")


if __name__ == "__main__":
    main()
