"""Lists answered page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_T = TypeVar("_T")

DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """Some of a list, and how it goes on."""

    items: Sequence[_T]
    next_page_token: str
    total_size: int


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list is asked for. Size 0 is the default; sizes above the limit are cut to it."""

    size: int = 0
    token: str = ""

    def limit(self, default: int = DEFAULT_PAGE) -> int:
        """Items of a page."""
        return min(self.size or default, MAX_PAGE)


FIRST_PAGE: Final = Paging()
