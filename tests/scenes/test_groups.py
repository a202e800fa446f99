"""A group on two servers as processes: what its members hear, and that nothing is lost when one of them is killed."""

from __future__ import annotations

import signal
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from imsys.bench.population import add_groups
from tests.chat.features.test_conversation import text_request
from tests.support.chat import RawClient
from tests.support.cluster import ChatServersCase


class GroupScenes(ChatServersCase):
    """A group of 24, half of them at each server."""

    pairs = 12

    async def setUp(self) -> None:
        await super().setUp()
        uuids = [int(person["uuid"]) for person in self.people]
        (group,) = await deferToThread(add_groups, self.config.database, [uuids], 0)
        self.group = str(group)
        self.clients: list[RawClient] = []
        for index, person in enumerate(self.people):
            self.clients.append(await self.log_in(("one", "two")[index % 2], **person, seq=0))

    async def say(self, index: int, content: str) -> dict[str, Any]:
        person, client = self.people[index], self.clients[index]
        request = text_request(int(person["uuid"]), 0, self.group, content)
        answer: dict[str, Any] = await client.ask(23, **request)
        self.assertEqual(answer["error"], 0, answer)
        return answer

    async def heard(self, indexes: list[int]) -> list[list[str]]:
        """The next text that each of these gets."""
        texts = []
        for index in indexes:
            push = await self.clients[index].next(25)
            texts.append([item["msg_content"] for item in push["text_msg"]])
        return texts

    async def test_everybody(self) -> None:
        """What is said at either server is heard by all others at both; who is removed hears nothing more."""
        for sender in (0, 1):
            await self.say(sender, f"of {sender}")
            others = [index for index in range(24) if index != sender]
            self.assertEqual(await self.heard(others), [[f"of {sender}"]] * 23)
        gone = self.people[23]["uuid"]
        answer = await self.clients[0].ask(218, thread_id=self.group, unique_id="r", members=[gone])
        self.assertEqual(answer["error"], 0, answer)
        self.assertEqual((await self.clients[23].next(138))["change"], "removed")
        await self.say(2, "without")
        await self.say(3, "and again")
        self.assertEqual(await self.heard([21, 22]), [["without"]] * 2)
        await self.clients[23].ask(32)
        self.assertEqual(self.clients[23].pending(25), [])

    async def test_killed(self) -> None:
        """One of the servers is killed while everybody talks: who is at the other is asked to catch up, and then has all that
        was acknowledged, as do those who come there from the dead one.
        """
        acknowledged: list[str] = []

        async def talk(index: int) -> None:
            for number in range(100):
                try:
                    answer = await self.say(index, f"{index}.{number}")
                except (ConnectionError, AssertionError):
                    return
                acknowledged.append(answer["verified_msg"][0]["msg_id"])
                if len(acknowledged) == 40:
                    self.servers["one"].send(signal.SIGKILL)

        await gatherResults([Deferred.fromCoroutine(talk(index)) for index in (0, 1, 2, 3)])
        self.assertGreater(len(acknowledged), 40)
        await self.clients[5].next(128)
        moved = await self.log_in("two", **self.people[4], seq=0)
        for client in (self.clients[5], moved):
            found: list[str] = []
            while True:
                page = await client.ask(
                    13, thread_id=self.group, msg_id=found[-1] if found else "0", limit=100
                )
                found += [record["msg_id"] for record in page["chat_messages"]]
                if page["is_complete"]:
                    break
            self.assertEqual(set(acknowledged) - set(found), set())
        await self.say(1, "still here")
        while True:
            push = await moved.next(25)
            if push["text_msg"][0]["msg_content"] == "still here":
                break
