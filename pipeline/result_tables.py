"""What became of plays and of what was read, in a terminal: the same words for a replay and a backfill."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.batch_stages import Written
from playscore.sources import Loss
from playscore.terminal_text import printable


def show_written(written: Written, console: Console) -> None:
    """What became of the records that were written."""
    console.print(
        f"Recorded: {written.inserted} new, {written.replaced} replaced, {written.unchanged} unchanged, "
        f"{written.stale} stale, {written.conflicting} in conflict with what is stored; {written.withdrawn} withdrawn."
    )


def show_losses(losses: Sequence[Loss], console: Console) -> None:
    """What a source could not read; nothing where it read all."""
    if not losses:
        return
    left_out = Table("left out", title="What could not be read", title_justify="left")
    left_out.add_column("count", justify="right")
    left_out.add_column("the first of them")
    for loss in losses:
        left_out.add_row(Text(printable(loss.reason)), str(loss.count), Text(printable(loss.example)))
    console.print(left_out)
