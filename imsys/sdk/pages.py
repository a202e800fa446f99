"""Lists that the server returns page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

Read = Callable[[str], Awaitable[tuple[list[T], str, bool]]]
"""Reads the page after a cursor; returns its items, the next cursor, and whether it was the last page."""


class Pages(Generic[T]):
    """A list that is read page by page: ``async for item in pages``, or ``async for page in pages.each()``.

    A page is requested when it is needed; each loop starts over.
    :class:`imsys.errors.Refused` is raised where the server refuses.
    """

    def __init__(self, read: Read[T], first: str) -> None:
        self._read = read
        self._first = first

    async def each(self) -> AsyncIterator[list[T]]:
        """Iterate over the pages, as lists of items; none is empty."""
        cursor = self._first
        while True:
            items, following, complete = await self._read(cursor)
            if items:
                yield items
            if complete or following == cursor:
                return
            cursor = following

    def in_order(self, page: list[T]) -> Iterable[T]:
        """Return the items of a page in the order in which a loop over all items has them."""
        return page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.each():
            for item in self.in_order(page):
                yield item

    async def all(self) -> list[T]:
        """Read all items."""
        return [item async for item in self]
