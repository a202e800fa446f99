"""What an account begins with: everything of its store but the messages, and of those what waits."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from client.core.model import FriendRequest, Message, Person
from client.store import messages, tables
from client.store.tables import Row


@dataclass(frozen=True, slots=True)
class Loaded:
    """All of it.

    :param unsent: messages of mine that the server does not have yet.
    :param paused: the keys of those whose files were stopped.
    """

    settings: dict[str, str]
    persons: dict[int, Person]
    requests: list[FriendRequest]
    rows: dict[int, Row]
    unsent: list[Message]
    paused: set[str]


def load(db: apsw.Connection) -> Loaded:
    """Read it."""
    persons = {person.uuid: person for person in tables.people(db)}
    return Loaded(
        tables.settings(db),
        persons,
        tables.requests(db, persons),
        {row.conversation.id: row for row in tables.conversations(db)},
        messages.unsent(db),
        messages.paused(db),
    )
