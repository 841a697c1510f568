"""The live leaderboard in a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from aggregator.commands.leaderboard import Leaderboard, Move, is_change
from aggregator.commands.question import Question
from aggregator.commands.ratings import SUBJECT, TEAM, group_text, ranked_text
from aggregator.commands.text import Heading, Scale, fitted
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import RatingsUpdate
from playscore.terminal_text import printable

_AROUND_ROWS = 7
"""Lines of the view that are not ratings."""


class LeaderboardView:
    """A leaderboard as `rich.live.Live` shows it. It is drawn again each time, so that ages stay current."""

    def __init__(self, question: Question, group_by: Sequence[str], leaderboard: Leaderboard, empty: str = "") -> None:
        self._question = question
        self.empty = empty
        """Shown instead of a table without ratings."""
        self._groups = [name for name in group_by if name not in (SUBJECT, TEAM)]
        self._of_subjects = not group_by or SUBJECT in group_by
        self._leaderboard = leaderboard
        self._heard = self._changed = time.monotonic()
        self._trouble = "connecting"
        self._coalesced = 0

    def heard(self, update: RatingsUpdate) -> None:
        """The leaderboard has taken in an update."""
        self._heard = time.monotonic()
        self._trouble = ""
        if is_change(update):
            self._changed = self._heard
            self._coalesced = update.coalesced_ticks

    def interrupted(self, why: str) -> None:
        """The watch was interrupted."""
        self._trouble = f"{why}; reconnecting"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ranking = self._leaderboard.ranking
        model = ranking.model if ranking.model.name else None
        yield Text(printable(self._question.heading(model)), style="bold", overflow="ellipsis")
        yield self._status()
        rows = self._leaderboard.rows()
        if not rows:
            yield Text("\n".join(map(printable, self.empty.splitlines())))
            return
        room = max(3, (options.height or console.height) - _AROUND_ROWS)
        yield self._table(rows[:room], options.max_width)
        hidden = f", {len(rows) - room} more below" if len(rows) > room else ""
        noun = self._question.view.words.subject if self._of_subjects else "group"
        yield Text(f"{ranked_text(ranking, len(rows), noun)}{hidden}")

    def _status(self) -> Text:
        now = time.monotonic()
        if self._trouble:
            return Text(f"○ {printable(self._trouble)} · last update {now - self._heard:.0f} s ago", style="yellow")
        coalesced = f" · {self._coalesced} ticks coalesced" if self._coalesced else ""
        changed, heard = now - self._changed, now - self._heard
        return Text(f"● live · changed {changed:.0f} s ago · last update {heard:.0f} s ago{coalesced}", style="green")

    def _table(self, rows: Sequence[tuple[messages.Rating, Move]], columns: int) -> Table:
        view = self._question.view
        intervals = [view.interval(rating) for rating, _ in rows]
        scale = Scale(min(each.low for each in intervals), max(each.high for each in intervals))
        headings = (
            Heading("rank", right=True),
            Heading("", spare=3),
            *([Heading(view.words.subject, shrinks=True)] if self._of_subjects else []),
            Heading("team", spare=1),
            *(Heading(name, shrinks=True) for name in self._groups),
            Heading("plays", right=True, spare=2),
            Heading(view.words.measure, right=True),
            Heading("90% interval", right=True),
            Heading("", optional=True),
        )
        cells = [
            [
                Text(str(rating.rank) if rating.qualified else "-"),
                arrow(move),
                *(
                    [Text(printable(rating.subject.subject_name or rating.subject.subject_id))]
                    if self._of_subjects
                    else []
                ),
                Text(printable(rating.subject.team_id)),
                *(Text(printable(group_text(rating, name))) for name in self._groups),
                Text(str(rating.plays)),
                Text(view.number_text(interval.value), style=_style(move)),
                Text(view.interval_text(interval)),
                Text(scale.interval(*interval)),
            ]
            for (rating, move), interval in zip(rows, intervals, strict=True)
        ]
        widths = fitted(headings, [[cell.plain for cell in row] for row in cells], columns)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for place, width in widths.items():
            heading = headings[place]
            table.add_column(
                Text(heading.title), justify="right" if heading.right else "left", no_wrap=True, width=width
            )
        for (rating, _), row in zip(rows, cells, strict=True):
            table.add_row(*(row[place] for place in widths), style="" if rating.qualified else "dim")
        return table


def arrow(move: Move) -> Text:
    """How a rating moved up or down the ranking: "▲2", "▼1", "new", or nothing."""
    if move.new:
        return Text("new", style="cyan")
    if not move.places:
        return Text("")
    return Text(f"▲{move.places}", style="green") if move.places > 0 else Text(f"▼{-move.places}", style="red")


def _style(move: Move) -> str:
    if not move.points:
        return "cyan" if move.new else ""
    return "bold green" if move.points > 0 else "bold red"
