from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backfill.share import Share

GAME_IDS = st.lists(st.text(min_size=1), unique=True, max_size=50)


@given(GAME_IDS, st.integers(1, 40))
def test_every_game_is_in_exactly_one_share(game_ids: list[str], of: int) -> None:
    shares = [Share(index, of) for index in range(of)]
    for game_id in game_ids:
        assert sum(share.holds(game_id) for share in shares) == 1


def test_a_game_is_in_the_same_share_on_every_machine_and_in_every_release() -> None:
    games = [f"20309070{number:02}" for number in range(12)]
    assert [next(index for index in range(4) if Share(index, 4).holds(game)) for game in games] == [
        0, 0, 2, 2, 0, 0, 2, 3, 3, 0, 1, 2,
    ]  # fmt: skip


def test_the_games_of_a_season_are_parted_about_evenly() -> None:
    held = [sum(Share(index, 8).holds(str(2021090900 + game)) for game in range(272)) for index in range(8)]
    assert sum(held) == 272
    assert min(held) > 272 / 8 / 2


@pytest.mark.parametrize("text", ["2/8", "0/1", "63/64"])
def test_a_share_is_read_as_it_is_written(text: str) -> None:
    assert str(Share.parse(text)) == text


@pytest.mark.parametrize("text", ["", "2", "8/8", "-1/8", "1/0", "a/b", "1/2/3", "²/8", "1 /2"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"there is no share|is not index/count"):
        Share.parse(text)
