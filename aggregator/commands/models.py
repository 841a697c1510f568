"""`playscore models`: which models a league can be rated by, how they differ, and by which it is rated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import click

from aggregator.commands.formats import output
from aggregator.commands.model_comparison import Comparison, Rated, compare
from aggregator.commands.question import ModelName
from aggregator.commands.roles import VIEWS, RoleView
from aggregator.commands.source import Source, service_options, source_options
from aggregator.commands.text import Heading, table
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common

MOVERS: Final = 10
TASKS: Final = [name.removeprefix("TASK_").lower() for name, number in common.Task.items() if number]

_LEAGUE: Final = click.option("--league", required=True, help="For example NFL.")
_ROLE: Final = click.option("--role", default="passer", show_default=True, type=click.Choice(list(VIEWS)))
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(short_help="Models of a league: list, compare, switch.")
def models() -> None:
    """By which model a league is rated.

    A new release scores in the shadow (playscore backfill --models), is compared with the one that counts, and is
    switched to for a league at once.
    """


@models.command("list", short_help="The models that a league can be rated by.")
@_LEAGUE
@_ROLE
@_JSON
@source_options
def list_models(*, source: Source, league: str, role: str, as_json: bool) -> None:
    """The models that a league can be rated by, and how many plays each has scored of it."""

    async def ask(aggregator: AggregatorClient) -> list[messages.ListedModel]:
        return [model async for model in aggregator.list_models(league, role=VIEWS[role].number)]

    listed = source.ask(ask)
    if as_json:
        told = [
            {
                "model": _name(each.model),
                "graded": each.graded,
                "ungraded": each.ungraded,
                "is_default": each.is_default,
            }
            for each in listed
        ]
        click.echo(json.dumps(told, indent=1), file=output())
        return
    _print(
        [Heading("model"), Heading("plays graded", right=True), Heading("waiting", right=True), Heading("")],
        [
            (_name(each.model), str(each.graded), str(each.ungraded), "rated by" if each.is_default else "")
            for each in listed
        ],
    )


@models.command("compare", short_help="How ratings by two models differ.")
@click.argument("first", type=ModelName())
@click.argument("second", type=ModelName())
@_LEAGUE
@_ROLE
@click.option("--split", default="", help="A filter, as docs/splits.md has it; all plays if absent.")
@click.option("--min-plays", type=click.IntRange(min=0), help="Plays that qualify; the service's own rule if absent.")
@_JSON
@source_options
def compare_models(
    *,
    source: Source,
    first: common.ModelVersion,
    second: common.ModelVersion,
    league: str,
    role: str,
    split: str,
    min_plays: int | None,
    as_json: bool,
) -> None:
    """How the ratings by SECOND differ from those by FIRST, of everybody who qualifies by both.

    Both models must have scored the same plays for the difference to be the models'.
    """
    view = VIEWS[role]

    async def ask(aggregator: AggregatorClient) -> tuple[_Side, _Side]:
        one = await _side(aggregator, league, view, split, min_plays, first, None)
        return one, await _side(aggregator, league, view, split, min_plays, second, one.coverage.revision)

    sides = source.ask(ask)
    compared = compare(*(side.rated for side in sides))
    if as_json:
        told = _comparison_as_json(league, view, split, sides, compared)
        click.echo(json.dumps(told, indent=1), file=output())
        return
    _print_comparison(view, sides, compared)


@models.command("switch", short_help="Rate a league by another model.")
@click.argument("model", type=ModelName())
@_LEAGUE
@click.option("--task", required=True, type=click.Choice(TASKS))
@click.option("--expect", type=ModelName(), help="Refuse if the league is rated by another model than this one now.")
@service_options
def switch_model(
    *, source: Source, model: common.ModelVersion, league: str, task: str, expect: common.ModelVersion | None
) -> None:
    """Rate a league by MODEL from now on, for all callers that name no model."""
    number = common.Task.Value(f"TASK_{task.upper()}")
    answer = source.ask(lambda aggregator: aggregator.switch_model(league, number, model, expected=expect))
    click.echo(f"{league}: {task} is rated by {_name(model)} now, before by {_name(answer.previous)}", file=output())
    if answer.previous != model:
        click.echo(
            f"back: playscore models switch {_name(answer.previous)} --league {league} --task {task}"
            f" --expect {_name(model)}",
            file=output(),
        )


@dataclass(frozen=True, slots=True)
class _Side:
    """What one model makes of a league."""

    name: str
    rated: list[Rated]
    coverage: messages.GetCoverageResponse


async def _side(
    aggregator: AggregatorClient,
    league: str,
    view: RoleView,
    split: str,
    min_plays: int | None,
    model: common.ModelVersion,
    revision: common.RevisionToken | None,
) -> _Side:
    coverage = await aggregator.get_coverage(league, role=view.number, model=model, at_least_as_fresh=revision)
    listed = aggregator.list_ratings(
        league, role=view.number, split=split, model=model, min_plays=min_plays, at_least_as_fresh=coverage.revision
    )
    rated = [_rated(rating, view) async for rating in listed]
    return _Side(_name(model), rated, coverage)


def _rated(rating: messages.Rating, view: RoleView) -> Rated:
    value: float = getattr(getattr(rating, view.value), view.rated.field)
    return Rated(rating.subject.subject_id, rating.subject.subject_name, rating.plays, value, rating.rank)


def _print_comparison(view: RoleView, sides: tuple[_Side, _Side], compared: Comparison) -> None:
    counted = [Heading(title, right=True) for title in ("plays", "graded", "waiting", "not scored", "qualified")]
    _print(
        [Heading("model"), *counted],
        [
            (
                side.name,
                str(side.coverage.plays),
                str(side.coverage.graded),
                str(side.coverage.ungraded),
                str(sum(count.plays for count in side.coverage.unscored)),
                str(sum(rated.rank > 0 for rated in side.rated)),
            )
            for side in sides
        ],
    )
    out = output()
    if sides[0].coverage.graded != sides[1].coverage.graded:
        click.echo("The two have not graded the same plays: what differs is not the models' alone.", file=out)
    click.echo(file=out)
    if not compared.moved:
        click.echo("Nobody qualifies by both.", file=out)
        return
    click.echo(f"{len(compared.moved)} qualify by both; compared by {view.rated.field.replace('_', ' ')}.", file=out)
    correlation = "not defined" if compared.rank_correlation is None else f"{compared.rank_correlation:.3f}"
    click.echo(f"rank correlation    {correlation}", file=out)
    click.echo(f"mean difference     {compared.mean_difference:.2f}", file=out)
    click.echo(f"largest difference  {compared.largest_difference:.2f}", file=out)
    click.echo(file=out)
    _print(
        [
            Heading("moved most", shrinks=True),
            *(Heading(title, right=True) for title in (sides[0].name, sides[1].name, "difference", "rank")),
        ],
        [
            (
                moved.name or moved.subject_id,
                f"{moved.first.value:.2f}",
                f"{moved.second.value:.2f}",
                f"{moved.difference:+.2f}",
                f"{moved.first.rank} to {moved.second.rank}",
            )
            for moved in compared.moved[:MOVERS]
        ],
    )


def _comparison_as_json(
    league: str, view: RoleView, split: str, sides: tuple[_Side, _Side], compared: Comparison
) -> dict[str, Any]:
    return {
        "league": league,
        "role": view.option,
        "split": split,
        "models": [
            {
                "model": side.name,
                "plays": side.coverage.plays,
                "graded": side.coverage.graded,
                "ungraded": side.coverage.ungraded,
                "unscored": sum(count.plays for count in side.coverage.unscored),
            }
            for side in sides
        ],
        "measure": view.rated.field,
        "rank_correlation": compared.rank_correlation,
        "mean_difference": compared.mean_difference,
        "largest_difference": compared.largest_difference,
        "only_first": list(compared.only_first),
        "only_second": list(compared.only_second),
        "moved": [
            {
                "subject_id": moved.subject_id,
                "subject_name": moved.name,
                "plays": [moved.first.plays, moved.second.plays],
                "values": [moved.first.value, moved.second.value],
                "difference": moved.difference,
                "ranks": [moved.first.rank, moved.second.rank],
            }
            for moved in compared.moved
        ],
    }


def _print(headings: list[Heading], rows: list[tuple[str, ...]]) -> None:
    for line in table(headings, rows):
        click.echo(line, file=output())


def _name(model: common.ModelVersion) -> str:
    return f"{model.name}:{model.version}"
