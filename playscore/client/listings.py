"""Paged answers, read as one list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Generic, Protocol, TypeVar


class Paged(Protocol):
    """A page of an answer."""

    next_page_token: str
    """Empty on the last page."""


Page = TypeVar("Page", bound=Paged)
Item = TypeVar("Item")


class Listing(Generic[Page, Item]):
    """What a list call answers, page after page as it is read.

    `async for item in listing` reads the items, `async for page in listing.pages()` whole pages, with what they say
    besides: `total_size`, `revision`. The first page is asked for once and kept; list again to see a newer state.
    Reading raises as `Connection` does.
    """

    def __init__(self, ask: Callable[[str], Awaitable[Page]], items: Callable[[Page], Iterable[Item]]) -> None:
        """`ask` fetches the page of a token ("": the first); `items` are those of a page."""
        self._ask = ask
        self._items = items
        self._first: Page | None = None

    async def first_page(self) -> Page:
        """The first page."""
        if self._first is None:
            self._first = await self._ask("")
        return self._first

    async def pages(self) -> AsyncIterator[Page]:
        """All pages."""
        page = await self.first_page()
        yield page
        while page.next_page_token:
            page = await self._ask(page.next_page_token)
            yield page

    async def __aiter__(self) -> AsyncIterator[Item]:
        """All items."""
        async for page in self.pages():
            for item in self._items(page):
                yield item
