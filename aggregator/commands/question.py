"""What a command asks about: a split, a model and a state; and how the pages of an answer are read."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import click

from aggregator.commands.cells import document
from aggregator.commands.formats import Row
from aggregator.commands.roles import VIEWS, RoleView
from playscore.client import AggregatorClient, Listing
from playscore.client.aggregator import PAGE_SIZE
from playscore.client.state_option import as_of_option
from playscore.client.subjects import find_subject
from playscore.client.words import model_label
from playscore.common.v1 import common_pb2 as common
from playscore.release import ModelVersion

ROWS_FOR_PEOPLE: Final = 50

Command = TypeVar("Command", bound=Callable[..., Any])
Item = TypeVar("Item")


class ModelName(click.ParamType[common.ModelVersion]):
    """A released model, as name:version."""

    name = "name:version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> common.ModelVersion:
        """Reads it."""
        if isinstance(value, common.ModelVersion):
            return value
        try:
            model = ModelVersion.parse(value)
            return common.ModelVersion(name=model.name, version=model.version)
        except ValueError as refusal:
            self.fail(str(refusal), param, ctx)


@dataclass(frozen=True, slots=True)
class Question:
    """The plays that are asked about, and as of when."""

    league: str
    view: RoleView
    split: str = ""
    model: common.ModelVersion | None = None
    as_of: common.RevisionToken | datetime | None = None

    async def subject(self, aggregator: AggregatorClient, text: str) -> common.Subject:
        """The subject that an identifier, a name or a part of one names. Raises SUBJECT_NOT_FOUND."""
        return await find_subject(aggregator, self.league, text, **self.reads)

    @property
    def reads(self) -> dict[str, Any]:
        """The arguments that every read of the client takes."""
        return {"role": self.view.number, "model": self.model, "as_of": self.as_of}

    def named(self, model: common.ModelVersion | None = None) -> dict[str, Any]:
        """The question, as JSON answers repeat it. `model` is the one that rated."""
        return {
            "league": self.league,
            "role": self.view.option,
            "split": self.split,
            "model": None if model is None else document(model),
        }

    def heading(self, model: common.ModelVersion | None = None, *more: str) -> str:
        """The question in a line for people. `model` is the one that rated."""
        model = model or self.model
        parts = [f"{self.league} {self.view.words.subjects}", self.split or "all plays"]
        return " · ".join([*parts, *([model_label(model)] if model else []), *more])


_LEAGUE = click.option("--league", help="For example NFL.  [default: NFL for passers, NHL for the other roles]")
_ROLE = click.option(
    "--role", type=click.Choice(list(VIEWS)), default="passer", show_default=True, help="What is rated."
)
_SPLIT = click.option(
    "--split", default="", help="A filter over plays, for example 'down = 3 AND under_pressure'.  [default: all plays]"
)
_MODEL = click.option("--model", type=ModelName(), help="Model to rate by.  [default: the league's current model]")


def question_options(*, split: bool = True, as_of: bool = True) -> Callable[[Command], Command]:
    """Gives a command the options of a question, as its argument `question`."""

    def decorated(command: Command) -> Command:
        @functools.wraps(command)
        def with_question(
            *,
            league: str | None,
            role: str,
            model: common.ModelVersion | None,
            split: str = "",
            as_of: common.RevisionToken | datetime | None = None,
            **others: Any,
        ) -> Any:
            view = VIEWS[role]
            return command(question=Question(league or view.league, view, split, model, as_of), **others)

        for option in (*([as_of_option] if as_of else []), _MODEL, *([_SPLIT] if split else []), _ROLE, _LEAGUE):
            option(with_question)
        return with_question  # type: ignore[return-value]

    return decorated


limit_option: Final = click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"Maximum number of rows.  [default: {ROWS_FOR_PEOPLE} in a table, all in JSON, CSV and Parquet]",
)


min_plays_option: Final = click.option(
    "--min-plays", type=click.IntRange(min=0), help="Minimum plays to be ranked.  [default: scales with games played]"
)


def group_by_option(command: Command) -> Command:
    """Gives a command the option --group-by, as its argument `group_by`."""
    return click.option(
        "--group-by",
        default="",
        callback=lambda _ctx, _param, value: tuple(filter(None, (name.strip() for name in value.split(",")))),
        help="Fields that make one rating, comma separated, for example season,subject_id.  [default: subject_id]",
    )(command)


def ranked_options(command: Command) -> Command:
    """Gives a command the options of a ranking, as its arguments `min_plays` and `qualified_only`."""
    click.option("--qualified-only", is_flag=True, help="Leave out those without a rank.")(command)
    return min_plays_option(command)


def page_size(limit: int | None) -> int:
    """How many items to ask for at a time."""
    return PAGE_SIZE if limit is None else min(limit, PAGE_SIZE)


async def first_of(listing: Listing[Any, Item], limit: int) -> list[Item]:
    """The first items of a listing."""
    items: list[Item] = []
    async for item in listing:
        items.append(item)
        if len(items) == limit:
            break
    return items


async def pages_of(
    listing: Listing[Any, Item], row: Callable[[Item], Row], limit: int | None
) -> AsyncIterator[Sequence[Row]]:
    """A listing's items as rows, up to a limit, a page at a time."""
    rows: list[Row] = []
    count = 0
    async for item in listing:
        rows.append(row(item))
        count += 1
        if count == limit:
            break
        if len(rows) == PAGE_SIZE:
            yield rows
            rows = []
    yield rows
