"""What a program of the client library knows of conversations, compared with the database."""

from __future__ import annotations

from typing import Any

import msgspec

from imsys.sdk import Client, Conversation, Entry, Logged, Message
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
        self.problems: list[str] = []

    def follow(self, client: Client) -> None:
        """Take all that a client hears."""
        client.on_message.subscribe(self._take)
        client.on_sent.subscribe(self._take)
        client.on_entry.subscribe(self._take)

    def _take(self, item: Logged) -> None:
        if item.id <= self.heads.get(item.thread_id, 0):
            self.problems.append(f"{item} comes after {self.heads[item.thread_id]}")
        if item.thread_id in self.conversations:
            self.heads[item.thread_id] = item.id
            self.conversations[item.thread_id].take(item)

    async def agrees(self, case: Any, database: Database, client: Client) -> None:
        """Wait until all has come; then it must be what the tables have, as must be what the client reads."""
        for thread, conversation in self.conversations.items():
            head = await database.read(head_of, thread)
            await case.until(lambda: self.heads[thread] >= head)  # noqa: B023
            case.assertEqual(self.problems, [])
            async for page in client.history.newest(thread).each():
                for message in page:  # what was said before they came is only read
                    if conversation.get(message.id) is None:
                        conversation.merge([message])
            truth = await database.read(_truth, thread, self.uuid)
            case.assertEqual([_plain(message) for message in conversation.messages], truth)
            newest = [one async for page in client.history.newest(thread).each() for one in page]
            case.assertEqual([_plain(one) for one in sorted(newest, key=lambda one: one.id)], truth)
            log = [one async for one in client.history.log(thread)]
            case.assertEqual([_plain(one) for one in log if not isinstance(one, Entry)], truth)


def head_of(tx: Transaction, thread: int) -> int:
    """The last id of a thread."""
    row = tx.row("SELECT last_msg_id FROM threads WHERE thread_id = ?", thread)
    assert row is not None
    return int(row[0])


def _truth(tx: Transaction, thread: int, user: int) -> list[tuple[Any, ...]]:
    """What the tables have of each message."""
    reactions: dict[int, dict[str, list[int]]] = {}
    for number, emoji, who in tx.rows(
        "SELECT msg_id, emoji, user_id FROM reactions WHERE thread_id = ? ORDER BY emoji", thread
    ):
        reactions.setdefault(number, {}).setdefault(bytes(emoji).decode(), []).append(who)
    pins = {number for (number,) in tx.rows("SELECT msg_id FROM pins WHERE thread_id = ?", thread)}
    found = []
    for number, sender, status, content, edited, extra in tx.rows(
        "SELECT msg_id, sender_id, status, content, edited_at, extra FROM messages WHERE thread_id = ? ORDER BY msg_id",
        thread,
    ):
        more = msgspec.json.decode(extra) if extra else {}
        forward = more.get("forward")
        found.append(
            (
                *(number, sender, status == 2, content, edited),
                int(more.get("reply_to", 0)),
                tuple(map(int, more.get("mentions", ()))),
                tuple(int(forward[key]) for key in ("thread_id", "msg_id", "sender")) if forward else None,
                tuple((emoji, len(them), user in them) for emoji, them in reactions.get(number, {}).items()),
                number in pins,
            )
        )
    return found


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
