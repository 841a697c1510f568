"""The machine formats say what the calls answered, all three the same."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import math
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.commands.cells import Cell, Column, Kind, PlayRows, RatingRows, document, kinds_of, named
from aggregator.commands.formats import Row, Rows, escaped, write_csv, write_json, write_parquet
from aggregator.commands.roles import VIEWS, RoleView
from aggregator.core.fields import FieldType
from aggregator.faceoffs.fields import SCHEMA as FACEOFFS
from aggregator.messages import field_to_message
from aggregator.passing.fields import SCHEMA as PASSING
from aggregator.shots.fields import SCHEMA as SHOTS
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import ListedPlay
from playscore.common.v1 import common_pb2 as common

SCHEMAS = {"passing": PASSING, "shots": SHOTS, "faceoffs": FACEOFFS}
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
WHOLE = st.integers(0, 2**31 - 1)


def field_values(name: str, field_type: FieldType) -> st.SearchStrategy[messages.FieldValue]:
    arm, values = {
        FieldType.INTEGER: ("integer", st.integers(-(2**53), 2**53)),
        FieldType.NUMBER: ("number", NUMBERS),
        FieldType.BOOLEAN: ("flag", st.booleans()),
    }.get(field_type, ("text", TEXTS.filter(bool)))
    return st.one_of(
        st.just(messages.FieldValue(field=name)),
        values.map(lambda value: messages.FieldValue(field=name, **{arm: value})),  # type: ignore[arg-type]
    )


def filled(message: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """A message with any of its plain fields set to anything."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None or field.is_repeated or (field.has_presence and draw(st.booleans())):
            continue
        if field.enum_type is not None:
            value = draw(st.sampled_from(list(field.enum_type.values_by_number)))
        else:
            kinds: dict[int, st.SearchStrategy[Any]] = {
                field.CPPTYPE_DOUBLE: NUMBERS,
                field.CPPTYPE_BOOL: st.booleans(),
                field.CPPTYPE_STRING: TEXTS,
            }
            value = draw(kinds.get(field.cpp_type, WHOLE))
        setattr(message, field.name, value)
    return message


@st.composite
def answers(draw: st.DrawFn) -> tuple[RoleView, list[str], list[messages.Rating]]:
    """A role, what its ratings are grouped by, and ratings as a service may answer them."""
    view = draw(st.sampled_from(list(VIEWS.values())))
    groupable = [field for field in SCHEMAS[view.words.value].fields.values() if field.groups]
    groups = draw(st.lists(st.sampled_from(groupable), unique=True, max_size=3))

    def rating() -> messages.Rating:
        made = messages.Rating(
            subject=filled(common.Subject(), draw),
            group=[draw(field_values(field.name, field.type)) for field in groups],
            plays=draw(WHOLE),
            qualified=draw(st.booleans()),
            rank=draw(st.integers(0, 9)),
        )
        filled(view.value_of(made), draw)
        view.value_of(made).SetInParent()
        return made

    return view, [field.name for field in groups], [rating() for _ in range(draw(st.integers(0, 4)))]


def written(rows: Rows, path: Path) -> tuple[Any, list[dict[str, str]], pl.DataFrame]:
    """The rows out of JSON, CSV and Parquet."""

    async def write(again: Any) -> tuple[str, str]:
        as_json, as_csv = io.StringIO(), io.StringIO(newline="")
        await write_json(again(), as_json)
        await write_csv(again(), as_csv)
        await write_parquet(again(), path)
        return as_json.getvalue(), as_csv.getvalue()

    content = asyncio.run(_collected(rows))
    as_json, as_csv = asyncio.run(write(lambda: Rows(rows.name, rows.about, rows.columns, _pages(content))))
    return json.loads(as_json), list(csv.DictReader(io.StringIO(as_csv, newline=""))), pl.read_parquet(path)


async def _collected(rows: Rows) -> list[Sequence[Row]]:
    return [page async for page in rows.pages]


async def _pages(pages: Sequence[Sequence[Row]]) -> AsyncIterator[Sequence[Row]]:
    for page in pages:
        yield page


def unescaped(cell: str) -> str:
    """The text that `escaped` made the cell of."""
    return cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell


def read_csv(cell: str, kind: Kind) -> Cell:
    if cell == "":
        return None
    match kind:
        case Kind.TEXT:
            return unescaped(cell)
        case Kind.FLAG:
            return {"true": True, "false": False}[cell]
        case Kind.WHOLE:
            return int(cell)
    return float(cell)


