"""`playscore erase` and `playscore operations`."""

from __future__ import annotations

import json
from datetime import UTC

import click
from google.protobuf.json_format import MessageToDict

from aggregator.commands.formats import output
from aggregator.commands.source import Source, service_options
from aggregator.commands.text import Heading, printable, table
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common


@click.command(short_help="Erase a player or a league, for good.")
@click.option("--league", required=True, help="For example NFL.")
@click.option("--subject", "subject_id", default="", help="The player, by their identifier.")
@click.option("--whole-league", is_flag=True, help="Everything of the league.")
@click.option(
    "--justification", required=True, help="Why, for the record, for example the number of a request; not who."
)
@click.option("--request-id", default="", help="To repeat an erasure that was interrupted; a new one if absent.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
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
) -> None:
    """Erase what is recorded of a player, or all of a league, from every state that the store keeps.

    Records of an erased player that come later are refused. Backups, and the files that scores were made from, are not
    the aggregator's to erase.
    """
    if bool(subject_id) is whole_league:
        raise click.UsageError("say what to erase: --subject ID or --whole-league, one of them")
    what = f"everything of {league}" if whole_league else f"player {printable(subject_id)} of {league}"
    if not yes:
        click.confirm(f"Erase {what}, for good?", abort=True)

    async def ask(aggregator: AggregatorClient) -> messages.EraseRecordsResponse:
        return await aggregator.erase_records(
            league, justification, subject_id=subject_id, whole_league=whole_league, request_id=request_id
        )

    erased = source.ask(ask)
    click.echo(
        f"Erased {what}: {_counts(erased.scores, erased.superseded, erased.unscored, erased.mentions)}.", file=output()
    )


@click.command(short_help="What operators did: models switched, records erased.")
@click.option("--league", default="", help="One league; all of them if absent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@service_options
def operations(*, source: Source, league: str, as_json: bool) -> None:
    """What operators did, latest first: models that were switched, and records that were erased."""

    async def ask(aggregator: AggregatorClient) -> list[messages.Operation]:
        return [operation async for operation in aggregator.list_operations(league)]

    done = source.ask(ask)
    if as_json:
        listed = [MessageToDict(each, preserving_proto_field_name=True) for each in done]
        click.echo(json.dumps(listed, indent=1), file=output())
        return
    headings = [Heading("time"), Heading("league"), Heading("by"), Heading("done", shrinks=True)]
    for line in table(headings, [(_time(each), each.league, each.caller, _told(each)) for each in done]):
        click.echo(line, file=output())


def _time(operation: messages.Operation) -> str:
    return operation.operation_time.ToDatetime(UTC).isoformat(timespec="seconds")


def _told(operation: messages.Operation) -> str:
    if operation.HasField("model_switch"):
        switch = operation.model_switch
        return f"rated by {_name(switch.model)} instead of {_name(switch.previous)}"
    erasure = operation.erasure
    what = "the league" if erasure.whole_league else "a player"
    counts = _counts(erasure.scores, erasure.superseded, erasure.unscored, erasure.mentions)
    return f"erased {what} ({erasure.justification}): {counts}"


def _counts(scores: int, superseded: int, unscored: int, mentions: int) -> str:
    counted = {"scores": scores, "earlier states": superseded, "plays not scored": unscored, "mentions": mentions}
    return ", ".join(f"{count} {what}" for what, count in counted.items())


def _name(model: common.ModelVersion) -> str:
    return f"{model.name}:{model.version}"
