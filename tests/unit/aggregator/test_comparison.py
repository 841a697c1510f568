"""Two ratings side by side: which plays are whose, and what both sides share."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.comparison import Comparison
from aggregator.core.queries import ComparedSubject, RatingQueries, Split
from aggregator.core.records import PlayKey, Score
from aggregator.core.task import Tasks
from aggregator.faceoffs.task import FaceoffsTask
from aggregator.passing.task import PassingTask
from aggregator.shots.task import ShotsTask
from playscore.errors import PlayscoreError, Reason
from playscore.faceoffs import FACEOFF_TAKER
from playscore.passing import PASSER
from playscore.rating_differences import Difference
from playscore.release import ModelVersion
from playscore.shots import GOALIE, SHOOTER
from playscore.subjects import Role, Subject
from tests.unit.aggregator.scores import LEAGUE, MODEL, OTHER_MODEL, POPULATION, score, snapshot_of

SHIFTED = POPULATION.model_copy(update={"mean": 0.51})
SHOT_MODEL, DRAW_MODEL = ModelVersion("shots", 1), ModelVersion("faceoffs", 1)
SHOTS = ShotsTask([SHOT_MODEL], SHOT_MODEL)
FACEOFFS = FaceoffsTask([DRAW_MODEL], DRAW_MODEL)
TASKS = Tasks([PassingTask({MODEL: POPULATION, OTHER_MODEL: SHIFTED}, MODEL), SHOTS, FACEOFFS])
POINTS_PER_SCORE = 7 / 0.02


def queries(*scores: Score) -> RatingQueries:
    return RatingQueries(snapshot_of(*scores, tasks=TASKS))


def side(
    subject_id: str, text: str = "", *, role: Role = PASSER, model: ModelVersion | None = None, league: str = LEAGUE
) -> ComparedSubject:
    return ComparedSubject(Split(league, role, text, model), subject_id)


def compared(scores: list[Score], first: ComparedSubject, second: ComparedSubject) -> Comparison:
    return queries(*scores).compare(first, second)


def difference(comparison: Comparison) -> Difference:
    assert comparison.difference is not None
    return comparison.difference.difference


def passes(subject: str, *play_scores: float, start: int = 0, **known: Any) -> list[Score]:
    return [
        score(f"{subject}-{play}", play_score, subject=subject, **known)
        for play, play_score in enumerate(play_scores, start)
    ]


def test_both_sides_are_rated_as_anywhere_and_not_ranked() -> None:
    scores = [*passes("good", *[0.6] * 40, name="G. Ood", team_id="KC"), *passes("fair", *[0.5] * 30)]
    comparison = compared(scores, side("good"), side("fair"))
    for rating, subject_id in ((comparison.first, "good"), (comparison.second, "fair")):
        alone, _ = queries(*scores).rating(Split(LEAGUE, PASSER), subject_id, min_plays=1)
        assert (rating.subject, rating.plays, rating.value) == (alone.subject, alone.plays, alone.value)
        assert (rating.group, rating.qualified, rating.rank) == ((), False, 0)
    assert (comparison.first_model, comparison.second_model) == (MODEL, MODEL)
    assert comparison.difference is not None
    assert (comparison.difference.measure, comparison.difference.shared_plays) == ("rating", 0)
    assert difference(comparison).value == pytest.approx(POINTS_PER_SCORE * (74 / 140 - 65 / 130))


def test_only_plays_of_the_subject_and_the_split_count() -> None:
    mine = [*passes("p1", 0.9, 0.8, down=1), *passes("p1", 0.1, start=2, down=3)]
    others = passes("p2", *[0.0] * 9, down=1)
    some = compared([*mine, *others], side("p1", "down = 1"), side("p1", "down = 3"))
    alone = compared(mine, side("p1", "down = 1"), side("p1", "down = 3"))
    assert some == alone
    assert (some.first.plays, some.second.plays) == (2, 1)


def test_plays_in_both_splits_are_shared() -> None:
    scores = [
        *passes("p1", 0.9, 0.9, 0.9, down=1, home=True),
        *passes("p1", 0.5, 0.5, start=3, down=1, home=False),
        *passes("p1", 0.2, start=5, down=2, home=True),
    ]
    comparison = compared(scores, side("p1", "down = 1"), side("p1", "home"))
    assert (comparison.first.plays, comparison.second.plays) == (5, 4)
    assert comparison.difference is not None
    assert comparison.difference.shared_plays == 3


def test_a_side_without_plays_has_no_difference() -> None:
    scores = [*passes("p1", 0.5, down=1), score("later", None, subject="p2")]
    for first, second in ((side("p1", "down = 4"), side("p1")), (side("p1"), side("p2"))):
        comparison = compared(scores, first, second)
        assert comparison.difference is None
        assert {comparison.first.plays, comparison.second.plays} == {0, 1}


def test_the_same_on_both_sides_does_not_differ() -> None:
    comparison = compared(passes("p1", 0.3, 0.9), side("p1"), side("p1", "play_id = p1-0 OR play_id = p1-1"))
    assert difference(comparison) == Difference(0.0, 0.0, 0.0, 0.5)


def test_two_models_on_the_same_plays_differ_for_certain() -> None:
    scores = [*passes("p1", *[0.6] * 20), *passes("p1", *[0.6] * 20, model=OTHER_MODEL)]
    comparison = compared(scores, side("p1"), side("p1", model=OTHER_MODEL))
    found = difference(comparison)
    assert found.low == found.value == found.high == pytest.approx(POINTS_PER_SCORE * 0.01, abs=1e-4)
    assert found.probability == 1.0
    assert (comparison.first_model, comparison.second_model) == (MODEL, OTHER_MODEL)
    assert comparison.difference is not None
    assert comparison.difference.shared_plays == 20


def test_one_identifier_in_two_leagues_is_two_subjects() -> None:
    plays = [0.9] * 10
    scores = [*passes("p1", *plays), *passes("p1", *plays[:5], league="XFL")]
    comparison = compared(scores, side("p1"), side("p1", league="XFL"))
    assert comparison.difference is not None
    assert comparison.difference.shared_plays == 0
    assert difference(comparison).value == pytest.approx(POINTS_PER_SCORE * (59 / 110 - 54.5 / 105))


# --- Shots and face-offs ---


def shot(play: int, *, goal: bool, role: Role, subject: str) -> Score:
    result = "SHOT_RESULT_GOAL" if goal else "SHOT_RESULT_SAVED"
    who, where = Subject(role, subject, "", ""), PlayKey(LEAGUE, "g1", str(play))
    return Score(where, SHOTS.number, who, SHOT_MODEL, 1, 0, {"goal_probability": 0.1}, {}, {"result": result})


def draw(play: int, subject: str, *, won: bool) -> Score:
    result = "FACEOFF_RESULT_WON" if won else "FACEOFF_RESULT_LOST"
    who, where = Subject(FACEOFF_TAKER, subject, "", ""), PlayKey(LEAGUE, "g1", str(play))
    return Score(where, FACEOFFS.number, who, DRAW_MODEL, 1, 0, {"win_probability": 0.5}, {}, {"result": result})


def test_goals_make_a_shooter_better_and_a_goalie_worse() -> None:
    for role, sign in ((SHOOTER, 1), (GOALIE, -1)):
        scores = [shot(play, goal=play < 12, role=role, subject="a") for play in range(60)]
        scores += [shot(play, goal=play < 64, role=role, subject="b") for play in range(60, 120)]
        comparison = compared(scores, side("a", role=role), side("b", role=role))
        assert comparison.difference is not None
        assert comparison.difference.measure == "goals_above_expected_per_shot"
        found = difference(comparison)
        assert sign * found.value > 0
        assert sign * (found.probability - 0.5) > 0
        assert found.low < found.value < found.high


def test_face_offs_of_two_takers_against_each_other_are_shared() -> None:
    met = [each for play in range(40) for each in (draw(play, "a", won=play < 25), draw(play, "b", won=play >= 25))]
    apart = [draw(play, "a", won=play < 65) for play in range(40, 80)]
    apart += [draw(play, "b", won=play >= 105) for play in range(80, 120)]
    sides = side("a", role=FACEOFF_TAKER), side("b", role=FACEOFF_TAKER)
    against, elsewhere = compared(met, *sides), compared(apart, *sides)
    assert against.difference is not None and elsewhere.difference is not None
    assert against.difference.measure == "wins_above_expected_per_faceoff"
    assert (against.difference.shared_plays, elsewhere.difference.shared_plays) == (40, 0)
    # 40 face-offs against each other say less than 80 against others.
    assert 0.5 < difference(against).probability < difference(elsewhere).probability


# --- What is wrong ---


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (side("nobody"), Reason.SUBJECT_NOT_FOUND),
        (side("p1", league="XFL"), Reason.LEAGUE_NOT_FOUND),
        (side("p1", "game_id = g9"), Reason.GAME_NOT_FOUND),
        (side("p1", "down ="), Reason.FILTER_INVALID),
        (side("p1", model=ModelVersion("passing", 9)), Reason.MODEL_NOT_FOUND),
    ],
)
def test_the_side_at_fault_is_named(second: ComparedSubject, reason: Reason) -> None:
    with pytest.raises(PlayscoreError) as refused:
        compared(passes("p1", 0.5), side("p1"), second)
    assert refused.value.reason is reason
    assert all(wrong.field.startswith("second.split.") for wrong in refused.value.fields)
    assert refused.value.fields or refused.value.detail.startswith("second side: ")


def test_two_roles_are_not_compared() -> None:
    with pytest.raises(PlayscoreError) as refused:
        compared(passes("p1", 0.5), side("p1"), side("p1", role=SHOOTER))
    assert refused.value.reason is Reason.FIELD_INVALID
    assert [wrong.field for wrong in refused.value.fields] == ["second.split.role"]


# --- Any plays ---

PLAYS = st.lists(
    st.tuples(st.floats(0, 1), st.booleans(), st.booleans(), st.sampled_from(("p1", "p2"))), min_size=1, max_size=12
)


@settings(max_examples=60)
@given(PLAYS, st.randoms(use_true_random=False))
def test_neither_the_order_of_plays_nor_of_sides_matters(
    plays: list[tuple[float, bool, bool, str]], random: Any
) -> None:
    scores = [
        score(f"{play}", play_score, subject=subject, home=home, under_pressure=pressure)
        for play, (play_score, home, pressure, subject) in enumerate(plays)
    ]
    asked = queries(*scores, *passes("p1", 0.5, start=100), *passes("p2", 0.5, start=100))
    random.shuffle(scores)
    shuffled = queries(*passes("p2", 0.5, start=100), *scores, *passes("p1", 0.5, start=100))
    for first, second in (
        (side("p1"), side("p2")),
        (side("p1", "home"), side("p1", "under_pressure")),
        (side("p1", "home"), side("p1")),
    ):
        comparison = asked.compare(first, second)
        assert shuffled.compare(first, second) == comparison
        swapped = asked.compare(second, first)
        if comparison.difference is None:
            assert swapped.difference is None
            continue
        one, other = difference(comparison), -difference(swapped)
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-6)
        assert one.probability == pytest.approx(other.probability, abs=1e-9)