def same_in_all(columns: Sequence[Column], rows: Sequence[Row], path: Path) -> list[dict[str, Cell]]:
    """The rows, which all three formats have."""
    assert len({column.name for column in columns}) == len(columns)
    halves = [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
    document, lines, frame = written(Rows("rows", {"league": "SIM"}, columns, _pages(halves)), path)
    expected = [named(columns, row) for row in rows]
    assert document == {"league": "SIM", "rows": expected}
    kinds = {column.name: column.kind for column in columns}
    assert [{name: read_csv(cell, kinds[name]) for name, cell in line.items()} for line in lines] == expected
    assert frame.to_dicts() == expected
    return expected


def known(value: Any) -> Any:
    """What a row has for a value of a message."""
    return None if value == "" or (isinstance(value, float) and not math.isfinite(value)) else value


@settings(max_examples=60)
@given(answers())
def test_json_csv_and_parquet_say_of_ratings_what_the_call_answered(
    tmp_path_factory: pytest.TempPathFactory, answer: tuple[RoleView, list[str], list[messages.Rating]]
) -> None:
    view, group_by, ratings = answer
    fields = kinds_of(map(field_to_message, SCHEMAS[view.words.value].fields.values()))
    rows = RatingRows(view, group_by, fields)
    path = tmp_path_factory.getbasetemp() / "ratings.parquet"
    for rating, row in zip(ratings, same_in_all(rows.columns, list(map(rows.row, ratings)), path), strict=True):
        assert row["subject_name"] == known(rating.subject.subject_name)
        assert (row["plays"], row["qualified"], row["rank"]) == (rating.plays, rating.qualified, rating.rank or None)
        value = view.value_of(rating)
        for field in value.DESCRIPTOR.fields:
            absent = field.has_presence and not value.HasField(field.name)
            assert row[field.name] == (None if absent else known(getattr(value, field.name)))
        for group in rating.group:
            if group.field not in ("subject_id", "team_id"):
                arm = group.WhichOneof("value")
                assert row[group.field] == (None if arm is None else known(getattr(group, arm)))


@settings(max_examples=60)
@given(st.sampled_from(list(VIEWS.values())), st.data())
def test_json_csv_and_parquet_say_of_plays_what_the_call_answered(
    tmp_path_factory: pytest.TempPathFactory, view: RoleView, data: st.DataObject
) -> None:
    def play() -> messages.ScoreRecord:
        record = messages.ScoreRecord()
        filled(record, data.draw)
        for part in ("key", "subject", "model", view.measure, view.attributes):
            if data.draw(st.booleans()):
                filled(getattr(record, part), data.draw)
                getattr(record, part).SetInParent()
        return record

    plays = [play() for _ in range(data.draw(st.integers(0, 3)))]
    rows = PlayRows(view, distributions=True)
    path = tmp_path_factory.getbasetemp() / "plays.parquet"
    told = same_in_all(rows.columns, [rows.row(ListedPlay(each, None)) for each in plays], path)
    for record, row in zip(plays, told, strict=True):
        assert row["play_id"] == known(record.key.play_id)
        assert (row["revision"], row["outcome_revision"]) == (record.revision, record.outcome_revision)
        attributes = getattr(record, view.attributes)
        for field in attributes.DESCRIPTOR.fields:
            if field.enum_type is None and field.has_presence and field.name not in ("team_id", "level"):
                value = known(getattr(attributes, field.name)) if attributes.HasField(field.name) else None
                assert row[field.name] == value


@given(TEXTS)
def test_no_cell_of_csv_is_a_formula_and_none_loses_its_text(text: str) -> None:
    cell = escaped(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unescaped(cell) == text


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@admin", "'@admin"),
        ("'=1", "''=1"),
        ("'Ofa", "'Ofa"),
        ("O'Neil-Smith", "O'Neil-Smith"),
    ],
)
def test_a_name_that_a_spreadsheet_would_take_for_a_formula_has_an_apostrophe_in_front(name: str, cell: str) -> None:
    assert escaped(name) == cell


def test_csv_is_as_rfc_4180_has_it() -> None:
    columns = (Column("name", Kind.TEXT), Column("points", Kind.NUMBER), Column("ranked", Kind.FLAG))
    out = io.StringIO(newline="")
    rows = [('Smith, "Jo"', -1.5, True), (None, None, False), ("two\nlines", 0.1, False)]
    asyncio.run(write_csv(Rows("ratings", {}, columns, _pages([rows])), out))
    assert out.getvalue() == (
        'name,points,ranked\r\n"Smith, ""Jo""",-1.5,true\r\n,,false\r\n"two\nlines",0.1,false\r\n'
    )


def test_no_field_that_ratings_can_be_grouped_by_is_called_like_another_column() -> None:
    for view in VIEWS.values():
        groups = [field.name for field in SCHEMAS[view.words.value].fields.values() if field.groups]
        names = [column.name for column in RatingRows(view, groups, {}).columns]
        assert len(set(names)) == len(names), view.option


def test_a_message_is_json_with_all_of_its_fields_zero_counts_too() -> None:
    operation = messages.Operation(
        operation_time=Timestamp(seconds=1_800_000_000),
        league="NFL",
        erasure=messages.Erasure(whole_league=False, justification="request 17", scores=3),
        revision=common.RevisionToken(value="r"),
    )
    assert document(operation) == {
        "operation_time": "2027-01-15T08:00:00+00:00",
        "caller": None,
        "request_id": None,
        "league": "NFL",
        "erasure": {
            "whole_league": False,
            "justification": "request 17",
            "scores": 3,
            "superseded": 0,
            "unscored": 0,
            "mentions": 0,
        },
        "revision": "r",
    }
    switch = messages.ModelSwitch(model=common.ModelVersion(name="passing", version=3))
    assert document(switch)["model"] == {"name": "passing", "version": 3}
    assert document(switch)["previous"] is None
