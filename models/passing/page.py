"""The page of an evaluation: verdicts, tables and pictures in one file of HTML that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from models.passing import pictures
from models.passing.pictures import COLOURS, NAMES, ORACLE, OURS, RELEASED, ordered

LARGEST_REGRET = 0.02
"""CRPS regret against the oracle that is asked for."""
LARGEST_DISTANCE = 0.015
"""PIT distance from uniform that is asked for on simulated plays."""

Figures = Mapping[str, Mapping[str, Sequence[float]]]
Written = Callable[[float], str]
"""How a number is written."""

_INTERVALS = "Lines: 95% intervals."
_INDEPENDENT = "Lines: 95% intervals, plays taken as independent."
_TITLES = {"simulated": "On simulated plays", "real": "On real plays"}
_SAID_OF = {
    OURS: "The network with the spliced binned Pareto law. On simulated plays as it was taught there; on real plays "
    "tuned on those of other games.",
    RELEASED: "The same, tuned on all real plays: the network that is released.",
    "spliced_untuned": "The same, as it was taught on simulated plays, without tuning.",
    "gaussian": "The same network with a normal law.",
    "gluonts": "The same network taught with the loss of GluonTS's spliced binned Pareto law.",
    "boosted": "XGBoost on a table of the release: quantiles made into a law.",
    "base_rates": "One law for every play: of the simulated plays learnt from; on real plays, of an unselected season.",
    ORACLE: "The law that the outcomes were drawn from. Nothing beats it but by luck.",
}


def _number(digits: int, sign: str = "") -> Written:
    return lambda value: f"{value:{sign}.{digits}f}".replace("-", "−")


def _percent(digits: int) -> Written:
    return lambda share: _number(digits)(100 * share)


@dataclass(frozen=True)
class _Column:
    """A figure in the tables."""

    title: str
    written: Written
    unit: str = ""
    nominal: float | None = None
    """What a calibrated forecast has."""

    @property
    def head(self) -> str:
        """Title, with the nominal value or else the unit below it."""
        below = self.unit if self.nominal is None else f"{self.written(self.nominal)}{self.unit}"
        return f"{self.title}<small>{below}</small>" if below else self.title


_COLUMNS = {
    "median_absolute_error": _Column("MAE of the median", _number(3), "yd"),
    "crps": _Column("CRPS", _number(3), "yd"),
    "log_score": _Column("log score", _number(3), "nats"),
    "pit_ks": _Column("PIT, KS distance", _number(4)),
    "pit_ks_lower": _Column("the same below 5%", _number(4)),
    "pit_ks_upper": _Column("the same above 95%", _number(4)),
    "mean_play_score": _Column("mean play score", _number(4), "", 0.5),
    "below_lower_tail": _Column("below the 5% point", _percent(1), "%", 0.05),
    "above_upper_tail": _Column("above the 95% point", _percent(1), "%", 0.05),
    "coverage_50": _Column("in the 50% interval", _percent(1), "%", 0.5),
    "coverage_80": _Column("in the 80% interval", _percent(1), "%", 0.8),
    "coverage_95": _Column("in the 95% interval", _percent(1), "%", 0.95),
}


def write_page(found: Mapping[str, Any], path: Path) -> None:
    """Write the page of what `comparison.evaluate` found."""
    parts = {name: found[name] for name in _TITLES if name in found}
    template = Template((resources.files(__package__) / "page.html").read_text(encoding="utf-8"))
    page = template.substitute(
        judged=_judged(parts),
        verdicts=_by_part(parts, lambda part: _list(verdicts(part))),
        contestants=_contestants(parts),
        tables=_by_part(parts, _tables),
        pit=_by_part(parts, lambda part: _figure(pictures.pit_histograms(part["pit"]))),
        reliability=_by_part(parts, lambda part: _figure(pictures.reliability(part["reliability"]), _INDEPENDENT)),
        coverage=_by_part(parts, lambda part: _figure(pictures.coverage(part["figures"]))),
        laws=_by_part(parts, lambda part: _figure(pictures.laws(part["examples"]), "Below 0.001% nothing is drawn.")),
        groups=_by_part(parts, _groups),
        small_plays=pictures.SMALL_PLAYS,
        small_games=pictures.SMALL_GAMES,
        limits="\n".join(f"<li>{limit}</li>" for limit in _limits(parts)),
        settings=escape(json.dumps(found["settings"], indent=1)),
    )
    path.write_text(page, encoding="utf-8")


def verdicts(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the figures of one kind of plays settle: ("good", "bad" or "open", HTML) each."""
    figures, found = part["figures"], []
    if ORACLE in figures:
        for name in (OURS, RELEASED):
            if name in figures:
                regret = f"CRPS regret of {NAMES[name]} against the oracle"
                found.append(_held_to(LARGEST_REGRET, part["crps_regret"][name], _percent(2), "%", regret))
                found.append(_held_to(LARGEST_DISTANCE, figures[name]["pit_ks"], _number(4), "", _pit(name)))
    others = [name for name in ordered(part["crps_less_ours"]) if name != ORACLE]
    found += [_difference(name, part["crps_less_ours"][name]) for name in others]
    return [*found, _by_chance(figures[OURS]["pit_ks"], part["pit_ks_by_chance"]), _calibration(figures[OURS])]


