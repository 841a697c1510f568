"""The page of an evaluation: verdicts, tables and pictures in a single self-contained HTML file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from models.core import drawing, page
from models.shots import pictures, tables
from models.shots.contestants import CONTESTANTS, OURS, ordered
from models.shots.tables import html, interval

MAX_REGRET = 0.02
"""The target for the log loss above the truth's, as a share of it."""


def write_page(found: Mapping[str, Any], path: Path) -> None:
    """Write the page of the figures that `comparison.evaluate` returned."""
    universes = found["universes"]
    text = page.filled(
        __package__,
        judged=_judged(universes),
        verdicts="\n".join(f'<li class="{kind}">{text}</li>' for kind, text in verdicts(found)),
        contestants=_contestants(universes),
        figures="\n".join(_figures(name, part) for name, part in universes.items()),
        reliability=_figure(
            pictures.reliability({tables.TITLES[name]: part["reliability"] for name, part in universes.items()})
        ),
        levels=_levels(found),
        groups="\n".join(_groups(name, part) for name, part in universes.items()),
        limits="\n".join(f"<li>{escape(limit)}</li>" for limit in _limits(found)),
        settings=escape(json.dumps(found["settings"], indent=1)),
    )
    path.write_text(text, encoding="utf-8")


def verdicts(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The conclusions from the figures: ("good", "bad" or "open", HTML) each."""
    for name, part in found["universes"].items():
        title = tables.TITLES[name]
        if len(part["less_ours"]) > 2:
            worse = tables.verdict(part)
            yield "bad" if worse.startswith("**") else "good", f"{title}: {escape(worse.replace('**', ''))}"
        value, low, high = part["figures"][OURS]["goals_per_expected"]
        text = f"{title}: goals per expected goal {interval([value, low, high], 3)}: "
        if low <= 1 <= high:
            yield "good", text + "the interval <b>contains</b> 1."
        else:
            yield "bad", text + "the interval <b>leaves out</b> 1."
        if OURS in part.get("regret", {}):
            value, low, high = part["regret"][OURS]
            shown = interval([100 * value, 100 * low, 100 * high], 2)
            text = f"{title}: regret against the truth {shown}%. The target is at most {MAX_REGRET:.0%}: "
            if high <= MAX_REGRET:
                yield "good", text + "<b>met</b> by the whole interval."
            elif low > MAX_REGRET:
                yield "bad", text + "<b>missed</b> by the whole interval."
            else:
                yield "open", text + "the interval is <b>inconclusive</b>."
    if "women" in found:
        figures = found["women"]["figures"][OURS]
        _, low, high = figures["goals_per_expected"]
        kind = "good" if low <= 1 <= high else "bad"
        yield (
            kind,
            f"The women's league, not trained on: AUC {interval(figures['auc'], 4)}, goals per expected goal "
            f"{interval(figures['goals_per_expected'], 3)}.",
        )


def _judged(universes: Mapping[str, Any]) -> str:
    parts = [f"{part['shots']:,} shots of {part['games']:,} games ({escape(name)})" for name, part in universes.items()]
    return f"<p>Chances of goals were judged on {', '.join(parts)} that no contestant was fitted to.</p>"


def _contestants(universes: Mapping[str, Any]) -> str:
    present = ordered({name: None for part in universes.values() for name in part["figures"]})
    return "\n".join(
        f'<dt><i class="key" style="background:{CONTESTANTS[name].color}"></i>{escape(CONTESTANTS[name].name)}</dt>'
        f"<dd>{escape(CONTESTANTS[name].description)}</dd>"
        for name in present
    )


def _figures(name: str, part: Mapping[str, Any]) -> str:
    made = f"<h3>{tables.TITLES[name]}</h3>{html(tables.figures(part))}"
    if len(part["less_ours"]) > 1:
        made += _figure(pictures.differences(part))
    for net, title in (("guarded", "Without empty nets"), ("empty", "Empty nets apart")):
        apart = part[net]
        if "figures" in apart:
            made += f"<h4>{title}: {apart['shots']:,} shots, {apart['goals']:,} goals</h4>{html(tables.figures(apart))}"
        elif net == "empty" and apart["shots"]:
            made += f"<p>Empty nets apart: {apart['goals']:,} of {apart['shots']:,} shots were goals.</p>"
    return made


def _levels(found: Mapping[str, Any]) -> str:
    low, high = found["thresholds"]["values"]
    return f"<p>Medium from {low:.4f}, high from {high:.4f}.</p>{html(tables.levels(found['thresholds']))}"


def _groups(name: str, part: Mapping[str, Any]) -> str:
    if all(len(of_kind) < 2 for of_kind in part["groups"].values()):
        return ""
    return (
        f"<h3>{tables.TITLES[name]}</h3>{_figure(pictures.groups(part))}"
        f"<details><summary>All figures by group</summary>{html(tables.groups(part))}<p>{tables.STARS}</p></details>"
    )


def _limits(found: Mapping[str, Any]) -> list[str]:
    sentences = [
        "The intervals cover the luck of the test games, not that of the seed of fitting.",
        "About one interval in 20 misses the truth by chance, and there are many here.",
        "The simulator is not hockey. What holds for simulated shots is shown only for simulated shots.",
    ]
    if not found["settings"]["real"]:
        sentences.append("There were no real shots: nothing here shows how good the chances are on them.")
    return sentences


def _figure(svg: str) -> str:
    return f"<figure>{drawing.inlined(svg)}</figure>"
