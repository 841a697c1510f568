"""Layouts are found through entry points, those of other packages too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playscore.errors import PlayscoreError
from playscore.sources import GROUP, Layout, layouts, open_source, select_games

_MODULE = """
from playscore.sources import Recognition

class Games:
    game_ids = ("1", "2")

class Radar:
    name = "radar"

    def recognize(self, data):
        return Recognition((), 1.0) if data.suffix == ".radar" else Recognition(("no file ends in .radar",), 0.0)

    def open(self, data):
        return Games()

LAYOUT = Radar()
"""

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package of somebody else's with the layout `radar`, which is what is said of it."""

    def installed(value: str) -> None:
        site = tmp_path / "site"
        described = site / "radar_reader-1.0.dist-info"
        described.mkdir(parents=True)
        (described / "METADATA").write_text("Metadata-Version: 2.1\nName: radar-reader\nVersion: 1.0\n")
        (described / "entry_points.txt").write_text(f"[{GROUP}]\nradar = {value}\n")
        (site / "radar_reader.py").write_text(_MODULE)
        monkeypatch.syspath_prepend(str(site))
        layouts.cache_clear()

    yield installed
    layouts.cache_clear()


def test_the_layouts_that_come_along_are_known_by_the_names_they_have() -> None:
    assert {"bdb2019", "bdb2023", "feed", "hackathon2015", "ngs_highlights"} <= set(layouts())
    for name, layout in layouts().items():
        assert isinstance(layout, Layout)
        assert layout.name == name


def test_the_layout_of_another_package_is_one_like_all_others(install: Install, tmp_path: Path) -> None:
    install("radar_reader:LAYOUT")
    data = tmp_path / "games.radar"
    data.touch()
    for source in (open_source(data), open_source(data, "radar")):
        assert select_games(source, []) == ("1", "2")
        assert select_games(source, ["2"]) == ("2",)


def test_an_entry_point_that_is_no_layout_is_named(install: Install) -> None:
    install("radar_reader:Games")
    with pytest.raises(TypeError, match=f"the entry point radar of {GROUP} is not a layout: radar_reader:Games"):
        layouts()


def test_an_unknown_layout_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match=r"no layout 'radar'; there are bdb2019, .*, feed, "):
        open_source(tmp_path, "radar")


def test_games_that_are_not_there_are_refused_with_some_of_those_that_are() -> None:
    class Many:
        game_ids = tuple(map(str, range(30)))

    with pytest.raises(PlayscoreError, match=r"no game 77, 78; there are 0, 1, .*, 19, \.\.\.$"):
        select_games(Many(), ["1", "77", "78"])  # type: ignore[arg-type]
