"""`playscore leagues`."""

from __future__ import annotations

import click

from aggregator.commands.formats import output, print_json
from aggregator.commands.source import Source, source_options
from playscore.client import AggregatorClient
from playscore.client.words import ROLES, counted, role_name
from playscore.terminal_text import printable


@click.command(short_help="The leagues that have plays.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@source_options
def leagues(*, source: Source, as_json: bool) -> None:
    """List the leagues of which something is recorded, and how many graded plays each role has in them."""

    async def ask(aggregator: AggregatorClient) -> None:
        listed = [each async for each in aggregator.list_leagues(at_least_as_fresh="latest")]
        if as_json:
            found = [
                {"league": each.league, "graded": {role_name(rated.role): rated.graded for rated in each.roles}}
                for each in listed
            ]
            print_json({"leagues": found})
            return
        if not listed:
            click.echo("Nothing is recorded yet.", file=output())
        width = max((len(each.league) for each in listed), default=0)
        for each in listed:
            roles = ", ".join(f"{ROLES[rated.role].subjects} ({counted(rated.graded, 'play')})" for rated in each.roles)
            click.echo(f"{printable(each.league):<{width}}  {roles or 'no graded plays'}", file=output())

    source.ask(ask)
