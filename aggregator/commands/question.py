"""What a command asks about: the split, its model and the state; and how an answer's pages are read."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import click

from aggregator.commands.formats import Row
from aggregator.commands.roles import VIEWS, RoleView
from playscore.client import AggregatorClient, Listing
from playscore.client.aggregator import PAGE_SIZE
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

ROWS_FOR_PEOPLE: Final = 50
_MODEL: Final = re.compile(r"(?P<name>.+):(?P<version>[1-9][0-9]{0,8})")

Command = TypeVar("Command", bound=Callable[..., Any])
Item = TypeVar("Item")


class ModelName(click.ParamType[common.ModelVersion]):
    """A released model, as name:version."""

    name = "name:version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> common.ModelVersion:
        """Reads it."""
        if isinstance(value, common.ModelVersion):
            return value
        if (match := _MODEL.fullmatch(value)) is None:
            self.fail(f"{value!r} is not name:version; for example passing:4", param, ctx)
        return common.ModelVersion(name=match["name"], version=int(match["version"]))


class State(click.ParamType[common.RevisionToken | datetime]):
    """A state of the store: a revision token as an answer has it, or a time."""

    name = "token|time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> common.RevisionToken | datetime:
        """Reads a time in ISO 8601, of this machine's zone where it names none; anything else is a token."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        try:
            return datetime.fromisoformat(value).astimezone()
        except ValueError:
            return common.RevisionToken(value=value)


@dataclass(frozen=True, slots=True)
class Question:
    """Which plays are looked at, and as of when."""

    league: str
    view: RoleView
    split: str = ""
    model: common.ModelVersion | None = None
    as_of: common.RevisionToken | datetime | None = None

    @property
    def reads(self) -> dict[str, Any]:
        """The arguments that every read of the client takes."""
        return {"role": self.view.number, "model": self.model, "as_of": self.as_of}

    def named(self, model: common.ModelVersion | None = None) -> dict[str, Any]:
        """The question, as JSON answers repeat it. `model` is the one that answered."""
        return {
            "league": self.league,
            "role": self.view.option,
            "split": self.split,
            "model": None if model is None else {"name": model.name, "version": model.version},
        }

    def told(self, model: common.ModelVersion | None = None, *more: str) -> str:
        """The question in a line for people."""
        model = model or self.model
        parts = [f"{self.league} {self.view.subjects}", self.split or "all plays"]
        return " · ".join([*parts, *([f"{model.name} {model.version}"] if model else []), *more])


_LEAGUE = click.option("--league", help="For example NFL.  [default: NFL for passers, NHL for the other roles]")
_ROLE = click.option(
    "--role", type=click.Choice(list(VIEWS)), default="passer", show_default=True, help="What is rated."
)
_SPLIT = click.option(
    "--split", default="", help="A filter over plays, for example 'down = 3 AND under_pressure'; all plays if absent."
)
_MODEL_OPTION = click.option("--model", type=ModelName(), help="Rated by; by what the league is rated by if absent.")
_AS_OF = click.option(
    "--as-of", type=State(), help="The state that was: a revision token out of JSON, or a time in ISO 8601."
)


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

        for option, wanted in ((_AS_OF, as_of), (_MODEL_OPTION, True), (_SPLIT, split), (_ROLE, True), (_LEAGUE, True)):
            if wanted:
                option(with_question)
        return with_question  # type: ignore[return-value]

    return decorated


limit_option: Final = click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"At most so many rows.  [default: {ROWS_FOR_PEOPLE} in a table, all in JSON, CSV and Parquet]",
)


def group_by_option(command: Command) -> Command:
    """Gives a command the option that says what makes one rating, as its argument `group_by`."""
    return click.option(
        "--group-by",
        default="",
        callback=lambda _ctx, _param, value: tuple(filter(None, (name.strip() for name in value.split(",")))),
        help="Fields that make one rating, comma separated, for example season,subject_id; the subject if absent.",
    )(command)


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
    """A listing's items as rows, up to a limit, as many at a time as a page has."""
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


async def find_subject(aggregator: AggregatorClient, question: Question, wanted: str) -> common.Subject:
    """Whom an identifier, a name or a part of one means.

    Raises:
        ClickException: where it is nobody, or may be several.
    """
    noun = question.view.subject
    try:
        found = await aggregator.get_rating(question.league, wanted, **question.reads)
    except PlayscoreError as refusal:
        if refusal.reason not in (Reason.SUBJECT_NOT_FOUND, Reason.FIELD_INVALID):
            raise
    else:
        if found.rating.plays:
            return found.rating.subject
    listing = aggregator.list_subjects(question.league, name_contains=wanted, **question.reads)
    listed = [each.subject async for each in listing]
    named = [each for each in listed if each.subject_name.casefold() == wanted.casefold()] or listed
    match named:
        case []:
            raise click.ClickException(f"no {noun} of {question.league} is called {wanted!r}, nor has that identifier")
        case [only]:
            return only
    shown = ", ".join(f"{each.subject_name} ({each.subject_id}, {each.team_id or 'no team'})" for each in named[:10])
    more = f" and {len(named) - 10} more" if len(named) > 10 else ""
    raise click.ClickException(f"{wanted!r} may be {len(named)} {question.view.subjects}: {shown}{more}; say which")
