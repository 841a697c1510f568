"""Checks messages against the limits that their contracts state (`playscore.limits`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
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
        if not plan.rule.holds(message):
            for where, right in plan.rule.broken(message):
                yield FieldViolation(f"{prefix}{plan.name}{where}", right), plan.reason
        if plan.nested and plan.name not in leaving:
            if plan.repeated:
                for place, item in enumerate(getattr(message, plan.name)):
                    yield from _violations(item, f"{prefix}{plan.name}[{place}].")
            elif message.HasField(plan.name):
                yield from _violations(getattr(message, plan.name), f"{prefix}{plan.name}.")


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a field may hold: whether a message keeps to it; if not, where in the field, and what would be right."""

    holds: Callable[[Any], bool]
    broken: Callable[[Any], Iterable[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one field is checked."""

    name: str
    repeated: bool
    nested: bool
    rule: _Rule
    reason: Reason


@cache
def _plan(descriptor: Descriptor) -> tuple[_Plan, ...]:
    """The fields of a message that can be wrong, in the order of the contract."""
    return tuple(plan for field in descriptor.fields if (plan := _plan_of(field)) is not None)


def _plan_of(field: FieldDescriptor) -> _Plan | None:
    limits = FIELD_LIMITS.get(field.full_name, FieldLimits())
    nested = field.message_type is not None and _has_limits(field.message_type)
    enum = field.enum_type if field.enum_type is not None and field.enum_type.full_name not in _OPEN_ENUMS else None
    if limits == FieldLimits() and not nested and enum is None:
        return None
    if field.is_repeated:
        rule = _list(field, limits)
    elif enum is not None:
        rule = _enum(field, limits, enum)
    elif field.cpp_type in _NUMBERS:
        rule = _number(field, limits)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        rule = _text(field, limits)
    else:
        rule = _presence(field, limits)
    return _Plan(field.name, field.is_repeated, nested, rule, limits.reason)


@cache
def _has_limits(descriptor: Descriptor) -> bool:
    return bool(_plan(descriptor))


def _presence(field: FieldDescriptor, limits: FieldLimits) -> _Rule:
    name = field.name
    return _Rule(
        (lambda message: bool(message.HasField(name))) if limits.required else (lambda _: True),
        lambda _: [("", "must be set")],
    )


def _number(field: FieldDescriptor, limits: FieldLimits) -> _Rule:
    name, get, allows = field.name, attrgetter(field.name), limits.allows_number

    def holds_where_set(message: Any) -> bool:
        return allows(get(message)) if message.HasField(name) else not limits.required

    def broken(message: Any) -> list[tuple[str, str]]:
        if field.has_presence and not message.HasField(name):
            return [("", "must be set")]
        return [("", f"must be {limits.range}, not {get(message):g}")]

    return _Rule(holds_where_set if field.has_presence else lambda message: allows(get(message)), broken)


def _enum(field: FieldDescriptor, limits: FieldLimits, enum: EnumDescriptor) -> _Rule:
    get = attrgetter(field.name)
    allowed = frozenset(value.number for value in enum.values if value.number or not limits.required)
    choices = ", ".join(value.name for value in enum.values if value.number)
    return _Rule(lambda message: get(message) in allowed, lambda _: [("", f"must be one of {choices}")])


def _text(field: FieldDescriptor, limits: FieldLimits) -> _Rule:
    get, kind, most = attrgetter(field.name), limits.text, limits.max_characters

    def holds(message: Any) -> bool:
        text = get(message)
        if not text:
            return not limits.required
        return kind.allows(text) if kind is not None else not most or len(text) <= most

    def broken(message: Any) -> list[tuple[str, str]]:
        text = get(message)
        if kind is not None:
            return [("", f"must have {kind.value}")]
        return [("", f"must have at most {most} characters, not {len(text)}" if text else "must be set")]

    return _Rule(holds, broken)


def _list(field: FieldDescriptor, limits: FieldLimits) -> _Rule:
    get, kind, most = attrgetter(field.name), limits.text, limits.max_items

    def broken(message: Any) -> Iterator[tuple[str, str]]:
        items = get(message)
        if limits.required and not items:
            yield "", "must not be empty"
        if most and len(items) > most:
            yield "", f"must be at most {most}, not {len(items)}"
        elif kind is not None:
            for place, text in enumerate(items):
                if not kind.allows(text):
                    yield f"[{place}]", f"must have {kind.value}"
        elif (
            limits.minimum is not None
            and items
            and not (limits.allows_number(min(items)) and limits.allows_number(max(items)))
        ):
            yield "", f"must be {limits.range}"

    return _Rule(lambda message: next(broken(message), None) is None, broken)
