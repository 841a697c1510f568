"""Every limit that a contract states is enforced: break it in a message that is right, and the field is named."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import playscore
from playscore.errors import PlayscoreError, Reason
from playscore.field_limits import FIELD_LIMITS
from playscore.limits import FieldLimits, TextKind
from playscore.tracking.v1.tracking_pb2 import LENGTH_UNIT_YARD, GameHeader, Roster
from playscore.wire.validation import MAX_VIOLATIONS, check

OPEN_ENUMS = ("playscore.common.v1.Reason",)
"""They grow: a value of a newer contract is kept."""
NUMBERS = (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_DOUBLE)
TEXTS = {
    TextKind.IDENTIFIER: ("x" * 128, ("x" * 129, "a\nb", "a\tb")),
    TextKind.LEAGUE: ("NFL", ("N F L", "x" * 65, "é")),
    TextKind.NAME: ("n" * 256, ("n" * 257, "a\nb")),
}
"""Of each kind a text that is right, and some that are not."""


@cache
def contracts() -> tuple[Descriptor, ...]:
    """All messages of the contracts."""
    modules = [module.name for module in pkgutil.walk_packages(playscore.__path__, "playscore.")]
    files = [importlib.import_module(name).DESCRIPTOR for name in sorted(modules) if name.endswith("_pb2")]
    return tuple(message for file in files for message in file.message_types_by_name.values())


@cache
def limits_of(field: FieldDescriptor) -> FieldLimits:
    return FIELD_LIMITS.get(field.full_name, FieldLimits())


def right(descriptor: Descriptor) -> Any:
    """A message within all limits, with no more in it than they ask for."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        limits = limits_of(field)
        if limits.required or (limits.minimum is not None and not field.has_presence and not field.is_repeated):
            put(message, field, right_value(field))
    return message


def right_value(field: FieldDescriptor) -> Any:
    """A value, or an item, that a field may hold."""
    limits = limits_of(field)
    if field.message_type is not None:
        return right(field.message_type)
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.cpp_type in NUMBERS:
        least = limits.minimum or 0.0
        return kind(field)(least + 1 if limits.exclusive_minimum else least)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return True
    return TEXTS[limits.text][0] if limits.text else "x"


def message_of(field: FieldDescriptor) -> Descriptor:
    """The message that a field is of."""
    assert field.containing_type is not None
    return field.containing_type


def kind(field: FieldDescriptor) -> Callable[[float], float]:
    return float if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE else int


def put(message: Message, field: FieldDescriptor, value: Any) -> None:
    """Sets a field, or appends to it."""
    held = getattr(message, field.name)
    if field.is_repeated:
        held.append(value)
    elif field.message_type is not None:
        held.SetInParent()
        held.CopyFrom(value)
    else:
        setattr(message, field.name, value)


class Case(NamedTuple):
    """A field, a change of a message that is right, and where in the field it is wrong then: None for nowhere."""

    field: FieldDescriptor
    what: str
    change: Callable[[Any], None]
    where: str | None

    @property
    def name(self) -> str:
        return f"{self.field.full_name.removeprefix('playscore.')}: {self.what}"


def cases() -> Iterator[Case]:
    for descriptor in contracts():
        for field in descriptor.fields:
            yield from cases_of(field, limits_of(field))


def cases_of(field: FieldDescriptor, limits: FieldLimits) -> Iterator[Case]:
    def holding(what: str, value: Any, where: str | None) -> Case:
        def change(message: Any) -> None:
            message.ClearField(field.name)
            put(message, field, value)

        return Case(field, what, change, where)

    def items(count: int, where: str | None) -> Case:
        def change(message: Any) -> None:
            message.ClearField(field.name)
            for _ in range(count):
                put(message, field, right_value(field))

        return Case(field, f"{count} items", change, where)

    if limits.required:
        yield Case(field, "absent", lambda message: message.ClearField(field.name), "")
    if limits.minimum is not None:
        yield holding("the minimum", kind(field)(limits.minimum), "" if limits.exclusive_minimum else None)
        yield holding("below the minimum", kind(field)(limits.minimum - 1), "")
    if limits.maximum is not None:
        yield holding("the maximum", kind(field)(limits.maximum), None)
        yield holding("above the maximum", kind(field)(limits.maximum + 1), "")
    if limits.minimum is not None and kind(field) is float:
        yield holding("not a number", math.nan, "")
        yield holding("without end", math.inf, "" if limits.maximum is not None else None)
    if limits.text is not None:
        fits, others = TEXTS[limits.text]
        yield holding(f"a text that is {limits.text.value}", fits, None)
        for text in (*others, *([""] if field.is_repeated else [])):
            yield holding(f"the text {text[:4]!r} of {len(text)}", text, "[0]" if field.is_repeated else "")
    if limits.max_characters:
        yield holding(f"{limits.max_characters} characters", "x" * limits.max_characters, None)
        yield holding("a character too many", "x" * (limits.max_characters + 1), "")
    if limits.max_items:
        yield items(limits.max_items, None)
        yield items(limits.max_items + 1, "")
    if field.enum_type is not None:
        yield holding("a value of no contract", 1_000_000, None if field.enum_type.full_name in OPEN_ENUMS else "")


