"""Pictures of training and of an evaluation, as SVG text. The same figures give the same text.

They are drawn from the content of `evaluation.json` and `history.json`. A figure comes with its 95% interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from models.core import drawing
from models.passing.contestants import CONTESTANTS, GAUSSIAN, ORACLE, SPLICED, ordered
from models.passing.figures import FIGURES, is_small
from models.passing.support import GRID, LOWER_TAIL, UPPER_TAIL

_COLOR = CONTESTANTS[SPLICED].color
_FAINT = "#b8b8b8"
_STEPS = (1, 2, 5, 10)
"""Between ticks."""
_WIDTH = 10.5
"""Inches."""
_MIN_PROBABILITY = 1e-5
"""In the pictures; evaluations keep six digits."""
_YARDS = GRID[:-1] + 0.5

Array = NDArray[np.float64]


def training_curves(history: Sequence[Mapping[str, Any]]) -> str:
    """Loss, and log score on held-out plays, by epoch; the dots of epochs that were kept are filled."""
    with drawing.figure(6.5, 3.4) as (figure, drawn):
        axes = figure.subplots()
        epochs = np.arange(1, len(history) + 1)
        kept = [bool(epoch["kept"]) for epoch in history]
        validation = [epoch["validation"] for epoch in history]
        loss, held = CONTESTANTS[GAUSSIAN].color, _COLOR
        axes.plot(epochs, [epoch["loss"] for epoch in history], color=loss, ls="--", label="training plays (loss)")
        axes.plot(epochs, validation, color=held, label="held-out plays")
        axes.plot(
            epochs, validation, color=held, ls="", marker="o", ms=6, mfc="white", label="not better: not kept"
        )  # fmt: skip
        axes.plot(
            epochs[kept], np.asarray(validation)[kept], color=held, ls="", marker="o", ms=6, label="best so far: kept"
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel="log score, nats per play", title="Log score in training (lower is better)")
        axes.legend()
    return drawn()


def pit_histograms(pit: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """How often the outcome fell into each twentieth of its distribution, with a panel for each contestant."""
    names = ordered(pit)
    columns = min((3, 4), key=lambda number: -len(names) % number)
    rows = -(-len(names) // columns)
    with drawing.figure(_WIDTH, 0.5 + 1.9 * rows) as (figure, drawn):
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
        for axes, name in zip(panels, names, strict=False):
            shares = np.asarray(pit[name])
            width = 1 / len(shares)
            places = width * (np.arange(len(shares)) + 0.5)
            axes.bar(places, shares[:, 0], width * 0.94, color=CONTESTANTS[name].color, alpha=0.4)
            axes.vlines(places, shares[:, 1], shares[:, 2], color=CONTESTANTS[name].color, lw=1.2)
            axes.axhline(width, color=drawing.INK, lw=0.9, ls="--")
            axes.set_title(CONTESTANTS[name].name)
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
    """The forecast chance of a gain against how often it happened, in tenths of the plays; a panel for each gain."""
    with drawing.figure(_WIDTH, 3.7) as (figure, drawn):
        for axes, (reach, parts) in zip(figure.subplots(1, len(found), squeeze=False).flat, found.items(), strict=True):
            forecast = np.asarray([part["forecast"] for part in parts])
            came = np.asarray([part["came"] for part in parts])
            most = min(1.0, 1.05 * max(forecast.max(), came.max()))
            axes.plot([0, most], [0, most], color=drawing.INK, lw=0.9, ls="--")
            axes.vlines(forecast, came[:, 1], came[:, 2], color=_COLOR, lw=1.2)
            axes.plot(forecast, came[:, 0], color=_COLOR, ls="", marker="o", ms=4.5, clip_on=False)
            axes.set(title=f"At least {reach} yd", xlabel="forecast chance", ylabel="share that got there")
            axes.set(xlim=(0, most), ylim=(0, most), aspect="equal")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(5, steps=_STEPS))
                axis.set_major_formatter(_percent)
    return drawn()


def touchdowns(found: Mapping[str, Mapping[str, Any]]) -> str:
    """By yards to the end zone: the share of touchdowns with its interval, and what every forecast expected."""
    positions = list(found)
    names = ordered(found[positions[0]]["expected"])
    with drawing.figure(_WIDTH, 0.9 + 0.5 * len(positions)) as (figure, drawn):
        axes = figure.subplots()
        for row, position in enumerate(positions):
            part = found[position]
            _dots(axes, [part["scored"]], [drawing.INK], np.asarray([row]) - 0.28)
            for place, name in enumerate(names):
                shown = CONTESTANTS[name]
                below = row - 0.12 + 0.52 * place / max(len(names) - 1, 1)
                label = shown.name if row == 0 else None
                axes.plot([part["expected"][name]], [below], color=shown.color, ls="", marker="D", ms=4, label=label)
            axes.axhline(row + 0.5, color="#e6e6e6", lw=0.7)
        axes.plot([], [], color=drawing.INK, marker="o", ms=4.5, lw=1.6, label="scored")
        axes.set(xlabel="share of touchdowns", ylabel="yards to the end zone", xlim=(0, None))
        axes.set_yticks(range(len(positions)), [f"{name} · {found[name]['plays']:,} plays" for name in positions])
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(_percent)
        axes.set_ylim(len(positions) - 0.4, -0.6)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return drawn()


def coverage(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Shares in the lower tail, in the central intervals and in the upper tail, by contestant."""
    panels = ("below_lower_tail", "coverage_50", "coverage_80", "coverage_95", "above_upper_tail")
    names = ordered(figures)
    with drawing.figure(_WIDTH, 0.9 + 0.26 * len(names)) as (figure, drawn):
        for axes, key in zip(figure.subplots(1, len(panels), sharey=True), panels, strict=True):
            title, nominal = FIGURES[key].title, FIGURES[key].nominal
            assert nominal is not None
            axes.axvline(nominal, color=drawing.INK, lw=0.9, ls="--")
            _dots(axes, [figures[name][key] for name in names], [CONTESTANTS[name].color for name in names])
            axes.set(title=title.capitalize(), xlabel="share of plays")
            axes.xaxis.set_major_locator(MaxNLocator(3, steps=_STEPS))
            axes.xaxis.set_major_formatter(_percent)
        figure.axes[0].set_yticks(range(len(names)), [CONTESTANTS[name].name for name in names])
        figure.axes[0].invert_yaxis()
    return drawn()


