"""Domain types whose fields are those of a message, both ways."""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from types import UnionType
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from playscore.wire.common import number
from playscore.wire.validation import check

Domain = TypeVar("Domain")


class Mirror(Generic[Domain]):
    """A dataclass that has a message's fields by their names: enums by their numbers, None for what is not set.

    Args:
        domain: the dataclass.
        message: the class of the message.
        renamed: fields that have another name in the message.
        leaving: fields that are none of the message's kind, which the caller reads and writes.
    """

    def __init__(
        self,
        domain: type[Domain],
        message: type[Message],
        *,
        renamed: Mapping[str, str] | None = None,
        leaving: tuple[str, ...] = (),
    ) -> None:
        self._domain = domain
        self._message = message
        self._renamed = dict(renamed or {})
        self._leaving = leaving

    def to_message(self, value: Domain, **rest: Any) -> Any:
        """The message; `rest` are its fields that are left to the caller."""
        known = {}
        for name, there, _ in self._fields:
            content = getattr(value, name)
            known[there] = number(content) if isinstance(content, enum.Enum) else content
        return self._message(**known, **rest)

    def from_message(self, message: Any, path: str, **rest: Any) -> Domain:
        """The domain's value, `rest` being what is left to the caller. Raises what the limits of the message state."""
        check(message, path)
        known: dict[str, Any] = {}
        for name, there, kind in self._fields:
            content = getattr(message, there)
            if kind is not None:
                known[name] = kind(content) if content else None
            elif message.DESCRIPTOR.fields_by_name[there].has_presence and not message.HasField(there):
                known[name] = None
            else:
                known[name] = content
        return self._domain(**known, **rest)

    @cached_property
    def _fields(self) -> tuple[tuple[str, str, type[enum.Enum] | None], ...]:
        """Name here, name in the message, and the enum of those that are one."""
        types = typing.get_type_hints(self._domain)
        return tuple(
            (field.name, self._renamed.get(field.name, field.name), _enum(types[field.name]))
            for field in fields(self._domain)  # type: ignore[arg-type]
            if field.name not in self._leaving
        )


def _enum(annotation: Any) -> type[enum.Enum] | None:
    """The enum that a field holds, if it does."""
    choices = typing.get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return next((each for each in choices if isinstance(each, type) and issubclass(each, enum.Enum)), None)
