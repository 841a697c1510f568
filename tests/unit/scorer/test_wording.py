"""What factors say is in a file; another language is another file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.release import Release
from scorer.core.chance import Attempt
from scorer.core.tensors import Tensor
from scorer.shots.task import ScoredShot, Shots
from scorer.shots.wording import ENGLISH, Wording, english, read_catalog
from tests.hockey import release_shots

GERMAN = """
unknown = "unbekannt: {name}"
other = "{name}: {value}"
decimal_point = ","

[factors.puck_height_feet]
name = "Höhe des Pucks"
text = "der Puck {value} m über dem Eis"
cases = { 0 = "der Puck auf dem Eis" }
decimals = 1
scale = 0.3048

[factors.score_difference]
name = "Spielstand"
text = "in Führung mit {value} Toren"
below = "im Rückstand mit {value} Toren"
cases = { 0 = "unentschieden", 1 = "in Führung mit einem Tor" }
"""
FACTORS = ("puck_height_feet", "score_difference")


@pytest.fixture
def german(tmp_path: Path) -> Path:
    path = tmp_path / "de.toml"
    path.write_text(GERMAN, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("factor", "value", "text"),
    [
        ("goalie_move_feet", 11.2, "the goalie had to move 11 ft"),
        ("goalie_move_feet", 0.8, "the goalie had to move a foot"),
        ("goalie_move_feet", -0.2, "the goalie did not have to move"),
        ("screens", 0.0, "no traffic in front"),
        ("screens", 1.0, "one body in the way"),
        ("screens", 3.0, "3 bodies in the way"),
        ("one_timer", 1.0, "a one-timer"),
        ("one_timer", 0.0, "not a one-timer"),
        ("puck_height_feet", 2.25, "the puck 2.2 ft off the ice"),
        ("puck_height_feet", 3.01, "the puck 3 ft off the ice"),
        ("net_visible_past_goalie", 0.345, "the goalie left 34% of the net open"),
        ("puck_speed_feet_per_second", 132.0, "a shot at 90 mph"),
        ("score_difference", -2.0, "trailing by 2 goals"),
        ("event_kind", -9.0, "after a giveaway of the other team"),
        ("shot_type", 4.0, "a backhand"),
        ("shot_type", 77.0, "type of the shot: 77"),
        ("shot_type", None, "not known: type of the shot"),
    ],
)
def test_a_value_is_read_out(factor: str, value: float | None, text: str) -> None:
    assert english().text(factor, value) == text


def test_every_value_of_every_factor_has_a_text_without_gaps() -> None:
    for factor in english().factors:
        for value in (None, -3.5, -1.0, 0.0, 0.04, 1.0, 2.0, 15.0, 1e6):
            text = english().text(factor, value)
            assert text == text.strip() != ""
            assert not set("{}") & set(text)


def test_another_language_is_another_file_with_its_own_grammar_and_units(german: Path) -> None:
    catalog = read_catalog(german, FACTORS)
    assert catalog.text("puck_height_feet", 5.0) == "der Puck 1,5 m über dem Eis"
    assert catalog.text("score_difference", -3.0) == "im Rückstand mit 3 Toren"
    assert catalog.text("score_difference", None) == "unbekannt: Spielstand"


def test_the_reasons_of_a_shot_are_told_in_the_language_of_the_catalog(tmp_path: Path) -> None:
    release: Release = release_shots(tmp_path / "releases")
    names = [factor.name for factor in release.factors]
    other = tmp_path / "other.toml"
    other.write_text(ENGLISH.read_text(encoding="utf-8").replace("a one-timer", "eine Direktabnahme"), encoding="utf-8")
    row, statics = np.zeros((1, len(names)), np.float32), np.zeros(2 * len(names), np.float32)
    place = names.index("one_timer")
    row[0, place] = statics[place] = statics[len(names) + place] = 1.0
    shot = Attempt(Tensor(np.zeros((0, 0), np.float32), statics), None)
    [scored] = Shots(read_catalog(other)).scoring(release)({"contributions": row}, [shot])
    assert isinstance(scored, ScoredShot)
    assert [each.text for each in scored.contributions] == ["eine Direktabnahme"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ("[factors.score_difference]", "[factors.stand]"),
            "lacks score_difference; names factors that are none: stand",
        ),
        (("below =", "beneath ="), r"factors\.score_difference\.beneath: "),
        (("{value} m über", "{metres} m über"), r"factors\.puck_height_feet: .*may have {value} only"),
        (("{value} m über", "{value:.1f} m über"), "may have {value} only"),
        (('unknown = "unbekannt: {name}"', ""), "unknown: Field required"),
        (("decimals = 1", "decimals = "), "line"),
    ],
)
def test_a_catalog_that_is_wrong_is_refused_by_what_is_wrong_in_it(
    german: Path, change: tuple[str, str], says: str
) -> None:
    german.write_text(GERMAN.replace(*change), encoding="utf-8")
    with pytest.raises(PlayscoreError, match=says) as refused:
        read_catalog(german, FACTORS)
    assert refused.value.reason is Reason.FIELD_INVALID
    assert refused.value.detail.startswith(f"{german} is no catalog")


def test_a_catalog_that_lacks_a_factor_of_english_is_refused_with_its_name(german: Path) -> None:
    with pytest.raises(PlayscoreError, match=r"lacks puck_distance_feet, puck_angle_degrees, .*listed_on_goal$"):
        read_catalog(german)


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match=r"nowhere\.toml"):
        read_catalog(tmp_path / "nowhere.toml")


def test_a_wording_that_says_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="needs text or cases"):
        Wording(name="luck")
