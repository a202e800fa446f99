"""A group over the wire: Anna owns it, Bert is an admin, Carl a member; Dora is Anna's friend, Emil nobody's."""

from __future__ import annotations

from typing import Any

from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, RawClient

CREATE, GET, MEMBERS, ADD, REMOVE, LEAVE, ROLE, MUTE, SETTINGS = range(210, 228, 2)
INVITATIONS, ANSWER, LINK, LINKS, REVOKE, JOIN, LOOK, ASKING, LET_IN, ADDED_BY, READERS = range(228, 250, 2)


class GroupCase(ChatCase):
    """A test with the group."""

    names: tuple[str, ...] = ("anna", "bert", "carl", "dora", "emil")

    async def setUp(self) -> None:
        await super().setUp()
        self.number = 0
        users = await self.users(*self.names)
        self.uuids = [uuid for uuid, _ in users]
        self.clients = [client for _, client in users]
        self.anna, self.bert, self.carl, self.dora, self.emil = self.uuids[:5]
        self.a, self.b, self.c, self.d, self.e = self.clients[:5]
        for friend in (self.bert, self.carl, self.dora):
            await self.befriend(self.anna, friend)
        self.group = await self.make(self.a, self.bert, self.carl)
        await self.change(self.a, ROLE, uuid=str(self.bert), role=2)
        for client in (self.b, self.c):
            await client.next(138)
            await client.next(133)  # it is made
            await client.next(133)  # Bert is an admin

    def unique(self) -> str:
        """A unique_id."""
        self.number += 1
        return f"u{self.number}"

    async def make(self, client: RawClient, *users: int, **more: Any) -> str:
        """Make a group; gives back its thread."""
        request = {"unique_id": self.unique(), "title": "Group", "members": [str(user) for user in users]}
        answer = await client.ask(CREATE, **(request | more))
        self.assertEqual(answer["error"], 0, answer)
        return str(answer["thread_id"])

    async def ask(self, client: RawClient, service: int, **fields: Any) -> dict[str, Any]:
        """Ask for something about the group."""
        answer: dict[str, Any] = await client.ask(
            service, **({"thread_id": self.group, "unique_id": self.unique()} | fields)
        )
        return answer

    async def change(self, client: RawClient, service: int, **fields: Any) -> dict[str, Any]:
        """Change the group, which must be allowed."""
        answer = await self.ask(client, service, **fields)
        self.assertEqual(answer["error"], 0, answer)
        return answer

    async def say(self, client: RawClient, content: str) -> dict[str, Any]:
        """Say something in the group."""
        sender = self.uuids[self.clients.index(client)]
        answer: dict[str, Any] = await client.ask(23, **text_request(sender, 0, self.group, content))
        return answer

    async def hears(self, client: RawClient) -> str:
        """The next text that a client gets."""
        (text,) = (await client.next(25))["text_msg"]
        return str(text["msg_content"])

    async def entry(self, client: RawClient) -> dict[str, Any]:
        """The next change that a client is told of."""
        (entry,) = (await client.next(133))["entries"]
        found: dict[str, Any] = entry
        return found

    async def silent(self, client: RawClient) -> None:
        """Nothing of the group has come to a client until now."""
        self.assertEqual((await client.ask(32))["error"], 0)
        self.assertEqual([client.pending(service) for service in (25, 133)], [[], []])
