"""`playscore coverage`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from aggregator.commands.cells import document
from aggregator.commands.formats import output, print_json
from aggregator.commands.question import Question, question_options
from aggregator.commands.source import Source, source_options
from aggregator.commands.text import bar
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.client.roles import lacks, roles_with_plays
from playscore.client.words import counted, reason_meaning, reason_name
from playscore.terminal_text import printable


@click.command(short_help="How many plays are in ratings, and why others are not.")
@question_options(split=False)
@click.option("--game", "game_id", default="", help="A game.  [default: the whole league]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@source_options
def coverage(*, source: Source, question: Question, game_id: str, as_json: bool) -> None:
    """How many plays of a league or a game are in ratings, wait for their official result, or were not scored."""

    async def ask(aggregator: AggregatorClient) -> None:
        answer = await aggregator.get_coverage(question.league, game_id=game_id, **question.reads)
        if as_json:
            print_json(_as_json(question, game_id, answer))
            return
        if not answer.plays:
            others = await roles_with_plays(aggregator, question.league, question.as_of)
            click.echo(f"{printable(lacks(question.league, question.view.number, others))}.", file=output())
            return
        for line in _lines(question, game_id, answer):
            click.echo(printable(line), file=output())

    source.ask(ask)


def _as_json(question: Question, game_id: str, answer: messages.GetCoverageResponse) -> dict[str, object]:
    return {
        "league": question.league,
        "role": question.view.option,
        "model": document(answer.model),
        "game_id": game_id or None,
        "plays": answer.plays,
        "graded": answer.graded,
        "ungraded": answer.ungraded,
        "unscored": [
            {"reason": reason_name(each.reason), "meaning": reason_meaning(each.reason), "plays": each.plays}
            for each in answer.unscored
        ],
        "revision": answer.revision.value,
    }


def _lines(question: Question, game_id: str, answer: messages.GetCoverageResponse) -> Iterator[str]:
    of = f"game {game_id}" if game_id else "all games"
    yield f"{question.league} {question.view.words.subjects} · {of} · {counted(answer.plays, 'play')}"
    yield ""
    not_scored = sum(each.plays for each in answer.unscored)
    for state, plays in (
        ("in ratings", answer.graded),
        ("waiting for the official result", answer.ungraded),
        ("not scored", not_scored),
    ):
        share = plays / answer.plays if answer.plays else 0.0
        yield f"{plays:>8}  {bar(share, 20)} {share:>4.0%}  {state}"
    if answer.unscored:
        yield ""
        yield "Not scored, by reason:"
    for each in answer.unscored:
        yield f"{each.plays:>8}  {reason_name(each.reason)}: {reason_meaning(each.reason)}"
