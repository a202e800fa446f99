"""What happens to a :class:`client.core.memory.MemoryAccount` from outside, when a test says so: others write,
read and change, the connection comes and goes.
"""

from __future__ import annotations

from dataclasses import replace

from client.core.memory_reader import MemoryReader
from client.core.model import (
    Attachment,
    Connection,
    Conversation,
    ConversationKind,
    Kind,
    Link,
    Mark,
    Message,
    Person,
    Stream,
    Transfer,
)


class MemoryWorld(MemoryReader):
    """Changes what is known, and tells of it. :meth:`set_connection` with ``ONLINE`` sends what waits."""

    def set_connection(self, link: Link, reason: str = "", retry_at_ms: int = 0) -> None:
        """The connection comes or goes."""
        self._connection = Connection(link, self._connection.server, reason, retry_at_ms)
        self.changes.connection.fire(self._connection)
        if link is Link.ONLINE:
            for one in list(self._histories):
                for message in reversed(
                    [
                        said
                        for said in self._newest(one, 50)
                        if said.mark is Mark.WAITING and said.key not in self._transfers
                    ]
                ):
                    self.advance(message, Mark.STORED)

    def receive(
        self,
        conversation: int,
        text: str = "",
        sender: int = 0,
        *,
        kind: Kind = Kind.TEXT,
        attachment: Attachment | None = None,
    ) -> Message:
        """Somebody else writes."""
        one = self._conversations[conversation]
        number = self.history(conversation).next_id()
        message = Message(
            f"#{number}",
            conversation,
            sender or one.people[0],
            self.now_ms,
            kind,
            text,
            number,
            attachment=attachment,
        )
        self._put(message)
        self._set(replace(self._conversations[conversation], unread=one.unread + 1))
        self.changes.arrived.fire([message])
        return message

    def advance(self, message: Message, mark: Mark, failure: str = "") -> Message:
        """A message of mine comes further, or fails."""
        number = message.id or (self.history(message.conversation).next_id() if mark >= Mark.STORED else 0)
        changed = replace(message, mark=mark, failure=failure, id=number)
        self._put(changed)
        return changed

    def read_by_other(self, conversation: int, id: int) -> None:
        """The other has read up to there."""
        changed = self.history(conversation).read_until(id)
        if changed:
            self.changes.messages.fire(changed)
            self._refresh(conversation)

    def set_person(self, person: Person) -> None:
        """Somebody changes."""
        self._people[person.uuid] = person
        self.changes.people.fire([person.uuid])
        for one in list(self._conversations.values()):
            if one.kind is ConversationKind.PRIVATE and one.people == (person.uuid,):
                self._set(replace(one, title=person.name, avatar=person.avatar))

    def set_transfer(self, transfer: Transfer) -> None:
        """A file comes further."""
        self._transfers[transfer.key] = transfer
        self.changes.transfer.fire(transfer)

    def set_stream(self, stream: Stream) -> None:
        """A live stream begins, changes or ends."""
        self._streams[stream.id] = stream
        self.changes.stream.fire(stream)
        running = self.streams(stream.conversation)
        self._set(replace(self._conversations[stream.conversation], live=running[0].id if running else ""))

    def _put(self, message: Message) -> None:
        self.history(message.conversation).put(message)
        self.changes.messages.fire([message])
        self._refresh(message.conversation)

    def _refresh(self, conversation: int) -> None:
        history = self.history(conversation)
        self._set(
            replace(
                self._conversations[conversation], last=history[len(history) - 1] if len(history) else None
            )
        )

    def _set(self, conversation: Conversation) -> None:
        self._conversations[conversation.id] = conversation
        self.changes.conversations.fire([conversation.id])
