"""What stands beside the messages: friends, requests, conversations, marks and live streams, read anew and
told of.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import apsw
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

from client.core.model import FriendRequest, Person, Stream
from client.store import tables
from client.sync import convert
from client.sync.history import History
from client.sync.incoming import Incoming
from client.sync.keeping import Keeper
from client.sync.known import Known
from client.sync.people import store_people
from imsys import sdk
from imsys.sdk import Client, Refused

AT_ONCE = 3
"""Conversations whose first page is read side by side."""
SOON = 0.05
"""Seconds in which uuids are collected before their cards are asked for."""

_log = logging.getLogger(__name__)


class Standing:
    """Keeps what is known of people and conversations as the server has it."""

    def __init__(
        self, reactor: Any, client: Client, known: Known, keeper: Keeper, incoming: Incoming, history: History
    ) -> None:
        self._reactor = reactor
        self._client = client
        self._known = known
        self._keeper = keeper
        self._incoming = incoming
        self._history = history
        self._unknown: set[int] = set()
        self._asked: set[int] = set()
        self._reading = False

    def subscribe(self) -> None:
        """Hear of what changes."""
        client = self._client
        client.on_friend_request.subscribe(self._asking)
        client.on_friendship.subscribe(self._befriended)
        client.on_profile.subscribe(lambda card: self.people([card]))
        client.on_position.subscribe(self._incoming.position)
        client.on_live.subscribe(self.live)

    def read_soon(self) -> None:
        """There is a connection: compare everything."""
        if not self._reading:
            self._reading = True
            Deferred.fromCoroutine(self._read()).addErrback(self._failed)

    def ask_about(self, uuid: int) -> None:
        """Somebody is not known: ask for their card with those of others."""
        if uuid > 0 and uuid not in self._asked:
            self._asked.add(uuid)
            if not self._unknown:
                self._reactor.callLater(
                    SOON, lambda: Deferred.fromCoroutine(self._cards()).addErrback(self._failed)
                )
            self._unknown.add(uuid)

    def people(self, cards: Iterable[sdk.Person]) -> None:
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
        self.store_people(changed)

    def store_people(self, changed: list[Person]) -> None:
        """Store people who are different now, and tell."""
        store_people(self._known, self._keeper, changed)

    def befriend(self, person: Person, conversation: int) -> None:
        """Somebody is a friend, and this is their conversation."""
        known = self._known
        known.persons[person.uuid] = replace(person, friend=True)
        self.store_people([known.persons[person.uuid]])
        self.answered(person.uuid)
        if conversation and conversation not in known.rows:
            row = known.row(conversation, person.uuid)
            self._keeper.write(
                lambda db: tables.put_conversation(db, known.rows.get(conversation, row))
            ).addCallback(lambda _: self._keeper.teller.conversations.add(conversation))

    def answered(self, uuid: int) -> None:
        """A request is answered."""
        if any(one.person.uuid == uuid for one in self._known.asking):
            self.set_requests([one for one in self._known.asking if one.person.uuid != uuid])

    def set_requests(self, requests: list[FriendRequest]) -> None:
        """These are the requests now."""
        self._known.asking = requests

        def told(_: object) -> None:
            self._keeper.teller.requests = True

        self._keeper.write(lambda db: tables.set_requests(db, requests)).addCallback(told)

    def live(self, change: sdk.LiveChange) -> Stream:
        """A live stream began, changed or ended."""
        stream = convert.stream(change, self._known.live.get(change.stream_id))
        if stream.running:
            self._known.live[stream.id] = stream
        else:
            self._known.live.pop(stream.id, None)
        self._known.changes.stream.fire(stream)
        self._known.changes.conversations.fire([stream.conversation])
        return stream

    def _asking(self, request: sdk.FriendRequest) -> None:
        person = convert.person(request.person, self._known.persons.get(request.person.uuid))
        self._known.persons.setdefault(person.uuid, person)
        self.store_people([person])
        others = [one for one in self._known.asking if one.person.uuid != person.uuid]
        self.set_requests([FriendRequest(person, request.text, int(time.time() * 1000)), *others])

    def _befriended(self, friendship: sdk.Friendship) -> None:
        self.befriend(
            convert.person(friendship.person, self._known.persons.get(friendship.person.uuid)),
            friendship.thread_id,
        )

    async def _cards(self) -> None:
        uuids, self._unknown = sorted(self._unknown), set()
        try:
            self.people(await self._client.contacts.people(uuids))
        except Refused as problem:
            _log.info("cards could not be read: %s", problem)
            self._asked -= set(uuids)

    async def _read(self) -> None:
        try:
            await self._friends()
            await self._requests()
            new = await self._conversations()
            for position in await self._client.history.positions().all():
                self._incoming.position(position)
            await self._streams()
            await self._told()
            turns = DeferredSemaphore(AT_ONCE)
            begun = [turns.run(self._history.begin, one) for one in new]
            await gatherResults(begun, consumeErrors=True)
        finally:
            self._reading = False

    async def _friends(self) -> None:
        friends = await self._client.contacts.friends().all()
        self.people(friends)
        there = {friend.uuid for friend in friends}
        gone = [
            replace(one, friend=False)
            for one in self._known.persons.values()
            if one.friend and one.uuid not in there
        ]
        for person in gone:
            self._known.persons[person.uuid] = person
        self.store_people(gone)
        for friend in friends:
            if friend.thread_id and friend.thread_id not in self._known.rows:
                self.befriend(self._known.persons[friend.uuid], friend.thread_id)

    async def _requests(self) -> None:
        found = await self._client.contacts.requests().all()
        known = {one.person.uuid: one for one in self._known.asking}
        now = int(time.time() * 1000)
        requests = []
        for one in found:
            person = convert.person(one.person, self._known.persons.get(one.person.uuid))
            self._known.persons.setdefault(person.uuid, person)
            before = known.get(person.uuid)
            requests.append(FriendRequest(person, one.text, before.at_ms if before is not None else now))
        if requests != self._known.asking:
            self.set_requests(sorted(requests, key=lambda one: -one.at_ms))

    async def _conversations(self) -> list[int]:
        """Those of which nothing is here yet."""
        known = self._known
        rows = []
        for thread in await self._client.history.threads().all():
            if thread.thread_id not in known.rows:
                other = next((uuid for uuid in thread.users if uuid != known.me.uuid), 0)
                rows.append(known.row(thread.thread_id, other if thread.private else 0))

        def work(db: apsw.Connection) -> list[int]:
            for row in rows:
                tables.put_conversation(db, row)
            return [number for number in known.rows if not len(tables.spans(db, number))]

        def told(found: object) -> Any:
            self._keeper.teller.conversations |= {row.conversation.id for row in rows}
            return found

        return list(await self._keeper.write(work).addCallback(told) or ())

    async def _streams(self) -> None:
        running = await self._client.live.running().all()
        for stream_id in self._known.live.keys() - {one.stream_id for one in running}:
            gone = replace(self._known.live.pop(stream_id), running=False)
            self._known.changes.stream.fire(gone)
            self._known.changes.conversations.fire([gone.conversation])
        for one in running:
            self.live(one)

    async def _told(self) -> None:
        """Tell the server what was read while it was away."""
        for row in list(self._known.rows.values()):
            if row.conversation.read > row.told:
                await self.tell_read(row.conversation.id)

    async def tell_read(self, conversation: int) -> None:
        """Tell the server how far I have read."""
        read = self._known.row(conversation).conversation.read
        await self._client.mark_read(conversation, read)
        row = self._known.set_row(replace(self._known.row(conversation), told=read))
        self._keeper.write(lambda db: tables.put_conversation(db, self._known.rows.get(conversation, row)))

    def _failed(self, reason: Any) -> None:
        if reason.check(Refused):
            _log.info("people and conversations could not be read: %s", reason.value)
        else:
            _log.error("people and conversations could not be read: %s", reason.getTraceback())
