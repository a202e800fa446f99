"""Threads and their message history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from imsys.errors import Refused, Status
from imsys.protocols.messages.entries import (
    HideRequest,
    HideResponse,
    PinsRequest,
    PinsResponse,
    ReactorsRequest,
    ReactorsResponse,
)
from imsys.protocols.messages.records import RecordsRequest, RecordsResponse
from imsys.protocols.messages.threads import (
    PositionsRequest,
    PositionsResponse,
    PrivateChatRequest,
    PrivateChatResponse,
    ThreadsRequest,
    ThreadsResponse,
)
from imsys.sdk import model
from imsys.sdk.contacts import Ask
from imsys.sdk.entries import Logged, Reactor, paged
from imsys.sdk.pages import Pages

_PAGE = 100

T = TypeVar("T")


class History:
    """A user's threads and past messages. Every method may raise :class:`imsys.errors.Refused`."""

    def __init__(
        self, ask: Ask, me: Callable[[], int], noted: Callable[[str | UnsetType], Any] = lambda number: None
    ) -> None:
        self._ask = ask
        self._me = me
        self._noted = noted

    async def private_thread(self, friend: int) -> int:
        """Return the id of the private thread with a friend; create it if there is none.

        :raises Refused: NOT_FRIENDS (66).
        """
        request = PrivateChatRequest(my_uuid=str(self._me()), friend_uuid=str(friend))
        return int((await self._ask(request, PrivateChatResponse)).thread_id)

    async def thread(self, thread_id: int) -> model.Thread:
        """Return one of this user's threads. :raises Refused: CHATTHREAD_NOT_EXIST (22)."""
        page = await self._ask(
            ThreadsRequest(uuid=str(self._me()), thread_id=str(thread_id - 1)), ThreadsResponse
        )
        for item in page.threads:
            if int(item.thread_id) == thread_id:
                return model.thread(item)
        raise Refused(Status.CHATTHREAD_NOT_EXIST, f"There is no thread {thread_id} of mine.")

    def threads(self) -> Pages[model.Thread]:
        """List this user's threads, ordered by id."""

        async def read(cursor: str) -> tuple[list[model.Thread], str, bool]:
            page = await self._ask(ThreadsRequest(uuid=str(self._me()), thread_id=cursor), ThreadsResponse)
            return [model.thread(item) for item in page.threads], page.next_thread_id, page.is_complete

        return Pages(read, "0")

    def positions(self, *, mine: bool = False) -> Pages[model.Position]:
        """How far the other members of my threads have received and read them, and if ``mine`` I as well; who has received
        nothing has none.

        Events tell of what changes after ``start``; this is for what was so before.
        """

        async def read(cursor: str) -> tuple[list[model.Position], str, bool]:
            page = await self._ask(PositionsRequest(cursor=cursor, limit=_PAGE, mine=mine), PositionsResponse)
            return [model.position(item) for item in page.positions], page.next, page.is_complete

        return Pages(read, "")

    def records(self, thread_id: int, after: int = 0, *, page: int = 100) -> Pages[model.Message]:
        """List the messages of a thread after an id, oldest first."""
        return Pages(lambda cursor: self._read(thread_id, page, after=cursor), str(after))

    def newest(self, thread_id: int, before: int = 0, *, page: int = 100) -> Pages[model.Message]:
        """List the messages of a thread before an id (0: all), newest first.

        The pages of ``each()`` come newest first, but within a page the oldest message is first.
        """
        return _Backwards(lambda cursor: self._read(thread_id, page, before=cursor), str(before))

    def log(self, thread_id: int, after: int = 0, *, page: int = 100) -> Pages[Logged]:
        """List the whole log of a thread after an id, oldest first: messages, as they are now, and what was
        changed in the conversation (:class:`imsys.sdk.Entry`).
        """

        async def read(cursor: str) -> tuple[list[Logged], str, bool]:
            request = RecordsRequest(thread_id=str(thread_id), msg_id=cursor, limit=page, entries=True)
            found = await self._ask(request, RecordsResponse)
            return paged(found, self._me()), found.next_msg_id, found.is_complete

        return Pages(read, str(after))

    def newest_log(self, thread_id: int, before: int = 0, *, page: int = 100) -> Pages[Logged]:
        """The same before an id (0: all), newest first; its pages come as those of :meth:`newest`."""

        async def read(cursor: str) -> tuple[list[Logged], str, bool]:
            request = RecordsRequest(
                thread_id=str(thread_id), msg_id="0", limit=page, before=cursor, entries=True
            )
            found = await self._ask(request, RecordsResponse)
            return paged(found, self._me()), found.next_msg_id, found.is_complete

        return _Backwards(read, str(before))

    async def pins(self, thread_id: int) -> list[int]:
        """Return the ids of the pinned messages of a thread, the one pinned last first."""
        found = await self._ask(PinsRequest(thread_id=str(thread_id)), PinsResponse)
        return [int(one) for one in found.pins]

    def reactors(self, thread_id: int, message_id: int) -> Pages[Reactor]:
        """List who reacted to a message, by emoji and user."""

        async def read(cursor: str) -> tuple[list[Reactor], str, bool]:
            page = await self._ask(
                ReactorsRequest(thread_id=str(thread_id), msg_id=str(message_id), cursor=cursor, limit=_PAGE),
                ReactorsResponse,
            )
            items = [Reactor(uuid=int(one.uuid), emoji=one.emoji) for one in page.reactors]
            return items, page.next, page.is_complete

        return Pages(read, "")

    async def hide(self, thread_id: int, message_ids: Collection[int] = (), *, up_to: int = 0) -> None:
        """Hide messages, at most 100, or all up to an id, from this user alone; the others still have them.

        :raises Refused: INVALID_FIELD (70), too many, or none.
        """
        ids = [str(one) for one in message_ids]
        request = HideRequest(thread_id=str(thread_id), msg_ids=ids, up_to=str(up_to) if up_to else UNSET)
        self._noted((await self._ask(request, HideResponse)).own_number)

    async def _read(
        self, thread_id: int, limit: int, *, after: str | None = None, before: str | None = None
    ) -> tuple[list[model.Message], str, bool]:
        request = RecordsRequest(
            thread_id=str(thread_id),
            msg_id=after or "0",
            limit=limit,
            before=UNSET if before is None else before,
            details=True,
        )
        page = await self._ask(request, RecordsResponse)
        as_of = int(page.as_of or 0)
        return (
            [model.recorded(record, self._me(), as_of) for record in page.chat_messages],
            page.next_msg_id,
            page.is_complete,
        )


class _Backwards(Pages[T]):
    """Pages that come newest first while the messages of each page are oldest first."""

    def in_order(self, page: list[T]) -> Iterable[T]:
        return reversed(page)
