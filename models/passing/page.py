"""The page of an evaluation: verdicts, tables and pictures in a single self-contained HTML file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from models.core import drawing, page
from models.passing import pictures
from models.passing.contestants import BOOSTED, CONTESTANTS, ORACLE, RELEASED, SPLICED, ordered
from models.passing.evaluation import LONG_GAIN
from models.passing.figures import FIGURES, MIN_GAMES, MIN_PLAYS, Figure, Written, is_small, number, percent

MAX_REGRET = {SPLICED: 0.014, RELEASED: 0.02}
"""The targets for the CRPS regret against the oracle."""
MIN_CHANCE = 1e-6
"""The target for the chance that a gain of LONG_GAIN yards or more is given."""
MAX_DISTANCE = 0.015
"""The target for the PIT's distance from uniform on simulated plays."""

Figures = Mapping[str, Mapping[str, Sequence[float]]]

_SHARE = percent(1)
_INTERVALS = "Lines: 95% intervals."
_INDEPENDENT = "Lines: 95% intervals that take plays as independent."
_OF_SHARES = "Lines: 95% intervals (Wilson) for as many plays of equal weight as give the same evidence."
_TITLES = {"simulated": "On simulated plays", "real": "On real plays"}


def write_page(found: Mapping[str, Any], path: Path) -> None:
    """Write the page of the figures that `comparison.evaluate` returned."""
    parts = {name: found[name] for name in _TITLES if name in found}
    text = page.filled(
        __package__,
        judged=_judged(parts),
        verdicts=_by_part(parts, lambda part: _list(verdicts(part))),
        contestants=_contestants(parts),
        tables=_by_part(parts, _tables),
        pit=_by_part(parts, lambda part: _figure(pictures.pit_histograms(part["pit"]))),
        reliability=_by_part(parts, lambda part: _figure(pictures.reliability(part["reliability"]), _INDEPENDENT)),
        touchdowns=_by_part(parts, _touchdown_figures),
        coverage=_by_part(parts, lambda part: _figure(pictures.coverage(part["figures"]))),
        distributions=_by_part(parts, _examples),
        groups=_by_part(parts, _groups),
        min_plays=MIN_PLAYS,
        min_games=MIN_GAMES,
        limits="\n".join(f"<li>{limit}</li>" for limit in _limits(parts)),
        settings=escape(json.dumps(found["settings"], indent=1)),
    )
    path.write_text(text, encoding="utf-8")


