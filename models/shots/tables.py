"""The tables of an evaluation, for the card and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, TypeAlias

from models.shots.contestants import CONTESTANTS, ordered

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Heads and rows."""

TITLES = {
    "unblocked": "All unblocked attempts, without shot type",
    "on_goal": "Shots on goal, with shot type",
    "simulated": "Simulated shots, with everything that film tells",
}
"""Of the universes."""
MIN_SHOTS, MIN_GAMES = 300, 10
STARS = f"A star: fewer than {MIN_SHOTS} shots or {MIN_GAMES} games; the intervals say little."


def figures(part: Mapping[str, Any]) -> Table:
    """AUC, log loss and Brier score of all contestants, and paired differences from ours."""
    regret = part.get("regret", {})
    heads = ["", "AUC", "log loss", "Brier", "AUC less ours", "log loss less ours", *(["regret, %"] if regret else [])]
    rows = []
    for name in ordered(part["figures"]):
        found, less = part["figures"][name], part["less_ours"].get(name)
        cells = [interval(found["auc"], 4), interval(found["log_loss"], 4), interval(found["brier"], 4)]
        cells += [interval(less["auc"], 4, "+"), interval(less["log_loss"], 4, "+")] if less else ["", ""]
        if regret:
            cells.append(interval([100 * value for value in regret[name]], 2) if name in regret else "")
        rows.append([CONTESTANTS[name].name, *cells])
    return heads, rows


def verdict(part: Mapping[str, Any]) -> str:
    """Whether ours is as good as the best alternative, within the interval."""
    rivals = [name for name in part["less_ours"] if name not in {"oracle", "previous", "pooled"}]
    worse = []
    for figure, sign, title in (("auc", 1, "AUC"), ("log_loss", -1, "log loss")):
        for name in ordered(rivals):
            value, low, high = part["less_ours"][name][figure]
            if (low if sign > 0 else -high) > 0:
                worse.append(f"{title} of {CONTESTANTS[name].name} is better by {abs(value):.4f}")
    if not worse:
        return "no alternative is better beyond its interval, by AUC or log loss."
    return "**" + "; ".join(worse) + "**, beyond the interval."


def levels(part: Mapping[str, Any]) -> Table:
    """Of each level, what was expected and scored."""
    rows = [
        [name, f"{level['shots']:,}", f"{100 * level['expected']:.2f}", interval(_percent(level["scored"]), 2)]
        for name, level in part["levels"].items()
    ]
    return ["chance", "shots", "expected, %", "scored, %"], rows


def reliability(part: Mapping[str, Any]) -> Table:
    """Of tenths of the shots, what was expected and scored."""
    rows = [
        [f"{place + 1}", f"{each['shots']:,}", f"{100 * each['expected']:.2f}", interval(_percent(each["scored"]), 2)]
        for place, each in enumerate(part["reliability"])
    ]
    return ["tenth", "shots", "expected, %", "scored, %"], rows


def groups(part: Mapping[str, Any]) -> Table:
    """Goals per expected goal, log loss and AUC of every group."""
    rows = []
    for kind, of_kind in part["groups"].items():
        if len(of_kind) < 2:
            continue
        for name, group in of_kind.items():
            star = " *" if is_small(group) else ""
            rows.append(
                [
                    f"{kind}: {name}{star}",
                    f"{group['shots']:,}",
                    f"{group['goals']:,}",
                    f"{group['expected']:.1f}",
                    interval(group["goals_per_expected"], 2),
                    interval(group["log_loss"], 4),
                    interval(group["auc"], 3),
                ]
            )
    heads = ["group", "shots", "goals", "expected", "goals per expected", "log loss", "AUC"]
    return heads, rows


def beside(factors: Mapping[str, Any]) -> Table:
    """Factors of film with the partial rank correlation that each has with a vendor's chances, highest first."""
    ordered = sorted(factors.items(), key=lambda each: -each[1]["correlation"][0])
    rows = [[name, f"{each['shots']:,}", interval(each["correlation"], 2, "+")] for name, each in ordered]
    return ["factor", "known in", "correlation"], rows


def is_small(group: Mapping[str, Any]) -> bool:
    """Whether a group has too few shots or games for its figures to say much."""
    return bool(group["shots"] < MIN_SHOTS or group["games"] < MIN_GAMES)


def markdown(table: Table) -> str:
    """A table in Markdown."""
    heads, rows = table
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def html(table: Table) -> str:
    """A table in HTML."""
    heads, rows = table
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        for first, *cells in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def interval(figure: Sequence[float], digits: int, sign: str = "") -> str:
    """A figure with the ends of its interval."""
    value, low, high = (f"{each:{sign}.{digits}f}" for each in figure)
    return f"{value} [{low}, {high}]"


def _percent(figure: Sequence[float]) -> list[float]:
    return [100 * value for value in figure]
