"""Shots and face-offs: their fields are the contract's, their ratings those of docs/shots.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.fields import FieldType, Schema
from aggregator.core.following import Follower
from aggregator.core.queries import RatingQueries, Split
from aggregator.core.records import PlayKey, Score, Scored, Value
from aggregator.core.snapshot import Snapshot
from aggregator.core.standings import Rating
from aggregator.core.task import Extent, Task, Tasks, Totals
from aggregator.faceoffs.fields import SCHEMA as FACEOFF_SCHEMA
from aggregator.faceoffs.task import FaceoffsTask
from aggregator.shots.fields import SCHEMA
from aggregator.shots.messages import shot_messages
from aggregator.shots.task import ShotsTask
from aggregator.tasks import make_tasks
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.common.v1 import common_pb2
from playscore.errors import PlayscoreError, Reason
from playscore.faceoffs import FACEOFF_TAKER
from playscore.field_limits import FIELD_LIMITS
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import ModelVersion, Release
from playscore.shots import GOALIE, SHOOTER, SHOOTING_TEAM
from playscore.subjects import Role, Subject
from tests.hockey import release_faceoffs, release_shots
from tests.unit.aggregator.scores import snapshot_of
from tests.unit.aggregator.stores import STORES, opening, write

MODEL = ModelVersion("shots", 1)
DRAWS = ModelVersion("faceoffs", 1)
SHOTS = ShotsTask([MODEL], MODEL)
FACEOFFS = FaceoffsTask([DRAWS], DRAWS)
TASKS = Tasks([SHOTS, FACEOFFS])
TYPES = {
    FieldDescriptor.TYPE_INT32: FieldType.INTEGER,
    FieldDescriptor.TYPE_DOUBLE: FieldType.NUMBER,
    FieldDescriptor.TYPE_BOOL: FieldType.BOOLEAN,
    FieldDescriptor.TYPE_STRING: FieldType.STRING,
    FieldDescriptor.TYPE_ENUM: FieldType.ENUM,
}
SEEN = {"shooting_team_id": "team_id", "defending_team_id": "opponent_id", "shooting_at_home": "home"}
CASES: Sequence[tuple[Schema, Any, Any, Any, Task, Mapping[str, str]]] = [
    (SCHEMA, hockey.ShotAttributes, pb.ShotMeasure, pb.ShotRating, SHOTS, SEEN),
    (FACEOFF_SCHEMA, hockey.FaceoffAttributes, pb.FaceoffMeasure, pb.FaceoffRating, FACEOFFS, {}),
]
GOAL, SAVED, MISSED = "SHOT_RESULT_GOAL", "SHOT_RESULT_SAVED", "SHOT_RESULT_MISSED"


def test_every_attribute_is_a_split_field_of_its_type_as_the_subject_sees_it() -> None:
    for schema, attributes, _, _, _, seen in CASES:
        of_contract = {seen.get(field.name, field.name): TYPES[field.type] for field in attributes.DESCRIPTOR.fields}
        assert {field.name: field.type for field in schema.attributes} == of_contract


def test_values_are_written_as_the_contract_has_them() -> None:
    for schema, attributes, _, _, _, _ in CASES:
        of_contract = {
            field.name: tuple(field.enum_type.values_by_name)[1:]
            for field in attributes.DESCRIPTOR.fields
            if field.enum_type is not None
        }
        assert {field.name: field.values for field in schema.attributes if field.values} == of_contract


def test_measures_and_values_are_the_contracts() -> None:
    for schema, _, measure, rating, task, _ in CASES:
        assert [*schema.measures, *schema.outcome] == [field.name for field in measure.DESCRIPTOR.fields]
        values = task.rate(task.roles[0], task.default_model, no_plays(schema))
        assert list(values) == [field.name for field in rating.DESCRIPTOR.fields]
        assert task.ranked_by in task.orders
        assert set(task.orders) == set(values)
    assert (SHOTS.number, FACEOFFS.number) == (common_pb2.TASK_SHOTS, common_pb2.TASK_FACEOFFS)
    for role in (*SHOTS.roles, *FACEOFFS.roles):
        assert common_pb2.Role.Name(role.number) == f"ROLE_{role.name.upper()}"  # type: ignore[arg-type]


def test_every_number_has_limits_in_the_contract_and_every_field_a_description() -> None:
    for schema, attributes, _, _, _, _ in CASES:
        name = attributes.DESCRIPTOR.full_name
        for field in schema.attributes:
            assert field.description.endswith(".")
            if field.type in (FieldType.INTEGER, FieldType.NUMBER):
                assert FIELD_LIMITS[f"{name}.{field.name}"].range


# --- Ratings ---


def no_plays(schema: Schema) -> Totals:
    return Totals(np.zeros(1, np.intp), {name: np.zeros(1) for name in (*schema.measures, *schema.derived)})


def shot(
    play: int, chance: float | None, result: str = SAVED, role: Role = SHOOTER, subject: str = "sh", **known: Value
) -> Score:
    """A shot of one of its subjects; one without a chance waits for its result."""
    return Score(
        PlayKey("NHL", "g1", str(play)),
        SHOTS.number,
        Subject(role, subject, "", str(known.get("team_id", ""))),
        MODEL,
        1,
        0,
        None if chance is None else {"goal_probability": chance},
        known,
        {} if chance is None else {"result": result},
    )


def queries(*scores: Score) -> RatingQueries:
    return RatingQueries(snapshot_of(*scores, tasks=TASKS))


def rated(*scores: Score, role: Role = SHOOTER, subject: str = "sh", split: str = "") -> Rating:
    rating, _ = queries(*scores).rating(Split("NHL", role, split), subject)
    return rating


def of(rating: Rating, name: str) -> float:
    value = rating.value[name]
    assert value is not None
    return value


def test_goals_above_expected_by_hand() -> None:
    rating = rated(shot(1, 0.3, GOAL), shot(2, 0.1), shot(3, 0.05, MISSED), shot(4, 0.05, "SHOT_RESULT_POST"))
    assert rating.plays == 4
    assert of(rating, "goals_above_expected") == pytest.approx(0.5)
    assert of(rating, "expected_goals") == pytest.approx(0.5)
    assert (rating.value["goals"], rating.value["shots_on_goal"]) == (1, 2)
    assert rating.value["shooting_percentage"] == rating.value["save_percentage"] == 0.5
    assert of(rating, "expected_shooting_percentage") == pytest.approx(0.25)
    assert of(rating, "expected_save_percentage") == pytest.approx(0.75)


def test_a_goalie_is_rated_by_what_did_not_go_in() -> None:
    shots = [(0.3, GOAL), (0.3, SAVED), (0.2, SAVED), (0.2, MISSED)]
    of_shooter = rated(*(shot(place, *each) for place, each in enumerate(shots)))
    of_goalie = rated(
        *(shot(place, *each, role=GOALIE, subject="g") for place, each in enumerate(shots)), role=GOALIE, subject="g"
    )
    for name, sign in (("goals_above_expected", 1), ("expected_goals", -1), ("goals", -1), ("shots_on_goal", -1)):
        assert of(of_goalie, name) == pytest.approx(-sign * of(of_shooter, name))
    assert of(of_goalie, "goals_above_expected_low") == pytest.approx(-of(of_shooter, "goals_above_expected_high"))
    assert of(of_goalie, "goals_above_expected_high") == pytest.approx(-of(of_shooter, "goals_above_expected_low"))


def test_more_is_expected_of_many_misses_than_shots_on_goal_can_bring() -> None:
    rating = rated(*(shot(place, 0.4, MISSED) for place in range(9)), shot(10, 0.4, GOAL))
    assert of(rating, "expected_shooting_percentage") == 1.0
    assert of(rating, "expected_save_percentage") == 0.0


def test_without_a_shot_on_goal_there_are_no_percentages() -> None:
    rating = rated(shot(1, 0.2, MISSED))
    assert {name for name, value in rating.value.items() if value is None} == {
        "shooting_percentage",
        "expected_shooting_percentage",
        "save_percentage",
        "expected_save_percentage",
    }


def test_without_a_play_in_the_split_nothing_is_expected_and_nothing_came() -> None:
    for subject in ("sh", "new"):
        scores = (shot(1, 0.2), shot(2, None, subject="new"))
        rating = rated(*scores, subject=subject, split="zone = ICE_ZONE_POINT")
        assert (rating.plays, rating.qualified, rating.rank) == (0, False, 0)
        assert {value for value in rating.value.values() if value is not None} == {0.0}


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from([GOAL, SAVED, MISSED])),
        min_size=1,
        max_size=40,
    )
)
def test_the_interval_holds_the_rating_and_what_is_possible(shots: list[tuple[float, str]]) -> None:
    rating = rated(*(shot(place, *each) for place, each in enumerate(shots)))
    low, value, high = (of(rating, f"goals_above_expected{end}") for end in ("_low", "", "_high"))
    expected = of(rating, "expected_goals")
    assert low <= value <= high
    assert -expected <= low + 1e-9
    assert high <= len(shots) - expected + 1e-9


def test_two_goals_into_an_empty_net_and_no_more_shots_have_an_interval() -> None:
    rating = rated(shot(1, 0.9, GOAL), shot(2, 0.1, GOAL))
    assert of(rating, "goals_above_expected_low") < of(rating, "goals_above_expected") == pytest.approx(1.0)
    assert of(rating, "goals_above_expected_high") == pytest.approx(1.0)  # more cannot come of two shots


@given(st.permutations(range(12)))
def test_a_rating_does_not_depend_on_the_order_of_its_shots(order: list[int]) -> None:
    def value(places: Sequence[int]) -> Mapping[str, float | None]:
        return rated(*(shot(place, 0.01 + place / 13, GOAL if place % 5 == 0 else SAVED) for place in places)).value

    assert value(order) == value(range(12))


def test_shooting_is_split_by_zone_level_type_and_strength() -> None:
    scores = [
        shot(1, 0.2, GOAL, zone="ICE_ZONE_SLOT", level="OPPORTUNITY_LEVEL_HIGH", strength="STRENGTH_EVEN"),
        shot(2, 0.2, SAVED, zone="ICE_ZONE_SLOT", level="OPPORTUNITY_LEVEL_HIGH", strength="STRENGTH_POWER_PLAY"),
        shot(3, 0.02, SAVED, subject="other", zone="ICE_ZONE_POINT", level="OPPORTUNITY_LEVEL_LOW"),
    ]
    asked = queries(*scores)
    page = asked.ratings(Split("NHL", SHOOTER), group_by=("zone", "level"), order_by="shooting_percentage desc")
    assert [(rating.group, rating.value["shooting_percentage"]) for rating in page.items] == [
        ((("zone", "ICE_ZONE_SLOT"), ("level", "OPPORTUNITY_LEVEL_HIGH")), 0.5),
        ((("zone", "ICE_ZONE_POINT"), ("level", "OPPORTUNITY_LEVEL_LOW")), 0.0),
    ]
    (only,) = asked.ratings(Split("NHL", SHOOTER, "strength = STRENGTH_POWER_PLAY")).items
    assert of(only, "goals_above_expected") == pytest.approx(-0.2)
    for name in ("zone", "level", "shot_type", "strength", "season", "period", "team_id", "opponent_id"):
        assert SCHEMA.fields[name].groups


# --- Who qualifies ---


@pytest.mark.parametrize(
    ("role", "plays", "team_games", "qualify"),
    [
        (SHOOTER, 1000, 82, 100),
        (SHOOTER, 250, 82, 25),
        (SHOOTER, 1000, 1, 2),
        (GOALIE, 1000, 82, 500),
        (GOALIE, 1000, 30, 183),
        (SHOOTING_TEAM, 1000, 82, 1),
        (SHOOTER, 0, 82, 1),
    ],
)
def test_a_split_qualifies_by_its_share_of_what_was_played(
    role: Role, plays: int, team_games: int, qualify: int
) -> None:
    assert SHOTS.qualifying_plays(role, MODEL, Extent(plays, 1000, team_games)) == qualify


def test_takers_qualify_by_face_offs() -> None:
    assert FACEOFFS.qualifying_plays(FACEOFF_TAKER, DRAWS, Extent(1000, 1000, 82)) == 200


# --- Face-offs ---


def test_wins_above_expected_by_hand() -> None:
    def draw(play: int, chance: float, result: str, subject: str) -> Score:
        subject_of = Subject(FACEOFF_TAKER, subject, "", "")
        measures, outcome = {"win_probability": chance}, {"result": result}
        return Score(PlayKey("NHL", "g1", str(play)), 3, subject_of, DRAWS, 1, 0, measures, {}, outcome)

    won, lost = "FACEOFF_RESULT_WON", "FACEOFF_RESULT_LOST"
    asked = queries(draw(1, 0.6, won, "a"), draw(1, 0.4, lost, "b"), draw(2, 0.5, won, "a"), draw(2, 0.5, lost, "b"))
    best, worst = asked.ratings(Split("NHL", FACEOFF_TAKER)).items
    assert best.subject.subject_id == "a"
    assert of(best, "wins_above_expected") == pytest.approx(0.9) == -of(worst, "wins_above_expected")
    assert (best.value["wins"], round(of(best, "expected_wins"), 6)) == (2, 1.1)
    assert of(best, "wins_above_expected_low") < 0.9


# --- As subjects see it ---


def attributes(**changed: Any) -> hockey.ShotAttributes:
    made = hockey.ShotAttributes(
        season=2023,
        shooting_team_id="BOS",
        defending_team_id="MTL",
        shooting_at_home=True,
        strength=hockey.STRENGTH_POWER_PLAY,
        zone=hockey.ICE_ZONE_SLOT,
        rebound=False,
        shooter_id="sh",
        goalie_id="g",
        level=hockey.OPPORTUNITY_LEVEL_HIGH,
        x_feet=70.0,
        y_feet=0.0,
    )
    made.MergeFrom(hockey.ShotAttributes(**changed))
    return made


def record(role: int, subject_id: str, team_id: str, **changed: Any) -> pb.ScoreRecord:
    return pb.ScoreRecord(
        key=common_pb2.PlayKey(league="NHL", game_id="g1", play_id="1"),
        subject=common_pb2.Subject(
            role=role,  # type: ignore[arg-type]
            subject_id=subject_id,
            team_id=team_id,
        ),
        model=common_pb2.ModelVersion(name="shots", version=1),
        revision=1,
        shot_measure=pb.ShotMeasure(
            goal_probability=0.2, result=hockey.SHOT_RESULT_GOAL, level=hockey.OPPORTUNITY_LEVEL_HIGH
        ),
        shot_attributes=attributes(**changed),
    )


RECORDS = [
    (SHOOTER, record(common_pb2.ROLE_SHOOTER, "sh", "BOS"), ("BOS", "MTL", True)),
    (SHOOTING_TEAM, record(common_pb2.ROLE_SHOOTING_TEAM, "BOS", "BOS"), ("BOS", "MTL", True)),
    (GOALIE, record(common_pb2.ROLE_GOALIE, "g", "MTL"), ("MTL", "BOS", False)),
]


def read(message: pb.ScoreRecord, role: Role) -> Score:
    subject = Subject(role, message.subject.subject_id, "", message.subject.team_id)
    return shot_messages(SHOTS).score_from_message(message, subject, "score")


@pytest.mark.parametrize(("role", "message", "seen"), RECORDS)
def test_team_opponent_and_home_are_as_the_subject_sees_them_and_come_back_as_told(
    role: Role, message: pb.ScoreRecord, seen: tuple[str, str, bool]
) -> None:
    score = read(message, role)
    assert tuple(score.attributes[name] for name in ("team_id", "opponent_id", "home")) == seen
    assert score.attributes["strength"] == "STRENGTH_POWER_PLAY"  # the shooting team's, whoever asks
    assert not {"shooting_team_id", "defending_team_id", "shooting_at_home"} & score.attributes.keys()
    assert shot_messages(SHOTS).score_to_message(score) == message


def test_who_is_at_home_stays_unknown_where_nobody_says() -> None:
    message = record(common_pb2.ROLE_GOALIE, "g", "MTL")
    message.shot_attributes.ClearField("shooting_at_home")
    score = read(message, GOALIE)
    assert "home" not in score.attributes
    assert shot_messages(SHOTS).score_to_message(score) == message


def test_a_goalie_of_the_shooting_team_is_refused() -> None:
    with pytest.raises(PlayscoreError, match='team_id must be that of shot_attributes, "MTL"') as refused:
        read(record(common_pb2.ROLE_GOALIE, "g", "BOS"), GOALIE)
    assert refused.value.reason is Reason.FIELD_INVALID


# --- Stores and releases ---


@pytest.mark.parametrize("store", STORES)
async def test_shots_come_back_from_every_store_as_they_were_recorded(store: str, tmp_path: Path) -> None:
    scores = [read(message, role) for role, message, _ in RECORDS]
    snapshot = Snapshot(TASKS)
    async with opening(STORES[store])(tmp_path / "scores") as opened:
        written = await opened.record(write(*map(Scored, scores)))
        follower = Follower(opened, snapshot)
        await follower.open()
        await follower.reach(written.revision, 5)
        await follower.close()
        reading = await opened.read(range(100), written.revision)
    asked = RatingQueries(snapshot)
    for score in scores:
        role = score.subject.role
        assert [reading.scored[item].score for item in asked.plays(Split("NHL", role)).items] == [score]
        rating, _ = asked.rating(Split("NHL", role), score.subject.subject_id)
        assert of(rating, "goals_above_expected") == pytest.approx(-0.8 if role == GOALIE else 0.8)
        assert rating.subject.team_id == score.subject.team_id


def test_tasks_without_a_release_are_left_out(tmp_path: Path) -> None:
    shots: Release = release_shots(tmp_path)
    older = shots.model_copy(update={"version": 7})
    (only,) = make_tasks([shots, older], [])
    assert only.task.roles == (SHOOTER, GOALIE, SHOOTING_TEAM)
    assert only.task.default_model == ModelVersion("shots", 7)
    assert set(only.task.models) == {MODEL, ModelVersion("shots", 7)}
    both = make_tasks([shots, release_faceoffs(tmp_path)], [])
    assert [each.task.number for each in both] == [SHOTS.number, FACEOFFS.number]
