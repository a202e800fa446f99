"""The reading half of :class:`client.core.memory.MemoryAccount`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from client.core.changes import Changes
from client.core.lifelike.conversations import Life, build
from client.core.lifelike.history import History
from client.core.lifelike.people import FRIENDS, ME, MEMBERS, STRANGERS, asking
from client.core.model import (
    Connection,
    Conversation,
    FriendRequest,
    Kind,
    Link,
    Message,
    Person,
    Stream,
    Transfer,
)
from client.core.ports import Failure

NOW_MS = 1_795_514_400_000
"""2026-11-24 10:00 UTC, a Tuesday."""


class MemoryReader:
    """What is known; the histories make their old messages when they are asked for."""

    def __init__(self, *, now_ms: int = NOW_MS, longest: int = 100_000, empty: bool = False) -> None:
        self.changes = Changes()
        self.now_ms = now_ms
        """The time of whatever is sent or received; a test moves it."""
        life = Life({}, {}, {}, {}) if empty else build(now_ms, longest)
        self._conversations, self._histories, self._transfers, self._streams = (
            life.conversations,
            life.histories,
            life.transfers,
            life.streams,
        )
        self._people: dict[int, Person] = {
            person.uuid: person for person in (ME, *STRANGERS, *(() if empty else (*FRIENDS, *MEMBERS)))
        }
        self._requests = [] if empty else asking(now_ms)
        self._remembered: dict[str, str] = {}
        self._connection = Connection(Link.ONLINE, "chat.example.org")

    @property
    def me(self) -> Person:
        """Lena, or what she has become."""
        return self._people[ME.uuid]

    def connection(self) -> Connection:
        """As :meth:`MemoryAccount.set_connection` left it."""
        return self._connection

    def person(self, uuid: int) -> Person:
        """Somebody."""
        return self._people.get(uuid) or Person(uuid, str(uuid))

    def people(self) -> Sequence[Person]:
        """All friends, by name."""
        return sorted(
            (person for person in self._people.values() if person.friend),
            key=lambda person: person.name.casefold(),
        )

    def requests(self) -> Sequence[FriendRequest]:
        """Who asks."""
        return tuple(self._requests)

    def conversations(self) -> Sequence[Conversation]:
        """Pinned ones first, then the newest."""
        return sorted(self._conversations.values(), key=lambda one: (not one.pinned, -one.at_ms, one.id))

    def conversation(self, id: int) -> Conversation | None:
        """One of them."""
        return self._conversations.get(id)

    def transfers(self) -> Sequence[Transfer]:
        """Files on their way."""
        return tuple(self._transfers.values())

    def streams(self, conversation: int) -> Sequence[Stream]:
        """Live streams that run there."""
        return tuple(
            stream
            for stream in self._streams.values()
            if stream.conversation == conversation and stream.running
        )

    def remembered(self, name: str) -> str:
        """What was remembered."""
        return self._remembered.get(name, "")

    def history(self, conversation: int) -> History:
        """Its messages."""
        if conversation not in self._histories:
            raise Failure("This conversation does not exist.")
        return self._histories[conversation]

    def _slice(self, conversation: int, start: int, end: int) -> list[Message]:
        history = self.history(conversation)
        return [history[index] for index in range(max(0, start), min(end, len(history)))]

    async def before(self, conversation: int, message: Message | None, most: int) -> list[Message]:
        """Up to so many before one."""
        history = self.history(conversation)
        end = len(history) if message is None else history.position(message.order)
        return self._slice(conversation, end - most, end)

    async def after(self, conversation: int, message: Message, most: int) -> list[Message]:
        """Up to so many after one."""
        start = self.history(conversation).position((message.order[0], message.order[1], message.key + "\0"))
        if message.id:
            start = self.history(conversation).position((message.id + 1, 0, ""))
        return self._slice(conversation, start, start + most)

    async def around(self, conversation: int, id: int, most: int) -> list[Message]:
        """Up to so many with that one in the middle."""
        middle = self.history(conversation).position((id, 0, ""))
        return self._slice(conversation, middle - most // 2, middle - most // 2 + most)

    async def on_day(self, conversation: int, at_ms: int) -> int:
        """The id of the first at or after a time."""
        history = self.history(conversation)
        index = history.moment(at_ms)
        return history[index].id if index < len(history) else 0

    def _newest(self, conversation: int, most: int = 1 << 62) -> Iterator[Message]:
        history = self.history(conversation)
        return (history[index] for index in range(len(history) - 1, max(-1, len(history) - 1 - most), -1))

    async def find(self, conversation: int, text: str, most: int) -> list[Message]:
        """Messages that hold a text, newest first."""
        sought = text.casefold()
        return list(
            itertools.islice(
                (
                    one
                    for one in self._newest(conversation)
                    if sought and one.kind is not Kind.NOTICE and sought in one.text.casefold()
                ),
                most,
            )
        )

    async def files(
        self,
        kind: str,
        text: str,
        most: int,
        skip: int,
        *,
        conversation: int = 0,
        here: bool = False,
        largest: bool = False,
    ) -> list[Message]:
        """Messages with files, of the newest thousand of each conversation, newest first."""
        found = [
            (message.attachment, message)
            for one in ([conversation] if conversation else self._conversations)
            for message in self._newest(one, 1_000)
            if message.attachment
            and (not kind or message.kind.value == kind)
            and text.casefold() in message.attachment.filename.casefold()
            and (message.attachment.path or not here)
        ]
        found.sort(key=lambda one: (one[0].size if largest else 0, one[1].at_ms, one[1].order), reverse=True)
        return [message for _, message in found[skip : skip + most]]

    def keeps(self, message: Message) -> bool:
        """All that is here, but what was sent."""
        return message.attachment is not None and bool(message.attachment.path) and not message.mine
