"""People who are different now: in memory, in the store, and told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from client.core.model import ConversationKind, Person
from client.store import tables
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys.sdk import Refused, Status


def store_people(known: Known, keeper: Keeper, changed: Sequence[Person]) -> None:
    """Store people who are different now, and tell."""
    if not changed:
        return
    uuids = {person.uuid for person in changed}

    def told(_: object) -> None:
        teller = keeper.teller
        teller.people |= uuids
        teller.conversations |= {
            row.conversation.id for row in known.rows.values() if uuids & set(row.conversation.people)
        }

    keeper.write(lambda db: tables.put_people(db, changed)).addCallback(told)


def learn(known: Known, keeper: Keeper, conversation: int, problem: object) -> None:
    """Take from a refusal that somebody is no friend any more: the server tells nobody whose friendship ends."""
    row = known.rows.get(conversation)
    if not isinstance(problem, Refused) or problem.status is not Status.NOT_FRIENDS or row is None:
        return
    if row.conversation.kind is ConversationKind.PRIVATE:
        gone = [
            replace(known.persons[uuid], friend=False)
            for uuid in row.conversation.people
            if uuid in known.persons and known.persons[uuid].friend
        ]
        known.persons |= {person.uuid: person for person in gone}
        store_people(known, keeper, gone)
