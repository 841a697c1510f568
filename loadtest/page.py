"""A load test as a page: two pictures, the budgets, the stages, what the processes took."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Final

from loadtest.histograms import Latencies
from loadtest.recording import Recording
from loadtest.table import PARTS, PLAY_STAGES, milliseconds, name_of, parts_of, summary
from loadtest.verdict import PLAY, Verdict
from servicekit.budgets import Budget, budgets

_TEMPLATE: Final = Path(__file__).with_name("page.html")
_WIDTH: Final = 480
_HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 14, 34
_SHARES: Final = (0.5, 0.9, 0.99, 0.999)
_FEWEST_MS: Final = 0.1

Scale = Callable[[float], float]


def render(recording: Recording, verdict: Verdict) -> str:
    """The page, without anything from elsewhere."""
    heading = f"{recording.scenario} ×{recording.scale}"
    reasons = "".join(f"<p>{html.escape(reason)}</p>" for reason in verdict.reasons)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(f"Load test: {heading}"),
        heading=html.escape(f"Load test: {heading}"),
        outcome=verdict.outcome.name.lower(),
        reasons=reasons,
        summary=html.escape(summary(recording)),
        target=html.escape(recording.target),
        figures=_figures(recording),
        budgets=_budgets(verdict),
        stages=_stages(recording),
        parts=_parts(recording),
    )


def _figures(recording: Recording) -> str:
    if not recording.readable.count:
        return ""
    own = budgets().of(PLAY)
    return _by_share(recording.readable, recording.lag, own) + _over_time(recording, own)


def _by_share(readable: Latencies, lag: Latencies, own: Sequence[Budget]) -> str:
    """Latency that a share of all stay within; the axis has as much room for each nine."""
    most = 1 - 1 / max(readable.count, 100)
    across = _scale(0.0, -math.log10(1 - most), _LEFT, _WIDTH - _RIGHT)
    top = 1e3 * max(readable.longest, lag.longest if lag.count else 0, *(budget.seconds for budget in own))
    up = _logarithmic(top)
    shares = [1 - 10 ** (-step / 20) for step in range(round(-20 * math.log10(1 - most)) + 1)]
    parts = [_rows(up, top)]
    for share in _SHARES:
        if share <= most:
            x = across(-math.log10(1 - share))
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
            anchor = "end" if x > _WIDTH - 40 else "middle"
            parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 12}" text-anchor="{anchor}">{100 * share:g}%</text>')
    for kind, latencies in (("other", lag), ("one", readable)):
        if latencies.count:
            points = [
                (across(-math.log10(1 - share)), up(max(1e3 * latencies.quantile(share), _FEWEST_MS)))
                for share in shares
            ]
            parts.append(_line(kind, points))
    for budget in own:
        x, y = across(-math.log10(1 - budget.quantile)), up(1e3 * budget.seconds)
        parts.append(f'<line class="budget" x1="{max(x - 70, _LEFT):.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<line class="budget" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{y:.1f}"/>')
    return _figure(
        "".join(parts),
        "Latency by the share of plays that stay within it, ms. Blue: from when a play's last message was due until its"
        " rating could be read. Gray: how late the generator was. Red: the budgets, under which blue should pass.",
        "Latency by share",
    )


def _over_time(recording: Recording, own: Sequence[Budget]) -> str:
    seconds = recording.seconds_of_plays
    across = _scale(0, max(1, seconds[-1].at + 1), _LEFT, _WIDTH - _RIGHT)
    top = 1e3 * max(recording.readable.longest, *(budget.seconds for budget in own))
    up = _logarithmic(top)
    parts = [_rows(up, top)]
    end = seconds[-1].at + 1
    for at in (0, end // 2, end):
        anchor = "start" if at == 0 else "end" if at == end else "middle"
        parts.append(f'<text x="{across(at):.1f}" y="{_HEIGHT - 12}" text-anchor="{anchor}">{at} s</text>')
    for budget in own:
        y = up(1e3 * budget.seconds)
        parts.append(f'<line class="budget" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="is-budget" x="{_WIDTH - _RIGHT}" y="{y - 5:.1f}" text-anchor="end">'
            f"{100 * budget.quantile:g}%</text>"
        )
    for each in seconds:
        x, low, high = (
            across(each.at + 0.5),
            up(max(1e3 * each.p50, _FEWEST_MS)),
            up(max(1e3 * each.longest, _FEWEST_MS)),
        )
        parts.append(f'<line class="other" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>')
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{low:.1f}" r="2.5"/>')
    return _figure(
        "".join(parts),
        "The same by the second in which plays closed. Dot: the median of that second; bar: up to the longest.",
        "Latency over time",
    )


def _figure(drawn: str, caption: str, title: str) -> str:
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">{drawn}</svg>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _rows(up: Scale, top: float) -> str:
    rows = []
    power = _FEWEST_MS
    while power <= top:
        y = up(power)
        rows.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        rows.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{power:,.10g}</text>')
        power *= 10
    return "".join(rows)


def _line(kind: str, points: Iterable[tuple[float, float]]) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{drawn}"/>'


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (end - start) * (value - low) / (high - low)


def _logarithmic(top: float) -> Scale:
    linear = _scale(math.log10(_FEWEST_MS), math.log10(max(top, 1.0) * 1.5), _HEIGHT - _BOTTOM, _TOP)
    return lambda value: linear(math.log10(value))


def _budgets(verdict: Verdict) -> str:
    if not verdict.judgements:
        return "<p>As fast as they go, plays wait for each other: no budget is judged.</p>"
    rows = []
    for each in verdict.judgements:
        kind, said = ("good", "kept") if each.kept else ("bad", "broken")
        if not each.count:
            kind, said = "", "not measured"
        numbers = (
            milliseconds(each.measured_seconds),
            f"{1e3 * each.budget.seconds:g}",
            f"{each.late} of {each.count}",
        )
        cells = _row(f"{100 * each.budget.quantile:g}%", *numbers)
        rows.append(f'{_row(name_of(each))}<td class="{kind}">{said}</td>{cells}')
    return _table(("budget", "", "share", "measured ms", "budget ms", "late"), rows)


def _stages(recording: Recording) -> str:
    rows = []
    for stage, meaning in PLAY_STAGES:
        if (one := recording.stage(stage)) is not None:
            shares = (milliseconds(one.at_most(share)) for share in (0.5, 0.9, 0.99))
            rows.append(_row(f"{stage}: {meaning}", f"{one.count:.0f}", *shares))
    return _table(("stage", "plays", "50%", "90%", "99%"), rows) if rows else "<p>No metrics were named.</p>"


def _parts(recording: Recording) -> str:
    if not recording.parts:
        return ""
    table = _table(("process", *PARTS), [_row(*row) for row in parts_of(recording)])
    return f'<h2>What it took</h2><div class="scroll">{table}</div>'


def _row(*cells: str) -> str:
    return "".join(f"<td>{html.escape(each)}</td>" for each in cells)


def _table(headings: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f"<th>{html.escape(each)}</th>" for each in headings)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
