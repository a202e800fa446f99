"""What is known of an account, in memory: the reading half of ``ports.Account`` that needs no store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from client.core.changes import Changes, Signal
from client.core.following import Activities, Presence
from client.core.groups import Invitation
from client.core.model import (
    Connection,
    Conversation,
    ConversationKind,
    FriendRequest,
    Message,
    Person,
    Stream,
    Transfer,
)
from client.core.timed import Later
from client.store.tables import Row


class Known:
    """One account's people, conversations, requests, streams and transfers."""

    def __init__(self, me: Person, connection: Connection, changes: Changes) -> None:
        self.me = me
        self.changes = changes
        self.link = connection
        self.rows: dict[int, Row] = {}
        self.persons: dict[int, Person] = {}
        self.asking: list[FriendRequest] = []
        self.invitations: list[Invitation] = []
        self.moving: dict[str, Transfer] = {}
        self.live: dict[str, Stream] = {}
        self.presences: dict[int, Presence] = {}
        self.activities = Activities()
        self.settings: dict[str, str] = {}
        self.later: dict[int, Later] = {}
        """Texts that wait to be sent, by their number at the server."""
        self.unknown = Signal[int]()
        """The uuid of somebody of whom nothing is known."""
        self._seen: dict[int, tuple[tuple[object, ...], Conversation]] = {}
        """What :meth:`seen` made, and of what."""

    def person(self, uuid: int) -> Person:
        """Somebody; one who is not known yet has their number for a name, and is asked about."""
        if uuid == self.me.uuid:
            return self.me
        person = self.persons.get(uuid)
        if person is None:
            self.unknown.fire(uuid)
            return Person(uuid, str(uuid))
        return person

    def known_person(self, uuid: int) -> Person:
        """The same, and nobody is asked."""
        return self.persons.get(uuid) or Person(uuid, str(uuid))

    def people(self) -> Sequence[Person]:
        """All friends, by name."""
        return sorted(
            (one for one in self.persons.values() if one.friend),
            key=lambda one: (one.name.casefold(), one.uuid),
        )

    def conversations(self) -> Sequence[Conversation]:
        """Pinned ones first, then the newest."""
        seen = [self.seen(row) for row in self.rows.values()]
        return sorted(seen, key=lambda one: (not one.pinned, -one.at_ms, one.id))

    def conversation(self, number: int) -> Conversation | None:
        """One of them."""
        row = self.rows.get(number)
        return None if row is None else self.seen(row)

    def seen(self, row: Row) -> Conversation:
        """A conversation with the name and the picture that its people have now: the same value while
        nothing of it changes.
        """
        one = row.conversation
        live = next(
            (stream.id for stream in self.live.values() if stream.conversation == one.id and stream.running),
            "",
        )
        if one.kind is ConversationKind.PRIVATE and one.people:
            other = self.person(one.people[0])
            title, avatar = other.name, other.avatar
        else:
            title, avatar = one.title, one.avatar
            title = title or ", ".join(self.person(uuid).name for uuid in one.people[:4]) or str(one.id)
        of = (one, title, avatar, live)
        made = self._seen.get(one.id)
        if made is None or made[0][0] is not one or made[0][1:] != of[1:]:
            made = self._seen[one.id] = of, replace(one, title=title, avatar=avatar, live=live)
        return made[1]

    def streams(self, conversation: int) -> Sequence[Stream]:
        """Live streams that run there."""
        return tuple(
            stream for stream in self.live.values() if stream.conversation == conversation and stream.running
        )

    def row(self, conversation: int, other: int = 0) -> Row:
        """A conversation's row, or a new one: private with somebody, or a group (0)."""
        row = self.rows.get(conversation)
        if row is None:
            kind = ConversationKind.PRIVATE if other else ConversationKind.GROUP
            row = Row(Conversation(conversation, kind, "", (other,) if other else ()))
            self.rows[conversation] = row
        return row

    def set_row(self, row: Row) -> Row:
        """It stands so now."""
        self.rows[row.conversation.id] = row
        return row

    def change(self, conversation: Conversation) -> Row:
        """What is seen of a conversation is this now."""
        return self.set_row(replace(self.row(conversation.id), conversation=conversation))

    def with_last(self, row: Row, message: Message) -> Row:
        """A row after a message came or changed."""
        last = row.conversation.last
        if last is None or last.key == message.key or message.order >= last.order:
            return self.set_row(replace(row, conversation=replace(row.conversation, last=message)))
        return row
