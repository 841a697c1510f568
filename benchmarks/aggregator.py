"""How fast scores are committed and splits are read, with SQLite doing the same reads in the same run.

python -m benchmarks.aggregator --plays 1000000
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np

from aggregator.core.filter import parse_filter
from aggregator.core.following import Follower
from aggregator.core.paging import Paging
from aggregator.core.queries import RatingQueries, Split
from aggregator.core.recording import Write
from aggregator.core.records import PlayKey, Score, Scored
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Changes
from aggregator.core.task import Tasks
from aggregator.passing.fields import SCHEMA
from aggregator.passing.task import PassingTask
from aggregator.sqlite import SqliteStore
from playscore.passing import PASSER
from playscore.release import ModelVersion, ReferencePopulation
from playscore.subjects import Subject

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
EVERYTHING = Split(LEAGUE, PASSER)
SPLITS = {
    "everything": ("", "1"),
    "a season under pressure": (
        "season = 2021 AND under_pressure AND time_to_throw_seconds >= 2.5 AND time_to_throw_seconds < 4",
        "season = 2021 AND under_pressure AND time_to_throw_seconds >= 2.5 AND time_to_throw_seconds < 4",
    ),
    "third or fourth down, deep": (
        "down >= 3 AND depth = PASS_DEPTH_DEEP",
        "down >= 3 AND depth = 'PASS_DEPTH_DEEP'",
    ),
}
COLUMNS = ("season", "week", "down", "under_pressure", "time_to_throw_seconds", "depth", "team_id")


def plays(start: int, stop: int) -> list[Score]:
    """Made-up plays, always the same: 60 passers in 20 seasons, some of whom change teams."""
    rng = np.random.default_rng(start)
    passers = rng.integers(0, 60, stop - start).tolist()
    depths = SCHEMA.fields["depth"].values

    def team(number: int, passer: int) -> str:
        return f"T{(passer + number // 300_000) % 32}"

    return [
        Score(
            play=PlayKey(LEAGUE, f"{number // 150:06d}", str(number % 150)),
            task=PASSING.number,
            subject=Subject(PASSER, f"passer-{passer}", f"Passer {passer}", team(number, passer)),
            model=MODEL,
            revision=1,
            outcome_revision=1,
            measures={"play_score": rng.random(), "yards_gained": 7.0, "expected_yards": 6.5},
            attributes={
                "season": 2004 + number * 20 // 1_000_000,
                "week": number // 2400 % 18 + 1,
                "down": number % 4 + 1,
                "under_pressure": rng.random() < 0.3,
                "time_to_throw_seconds": 1.0 + 4.0 * rng.random(),
                "depth": depths[number % 4],
                "team_id": team(number, passer),
            },
        )
        for number, passer in zip(range(start, stop), passers, strict=True)
    ]


def median_ms(call: Callable[[], object], repeats: int = 15) -> float:
    """Median time of a call, ms, after one to warm up."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


def table_of(scores: Sequence[Score]) -> list[tuple[object, ...]]:
    """The same plays as rows with a column for each field the splits ask for."""
    return [
        (score.subject.subject_id, *(score.measures or {}).values(), *(score.attributes[name] for name in COLUMNS))
        for score in scores
    ]


async def commits(folder: Path, count: int, at_once: int) -> tuple[float, float]:
    """Median seconds of a commit of one play, and plays a second, with so many calls in flight."""
    store = SqliteStore(folder / f"commits-{at_once}.sqlite", TASKS.roles)
    await store.open()
    waiting = iter(plays(0, count))
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


async def loading(folder: Path, count: int) -> float:
    """Seconds from opening a store with so many plays to a snapshot of them all."""
    store = SqliteStore(folder / "loading.sqlite", TASKS.roles)
    await store.open()
    for start in range(0, count, 10_000):
        await store.record(Write(f"{start}", b"", dict(enumerate(map(Scored, plays(start, start + 10_000))))))
    await store.close()
    begin = time.perf_counter()
    store = SqliteStore(folder / "loading.sqlite", TASKS.roles)
    await store.open()
    follower = Follower(store, Snapshot(TASKS))
    await follower.open()
    seconds = time.perf_counter() - begin
    await follower.close()
    await store.close()
    return seconds


@click.command()
@click.option("--plays", "count", default=1_000_000, show_default=True, help="plays in memory")
@click.option("--chunk", default=10_000, show_default=True, help="plays put at a time")
def main(count: int, chunk: int) -> None:
    """Measure the aggregator."""
    snapshot = Snapshot(TASKS)
    database = sqlite3.connect(":memory:")
    typed = ", ".join(COLUMNS)
    database.execute(f"CREATE TABLE plays (subject_id, play_score, yards_gained, expected_yards, {typed})")
    putting = 0.0
    for start in range(0, count, chunk):
        scores = plays(start, min(start + chunk, count))
        begin = time.perf_counter()
        snapshot.apply(Changes(start + len(scores), False, list(enumerate(scores, start)), (), ()))
        putting += time.perf_counter() - begin
        places = ", ".join("?" * (4 + len(COLUMNS)))
        database.executemany(f"INSERT INTO plays VALUES ({places})", table_of(scores))
    click.echo(f"{count:,} plays put into the snapshot: {1e6 * putting / count:.1f} us a play")

    queries = RatingQueries(snapshot, TASKS)
    league = snapshot.league(LEAGUE)
    assert league is not None
    table = league.scores(PASSING, PASSER, MODEL).graded
    for name, (text, where) in SPLITS.items():
        parsed = parse_filter(text, SCHEMA)
        question = Split(LEAGUE, PASSER, text)
        sums = (
            "SELECT subject_id, count(*), sum(play_score), sum(yards_gained), sum(expected_yards)"
            f" FROM plays WHERE {where} GROUP BY 1"
        )
        select = median_ms(lambda parsed=parsed: table.select(parsed))
        # Queries of their own each time, so that nothing is remembered from the time before.
        ratings = median_ms(lambda question=question: RatingQueries(snapshot, TASKS).ratings(question, Paging(50)))
        sqlite = median_ms(lambda sums=sums: database.execute(sums).fetchall(), repeats=5)
        click.echo(
            f"{name}: rows {select:.2f} ms, a page of ratings {ratings:.2f} ms; "
            f"SQLite, sums alone {sqlite:.1f} ms ({sqlite / ratings:.0f} times)"
        )
    grouped = median_ms(
        lambda: RatingQueries(snapshot, TASKS).ratings(EVERYTHING, Paging(50), group_by=["subject_id", "season"]),
        repeats=5,
    )
    click.echo(f"everything by passer and season: a page of ratings {grouped:.2f} ms")
    listing = median_ms(lambda: queries.plays(EVERYTHING, Paging(50), subject_id="passer-7"))
    coverage = median_ms(lambda: queries.coverage(LEAGUE, PASSER), repeats=3)
    click.echo(f"a page of one subject's plays {listing:.2f} ms; coverage of all {coverage:.1f} ms")

    with tempfile.TemporaryDirectory() as folder:
        seconds = asyncio.run(loading(Path(folder), 100_000))
        click.echo(f"a store of 100,000 plays is open and read after {seconds:.2f} s")
        for at_once in (1, 8, 64):
            median, rate = asyncio.run(commits(Path(folder), 2000, at_once))
            click.echo(f"commits, {at_once} in flight: median {1000 * median:.2f} ms, {rate:,.0f} plays a second")


if __name__ == "__main__":
    main()
