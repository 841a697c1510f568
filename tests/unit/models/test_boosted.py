"""The trees that the network is compared with: what they see of a play, and that they answer distributions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from featurizer.passing.columns import SPECIFICATION
from models.passing.boosted import LEVELS, Boosted, BoostedSchedule, distribution_of_quantiles, table
from models.passing.columns import places, roles
from models.passing.plays import GROUPS, PassPlays
from models.passing.support import EDGES, GRID
from playscore.errors import PlayscoreError

FRAME = places(SPECIFICATION.frame_columns)
STATIC = places(SPECIFICATION.static_columns)
SCHEDULE = BoostedSchedule(trees=25, learning_rate=0.3, column_share=1.0, threads=1)


def made_up(count: int, seed: int) -> PassPlays:
    """Plays decided only by the target's separation: up to a yard nothing is gained, beyond it ten to fifteen yards."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 30, count)
    frames = rng.normal(0, 4, (lengths.sum(), len(FRAME))).astype(np.float32)
    frames[:, [place for name, place in FRAME.items() if name.endswith((".present", ".orientation_known"))]] = 1
    statics = rng.normal(0, 1, (count, len(STATIC))).astype(np.float32)
    statics[:, [place for name, place in STATIC.items() if name.endswith("known")]] = 1
    statics[:, STATIC["yards_to_end_zone"]] = rng.integers(1, 100, count)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    room = rng.uniform(0, 2, count).astype(np.float32)
    frames[starts[1:] - 1, FRAME["target.separation"]] = room
    gained = np.where(room > 1, rng.integers(10, 16, count), 0)
    return PassPlays(
        frames=frames,
        starts=starts,
        statics=statics,
        yards=np.minimum(gained, statics[:, STATIC["yards_to_end_zone"]]).astype(np.float32),
        results=np.where(room > 1, 1, 2).astype(np.int64),
        games=np.asarray([f"made_up/{play // 50}" for play in range(count)]),
        passers=np.full(count, "nobody"),
        groups=np.full((count, len(GROUPS)), ""),
        truth=np.empty((count, 0), np.float32),
    )


def altered(plays: PassPlays, **columns: float) -> PassPlays:
    """The same plays with other values in these columns of every frame."""
    frames = plays.frames.copy()
    for name, value in columns.items():
        frames[:, FRAME[name.replace("__", ".")]] = value
    return replace(plays, frames=frames)


@pytest.fixture(scope="module")
def fitted() -> Boosted:
    return Boosted.fit(made_up(2000, 1), None, SCHEDULE)


@pytest.fixture(scope="module")
def unseen() -> PassPlays:
    return made_up(400, 2)


def masses(cdf: NDArray[np.float64], yards: int) -> NDArray[np.float64]:
    below = int(yards - 0.5 - GRID[0])
    probability: NDArray[np.float64] = cdf[:, below + 1] - cdf[:, below]
    return probability


def test_every_answer_is_a_distribution_on_the_field(fitted: Boosted, unseen: PassPlays) -> None:
    cdf = fitted.cdf(unseen)
    assert cdf.shape == (len(unseen), len(EDGES))
    assert ((cdf >= 0) & (cdf <= 1)).all()
    assert (np.diff(cdf, axis=1) >= 0).all()
    assert (cdf[:, -1] == 1).all()


def test_nothing_is_gained_beyond_the_goal_line(fitted: Boosted, unseen: PassPlays) -> None:
    cdf, goal_line = fitted.cdf(unseen), unseen.statics[:, STATIC["yards_to_end_zone"]]
    assert (cdf[goal_line[:, None] + 0.5 <= GRID] == 1).all()
    statics = unseen.statics.copy()
    statics[:, STATIC["yards_to_end_zone.known"]] = 0
    anywhere = fitted.cdf(replace(unseen, statics=statics))
    assert (anywhere[:, GRID == 98.5] < 1).all()


def test_what_decides_a_play_is_learned(fitted: Boosted, unseen: PassPlays) -> None:
    room = unseen.frames[unseen.starts[1:] - 1, FRAME["target.separation"]]
    far = unseen.statics[:, STATIC["yards_to_end_zone"]] > 20
    covered, free = (room < 0.9) & far, (room > 1.1) & far
    cdf = fitted.cdf(unseen)
    assert masses(cdf, 0)[covered].mean() > 0.9
    assert masses(cdf, 0)[free].mean() < 0.05
    gained = np.asarray([masses(cdf, yards)[free].mean() for yards in range(10, 16)])
    assert gained.sum() > 0.8
    assert (gained > 0.05).all()
    points = fitted.points(unseen)
    np.testing.assert_allclose(points[covered], 0, atol=1.5)
    assert ((points[free] > 9) & (points[free] < 16)).all()


def test_plays_count_by_their_weight(unseen: PassPlays) -> None:
    plays = made_up(1000, 3)
    only_gains = (plays.yards > 0).astype(np.float32)
    cdf = Boosted.fit(plays, only_gains, SCHEDULE).cdf(unseen)
    assert masses(cdf, 0).max() < 0.1


def test_more_trees_learn_what_has_changed(fitted: Boosted, unseen: PassPlays) -> None:
    plays, before = made_up(1000, 3), fitted.cdf(unseen)
    only_gains = (plays.yards > 0).astype(np.float32)
    after = Boosted.fit(plays, only_gains, replace(SCHEDULE, trees=2), after=fitted)
    alone = Boosted.fit(plays, only_gains, replace(SCHEDULE, trees=2))
    covered = unseen.frames[unseen.starts[1:] - 1, FRAME["target.separation"]] < 0.9
    nothing = masses(after.cdf(unseen), 0)[covered].mean()
    assert masses(alone.cdf(unseen), 0)[covered].mean() < nothing
    assert (after.points(unseen) != fitted.points(unseen)).any()
    assert (after.cdf(unseen) != before).any()
    np.testing.assert_array_equal(fitted.cdf(unseen), before)


