"""The passing task: its fields are the contract's, its ratings those of docs/score.md."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.fields import FieldType
from aggregator.core.task import Extent, Totals
from aggregator.passing.fields import SCHEMA
from playscore.aggregator.v1 import aggregator_pb2
from playscore.common.v1 import common_pb2
from playscore.field_limits import FIELD_LIMITS
from playscore.football.v1 import football_pb2
from playscore.passing import PASSER
from tests.unit.aggregator.scores import MODEL, PASSING

TYPES = {
    FieldDescriptor.TYPE_INT32: FieldType.INTEGER,
    FieldDescriptor.TYPE_DOUBLE: FieldType.NUMBER,
    FieldDescriptor.TYPE_BOOL: FieldType.BOOLEAN,
    FieldDescriptor.TYPE_STRING: FieldType.STRING,
    FieldDescriptor.TYPE_ENUM: FieldType.ENUM,
}


def test_every_attribute_of_a_pass_is_a_split_field_of_its_type() -> None:
    of_contract = {field.name: TYPES[field.type] for field in football_pb2.PassAttributes.DESCRIPTOR.fields}
    assert {field.name: field.type for field in SCHEMA.attributes} == of_contract


def test_values_are_written_as_the_contract_has_them() -> None:
    assert list(SCHEMA.fields["depth"].values) == football_pb2.PassDepth.keys()[1:]
    assert [name for name, field in SCHEMA.fields.items() if field.values] == ["depth"]


def test_measures_and_values_are_the_contracts() -> None:
    assert [*SCHEMA.measures, *SCHEMA.outcome] == [field.name for field in aggregator_pb2.PassMeasure.DESCRIPTOR.fields]
    assert PASSING.number == common_pb2.TASK_PASSING
    values = PASSING.rate(PASSER, MODEL, totals([1], [0.5]))
    assert list(values) == [field.name for field in aggregator_pb2.PassingRating.DESCRIPTOR.fields]
    assert {PASSING.ranked_by, *PASSING.orders} <= values.keys()


def test_every_number_has_limits_in_the_contract() -> None:
    numbers = [each.name for each in SCHEMA.attributes if each.type in (FieldType.INTEGER, FieldType.NUMBER)]
    assert all(FIELD_LIMITS[f"playscore.football.v1.PassAttributes.{name}"].range for name in numbers)


def test_fields_are_described_and_sorted_by_name() -> None:
    assert list(SCHEMA.fields) == sorted(SCHEMA.fields)
    assert all(field.description.endswith(".") for field in SCHEMA.fields.values())
    assert {"game_id", "play_id", "subject_id"} <= set(SCHEMA.fields)
    numbers = {field.name for field in SCHEMA.fields.values() if field.type is FieldType.NUMBER}
    assert {name for name, field in SCHEMA.fields.items() if not field.groups} == {*numbers, "play_id"}


# --- Ratings ---


def totals(plays: list[int], play_scores: list[float]) -> Totals:
    yards = 7.0 * np.array(plays)
    return Totals(
        np.array(plays), {"play_score": np.array(play_scores), "yards_gained": yards, "expected_yards": 6.0 * yards / 7}
    )


def test_ratings_and_means_of_each_group() -> None:
    values = PASSING.rate(PASSER, MODEL, totals([300, 0], [300 * 0.52, 0.0]))
    assert values["rating"].tolist() == pytest.approx([89.25, 84.0])
    assert values["rating_low"][0] < 89.25 < values["rating_high"][0]
    assert values["mean_play_score"][0] == pytest.approx(0.52)
    assert (values["yards_per_play"][0], values["expected_yards_per_play"][0]) == (7.0, 6.0)
    assert all(np.isnan(values[name][1]) for name in ("mean_play_score", "yards_per_play", "expected_yards_per_play"))


# --- Who qualifies ---


def qualifying(plays: int, season_plays: int, team_games: int) -> int:
    return PASSING.qualifying_plays(PASSER, MODEL, Extent(plays, season_plays, team_games))


@pytest.mark.parametrize(
    ("plays", "season_plays", "team_games", "qualify"),
    [
        (18_000, 18_000, 17, 200),
        (18_000, 18_000, 40, 200),  # more than one season
        (4_500, 18_000, 17, 50),
        (91, 18_000, 17, 2),
        (1, 18_000, 17, 1),
        (0, 18_000, 17, 1),
        (66, 66, 1, 12),  # one game: 200 / 17
        (10, 66, 1, 2),
        (4_236, 4_236, 4, 48),
        (0, 0, 0, 1),
    ],
)
def test_a_split_qualifies_by_its_share_of_what_was_played(
    plays: int, season_plays: int, team_games: int, qualify: int
) -> None:
    assert qualifying(plays, season_plays, team_games) == qualify


@given(st.integers(1, 20_000), st.integers(0, 20_000), st.integers(1, 40), st.integers(0, 40))
def test_more_plays_and_more_games_never_ask_for_less(plays: int, more: int, games: int, more_games: int) -> None:
    season = plays + more
    assert 1 <= qualifying(plays, season, games) <= qualifying(season, season, games)
    assert qualifying(plays, season, games) <= qualifying(plays, season, games + more_games) <= 200
