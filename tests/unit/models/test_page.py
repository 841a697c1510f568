"""The page of an evaluation claims only what its figures support, shows all of them, and is self-contained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.passing import comparison, evaluation, page, pictures
from models.passing.contestants import (
    BASE_RATES,
    BOOSTED,
    CONTESTANTS,
    GAUSSIAN,
    GLUONTS,
    ORACLE,
    RELEASED,
    SPLICED,
)
from models.passing.figures import MIN_GAMES, MIN_PLAYS
from tests.unit.models.evaluations import SIMULATED, forecasts, invented


class Page(HTMLParser):
    """The tables, list items, tags and attributes of a page; a cell is its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.items: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.few: list[str] = []
        self._few = False
        self._into: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name.split(":")[-1] in {"href", "src", "data"}]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
            self._few = ("class", "few") in attrs
        elif tag in {"th", "td", "li"}:
            self._into = self.items if tag == "li" else self.tables[-1][-1]
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"th", "td", "li"}:
            if tag == "th" and self._few:
                self.few.append(self.tables[-1][-1][-1])
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


@pytest.fixture(scope="module")
def written(found: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(found, tmp_path_factory.mktemp("page"))


def write(found: Mapping[str, Any], folder: Path) -> str:
    page.write_page(found, folder / "evaluation.html")
    return (folder / "evaluation.html").read_text(encoding="utf-8")


def test_the_tables_have_every_contestant_and_the_numbers_of_the_evaluation(
    found: dict[str, Any], written: str
) -> None:
    simulated, regret, real, complete, *_ = Page(written).tables
    for table, figures in (
        (simulated, found["simulated"]["figures"]),
        (real, found["real"]["figures"]),
        (complete, found["real"]["complete"]["figures"]),
    ):
        shown = {row[0]: row[1:] for row in table[1:]}
        assert set(shown) == {CONTESTANTS[name].name for name in figures}
        for name, of in figures.items():
            read = [numbers(cell) for cell in shown[CONTESTANTS[name].name]]
            shares = ("below_lower_tail", "above_upper_tail", "coverage_50", "coverage_80", "coverage_95")
            distances = ("pit_ks", "pit_ks_lower", "pit_ks_upper")
            keys = ("median_absolute_error", "crps", "log_score", *distances, "mean_play_score")
            for cell, key in zip(read[:7], keys, strict=True):
                assert cell == pytest.approx(of[key], abs=5.1e-4)
            for cell, key in zip(read[7:], shares, strict=True):
                assert cell == pytest.approx(100 * np.asarray(of[key]), abs=0.051)
    by_name = {row[0]: row[1:] for row in regret[1:]}
    for name in SIMULATED[1:]:
        part, cells = found["simulated"], by_name[CONTESTANTS[name].name]
        assert numbers(cells[0]) == pytest.approx(100 * np.asarray(part["crps_regret"][name]), abs=0.0051)
        assert numbers(cells[1]) == pytest.approx(100 * np.asarray(part["crps_regret_realized"][name]), abs=0.0051)
        assert numbers(cells[2]) == pytest.approx(part["crps_less_ours"][name], abs=5.1e-4)


def numbers(cell: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", cell.replace("−", "-"))]


def test_the_verdicts_are_on_the_page(found: dict[str, Any], written: str) -> None:
    items = Page(written).items
    for part in (found["simulated"], found["real"]):
        for _, said in page.verdicts(part):
            assert re.sub("<.*?>", "", said) in items


@given(st.tuples(*[st.floats(-3, 3).map(lambda yards: round(yards, 3))] * 3).map(sorted))
def test_a_difference_is_claimed_only_if_its_interval_excludes_zero(found: dict[str, Any], ends: list[float]) -> None:
    low, value, high = ends
    part = {**found["real"], "crps_less_ours": {GAUSSIAN: [value, low, high]}}
    kind, said = page.verdicts(part)[0]
    claims = {claim for claim in ("lower", "higher", "not separated") if f"<b>{claim}</b>" in said}
    if low <= 0 <= high:
        assert (kind, claims) == ("open", {"not separated"})
    elif low > 0:
        assert (kind, claims) == ("good", {"lower"})
        assert numbers(said) == [value, low, high]
    else:
        assert (kind, claims) == ("bad", {"higher"})
        assert numbers(said) == [-value, -high, -low]


@pytest.mark.parametrize(
    ("regret", "kind", "word"),
    [
        ([0.010, 0.008, 0.012], "good", "<b>met</b>"),
        ([0.013, 0.011, 0.015], "open", "the figure meets it, but the interval is <b>inconclusive</b>"),
        ([0.015, 0.013, 0.017], "open", "the figure misses it, but the interval is <b>inconclusive</b>"),
        ([0.030, 0.028, 0.032], "bad", "<b>missed</b>"),
    ],
)
def test_a_target_is_met_only_by_the_whole_interval(
    found: dict[str, Any], regret: list[float], kind: str, word: str
) -> None:
    part = found["simulated"]
    verdict = page.verdicts({**part, "crps_regret": part["crps_regret"] | {SPLICED: regret}})[0]
    assert (verdict[0], word in verdict[1]) == (kind, True)


def test_calibration_is_claimed_only_if_every_interval_contains_the_nominal_value(found: dict[str, Any]) -> None:
    part = found["real"]
    right = {
        "mean_play_score": 0.5, "below_lower_tail": 0.05, "above_upper_tail": 0.05, "coverage_50": 0.5,
        "coverage_80": 0.8, "coverage_95": 0.95,
    }  # fmt: skip
    ours = part["figures"][SPLICED] | {key: [at, at - 0.01, at + 0.01] for key, at in right.items()}
    assert verdict_on("Calibration", {**part, "figures": {SPLICED: ours}})[0] == "good"
    for key, at in right.items():
        off = ours | {key: [at + 0.02, at + 0.01, at + 0.03]}
        kind, said = verdict_on("Calibration", {**part, "figures": {SPLICED: off}})
        assert (kind, "<b>1 off</b>" in said) == ("bad", True)


def test_touchdowns_are_right_only_if_every_share_is_within_the_interval(found: dict[str, Any]) -> None:
    near = {"plays": 40, "scored": [0.4, 0.26, 0.56], "expected": {SPLICED: 0.3}}
    far = {"plays": 90, "scored": [0.01, 0.0, 0.04], "expected": {SPLICED: 0.02}}
    part = {**found["real"], "touchdowns": {"1 to 5": near, "41 to 99": far}}
    assert verdict_on("Touchdowns", part)[0] == "good"
    part["touchdowns"]["41 to 99"] = far | {"expected": {SPLICED: 0.05}}
    kind, said = verdict_on("Touchdowns", part)
    assert kind == "bad"
    assert "<b>1 off</b>: 41 to 99 yards out 5.0% expected, 1.0% [0.0, 4.0] scored" in said


def test_without_end_zones_nothing_is_said_of_touchdowns(found: dict[str, Any], tmp_path: Path) -> None:
    part = {**found["simulated"], "touchdowns": {}}
    assert not [said for _, said in page.verdicts(part) if said.startswith("Touchdowns")]
    assert "No source of these plays" in write({**found, "simulated": part}, tmp_path)


@pytest.mark.parametrize(("least", "kind"), [(2e-6, "good"), (1e-17, "bad")])
def test_a_long_gain_must_have_had_a_chance(found: dict[str, Any], least: float, kind: str) -> None:
    part = {**found["real"], "long_gains": {"plays": 12, "least_chance": {SPLICED: least}}}
    assert verdict_on("Gains of 60", part)[0] == kind
    none = {**part, "long_gains": {"plays": 0, "least_chance": {SPLICED: 1.0}}}
    assert not [said for _, said in page.verdicts(none) if said.startswith("Gains of 60")]


def verdict_on(what: str, part: Mapping[str, Any]) -> tuple[str, str]:
    [verdict] = [verdict for verdict in page.verdicts(part) if verdict[1].startswith(what)]
    return verdict


def test_the_page_is_self_contained(written: str) -> None:
    read = Page(written)
    assert len(read.addresses) > 100
    assert all(address.startswith("#") for address in read.addresses)
    assert not read.tags & {"script", "link", "img", "iframe", "object", "image"}
    assert set(re.findall(r"url\((.)", written)) <= {"#"}
    assert "@import" not in written
    assert written.count("<svg") == 13


def test_names_of_groups_are_escaped(written: str) -> None:
    assert "<not under>" not in written
    assert "pressure: <not under>" in {row[0] for table in Page(written).tables for row in table}


def test_small_groups_are_gray(found: dict[str, Any], written: str) -> None:
    small = [
        f"{kind}: {group}"
        for part in (found["simulated"], found["real"])
        for kind, of_kind in part["groups"].items()
        for group, of in of_kind.items()
        if of["plays"] < MIN_PLAYS or of["games"] < MIN_GAMES
    ]
    assert "down: 4" in small
    assert Page(written).few == small


def test_without_alternatives_and_real_plays_the_page_mentions_neither(found: dict[str, Any], tmp_path: Path) -> None:
    plays = invented(truth=True)
    few = forecasts(plays, [SPLICED, BASE_RATES]) | {ORACLE: evaluation.oracle_cdf(plays)}
    simulated = comparison.compared(plays, few, None)
    alone = write({"settings": {}, "simulated": simulated | {"examples": simulated["examples"][:1]}}, tmp_path)
    assert "There were no real plays" in alone
    assert "On real plays</h3>" not in alone
    assert not [name for name in (GAUSSIAN, GLUONTS, BOOSTED, RELEASED) if CONTESTANTS[name].name in alone]


def test_pictures_of_the_same_figures_are_the_same(found: dict[str, Any]) -> None:
    part = found["simulated"]
    assert pictures.reliability(part["reliability"]) == pictures.reliability(part["reliability"])


def test_training_curves_mark_the_epochs_that_were_kept() -> None:
    history = [
        {"loss": 3.2 - 0.1 * epoch, "validation": 3.0 - 0.05 * epoch, "seconds": 1.0, "kept": epoch != 2}
        for epoch in range(5)
    ]
    curves = pictures.training_curves(history)
    ET.fromstring(curves)
    less = pictures.training_curves([*history[:-1], history[-1] | {"kept": False}])
    assert curves.count("<use") == less.count("<use") + 1
    assert pictures.training_curves(history[:1])
