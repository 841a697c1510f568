"""Checks messages against the limits that their contracts state (`playscore.limits`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.field_limits import FIELD_LIMITS
from playscore.limits import FieldLimits

MAX_VIOLATIONS: Final = 100
"""Named of one message; a caller that made more has one mistake, repeated."""

_OPEN_ENUMS: Final = frozenset({"playscore.common.v1.Reason"})
"""Enums that grow: a value of a newer contract is kept, not refused."""
_NUMBERS: Final = frozenset(
    {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_DOUBLE}
)

Violation = tuple[FieldViolation, Reason]


def check(message: Message, path: str = "", *, leaving: Collection[str] = ()) -> None:
    """Raise where a message, or one within it, breaks the limits of its fields.

    Args:
        message: of any of our contracts.
        path: of the message itself, in front of every field named.
        leaving: fields of the message whose items the caller checks one by one; only their number is checked here.

    Raises:
        PlayscoreError: with every field at fault; its reason is the one that the contract states for the first of them.
    """
    found = list(_violations(message, f"{path}." if path else "", leaving))
    if found:
        raise _refusal(found[:MAX_VIOLATIONS])


def invalid(field: str, description: str, reason: Reason = Reason.FIELD_INVALID) -> PlayscoreError:
    """The refusal of one field; `description` says what would be right."""
    return PlayscoreError(reason, f"{field} {description}", fields=(FieldViolation(field, description),))


def _refusal(found: Sequence[Violation]) -> PlayscoreError:
    fields = tuple(violation for violation, _ in found)
    text = "; ".join(f"{violation.field} {violation.description}" for violation in fields)
    return PlayscoreError(found[0][1], text, fields=fields)


def _violations(message: Message, prefix: str, leaving: Collection[str] = ()) -> Iterator[Violation]:
    for plan in _plan(message.DESCRIPTOR):
        for wrong in plan.wrong(message, plan):
            yield FieldViolation(f"{prefix}{plan.name}{wrong[0]}", wrong[1]), plan.limits.reason
        if plan.nested and plan.name not in leaving:
            if plan.repeated:
                for place, item in enumerate(getattr(message, plan.name)):
                    yield from _violations(item, f"{prefix}{plan.name}[{place}].")
            elif message.HasField(plan.name):
                yield from _violations(getattr(message, plan.name), f"{prefix}{plan.name}.")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one field is checked. `wrong` yields what is: where within the field, and what would be right."""

    name: str
    limits: FieldLimits
    presence: bool
    repeated: bool
    nested: bool
    wrong: Callable[[Any, _Plan], Iterator[tuple[str, str]]]
    values: frozenset[int] = frozenset()
    choices: str = ""


@cache
def _plan(descriptor: Descriptor) -> tuple[_Plan, ...]:
    """The fields of a message that can be wrong, in the order of the contract."""
    return tuple(plan for field in descriptor.fields if (plan := _plan_of(field)) is not None)


def _plan_of(field: FieldDescriptor) -> _Plan | None:
    limits = FIELD_LIMITS.get(field.full_name, FieldLimits())
    nested = field.message_type is not None and _has_limits(field.message_type)
    values, choices = _enum(field.enum_type) if field.enum_type is not None else (frozenset[int](), "")
    if limits == FieldLimits() and not nested and not values:
        return None
    if field.is_repeated:
        wrong = _wrong_list
    elif field.enum_type is not None:
        wrong = _wrong_enum
    elif field.message_type is not None:
        wrong = _wrong_presence
    elif field.cpp_type in _NUMBERS:
        wrong = _wrong_number
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        wrong = _wrong_text
    else:
        wrong = _wrong_presence
    return _Plan(field.name, limits, field.has_presence, field.is_repeated, nested, wrong, values, choices)


@cache
def _has_limits(descriptor: Descriptor) -> bool:
    return bool(_plan(descriptor))


def _enum(enum: EnumDescriptor) -> tuple[frozenset[int], str]:
    if enum.full_name in _OPEN_ENUMS:
        return frozenset(), ""
    named = {value.name: value.number for value in enum.values}
    return frozenset(named.values()), ", ".join(name for name, number in named.items() if number)


def _wrong_presence(message: Any, plan: _Plan) -> Iterator[tuple[str, str]]:
    if plan.limits.required and not message.HasField(plan.name):
        yield "", "must be set"


def _wrong_number(message: Any, plan: _Plan) -> Iterator[tuple[str, str]]:
    if plan.presence and not message.HasField(plan.name):
        if plan.limits.required:
            yield "", "must be set"
        return
    value = getattr(message, plan.name)
    if not plan.limits.allows_number(value):
        yield "", f"must be {plan.limits.range}, not {value:g}"


def _wrong_enum(message: Any, plan: _Plan) -> Iterator[tuple[str, str]]:
    value = getattr(message, plan.name)
    if (plan.values and value not in plan.values) or (plan.limits.required and not value):
        yield "", f"must be one of {plan.choices}"


def _wrong_text(message: Any, plan: _Plan) -> Iterator[tuple[str, str]]:
    text = getattr(message, plan.name)
    limits = plan.limits
    if not text:
        if limits.required:
            yield "", f"must have {limits.text.value}" if limits.text else "must be set"
    elif limits.text is not None and not limits.text.allows(text):
        yield "", f"must have {limits.text.value}"
    elif limits.max_characters and len(text) > limits.max_characters:
        yield "", f"must have at most {limits.max_characters} characters, not {len(text)}"


def _wrong_list(message: Any, plan: _Plan) -> Iterator[tuple[str, str]]:
    items, limits = getattr(message, plan.name), plan.limits
    if limits.required and not items:
        yield "", "must not be empty"
    if limits.max_items and len(items) > limits.max_items:
        yield "", f"must be at most {limits.max_items}, not {len(items)}"
    elif limits.text is not None:
        for place, text in enumerate(items):
            if not limits.text.allows(text):
                yield f"[{place}]", f"must have {limits.text.value}"
    elif (
        limits.minimum is not None
        and items
        and not (limits.allows_number(min(items)) and limits.allows_number(max(items)))
    ):
        yield "", f"must be {limits.range}"
