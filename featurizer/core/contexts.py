"""What is known of a play from all its contexts."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import Any, TypeVar

from playscore.game import PlayContext

T = TypeVar("T")


def merged(contexts: Mapping[int, PlayContext]) -> PlayContext:
    """The merge of contexts by their revisions: in this order a set field replaces, an unset one keeps.

    The situation is merged field by field where its type stays the same; one of another type replaces it. A context
    that is complete starts anew.
    """
    return functools.reduce(_amended, (contexts[revision] for revision in sorted(contexts)))


def with_context(contexts: Mapping[int, PlayContext], context: PlayContext) -> dict[int, PlayContext]:
    """The contexts by revision, one more taken in; one of a revision that is there adds to it."""
    earlier = contexts.get(context.revision)
    return {**contexts, context.revision: context if earlier is None else _amended(earlier, context)}


def _amended(known: PlayContext, later: PlayContext) -> PlayContext:
    return later if later.complete else _merge(known, later)


def _merge(known: T, later: T) -> T:
    """`known`, with every field that `later` sets. A field is unset if it is None, empty, or has its default."""
    told: dict[str, Any] = {}
    for field in fields(later):  # type: ignore[arg-type]
        before, value = getattr(known, field.name), getattr(later, field.name)
        if is_dataclass(value) and type(value) is type(before):
            told[field.name] = _merge(before, value)
        elif value is not None and value != "" and (field.default is MISSING or value != field.default):
            told[field.name] = value
    return replace(known, **told)  # type: ignore[type-var]
