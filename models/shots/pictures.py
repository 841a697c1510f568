"""Pictures of an evaluation, drawn from the content of `evaluation.json`. A figure comes with its 95% interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from models.core import drawing
from models.shots.contestants import CONTESTANTS, OURS, ordered
from models.shots.tables import is_small

_COLOR = CONTESTANTS[OURS].color
_FAINT = "#b8b8b8"
_WIDTH = 10.5
"""Inches."""
_DIFFERENCES = {"auc": "AUC less ours (higher is better)", "log_loss": "log loss less ours (lower is better)"}


def differences(part: Mapping[str, Any]) -> str:
    """Of every alternative, AUC and log loss less ours on the same shots."""
    names = [name for name in ordered(part["less_ours"]) if name != "base_rate"]
    with drawing.figure(_WIDTH, 0.9 + 0.28 * len(names)) as (figure, drawn):
        for axes, (key, title) in zip(figure.subplots(1, 2, sharey=True), _DIFFERENCES.items(), strict=True):
            axes.axvline(0, color=drawing.INK, lw=0.9, ls="--")
            for row, name in enumerate(names):
                _dot(axes, part["less_ours"][name][key], row, CONTESTANTS[name].color)
            axes.set_yticks(range(len(names)), [CONTESTANTS[name].name for name in names])
            axes.set(title=title, ylim=(len(names) - 0.5, -0.5))
    return drawn()


def reliability(parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The chance that was given and the share that scored, in tenths of the shots; a panel for each universe."""
    with drawing.figure(_WIDTH, 3.7) as (figure, drawn):
        for axes, (name, tenths) in zip(figure.subplots(1, len(parts), squeeze=False).flat, parts.items(), strict=True):
            expected = np.asarray([tenth["expected"] for tenth in tenths])
            scored = np.asarray([tenth["scored"] for tenth in tenths])
            most = 1.05 * max(expected.max(), scored.max())
            axes.plot([0, most], [0, most], color=drawing.INK, lw=0.9, ls="--")
            axes.vlines(expected, scored[:, 1], scored[:, 2], color=_COLOR, lw=1.2)
            axes.plot(expected, scored[:, 0], color=_COLOR, ls="", marker="o", ms=4.5, clip_on=False)
            axes.set(title=name, xlabel="chance of a goal", ylabel="share that scored", aspect="equal")
            axes.set(xlim=(0, most), ylim=(0, most))
    return drawn()


def groups(part: Mapping[str, Any]) -> str:
    """Goals per expected goal of every group of more than one of its kind; small groups are faint."""
    rows = [
        (f"{kind}: {name}", group)
        for kind, of_kind in part["groups"].items()
        if len(of_kind) > 1
        for name, group in of_kind.items()
    ]
    with drawing.figure(_WIDTH, 0.9 + 0.22 * max(len(rows), 1)) as (figure, drawn):
        axes = figure.subplots()
        axes.axvline(1, color=drawing.INK, lw=0.9, ls="--")
        for row, (_, group) in enumerate(rows):
            _dot(axes, group["goals_per_expected"], row, _FAINT if is_small(group) else _COLOR)
        axes.set_yticks(range(len(rows)), [f"{name} ({group['shots']:,})" for name, group in rows])
        axes.set(xlabel="goals per expected goal", ylim=(len(rows) - 0.5, -0.5), xlim=(0, 2.2))
    return drawn()


def _dot(axes: Axes, figure: Sequence[float], row: int, color: str) -> None:
    value, low, high = figure
    axes.hlines(row, low, high, color=color, lw=1.6)
    axes.plot(value, row, color=color, marker="o", ms=4.5)
