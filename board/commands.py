"""`playscore report` and `playscore board`.

Both ask an aggregator. The room that puts commands together hands in where that is: a running service, or one of their
own over a store file.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from board.ratings import ROLES
from board.words import role_name
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common

MAX_PLAYS = 5_000

Answer = TypeVar("Answer")
Command = TypeVar("Command", bound=Callable[..., Any])


class Source(Protocol):
    """Where an aggregator is."""

    def ask(self, question: Callable[[AggregatorClient], Awaitable[Answer]]) -> Answer:
        """What a question to it comes to, in an event loop of its own."""
        ...


WithSource = Callable[[Command], Command]
"""Gives a command the options that say where to ask, as its argument `source`."""


class RoleName(click.ParamType[int]):
    """A role that is rated."""

    name = "|".join(map(role_name, ROLES))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads its name."""
        if value in ROLES:
            return int(value)
        for role in ROLES:
            if role_name(role) == str(value).lower():
                return int(role)
        self.fail(f"{value!r} is not one of {', '.join(map(role_name, ROLES))}", param, ctx)


def report_command(with_source: WithSource[Any]) -> click.Command:
    """`playscore report`."""

    @click.command(short_help="Write a page about a player, a team, a season or a game.")
    @click.option("--league", required=True, help="For example NFL.")
    @click.option("--role", type=RoleName(), default="passer", show_default=True, help="What is rated.")
    @click.option("--subject", metavar="ID|NAME", help="A player: an identifier, a name, or a part of one.")
    @click.option("--team", metavar="ID", help="A team.")
    @click.option("--season", type=int, help="All of the league in a season.")
    @click.option("--game", metavar="ID", help="A game.")
    @click.option("--split", default="", metavar="FILTER", help="Only these plays.")
    @click.option(
        "--plays",
        type=click.IntRange(0, MAX_PLAYS),
        default=1_000,
        show_default=True,
        help="The most plays that the page lists and draws: the latest.",
    )
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The page.")
    @with_source
    def report(
        source: Source,
        league: str,
        role: int,
        subject: str | None,
        team: str | None,
        season: int | None,
        game: str | None,
        split: str,
        plays: int,
        out: Path,
    ) -> None:
        """Write one HTML file about a player, a team, a season or a game.

        It shows ratings by split with 90% intervals, the trend, a chart, the plays, and what is not covered and why.
        It needs no network, and asks nobody for anything.
        """
        from board.report.content import page_data
        from board.report.gather import Question, find_player, gather
        from board.report.page import render
        from board.report.scope import Scope

        if sum(each is not None for each in (subject, team, season, game)) != 1:
            raise click.UsageError("give exactly one of --subject, --team, --season and --game")
        question = Question(league, common.Role.ValueType(role), split, max_plays=plays)

        async def ask(ratings: AggregatorClient) -> str:
            if subject is not None:
                scope = await find_player(ratings, question, subject)
            elif team is not None:
                scope = Scope.of_team(team)
            elif season is not None:
                scope = Scope.of_season(season)
            else:
                scope = Scope.of_game(str(game))
            answers = await gather(ratings, question, scope)
            return render(page_data(question, scope, answers, datetime.now().astimezone()))

        page = source.ask(ask)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        click.echo(f"the page: {out}")

    return report


def board_command(with_source: WithSource[Any]) -> click.Command:
    """`playscore board`."""

    @click.command(short_help="Show live leaderboards and games in a browser.")
    @click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True, help="Where to serve.")
    @click.option("--port", type=click.IntRange(0, 2**16 - 1), help="Instead of the port of --listen; 0: a free one.")
    @click.option("--league", default="", help="Shown where an address names none.")
    @click.option("--max-browsers", type=click.IntRange(1), default=500, show_default=True, help="That follow at once.")
    @click.option("--max-questions", type=click.IntRange(1), default=64, show_default=True, help="Watched at once.")
    @with_source
    def board(
        source: Source, listen: str, port: int | None, league: str, max_browsers: int, max_questions: int
    ) -> None:
        """Show leaderboards and games that move, in a browser, until Ctrl-C.

        It reads the aggregator and writes nothing. Everybody who can reach the address can look: it is this machine
        only, unless --listen says otherwise.
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
                    click.echo(f"the board: {url}")
                    await stopped.wait()
            except OSError as taken:
                raise click.ClickException(f"{address} cannot be listened on: {taken.strerror or taken}") from None

        source.ask(serve)

    return board
