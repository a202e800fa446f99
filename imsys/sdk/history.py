"""Threads, and what was said in them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET

from imsys.errors import Refused, Status
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
from imsys.sdk.pages import Pages

_PAGE = 100


class History:
    """What a user can read again. Everything may raise :class:`imsys.errors.Refused`."""

    def __init__(self, ask: Ask, me: Callable[[], int]) -> None:
        self._ask = ask
        self._me = me

    async def private_thread(self, friend: int) -> int:
        """The id of the private thread with a friend, which is made where there is none (``NOT_FRIENDS``)."""
        request = PrivateChatRequest(my_uuid=str(self._me()), friend_uuid=str(friend))
        return int((await self._ask(request, PrivateChatResponse)).thread_id)

    async def thread(self, thread_id: int) -> model.Thread:
        """One of my threads (``CHATTHREAD_NOT_EXIST``)."""
        page = await self._ask(ThreadsRequest(uuid=str(self._me()), thread_id=str(thread_id - 1)), ThreadsResponse)
        for item in page.threads:
            if int(item.thread_id) == thread_id:
                return model.thread(item)
        raise Refused(Status.CHATTHREAD_NOT_EXIST, f"There is no thread {thread_id} of mine.")

    def threads(self) -> Pages[model.Thread]:
        """My threads, by id."""

        async def read(cursor: str) -> tuple[list[model.Thread], str, bool]:
            page = await self._ask(ThreadsRequest(uuid=str(self._me()), thread_id=cursor), ThreadsResponse)
            return [model.thread(item) for item in page.threads], page.next_thread_id, page.is_complete

        return Pages(read, "0")

    def positions(self) -> Pages[model.Position]:
        """How far the other members of my threads have received and read them; who has received nothing has none.

        Events tell of what changes after ``start``; this is for what was so before.
        """

        async def read(cursor: str) -> tuple[list[model.Position], str, bool]:
            page = await self._ask(PositionsRequest(cursor=cursor, limit=_PAGE), PositionsResponse)
            return [model.position(item) for item in page.positions], page.next, page.is_complete

        return Pages(read, "")

    def records(self, thread_id: int, after: int = 0, *, page: int = 100) -> Pages[model.Message]:
        """The messages of a thread after an id, oldest first."""
        return Pages(lambda cursor: self._read(thread_id, page, after=cursor), str(after))

    def newest(self, thread_id: int, before: int = 0, *, page: int = 100) -> Pages[model.Message]:
        """The messages of a thread before an id (0: all), newest first; within a page of ``each()``, oldest first."""
        return _Backwards(lambda cursor: self._read(thread_id, page, before=cursor), str(before))

    async def _read(
        self, thread_id: int, limit: int, *, after: str | None = None, before: str | None = None
    ) -> tuple[list[model.Message], str, bool]:
        request = RecordsRequest(thread_id=str(thread_id), msg_id=after or "0", limit=limit, before=UNSET if before is None else before)
        page = await self._ask(request, RecordsResponse)
        return [model.recorded(record, self._me()) for record in page.chat_messages], page.next_msg_id, page.is_complete


class _Backwards(Pages[model.Message]):
    """Pages that follow each other backwards while each goes forwards."""

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        async for page in self.each():
            for message in reversed(page):
                yield message