def verdicts(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The conclusions from the figures of one kind of plays: ("good", "bad" or "open", HTML) each."""
    figures, found = part["figures"], []
    if ORACLE in figures:
        for name in (SPLICED, RELEASED):
            if name in figures:
                regret = f"CRPS regret of {CONTESTANTS[name].name} against the oracle"
                found.append(_held_to(MAX_REGRET[name], part["crps_regret"][name], percent(2), "%", regret))
                found.append(_held_to(MAX_DISTANCE, figures[name]["pit_ks"], number(4), "", _pit(name)))
    others = [name for name in ordered(part["crps_less_ours"]) if name != ORACLE]
    found += [_difference(name, part["crps_less_ours"][name]) for name in others]
    return [
        *found,
        _by_chance(figures[SPLICED]["pit_ks"], part["pit_ks_by_chance"]),
        _calibration(figures[SPLICED]),
        *_touchdowns(part["touchdowns"]),
        *_long_gains(part["long_gains"]),
    ]


def _held_to(limit: float, figure: Sequence[float], written: Written, unit: str, title: str) -> tuple[str, str]:
    value, low, high = figure
    text = f"{title}: {_interval(figure, written, unit)}. The target is at most {written(limit)}{unit}: "
    if high <= limit:
        return "good", text + "<b>met</b> by the whole interval."
    if low > limit:
        return "bad", text + "<b>missed</b> by the whole interval."
    verb = "meets" if value <= limit else "misses"
    return "open", text + f"the figure {verb} it, but the interval is <b>inconclusive</b>."


def _difference(name: str, theirs_less_ours: Sequence[float]) -> tuple[str, str]:
    value, low, high = theirs_less_ours
    text = f"CRPS against {CONTESTANTS[name].name}: "
    if low > 0:
        return "good", f"{text}<b>lower</b>, by {_interval(theirs_less_ours, number(3), ' yd')}."
    if high < 0:
        return "bad", f"{text}<b>higher</b>, by {_interval([-value, -high, -low], number(3), ' yd')}."
    by = _interval(theirs_less_ours, number(3, "+"), " yd")
    return "open", f"{text}<b>not separated</b>; theirs minus ours is {by}."


def _by_chance(distance: Sequence[float], by_chance: float) -> tuple[str, str]:
    text = (
        f"{_pit(SPLICED)}: {_interval(distance, number(4))}. With this many plays, one calibrated forecast in 20 "
        f"exceeds {by_chance:.4f} by chance: "
    )
    if distance[0] <= by_chance:
        return "good", text + "this is <b>no more than chance</b>."
    return "bad", text + "this is <b>more than chance</b>."


def _calibration(ours: Mapping[str, Sequence[float]]) -> tuple[str, str]:
    calibrated = {key: figure for key, figure in FIGURES.items() if figure.nominal is not None}
    off = [
        f"{figure.title} {_interval(ours[key], figure.written, figure.unit)}"
        for key, figure in calibrated.items()
        if _leaves_out(ours[key], figure.nominal)
    ]
    title = f"Calibration by {len(calibrated)} figures (mean play score, tails, coverages): "
    if not off:
        return "good", title + "every interval <b>contains</b> the nominal value."
    return "bad", f"{title}<b>{len(off)} off</b>, the interval excludes the nominal value: {'; '.join(off)}."


def _touchdowns(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not found:
        return []
    off = [
        f"{position} yards out {_SHARE(part['expected'][SPLICED])}% expected, "
        f"{_interval(part['scored'], _SHARE, '%')} scored"
        for position, part in found.items()
        if _leaves_out(part["scored"], part["expected"][SPLICED])
    ]
    title = f"Touchdowns that {CONTESTANTS[SPLICED].name} expects by field position: "
    if not off:
        return [("good", title + "every share is <b>within</b> the interval of what was scored.")]
    return [("bad", f"{title}<b>{len(off)} off</b>: {'; '.join(off)}.")]


def _long_gains(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not found["plays"]:
        return []
    least = found["least_chance"][SPLICED]
    text = f"Gains of {LONG_GAIN} yards or more: the least of {found['plays']:,} chances is {least:.1e}, "
    if least > MIN_CHANCE:
        return [("good", f"{text}<b>above</b> {MIN_CHANCE:.0e}.")]
    return [("bad", f"{text}<b>not above</b> {MIN_CHANCE:.0e}.")]


def _leaves_out(interval: Sequence[float], nominal: float | None) -> bool:
    _, low, high = interval
    return nominal is not None and not low <= nominal <= high


def _pit(name: str) -> str:
    return f"PIT of {CONTESTANTS[name].name}, KS distance from uniform"


def _judged(parts: Mapping[str, Any]) -> str:
    plays, games = parts["simulated"]["plays"], parts["simulated"]["games"]
    sentences = [
        f"Distributions of the yards that passes gain were judged on {plays:,} passes of {games:,} simulated games on "
        "which no one was trained. For these the true distribution of every pass is known."
    ]
    if "real" in parts:
        plays, games, folds = (parts["real"][key] for key in ("plays", "games", "folds"))
        sentences.append(
            f"They were also judged on {plays:,} real passes of {games:,} games in {folds} folds: every pass by what "
            "was not fine-tuned on its game, and weighted to the base rates of an unselected season."
        )
    sentences.append(
        "All contestants forecast the same passes in one run. Brackets are 95% intervals by bootstrap over games. "
        "Lower CRPS, log score and errors are better."
    )
    return f"<p>{' '.join(sentences)}</p>"


def _contestants(parts: Mapping[str, Any]) -> str:
    present = ordered({name: None for part in parts.values() for name in part["figures"]})
    return "\n".join(f"<dt>{_named(name)}</dt><dd>{escape(CONTESTANTS[name].description)}</dd>" for name in present)


def _named(name: str) -> str:
    return f'<i class="key" style="background:{CONTESTANTS[name].color}"></i>{CONTESTANTS[name].name}'


def _tables(part: Mapping[str, Any]) -> str:
    shaded = "Shaded: the interval excludes the value of a calibrated forecast, given below the title"
    by_chance = (
        f"; for the PIT, the distance exceeds what chance does in one case of 20 ({part['pit_ks_by_chance']:.4f})."
    )
    html = _figures_table(part["figures"], part["pit_ks_by_chance"], shaded + by_chance)
    if "crps_regret" in part:
        html += _regret_table(part)
    if "points_absolute_error" in part:
        points = _interval(part["points_absolute_error"], number(3), " yd")
        html += f"<p>MAE of the point predictions of {CONTESTANTS[BOOSTED].name}: {points}.</p>"
    if "complete" in part:
        complete = part["complete"]
        table = _figures_table(complete["figures"], None, f"{shaded}. {_INDEPENDENT}")
        games = f"the {complete['plays']:,} plays of {complete['games']:,} complete games, which no one selected"
        html += f"<h4>Unweighted: {games}</h4>{table}"
    return html


def _figures_table(figures: Figures, by_chance: float | None, caption: str) -> str:
    rows = []
    for name in ordered(figures):
        cells = []
        for key, figure in FIGURES.items():
            interval = figures[name][key]
            beyond_chance = key == "pit_ks" and by_chance is not None and interval[0] > by_chance
            cells.append(_cell(interval, figure.written, off=beyond_chance or _leaves_out(interval, figure.nominal)))
        rows.append(_row(_named(name), cells))
    return _table(["", *map(_head, FIGURES.values())], rows, caption)


def _regret_table(part: Mapping[str, Any]) -> str:
    rows = [
        _row(
            _named(name),
            [
                _cell(part["crps_regret"][name], percent(2)),
                _cell(part["crps_regret_realized"][name], percent(2)),
                "<td></td>" if name == SPLICED else _cell(part["crps_less_ours"][name], number(3)),
            ],
        )
        for name in ordered(part["crps_regret"])
        if name != ORACLE
    ]
    heads = ["", "CRPS regret, %", "as realized, %", "CRPS minus ours, yd"]
    caption = (
        "Regret: how much higher than the oracle's the expected CRPS is, over all outcomes that could be drawn. As "
        "realized: the same for the outcomes that were drawn, luck included."
    )
    return _table(heads, rows, caption)


def _head(figure: Figure) -> str:
    """Its title, with the nominal value or else the unit below it."""
    below = figure.unit if figure.nominal is None else f"{figure.written(figure.nominal)}{figure.unit}"
    return f"{figure.title}<small>{below}</small>" if below else figure.title


def _touchdown_figures(part: Mapping[str, Any]) -> str:
    if not part["touchdowns"]:
        return "<p>No source of these plays says where the end zone was.</p>"
    html = _figure(pictures.touchdowns(part["touchdowns"]), _OF_SHARES)
    if part.get("complete", {}).get("touchdowns"):
        complete = pictures.touchdowns(part["complete"]["touchdowns"])
        html += f"<h4>On complete games, unweighted</h4>{_figure(complete, _OF_SHARES)}"
    return html


def _examples(part: Mapping[str, Any]) -> str:
    return _figure(pictures.distributions(part["examples"]), "Probabilities below 0.001% are not drawn.")


def _groups(part: Mapping[str, Any]) -> str:
    alone = [kind for kind, of_kind in part["groups"].items() if len(of_kind) == 1]
    caption = _INTERVALS + (f" All plays are in the same group by {', '.join(alone)}." if alone else "")
    rows = [
        _row(
            escape(f"{kind}: {group}"),
            [f"<td>{of['plays']:,}</td><td>{of['games']:,}</td>"]
            + [_cell(of["figures"][key], figure.written) for key, figure in FIGURES.items()],
            few=is_small(of),
        )
        for kind, of_kind in part["groups"].items()
        for group, of in of_kind.items()
    ]
    table = _table(["", "plays", "games", *map(_head, FIGURES.values())], rows, "")
    return (
        _figure(pictures.groups(part["groups"]), caption)
        + f"<details><summary>All figures by group</summary>{table}</details>"
    )


def _limits(parts: Mapping[str, Any]) -> list[str]:
    sentences = [
        "The intervals cover the luck of the test games, not that of the seed of training.",
        "About one interval in 20 misses the truth by chance, and there are many here.",
        "A KS distance is never 0, and resampling increases it, so its interval is too high. The distance by chance is "
        "the better reference.",
        "The simulator is not football. What holds for simulated plays is shown only for simulated plays.",
    ]
    if "real" in parts:
        sentences.append(
            f"{parts['real']['plays']:,} real plays are few, and unequal weights reduce them further: their "
            f"{parts['real']['games']:,} games are worth {parts['real']['effective_games']:.1f} games of equal weight. "
            "Contestants that they do not separate may still differ."
        )
        sentences.append("Weights correct how often passes end in each way, not which passes were selected.")
    else:
        sentences.append("There were no real plays: nothing here shows how good the distributions are on them.")
    return sentences


def _by_part(parts: Mapping[str, Any], made: Callable[[Mapping[str, Any]], str]) -> str:
    return "\n".join(f"<h3>{_TITLES[name]}</h3>\n{made(part)}" for name, part in parts.items())


def _figure(svg: str, caption: str = _INTERVALS) -> str:
    return f"<figure>{drawing.inlined(svg)}<figcaption>{escape(caption)}</figcaption></figure>"


def _list(items: Iterable[tuple[str, str]]) -> str:
    return "<ul>\n" + "\n".join(f'<li class="{kind}">{text}</li>' for kind, text in items) + "\n</ul>"


def _interval(figure: Sequence[float], written: Written, unit: str = "") -> str:
    value, low, high = map(written, figure)
    return f"{value}{unit} [{low}, {high}]".replace("-", "−")


def _cell(figure: Sequence[float], written: Written, *, off: bool = False) -> str:
    value, low, high = (written(end).replace("-", "−") for end in figure)
    shade = ' class="off"' if off else ""
    return f"<td{shade}>{value}<small>[{low}, {high}]</small></td>"


def _row(head: str, cells: Iterable[str], *, few: bool = False) -> str:
    return f'<tr{" class=few" if few else ""}><th scope="row">{head}</th>{"".join(cells)}</tr>'


def _table(heads: Sequence[str], rows: Sequence[str], caption: str) -> str:
    head = "".join(f'<th scope="col">{title}</th>' for title in heads)
    note = f'<p class="note">{caption}</p>' if caption else ""
    body = "\n".join(rows)
    return f'{note}<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
