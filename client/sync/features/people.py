"""Cards of people: names, pictures, what I call them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from client.core.model import Person
from client.store import tables
from client.sync import convert
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client, Refused

SOON = 0.05
"""Seconds in which uuids are collected before their cards are asked for."""

_log = logging.getLogger(__name__)


class People:
    """Keeps them, and asks for the cards of those of whom nothing is known."""

    def __init__(self, reactor: Any, client: Client, known: Known, keeper: Keeper) -> None:
        self._reactor = reactor
        self._client = client
        self._known = known
        self._keeper = keeper
        self._unknown: set[int] = set()
        self._asked: set[int] = set()
        self._soon: IDelayedCall | None = None
        known.unknown.subscribe(self._ask_about)
        client.on_profile.subscribe(lambda card: self.take([card]))

    async def read(self) -> None:
        """Have the cards of those of whom the list of conversations has told the name alone."""
        uuids = sorted(uuid for uuid, one in self._known.persons.items() if not one.username)
        if uuids:
            self.take(await self._client.contacts.people(uuids))

    def close(self) -> None:
        """Ask no more."""
        if self._soon is not None and self._soon.active():
            self._soon.cancel()

    def take(self, cards: Iterable[sdk.Person]) -> None:
        """Take cards, and tell of those that are not as they were."""
        known, changed = self._known, []
        for card in cards:
            before = known.me if card.uuid == known.me.uuid else known.persons.get(card.uuid)
            person = convert.person(card, before)
            if person == before:
                continue
            changed.append(person)
            if card.uuid == known.me.uuid:
                known.me = person
            else:
                known.persons[person.uuid] = person
        self.store(changed)

    def put(self, person: Person) -> None:
        """Somebody is so now."""
        self._known.persons[person.uuid] = person
        self.store([person])

    def store(self, changed: list[Person]) -> None:
        """Store people who are different now, and tell."""
        if not changed:
            return
        uuids = {person.uuid for person in changed}

        def told(_: object) -> None:
            teller = self._keeper.teller
            teller.people |= uuids
            teller.conversations |= {
                row.conversation.id
                for row in self._known.rows.values()
                if uuids & set(row.conversation.people)
            }

        self._keeper.write(lambda db: tables.put_people(db, changed)).addCallback(told)

    def _ask_about(self, uuid: int) -> None:
        """Ask for a card together with those of others."""
        if uuid > 0 and uuid not in self._asked:
            self._asked.add(uuid)
            if not self._unknown:
                self._soon = self._reactor.callLater(SOON, self._ask)
            self._unknown.add(uuid)

    def _ask(self) -> None:
        Deferred.fromCoroutine(self._cards()).addErrback(
            lambda reason: _log.error("cards could not be read: %s", reason.getTraceback())
        )

    async def _cards(self) -> None:
        uuids, self._unknown = sorted(self._unknown), set()
        try:
            self.take(await self._client.contacts.people(uuids))
        except Refused as problem:
            _log.info("cards could not be read: %s", problem)
            self._asked -= set(uuids)