def distributions(examples: Sequence[Mapping[str, Any]]) -> str:
    """The probability of each whole yard, play by play: near the middle, and for all yards on a logarithmic scale."""
    with drawing.figure(_WIDTH, 0.6 + 2.5 * len(examples)) as (figure, drawn):
        panels = figure.subplots(len(examples), 2, squeeze=False, width_ratios=[1.15, 1])
        for (middle, tails), example in zip(panels, examples, strict=True):
            cdf = {name: np.asarray(example["cdf"][name], np.float64) for name in ordered(example["cdf"])}
            low, high = (_quantile(cdf[SPLICED], level) for level in (0.003, 0.995))
            gained = example["yards"]
            for axes in (middle, tails):
                _distribution_lines(axes, cdf)
                for level in (LOWER_TAIL, 1 - UPPER_TAIL):
                    axes.axvline(_quantile(cdf[SPLICED], level), color=_COLOR, lw=0.9, ls=":")
            middle.set_title(_situation(example))
            middle.set(xlim=(min(low, gained, -3) - 1.5, max(high, gained, 15) + 1.5), ylabel="probability")
            _cut_above_the_others(middle, cdf)
            middle.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
            middle.yaxis.set_major_formatter(_percent)
            tails.set_yscale("log")
            tails.set(xlim=(GRID[0], GRID[-1]), ylim=(_MIN_PROBABILITY, 1), title="All yards, logarithmic")
            for axes in (middle, tails):
                axes.plot([gained], [0], "^", color="#b00020", ms=8, clip_on=False, zorder=5,
                          transform=axes.get_xaxis_transform())  # fmt: skip
        for axes in panels[-1]:
            axes.set_xlabel("yards gained")
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), handlelength=2.4)
    return drawn()


