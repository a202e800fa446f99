"""What is known of an account: ``ports.Reader``."""

from __future__ import annotations

from collections.abc import Sequence

from client.core.model import (
    Connection,
    Conversation,
    FriendRequest,
    Message,
    Person,
    Reactor,
    Readers,
    Stream,
    Transfer,
)
from client.store import messages
from client.sync.asking import asked
from client.sync.parts import Uses


class Reading(Uses):
    """From memory, and messages from the store, or from the server where something is missing there."""

    @property
    def me(self) -> Person:
        """Whose account it is."""
        return self.parts.known.me

    def connection(self) -> Connection:
        """Where the connection stands."""
        return self.parts.known.link

    def person(self, uuid: int) -> Person:
        """Somebody."""
        return self.parts.known.person(uuid)

    def people(self) -> Sequence[Person]:
        """All friends, by name."""
        return self.parts.known.people()

    def requests(self) -> Sequence[FriendRequest]:
        """Who asks to become friends."""
        return tuple(self.parts.known.asking)

    def conversations(self) -> Sequence[Conversation]:
        """All of them."""
        return self.parts.known.conversations()

    def conversation(self, id: int) -> Conversation | None:
        """One of them."""
        return self.parts.known.conversation(id)

    def transfers(self) -> Sequence[Transfer]:
        """Files on their way."""
        return tuple(self.parts.known.moving.values())

    def streams(self, conversation: int) -> Sequence[Stream]:
        """Live streams that run there."""
        return self.parts.known.streams(conversation)

    def remembered(self, name: str) -> str:
        """What was remembered under a name."""
        return self.parts.known.settings.get(f"view.{name}", "")

    async def before(self, conversation: int, message: Message | None, most: int) -> list[Message]:
        """Up to so many before one."""
        return await self.parts.history.before(conversation, message, most)

    async def after(self, conversation: int, message: Message, most: int) -> list[Message]:
        """Up to so many after one."""
        return await self.parts.history.after(conversation, message, most)

    async def around(self, conversation: int, id: int, most: int) -> list[Message]:
        """Up to so many with that one in the middle."""
        return await self.parts.history.around(conversation, id, most)

    async def on_day(self, conversation: int, at_ms: int) -> int:
        """The id of the first at or after a time."""
        return await self.parts.history.on_day(conversation, at_ms)

    async def find(self, conversation: int, text: str, most: int) -> list[Message]:
        """Messages that hold a text."""
        return await self.parts.history.find(conversation, text, most)

    async def pins(self, conversation: int) -> list[Message]:
        """The pinned messages."""
        return await self.parts.entries.pins(conversation)

    async def readers(self, message: Message) -> Readers:
        """Who has a message of a group."""
        said = await asked(self.parts.client.groups.readers(message.conversation, message.id))
        return Readers(said.delivered, said.read, said.readers)

    async def reactors(self, message: Message) -> list[Reactor]:
        """Who reacted to a message."""
        found = await asked(self.parts.client.history.reactors(message.conversation, message.id).all())
        return [Reactor(one.uuid, one.emoji) for one in found]

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
        """Messages with files."""
        return await self.parts.keeper.store.read(
            lambda db: messages.files(
                db, kind, text, most, skip, conversation=conversation, here=here, largest=largest
            )
        )

    def keeps(self, message: Message) -> bool:
        """Whether the file of a message is a copy of the account's own."""
        return self.parts.cache.keeps(message)
