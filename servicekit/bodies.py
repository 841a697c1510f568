"""Requests read from their bytes at a cost that is known beforehand.

A few megabytes can hold millions of parts, each of which takes fifty times its size once it is parsed. So a body that
is not small is counted first: its contract says what it may hold (`max_items`, `max_numbers` and `max_parts` of
`playscore.common.v1.limits`). Then it is parsed in pieces, because nothing else runs while protobuf parses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from playscore.field_limits import FIELD_LIMITS
from playscore.limits import FieldLimits
from playscore.steps import Steps
from playscore.wire.validation import invalid

M = TypeVar("M", bound=Message)

SMALL_BYTES: Final = 1 << 14
"""A body that is parsed as it is: it cannot hold much."""
PIECE_BYTES: Final = 1 << 16
"""Parsed at a time."""
MAX_FIELDS: Final = 1_000_000
"""Of a body. No request of a client that is in earnest has so many."""

_STEP: Final = 2_000
"""Fields that are counted at a time."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS: Final = {
    **dict.fromkeys((FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FIXED64, FieldDescriptor.TYPE_SFIXED64), 8),
    **dict.fromkeys((FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_FIXED32, FieldDescriptor.TYPE_SFIXED32), 4),
}
_TEXTS: Final = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
_NO_LIMITS: Final = FieldLimits()


def parsed(body: bytes, kind: type[M]) -> Steps[M]:
    """The message of a kind that a body is, in steps.

    Raises:
        PlayscoreError: FIELD_INVALID where it holds more than its contract allows.
        DecodeError: it is no such message.
    """
    if len(body) > SMALL_BYTES:
        try:
            yield from _Counting(body).all_of(kind.DESCRIPTOR)
        except IndexError:
            raise DecodeError("it ends within a field") from None
    message = kind()
    yield from _merged(body, message)
    return message


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that has to be counted: a list, or a message that may hold one."""

    name: str
    limits: FieldLimits
    is_list: bool
    is_numbers: bool
    width: int
    """Bytes of a number; 0: as many as it needs."""
    inner: _Plan
    """Of a message."""

    def items(self, body: bytes, wire: int, start: int, end: int) -> int:
        """How many items are added to the list: several numbers may be packed."""
        if not self.is_numbers or wire != _BYTES:
            return 1
        if self.width:
            return (end - start) // self.width
        return int(np.count_nonzero(np.frombuffer(body, np.uint8, end - start, start) < 0x80)) if end > start else 0


@dataclass(slots=True)
class _Held:
    """What a field of a request holds."""

    field: _Field
    items: int = 0
    numbers: int = 0
    parts: int = 0

    def check(self) -> None:
        name, limits = self.field.name, self.field.limits
        if limits.max_items and self.items > limits.max_items:
            raise invalid(name, f"must be at most {limits.max_items}")
        if limits.max_numbers and self.numbers > limits.max_numbers:
            raise invalid(name, f"must hold at most {limits.max_numbers:,} numbers in lists, all together")
        if limits.max_parts and self.parts > limits.max_parts:
            raise invalid(name, f"must hold at most {limits.max_parts:,} texts and messages in lists, all together")


class _Counting:
    """Counts what a body holds, without parsing it. Ends in FIELD_INVALID as soon as that is too much."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._fields = 0

    def all_of(self, descriptor: Any) -> Steps[None]:
        body, plan, at = self._body, _plan(descriptor), 0
        held = {number: _Held(field) for number, field in plan.items()}
        while at < len(body):
            yield from self._field_counted()
            number, wire, start, at = _field(body, at)
            field = plan.get(number)
            if field is None:
                continue
            holder = held[number]
            if field.is_list:
                holder.items += field.items(body, wire, start, at)
                holder.check()
            if field.inner and wire == _BYTES:
                yield from self._within(field.inner, start, at, holder)

    def _within(self, plan: _Plan, at: int, end: int, holder: _Held) -> Steps[None]:
        body = self._body
        while at < end:
            yield from self._field_counted()
            number, wire, start, at = _field(body, at)
            field = plan.get(number)
            if field is None:
                continue
            if field.is_list:
                if field.is_numbers:
                    holder.numbers += field.items(body, wire, start, at)
                else:
                    holder.parts += 1
                holder.check()
            if field.inner and wire == _BYTES:
                yield from self._within(field.inner, start, at, holder)

    def _field_counted(self) -> Iterable[None]:
        self._fields += 1
        if self._fields % _STEP:
            return ()
        if self._fields > MAX_FIELDS:
            raise invalid("request", f"must have at most {MAX_FIELDS:,} fields")
        return (None,)


_Plan = Mapping[int, _Field]


@cache
def _plan(descriptor: Descriptor) -> _Plan:
    """The fields of a message that have to be counted, by their numbers."""
    plan: dict[int, _Field] = {}
    for field in descriptor.fields:
        inner = _plan(field.message_type) if field.message_type is not None else {}
        if field.is_repeated or inner:
            plan[field.number] = _Field(
                name=field.name,
                limits=FIELD_LIMITS.get(field.full_name, _NO_LIMITS),
                is_list=field.is_repeated,
                is_numbers=field.message_type is None and field.type not in _TEXTS,
                width=_WIDTHS.get(field.type, 0),
                inner=inner,
            )
    return plan


def _merged(body: bytes, message: Message) -> Steps[None]:
    """Parses a body into a message, a piece at a time: what is merged in pieces is what was whole."""
    if len(body) <= PIECE_BYTES:
        message.MergeFromString(body)
        return
    known: Any = message.DESCRIPTOR.fields_by_number
    begin = 0
    for number, wire, start, end, whole in _fields(body):
        field = known.get(number)
        large = end - start > PIECE_BYTES and wire == _BYTES and field is not None and field.message_type is not None
        if large or end - begin > PIECE_BYTES:
            message.MergeFromString(body[begin:whole])
            begin = whole
            yield
        if large:
            inner: Any = getattr(message, field.name)
            if field.is_repeated:
                inner = inner.add()
            else:
                inner.SetInParent()
            yield from _merged(body[start:end], inner)
            begin = end
    message.MergeFromString(body[begin:])


def _fields(body: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """The fields of a message, each as `_field` has it, and the place where it begins."""
    at = 0
    try:
        while at < len(body):
            begin = at
            number, wire, start, at = _field(body, at)
            yield number, wire, start, at, begin
    except IndexError:
        raise DecodeError("it ends within a field") from None


def _field(body: bytes, at: int) -> tuple[int, int, int, int]:
    """The field that begins at a place: its number and wire type, and where its content begins and ends.

    Raises DecodeError, or IndexError where the body ends within its head.
    """
    key = body[at]
    at += 1
    if key > 0x7F:
        key, at = _varint(body, at - 1)
    wire = key & 7
    if wire == _BYTES:
        length = body[at]
        at += 1
        if length > 0x7F:
            length, at = _varint(body, at - 1)
        end = at + length
    elif wire == _VARINT:
        end = at + 1
        while body[end - 1] > 0x7F:
            end += 1
    elif wire == _FIXED64:
        end = at + 8
    elif wire == _FIXED32:
        end = at + 4
    else:
        raise DecodeError(f"it has a field of wire type {wire}")
    if end > len(body):
        raise DecodeError("it ends within a field")
    return key >> 3, wire, at, end


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise DecodeError("it has a number of more than ten bytes")
