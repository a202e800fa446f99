"""Carry out changes to conversations: store them, tell the members, and acknowledge them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from imsys.chat.context import Chat, Context
from imsys.chat.views import entry
from imsys.errors import Refused, Status
from imsys.protocols.messages.entries import EntriesPush
from imsys.protocols.messages.groups import GroupPush
from imsys.protocols.messages.registry import service_id
from imsys.server.dispatch import frame
from imsys.server.fields import parse_id
from imsys.store.appending import Appended, Stored, Submission
from imsys.store.changes import EntryKind
from imsys.store.ids import timestamp
from imsys.store.members import GONE, JOINED, MEMBERSHIP, MemberList
from imsys.store.pages import target_of

if TYPE_CHECKING:
    from imsys.server.session import Session
    from imsys.store.changes import Change

PUSH = service_id(EntriesPush)

COST = 5
"""What a change counts for among the texts that a member may send: all members are told of it, and who comes back cannot pass
over it."""


async def carry_out(context: Context, thread: str, change: Change) -> Appended:
    """Store a change of a thread and tell whom it concerns, once it is durable.

    :raises Refused: why it may not be; INVALID_FIELD (70), its ``unique_id``; RATE_LIMITED (64).
    """
    chat, user = context.chat, context.user
    thread_id = parse_id(thread, "thread_id")
    check_unique(change.unique_id)
    chat.allowances.texts(user, COST)
    appended = await chat.log.append(Submission(user, 0, thread_id, (), change), context.session)
    tell(chat, appended, user, context.session)
    return appended


def check_unique(unique_id: str) -> None:
    """:raises Refused: INVALID_FIELD (70), it is too short or too long."""
    if not 1 <= len(unique_id) <= 64:
        raise Refused(Status.INVALID_FIELD, "A unique_id has 1 to 64 characters.")


_NOTHING = '{"content":""}'
"""What an edit says to who may not read the message."""


def _frame(stored: Stored) -> bytes:
    return frame(PUSH, EntriesPush(thread_id=str(stored.thread_id), entries=[entry(stored)]))


def _who_may_not_read(group: MemberList | None, stored: Stored, author: int) -> Collection[int]:
    """Return the members who have come after the message of an edit, where newcomers do not read what was before."""
    if group is None or stored.kind != EntryKind.EDIT or not group.first:
        return ()
    target = target_of(stored.content)
    return {user for user, first in group.first.items() if first > target and user != author}


def tell(chat: Chat, appended: Appended, user: int, session: Session | None = None) -> None:
    """Tell the members of a change, and those who came or went by it that they did.

    ``session``: the one that has made it, whose user's others hear of it as well.
    """
    if appended.in_doubt:
        chat.outbound.tell_again(appended, user, session)
    for stored in appended.messages:
        if not stored.resent:
            blind = _who_may_not_read(appended.group, stored, user)
            chat.outbound.tell(appended, user, _frame(stored), session, blind)
            if blind:
                chat.outbound.deliver_frame(blind, _frame(replace(stored, extra=_NOTHING)))
        if stored.kind == MEMBERSHIP:
            _tell_movers(chat, stored, user, appended.answer)


def _tell_movers(chat: Chat, stored: Stored, user: int, answer: Any) -> None:
    body = msgspec.json.decode(stored.content)
    action = body["action"]
    if action in JOINED:
        change = "added"
    elif action in GONE:
        change = action
    else:
        return
    users = [int(one) for one in body["users"] if int(one) != user or change == "left"]
    tell_users(chat, stored.thread_id, change, user, users, title_of(answer), entry_id=stored.msg_id)


def tell_users(
    chat: Chat,
    thread_id: int,
    change: str,
    by: int,
    users: Sequence[int],
    title: str,
    whom: Sequence[int] = (),
    entry_id: int = 0,
) -> None:
    """Send push 138 to some users; ``whom`` it speaks of, where that is not those; ``entry_id``: the entry that made it so."""
    if users:
        push = GroupPush(
            thread_id=str(thread_id),
            change=change,
            by=str(by),
            title=title,
            users=[str(one) for one in whom],
            msg_id=str(entry_id) if entry_id else UNSET,
        )
        chat.outbound.deliver(users, push)


def title_of(answer: Any) -> str:
    """The title of a group in what a change answered; empty, it is not known."""
    return answer if isinstance(answer, str) else str(getattr(answer, "title", ""))


def acknowledged(thread_id: str, unique_id: str, appended: Appended) -> dict[str, Any]:
    """The fields of a :class:`~imsys.protocols.messages.entries.ChangeResponse`."""
    msg_id = prev_id = 0
    for stored in appended.messages:
        msg_id, prev_id = stored.msg_id, stored.prev_id
    return {
        "thread_id": thread_id,
        "unique_id": unique_id,
        "msg_id": str(msg_id),
        "prev_id": str(prev_id),
        "timestamp": timestamp(msg_id),
    }
