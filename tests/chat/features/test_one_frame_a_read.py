"""The original's Qt client, which takes one frame from each read of its socket, in conversations."""

from __future__ import annotations

import dataclasses
from typing import Any

from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from imsys.protocols.framing import CHAT
from imsys.protocols.paced import Pace
from tests.chat.features.test_conversation import text_request
from tests.support.chat import PATIENCE, ChatCase
from tests.support.groups import ADD, REMOVE, GroupCase
from tests.support.original import OriginalClient, ReadingLoop, Spinning
from tests.support.stores import OnSqlite


class TheLoop(TestCase):
    """What the reading loop does with what it does not expect."""

    def test_one_frame_a_read(self) -> None:
        """Frames that come one by one are understood.

        Two in a read make it deaf or let it spin, and a split one is lost.
        """
        one, short = CHAT.encode(21, b'{"error":0}'), CHAT.encode(33, b"{}")
        loop = ReadingLoop()
        loop.read(one)
        loop.read(short)
        self.assertEqual(loop.messages, [(21, {"error": 0}), (33, {})])
        self.assertRaises(Spinning, ReadingLoop().read, short + one)
        deaf = ReadingLoop()
        deaf.read(one + short)
        deaf.read(short)
        self.assertEqual(deaf.messages, [])
        split = ReadingLoop()
        split.read(one[:9])
        split.read(one[9:])
        self.assertEqual(split.messages, [])


class Originals(ChatCase):
    """The pause between two frames is over when the client has read the first."""

    async def setUp(self) -> None:
        await super().setUp()
        self.clock = Clock()
        connections = self.server.connections
        self.assertEqual(connections._settings.pace, Pace(self.reactor, 0.05))  # as the configuration has it
        connections._settings = dataclasses.replace(connections._settings, pace=Pace(self.clock, 0.05))

    async def original(self, user: int) -> OriginalClient:
        """Logged in as the original does it."""
        endpoint = HostnameEndpoint(self.reactor, "127.0.0.1", self.server.port.getHost().port)
        client: OriginalClient = await connectProtocol(
            endpoint, OriginalClient(lambda: self.clock.advance(0.05))
        )
        assert client.transport is not None
        self.addCleanup(client.transport.loseConnection)
        client.send(5, uuid=str(user), token=await self.server.tokens.issue(user))
        await self.heard(client, 6)
        return client

    async def heard(self, client: OriginalClient, *services: int) -> list[dict[str, Any]]:
        """Wait until just these have come, in this order; what they say."""
        end = self.reactor.seconds() + PATIENCE
        while (
            len(client.loop.messages) < len(services) and self.reactor.seconds() < end and not client.spinning
        ):
            await deferLater(self.reactor, 0.001)
        self.assertEqual((client.spinning, client.services), (False, list(services)))
        said = [message for _, message in client.loop.messages]
        client.loop.messages.clear()
        return said


class Original(Originals):
    """In private conversations."""

    async def test_confirming(self) -> None:
        """Who confirms hears the answer, and then of the friendship, each in a read of its own."""
        (anna, a), (bert, b) = await self.users("anna", "bert")
        await a.ask(17, src_uuid=str(anna), dst_uuid=str(bert), message="hi", nickname="")
        client = await self.original(bert)
        client.send(20, src_uuid=str(anna), dst_uuid=str(bert), alternative_name="")
        confirmed, friendship = await self.heard(client, 21, 22)
        self.assertEqual((confirmed["error"], friendship["friend_uuid"]), (0, str(anna)))
        self.assertEqual(client.reads, 3)
        del b

    async def test_crossing(self) -> None:
        """Whose request meets one that waits hears the answer first, too."""
        (anna, a), (bert, _) = await self.users("anna", "bert")
        await a.ask(17, src_uuid=str(anna), dst_uuid=str(bert), message="hi", nickname="")
        client = await self.original(bert)
        client.send(17, src_uuid=str(bert), dst_uuid=str(anna), message="hi", nickname="")
        await self.heard(client, 18, 22)

    async def test_many_answers(self) -> None:
        """Answers that are ready at once come one by one.

        So does what was pushed before the login was answered.
        """
        (user,) = await self.people("anna")
        client = await self.original(user)
        client.send(9, username="anna")
        client.send(9, username="nobody")
        client.send(32)
        client.send(9, username="ANNA")
        answers = await self.heard(client, 33, 10, 10, 10)  # a heartbeat is answered at once
        self.assertEqual([answer["error"] for answer in answers], [0, 0, 21, 0])

    async def test_texts(self) -> None:
        """Texts that wait for their turn are merged, and keep their order; all of them come."""
        (anna, a), (bert, _) = await self.users("anna", "bert")
        await a.ask(17, src_uuid=str(anna), dst_uuid=str(bert), message="hi", nickname="")
        client = await self.original(bert)
        client.send(20, src_uuid=str(anna), dst_uuid=str(bert), alternative_name="")
        thread = (await self.heard(client, 21, 22))[1]["thread_id"]
        said = [f"text {number}" for number in range(40)]
        for text in said:
            a.send(23, **text_request(anna, bert, thread, text))
        for _ in said:
            self.assertEqual((await a.next(24))["error"], 0)
        end = self.reactor.seconds() + PATIENCE
        heard: list[str] = []
        while len(heard) < len(said) and self.reactor.seconds() < end and not client.spinning:
            await deferLater(self.reactor, 0.001)
            heard = [
                item["msg_content"]
                for service, push in client.loop.messages
                if service == 25
                for item in push["text_msg"]
            ]
        self.assertEqual(heard, said)
        self.assertLess(len(client.loop.messages), len(said))
        self.assertEqual(set(client.services), {25})

    async def test_signed_out(self) -> None:
        """The last words come in their turn as well, before the connection is closed."""
        (user,) = await self.people("anna")
        client = await self.original(user)
        client.send(9, username="nobody")
        client.send(7, uuid=str(user), token="x")  # of somebody who is not logged in with it
        await self.heard(client, 10, 8)
        await self.server.login(user)
        (last,) = await self.heard(client, 8)
        self.assertIn("message", last)

    async def test_streams(self) -> None:
        """Who numbers their requests reads a stream, and waits for nothing: the clock of the pauses stands
        still.
        """
        (user,) = await self.people("anna")
        client = await self.server.login(user)
        for _ in range(20):
            client.send(9, username="anna")
        for _ in range(20):
            self.assertEqual((await client.next(10))["error"], 0)


