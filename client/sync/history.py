"""Reading a conversation: from the store where nothing is missing there, and from the server where something
is.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import apsw

from client.core.changes import Signal
from client.core.model import ConversationKind, Message
from client.core.windows import merged
from client.store import messages, tables
from client.store.messages import Order
from client.store.schema import LAST
from client.sync import convert
from client.sync.happening import noticed
from client.sync.keeping import Keeper
from client.sync.known import Known
from client.sync.message_writer import MessageWriter
from imsys import sdk
from imsys.sdk import Client, Pages, Refused

PAGE = 100
"""Messages that are asked for at a time."""
PROBES = 60
"""Questions for finding a day, at most; a few are enough where ids follow the time."""
ROWS = 2_000
"""Messages that are searched at a time, so that others get their turn in the store."""

Page = tuple[list[Message], bool, int]
"""Messages as far as nothing is missing from them, whether that is all that was asked for, and the id at which
something is missing.
"""

_log = logging.getLogger(__name__)


class History:
    """Pages of conversations. What the server cannot be asked for now is left out."""

    def __init__(self, client: Client, known: Known, keeper: Keeper, writer: MessageWriter) -> None:
        self._client = client
        self._known = known
        self._keeper = keeper
        self._writer = writer
        self.read = Signal[list[Message]]()
        """A page that somebody is about to see."""

    async def before(self, conversation: int, message: Message | None, most: int) -> list[Message]:
        """See :class:`client.core.ports.Reader`."""
        place = None if message is None else messages.order(message)
        if place is None:
            await self._keeper.barrier()
        found = await self._filled(
            lambda db: _page_before(db, conversation, place, most),
            lambda edge: self._fetch_before(conversation, edge),
        )
        if place is None:
            found = merged(
                found, (one for (where, _), one in self._writer.unsaved.items() if where == conversation)
            )
        self.read.fire(found[-most:])
        return found[-most:]

    async def after(self, conversation: int, message: Message, most: int) -> list[Message]:
        """See :class:`client.core.ports.Reader`."""
        place = messages.order(message)
        found = await self._filled(
            lambda db: _page_after(db, conversation, place, most),
            lambda edge: self._fetch_after(conversation, edge),
        )
        self.read.fire(found[:most])
        return found[:most]

    async def _filled(
        self, read: Callable[[apsw.Connection], Page], fetch: Callable[[int], Awaitable[bool]]
    ) -> list[Message]:
        """A page of the store, after what is missing from it was fetched as far as that can be done."""
        found, whole, edge = await self._keeper.store.read(read)
        asked = -1
        while not whole and edge != asked and await fetch(edge):
            asked = edge
            found, whole, edge = await self._keeper.store.read(read)
        return found

    async def around(self, conversation: int, number: int, most: int) -> list[Message]:
        """See :class:`client.core.ports.Reader`."""
        half = max(1, most // 2)
        here = await self._keeper.store.read(lambda db: _page_around(db, conversation, number, half, most))
        if here is not None:
            self.read.fire(here)
            return here
        await self.begin(conversation)  # what is known to be the end of it is what is newest here
        if (await self._keeper.store.read(lambda db: tables.spans(db, conversation))).around(number) is None:
            await self._fetch_before(conversation, number + 1)
        middle = Message("", conversation, 0, 0, id=number)
        earlier = await self.before(conversation, middle, half)
        start = earlier[-1] if earlier else Message("", conversation, 0, 0, id=max(1, number - 1))
        return earlier + await self.after(conversation, start, most - len(earlier))

    async def on_day(self, conversation: int, at_ms: int) -> int:
        """See :class:`client.core.ports.Reader`.

        The server is asked by guesses, since it finds messages by id alone.
        """
        spans = await self._keeper.store.read(lambda db: tables.spans(db, conversation))
        for low, high in spans:
            inside = await self._keeper.store.read(
                lambda db, low=low, high=high: messages.first_at(db, conversation, at_ms, low, high)  # type: ignore[misc]
            )
            if inside:
                first = await self._keeper.store.read(
                    lambda db, low=low: messages.after(db, conversation, (low - 1, 0, ""), 1)  # type: ignore[misc]
                )
                if low == 0 or inside != first[0].id:
                    return inside
        try:
            return await self._probe(conversation, at_ms)
        except Refused as problem:
            _log.info("a day cannot be looked for: %s", problem)
            return 0

    async def find(self, conversation: int, text: str, most: int) -> list[Message]:
        """See :class:`client.core.ports.Reader`."""
        found: list[Message] = []
        place: Order | None = None
        while text and len(found) < most:
            some, place = await self._keeper.store.read(
                lambda db, place=place: messages.find(db, conversation, text, place, most, ROWS)  # type: ignore[misc]
            )
            found += some
            if place is None:
                break
        return found[:most]

    async def begin(self, conversation: int) -> None:
        """Have the newest page of a conversation of which nothing is here."""
        if not len(await self._keeper.store.read(lambda db: tables.spans(db, conversation))):
            await self._fetch_before(conversation, 0)

    async def _fetch_before(self, conversation: int, edge: int) -> bool:
        """Have the page before an id (0: the newest) in the store; whether that could be done."""
        page: list[sdk.Logged] = []
        low = 0
        try:
            async for some in self._before(conversation, edge).each():
                page = some + page
                if len(page) >= PAGE:  # the server may give less at a time
                    low = page[0].id
                    break
        except Refused as problem:
            _log.info("earlier messages cannot be had: %s", problem)
            return False
        return await self._keep(conversation, page, low, edge or (page[-1].id if page else 0))

    async def _fetch_after(self, conversation: int, edge: int) -> bool:
        page: list[sdk.Logged] = []
        try:
            async for some in self._after(conversation, edge).each():
                page += some
                if len(page) >= PAGE:
                    break
        except Refused as problem:
            _log.info("later messages cannot be had: %s", problem)
            return False
        return bool(page) and await self._keep(conversation, page, edge, page[-1].id)

    def _before(self, conversation: int, edge: int) -> Pages[Any]:
        """Of a group, with what happened to it."""
        history = self._client.history
        read = history.newest_log if self._is_group(conversation) else history.newest
        return read(conversation, edge, page=PAGE)

    def _after(self, conversation: int, edge: int) -> Pages[Any]:
        history = self._client.history
        read = history.log if self._is_group(conversation) else history.records
        return read(conversation, edge, page=PAGE)

    def _is_group(self, conversation: int) -> bool:
        return self._known.row(conversation).conversation.kind is not ConversationKind.PRIVATE

    async def _keep(self, conversation: int, page: list[sdk.Logged], low: int, high: int) -> bool:
        found = [message for said in page if (message := shown(said)) is not None]
        unread = [
            said.id for said in page if isinstance(said, sdk.Message) and not said.mine and not said.read
        ]

        def work(db: apsw.Connection) -> tuple[int, int]:
            for message in found:
                if not messages.stored(db, conversation, message.id):
                    messages.put(db, message)
                else:
                    messages.bring(db, message)
            # what was asked for is before or after an id, which itself need not be here
            first = low if not low or messages.stored(db, conversation, low) else low + 1
            last = high if not high or messages.stored(db, conversation, high) else high - 1
            if first <= last:
                tables.add_span(db, conversation, first, last)
            row = self._known.row(conversation)
            read = row.conversation.read
            if not read and found:
                read = unread[0] - 1 if unread else found[-1].id
            return read, messages.unread(db, conversation, read) if read else 0

        counted = await self._keeper.write(work)
        if counted is None:
            return False
        await self._stand(conversation, counted[0], counted[1], found)
        return True

    async def _stand(self, conversation: int, read: int, unread: int, found: list[Message]) -> None:
        """How a conversation stands after a page of it came."""
        row = self._known.row(conversation)
        if found and not row.synced:
            self._known.set_row(replace(row, synced=found[-1].id))
        # a counter that was kept is right; else the server knows what was read
        if found and not row.conversation.read and not row.conversation.unread:
            self._known.change(replace(row.conversation, read=read, unread=unread))
        if found:
            self._known.with_last(self._known.row(conversation), found[-1])
        await self._keeper.write(lambda db: tables.put_conversation(db, self._known.row(conversation)))
        self._keeper.teller.conversations.add(conversation)
        self._keeper.teller.tell()

    async def _probe(self, conversation: int, at_ms: int) -> int:
        """Between the first message and the last: guesses by the share of time, and by halves where that does
        not help.
        """
        first = await self._after_id(conversation, 0)
        if first is None or first.at_ms >= at_ms:
            return 0 if first is None else first.id
        newest = await self.before(conversation, None, 20)
        last = next((one for one in reversed(newest) if one.id), None)
        if last is None or last.at_ms < at_ms:
            return 0
        low, high = first, last
        for number in range(PROBES):
            if high.id - low.id <= 1:
                break
            share = (at_ms - low.at_ms) / max(1, high.at_ms - low.at_ms) if number % 2 == 0 else 0.5
            guess = min(max(low.id, low.id + int((high.id - low.id) * share)), high.id - 1)
            found = await self._after_id(conversation, guess)
            if found is None or found.id >= high.id:
                nearer = await self._after_id(conversation, low.id)
                if nearer is None or nearer.at_ms >= at_ms:
                    return (nearer or high).id
                low = nearer
            elif found.at_ms >= at_ms:
                high = found
            else:
                low = found
        return high.id

    async def _after_id(self, conversation: int, number: int) -> Message | None:
        async for page in self._client.history.records(conversation, number, page=1).each():
            return convert.message(page[0])
        return None


def shown(said: sdk.Logged) -> Message | None:
    """What is shown of an entry of the log by itself; ``None``: it changes what others show."""
    return convert.message(said) if isinstance(said, sdk.Message) else noticed(said)


def _page_before(db: apsw.Connection, conversation: int, place: Order | None, most: int) -> Page:
    spans = tables.spans(db, conversation)
    page = messages.before(db, conversation, place, most)
    if place is None or place[0] == LAST:
        unsent = [one for one in page if not one.id]
        span = spans.newest()
        if span is None:
            return unsent, False, 0
        kept = [one for one in page if not one.id or one.id >= span[0]]
        return kept, len(kept) == most or span[0] == 0, span[0]
    span = spans.around(place[0]) or spans.around(place[0] - 1)
    if span is None:
        return [], False, place[0]
    kept = [one for one in page if one.id >= span[0]]
    return kept, len(kept) == most or span[0] == 0, span[0]


def _page_around(
    db: apsw.Connection, conversation: int, number: int, half: int, most: int
) -> list[Message] | None:
    """A page around an id in one turn of the store, where nothing is missing from it; else ``None``."""
    earlier, whole, _ = _page_before(db, conversation, (number, 0, ""), half)
    if not whole:
        return None
    start = messages.order(earlier[-1]) if earlier else (max(1, number - 1), 0, "")
    later, whole, _ = _page_after(db, conversation, start, most - len(earlier))
    return earlier + later if whole else None


def _page_after(db: apsw.Connection, conversation: int, place: Order, most: int) -> Page:
    page = messages.after(db, conversation, place, most)
    if place[0] == LAST:
        return page, True, 0
    spans = tables.spans(db, conversation)
    span, newest = spans.around(place[0]), spans.newest()
    if span is None:
        return [], False, place[0]
    if span == newest:
        return page, True, 0
    kept = [one for one in page if one.id and one.id <= span[1]]
    return kept, len(kept) == most, span[1]
