"""Pictures of training and of an evaluation: SVG text, the same for the same figures.

They are drawn from what `evaluation.json` and `history.json` hold; figures come with the ends of their 95% interval.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from models.passing.heads import EDGES, LOWER_TAIL, UPPER_TAIL

OURS, RELEASED, ORACLE = "spliced", "released", "oracle"
NAMES = {
    OURS: "spliced (ours)",
    RELEASED: "released (ours, tuned)",
    "spliced_untuned": "spliced, not tuned",
    "gaussian": "Gaussian head",
    "gluonts": "GluonTS loss",
    "boosted": "boosted trees",
    "base_rates": "base rates",
    ORACLE: "oracle",
}
"""Of the contestants, in the order in which they are shown."""
COLOURS = {
    OURS: "#0072b2",
    RELEASED: "#332288",
    "spliced_untuned": "#56b4e9",
    "gaussian": "#d55e00",
    "gluonts": "#c0569a",
    "boosted": "#009e73",
    "base_rates": "#8c8c8c",
    ORACLE: "#111111",
}
"""Told apart by colour-blind readers too (after Okabe and Ito)."""
SMALL_PLAYS, SMALL_GAMES = 100, 10
"""Groups with fewer are drawn grey: bootstrap over a few games says too little about its own error."""

_LINES = {RELEASED: (0, (8, 2)), "gaussian": (0, (5, 1.5)), "gluonts": (0, (1.5, 0.8)), "boosted": (0, (3, 1, 1, 1))}
_FAINT = "#b8b8b8"
_INK = "#333333"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "playscore",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.edgecolor": "#777777",
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#777777",
    "ytick.color": "#777777",
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "text.color": _INK,
    "legend.frameon": False,
}
_STEPS = (1, 2, 5, 10)
"""Of ticks."""
_WIDTH = 10.5
"""Inches."""
_LEAST = 1e-5
"""Smallest probability in the pictures; evaluations keep six digits."""
_EDGES = np.asarray(EDGES)
_YARDS = _EDGES[:-1] + 0.5

Array = NDArray[np.float64]


def ordered(contestants: Mapping[str, Any]) -> list[str]:
    """Their names as they are shown everywhere."""
    return [name for name in NAMES if name in contestants]


def training_curves(history: Sequence[Mapping[str, Any]]) -> str:
    """Loss and log score on plays set aside, by epoch; epochs that were kept are filled."""
    with _figure(6.5, 3.4) as (figure, drawn):
        axes = figure.subplots()
        epochs = np.arange(1, len(history) + 1)
        kept = [bool(epoch["kept"]) for epoch in history]
        validation = [epoch["validation"] for epoch in history]
        loss, held = COLOURS["gaussian"], COLOURS[OURS]
        axes.plot(epochs, [epoch["loss"] for epoch in history], color=loss, ls="--", label="plays learnt from (loss)")
        axes.plot(epochs, validation, color=held, label="plays set aside")
        axes.plot(
            epochs, validation, color=held, ls="", marker="o", ms=6, mfc="white", label="not better: not kept"
        )  # fmt: skip
        axes.plot(
            epochs[kept], np.asarray(validation)[kept], color=held, ls="", marker="o", ms=6, label="best so far: kept"
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel="log score, nats a play", title="Log score while learning (lower is better)")
        axes.legend()
    return drawn()


def pit_histograms(pit: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """How often the outcome fell into each twentieth of the law, a panel for each contestant."""
    names = ordered(pit)
    columns = min((3, 4), key=lambda number: -len(names) % number)
    rows = -(-len(names) // columns)
    with _figure(_WIDTH, 0.5 + 1.9 * rows) as (figure, drawn):
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
        for axes, name in zip(panels, names, strict=False):
            shares = np.asarray(pit[name])
            width = 1 / len(shares)
            places = width * (np.arange(len(shares)) + 0.5)
            axes.bar(places, shares[:, 0], width * 0.94, color=COLOURS[name], alpha=0.4)
            axes.vlines(places, shares[:, 1], shares[:, 2], color=COLOURS[name], lw=1.2)
            axes.axhline(width, color=_INK, lw=0.9, ls="--")
            axes.set_title(NAMES[name])
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "1"])
            axes.yaxis.set_major_formatter(_percent)
        for axes in list(figure.axes)[len(names) :]:
            axes.remove()
        for place, axes in enumerate(figure.axes):
            if place % columns == 0:
                axes.set_ylabel("share of plays")
            if place + columns >= len(names):
                axes.set_xlabel("PIT")
                axes.tick_params(labelbottom=True)
    return drawn()


def reliability(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Chance forecast against how often it came about, in tenths of the plays, a panel for each gain to reach."""
    with _figure(_WIDTH, 3.7) as (figure, drawn):
        for axes, (reach, parts) in zip(figure.subplots(1, len(found), squeeze=False).flat, found.items(), strict=True):
            forecast = np.asarray([part["forecast"] for part in parts])
            came = np.asarray([part["came"] for part in parts])
            most = min(1.0, 1.05 * max(forecast.max(), came.max()))
            axes.plot([0, most], [0, most], color=_INK, lw=0.9, ls="--")
            axes.vlines(forecast, came[:, 1], came[:, 2], color=COLOURS[OURS], lw=1.2)
            axes.plot(forecast, came[:, 0], color=COLOURS[OURS], ls="", marker="o", ms=4.5, clip_on=False)
            axes.set(title=f"At least {reach} yd", xlabel="chance forecast", ylabel="came about")
            axes.set(xlim=(0, most), ylim=(0, most), aspect="equal")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(5, steps=_STEPS))
                axis.set_major_formatter(_percent)
    return drawn()