class InAGroup(Originals, GroupCase):
    """In a group: what it knows it sees, and what it does not know neither kills it nor holds up what it knows."""

    async def until(self, client: OriginalClient, service: int, key: str, value: str) -> list[int]:
        """Wait for a frame of a service that says something; the services of all that came until then."""
        end = self.reactor.seconds() + PATIENCE
        while self.reactor.seconds() < end and not client.spinning:
            for index, (found, said) in enumerate(client.loop.messages):
                if found == service and value in str(said[key]):
                    came = client.services[: index + 1]
                    del client.loop.messages[: index + 1]
                    return came
            await deferLater(self.reactor, 0.001)
        raise AssertionError(f"{client.spinning=}, {client.services[-20:]}")

    async def test_conversation(self) -> None:
        """It logs in, finds the group among its threads, reads and writes; messages are as they are now, and nothing else."""
        said = (await self.say(self.a, "one"))["verified_msg"][0]["msg_id"]
        client = await self.original(self.carl)
        client.send(11, uuid=str(self.carl), thread_id="0")
        (page,) = await self.heard(client, 12)
        self.assertIn(
            {"thread_id": self.group, "type": "GROUP", "user1_uuid": "0", "user2_uuid": "0"}, page["threads"]
        )
        await self.change(self.a, 192, target=said, content="uno")
        await self.change(self.a, 196, target=said, emoji="👍", on=True)
        await self.change(self.a, ADD, members=[str(self.dora)])
        await self.heard(client, 133, 133, 133)
        client.send(13, thread_id=self.group, msg_id="0")
        (page,) = await self.heard(client, 14)
        (record,) = page["chat_messages"]
        self.assertEqual(
            record,
            {
                "msg_id": said,
                "msg_sender": str(self.anna),
                "msg_receiver": "0",
                "msg_type": 1,
                "thread_id": self.group,
                "status": 0,
                "msg_content": "uno",
                "timestamp": record["timestamp"],
            },
        )
        await self.say(self.a, "two")
        (push,) = await self.heard(client, 25)
        self.assertEqual((push["text_sender"], push["text_receiver"]), (str(self.anna), "0"))
        self.assertEqual([one["msg_content"] for one in push["text_msg"]], ["two"])
        client.send(23, **text_request(self.carl, 0, self.group, "three"))
        (answer,) = await self.heard(client, 24)
        self.assertEqual(
            sorted(answer["verified_msg"][0]), ["msg_id", "prev_id", "thread_id", "timestamp", "unique_id"]
        )
        self.assertEqual(await self.hears(self.a), "three")
        self.assertEqual([await self.hears(self.b) for _ in range(3)], ["one", "two", "three"])
        await self.change(self.a, REMOVE, members=[str(self.carl)])
        (lost,) = await self.heard(client, 138)
        self.assertEqual((lost["thread_id"], lost["change"]), (self.group, "removed"))
        client.send(13, thread_id=self.group, msg_id="0")
        (refused,) = await self.heard(client, 14)
        self.assertEqual(refused["error"], 65)

    async def test_storm(self) -> None:
        """However much is reacted and written meanwhile, a text comes after a few frames, and it stays connected."""
        said = (await self.say(self.a, "one"))["verified_msg"][0]["msg_id"]
        advance, client = True, await self.original(self.carl)
        client._has_read = lambda: self.clock.advance(0.05) if advance else None
        advance = False  # it reads nothing for now
        for number in range(300):
            await self.change(self.a, 196, target=said, emoji="👍", on=number % 2 == 0)
        await self.say(self.a, "after the storm")
        advance = True
        self.clock.advance(0.05)
        came = await self.until(client, 25, "text_msg", "after the storm")
        self.assertLess(len(came), 20)
        self.assertIn(128, came)  # it might have understood them, and asks then
        client.send(32)
        await self.until(client, 33, "error", "0")


class OriginalOnSqlite(OnSqlite, Original):
    pass


class OriginalInAGroupOnSqlite(OnSqlite, InAGroup):
    pass


del Originals, Original, InAGroup
