"""The map of the zones is that of the code."""

from __future__ import annotations

from xml.etree import ElementTree

from docs.generate.__main__ import ZONES
from docs.generate.zones import zones_picture
from playscore.shots import IceZone


def test_the_committed_map_is_that_of_the_code() -> None:
    assert ZONES.read_text() == zones_picture(), "run `make generate`"


def test_every_zone_is_named_and_drawn() -> None:
    picture = ElementTree.fromstring(zones_picture())
    names = {each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert names == {zone.name.lower().replace("_", " ") for zone in IceZone}
