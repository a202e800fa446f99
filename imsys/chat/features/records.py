"""Records: the history of a thread, by pages in either direction."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from imsys.chat.context import Context
from imsys.chat.views import extra_fields
from imsys.protocols.fitting import fit
from imsys.protocols.messages.records import Reactions, Record, RecordsRequest, RecordsResponse
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, within
from imsys.store.ids import moment, timestamp
from imsys.store.pages import Record as Row


@handles(RecordsRequest)
async def records(context: Context, request: RecordsRequest) -> RecordsResponse:
    """Return the page after a cursor, or the one before; fewer records if they would not fit into a frame."""
    limit = within(request.limit, 1, 100, "limit")
    thread_id = parse_id(request.thread_id, "thread_id")
    messages = context.chat.stores.messages
    more = {"entries": request.entries, "details": request.details}
    backwards = request.before is not UNSET
    if request.before is not UNSET:
        cursor = parse_id(request.before, "before")
        found = await messages.page_before(context.user, thread_id, cursor, limit + 1, **more)
        page = found[-limit:]
    else:
        cursor = parse_id(request.msg_id, "msg_id")
        found = await messages.page(context.user, thread_id, cursor, limit + 1, **more)
        page = found[:limit]

    def record(row: Row, last: dict[int, int]) -> Record:
        return _entry(row, context.user, last) if any(more.values()) else _plain(row)

    def build(some: Sequence[Row]) -> RecordsResponse:
        last = {row.edits: row.msg_id for row in some if row.edits}
        edge = (some[0] if backwards else some[-1]).msg_id if some else cursor
        return RecordsResponse(
            thread_id=str(thread_id),
            chat_messages=[record(row, last) for row in some],
            next_msg_id=str(edge),
            is_complete=len(some) == len(found),
            as_of=str(some[0].as_of) if some and some[0].as_of else UNSET,
        )

    return fit(page, build, from_the_end=backwards)


def _plain(row: Row) -> Record:
    return Record(
        msg_id=str(row.msg_id),
        msg_sender=str(row.sender),
        msg_receiver=str(row.receiver),
        msg_type=row.kind,
        thread_id=str(row.thread_id),
        status=row.status,
        msg_content=row.content,
        timestamp=timestamp(row.msg_id),
    )


def _entry(row: Row, user: int, last: dict[int, int]) -> Record:
    """``last``: of each message that was edited, the last edit in the page: that one has what it says now."""
    plain = _plain(row)
    mine = row.unique_id if row.sender == user and row.unique_id else UNSET
    if not row.is_message:
        body = row.content.encode()
        if row.edits and row.msg_id != last[row.edits]:
            body = msgspec.json.encode({"target": str(row.edits)})
        return replace(plain, msg_content="", body=msgspec.Raw(body), unique_id=row.unique_id or UNSET)
    reactions = [Reactions(emoji=emoji, count=count, mine=own) for emoji, count, own in row.reactions]
    return replace(
        plain,
        **extra_fields(row.extra),
        unique_id=mine,
        number=row.number or UNSET,
        edited=moment(row.edited_at) if row.edited_at else UNSET,
        reactions=reactions or UNSET,
        pinned=True if row.pinned else UNSET,
    )
