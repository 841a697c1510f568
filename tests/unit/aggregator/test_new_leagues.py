"""A store has no more leagues than it may, and gets them a hundred at a time."""

from __future__ import annotations

import pytest

from aggregator.core.new_leagues import MAX_AT_ONCE, NewLeagues
from aggregator.core.records import PlayKey, Unscored
from aggregator.core.snapshot import Snapshot
from aggregator.core.task import Tasks
from playscore.errors import PlayscoreError, Reason


def having(*leagues: str) -> Snapshot:
    snapshot = Snapshot(Tasks([]))
    snapshot.put_unscored(Unscored(PlayKey(league, "g1", "1"), 1, 1, 0, 41, "", ()) for league in leagues)
    return snapshot


def refused(leagues: NewLeagues, name: str) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as caught:
        leagues.check(name)
    assert caught.value.reason is Reason.FIELD_INVALID
    return caught.value


def test_a_write_brings_so_many_leagues_at_most() -> None:
    leagues = NewLeagues(having(), most=10_000)
    for place in range(MAX_AT_ONCE):
        leagues.check(f"L{place}")
    assert refused(leagues, "another").fields[0].field == "key.league"
    leagues.check("L0")


def test_a_store_has_so_many_leagues_at_most() -> None:
    leagues = NewLeagues(having("NFL", "NHL"), most=3)
    leagues.check("SIM")
    assert "--max-leagues" in refused(leagues, "another").detail
    for known in ("NFL", "NHL", "SIM"):
        leagues.check(known)
