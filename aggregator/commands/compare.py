"""`playscore compare`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from aggregator.commands.cells import RatingRows, finite, named
from aggregator.commands.formats import output
from aggregator.commands.question import ModelName, Question, find_subject, question_options
from aggregator.commands.ratings import terminal_columns
from aggregator.commands.roles import RoleView
from aggregator.commands.source import Source, source_options
from aggregator.commands.text import Heading, Scale, printable, table
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common

NOTICED_POINTS: Final = 0.15
"""More than rounding to a tenth explains."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison that was asked for, and its answer."""

    first: Question
    second: Question
    subjects: tuple[common.Subject, common.Subject]
    answer: messages.CompareRatingsResponse

    @property
    def sides(self) -> tuple[tuple[Question, messages.Rating, common.ModelVersion], ...]:
        """Each side's question, rating and model."""
        answer = self.answer
        return (self.first, answer.first, answer.first_model), (self.second, answer.second, answer.second_model)


@click.command(short_help="How two ratings differ, and whether that is real.")
@click.argument("subjects", metavar="SUBJECT [SUBJECT]", nargs=-1, required=True)
@question_options()
@click.option("--second-split", help="The split of the second side; that of the first if absent.")
@click.option("--second-model", type=ModelName(), help="The model of the second side; that of the first if absent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@source_options
def compare(
    *,
    source: Source,
    question: Question,
    subjects: tuple[str, ...],
    second_split: str | None,
    second_model: common.ModelVersion | None,
    as_json: bool,
) -> None:
    """How two ratings differ, and how probable it is that the difference is real.

    \b
    playscore compare Mahomes Allen --split under_pressure
    playscore compare Mahomes --split under_pressure --second-split 'NOT under_pressure'
    playscore compare Mahomes --model passing:3 --second-model passing:4

    A SUBJECT is an identifier, a name, or a part of a name. One of them is compared in two splits, or by two models.
    """
    second = replace(
        question,
        split=question.split if second_split is None else second_split,
        model=second_model or question.model,
    )
    match subjects:
        case [_] if second == question:
            raise click.UsageError("give a second SUBJECT, a --second-split or a --second-model: what to compare with")
        case [_] | [_, _]:
            pass
        case _:
            raise click.UsageError(f"two subjects can be compared, not {len(subjects)}")

    async def ask(aggregator: AggregatorClient) -> Compared:
        one = await find_subject(aggregator, question, subjects[0])
        other = one if len(subjects) == 1 else await find_subject(aggregator, second, subjects[1])
        answer = await aggregator.compare_ratings(
            question.league,
            one.subject_id,
            other.subject_id,
            split=question.split,
            second_split=second.split,
            second_model=second.model,
            **question.reads,
        )
        return Compared(question, second, (one, other), answer)

    compared, out = source.ask(ask), output()
    if as_json:
        click.echo(json.dumps(as_document(compared), indent=1, allow_nan=False), file=out)
        return
    for line in lines(compared, terminal_columns()):
        click.echo(line, file=out)


_RANKED: Final = ("qualified", "rank", "percentile")
"""What a rating that is compared has not."""


def as_document(compared: Compared) -> dict[str, Any]:
    """The comparison as JSON has it."""
    rows = RatingRows(compared.first.view, (), {})

    def side(question: Question, rating: messages.Rating, model: common.ModelVersion) -> dict[str, Any]:
        shown = named(rows.columns, rows.row(rating))
        return {**question.named(model), **{name: shown[name] for name in shown if name not in _RANKED}}

    first, second = (side(*each) for each in compared.sides)
    difference = None
    if compared.answer.HasField("difference"):
        difference = {
            field.name: finite(value) if isinstance(value, float) else value
            for field in compared.answer.difference.DESCRIPTOR.fields
            for value in [getattr(compared.answer.difference, field.name)]
        }
    return {
        "first": first,
        "second": second,
        "difference": difference,
        "revision": compared.answer.revision.value,
    }


def lines(compared: Compared, columns: int | None) -> Iterator[str]:
    """The comparison for people: in words, then both sides with their intervals below each other."""
    labels = _labels(compared)
    yield printable(_sentence(compared, labels))
    yield ""
    yield from _sides(compared, labels, columns)
    difference = compared.answer.difference
    if _surprises(compared):
        yield ""
        yield "The difference is estimated from all plays together, and need not be that of the two ratings."
    if difference.shared_plays:
        are, tell = ("play is", "tells") if difference.shared_plays == 1 else ("plays are", "tell")
        yield ""
        yield f"{difference.shared_plays} {are} in both sides, and {tell} nothing about a difference."


def _sentence(compared: Compared, labels: Sequence[str]) -> str:
    answer, view = compared.answer, compared.first.view
    for label, (_, rating, _) in zip(labels, compared.sides, strict=True):
        if not rating.plays:
            return f"{label} has no plays: there is nothing to compare."
    if not answer.HasField("difference"):
        return f"Nothing can be said about {labels[0]} and {labels[1]}."
    first, second = (
        f"{label} ({_rated(view, rating)})" for label, (_, rating, _) in zip(labels, compared.sides, strict=True)
    )
    difference, form = answer.difference, view.difference.form
    interval = f"[90%: {difference.difference_low:{form}} to {difference.difference_high:{form}}]"
    if difference.difference == 0:
        return f"{first} is rated like {second} {interval}."
    above = difference.difference > 0
    better = difference.probability_first_is_better
    words = view.difference.above if above else view.difference.below
    return (
        f"{first} is rated {abs(difference.difference):{form}} {words} {second} {interval}; "
        f"the probability that the difference is real is {_percent(better if above else 1 - better)}."
    )


def _surprises(compared: Compared) -> bool:
    """Whether the difference in points is visibly another than that of the ratings beside it."""
    answer, view = compared.answer, compared.first.view
    if not answer.HasField("difference") or view.value != "passing":
        return False
    (_, first, _), (_, second, _) = view.interval(answer.first), view.interval(answer.second)
    return abs(first - second - answer.difference.difference) > NOTICED_POINTS


def _rated(view: RoleView, rating: messages.Rating) -> str:
    _, value, _ = view.interval(rating)
    if view.value == "passing":
        return view.number_as_told(value)
    return f"{view.number_as_told(value)} over {rating.plays} {view.play}{'' if rating.plays == 1 else 's'}"


def _percent(probability: float) -> str:
    if probability > 0.995:
        return "over 99%"
    return "under 1%" if probability < 0.005 else f"{probability:.0%}"


def _labels(compared: Compared) -> tuple[str, str]:
    """What to call the two sides: by name, and by what else tells them apart."""
    first, second = compared.first, compared.second

    def label(subject: common.Subject, question: Question, model: common.ModelVersion) -> str:
        name = subject.subject_name or subject.subject_id
        split = "" if first.split == second.split else f" where {question.split}" if question.split else " in all plays"
        by = "" if compared.answer.first_model == compared.answer.second_model else f" by {model.name} {model.version}"
        return f"{name}{split}{by}"

    one, other = (
        label(subject, question, model)
        for subject, (question, _, model) in zip(compared.subjects, compared.sides, strict=True)
    )
    return one, other


def _sides(compared: Compared, labels: Sequence[str], columns: int | None) -> Iterator[str]:
    view = compared.first.view
    intervals = [view.interval(rating) for _, rating, _ in compared.sides]
    scale = Scale(min(low for low, _, _ in intervals), max(high for _, _, high in intervals))
    headings = (
        Heading(view.subject, shrinks=True),
        Heading("team"),
        Heading("plays", right=True),
        Heading(view.rated.heading, right=True),
        Heading("90% interval", right=True),
        Heading("", optional=True),
    )
    rows = [
        (
            label,
            rating.subject.team_id if view.number != common.ROLE_SHOOTING_TEAM else "",
            str(rating.plays),
            view.number_as_told(value),
            f"{view.number_as_told(low)} to {view.number_as_told(high)}",
            scale.interval(low, value, high),
        )
        for label, (_, rating, _), (low, value, high) in zip(labels, compared.sides, intervals, strict=True)
    ]
    return table(headings, rows, columns)
