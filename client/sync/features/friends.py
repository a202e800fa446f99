"""Friendships, and requests for them."""

from __future__ import annotations

import time
from dataclasses import replace

from client.core.model import ConversationKind, FriendRequest, Person
from client.store import tables
from client.sync import convert
from client.sync.features.conversations import Conversations
from client.sync.features.people import People
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client, Refused, Status


class Friends:
    """Keeps who is a friend and who wants to be one."""

    def __init__(
        self, client: Client, known: Known, keeper: Keeper, people: People, conversations: Conversations
    ) -> None:
        self._client = client
        self._known = known
        self._keeper = keeper
        self._people = people
        self._conversations = conversations
        client.on_friend_request.subscribe(self._requested)
        client.on_friendship.subscribe(self._befriended)

    async def read(self) -> None:
        """Have all friends and all requests as they are now."""
        await self._read_friends()
        await self._read_requests()

    def befriend(self, person: Person, conversation: int) -> None:
        """Somebody is a friend, and this is their conversation."""
        known = self._known
        self._people.put(replace(person, friend=True))
        self.answered(person.uuid)
        if conversation and conversation not in known.rows:
            known.row(conversation, person.uuid)
            self._conversations.store(conversation)

    def refused(self, conversation: int, problem: BaseException | None) -> None:
        """Something that was sent was refused: the server tells nobody whose friendship ends, but in this way."""
        row = self._known.rows.get(conversation)
        if not isinstance(problem, Refused) or problem.status is not Status.NOT_FRIENDS or row is None:
            return
        if row.conversation.kind is ConversationKind.PRIVATE:
            for uuid in row.conversation.people:
                if self._known.known_person(uuid).friend:
                    self._people.put(replace(self._known.known_person(uuid), friend=False))

    def answered(self, uuid: int) -> None:
        """A request is answered."""
        if any(one.person.uuid == uuid for one in self._known.asking):
            self._set_requests([one for one in self._known.asking if one.person.uuid != uuid])

    def _set_requests(self, requests: list[FriendRequest]) -> None:
        """These are the requests now."""
        self._known.asking = requests

        def told(_: object) -> None:
            self._keeper.teller.requests = True

        self._keeper.write(lambda db: tables.set_requests(db, requests)).addCallback(told)

    def _requested(self, request: sdk.FriendRequest) -> None:
        person = convert.person(request.person, self._known.persons.get(request.person.uuid))
        self._known.persons.setdefault(person.uuid, person)
        self._people.store([person])
        others = [one for one in self._known.asking if one.person.uuid != person.uuid]
        self._set_requests([FriendRequest(person, request.text, int(time.time() * 1000)), *others])

    def _befriended(self, friendship: sdk.Friendship) -> None:
        self.befriend(
            convert.person(friendship.person, self._known.persons.get(friendship.person.uuid)),
            friendship.thread_id,
        )

    async def _read_friends(self) -> None:
        friends = await self._client.contacts.friends().all()
        self._people.take(friends)
        there = {friend.uuid for friend in friends}
        gone = [
            replace(one, friend=False)
            for one in self._known.persons.values()
            if one.friend and one.uuid not in there
        ]
        for person in gone:
            self._known.persons[person.uuid] = person
        self._people.store(gone)
        for friend in friends:
            if friend.thread_id and friend.thread_id not in self._known.rows:
                self.befriend(self._known.persons[friend.uuid], friend.thread_id)

    async def _read_requests(self) -> None:
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
            self._set_requests(sorted(requests, key=lambda one: -one.at_ms))
