"""What the messages of a conversation are after each entry of its log. No I/O here.

A message that was read from the server has the effects of all entries up to its ``as_of``, those after it have to
be applied. So whoever reads pages and whoever is told each entry end in the same state.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import replace

from imsys.sdk.entries import Edit, Entry, Logged, Pin, Reaction, Recall
from imsys.sdk.model import Message, ReactionCount


def applied(message: Message, entry: Entry) -> Message:
    """Return a message as it is after an entry; the same object where the entry does not change it.

    Apply the entries of a thread in their order. Those that the message has already change nothing.
    """
    if entry.id <= message.as_of or entry.thread_id != message.thread_id:
        return message
    match entry:
        case Edit(target=message.id):
            return replace(
                message, text=entry.text, mentions=entry.mentions, edited_at=entry.at, as_of=entry.id
            )
        case Reaction(target=message.id):
            return replace(message, reactions=_counted(message.reactions, entry), as_of=entry.id)
        case Pin(target=message.id):
            return replace(message, pinned=entry.on, as_of=entry.id)
        case Recall() if message.id in entry.targets:
            return replace(
                message,
                text="",
                recalled=True,
                read=False,
                reply_to=0,
                mentions=(),
                forward=None,
                reactions=(),
                pinned=False,
                expires_at=None,
                as_of=entry.id,
            )
    return message


def _counted(reactions: tuple[ReactionCount, ...], entry: Reaction) -> tuple[ReactionCount, ...]:
    counts = {one.emoji: one for one in reactions}
    one = counts.get(entry.emoji) or ReactionCount(emoji=entry.emoji, count=0, mine=False)
    count = one.count + (1 if entry.on else -1)
    counts[entry.emoji] = ReactionCount(
        emoji=entry.emoji, count=count, mine=entry.on if entry.mine else one.mine
    )
    left = (one for one in counts.values() if one.count > 0)
    return tuple(sorted(left, key=lambda one: one.emoji.encode()))  # as the server sorts them


class Conversation:
    """The messages of one thread, as they are now: give it what a client's events tell, in their order, and pages
    of the history at any time.

    Feed it from before the first page is asked for, so that it knows what came while a page was on its way.

    :param most: messages that it has, at most; the oldest are dropped. 0: any number.
    :param recent: entries that are remembered for pages that are on their way.
    """

    def __init__(self, thread_id: int, *, most: int = 0, recent: int = 1000) -> None:
        self.thread_id = thread_id
        """The thread."""
        self._most = most
        self._messages: dict[int, Message] = {}
        self._ids: list[int] = []
        self._recent: deque[Entry] = deque(maxlen=recent)
        self._dropped = 0  # the last entry that is remembered no more

    @property
    def messages(self) -> list[Message]:
        """All messages that are here, oldest first."""
        return [self._messages[one] for one in self._ids]

    def get(self, message_id: int) -> Message | None:
        """Return a message, if it is here."""
        return self._messages.get(message_id)

    def take(self, item: Logged) -> list[Message]:
        """Take what an event told; return the messages that it added or changed."""
        if item.thread_id != self.thread_id:
            return []
        if isinstance(item, Message):
            return self._put(item)
        if len(self._recent) == self._recent.maxlen and self._recent:
            self._dropped = self._recent[0].id
        self._recent.append(item)
        return self._apply(item)

    def merge(self, page: Iterable[Message]) -> bool:
        """Take a page of the history; return whether it could be used.

        It cannot where more entries have come since it was read than are remembered: then read it again.
        """
        page = [message for message in page if message.thread_id == self.thread_id]
        if any(0 < message.as_of < self._dropped for message in page):
            return False
        for message in page:
            self._put(message)
        return True

    def hide(self, message_ids: Collection[int], up_to: int = 0) -> None:
        """Remove messages that this user has hidden: these, and all up to an id."""
        self._ids = [one for one in self._ids if one > up_to and one not in message_ids]
        self._messages = {one: self._messages[one] for one in self._ids}

    def _put(self, message: Message) -> list[Message]:
        known = self._messages.get(message.id)
        if known is None:
            insort(self._ids, message.id)
        elif known.as_of >= message.as_of:
            return []
        for entry in self._recent:
            message = applied(message, entry)
        self._messages[message.id] = message
        if self._most and len(self._ids) > self._most:
            del self._messages[self._ids.pop(0)]
        return [message] if message.id in self._messages else []

    def _apply(self, entry: Entry) -> list[Message]:
        match entry:
            case Edit() | Reaction() | Pin():
                targets: tuple[int, ...] = (entry.target,)
            case Recall():
                targets = entry.targets
            case _:
                return []
        changed = []
        for target in targets:
            before = self._messages.get(target)
            if before is not None and (after := applied(before, entry)) is not before:
                self._messages[target] = after
                changed.append(after)
        return changed
