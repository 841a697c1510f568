"""`playscore models`: which models a league can be rated by, how they differ, and by which it is rated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from aggregator.model_comparison import Comparison, Rated, compare
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient, Tls
from playscore.common.v1 import common_pb2 as common
from playscore.release import ModelVersion

MOVERS: Final = 10
ROLES: Final = [name.removeprefix("ROLE_").lower() for name, number in common.Role.items() if number]
TASKS: Final = [name.removeprefix("TASK_").lower() for name, number in common.Task.items() if number]
RANKED_BY: Final[Mapping[str, str]] = {
    "passing": "rating",
    "shots": "goals_above_expected",
    "faceoffs": "wins_above_expected",
}
"""The field of each arm of `Rating.value`."""

Answer = TypeVar("Answer")


class _Model(click.ParamType[common.ModelVersion]):
    """A model's name and version."""

    name = "model:version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> common.ModelVersion:
        """Reads "passing:4"."""
        if isinstance(value, common.ModelVersion):
            return value
        try:
            model = ModelVersion.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return common.ModelVersion(name=model.name, version=model.version)


@dataclass(frozen=True, slots=True)
class _Service:
    """Where the aggregator is."""

    address: str
    tls: Tls

    def ask(self, question: Callable[[AggregatorClient], Awaitable[Answer]]) -> Answer:
        """What it answers. Raises ClickException where it cannot be reached."""

        async def asked() -> Answer:
            tls = None if self.tls == Tls() else self.tls
            async with AggregatorClient(self.address, tls=tls) as client:
                return await question(client)

        try:
            return asyncio.run(asked())
        except (ConnectionError, TimeoutError) as failure:
            raise click.ClickException(str(failure)) from None


@click.group(short_help="Models of a league: list, compare, switch.")
@click.option("--aggregator", metavar="HOST:PORT", default="127.0.0.1:50053", show_default=True)
@click.option("--tls-authority", type=click.Path(exists=True, path_type=Path), help="Authorities to trust, PEM.")
@click.option("--tls-certificate", type=click.Path(exists=True, path_type=Path), help="Own certificates, PEM.")
@click.option("--tls-key", type=click.Path(exists=True, path_type=Path), help="Own private key, PEM.")
@click.pass_context
def models(
    context: click.Context,
    aggregator: str,
    tls_authority: Path | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
) -> None:
    """By which model a league is rated.

    A new release scores in the shadow (playscore backfill --models), is compared with the one that counts, and is
    switched to for a league at once.
    """
    context.obj = _Service(aggregator, Tls(tls_authority, tls_certificate, tls_key))


@models.command("list", short_help="The models that a league can be rated by.")
@click.option("--league", required=True, help="For example NFL.")
@click.option("--role", default="passer", show_default=True, type=click.Choice(ROLES))
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_command(service: _Service, league: str, role: str, as_json: bool) -> None:
    """The models that a league can be rated by, and how many plays each has scored of it."""

    async def ask(client: AggregatorClient) -> list[messages.ListedModel]:
        return [model async for model in client.list_models(league, role=_role(role))]

    listed = service.ask(ask)
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "model": _name(each.model),
                        "graded": each.graded,
                        "ungraded": each.ungraded,
                        "rated_by": each.rated_by,
                    }
                    for each in listed
                ]
            )
        )
        return
    _table(
        ("model", "plays graded", "waiting", ""),
        [
            (_name(each.model), str(each.graded), str(each.ungraded), "rated by" if each.rated_by else "")
            for each in listed
        ],
    )


