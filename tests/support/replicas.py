"""What a program of the client library knows of conversations, compared with the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import msgspec

from imsys.sdk import (
    EVERYBODY,
    Client,
    Conversation,
    Entry,
    GroupEvent,
    GroupNews,
    Hidden,
    Logged,
    Membership,
    Message,
    Refused,
    Role,
    Status,
)
from imsys.store import Database
from imsys.store.database import Transaction

RECENT = 50
"""Entries that a conversation keeps beside its messages."""


class Replica:
    """What one client of a user knows of these threads."""

    def __init__(self, uuid: int, threads: list[int]) -> None:
        self.uuid = uuid
        self.conversations = {thread: Conversation(thread, recent=RECENT) for thread in threads}
        self.heads = dict.fromkeys(threads, 0)
        self.roles: dict[int, dict[int, int]] = {}
        """The members of groups, as far as they are known by a group's entries from a moment on."""
        self.problems: list[str] = []

    def follow(self, client: Client) -> None:
        """Take all that a client hears."""
        client.on_message.subscribe(self._take)
        client.on_sent.subscribe(self._take)
        client.on_entry.subscribe(self._take)
        client.on_group.subscribe(self._news)
        client.on_hidden.subscribe(self._hidden)

    def _take(self, item: Logged) -> None:
        if item.id <= self.heads.get(item.thread_id, 0):
            self.problems.append(f"{item} comes after {self.heads[item.thread_id]}")
        if isinstance(item, Membership):
            self._change(item)
        if item.thread_id in self.conversations:
            self.heads[item.thread_id] = item.id
            self.conversations[item.thread_id].take(item)

    def _change(self, entry: Membership) -> None:
        if entry.joins(self.uuid) and not entry.created:  # what the group is by now is read anew
            self._forget(entry.thread_id)
        roles = self.roles.get(entry.thread_id)
        if roles is None:
            return
        if entry.action in ("joined", "link"):
            roles.update(dict.fromkeys(entry.users, 0))
        elif entry.action in ("left", "removed"):
            for user in entry.users:
                roles.pop(user, None)
        elif entry.action == "role":
            roles.update(dict.fromkeys(entry.users, int(entry.role)))
            if entry.role == Role.OWNER:
                roles[entry.actor] = int(Role.ADMIN)

    def _news(self, news: GroupNews) -> None:
        if news.event in (GroupEvent.REMOVED, GroupEvent.LEFT):
            self._forget(news.thread_id)

    def _forget(self, thread: int) -> None:
        """A group is not this user's any more, or is so again: what was known of it may be old."""
        self.roles.pop(thread, None)
        if thread in self.conversations:
            self.conversations[thread] = Conversation(thread, recent=RECENT)

    def _hidden(self, hidden: Hidden) -> None:
        self.conversations[hidden.thread_id].hide(hidden.message_ids, hidden.up_to)

    async def agrees(
        self, case: Any, database: Database, client: Client, expired: Collection[int] = ()
    ) -> None:
        """Wait until all has come; then it must be what the tables have, as must be what the client reads.

        ``expired``: messages whose time was over, of which nobody is told.
        """
        truths: dict[int, Truth] = {}
        for thread in self.conversations:
            truth = await database.read(_truth, thread, self.uuid)
            if truth is None:
                with case.assertRaises(Refused) as caught:
                    await client.history.newest(thread).all()
                case.assertIs(caught.exception.status, Status.PERMISSION_DENIED)
                continue
            await self._reaches(case, thread, truth.head)
            truths[thread] = truth
            await self._agrees_on(case, client, thread, truth, expired)
        screen = {one.thread_id: one for one in await client.threads.overview().all()}
        case.assertEqual(screen.keys() & self.conversations.keys(), truths.keys())
        for thread, truth in truths.items():
            one = screen[thread]
            case.assertEqual((one.unread, one.mentioned), (truth.unread, truth.mentioned), one)
            last = next(reversed(truth.messages), 0)
            case.assertEqual(one.last.id if one.last is not None else 0, last)

    async def _reaches(self, case: Any, thread: int, head: int) -> None:
        try:
            await case.until(lambda: self.heads[thread] >= head)
        except AssertionError:
            told = self.heads[thread]
            raise AssertionError(f"{self.uuid} is told of {told} in {thread}, and not of {head}") from None

    async def _agrees_on(
        self, case: Any, client: Client, thread: int, truth: Truth, expired: Collection[int]
    ) -> None:
        case.assertEqual(self.problems, [])
        conversation, history = self.conversations[thread], client.history
        async for page in history.newest(thread).each():
            for message in page:  # what was said before they came is only read
                if conversation.get(message.id) is None:
                    conversation.merge([message])
        known = [_plain(message) for message in conversation.messages if message.id in truth.messages]
        case.assertEqual([one[0] for one in known], list(truth.messages))
        there = list(truth.messages.values())
        case.assertEqual(
            [one for one in known if one[0] not in expired], [one for one in there if one[0] not in expired]
        )
        newest = [one async for page in history.newest(thread).each() for one in page]
        case.assertEqual([_plain(one) for one in sorted(newest, key=lambda one: one.id)], there)
        log = [one async for one in history.log(thread)]
        case.assertEqual([_plain(one) for one in log if not isinstance(one, Entry)], there)
        if thread in self.roles:
            case.assertEqual(self.roles[thread], truth.roles)