def test_the_same_schedule_grows_the_same_trees(unseen: PassPlays) -> None:
    plays, schedule = made_up(300, 4), replace(SCHEDULE, trees=5)
    first, again, other = (
        Boosted.fit(plays, None, chosen).cdf(unseen) for chosen in (schedule, schedule, replace(schedule, seed=1))
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_trees_survive_the_disk(fitted: Boosted, unseen: PassPlays, tmp_path: Path) -> None:
    fitted.save(tmp_path / "trees")
    again = Boosted.load(tmp_path / "trees")
    np.testing.assert_array_equal(again.cdf(unseen), fitted.cdf(unseen))
    np.testing.assert_array_equal(again.points(unseen), fitted.points(unseen))
    assert [path.name for path in tmp_path.iterdir()] == ["trees"]
    with pytest.raises(PlayscoreError, match="quantiles"):
        Boosted.load(tmp_path)


def test_an_interrupted_save_leaves_no_trees(
    fitted: Boosted, unseen: PassPlays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(np, "save", interrupted)
        fitted.save(tmp_path / "trees")
    assert not (tmp_path / "trees").exists()
    fitted.save(tmp_path / "trees")
    np.testing.assert_array_equal(Boosted.load(tmp_path / "trees").points(unseen), fitted.points(unseen))


def test_no_tree_grows_without_plays() -> None:
    with pytest.raises(PlayscoreError, match="no plays"):
        Boosted.fit(made_up(1, 5).subset(np.empty(0, np.int64)), None, SCHEDULE)


def test_a_play_and_its_mirror_image_have_the_same_row() -> None:
    plays = made_up(50, 6)
    mirrored = plays.frames.copy()
    mirrored[:, list(roles(SPECIFICATION).mirrored)] *= -1
    np.testing.assert_array_equal(table(replace(plays, frames=mirrored)), table(plays))


def test_unknown_values_have_no_effect() -> None:
    plays = made_up(50, 7)
    hidden = altered(plays, target__present=0, defense_3__present=0, passer__orientation_known=0)
    statics = hidden.statics.copy()
    statics[:, STATIC["down.known"]] = 0
    hidden = replace(hidden, statics=statics)
    other = altered(hidden, target__separation=9, pass__distance=9, defense_3__x=9, passer__orientation=2)
    statics = statics.copy()
    statics[:, STATIC["down"]] = 3
    np.testing.assert_array_equal(table(replace(other, statics=statics)), table(hidden))
    assert np.isnan(table(hidden)).sum() > np.isnan(table(plays)).sum()


def test_only_the_play_itself_is_in_its_row() -> None:
    plays = made_up(50, 8)
    chosen = np.asarray([17, 3])
    np.testing.assert_array_equal(table(plays.subset(chosen)), table(plays)[chosen])


def test_the_nearest_defenders_are_those_of_the_release() -> None:
    plays = made_up(50, 9)
    near = altered(plays, target__x=10, target__y=5, defense_7__x=10, defense_7__y=6.5)
    distances = table(near)[:, -24:].reshape(len(plays), 4, 6)[..., 4]
    assert (np.diff(distances, axis=1) >= 0).all()
    assert (distances[:, 0] <= 1.5).all()


@given(
    st.lists(st.floats(-40, 120), min_size=len(LEVELS), max_size=len(LEVELS)),
    st.one_of(st.integers(1, 99), st.just(np.inf)),
)
def test_any_quantiles_make_a_distribution(quantiles: list[float], longest: float) -> None:
    cdf = distribution_of_quantiles(np.asarray([quantiles]), GRID, np.asarray([longest], np.float64))[0]
    assert ((cdf >= 0) & (cdf <= 1)).all()
    assert (np.diff(cdf) >= 0).all()
    assert (cdf[int(min(longest, 99) + 0.5 - GRID[0]) :] == 1).all()


def test_the_distribution_has_the_quantiles_it_was_made_from() -> None:
    uniform = np.asarray(LEVELS) * 63 - 2.5
    cdf = distribution_of_quantiles(uniform[None], GRID, np.asarray([90.0]))[0]
    inner = slice(*np.searchsorted(GRID, uniform[[0, -1]]))
    np.testing.assert_allclose(cdf[inner], (GRID[inner] + 2.5) / 63, atol=1e-12)


@given(st.lists(st.floats(0.01, 40), min_size=len(GRID), max_size=len(GRID)))
def test_on_any_increasing_scale_a_quantile_has_its_level(steps: list[float]) -> None:
    scale, places = np.cumsum(steps), 5 + 4 * np.arange(len(LEVELS))
    cdf = distribution_of_quantiles(scale[places][None], scale, np.asarray([np.inf]))[0]
    np.testing.assert_allclose(cdf[places], LEVELS, atol=1e-9)


def test_levels_within_half_a_yard_of_zero_are_the_probability_of_zero() -> None:
    levels = np.asarray(LEVELS)
    dithered = np.where(levels <= 0.4, levels / 0.4 - 0.5, 0.5 + 20 * (levels - 0.4))
    cdf = distribution_of_quantiles(dithered[None], GRID, np.asarray([90.0]))
    assert masses(cdf, 0)[0] == pytest.approx(0.4, abs=0.02)
