"""`playscore coverage`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from aggregator.commands.formats import output
from aggregator.commands.question import Question, question_options
from aggregator.commands.source import Source, source_options
from aggregator.commands.text import bar
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.common.v1 import reason_pb2
from playscore.errors import Reason
from playscore.reasons import MEANINGS


@click.command(short_help="What became of every play, and why.")
@question_options(split=False)
@click.option("--game", "game_id", default="", help="One game; the whole league if absent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@source_options
def coverage(*, source: Source, question: Question, game_id: str, as_json: bool) -> None:
    """What became of every play of a league or a game: in ratings, waiting for its official result, or not scored."""

    async def ask(aggregator: AggregatorClient) -> None:
        answer = await aggregator.get_coverage(question.league, game_id=game_id, **question.reads)
        if as_json:
            click.echo(json.dumps(_as_json(question, game_id, answer), indent=1), file=output())
            return
        for line in _lines(question, game_id, answer):
            click.echo(line, file=output())

    source.ask(ask)


def _as_json(question: Question, game_id: str, answer: messages.GetCoverageResponse) -> dict[str, object]:
    return {
        "league": question.league,
        "role": question.view.option,
        "model": question.named(question.model)["model"],
        "game_id": game_id or None,
        "plays": answer.plays,
        "graded": answer.graded,
        "ungraded": answer.ungraded,
        "unscored": [
            {"reason": _name(each.reason), "meaning": _meaning(each.reason), "plays": each.plays}
            for each in answer.unscored
        ],
        "revision": answer.revision.value,
    }


def _lines(question: Question, game_id: str, answer: messages.GetCoverageResponse) -> Iterator[str]:
    of = f"game {game_id}" if game_id else "all games"
    yield f"{question.league} {question.view.subjects} · {of} · {answer.plays} plays"
    yield ""
    not_scored = sum(each.plays for each in answer.unscored)
    for told, plays in (
        ("in ratings", answer.graded),
        ("waiting for the official result", answer.ungraded),
        ("not scored", not_scored),
    ):
        share = plays / answer.plays if answer.plays else 0.0
        yield f"{plays:>8}  {bar(share, 20)} {share:>4.0%}  {told}"
    if answer.unscored:
        yield ""
        yield "Not scored, by reason:"
    for each in answer.unscored:
        yield f"{each.plays:>8}  {_name(each.reason)}: {_meaning(each.reason) or 'a newer release says why'}"


def _name(reason: reason_pb2.Reason.ValueType) -> str:
    """A reason without its prefix; the number of one that this release does not know."""
    if reason not in reason_pb2.Reason.values():
        return str(reason)
    return reason_pb2.Reason.Name(reason).removeprefix("REASON_")


def _meaning(reason: reason_pb2.Reason.ValueType) -> str | None:
    try:
        return MEANINGS.get(Reason(reason))
    except ValueError:
        return None
