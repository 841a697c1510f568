"""`playscore models`: the models of a league, how they differ, and switching between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import click

from aggregator.commands.cells import document
from aggregator.commands.formats import output, print_json
from aggregator.commands.model_comparison import Comparison, Rated, compare
from aggregator.commands.question import ModelName, min_plays_option
from aggregator.commands.roles import VIEWS, RoleView
from aggregator.commands.source import Source, service_options, source_options
from aggregator.commands.text import Heading, table
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.client.words import counted, model_label
from playscore.common.v1 import common_pb2 as common

MOVERS: Final = 10
TASKS: Final = {
    "passing": (common.TASK_PASSING, common.ROLE_PASSER),
    "shots": (common.TASK_SHOTS, common.ROLE_SHOOTER),
    "faceoffs": (common.TASK_FACEOFFS, common.ROLE_FACEOFF_TAKER),
}
"""Tasks by their names on the command line, each with a role that is rated for all of its plays."""

_LEAGUE: Final = click.option("--league", required=True, help="For example NFL.")
_ROLE: Final = click.option("--role", default="passer", show_default=True, type=click.Choice(list(VIEWS)))
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(short_help="Models of a league: list, compare, switch.")
def models() -> None:
    """List, compare and switch the models of a league.

    A new release first scores in the shadow (playscore backfill --models) and is compared with the current model; then
    the league is switched to it.
    """


@models.command("list", short_help="Models that have scored a league.")
@_LEAGUE
@_ROLE
@_JSON
@source_options
def list_models(*, source: Source, league: str, role: str, as_json: bool) -> None:
    """The models that can rate a league, and how many of its plays each has scored."""

    async def ask(aggregator: AggregatorClient) -> list[messages.ListedModel]:
        return [model async for model in aggregator.list_models(league, role=VIEWS[role].number)]

    listed = source.ask(ask)
    if as_json:
        print_json({"league": league, "role": role, "models": [document(each) for each in listed]})
        return
    _print(
        [Heading("model"), Heading("graded", right=True), Heading("waiting", right=True), Heading("")],
        [
            (model_label(each.model), str(each.graded), str(each.ungraded), "current" if each.is_default else "")
            for each in listed
        ],
    )


@models.command("compare", short_help="How ratings by two models differ.")
@click.argument("first", type=ModelName())
@click.argument("second", type=ModelName())
@_LEAGUE
@_ROLE
@click.option("--split", default="", help="A filter over plays (docs/splits.md).  [default: all plays]")
@min_plays_option
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
    """How the ratings by SECOND differ from those by FIRST, over all subjects who qualify by both.

    The difference is due to the models alone only if both graded the same plays.
    """
    view = VIEWS[role]

    async def ask(aggregator: AggregatorClient) -> tuple[_Side, _Side]:
        one = await _side(aggregator, league, view, split, min_plays, first, None)
        return one, await _side(aggregator, league, view, split, min_plays, second, one.coverage.revision)

    sides = source.ask(ask)
    compared = compare(*(side.rated for side in sides))
    if as_json:
        print_json(_comparison_as_json(league, view, split, sides, compared))
        return
    _print_comparison(view, sides, compared)


@models.command("switch", short_help="Rate a league by another model.")
@click.argument("model", type=ModelName())
@_LEAGUE
@click.option("--task", required=True, type=click.Choice(list(TASKS)))
@click.option("--expect", type=ModelName(), help="Refuse unless the league is now rated by this model.")
@click.option("--force", is_flag=True, help="Switch even if MODEL has graded no play of the league.")
@service_options
def switch_model(
    *,
    source: Source,
    model: common.ModelVersion,
    league: str,
    task: str,
    expect: common.ModelVersion | None,
    force: bool,
) -> None:
    """Rate a league by MODEL from now on, for all callers that do not name a model."""
    number, role = TASKS[task]

    async def ask(aggregator: AggregatorClient) -> messages.SwitchModelResponse:
        if not force:
            listed = [each async for each in aggregator.list_models(league, role=role)]
            _check_graded(model, league, listed)
        return await aggregator.switch_model(league, number, model, expected=expect)

    answer = source.ask(ask)
    now, before = model_label(model), model_label(answer.previous)
    click.echo(f"{league}: {task} is now rated by {now}, before by {before}", file=output())
    if before != now:
        undo = f"playscore models switch {before} --league {league} --task {task} --expect {now}"
        click.echo(f"To undo: {undo}", file=output())


def _check_graded(model: common.ModelVersion, league: str, listed: list[messages.ListedModel]) -> None:
    """Refuses a model by which nobody would be rated, where somebody is by another. One not listed is not released."""
    most = max((each.graded for each in listed), default=0)
    if most and any(each.model == model and not each.graded for each in listed):
        raise click.ClickException(
            f"{model_label(model)} has graded none of the {counted(most, 'play')} of {league}, so nobody would be "
            "rated; score them by it first (playscore backfill --models), or give --force"
        )


@dataclass(frozen=True, slots=True)
class _Side:
    """A league as rated by one model."""

    model: common.ModelVersion
    rated: list[Rated]
    coverage: messages.GetCoverageResponse

    @property
    def unscored(self) -> int:
        """Plays that were not scored."""
        return sum(count.plays for count in self.coverage.unscored)


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
    return _Side(model, rated, coverage)


def _rated(rating: messages.Rating, view: RoleView) -> Rated:
    subject, value = rating.subject, view.interval(rating).value
    return Rated(subject.subject_id, subject.subject_name, rating.plays, value, rating.rank)


def _print_comparison(view: RoleView, sides: tuple[_Side, _Side], compared: Comparison) -> None:
    counts = [Heading(title, right=True) for title in ("plays", "graded", "waiting", "not scored", "qualified")]
    _print(
        [Heading("model"), *counts],
        [
            (
                model_label(side.model),
                str(side.coverage.plays),
                str(side.coverage.graded),
                str(side.coverage.ungraded),
                str(side.unscored),
                str(sum(rated.rank > 0 for rated in side.rated)),
            )
            for side in sides
        ],
    )
    out = output()
    if sides[0].coverage.graded != sides[1].coverage.graded:
        click.echo(
            "The models graded different numbers of plays, so the difference is not due to the models alone.", file=out
        )
    click.echo(file=out)
    if not compared.moved:
        click.echo("No subject qualifies by both; --min-plays lowers the bar.", file=out)
        return
    qualify = "qualifies" if len(compared.moved) == 1 else "qualify"
    click.echo(
        f"{len(compared.moved)} {qualify} by both; compared by {view.words.ranked_by.replace('_', ' ')}.", file=out
    )
    correlation = "not defined" if compared.rank_correlation is None else f"{compared.rank_correlation:.3f}"
    click.echo(f"rank correlation    {correlation}", file=out)
    click.echo(f"mean difference     {compared.mean_difference:z.2f}", file=out)
    click.echo(f"largest difference  {compared.largest_difference:.2f}", file=out)
    click.echo(file=out)
    _print(
        [
            Heading("moved most", shrinks=True),
            *(
                Heading(title, right=True)
                for title in (*(model_label(side.model) for side in sides), "difference", "rank")
            ),
        ],
        [
            (
                moved.first.name or moved.first.subject_id,
                f"{moved.first.value:.2f}",
                f"{moved.second.value:.2f}",
                f"{moved.difference:+z.2f}",
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
                "model": document(side.model),
                "plays": side.coverage.plays,
                "graded": side.coverage.graded,
                "ungraded": side.coverage.ungraded,
                "unscored": side.unscored,
            }
            for side in sides
        ],
        "measure": view.words.ranked_by,
        "rank_correlation": compared.rank_correlation,
        "mean_difference": compared.mean_difference,
        "largest_difference": compared.largest_difference,
        "only_first": list(compared.only_first),
        "only_second": list(compared.only_second),
        "moved": [
            {
                "subject_id": moved.first.subject_id,
                "subject_name": moved.first.name or None,
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