def _held_to(limit: float, figure: Sequence[float], written: Written, unit: str, title: str) -> tuple[str, str]:
    value, low, high = figure
    said = f"{title}: {_interval(figure, written, unit)}. At most {written(limit)}{unit} is asked for: "
    if high <= limit:
        return "good", said + "<b>met</b>, with the whole interval."
    if low > limit:
        return "bad", said + "<b>missed</b>, with the whole interval."
    verb = "meets" if value <= limit else "misses"
    return "open", said + f"the figure {verb} it, the interval <b>does not settle</b> it."


def _difference(name: str, theirs_less_ours: Sequence[float]) -> tuple[str, str]:
    value, low, high = theirs_less_ours
    said = f"CRPS against {NAMES[name]}: "
    if low > 0:
        return "good", f"{said}<b>lower</b>, by {_interval(theirs_less_ours, _number(3), ' yd')}."
    if high < 0:
        return "bad", f"{said}<b>higher</b>, by {_interval([-value, -high, -low], _number(3), ' yd')}."
    by = _interval(theirs_less_ours, _number(3, "+"), " yd")
    return "open", f"{said}<b>not separated</b>; the other less ours is {by}."


def _by_chance(distance: Sequence[float], by_chance: float) -> tuple[str, str]:
    said = (
        f"{_pit(OURS)}: {_interval(distance, _number(4))}. Of calibrated forecasts of so many plays, one in 20 goes "
        f"beyond {by_chance:.4f} by chance: "
    )
    if distance[0] <= by_chance:
        return "good", said + "this is <b>no more than chance</b>."
    return "bad", said + "this is <b>more than chance</b>."


def _calibration(ours: Mapping[str, Sequence[float]]) -> tuple[str, str]:
    calibrated = {key: column for key, column in _COLUMNS.items() if column.nominal is not None}
    off = [
        f"{column.title} {_interval(ours[key], column.written, column.unit)}"
        for key, column in calibrated.items()
        if _leaves_out(ours[key], column.nominal)
    ]
    title = f"Calibration by {len(calibrated)} figures (mean play score, tails, coverages): "
    if not off:
        return "good", title + "the intervals <b>hold</b> what each should be."
    return "bad", f"{title}<b>{len(off)} off</b> beyond the interval: {'; '.join(off)}."


def _leaves_out(figure: Sequence[float], nominal: float | None) -> bool:
    _, low, high = figure
    return nominal is not None and not low <= nominal <= high


def _pit(name: str) -> str:
    return f"PIT of {NAMES[name]}, KS distance from uniform"


def _judged(parts: Mapping[str, Any]) -> str:
    plays, games = parts["simulated"]["plays"], parts["simulated"]["games"]
    said = [
        f"Laws of the yards that passes gain were judged on {plays:,} passes of {games:,} simulated games that nobody "
        "learnt from, where the true law of every pass is known."
    ]
    if "real" in parts:
        plays, games, folds = (parts["real"][key] for key in ("plays", "games", "folds"))
        said.append(
            f"They were also judged on {plays:,} real passes of {games:,} games, in {folds} folds: every pass by what "
            "was not tuned on its game, and weighted to the base rates of an unselected season."
        )
    said.append(
        "All contestants forecast the same passes in one run. Brackets are 95% intervals by bootstrap over games; "
        "of CRPS, log score and errors less is better."
    )
    return f"<p>{' '.join(said)}</p>"


def _contestants(parts: Mapping[str, Any]) -> str:
    present = ordered({name: None for part in parts.values() for name in part["figures"]})
    return "\n".join(f"<dt>{_named(name)}</dt><dd>{escape(_SAID_OF[name])}</dd>" for name in present)


def _named(name: str) -> str:
    return f'<i class="key" style="background:{COLOURS[name]}"></i>{NAMES[name]}'


def _tables(part: Mapping[str, Any]) -> str:
    shaded = "Shaded: the interval leaves out what a calibrated forecast has, which stands below the title"
    by_chance = (
        f"; of the PIT, a distance that chance exceeds in one case of 20 at most ({part['pit_ks_by_chance']:.4f})."
    )
    html = _figures_table(part["figures"], part["pit_ks_by_chance"], shaded + by_chance)
    if "crps_regret" in part:
        html += _regret_table(part)
    if "points_absolute_error" in part:
        points = _interval(part["points_absolute_error"], _number(3), " yd")
        html += f"<p>MAE of the point predictions of {NAMES['boosted']}: {points}.</p>"
    if "unweighted" in part:
        table = _figures_table(part["unweighted"], None, f"The same plays, all counting alike. {shaded}.")
        html += f"<details><summary>Unweighted: the real plays as they were selected</summary>{table}</details>"
    return html