def head_of(tx: Transaction, thread: int) -> int:
    """The last id of a thread."""
    row = tx.row("SELECT last_msg_id FROM threads WHERE thread_id = ?", thread)
    assert row is not None
    return int(row[0])


@dataclasses.dataclass
class Truth:
    """What the tables have of a thread, for one of its members."""

    head: int
    messages: dict[int, tuple[Any, ...]]
    roles: dict[int, int]
    unread: int
    mentioned: bool


def _truth(tx: Transaction, thread: int, user: int) -> Truth | None:
    """What a user is to know; ``None``: it is no thread of theirs."""
    members = {
        row[0]: row[1:]
        for row in tx.rows("SELECT user_id, role, read_id, first_id FROM members WHERE thread_id = ?", thread)
    }
    if user not in members:
        return None
    _, read, first = members[user]
    hidden = {
        number
        for (number,) in tx.rows(
            "SELECT msg_id FROM hidden WHERE thread_id = ? AND user_id = ?", thread, user
        )
    }
    reactions: dict[int, dict[str, list[int]]] = {}
    for number, emoji, who in tx.rows(
        "SELECT msg_id, emoji, user_id FROM reactions WHERE thread_id = ? ORDER BY emoji", thread
    ):
        reactions.setdefault(number, {}).setdefault(bytes(emoji).decode(), []).append(who)
    pins = {number for (number,) in tx.rows("SELECT msg_id FROM pins WHERE thread_id = ?", thread)}
    found = {}
    floor, mentioning = read, set()
    for number, sender, status, content, edited, extra in tx.rows(
        "SELECT msg_id, sender_id, status, content, edited_at, extra FROM messages WHERE thread_id = ? ORDER BY msg_id",
        thread,
    ):
        if sender == user:
            floor = max(floor, number)
        if number < first or number in hidden:
            continue
        more = msgspec.json.decode(extra) if extra else {}
        forward, mentions = more.get("forward"), more.get("mentions", ())
        if mentions == EVERYBODY or str(user) in mentions:
            mentioning.add(number)
        found[number] = (
            *(number, sender, status == 2, content, edited),
            int(more.get("reply_to", 0)),
            mentions if mentions == EVERYBODY else tuple(map(int, mentions)),
            tuple(int(forward[key]) for key in ("thread_id", "msg_id", "sender")) if forward else None,
            tuple((emoji, len(them), user in them) for emoji, them in reactions.get(number, {}).items()),
            number in pins,
        )
    unread = {number for number in found if number > floor}
    roles = {one: role for one, (role, _, _) in members.items()}
    return Truth(head_of(tx, thread), found, roles, len(unread), bool(unread & mentioning))


def _plain(message: Message) -> tuple[Any, ...]:
    forward, edited = message.forward, message.edited_at
    return (
        *(message.id, message.sender, message.recalled, message.text),
        round(edited.timestamp() * 1000) if edited else 0,
        message.reply_to,
        message.mentions,
        (forward.thread_id, forward.message_id, forward.sender) if forward else None,
        tuple((one.emoji, one.count, one.mine) for one in message.reactions),
        message.pinned,
    )
