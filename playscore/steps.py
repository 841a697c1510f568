"""Work in steps: a generator that yields wherever it can be interrupted, and returns its result."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

R = TypeVar("R")

Steps: TypeAlias = Generator[None, None, R]


def at_once(steps: Steps[R]) -> R:
    """The result of work that is not interrupted."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: R = end.value
            return result
