"""`playscore report` and `playscore board`.

Both read from an aggregator. The caller supplies the options that choose it: a running service, or a store.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from playscore.client import AggregatorClient
from playscore.client.state_option import as_of_option
from playscore.client.words import ROLES, role_name
from playscore.common.v1 import common_pb2 as common

MAX_PLAYS = 5_000
ROLES_BY_NAME = {role_name(role): role for role in ROLES}

Answer = TypeVar("Answer")
Command = TypeVar("Command", bound=Callable[..., Any])


class Source(Protocol):
    """An aggregator to read from."""

    def ask(self, question: Callable[[AggregatorClient], Awaitable[Answer]]) -> Answer:
        """The answer to a question, in an event loop of its own."""
        ...


WithSource = Callable[[Command], Command]
"""Gives a command the options that choose the aggregator, as its argument `source`."""


def report_command(with_source: WithSource[Any]) -> click.Command:
    """`playscore report`."""

    @click.command(short_help="Write a page about a player, a team, a season or a game.")
    @click.option("--league", required=True, help="For example NFL.")
    @click.option(
        "--role", type=click.Choice(list(ROLES_BY_NAME)), default="passer", show_default=True, help="What is rated."
    )
    @click.option("--subject", metavar="ID|NAME", help="A player: an identifier, a name, or a part of one.")
    @click.option("--team", metavar="ID", help="A team.")
    @click.option("--season", type=int, help="A season, with the whole league.")
    @click.option("--game", metavar="ID", help="A game.")
    @click.option("--split", default="", metavar="FILTER", help="A filter over plays.  [default: all plays]")
    @click.option(
        "--plays",
        type=click.IntRange(0, MAX_PLAYS),
        default=1_000,
        show_default=True,
        help="Maximum number of plays that the page lists and draws: the latest.",
    )
    @as_of_option
    @click.option(
        "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The HTML file to write."
    )
    @with_source
    def report(
        source: Source,
        league: str,
        role: str,
        subject: str | None,
        team: str | None,
        season: int | None,
        game: str | None,
        split: str,
        plays: int,
        as_of: common.RevisionToken | datetime | None,
        out: Path,
    ) -> None:
        """Write one HTML file about a player, a team, a season or a game.

        It shows ratings by split with 90% intervals, the trend, a chart, the plays, and what is not covered and why.
        The page is self-contained and makes no network requests.
        """
        from board.report.content import page_data
        from board.report.gather import gather
        from board.report.page import render
        from board.report.question import Question
        from board.report.scope import Scope

        if sum(each is not None for each in (subject, team, season, game)) != 1:
            raise click.UsageError("give exactly one of --subject, --team, --season and --game")
        question = Question(league, ROLES_BY_NAME[role], split, as_of=as_of, max_plays=plays)

        async def ask(ratings: AggregatorClient) -> str:
            scope = await Scope.asked(ratings, question, subject=subject, team=team, season=season, game=game)
            answers = await gather(ratings, question, scope)
            return render(page_data(question, scope, answers, datetime.now().astimezone()))

        page = source.ask(ask)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        click.echo(f"wrote {out}")

    return report


def board_command(with_source: WithSource[Any]) -> click.Command:
    """`playscore board`."""

    @click.command(short_help="Show live leaderboards and games in a browser.")
    @click.option(
        "--listen", metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True, help="Address to serve on."
    )
    @click.option(
        "--port", type=click.IntRange(0, 2**16 - 1), help="Overrides the port of --listen; 0 picks a free one."
    )
    @click.option("--league", default="", help="League shown when an address names none.")
    @click.option(
        "--max-browsers", type=click.IntRange(1), default=500, show_default=True, help="Maximum browsers at once."
    )
    @click.option(
        "--max-questions",
        type=click.IntRange(1),
        default=64,
        show_default=True,
        help="Maximum different questions at once.",
    )
    @with_source
    def board(
        source: Source, listen: str, port: int | None, league: str, max_browsers: int, max_questions: int
    ) -> None:
        """Show leaderboards and live games in a browser, until Ctrl-C.

        Read-only. There are no accounts: anyone who can reach the address can look. The default address can be reached
        from this machine only.
        """
        from board.live.server import Limits, View, serving
        from servicekit.addresses import Address

        try:
            address = Address.parse(listen)
        except ValueError as wrong:
            raise click.BadParameter(str(wrong), param_hint="--listen") from None
        if port is not None:
            address = address._replace(port=port)

        async def serve(ratings: AggregatorClient) -> None:
            stopped = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
            view = View(ratings, league, Limits(max_browsers, max_questions))
            try:
                async with serving(view, address) as url:
                    click.echo(f"board: {url}")
                    await stopped.wait()
            except OSError as taken:
                raise click.ClickException(f"cannot listen on {address}: {taken.strerror or taken}") from None

        source.ask(serve)

    return board