def _figures_table(figures: Figures, by_chance: float | None, caption: str) -> str:
    rows = []
    for name in ordered(figures):
        cells = []
        for key, column in _COLUMNS.items():
            figure = figures[name][key]
            beyond_chance = key == "pit_ks" and by_chance is not None and figure[0] > by_chance
            cells.append(_cell(figure, column.written, off=beyond_chance or _leaves_out(figure, column.nominal)))
        rows.append(_row(_named(name), cells))
    return _table(["", *(column.head for column in _COLUMNS.values())], rows, caption)


def _regret_table(part: Mapping[str, Any]) -> str:
    rows = [
        _row(
            _named(name),
            [
                _cell(part["crps_regret"][name], _percent(2)),
                _cell(part["crps_regret_realised"][name], _percent(2)),
                "<td></td>" if name == OURS else _cell(part["crps_less_ours"][name], _number(3)),
            ],
        )
        for name in ordered(part["crps_regret"])
        if name != ORACLE
    ]
    heads = ["", "CRPS regret, %", "as realised, %", "CRPS less ours, yd"]
    caption = (
        "Regret: by how much CRPS is expected to lie above the oracle's, were the outcomes drawn again and again. As "
        "realised: the same of the outcomes that were drawn, luck included."
    )
    return _table(heads, rows, caption)


def _groups(part: Mapping[str, Any]) -> str:
    alone = [kind for kind, of_kind in part["groups"].items() if len(of_kind) == 1]
    caption = _INTERVALS + (f" All plays are of one group by {', '.join(alone)}." if alone else "")
    rows = [
        _row(
            escape(f"{kind}: {group}"),
            [f"<td>{of['plays']:,}</td><td>{of['games']:,}</td>"]
            + [_cell(of["figures"][key], column.written) for key, column in _COLUMNS.items()],
            few=pictures.small(of),
        )
        for kind, of_kind in part["groups"].items()
        for group, of in of_kind.items()
    ]
    table = _table(["", "plays", "games", *(column.head for column in _COLUMNS.values())], rows, "")
    return (
        _figure(pictures.groups(part["groups"]), caption)
        + f"<details><summary>All figures by group</summary>{table}</details>"
    )


def _limits(parts: Mapping[str, Any]) -> list[str]:
    said = [
        "Intervals tell of the luck in which games were judged on, not in the seed of training.",
        "About one interval in 20 leaves the truth out by chance, and there are many here.",
        "A KS distance is never 0, and resampling enlarges it, so that its interval lies high; the distance by "
        "chance is the better measure.",
        "The simulator is not football. What holds on simulated plays is shown for simulated plays alone.",
    ]
    if "real" in parts:
        said.append(
            f"{parts['real']['plays']:,} real plays are few, and unequal weights make them fewer: their "
            f"{parts['real']['games']:,} games tell as much as {parts['real']['effective_games']:.1f} of equal weight "
            "would. What they do not separate may differ all the same."
        )
        said.append("Weights mend how often passes end in which way, not which passes were selected.")
    else:
        said.append("No real plays were judged on: nothing here shows how the laws fare on them.")
    return said


def _by_part(parts: Mapping[str, Any], made: Callable[[Mapping[str, Any]], str]) -> str:
    return "\n".join(f"<h3>{_TITLES[name]}</h3>\n{made(part)}" for name, part in parts.items())


def _figure(svg: str, caption: str = _INTERVALS) -> str:
    return f"<figure>{pictures.inlined(svg)}<figcaption>{escape(caption)}</figcaption></figure>"


def _list(items: Iterable[tuple[str, str]]) -> str:
    return "<ul>\n" + "\n".join(f'<li class="{kind}">{said}</li>' for kind, said in items) + "\n</ul>"


def _interval(figure: Sequence[float], written: Written, unit: str = "") -> str:
    value, low, high = figure
    return f"{written(value)}{unit} [{written(low)}, {written(high)}]"


def _cell(figure: Sequence[float], written: Written, *, off: bool = False) -> str:
    value, low, high = figure
    shade = ' class="off"' if off else ""
    return f"<td{shade}>{written(value)}<small>[{written(low)}, {written(high)}]</small></td>"


def _row(head: str, cells: Iterable[str], *, few: bool = False) -> str:
    return f'<tr{" class=few" if few else ""}><th scope="row">{head}</th>{"".join(cells)}</tr>'


def _table(heads: Sequence[str], rows: Sequence[str], caption: str) -> str:
    head = "".join(f'<th scope="col">{title}</th>' for title in heads)
    said = f'<p class="note">{caption}</p>' if caption else ""
    body = "\n".join(rows)
    return f'{said}<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
