"""The card of a release has its figures and its limits, and mentions only what there is."""

from __future__ import annotations

from typing import Any

import pytest

from models.passing.card import card
from models.passing.contestants import CONTESTANTS, ORACLE, PRETRAINED, SPLICED
from models.passing.figures import FIGURES
from models.passing.network import Size
from models.passing.training import Schedule, describe
from playscore.release import Release


def released(passing_release: Release, **parts: Any) -> Release:
    """A release with these parts of an evaluation, and the ratings of the newest one."""
    training = {**describe(Schedule(), Size()), "simulated": 50_000, "real": "real" in parts}
    ratings = passing_release.figures["ratings"]
    figures = {"training": training, "parameters": 1_234, "parity": 5e-6, "ratings": ratings, **parts}
    return passing_release.model_copy(update={"figures": figures})


@pytest.fixture(scope="module")
def written(passing_release: Release, found: dict[str, Any]) -> str:
    return card(released(passing_release, simulated=found["simulated"], real=found["real"]))


def rows(text: str) -> dict[str, list[list[str]]]:
    """The cells of all table rows, by their first one."""
    found: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("| "):
            first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            found.setdefault(first, []).append(cells)
    return found


def test_the_card_has_every_figure_of_every_contestant(written: str, found: dict[str, Any]) -> None:
    tables = rows(written)
    for key, figure in FIGURES.items():
        title = f"{figure.title}, {figure.unit}" if figure.unit else figure.title
        parts = found["simulated"], found["real"], found["real"]["complete"]
        for part, cells in zip(parts, tables[title], strict=True):
            names = [name for name in CONTESTANTS if name in part["figures"]]
            values = [figure.written(part["figures"][name][key][0]) for name in names]
            assert [cell.partition(" ")[0] for cell in cells] == values, key


def test_the_card_has_touchdowns_expected_and_scored_by_field_position(written: str, found: dict[str, Any]) -> None:
    parts = found["simulated"], found["real"], found["real"]["complete"]
    for position, part in found["real"]["touchdowns"].items():
        shown = rows(written)[position]
        assert len(shown) == len(parts)
        for of, (plays, scored, *expected) in zip(parts, shown, strict=True):
            of_position = of["touchdowns"][position]
            assert int(plays) == of_position["plays"] == part["plays"]
            assert float(scored.partition(" ")[0]) == pytest.approx(100 * of_position["scored"][0], abs=0.051)
            names = [name for name in CONTESTANTS if name in of_position["expected"]]
            read = [float(cell) for cell in expected]
            assert read == pytest.approx([100 * of_position["expected"][name] for name in names], abs=0.051)


def test_the_card_says_what_its_contestants_are(written: str, found: dict[str, Any]) -> None:
    for name in {**found["simulated"]["figures"], **found["real"]["figures"]}:
        assert f"- **{CONTESTANTS[name].name}**: {CONTESTANTS[name].description}" in written


def test_the_card_states_the_limits(written: str) -> None:
    assert "**It must not be used**" in written
    assert "fine-tuned for 300 steps in which real plays make up 30% of the loss" in written
    assert "judged in 5 folds" in written


def test_the_card_does_not_hide_bad_results(passing_release: Release, found: dict[str, Any]) -> None:
    worse = {name: [-0.2, -0.3, -0.1] for name in found["real"]["crps_less_ours"]}
    real = {**found["real"], "crps_less_ours": worse}
    text = card(released(passing_release, simulated=found["simulated"], real=real))
    assert f"**Ours is worse than: {', '.join(CONTESTANTS[n].name for n in CONTESTANTS if n in worse)}.**" in text


def test_without_real_plays_the_card_mentions_none(passing_release: Release, found: dict[str, Any]) -> None:
    text = card(released(passing_release, simulated=found["simulated"]))
    assert "No real plays." in text
    assert "On real plays" not in text
    assert "folds" not in text
    assert f"**{CONTESTANTS[PRETRAINED].name}**" not in text
    assert f"- {CONTESTANTS[SPLICED].name}: " in text
    assert f"**{CONTESTANTS[ORACLE].name}**" in text
