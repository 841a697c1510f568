"""Lists answered page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from aggregator.core.tokens import Arguments, Json, Tokens
from servicekit.tokens import Keyring

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

    size: int
    token: str
    tokens: Tokens

    def limit(self, default: int = DEFAULT_PAGE) -> int:
        """Items of a page."""
        return min(self.size or default, MAX_PAGE)

    def after(self, arguments: Arguments) -> list[Json] | None:
        """The place that the page comes after; None for the first page. Raises PAGE_TOKEN_INVALID."""
        return self.tokens.read_page(self.token, arguments)

    def next(self, arguments: Arguments, place: list[Json]) -> str:
        """The token of the page after a place."""
        return self.tokens.page(arguments, place)


FIRST_PAGE: Final = Paging(0, "", Tokens(Keyring.random(), ""))
"""Of the default size, for whoever asks for no other page."""
