"""Progress and result of a backfill, for people."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pipeline.backfill.game_report import GameReport
from pipeline.backfill.run import Backfilled, Callbacks
from pipeline.result_tables import show_losses, show_written
from pipeline.results import Ending, PlayResult
from playscore.client.words import counted
from playscore.terminal_text import printable

GAMES_SHOWN: Final = 20
REASONS_SHOWN: Final = 3


@contextlib.contextmanager
def progress_bar(console: Console, games: int) -> Iterator[Callbacks]:
    """A progress bar of games, with plays recorded, plays a second, and the top reasons for plays not scored."""
    columns = (
        TextColumn("games"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[plays]}"),
    )
    begun = time.monotonic()
    plays = 0
    rejected: Counter[str] = Counter()
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=games, plays="")

        def on_play(result: PlayResult) -> None:
            nonlocal plays
            plays += 1
            if result.ending is Ending.REJECTED and result.reason is not None:
                rejected[result.reason.name] += 1
            rate = plays / max(time.monotonic() - begun, 1e-3)
            reasons = ", ".join(f"{count} {reason}" for reason, count in rejected.most_common(REASONS_SHOWN))
            progress.update(bar, plays=f"{plays} plays, {rate:.0f}/s{': ' if reasons else ''}{reasons}")

        def on_game(report: GameReport) -> None:
            progress.advance(bar)

        yield Callbacks(on_play, on_game)


def show(done: Backfilled, console: Console) -> None:
    """Print the result of a backfill. Every play of the games reached is in one row of the table."""
    games = ", ".join(f"{count} {status.value}" for status, count in done.by_status.items())
    left = f", {done.left} left" if done.left else ""
    console.print(f"{counted(done.games, 'game')}: {games or 'none played'}{left}")
    counts = done.counts
    endings = Table("outcome", "reason", title=counted(counts.plays, "play"), title_justify="left")
    endings.add_column("plays", justify="right")
    rows = [
        ("scored", "", counts.scored),
        ("waiting for a result", "", counts.waiting),
        ("superseded", "", counts.superseded),
        *(("rejected", reason, plays) for reason, plays in counts.rejected.items()),
        ("not recorded", "", counts.not_recorded),
    ]
    for outcome, reason, plays in rows:
        if plays:
            endings.add_row(outcome, reason, str(plays))
    console.print(endings)
    if not done.by_workers:
        show_written(done.written, console)
    rate = f", {done.played / done.seconds:.0f} plays a second" if done.played else ""
    console.print(f"{done.seconds:.1f} s{rate}.")
    for game_id, why in itertools.islice(done.failed.items(), GAMES_SHOWN):
        console.print(Text(printable(f"Game {game_id}: {why}")))
    if len(done.failed) > GAMES_SHOWN:
        console.print(f"and {len(done.failed) - GAMES_SHOWN} more games")
    show_losses(done.losses, console)
