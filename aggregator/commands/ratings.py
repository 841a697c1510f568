"""`playscore ratings`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

import click

from aggregator.commands.cells import RatingRows, kinds_of
from aggregator.commands.formats import Format, Rows, format_options, output
from aggregator.commands.question import (
    ROWS_FOR_PEOPLE,
    Question,
    first_of,
    group_by_option,
    limit_option,
    page_size,
    pages_of,
    question_options,
    ranked_options,
)
from aggregator.commands.roles import RoleView
from aggregator.commands.source import Source, source_options
from aggregator.commands.text import Heading, Scale, table
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.client.words import UNKNOWN, counted, field_value
from playscore.common.v1 import common_pb2 as common

SUBJECT = "subject_id"
TEAM = "team_id"


@click.command(short_help="Ratings in any split of the plays.")
@question_options()
@group_by_option
@click.option("--order-by", default="", help="For example 'plays desc'.  [default: the rating, best first]")
@ranked_options
@limit_option
@format_options
@source_options
def ratings(
    *,
    source: Source,
    question: Question,
    group_by: Sequence[str],
    order_by: str,
    min_plays: int | None,
    qualified_only: bool,
    limit: int | None,
    written: Format,
) -> None:
    """Ratings in a split of the plays, best first.

    \b
    playscore ratings --split 'under_pressure AND time_to_throw_seconds >= 2.5'
    playscore ratings --league NHL --role goalie --group-by season,subject_id --csv

    docs/splits.md lists the fields of a split; the error for an unknown field lists them, too.
    """

    async def ask(aggregator: AggregatorClient) -> None:
        listing = aggregator.list_ratings(
            question.league,
            split=question.split,
            group_by=group_by,
            order_by=order_by,
            min_plays=min_plays,
            qualified_only=qualified_only,
            page_size=page_size(ROWS_FOR_PEOPLE if limit is None and written.is_for_people else limit),
            **question.reads,
        )
        first = await listing.first_page()
        if written.is_for_people:
            listed = await first_of(listing, limit or ROWS_FOR_PEOPLE)
            rated = first.total_size
            if qualified_only and not rated:
                everybody = aggregator.list_ratings(
                    question.league, split=question.split, group_by=group_by, page_size=1, **question.reads
                )
                rated = (await everybody.first_page()).total_size
            _show(question, group_by, listed, first, rated, scales=min_plays is None)
            return
        kinds = kinds_of(await aggregator.describe_splits(question.view.number)) if group_by else {}
        rows = RatingRows(question.view, group_by, kinds)
        about = {
            **question.named(first.ranking.model),
            "group_by": list(group_by) or [SUBJECT],
            "min_plays": first.ranking.min_plays,
            "qualified": first.ranking.qualified,
            "total": first.total_size,
            "revision": first.revision.value,
        }
        await written.write(Rows("ratings", about, rows.columns, pages_of(listing, rows.row, limit)))

    source.ask(ask)


def _show(
    question: Question,
    group_by: Sequence[str],
    listed: Sequence[messages.Rating],
    page: messages.ListRatingsResponse,
    rated: int,
    *,
    scales: bool,
) -> None:
    """Prints a page. `rated` is how many have plays, of whom the page may list only those that are ranked."""
    out, view = output(), question.view
    click.echo(question.heading(page.ranking.model), file=out)
    click.echo("", file=out)
    if listed:
        for place, line in enumerate(rating_lines(view, group_by, listed, terminal_columns())):
            click.echo(line if place else click.style(line, bold=True), file=out)
        click.echo("", file=out)
    noun = "group" if group_by and SUBJECT not in group_by else view.words.subject
    if not rated:
        click.echo(f"No {noun}s have plays in this split; check --role, --league and --split.", file=out)
        return
    click.echo(f"{ranked_text(page.ranking, rated, noun, scales=scales)}; --min-plays changes it.", file=out)
    if len(listed) < page.total_size:
        click.echo(f"{len(listed)} of {counted(page.total_size, noun)} shown; --limit shows more.", file=out)


def ranked_text(ranking: messages.Ranking, rated: int, noun: str, *, scales: bool = False) -> str:
    """How many are ranked, and what that takes: "15 of 31 passers ranked (minimum 8 plays)".

    `scales` says that the minimum is the task's own, which grows with the games played.
    """
    minimum = counted(ranking.min_plays, "play") + (", which scales with games played" if scales else "")
    return f"{ranking.qualified:,} of {counted(rated, noun)} ranked (minimum {minimum})"


def terminal_columns() -> int | None:
    """How wide a table may be; None where the output is not a terminal."""
    return shutil.get_terminal_size().columns if output().isatty() else None


def rating_lines(
    view: RoleView, group_by: Sequence[str], listed: Sequence[messages.Rating], columns: int | None
) -> Iterator[str]:
    """A table of ratings, the headings first."""
    intervals = [view.interval(rating) for rating in listed]
    scale = Scale(min(each.low for each in intervals), max(each.high for each in intervals))
    groups = [name for name in group_by if name not in (SUBJECT, TEAM)]
    headings = (
        Heading("rank", right=True),
        Heading(view.words.subject, shrinks=True),
        Heading("team", spare=1),
        *(Heading(name, shrinks=True) for name in groups),
        Heading("plays", right=True, spare=2),
        Heading(view.words.measure, right=True),
        Heading("90% interval", right=True),
        Heading("", optional=True),
        *(Heading(other.heading, right=True, optional=True) for other in view.others),
    )
    rows = [
        (
            str(rating.rank) if rating.qualified else "-",
            rating.subject.subject_name or rating.subject.subject_id,
            rating.subject.team_id if view.number != common.ROLE_SHOOTING_TEAM else "",
            *(group_text(rating, name) for name in groups),
            str(rating.plays),
            view.number_text(interval.value),
            view.interval_text(interval),
            scale.interval(*interval),
            *(other.text(view.value_of(rating)) for other in view.others),
        )
        for rating, interval in zip(listed, intervals, strict=True)
    ]
    return table(headings, rows, columns)


def group_text(rating: messages.Rating, name: str) -> str:
    """The value of a field that ratings are grouped by, for people."""
    return next((field_value(each) for each in rating.group if each.field == name), UNKNOWN)