@models.command("compare", short_help="How ratings by two models differ.")
@click.argument("first", type=_Model())
@click.argument("second", type=_Model())
@click.option("--league", required=True, help="For example NFL.")
@click.option("--role", default="passer", show_default=True, type=click.Choice(ROLES))
@click.option("--split", default="", help="A filter, as docs/splits.md has it; all plays if absent.")
@click.option("--min-plays", type=click.IntRange(min=0), help="Plays that qualify; the service's own rule if absent.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables, with everybody who moved.")
@click.pass_obj
def compare_command(
    service: _Service,
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

    async def ask(client: AggregatorClient) -> tuple[_Side, _Side]:
        one = await _side(client, league, _role(role), split, min_plays, first, None)
        return one, await _side(client, league, _role(role), split, min_plays, second, one.coverage.revision)

    sides = service.ask(ask)
    compared = compare(*(side.rated for side in sides))
    if as_json:
        click.echo(json.dumps(_comparison_as_json(league, role, split, sides, compared)))
        return
    _table(
        ("model", "plays", "graded", "waiting", "not scored", "qualified"),
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
    if sides[0].coverage.graded != sides[1].coverage.graded:
        click.echo("The two have not graded the same plays: what differs is not the models' alone.")
    click.echo()
    if not compared.moved:
        click.echo("Nobody qualifies by both.")
        return
    click.echo(f"{len(compared.moved)} qualify by both; compared by {sides[0].measure.replace('_', ' ')}.")
    correlation = "not defined" if compared.rank_correlation is None else f"{compared.rank_correlation:.3f}"
    click.echo(f"rank correlation    {correlation}")
    click.echo(f"mean difference     {compared.mean_difference:.2f}")
    click.echo(f"largest difference  {compared.largest_difference:.2f}")
    click.echo()
    _table(
        ("moved most", sides[0].name, sides[1].name, "difference", "rank"),
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


@models.command("switch", short_help="Rate a league by another model.")
@click.argument("model", type=_Model())
@click.option("--league", required=True, help="For example NFL.")
@click.option("--task", required=True, type=click.Choice(TASKS))
@click.option("--expect", type=_Model(), help="Refuse if the league is rated by another model than this one now.")
@click.pass_obj
def switch_command(
    service: _Service, model: common.ModelVersion, league: str, task: str, expect: common.ModelVersion | None
) -> None:
    """Rate a league by MODEL from now on, for all callers that name no model."""
    number = common.Task.Value(f"TASK_{task.upper()}")
    answer = service.ask(lambda client: client.switch_model(league, number, model, expected=expect))
    click.echo(f"{league}: {task} is rated by {_name(model)} now, before by {_name(answer.previous)}")
    if answer.previous != model:
        click.echo(
            f"back: playscore models switch {_name(answer.previous)} --league {league} --task {task}"
            f" --expect {_name(model)}"
        )


@dataclass(frozen=True, slots=True)
class _Side:
    """What one model makes of a league."""

    name: str
    measure: str
    rated: list[Rated]
    coverage: messages.GetCoverageResponse


async def _side(
    client: AggregatorClient,
    league: str,
    role: common.Role.ValueType,
    split: str,
    min_plays: int | None,
    model: common.ModelVersion,
    revision: common.RevisionToken | None,
) -> _Side:
    coverage = await client.get_coverage(league, role=role, model=model, at_least_as_fresh=revision)
    listed = client.list_ratings(
        league, role=role, split=split, model=model, min_plays=min_plays, at_least_as_fresh=coverage.revision
    )
    ratings = [rating async for rating in listed]
    kinds = {kind for rating in ratings if (kind := rating.WhichOneof("value"))}
    measure = RANKED_BY[kinds.pop()] if kinds else ""
    return _Side(_name(model), measure, [_rated(rating, measure) for rating in ratings], coverage)


def _rated(rating: messages.Rating, measure: str) -> Rated:
    value = getattr(rating, rating.WhichOneof("value") or "")
    return Rated(
        rating.subject.subject_id, rating.subject.subject_name, rating.plays, getattr(value, measure), rating.rank
    )


def _comparison_as_json(
    league: str, role: str, split: str, sides: tuple[_Side, _Side], compared: Comparison
) -> dict[str, Any]:
    return {
        "league": league,
        "role": role,
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
        "measure": sides[0].measure or sides[1].measure,
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


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        first, *others = (
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  ".join((first, *others)).rstrip())


def _role(name: str) -> common.Role.ValueType:
    return common.Role.Value(f"ROLE_{name.upper()}")


def _name(model: common.ModelVersion) -> str:
    return f"{model.name}:{model.version}"
