"""`playscore compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from aggregator.commands.cells import RatingRows, document, named
from aggregator.commands.formats import output, print_json
from aggregator.commands.question import ModelName, Question, question_options
from aggregator.commands.ratings import terminal_columns
from aggregator.commands.roles import RoleView
from aggregator.commands.source import Source, source_options
from aggregator.commands.text import Heading, Scale, table
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from playscore.client.words import chance, counted, model_label
from playscore.common.v1 import common_pb2 as common
from playscore.terminal_text import printable

NOTICED_POINTS: Final = 0.15
"""More than rounding to a tenth explains."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison: the two questions, the two subjects, and the answer."""

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
@click.option("--second-split", help="The split of the second side.  [default: that of the first]")
@click.option("--second-model", type=ModelName(), help="The model of the second side.  [default: that of the first]")
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
    if len(subjects) > 2:
        raise click.UsageError(f"two subjects can be compared, not {len(subjects)}")
    if len(subjects) == 1 and second == question:
        raise click.UsageError("give a second SUBJECT, a --second-split or a --second-model to compare with")

    async def ask(aggregator: AggregatorClient) -> Compared:
        one = await question.subject(aggregator, subjects[0])
        other = one if len(subjects) == 1 else await second.subject(aggregator, subjects[1])
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

    compared = source.ask(ask)
    if as_json:
        print_json(as_document(compared))
        return
    for line in lines(compared, terminal_columns()):
        click.echo(line, file=output())


_RANKED: Final = ("qualified", "rank", "percentile")
"""Columns that the rating of a comparison lacks."""


def as_document(compared: Compared) -> dict[str, Any]:
    """The comparison as JSON."""
    rows = RatingRows(compared.first.view, (), {})

    def side(question: Question, rating: messages.Rating, model: common.ModelVersion) -> dict[str, Any]:
        shown = named(rows.columns, rows.row(rating))
        return {**question.named(model), **{name: shown[name] for name in shown if name not in _RANKED}}

    first, second = (side(*each) for each in compared.sides)
    answer = compared.answer
    return {
        "first": first,
        "second": second,
        "difference": document(answer.difference) if answer.HasField("difference") else None,
        "revision": answer.revision.value,
    }


def lines(compared: Compared, columns: int | None) -> Iterator[str]:
    """The comparison for people: in words, then both sides with their intervals below each other."""
    labels = _labels(compared)
    yield printable(_sentence(compared, labels))
    if not any(rating.plays for _, rating, _ in compared.sides):
        return
    yield ""
    yield from _sides(compared, labels, columns)
    difference = compared.answer.difference
    if _surprises(compared):
        yield ""
        yield (
            "The difference is estimated from all plays together and shrunk toward 0, the more so the fewer they are; "
            "it may not equal the difference of the two ratings."
        )
    if difference.shared_plays:
        yield ""
        yield _shared(compared)


def _shared(compared: Compared) -> str:
    """How many plays are in both sides. They cancel out only where one model grades them for one subject."""
    answer, (one, other) = compared.answer, compared.subjects
    shared = answer.difference.shared_plays
    are = "is" if shared == 1 else "are"
    if one.subject_id != other.subject_id or answer.first_model != answer.second_model:
        return f"{counted(shared, 'play')} {are} shared."
    return f"{counted(shared, 'play')} {are} in both splits and {'cancels' if shared == 1 else 'cancel'} out."


def _sentence(compared: Compared, labels: Sequence[str]) -> str:
    answer, view, split = compared.answer, compared.first.view, compared.first.split
    where = f" where {split}" if split and split == compared.second.split else ""
    if not any(rating.plays for _, rating, _ in compared.sides):
        return f"Neither {' nor '.join(labels)} has plays{where}."
    for label, (_, rating, _) in zip(labels, compared.sides, strict=True):
        if not rating.plays:
            return f"{label} has no plays{where}: there is nothing to compare."
    if not answer.HasField("difference"):
        return f"{labels[0]} and {labels[1]} cannot be compared."
    first, second = (
        f"{label} ({_rated(view, rating)})" for label, (_, rating, _) in zip(labels, compared.sides, strict=True)
    )
    difference, (form, unit) = answer.difference, (view.difference.form, view.difference.unit)
    interval = f"[90%: {difference.difference_low:{form}} to {difference.difference_high:{form}}]"
    size = f"{abs(difference.difference):{form}}"
    better = difference.probability_first_is_better
    if not float(size):
        return (
            f"{first} and {second} cannot be told apart: estimated true difference {size} {unit} {interval}; "
            f"probability that the first is higher: {chance(better)}."
        )
    above = difference.difference > 0
    word = "higher" if above else "lower"
    return (
        f"{first} compared with {second}: estimated true difference {size} {unit} {word} {interval}; "
        f"probability that it is {word}: {chance(better if above else 1 - better)}."
    )


def _surprises(compared: Compared) -> bool:
    """Whether the difference visibly disagrees with the ratings shown beside it."""
    answer, view = compared.answer, compared.first.view
    if not answer.HasField("difference"):
        return False
    if view.number != common.ROLE_PASSER:  # their ratings are sums over plays, the difference is of one play
        return not float(f"{abs(answer.difference.difference):{view.difference.form}}")
    apart = view.interval(answer.first).value - view.interval(answer.second).value
    return abs(apart - answer.difference.difference) > NOTICED_POINTS


def _rated(view: RoleView, rating: messages.Rating) -> str:
    value = view.number_text(view.interval(rating).value)
    return value if view.number == common.ROLE_PASSER else f"{value} over {counted(rating.plays, view.words.play)}"


def _labels(compared: Compared) -> tuple[str, str]:
    """Names of the two sides, each with what distinguishes it from the other."""
    first, second = compared.first, compared.second

    def label(subject: common.Subject, question: Question, model: common.ModelVersion) -> str:
        name = subject.subject_name or subject.subject_id
        split = "" if first.split == second.split else f" where {question.split}" if question.split else " in all plays"
        by = "" if compared.answer.first_model == compared.answer.second_model else f" by {model_label(model)}"
        return f"{name}{split}{by}"

    one, other = (
        label(subject, question, model)
        for subject, (question, _, model) in zip(compared.subjects, compared.sides, strict=True)
    )
    return one, other


def _sides(compared: Compared, labels: Sequence[str], columns: int | None) -> Iterator[str]:
    view = compared.first.view
    intervals = [view.interval(rating) for _, rating, _ in compared.sides]
    scale = Scale(min(each.low for each in intervals), max(each.high for each in intervals))
    headings = (
        Heading(view.words.subject, shrinks=True),
        Heading("team", spare=1),
        Heading("plays", right=True, spare=2),
        Heading(view.words.measure, right=True),
        Heading("90% interval", right=True),
        Heading("", optional=True),
    )
    rows = [
        (
            label,
            rating.subject.team_id if view.number != common.ROLE_SHOOTING_TEAM else "",
            str(rating.plays),
            view.number_text(interval.value),
            view.interval_text(interval),
            scale.interval(*interval),
        )
        for label, (_, rating, _), interval in zip(labels, compared.sides, intervals, strict=True)
    ]
    return table(headings, rows, columns)
