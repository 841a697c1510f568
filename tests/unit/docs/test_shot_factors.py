"""The page of a shot's factors is that of the code, and its pictures are those of the drawings that tests check."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

import pytest

from docs.generate.__main__ import FACTOR_PICTURES, FACTORS
from docs.generate.drawings import Drawing, groups
from docs.generate.shot_factors import factors_page, pictures
from docs.generate.shot_pictures import WIDTH, picture, shown_value
from featurizer.shots.factors import FACTORS as SPECIFIED

GROUPS: Final = groups()
DRAWINGS: Final = [drawing for group in GROUPS for drawing in group.drawings]
SVG: Final = "{http://www.w3.org/2000/svg}"
MIN_TEXT: Final = 11.0
"""Pixels, on a screen that is 360 wide."""


def test_the_committed_page_is_that_of_the_code() -> None:
    assert FACTORS.read_text() == factors_page(GROUPS), "run `make generate`"


def test_the_committed_pictures_are_those_of_the_drawings() -> None:
    committed = {path.name: path.read_text() for path in FACTOR_PICTURES.iterdir()}
    assert committed == pictures(GROUPS), "run `make generate`"


def test_every_factor_has_its_definition_and_a_picture() -> None:
    sections = re.split(r"^### ", factors_page(GROUPS), flags=re.MULTILINE)[1:]
    assert [section.split("\n", 1)[0] for section in sections] == [factor.name for factor in SPECIFIED]
    for section, factor in zip(sections, SPECIFIED, strict=True):
        assert factor.description in section
        assert "**Unknown:** " in section
        assert ".svg)" in section


def test_no_drawing_has_the_name_of_another() -> None:
    assert len({drawing.name for drawing in DRAWINGS}) == len(DRAWINGS)


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.name)
def test_a_picture_says_what_it_shows_in_letters_that_can_be_read(drawing: Drawing) -> None:
    drawn = ElementTree.fromstring(picture(drawing))
    assert float(drawn.attrib["width"]) == WIDTH
    texts = list(drawn.iter(f"{SVG}text"))
    assert {drawing.factor, shown_value(drawing)} <= {text.text for text in texts}
    assert all(float(text.get("font-size", drawn.attrib["font-size"])) >= MIN_TEXT for text in texts)
    for text in texts:
        assert 0.0 <= float(text.attrib["x"]) <= WIDTH
    assert drawing.says in (drawn.findtext(f"{SVG}title") or "")


def test_a_place_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="puck_distance: nothing is called 'referee'"):
        DRAWINGS[0].point("referee")
