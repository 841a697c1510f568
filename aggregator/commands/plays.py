"""`playscore plays`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import click
import numpy as np

from aggregator.commands.cells import PlayRows
from aggregator.commands.formats import Format, Rows, format_options, output
from aggregator.commands.question import (
    ROWS_FOR_PEOPLE,
    Question,
    first_of,
    limit_option,
    page_size,
    pages_of,
    question_options,
)
from aggregator.commands.ratings import terminal_columns
from aggregator.commands.roles import play_numbers
from aggregator.commands.source import Source, source_options
from aggregator.commands.text import Heading, bar, sparkline, table
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient, ListedPlay
from playscore.client.words import clock, counted, joined, result, situation
from playscore.common.v1 import common_pb2 as common

DRAWN_YARDS = np.arange(-10.0, 51.0, 4.0)
"""Edges of the bars of a distribution, in yards; the outermost bars include what lies beyond them."""


@click.command(short_help="The plays that a rating is made of.")
@click.option("--subject", metavar="ID|NAME", help="Only plays of this subject: an identifier, or a part of a name.")
@question_options()
@click.option("--distributions", is_flag=True, help="Also show what was expected of each play.")
@click.option("--ungraded", is_flag=True, help="Also show plays that wait for their official result.")
@limit_option
@format_options
@source_options
def plays(
    *,
    source: Source,
    question: Question,
    subject: str | None,
    distributions: bool,
    ungraded: bool,
    limit: int | None,
    written: Format,
) -> None:
    """The plays of a split, by season, week, game and play: what a rating is made of.

    \b
    playscore plays --subject Mahomes --split 'under_pressure' --distributions
    """

    async def ask(aggregator: AggregatorClient) -> None:
        found = None if subject is None else await question.subject(aggregator, subject)
        listing = aggregator.list_plays(
            question.league,
            split=question.split,
            subject_id="" if found is None else found.subject_id,
            include_distributions=distributions,
            include_ungraded=ungraded,
            page_size=page_size(ROWS_FOR_PEOPLE if limit is None and written.is_for_people else limit),
            **question.reads,
        )
        first = await listing.first_page()
        if written.is_for_people:
            listed = await first_of(listing, limit or ROWS_FOR_PEOPLE)
            _show(question, found, listed, first, distributions=distributions)
            return
        rows = PlayRows(question.view, distributions=distributions)
        about = {
            **question.named(first.model),
            "subject_id": None if found is None else found.subject_id,
            "total": first.total_size,
            "revision": first.revision.value,
        }
        await written.write(Rows("plays", about, rows.columns, pages_of(listing, rows.row, limit)))

    source.ask(ask)


def _show(
    question: Question,
    subject: common.Subject | None,
    listed: Sequence[ListedPlay],
    page: messages.ListPlaysResponse,
    *,
    distributions: bool,
) -> None:
    out, total = output(), page.total_size
    names = [] if subject is None else [subject.subject_name or subject.subject_id]
    click.echo(question.heading(page.model, *names), file=out)
    if listed:
        click.echo("", file=out)
        lines = play_lines(listed, terminal_columns(), of_one=subject is not None, distributions=distributions)
        for place, line in enumerate(lines):
            click.echo(line if place else click.style(line, bold=True), file=out)
    click.echo("", file=out)
    if len(listed) < total:
        click.echo(f"{len(listed)} of {counted(total, 'play')} shown; --limit shows more.", file=out)
    else:
        click.echo(f"{counted(total, 'play')}.", file=out)


def play_lines(
    listed: Sequence[ListedPlay], columns: int | None, *, of_one: bool, distributions: bool
) -> Iterator[str]:
    """A table of plays, the headings first."""
    of_yards = any(play.support is not None for play in listed)
    headings = (
        Heading("game", spare=2),
        Heading("play", right=True),
        Heading("subject", shrinks=True, spare=4),
        Heading("situation", shrinks=True),
        Heading("result", spare=5),
        Heading("yards", right=True, spare=3),
        Heading("expected", right=True, spare=1),
        Heading("score", right=True),
        Heading(f"{DRAWN_YARDS[0]:.0f} to {DRAWN_YARDS[-1]:.0f} yd" if of_yards else "chance", spare=6),
    )
    rows = [
        (
            play.record.key.game_id,
            play.record.key.play_id,
            "" if of_one else play.record.subject.subject_name or play.record.subject.subject_id,
            joined((clock(play.record), situation(play.record))),
            result(play.record),
            *play_numbers(play.record),
            drawn(play) if distributions else "",
        )
        for play in listed
    ]
    return table(headings, rows, columns)


def drawn(play: ListedPlay) -> str:
    """What was expected of a play. Of yards, a bar for the chance of every 4 of them; of an event, its chance.

    The bars are as high as the square roots of the chances, so that small ones show beside the incompletion.
    """
    if play.record.distribution.WhichOneof("kind") == "bernoulli":
        return bar(play.record.distribution.bernoulli.probability)
    if play.support is None:
        return ""
    edges = DRAWN_YARDS.copy()
    edges[0], edges[-1] = -math.inf, math.inf
    return sparkline(np.sqrt(np.diff(play.distribution().cdf(edges))))
