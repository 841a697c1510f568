"""Answers as rows of plain values under typed columns: what all machine formats are written from.

A value that is not known is None: an absent field, an empty text, an enum's "unspecified", a number that is not finite.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from aggregator.commands.roles import RoleView
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import ListedPlay
from playscore.common.v1 import common_pb2 as common

Cell: TypeAlias = int | float | bool | str | None


class Kind(enum.Enum):
    """What a column holds."""

    WHOLE = "a whole number"
    NUMBER = "a number"
    FLAG = "true or false"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of rows."""

    name: str
    kind: Kind


_KINDS: Final = {
    FieldDescriptor.CPPTYPE_INT32: Kind.WHOLE,
    FieldDescriptor.CPPTYPE_INT64: Kind.WHOLE,
    FieldDescriptor.CPPTYPE_DOUBLE: Kind.NUMBER,
    FieldDescriptor.CPPTYPE_BOOL: Kind.FLAG,
    FieldDescriptor.CPPTYPE_STRING: Kind.TEXT,
    FieldDescriptor.CPPTYPE_ENUM: Kind.TEXT,
}
_FIELD_KINDS: Final = {
    messages.SPLIT_FIELD_TYPE_INTEGER: Kind.WHOLE,
    messages.SPLIT_FIELD_TYPE_NUMBER: Kind.NUMBER,
    messages.SPLIT_FIELD_TYPE_BOOLEAN: Kind.FLAG,
}
_SUBJECT: Final = ("subject_id", "subject_name", "team_id")
QUANTILES: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The quantiles of a distribution of yards that a row has, in columns called `yards_p05` and so on."""
_TOUCHDOWN: Final = "touchdown_probability"


def kinds_of(fields: Iterable[messages.SplitField]) -> dict[str, Kind]:
    """The kinds of split fields, by their names."""
    return {field.name: _FIELD_KINDS.get(field.type, Kind.TEXT) for field in fields}


class RatingRows:
    """Ratings of a role as rows, grouped by some fields of splits, whose kinds are among `kinds`."""

    def __init__(self, view: RoleView, group_by: Sequence[str], kinds: Mapping[str, Kind]) -> None:
        self._value = view.words.value
        self._groups = [name for name in group_by if name not in _SUBJECT]
        value = messages.Rating.DESCRIPTOR.fields_by_name[view.words.value].message_type
        assert value is not None
        self._values = _fields(value)
        self.columns = (
            *(Column(name, Kind.TEXT) for name in _SUBJECT),
            *(Column(name, kinds.get(name, Kind.TEXT)) for name in self._groups),
            Column("plays", Kind.WHOLE),
            *(Column(field.name, _KINDS[field.cpp_type]) for field in self._values),
            Column("qualified", Kind.FLAG),
            Column("rank", Kind.WHOLE),
            Column("percentile", Kind.NUMBER),
        )

    def row(self, rating: messages.Rating) -> tuple[Cell, ...]:
        """A rating under the columns."""
        value = getattr(rating, self._value)
        return (
            *self.key(rating),
            rating.plays,
            *(_cell(value, field) for field in self._values),
            rating.qualified,
            rating.rank or None,
            rating.percentile if rating.HasField("percentile") else None,
        )

    def key(self, rating: messages.Rating | messages.RatingKey) -> tuple[Cell, ...]:
        """The subject and the group of a rating: the columns before `plays`."""
        group = {each.field: field_value(each) for each in rating.group}
        return (*(getattr(rating.subject, name) or None for name in _SUBJECT), *(group.get(n) for n in self._groups))

    def named_key(self, rating: messages.RatingKey) -> dict[str, Cell]:
        """The key by the names of its columns."""
        return dict(zip((column.name for column in self.columns), self.key(rating), strict=False))


class PlayRows:
    """Plays of a role as rows, with quantiles of what was expected where `distributions` are asked for.

    A field that both the measure and the attributes have (`level` of a shot), or both the subject and the attributes
    (`team_id`), is one column: they say the same.
    """

    def __init__(self, view: RoleView, *, distributions: bool) -> None:
        record = messages.ScoreRecord.DESCRIPTOR
        self._of_yards = distributions and view.number == common.ROLE_PASSER
        self._fields: dict[str, list[tuple[str, FieldDescriptor]]] = {}
        for part in ("key", "subject", "model", "", view.measure, view.attributes):
            owner = record.fields_by_name[part].message_type if part else record
            assert owner is not None
            for field in _fields(owner):
                self._fields.setdefault(_PLAY_NAMES.get((part, field.name), field.name), []).append((part, field))
        self._fields.pop("role")
        self.columns = (
            *(Column(name, _KINDS[fields[0][1].cpp_type]) for name, fields in self._fields.items()),
            *(Column(name, Kind.NUMBER) for name in (*map(quantile_name, QUANTILES), _TOUCHDOWN) if self._of_yards),
        )

    def row(self, play: ListedPlay) -> tuple[Cell, ...]:
        """A play under the columns."""
        cells = (self._known(play.record, fields) for fields in self._fields.values())
        return (*cells, *(self._expected(play) if self._of_yards else ()))

    def _known(self, record: messages.ScoreRecord, fields: Sequence[tuple[str, FieldDescriptor]]) -> Cell:
        for part, field in fields:
            if part and not record.HasField(part):  # type: ignore[arg-type]
                continue
            if (cell := _cell(getattr(record, part) if part else record, field)) is not None:
                return cell
        return None

    def _expected(self, play: ListedPlay) -> tuple[Cell, ...]:
        if play.support is None:
            return (None,) * (len(QUANTILES) + 1)
        expected = play.distribution()
        touchdown = float(expected.atom) if math.isfinite(expected.ceiling) else None
        return (*(finite(float(each)) for each in expected.icdf(QUANTILES)), touchdown)


_PLAY_NAMES: Final = {("model", "name"): "model", ("model", "version"): "model_version"}


def quantile_name(share: float) -> str:
    """The column of a quantile."""
    return f"yards_p{round(share * 100):02}"


def field_value(value: messages.FieldValue) -> Cell:
    """A value of a split field; None for the plays whose field is not known."""
    chosen = value.WhichOneof("value")
    if chosen is None:
        return None
    cell: Cell = getattr(value, chosen)
    return finite(cell) if isinstance(cell, float) else cell


def finite(number: float) -> float | None:
    """The number, or None where it is infinite or none at all."""
    return number if math.isfinite(number) else None


def document(message: Message) -> dict[str, Any]:
    """A message as JSON. Every field is a member, under its name in the contract: null for one that is not known.

    Enums are text, times are in ISO 8601 (UTC), and a token is its text. Of a oneof the arm that is set is a member.
    """
    members: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is None:
            members[field.name] = _cell(message, field)  # type: ignore[arg-type]
        elif message.HasField(field.name):
            members[field.name] = _nested(value)
        elif field.containing_oneof is None:
            members[field.name] = None
    return members


def _nested(value: Message) -> Any:
    match value:
        case Timestamp():
            return value.ToDatetime(UTC).isoformat()
        case common.RevisionToken():
            return value.value
    return document(value)


def named(columns: Sequence[Column], row: Sequence[Cell]) -> dict[str, Cell]:
    """A row by the names of its columns."""
    return {column.name: cell for column, cell in zip(columns, row, strict=True)}


def _fields(owner: Descriptor) -> list[FieldDescriptor]:
    """The fields of a message that are plain values."""
    return [field for field in owner.fields if field.message_type is None and not field.is_repeated]


def _cell(message: Any, field: FieldDescriptor) -> Cell:
    if field.has_presence and not message.HasField(field.name):
        return None
    value: Cell = getattr(message, field.name)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(int(value or 0))
        return None if not value else known.name if known is not None else str(value)
    if isinstance(value, float):
        return finite(value)
    return None if value == "" else value