def groups(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """CRPS, mean play score and PIT distance of every group, of the kinds with more than one group."""
    rows: list[tuple[str, Mapping[str, Any] | None]] = []
    for kind, of_kind in found.items():
        if len(of_kind) > 1:
            rows += [(kind, None), *of_kind.items()]
    places = np.asarray([place for place, (_, of_group) in enumerate(rows) if of_group is not None])
    shown = [of_group for _, of_group in rows if of_group is not None]
    colors = [_FAINT if is_small(of_group) else _COLOR for of_group in shown]
    with drawing.figure(_WIDTH, 1.0 + 0.19 * len(rows)) as (figure, drawn):
        crps, score, distance = figure.subplots(1, 3, sharey=True, width_ratios=[1.1, 1.1, 1])
        for axes, key, label in (
            (crps, "crps", "CRPS, yd"),
            (score, "mean_play_score", "mean play score"),
            (distance, "pit_ks", "PIT, KS distance from uniform"),
        ):
            _dots(axes, [of_group["figures"][key] for of_group in shown], colors, places)
            axes.set_xlabel(label)
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
            axes.grid(axis="x", color="#e6e6e6", lw=0.7)
            axes.set_axisbelow(True)
        score.axvline(0.5, color=drawing.INK, lw=0.9, ls="--")
        for axes in (crps, distance):
            axes.set_xlim(left=0)
        crps.set_yticks(range(len(rows)), [_row(name, of_group) for name, of_group in rows])
        for tick, (_, of_group) in zip(crps.get_yticklabels(), rows, strict=True):
            tick.set_fontweight("bold" if of_group is None else "normal")
            if of_group is not None and is_small(of_group):
                tick.set_color("#8a8a8a")
        for axes in (crps, score, distance):
            axes.tick_params(axis="y", length=0)
            axes.set_ylim(len(rows) - 0.4, -0.6)
    return drawn()


def _percent(share: float, _: object) -> str:
    return f"{round(100 * share, 6):g}%"


def _row(name: str, group: Mapping[str, Any] | None) -> str:
    return name.capitalize() if group is None else f"{name} · {group['plays']:,} plays, {group['games']:,} games"


def _situation(example: Mapping[str, Any]) -> str:
    """A play's situation and result."""
    of = {kind: group for kind, group in example["groups"].items() if group != "unknown"}
    known = [
        *([f"quarter {of['quarter']}"] if "quarter" in of else []),
        *([f"down {of['down']}"] if "down" in of else []),
        *([of["depth"]] if "depth" in of else []),
        of["pressure"],
    ]
    return f"Gained {example['yards']:.0f} yd ({', '.join(known)})"


def _distribution_lines(axes: Axes, cdf: Mapping[str, Array]) -> None:
    for name, upto in cdf.items():
        shown, bottom = CONTESTANTS[name], _MIN_PROBABILITY / 10
        mass = np.maximum(np.diff(upto), bottom)
        if name == SPLICED:
            axes.stairs(mass, GRID, baseline=bottom, fill=True, color=shown.color, alpha=0.3, label=shown.name)
        else:
            width = 1.5 if name == ORACLE else 1.2
            axes.plot(_YARDS, mass, color=shown.color, lw=width, ls=shown.line, label=shown.name)


def _cut_above_the_others(axes: Axes, cdf: Mapping[str, Array]) -> None:
    """End the axis below the chance of exactly 0 yards, which is written instead because it would flatten the rest."""
    zero = int(np.flatnonzero(_YARDS == 0)[0])
    left, right = axes.get_xlim()
    inside = (left <= _YARDS) & (right >= _YARDS)
    inside[zero] = False
    chosen = [name for name in (SPLICED, ORACLE) if name in cdf]
    axes.set_ylim(0, 1.2 * max(float(np.diff(cdf[name])[inside].max()) for name in chosen))
    chances = ", ".join(f"{CONTESTANTS[name].name} {np.diff(cdf[name])[zero]:.0%}" for name in chosen)
    axes.text(
        1, 0.97, f"0 yd: {chances}", transform=axes.get_xaxis_transform(), va="top", fontsize=8,
        bbox={"fc": "white", "ec": "none", "pad": 1.5, "alpha": 0.9},
    )  # fmt: skip


def _quantile(cdf: Array, level: float) -> float:
    return float(np.interp(level, cdf, GRID))


def _dots(
    axes: Axes,
    found: Sequence[Sequence[float]],
    colors: Sequence[str],
    places: NDArray[np.integer] | NDArray[np.floating] | None = None,
) -> None:
    """One row per figure, with its interval."""
    rows = np.arange(len(found)) if places is None else places
    for row, (value, low, high), color in zip(rows, found, colors, strict=True):
        axes.plot([low, high], [row, row], color=color, lw=1.6, solid_capstyle="butt")
        axes.plot([value], [row], color=color, ls="", marker="o", ms=4.5)
