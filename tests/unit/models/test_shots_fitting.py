"""What boosting learns, and what it must not."""

from __future__ import annotations

import numpy as np
import pytest

from featurizer.shots.factors import PLACE
from models.core.chances import GameResamples, interval, log_losses
from models.shots.additive import sigmoid
from models.shots.binning import Bins
from models.shots.boosting import BoostingSchedule
from models.shots.fitting import GATE, ORDERED, RARELY, FitSchedule, _chosen, fit, fit_beside, known_factors
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


def test_pairs_know_which_code_it_is() -> None:
    """Goals are likelier after one kind of event on one side; elsewhere neither counts."""
    code, side = SHOTS.statics[:, PLACE["event_kind"]], SHOTS.statics[:, KNOWN[2]] > 0
    truth = np.where((code == 2) & side, 0.5, 0.05)
    goals = np.random.default_rng(6).uniform(size=len(SHOTS)) < truth
    chances = fit(SHOTS.statics, goals, SHOTS.games, QUICK).chances(SHOTS.statics)
    for each in (2, 1, -5):
        for mine in ((code == each) & side, (code == each) & ~side):
            assert chances[mine].mean() == pytest.approx(truth[mine].mean(), abs=0.1)


@pytest.mark.parametrize(("share", "learns"), [(0.9 * RARELY, False), (4 * RARELY, True)])
def test_what_is_hardly_ever_unknown_is_not_learned_of_when_it_is(share: float, learns: bool) -> None:
    rng = np.random.default_rng(7)
    lost = rng.permutation(len(SHOTS)) < share * len(SHOTS)
    statics = SHOTS.statics.copy()
    statics[lost, 1] = statics[lost, COUNT + 1] = 0
    scored, missed = (
        fit(statics, goals, SHOTS.games, QUICK).chances(statics) for goals in (SHOTS.goals | lost, SHOTS.goals & ~lost)
    )
    assert (scored != missed).any() == learns
    assert (scored[lost].mean() > 2 * SHOTS.goals.mean()) == learns


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


def test_a_pair_is_not_chosen_for_what_it_cannot_say() -> None:
    """A factor of film tells much together with a flag where it is unknown, and there it says nothing."""
    one, two, three = PLACE["screens"], KNOWN[2], KNOWN[3]
    rng = np.random.default_rng(8)
    statics = SHOTS.statics.copy()
    statics[:, one], statics[:, COUNT + one] = rng.integers(0, 4, len(SHOTS)), np.arange(len(SHOTS)) % 2
    statics[:, [two, three]] = np.where(rng.uniform(size=(len(SHOTS), 2)) < 0.5, -1, 1)
    statics[:, [COUNT + two, COUNT + three]] = 1
    seen = statics[:, COUNT + one] > 0
    truth = np.select([~seen & (statics[:, two] > 0), seen & (statics[:, three] > 0)], [0.3, 0.15], 0.05)
    goals = rng.uniform(size=len(SHOTS)) < truth
    bins = Bins.of(statics, ORDERED)
    places = bins.coarse_places(bins.places(statics))
    flat = np.full(len(SHOTS), np.log(goals.mean() / (1 - goals.mean())))

    def best(frozen: set[int]) -> tuple[int, int]:
        return _chosen([(one, two), (one, three)], places, bins, goals, flat, QUICK, frozen)[0]

    assert best(set()) == (one, two)
    assert best({one}) == (one, three)


def test_the_last_season_of_each_listing_is_judged() -> None:
    earlier, last = earlier_and_last(SHOTS)
    assert (earlier ^ last).all()
    assert set(SHOTS.of("season")[last]) == {"2023"}
    assert not set(SHOTS.games[earlier]) & set(SHOTS.games[last])
