"""A load test on the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.recording import Recording
from loadtest.verdict import Judgement, Outcome, Verdict
from playscore.client.words import counted

PLAY_STAGES: Final[Sequence[tuple[str, str]]] = (
    ("featurize", "from the closing frame sent to its tensor"),
    ("score", "to its score"),
    ("grade", "to its grade, where the result came later"),
    ("record", "to its record on disk"),
)
"""What the workers time, in the order of the way."""
PARTS: Final = ("CPU s", "of a core", "ms a play", "memory MB")
"""What is told of each process."""
WORDS: Final = {
    Outcome.KEPT: "KEPT: every budget was kept, and every play is recorded once",
    Outcome.BROKEN: "BROKEN",
    Outcome.INVALID: "INVALID: the generator was too late; nothing can be said about the services",
}


def milliseconds(seconds: float) -> str:
    """A latency in words."""
    if math.isnan(seconds):
        return "-"
    return "> 10,000" if math.isinf(seconds) else f"{1e3 * seconds:,.1f}"


def show(recording: Recording, verdict: Verdict, console: Console) -> None:
    """Prints what was measured, the budgets, and the verdict."""
    console.print(f"{recording.scenario} ×{recording.scale}: {summary(recording)}", highlight=False)
    console.print(f"on {recording.target}", highlight=False, markup=False)
    console.print(_latencies(recording))
    if verdict.judgements:
        console.print(_budgets(verdict))
    if recording.parts:
        console.print(_parts(recording))
    color = {Outcome.KEPT: "green", Outcome.BROKEN: "red", Outcome.INVALID: "yellow"}[verdict.outcome]
    console.print(Text(WORDS[verdict.outcome], style=f"bold {color}"))
    for reason in verdict.reasons:
        console.print(f"  {reason}", markup=False, highlight=False)


def summary(recording: Recording) -> str:
    """What was played, in a sentence."""
    rate = recording.plays_recorded / recording.seconds
    return (
        f"{counted(recording.games, 'game')}, {recording.plays_recorded} of {counted(recording.plays_told, 'play')}"
        f" recorded ({recording.plays_scored} scored) in {recording.seconds:.1f} s, {rate:.1f} a second;"
        f" {counted(recording.messages, 'message')} published."
    )


def parts_of(recording: Recording) -> Iterator[tuple[str, ...]]:
    """The name of each process, and what `PARTS` says of it."""
    plays = max(1, recording.plays_recorded)
    for name, part in recording.parts.items():
        yield (
            name,
            f"{part.cpu_seconds:.1f}",
            f"{100 * part.cpu_seconds / recording.seconds:.0f}%",
            f"{1e3 * part.cpu_seconds / plays:.2f}",
            f"{part.memory_bytes / 1e6:.0f}",
        )


def name_of(judged: Judgement) -> str:
    """A budget, and what it is judged for where that is done separately."""
    return f"{judged.name} {judged.series}".rstrip()


def _latencies(recording: Recording) -> Table:
    table = Table("", title="Latency, ms", title_justify="left", caption_justify="left")
    for heading in ("count", "p50", "p90", "p99", "longest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stage, _ in PLAY_STAGES:
        if (one := recording.stage(stage)) is not None:
            at_most = (f"≤ {milliseconds(one.at_most(share))}" for share in (0.5, 0.9, 0.99))
            table.add_row(stage, f"{one.count:.0f}", *at_most, "")
    for name, timed in (("readable", recording.readable), ("generator late", recording.lag)):
        if timed.count:
            shares = (milliseconds(timed.quantile(share)) for share in (0.5, 0.9, 0.99))
            table.add_row(name, str(timed.count), *shares, milliseconds(timed.longest))
    if recording.flat_out:
        table.caption = "As fast as they go, plays wait for each other: this is backlog; no budget is judged."
    else:
        table.caption = "readable: from when a play's last message was due until its rating was read."
    return table


def _budgets(verdict: Verdict) -> Table:
    table = Table("budget", title="Budgets, ms", title_justify="left")
    for heading in ("share", "measured", "budget", "late", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in verdict.judgements:
        said = Text("kept", style="green") if each.kept else Text("broken", style="red")
        table.add_row(
            name_of(each),
            f"{100 * each.budget.quantile:g}%",
            milliseconds(each.measured_seconds),
            f"{1e3 * each.budget.seconds:g}",
            f"{each.late} of {each.count}" if each.count else "",
            said if each.count else Text("not measured", style="dim"),
        )
    return table


def _parts(recording: Recording) -> Table:
    table = Table("process", title="What it took", title_justify="left")
    for heading in PARTS:
        table.add_column(heading, justify="right")
    for row in parts_of(recording):
        table.add_row(*row)
    return table
