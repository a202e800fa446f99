"""Lists that the server gives by the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

Read = Callable[[str], Awaitable[tuple[list[T], str, bool]]]
"""Reads the page after a cursor: its items, the next cursor, and whether it was the last one."""


class Pages(Generic[T]):
    """A list read page by page: ``async for item in pages``, or ``async for page in pages.each()``.

    A page is asked for when it is needed; each loop begins anew. What the server refuses is raised.
    """

    def __init__(self, read: Read[T], first: str) -> None:
        self._read = read
        self._first = first

    async def each(self) -> AsyncIterator[list[T]]:
        """The pages, as lists of items; none is empty."""
        cursor = self._first
        while True:
            items, following, complete = await self._read(cursor)
            if items:
                yield items
            if complete or following == cursor:
                return
            cursor = following

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.each():
            for item in page:
                yield item

    async def all(self) -> list[T]:
        """Every item."""
        return [item async for item in self]
