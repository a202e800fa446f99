"""Methods of the client library as methods that an asyncio program awaits, with the same types."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from twisted.internet.defer import CancelledError

from imsys import sdk
from imsys.sdk.aio.reactor_thread import ReactorThread

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


class Part(Generic[S]):
    """A part of the client; what is behind it is used in the reactor's thread alone."""

    def __init__(self, thread: ReactorThread, behind: S) -> None:
        self._thread = thread
        self._behind = behind


class Pages(Generic[T]):
    """A list that is read page by page: ``async for item in pages``, or ``async for page in pages.each()``."""

    def __init__(self, thread: ReactorThread, pages: sdk.Pages[T]) -> None:
        self._thread = thread
        self._pages = pages

    async def each(self) -> AsyncIterator[list[T]]:
        """Iterate over the pages, as lists of items; none is empty."""
        pages = self._pages.each()

        async def following() -> list[T]:
            return await anext(pages, [])

        while page := await self._thread.run(following):
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.each():
            for item in self._pages.in_order(page):
                yield item

    async def all(self) -> list[T]:
        """Read all items."""
        return [item async for item in self]


def awaited(
    method: Callable[Concatenate[S, P], Awaitable[T]],
) -> Callable[Concatenate[Part[S], P], Coroutine[Any, Any, T]]:
    """Bridge a coroutine."""

    @functools.wraps(method)
    async def call(part: Part[S], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await part._thread.run(lambda: method(part._behind, *args, **kwargs))

    return call


def sent(
    method: Callable[Concatenate[S, P], sdk.Outgoing[T]],
) -> Callable[Concatenate[Part[S], P], Coroutine[Any, Any, T]]:
    """Bridge what is queued and sent: awaited, it is stored. Who gives up waiting withdraws it."""

    @functools.wraps(method)
    async def call(part: Part[S], /, *args: P.args, **kwargs: P.kwargs) -> T:
        async def stored() -> T:
            outgoing = method(part._behind, *args, **kwargs)
            try:
                return await outgoing
            except CancelledError:
                outgoing.withdraw()
                raise

        return await part._thread.run(stored)

    return call


def listed(
    method: Callable[Concatenate[S, P], sdk.Pages[T]],
) -> Callable[Concatenate[Part[S], P], Pages[T]]:
    """Bridge a list."""

    @functools.wraps(method)
    def call(part: Part[S], /, *args: P.args, **kwargs: P.kwargs) -> Pages[T]:
        return Pages(part._thread, method(part._behind, *args, **kwargs))

    return call
