"""Ratings, plays and coverage as rows of pages."""

from __future__ import annotations

import pytest

from board.coverage import coverage_data
from board.plays import HEIGHT, play_rows
from board.ratings import COLUMNS, key_of, row
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import ListedPlay
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey
from tests.scored_plays import SUPPORT, a_pass, a_shot


def listed(record: aggregator.PlayRecord) -> ListedPlay:
    return ListedPlay(record.score, SUPPORT if record.score.distribution.HasField("spliced_binned_pareto") else None)


def test_a_pass_says_when_where_and_what_became_of_it() -> None:
    (shown,) = play_rows(
        [
            listed(
                a_pass(
                    7, 0.9731, yards=19.0, game_clock_seconds=252.0, yards_to_go=8.0, under_pressure=True,
                    passer_lateral_yards=-2.04, passer_depth_yards=7.0, depth=football.PASS_DEPTH_BEHIND_LINE,
                )
            )
        ]
    )  # fmt: skip
    assert shown["when"] == "2021, week 1, Q2 4:12"
    assert shown["situation"] == "3rd & 8, under pressure, behind line"
    assert (shown["result"], shown["text"], shown["value"]) == ("19 yards", "0.97", 0.9731)
    assert shown["field"] == {"lateral": -2.0, "behind": 7.0, "air": None, "depth": "behind line"}


def test_a_distribution_is_drawn_yard_by_yard_up_to_its_ceiling() -> None:
    play = listed(a_pass(1, 0.5, yards=60.0))
    (shown,) = play_rows([play])
    drawn = shown["drawn"]
    assert drawn["first"] == -10
    assert len(drawn["heights"]) == 51  # to the 40 yards of the ceiling
    assert max(drawn["heights"]) == HEIGHT
    assert drawn["heights"][10] == HEIGHT  # no gain: the highest bin, a yard wide
    assert drawn["came"] == 40
    (without,) = play_rows([ListedPlay(play.record, None)])
    assert without["drawn"] is None


@pytest.mark.parametrize(
    ("result", "yards", "text"),
    [
        (football.PASS_RESULT_INTERCEPTED, 0.0, "intercepted"),
        (football.PASS_RESULT_INCOMPLETE, 0.0, "incomplete"),
        (football.PASS_RESULT_COMPLETE, -1.0, "loss of 1 yard"),
        (football.PASS_RESULT_UNSPECIFIED, 1.0, "1 yard"),
    ],
)
def test_a_pass_ends_in_words(result: football.PassResult.ValueType, yards: float, text: str) -> None:
    assert play_rows([listed(a_pass(1, yards=yards, result=result))])[0]["result"] == text


def test_a_play_whose_result_is_not_known_has_no_score() -> None:
    (shown,) = play_rows([listed(a_pass(1, None))])
    assert (shown["result"], shown["value"], shown["drawn"]["came"]) == ("result pending", None, None)


def test_a_shot_names_its_shooter_for_other_subjects() -> None:
    shots = a_shot(1, 0.25, hockey.SHOT_RESULT_GOAL, rebound=True, strength=hockey.STRENGTH_POWER_PLAY)
    of_shooter, of_team, of_goalie = play_rows(map(listed, shots), {"s1": "S. Shooter"})
    assert of_shooter["situation"] == "slot, power play, rebound"
    assert of_team["situation"] == of_goalie["situation"] == "S. Shooter, slot, power play, rebound"
    assert of_goalie["drawn"] == {"probability": 0.25, "came": True}
    assert of_goalie["ice"] == {"x": 70.0, "y": 5.0, "level": "medium"}
    assert of_goalie["when"] == "2023, P2 1:01"


def test_a_shot_from_nowhere_is_not_drawn() -> None:
    record = a_shot(1)[0]
    record.score.shot_attributes.ClearField("x_feet")
    assert play_rows([listed(record)])[0]["ice"] is None


def test_a_rating_is_a_row_with_its_interval() -> None:
    rating = aggregator.Rating(
        subject=common.Subject(role=common.ROLE_GOALIE, subject_id="k1", team_id="MTL"),
        plays=30,
        shots=aggregator.ShotRating(
            goals_above_expected=1.25, goals_above_expected_low=-0.5, goals_above_expected_high=3, expected_goals=4.25,
            goals=3, shots_on_goal=20, save_percentage=0.85, expected_save_percentage=0.8,
        ),
        qualified=True,
        rank=2,
    )  # fmt: skip
    shown = row(rating)
    assert (shown["name"], shown["team"], shown["text"], shown["interval"]) == ("k1", "MTL", "+1.25", "-0.50 to +3.00")
    assert shown["cells"] == [["3", "(4.25)"], ["85.0%", "(80.0%)"]]
    assert len(shown["cells"]) == len(COLUMNS[common.ROLE_GOALIE])


def test_the_keys_of_ratings_distinguish_unknown_values_from_all_others() -> None:
    def grouped(**value: object) -> aggregator.RatingKey:
        return aggregator.RatingKey(group=[aggregator.FieldValue(field="week", **value)])  # type: ignore[arg-type]

    keys = {key_of(grouped()), key_of(grouped(integer=0)), key_of(grouped(text="0")), key_of(grouped(flag=False))}
    assert len(keys) == 4
    assert key_of(aggregator.Rating(group=grouped(integer=0).group, plays=3)) == key_of(grouped(integer=0))


def test_coverage_counts_plays_in_ratings_and_plays_that_wait() -> None:
    shown = coverage_data(
        aggregator.GetCoverageResponse(
            plays=10, graded=6, ungraded=1, unscored=[aggregator.ReasonCount(reason=reason_pb2.REASON_SPIKE, plays=3)]
        )
    )
    assert shown["summary"] == "6 of 10 plays (60%) are in ratings; 1 more waits for its official result."
    assert shown["reasons"] == [["The ball was thrown to the ground to stop the clock.", 3]]
    assert coverage_data(aggregator.GetCoverageResponse())["summary"] == "0 of 0 plays are in ratings."
