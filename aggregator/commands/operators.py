"""`playscore erase` and `playscore operations`."""

from __future__ import annotations

from datetime import UTC

import click

from aggregator.commands.cells import document
from aggregator.commands.erasable import league_to_erase, player_to_erase
from aggregator.commands.formats import output, print_json
from aggregator.commands.source import Source, service_options
from aggregator.commands.text import Heading, table
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.client.words import model_label
from playscore.terminal_text import printable


@click.command(short_help="Erase a player or a league permanently.")
@click.option("--league", required=True, help="For example NFL.")
@click.option("--subject", "subject_id", metavar="ID", default="", help="The player's identifier; not a name.")
@click.option("--whole-league", is_flag=True, help="Erase everything recorded of the league.")
@click.option(
    "--justification",
    required=True,
    help="Why, for the record, for example the number of a request. Must not identify the player.",
)
@click.option("--request-id", default="", help="Repeat an interrupted erasure.  [default: a new one]")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--force", is_flag=True, help="Erase even if no score is recorded: plays of others may name the player.")
@service_options
def erase(
    *,
    source: Source,
    league: str,
    subject_id: str,
    whole_league: bool,
    justification: str,
    request_id: str,
    yes: bool,
    force: bool,
) -> None:
    """Erase what is recorded of a player, or all of a league, from every state that the store keeps.

    Later records of an erased player are refused. Backups, and the files that scores were made from, are not erased.
    """
    if bool(subject_id) is whole_league:
        raise click.UsageError("give either --subject ID or --whole-league")
    if force or request_id:  # what is repeated may have been done
        what = f"everything of {league}" if whole_league else f"player {printable(subject_id)} of {league}"
    elif whole_league:
        what = source.ask(lambda aggregator: league_to_erase(aggregator, league))
    else:
        what = source.ask(lambda aggregator: player_to_erase(aggregator, league, subject_id))
    if not yes:
        click.confirm(f"Erase {what}, permanently?", abort=True)

    async def ask(aggregator: AggregatorClient) -> messages.EraseRecordsResponse:
        return await aggregator.erase_records(
            league, justification, subject_id=subject_id, whole_league=whole_league, request_id=request_id
        )

    erased = source.ask(ask)
    counts = _counts(erased.scores, erased.superseded, erased.unscored, erased.mentions)
    click.echo(f"Erased {what}. Records: {counts}.", file=output())


@click.command(short_help="What operators did: models switched, records erased.")
@click.option("--league", default="", help="A league.  [default: all leagues]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@service_options
def operations(*, source: Source, league: str, as_json: bool) -> None:
    """What operators did, latest first: models that were switched, and records that were erased."""

    async def ask(aggregator: AggregatorClient) -> list[messages.Operation]:
        return [operation async for operation in aggregator.list_operations(league)]

    done = source.ask(ask)
    if as_json:
        print_json({"league": league or None, "operations": [document(each) for each in done]})
        return
    if not done:
        click.echo(f"Nothing has been done{f' in {league}' if league else ''}.", file=output())
        return
    headings = [Heading("time"), Heading("league"), Heading("by"), Heading("done", shrinks=True)]
    for line in table(headings, [(_time(each), each.league, each.caller, _summary(each)) for each in done]):
        click.echo(line, file=output())


def _time(operation: messages.Operation) -> str:
    return operation.operation_time.ToDatetime(UTC).isoformat(timespec="seconds")


def _summary(operation: messages.Operation) -> str:
    if operation.HasField("model_switch"):
        switch = operation.model_switch
        return f"rated by {model_label(switch.model)} instead of {model_label(switch.previous)}"
    erasure = operation.erasure
    what = "the league" if erasure.whole_league else "a player"
    counts = _counts(erasure.scores, erasure.superseded, erasure.unscored, erasure.mentions)
    return f"erased {what} ({erasure.justification}): {counts}"


def _counts(scores: int, superseded: int, unscored: int, mentions: int) -> str:
    counted = {"scores": scores, "earlier states": superseded, "plays not scored": unscored, "mentions": mentions}
    return ", ".join(f"{count} {what}" for what, count in counted.items())
