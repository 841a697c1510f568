"""A shot's chance is the sum of its reasons, to the last digit; its level is the release's; a grade needs a result."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurizer.shots.factors import FACTORS, NAMES
from playscore.errors import PlayscoreError, Reason
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import Release, ReleasedFactor, ReleasedTensor
from playscore.shots import OpportunityLevel
from scorer.core.chance import Attempt, StoredChance, probability_of
from scorer.core.model import Model
from scorer.onnx import OnnxInference
from scorer.shots.factors import percentile
from scorer.shots.messages import ShotMessages
from scorer.shots.task import ScoredShot, Shots
from scorer.shots.wording import english
from tests.hockey import release_shots, shot_to_score, weights

SUM_ERROR = 1e-12


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release_shots(tmp_path_factory.mktemp("releases"))


def shot(release: Release, values: Mapping[str, float], **outcome: Any) -> Attempt:
    return ShotMessages().item(shot_to_score(release, values=values, **outcome), release, "shot")


def scored(release: Release, contributions: list[float], *, goal: bool | None = None) -> ScoredShot:
    """A shot of which a graph says this; the contributions that are not given are 0."""
    row = np.zeros((1, len(FACTORS)), np.float32)
    row[0, : len(contributions)] = contributions
    item = shot(release, {"puck_distance_feet": 20.0})
    [found] = Shots().scoring(release)({"contributions": row}, [Attempt(item.tensor, goal)])
    assert isinstance(found, ScoredShot)
    return found


def logit(probability: float) -> float:
    return math.log(probability) - math.log1p(-probability)


# --- Chance ---


@given(
    st.lists(st.floats(-0.125, 0.125, width=32, allow_subnormal=False), min_size=len(FACTORS), max_size=len(FACTORS))
)
def test_intercept_and_contributions_sum_to_the_logit_of_the_chance(
    release: Release, contributions: list[float]
) -> None:
    found = scored(release, contributions)
    assert release.intercept_logit is not None
    total = release.intercept_logit + math.fsum(each.logit for each in found.contributions)
    assert total == pytest.approx(logit(found.probability), abs=SUM_ERROR)


@pytest.mark.parametrize("seed", range(5))
async def test_the_sum_is_exact_for_graphs_that_run(tmp_path: Path, seed: int) -> None:
    drawn = release_shots(tmp_path, seed=seed)
    inference = OnnxInference(tmp_path, [drawn])
    await inference.open()
    random = np.random.default_rng(seed)
    shots = [
        shot(drawn, {name: random.normal() * 10 for name in random.choice(NAMES, random.integers(1, 50), False)})
        for _ in range(50)
    ]
    slope, unknown = weights(seed)
    for item, found in zip(
        shots, await Model(drawn, Shots(), inference).score(shots, time.monotonic() + 60), strict=True
    ):
        assert isinstance(found, ScoredShot)
        values, known = np.split(item.tensor.statics, 2)
        expected = np.where(known > 0, values * slope, unknown)
        told = {each.factor: each.logit for each in found.contributions}
        assert told == {name: value for name, value in zip(NAMES, expected.tolist(), strict=True) if value}
        assert -2.7 + math.fsum(told.values()) == pytest.approx(logit(found.probability), abs=SUM_ERROR)
    await inference.close()


@given(st.floats(-700.0, 700.0))
def test_a_chance_is_a_chance_whatever_the_logit(value: float) -> None:
    assert 0.0 <= probability_of(value) <= 1.0
    assert probability_of(value) + probability_of(-value) == pytest.approx(1.0)


@pytest.mark.parametrize("contribution", [math.nan, math.inf])
def test_a_shot_without_a_chance_does_not_affect_the_others(release: Release, contribution: float) -> None:
    rows = np.zeros((3, len(FACTORS)), np.float32)
    rows[1, 4] = contribution
    item = shot(release, {"puck_distance_feet": 20.0})
    first, strange, last = Shots().scoring(release)({"contributions": rows}, [item] * 3)
    assert isinstance(strange, PlayscoreError)
    assert strange.reason is Reason.DISTRIBUTION_INVALID
    assert first == last


def test_the_level_changes_at_the_thresholds(release: Release) -> None:
    def level(probability: float) -> OpportunityLevel:
        return scored(release, [logit(probability) + 2.7]).level

    assert level(0.0599) is OpportunityLevel.LOW
    assert level(0.0601) is level(0.1499) is OpportunityLevel.MEDIUM
    assert level(0.1501) is OpportunityLevel.HIGH


# --- Reasons ---


def test_the_strongest_reason_comes_first_and_those_of_no_weight_not_at_all(release: Release) -> None:
    found = scored(release, [0.1, -0.5, 0.0, 0.3, -0.1])
    assert [each.factor for each in found.contributions] == [NAMES[place] for place in (1, 3, 0, 4)]


def test_a_reason_has_its_value_unit_text_and_percentile(release: Release) -> None:
    values = {"goalie_move_feet": 11.2, "shot_type": 2.0, "one_timer": 1.0}
    places = {NAMES.index(name) for name in (*values, "screens")}
    rows = np.array([[float(place in places) for place in range(len(NAMES))]], np.float32)
    [found] = Shots().scoring(release)({"contributions": rows}, [shot(release, values)])
    assert isinstance(found, ScoredShot)
    told = {each.factor: (each.value, each.unit, each.text, each.percentile) for each in found.contributions}
    assert told == {
        "goalie_move_feet": (11.2, "ft", "the goalie had to move 11 ft", pytest.approx(0.112)),
        "shot_type": (2.0, "code", "a snap shot", None),
        "one_timer": (1.0, "1", "a one-timer", pytest.approx(0.01)),
        "screens": (None, "1", "not known: bodies in front of the net", None),
    }


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(-1, 6))
def test_a_percentile_is_the_mid_rank_among_the_reference_shots(population: list[int], value: int) -> None:
    quantiles = np.quantile(population, np.linspace(0, 1, 10_001), method="inverted_cdf").tolist()
    below = sum(each < value for each in population)
    ties = sum(each == value for each in population)
    assert percentile(float(value), quantiles) == pytest.approx((below + ties / 2) / len(population), abs=1e-3)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_more_is_never_the_lower_percentile(quantiles: list[float], one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert 0.0 <= percentile(less, sorted(quantiles)) <= percentile(more, sorted(quantiles)) <= 1.0


def test_every_factor_of_the_featurizer_has_its_words_and_no_other() -> None:
    assert english().factors.keys() == set(NAMES)


# --- Grades ---


def test_a_goal_is_worth_what_was_missing_and_anything_else_costs_the_chance(release: Release) -> None:
    chance = scored(release, []).probability
    assert scored(release, [], goal=True).goals_above_expected == 1.0 - chance
    assert scored(release, [], goal=False).goals_above_expected == -chance
    assert scored(release, []).goals_above_expected is None
    assert Shots().grade([StoredChance(0.2, True), StoredChance(0.2, False)]) == [0.8, -0.2]


@pytest.mark.parametrize(
    ("result", "goal"),
    [
        (hockey.SHOT_RESULT_GOAL, True),
        (hockey.SHOT_RESULT_SAVED, False),
        (hockey.SHOT_RESULT_MISSED, False),
        (hockey.SHOT_RESULT_POST, False),
        (hockey.SHOT_RESULT_UNSPECIFIED, None),
    ],
)
def test_posts_and_misses_are_no_goals(release: Release, result: int, goal: bool | None) -> None:
    assert shot(release, {}, result=result).succeeded is goal


def test_a_blocked_shot_is_none_of_those_that_have_a_chance(release: Release) -> None:
    with pytest.raises(PlayscoreError, match=r"shot\.outcome\.result is BLOCKED") as refused:
        shot(release, {}, result=hockey.SHOT_RESULT_BLOCKED)
    assert refused.value.reason is Reason.SHOT_BLOCKED


# --- Releases ---


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"factors": ()}, "names no factors"),
        ({"intercept_logit": None}, "intercept_logit is None"),
        ({"intercept_logit": math.nan}, "intercept_logit is nan"),
        ({"thresholds": (0.1,)}, "not two rising probabilities"),
        ({"thresholds": (0.1, 1.2)}, "not two rising probabilities"),
        ({"outputs": (ReleasedTensor(name="logit", shape=(1,)),)}, "not contributions"),
        ({"outputs": (ReleasedTensor(name="contributions", shape=(3,)),)}, "one for each factor"),
        ({"factors": (ReleasedFactor(name="luck", unit="1", learned_from="simulation"),)}, "lacks luck"),
    ],
)
def test_a_release_that_cannot_score_shots_is_refused_before_it_is_served(
    release: Release, tmp_path: Path, change: dict[str, object], says: str
) -> None:
    other = release.model_copy(update=change)
    with pytest.raises(PlayscoreError, match=f"shots:1 cannot score shots: .*{says}") as refused:
        Model(other, Shots(), OnnxInference(tmp_path, [other]))
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


def test_factors_in_another_order_than_the_columns_are_refused(release: Release, tmp_path: Path) -> None:
    other = release.model_copy(update={"factors": release.factors[::-1]})
    with pytest.raises(PlayscoreError, match="its columns are not its factors"):
        Model(other, Shots(), OnnxInference(tmp_path, [other]))


def test_quantiles_that_fall_are_refused_by_the_name_of_their_factor(release: Release, tmp_path: Path) -> None:
    first, *rest = release.factors
    fallen = first.model_copy(update={"quantiles": (2.0, 1.0)})
    other = release.model_copy(update={"factors": (fallen, *rest)})
    with pytest.raises(PlayscoreError, match="the quantiles of puck_distance_feet"):
        Model(other, Shots(), OnnxInference(tmp_path, [other]))
