"""Slices of the campaigns of kills, links, disks, clocks and steady play (`python -m tests.adversary`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.open_loop import OK, REFUSED
from tests.adversary import clock, disk, feed, kills, network, overload, soak
from tests.adversary.kills import Result
from tests.adversary.suite import Options

SEED = 12
GAMES, PLAYS = 3, 4


def check(result: Result) -> None:
    assert not result.faults, "\n".join(result.report())
    assert result.rounds


async def test_killing_any_process_loses_doubles_and_changes_no_play(tmp_path: Path) -> None:
    result = await kills.campaign(
        tmp_path / "suite",
        Options(store="postgresql"),
        seed=SEED,
        kills=5,
        every_seconds=1.0,
        games=GAMES,
        plays=PLAYS,
        hockey_games=1,
        speed=4.0,
        spread_seconds=1.0,
    )
    check(result)
    assert result.kills.total() >= 5


async def test_wrong_messages_in_the_feed_stop_no_worker_and_no_other_game(tmp_path: Path) -> None:
    result = await feed.campaign(tmp_path / "suite", seed=SEED, messages=120, games=GAMES, plays=PLAYS)
    check(result)
    assert result.kills["of them told to be unreadable"]


async def test_bad_links_lose_double_and_change_no_play(tmp_path: Path) -> None:
    result = await network.campaign(
        tmp_path / "suite",
        Options(linked=True),
        seed=SEED,
        faults=len(network.kinds()),
        every_seconds=0.2,
        lasting_seconds=0.5,
        games=GAMES,
        plays=PLAYS,
        hockey_games=0,
        speed=4.0,
        spread_seconds=1.0,
    )
    check(result)


async def test_a_full_disk_under_the_aggregator_loses_no_play(tmp_path: Path) -> None:
    if (why := disk.why_not()) is not None:
        pytest.skip(why)
    result = await disk.campaign(
        tmp_path / "suite", seed=SEED, full=("aggregator",), times=1, full_seconds=4.0, games=GAMES, plays=PLAYS
    )
    check(result)


async def test_a_clock_that_jumps_loses_no_play(tmp_path: Path) -> None:
    if (why := clock.why_not()) is not None:
        pytest.skip(why)
    check(await clock.campaign(tmp_path / "suite", seed=SEED, jumps=1, games=GAMES, plays=PLAYS))


async def test_a_service_that_is_asked_ten_times_too_much_answers_some_refuses_others_and_recovers(
    tmp_path: Path,
) -> None:
    found = await overload.overloaded("aggregator", tmp_path, seconds=2.0, times=10.0)
    assert found.during.count(OK), found
    assert found.during.count(REFUSED), found
    assert found.after.count(OK), found


async def test_steady_play_loses_nothing_and_opens_nothing(tmp_path: Path) -> None:
    result, growth = await soak.campaign(
        tmp_path / "suite",
        Options(workers=1),
        seed=SEED,
        seconds=15.0,
        games=GAMES,
        plays=PLAYS,
        hockey_games=0,
        speed=4.0,
    )
    check(result)
    assert {"aggregator", "scorer", "featurizer", "worker 1"} <= growth.keys()
