"""What there is, nearest spelling first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.nearest import MAX_NAMED, nearest


def test_a_slip_finds_what_was_meant() -> None:
    games = [f"20210{week}{day:02}00" for week in range(1, 10) for day in range(1, 29)]
    assert "2021091200" in nearest("202109l200", games)[:5]
    assert nearest("nfl", ["NHL", "NBA", "NFL", "XFL"])[0] == "NFL"
    assert nearest("N.F.L.", ["NHL", "NBA", "NFL"])[0] == "NFL"


def test_among_many_the_nearest_is_found_too() -> None:
    assert nearest("game-7351", [f"game-{number}" for number in range(10_000)])[0] == "game-7351"


@given(st.text(max_size=8), st.lists(st.text(max_size=8), unique=True, max_size=60))
def test_what_is_named_is_there_each_once_and_as_many_as_there_may_be(wanted: str, names: list[str]) -> None:
    found = nearest(wanted, names)
    assert len(found) == len(set(found)) == min(len(names), MAX_NAMED)
    assert set(found) <= set(names)
    assert wanted not in names or found[0].casefold() == wanted.casefold()
