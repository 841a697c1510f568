"""`playscore watch`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import click

from aggregator.commands.cells import RatingRows, document, named
from aggregator.commands.formats import output
from aggregator.commands.leaderboard import Leaderboard, is_change
from aggregator.commands.question import Question, group_by_option, question_options, ranked_options
from aggregator.commands.reconnecting import Interrupted, follow
from aggregator.commands.source import Source, source_options
from playscore.client import AggregatorClient, RatingsUpdate, RatingsWatch
from playscore.errors import PlayscoreError, Reason
from playscore.terminal_text import printable

REDRAWN_PER_SECOND = 2
"""Keeps the ages on the screen current; changes are drawn at once."""
WAITING = "Ratings appear here when plays are recorded."


@click.command(short_help="Ratings as they change: a live leaderboard in the terminal.")
@question_options()
@group_by_option
@click.option("--subject", "subjects", multiple=True, metavar="ID|NAME", help="Watch only this subject; repeatable.")
@ranked_options
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each change.")
@source_options
def watch(
    *,
    source: Source,
    question: Question,
    group_by: Sequence[str],
    subjects: Sequence[str],
    min_plays: int | None,
    qualified_only: bool,
    as_json: bool,
) -> None:
    """Ratings as they change, until Ctrl-C.

    When the connection is lost, or the service drains, the watch reconnects and resumes without a gap.
    """
    if not as_json and not output().isatty():
        raise click.UsageError("the leaderboard needs a terminal; --json prints a line for each change")

    async def ask(aggregator: AggregatorClient) -> None:
        watched = aggregator.watch_ratings(
            question.league,
            split=question.split,
            subject_ids=[(await question.subject(aggregator, each)).subject_id for each in subjects],
            group_by=group_by,
            min_plays=min_plays,
            qualified_only=qualified_only,
            reconnect_seconds=0.0,
            **question.reads,
        )
        async with watched:
            if as_json:
                await _print(watched, question, group_by)
            else:
                await _show(watched, question, group_by, aggregator)

    with contextlib.suppress(KeyboardInterrupt):
        source.ask(ask)


async def _print(watched: RatingsWatch, question: Question, group_by: Sequence[str]) -> None:
    """Print a line for each change. Interruptions go to standard error."""
    rows, out = RatingRows(question.view, group_by, {}), output()
    async for update in follow(watched):
        if isinstance(update, Interrupted):
            click.echo(f"playscore: {printable(update.why)}; reconnecting", err=True)
        elif is_change(update):
            click.echo(json.dumps(as_document(update, rows), allow_nan=False), file=out)


def as_document(update: RatingsUpdate, rows: RatingRows) -> dict[str, Any]:
    """A change as JSON: the ratings that changed, as they are now, and the keys of those that left."""
    ranking = update.checkpoint.ranking
    return {
        "revision": update.checkpoint.revision.value,
        "restarted": update.restarted,
        "coalesced_ticks": update.coalesced_ticks,
        "model": document(ranking.model),
        "min_plays": ranking.min_plays,
        "qualified": ranking.qualified,
        "ratings": [named(rows.columns, rows.row(rating)) for rating in update.changed],
        "left": [rows.named_key(key) for key in update.left],
    }


async def _nothing_yet(aggregator: AggregatorClient, question: Question) -> str:
    """What to show while there are no ratings; with the leagues there are, where the one that is watched is new."""
    try:
        await aggregator.get_coverage(question.league, role=question.view.number)
    except PlayscoreError as refusal:
        if refusal.reason is Reason.LEAGUE_NOT_FOUND:
            return f"{refusal.detail}\n{WAITING}"
        raise
    return f"No {question.view.words.subjects} have plays in this split yet.\n{WAITING}"


async def _show(
    watched: RatingsWatch, question: Question, group_by: Sequence[str], aggregator: AggregatorClient
) -> None:
    """Draw the leaderboard."""
    from rich.console import Console
    from rich.live import Live

    from aggregator.commands.leaderboard_view import LeaderboardView

    leaderboard = Leaderboard(question.view)
    view = LeaderboardView(question, group_by, leaderboard)
    with Live(view, console=Console(), refresh_per_second=REDRAWN_PER_SECOND) as live:
        async for update in follow(watched):
            if isinstance(update, Interrupted):
                view.interrupted(update.why)
            else:
                leaderboard.take(update, watched.ratings)
                view.heard(update)
                if not view.empty and not watched.ratings:
                    view.empty = await _nothing_yet(aggregator, question)
            live.refresh()