CASES = tuple(cases())


def violations(message: Message, path: str = "") -> tuple[Reason | None, tuple[str, ...]]:
    """The reason of the refusal, and the fields that it names; none for a message that is not refused."""
    try:
        check(message, path)
    except PlayscoreError as refusal:
        for violation in refusal.fields:
            assert violation.description in refusal.detail
        return refusal.reason, tuple(violation.field for violation in refusal.fields)
    return None, ()


def test_every_limit_is_of_a_field_there_is() -> None:
    assert set(FIELD_LIMITS) <= {field.full_name for message in contracts() for field in message.fields}
    stated = {field for field, limits in FIELD_LIMITS.items() if limits != FieldLimits()}
    of_bodies = {field for field, limits in FIELD_LIMITS.items() if limits.max_numbers or limits.max_parts}
    checked = {case.field.full_name for case in CASES if limits_of(case.field) != FieldLimits()}
    assert checked <= stated <= checked | of_bodies, "limits of bodies are checked before there is a message"


@pytest.mark.parametrize("descriptor", contracts(), ids=lambda descriptor: descriptor.full_name)
def test_a_message_that_holds_what_is_required_is_right(descriptor: Descriptor) -> None:
    assert violations(right(descriptor)) == (None, ())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_limit_is_enforced_and_names_its_field(case: Case) -> None:
    message = right(message_of(case.field))
    case.change(message)
    found = violations(message, "request")
    if case.where is None:
        assert found == (None, ())
    else:
        assert found == (limits_of(case.field).reason, (f"request.{case.field.name}{case.where}",))


def test_a_field_within_others_is_named_by_its_whole_path() -> None:
    """From every field that holds a message, down to every limit within."""
    for outer in (field for message in contracts() for field in message.fields if field.message_type is not None):
        assert outer.message_type is not None
        for case in CASES:
            if message_of(case.field) is not outer.message_type or case.where is None:
                continue
            message, place = right(message_of(outer)), "[1]" if outer.is_repeated else ""
            broken = right(outer.message_type)
            case.change(broken)
            message.ClearField(outer.name)
            if outer.is_repeated:
                put(message, outer, right(outer.message_type))
            put(message, outer, broken)
            _, fields = violations(message)
            assert fields == (f"{outer.name}{place}.{case.field.name}{case.where}",), f"{outer.full_name}, {case.name}"


def test_everything_wrong_is_named_at_once_with_the_reason_of_the_first() -> None:
    message = right(GameHeader.DESCRIPTOR)
    message.key.league = ""
    message.sport = 0
    message.coordinates.length_unit = LENGTH_UNIT_YARD
    assert violations(message, "header") == (
        Reason.FIELD_INVALID,
        ("header.key.league", "header.sport", "header.coordinates.origin"),
    )


def test_a_mistake_that_repeats_itself_is_named_so_often_and_no_more() -> None:
    roster = Roster()
    for _ in range(200):
        roster.players.add()
    assert len(violations(roster)[1]) == MAX_VIOLATIONS


def test_what_the_caller_checks_item_by_item_is_left_to_them_but_for_its_number() -> None:
    roster = Roster()
    roster.players.add()
    check(roster, leaving=("players",))
    for _ in range(200):
        roster.players.add()
    with pytest.raises(PlayscoreError, match="players must be at most 200, not 201"):
        check(roster, leaving=("players",))
