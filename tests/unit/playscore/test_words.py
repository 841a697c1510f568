"""The words that every room uses for roles, situations, results and reasons."""

from __future__ import annotations

import pytest

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import words
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.reasons import MEANINGS

DEPTHS = ("PASS_DEPTH_BEHIND_LINE", "PASS_DEPTH_SHORT", "PASS_DEPTH_INTERMEDIATE", "PASS_DEPTH_DEEP")


def test_every_role_has_words_and_is_ranked_by_a_field_of_its_rating() -> None:
    assert set(words.ROLES) == {number for number in common.Role.values() if number}
    for role in words.ROLES.values():
        value = aggregator.Rating.DESCRIPTOR.fields_by_name[role.value].message_type
        assert value is not None
        assert {f"{role.ranked_by}{end}" for end in ("", "_low", "_high")} <= set(value.fields_by_name)


def test_a_pass_is_described_as_far_as_it_is_known() -> None:
    known = aggregator.ScoreRecord(
        pass_attributes=football.PassAttributes(
            quarter=3, game_clock_seconds=252.0, down=3, yards_to_go=7, yards_to_end_zone=52, under_pressure=True,
            time_to_throw_seconds=2.94, depth=football.PASS_DEPTH_BEHIND_LINE,
        ),
        pass_measure=aggregator.PassMeasure(result=football.PASS_RESULT_COMPLETE),
    )  # fmt: skip
    assert words.clock(known) == "Q3 4:12"
    assert words.situation(known) == "3rd & 7, 52 yd to end zone, under pressure, 2.9 s, behind line"
    assert words.result(known) == "complete"
    unknown = aggregator.ScoreRecord(pass_attributes=football.PassAttributes())
    assert (words.clock(unknown), words.situation(unknown)) == ("", "")
    assert words.result(unknown) == "result pending"


def test_a_shot_is_described_in_the_terms_of_the_game() -> None:
    shot = aggregator.ScoreRecord(
        shot_attributes=hockey.ShotAttributes(
            period=2, zone=hockey.ICE_ZONE_SLOT, shot_type=hockey.SHOT_TYPE_WRIST, distance_feet=21, angle_degrees=30,
            strength=hockey.STRENGTH_SHORT_HANDED, rebound=True, net_state=hockey.NET_STATE_EMPTY,
        ),
        shot_measure=aggregator.ShotMeasure(result=hockey.SHOT_RESULT_POST),
    )  # fmt: skip
    assert words.clock(shot) == "P2"
    assert words.situation(shot) == "slot, wrist, 21 ft, 30°, short-handed, rebound, empty net"
    assert words.result(shot) == "off the post"


def test_a_faceoff_names_its_zone_as_hockey_does() -> None:
    faceoff = aggregator.ScoreRecord(
        faceoff_attributes=hockey.FaceoffAttributes(zone=hockey.RINK_ZONE_OFFENSIVE, strength=hockey.STRENGTH_EVEN),
        faceoff_measure=aggregator.FaceoffMeasure(result=hockey.FACEOFF_RESULT_WON),
    )
    assert words.situation(faceoff) == "offensive zone, even strength"
    assert words.result(faceoff) == "won"


def test_an_enum_value_of_a_later_release_is_left_out() -> None:
    shot = hockey.ShotAttributes(period=1)
    shot.MergeFromString(bytes([hockey.ShotAttributes.DESCRIPTOR.fields_by_name["zone"].number << 3, 0x63]))
    assert words.enum_word(shot, "zone") == ""


def test_values_of_groups_are_words() -> None:
    deep = aggregator.FieldValue(field="depth", text="PASS_DEPTH_BEHIND_LINE")
    assert words.field_value(deep, DEPTHS) == "behind line"
    assert words.field_value(aggregator.FieldValue(field="team_id", text="PASS_DEPTH_DEEP")) == "PASS_DEPTH_DEEP"
    assert words.field_value(aggregator.FieldValue(field="home", flag=True)) == "yes"
    assert words.field_value(aggregator.FieldValue(field="week")) == "unknown"


def test_reasons_have_the_words_of_the_contract_and_those_of_later_releases_their_number() -> None:
    for reason, meaning in MEANINGS.items():
        assert words.reason_meaning(reason.value) == meaning
    assert words.reason_name(reason_pb2.REASON_NO_RELEASE) == "NO_RELEASE"
    assert words.reason_name(4711) == "4711"
    assert words.reason_meaning(4711) == "Reason 4711 is unknown to this release."


@pytest.mark.parametrize(("yards", "text"), [(19, "19 yards"), (1, "1 yard"), (0, "0 yards"), (-5, "loss of 5 yards")])
def test_a_gain_reads_as_words(yards: float, text: str) -> None:
    assert words.gained(yards) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0.04, "0.0 ms"), (12.36, "12.4 ms"), (999.9, "999.9 ms"), (999.97, "1.0 s"), (1000, "1.0 s"), (2344.3, "2.3 s")],
)
def test_a_time_reads_as_seconds_from_one_second_on(milliseconds: float, text: str) -> None:
    assert words.duration(milliseconds) == text
