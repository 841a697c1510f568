"""What boosting learns, and what it must not."""

from __future__ import annotations

import numpy as np
import pytest

from featurizer.shots.factors import PLACE
from models.core.chances import GameResamples, interval, log_losses
from models.shots.additive import sigmoid
from models.shots.binning import Bins
from models.shots.boosting import BoostingSchedule
from models.shots.fitting import GATE, ORDERED, FitSchedule, fit, fit_beside, known_factors
from models.shots.rows import Shots, earlier_and_last
from tests.unit.models.shots import COUNT, KNOWN, invented_shots

QUICK = FitSchedule(pairs=6, boosting=BoostingSchedule(bags=2, rate=0.05, patience=20, blind_rounds=20))
SHOTS = invented_shots(12_000)


def fitted(shots: Shots, schedule: FitSchedule = QUICK) -> np.ndarray:
    """The chances of shots of other games."""
    model = fit(shots.statics, shots.goals, shots.games, schedule)
    return model.chances(UNSEEN.statics)


UNSEEN = invented_shots(6_000, seed=1)


def test_it_finds_what_goals_depend_on() -> None:
    chances = fitted(SHOTS)
    loss, truth, rate = (
        log_losses(each, UNSEEN.truth).mean()
        for each in (chances, UNSEEN.truth, np.full(len(UNSEEN), SHOTS.goals.mean()))
    )
    assert (loss - truth) / (rate - truth) < 0.2
    assert UNSEEN.truth.sum() == pytest.approx(chances.sum(), rel=0.05)


def test_pairs_explain_what_single_factors_cannot() -> None:
    """Whether two factors agree says much, each alone says nothing."""
    truth = np.where((SHOTS.statics[:, KNOWN[2]] > 0) == (SHOTS.statics[:, KNOWN[3]] > 0), 0.15, 0.05)
    goals = np.random.default_rng(5).uniform(size=len(SHOTS)) < truth
    losses = [
        log_losses(
            fit(SHOTS.statics, goals, SHOTS.games, FitSchedule(pairs, QUICK.boosting)).chances(SHOTS.statics), truth
        ).mean()
        for pairs in (0, 6)
    ]
    least = log_losses(truth, truth).mean()
    assert losses[1] - least < 0.5 * (losses[0] - least)


def test_the_same_schedule_learns_the_same_model_in_any_number_of_processes() -> None:
    some = SHOTS.subset(np.arange(2_000))
    one = fit(some.statics, some.goals, some.games, QUICK)
    two = fit(
        some.statics,
        some.goals,
        some.games,
        FitSchedule(6, BoostingSchedule(**{**vars(QUICK.boosting), "processes": 2})),
    )
    np.testing.assert_array_equal(one.contributions(some.statics), two.contributions(some.statics))


def test_what_is_the_same_in_all_shots_is_no_factor() -> None:
    statics = SHOTS.statics.copy()
    statics[:, 3], statics[:, COUNT + 3] = 7, 1
    statics[:, 4], statics[:, COUNT + 4] = 0, 0
    assert {3, 4}.isdisjoint(known_factors(statics))
    model = fit(statics, SHOTS.goals, SHOTS.games, QUICK)
    assert not model.contributions(statics)[:, [3, 4]].any()


def test_a_model_of_shuffled_goals_knows_nothing() -> None:
    """Goals are shuffled among the shots of each listing, test and training apart: nothing is left to learn."""
    rng = np.random.default_rng(3)

    def shuffled(shots: Shots) -> Shots:
        goals = shots.goals.copy()
        for listing in np.unique(shots.of("listing")):
            mine = np.flatnonzero(shots.of("listing") == listing)
            goals[mine] = goals[rng.permutation(mine)]
        return Shots(**{**vars(shots), "goals": goals})

    training, test = shuffled(SHOTS), shuffled(UNSEEN)
    model = fit(training.statics, training.goals, training.games, QUICK)
    for listing in np.unique(test.of("listing")):
        mine = test.subset(test.of("listing") == listing)
        _, low, high = interval(GameResamples(mine.games).auc(model.chances(mine.statics), mine.goals))
        assert low <= 0.5 <= high


def test_film_says_nothing_where_it_is_not_there_and_improves_the_chances_where_it_is() -> None:
    rng = np.random.default_rng(4)
    gate, screens = PLACE[GATE], PLACE["screens"]
    statics = SHOTS.statics.copy()
    events = (0, 1, PLACE["listed_on_goal"])
    statics[:, [place for place in range(2 * COUNT) if place % COUNT not in (*events, gate, screens)]] = 0
    statics[:, gate], statics[:, screens] = statics[:, 0] + 1, rng.integers(0, 4, len(SHOTS))
    statics[:, [COUNT + gate, COUNT + screens]] = 1
    logit = np.log(SHOTS.truth / (1 - SHOTS.truth)) + 0.8 * statics[:, screens] - 1.2
    goals = rng.uniform(size=len(SHOTS)) < sigmoid(logit)
    base = fit(statics, goals, SHOTS.games, QUICK, bins=Bins.of(statics, ORDERED), used=events)
    beside = fit_beside(base, statics, goals, SHOTS.games, QUICK, {gate, screens})
    blind = statics.copy()
    blind[:, [gate, screens, COUNT + gate, COUNT + screens]] = 0
    np.testing.assert_array_equal(beside.contributions(blind), np.zeros((len(blind), COUNT)))
    whole = base.plus(beside)
    truth = sigmoid(logit)
    gained = log_losses(base.chances(statics), truth).mean() - log_losses(whole.chances(statics), truth).mean()
    possible = log_losses(base.chances(statics), truth).mean() - log_losses(truth, truth).mean()
    assert gained > 0.8 * possible
    rising = [
        whole.contributions(np.where(np.arange(2 * COUNT) == screens, n, statics[:1]))[0, screens] for n in range(4)
    ]
    assert rising == sorted(rising)


def test_the_last_season_of_each_listing_is_judged() -> None:
    earlier, last = earlier_and_last(SHOTS)
    assert (earlier ^ last).all()
    assert set(SHOTS.of("season")[last]) == {"2023"}
    assert not set(SHOTS.games[earlier]) & set(SHOTS.games[last])