def coverage(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Shares below the lower tail, within the central intervals and above the upper tail, by contestant."""
    panels = [
        ("below_lower_tail", LOWER_TAIL, "Below the 5% point"),
        ("coverage_50", 0.5, "In the 50% interval"),
        ("coverage_80", 0.8, "In the 80% interval"),
        ("coverage_95", 0.95, "In the 95% interval"),
        ("above_upper_tail", UPPER_TAIL, "Above the 95% point"),
    ]
    names = ordered(figures)
    with _figure(_WIDTH, 0.9 + 0.26 * len(names)) as (figure, drawn):
        for axes, (key, nominal, title) in zip(figure.subplots(1, len(panels), sharey=True), panels, strict=True):
            axes.axvline(nominal, color=_INK, lw=0.9, ls="--")
            _dots(axes, [figures[name][key] for name in names], [COLOURS[name] for name in names])
            axes.set(title=title, xlabel="share of plays")
            axes.xaxis.set_major_locator(MaxNLocator(3, steps=_STEPS))
            axes.xaxis.set_major_formatter(_percent)
        figure.axes[0].set_yticks(range(len(names)), [NAMES[name] for name in names])
        figure.axes[0].invert_yaxis()
    return drawn()


def laws(examples: Sequence[Mapping[str, Any]]) -> str:
    """The probability of each whole yard, play by play: near the middle, and on a logarithmic scale over all yards."""
    with _figure(_WIDTH, 0.6 + 2.5 * len(examples)) as (figure, drawn):
        panels = figure.subplots(len(examples), 2, squeeze=False, width_ratios=[1.15, 1])
        for (middle, tails), example in zip(panels, examples, strict=True):
            cdf = {name: np.asarray(example["cdf"][name], np.float64) for name in ordered(example["cdf"])}
            low, high = (_quantile(cdf[OURS], level) for level in (0.003, 0.995))
            gained = example["yards"]
            for axes in (middle, tails):
                _law_lines(axes, cdf)
                for level in (LOWER_TAIL, 1 - UPPER_TAIL):
                    axes.axvline(_quantile(cdf[OURS], level), color=COLOURS[OURS], lw=0.9, ls=":")
            middle.set_title(_situation(example))
            middle.set(xlim=(min(low, gained, -3) - 1.5, max(high, gained, 15) + 1.5), ylabel="probability")
            _cut_above_the_others(middle, cdf)
            middle.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
            middle.yaxis.set_major_formatter(_percent)
            tails.set_yscale("log")
            tails.set(xlim=(_EDGES[0], _EDGES[-1]), ylim=(_LEAST, 1), title="All yards, logarithmic")
            for axes in (middle, tails):
                axes.plot([gained], [0], "^", color="#b00020", ms=8, clip_on=False, zorder=5,
                          transform=axes.get_xaxis_transform())  # fmt: skip
        for axes in panels[-1]:
            axes.set_xlabel("yards gained")
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), handlelength=2.4)
    return drawn()


def groups(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """CRPS, mean play score and PIT distance of every group, of the kinds that tell any apart."""
    rows: list[tuple[str, Mapping[str, Any] | None]] = []
    for kind, of_kind in found.items():
        if len(of_kind) > 1:
            rows += [(kind, None), *of_kind.items()]
    places = np.asarray([place for place, (_, of_group) in enumerate(rows) if of_group is not None])
    shown = [of_group for _, of_group in rows if of_group is not None]
    colours = [_FAINT if small(of_group) else COLOURS[OURS] for of_group in shown]
    with _figure(_WIDTH, 1.0 + 0.19 * len(rows)) as (figure, drawn):
        crps, score, distance = figure.subplots(1, 3, sharey=True, width_ratios=[1.1, 1.1, 1])
        for axes, key, label in (
            (crps, "crps", "CRPS, yd"),
            (score, "mean_play_score", "mean play score"),
            (distance, "pit_ks", "PIT, KS distance from uniform"),
        ):
            _dots(axes, [of_group["figures"][key] for of_group in shown], colours, places)
            axes.set_xlabel(label)
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
            axes.grid(axis="x", color="#e6e6e6", lw=0.7)
            axes.set_axisbelow(True)
        score.axvline(0.5, color=_INK, lw=0.9, ls="--")
        for axes in (crps, distance):
            axes.set_xlim(left=0)
        crps.set_yticks(range(len(rows)), [_row(name, of_group) for name, of_group in rows])
        for tick, (_, of_group) in zip(crps.get_yticklabels(), rows, strict=True):
            tick.set_fontweight("bold" if of_group is None else "normal")
            if of_group is not None and small(of_group):
                tick.set_color("#8a8a8a")
        for axes in (crps, score, distance):
            axes.tick_params(axis="y", length=0)
            axes.set_ylim(len(rows) - 0.4, -0.6)
    return drawn()


def small(group: Mapping[str, Any]) -> bool:
    """Whether a group is too small for its figures to say much."""
    return bool(group["plays"] < SMALL_PLAYS or group["games"] < SMALL_GAMES)


def _percent(share: float, _: object) -> str:
    return f"{round(100 * share, 6):g}%"


def _row(name: str, group: Mapping[str, Any] | None) -> str:
    return name.capitalize() if group is None else f"{name} · {group['plays']:,} plays, {group['games']:,} games"


def _situation(example: Mapping[str, Any]) -> str:
    """What is known of a play, and what came of it."""
    of = {kind: group for kind, group in example["groups"].items() if group != "unknown"}
    known = [
        *([f"quarter {of['quarter']}"] if "quarter" in of else []),
        *([f"down {of['down']}"] if "down" in of else []),
        *([of["depth"]] if "depth" in of else []),
        of["pressure"],
    ]
    return f"Gained {example['yards']:.0f} yd ({', '.join(known)})"


def _law_lines(axes: Axes, cdf: Mapping[str, Array]) -> None:
    for name, upto in cdf.items():
        mass = np.maximum(np.diff(upto), _LEAST / 10)
        if name == OURS:
            axes.stairs(
                mass, _EDGES, baseline=_LEAST / 10, fill=True, color=COLOURS[name], alpha=0.3, label=NAMES[name]
            )
        else:
            width = 1.5 if name == ORACLE else 1.2
            axes.plot(_YARDS, mass, color=COLOURS[name], lw=width, ls=_LINES.get(name, "-"), label=NAMES[name])


def _cut_above_the_others(axes: Axes, cdf: Mapping[str, Array]) -> None:
    """End the axis above all but the chance of exactly 0, which is written instead: it would flatten all others."""
    zero = int(np.flatnonzero(_YARDS == 0)[0])
    left, right = axes.get_xlim()
    inside = (left <= _YARDS) & (right >= _YARDS)
    inside[zero] = False
    chosen = [name for name in (OURS, ORACLE) if name in cdf]
    axes.set_ylim(0, 1.2 * max(float(np.diff(cdf[name])[inside].max()) for name in chosen))
    said = ", ".join(f"{NAMES[name]} {np.diff(cdf[name])[zero]:.0%}" for name in chosen)
    axes.text(
        1, 0.97, f"0 yd: {said}", transform=axes.get_xaxis_transform(), va="top", fontsize=8,
        bbox={"fc": "white", "ec": "none", "pad": 1.5, "alpha": 0.9},
    )  # fmt: skip


def _quantile(cdf: Array, level: float) -> float:
    return float(np.interp(level, cdf, _EDGES))


def _dots(
    axes: Axes, found: Sequence[Sequence[float]], colours: Sequence[str], places: NDArray[np.int64] | None = None
) -> None:
    """A row each: the figure and its interval."""
    rows = np.arange(len(found)) if places is None else places
    for row, (value, low, high), colour in zip(rows, found, colours, strict=True):
        axes.plot([low, high], [row, row], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot([value], [row], color=colour, ls="", marker="o", ms=4.5)


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Figure, Callable[[], str]]]:
    """A figure to draw in, inches, and how to get its SVG afterwards."""
    written = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, written.getvalue
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})


def inlined(svg: str) -> str:
    """An SVG to stand among others in one page: without its head, and without names that others bear too."""
    return re.sub(r'<g id="[^"]*"', "<g", svg[svg.index("<svg") :])
