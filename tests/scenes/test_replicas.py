"""Several people with several devices write, edit, react and take back at two servers, which are killed in turn."""

from __future__ import annotations

import signal
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.bench.population import add_groups
from imsys.errors import Refused, Status
from imsys.sdk import Client, Credentials, DeviceInfo, Entry, Message, Outgoing
from imsys.store import devices
from tests.support.cluster import ChatServersCase
from tests.support.placed import TIMING, Placed
from tests.support.replicas import Replica
from tests.support.tokens import tokens_for

EMOJI = ("👍", "❤", "👩‍👩‍👧")


class Device(Replica):
    """One device of a user."""

    def __init__(self, case: Any, uuid: int, threads: list[int], token: str, name: str, server: str) -> None:
        super().__init__(uuid, threads)
        self._case = case
        device = DeviceInfo(id=name, name=name)
        gateway = Placed(case.reactor, case.ports, server)
        self.client = Client(
            case.reactor, gateway, Credentials(uuid=uuid, token=token, device=device), timing=TIMING
        )
        self.follow(self.client)
        self.posted: list[Outgoing[Any]] = []

    async def act(self, number: int) -> None:
        """Say something in all threads, and change something that was said."""
        client = self.client
        for thread, conversation in self.conversations.items():
            self.posted.append(client.post(thread, f"text {number}"))
            there = conversation.messages
            mine = [message for message in there if message.mine and message.text]
            if mine:
                target = mine[-1 - number % min(5, len(mine))].id
                if number % 7:
                    self.posted.append(client.edit(thread, target, f"edit {number}"))
                else:
                    self.posted.append(client.recall(thread, [target]))
            if there:
                target = there[-1 - number % min(9, len(there))].id
                self.posted.append(client.react(thread, target, EMOJI[number % 3], number % 4 > 0))
        await deferLater(self._case.reactor, 0.1)


class ReplicaScenes(ChatServersCase):
    """Two pairs of friends, a group of all four; two devices each, one at each server."""

    timeout = 180.0
    pairs = 2
    acting = True

    async def setUp(self) -> None:
        await super().setUp()
        self.database = self.open_database()
        uuids = [int(person["uuid"]) for person in self.people]
        (group,) = await deferToThread(add_groups, self.config.database, [uuids], 0)
        tokens = tokens_for(self, self.routes._redis, self.config.database)
        self.devices: list[Device] = []
        for index, uuid in enumerate(uuids):
            for name, server in (("phone", "one"), ("laptop", "two")):
                info = devices.DeviceInfo(name, name, devices.DeviceKind.PHONE)
                token = await tokens.issue(uuid, info)
                threads = [int(self.threads[index // 2]), group]
                device = Device(self, uuid, threads, token, name, server)
                self.addCleanup(device.client.stop)
                await device.client.start()
                self.devices.append(device)

    async def test_killed(self) -> None:
        """What was acknowledged is there, once; all devices end in the state that the database has."""
        acting = [Deferred.fromCoroutine(self.acts(device)) for device in self.devices]
        for name in self.names:
            await self.some_are_settled()
            self.servers[name].send(signal.SIGKILL)
            await self.servers[name].end()
            self.servers[name] = await self.chat_server(name)
        await self.some_are_settled()
        self.acting = False
        await gatherResults(acting)
        for device in self.devices:
            await self.check(device)
        numbers = "SELECT COUNT(*), COUNT(DISTINCT number), MIN(number), MAX(number) FROM messages GROUP BY thread_id"
        for count, *counted in await self.database.read(lambda tx: tx.rows(numbers)):
            self.assertEqual(counted, [count, 1, count])
        for device in self.devices:
            await device.agrees(self, self.database, device.client)

    async def acts(self, device: Device) -> None:
        number = 0
        while self.acting:
            number += 1
            await device.act(number)

    async def some_are_settled(self) -> None:
        """Wait until so many more texts and changes have an outcome."""

        def settled() -> int:
            return sum(outgoing.settled for device in self.devices for outgoing in device.posted)

        enough = settled() + 200
        await self.until(lambda: settled() > enough)

    async def check(self, device: Device) -> None:
        """All has an outcome; what was acknowledged is in the tables. What may fail is to change what was taken back."""
        messages: set[int] = set()
        entries: set[int] = set()
        for outgoing in device.posted:
            try:
                done = await outgoing
            except Refused as refused:
                self.assertIs(refused.status, Status.CHATRECORD_NOT_EXIST)
                continue
            if isinstance(done, Message):
                self.assertNotIn(done.id, messages)
                messages.add(done.id)
            elif isinstance(done, Entry):
                entries.add(done.id)
        there = await self.database.read(
            lambda tx: tx.rows("SELECT msg_id FROM messages WHERE sender_id = ?", device.uuid)
        )
        self.assertEqual(messages - {msg_id for (msg_id,) in there}, set())
        there = await self.database.read(
            lambda tx: tx.rows("SELECT entry_id FROM entries WHERE actor_id = ?", device.uuid)
        )
        self.assertEqual(entries - {entry_id for (entry_id,) in there}, set())


del ChatServersCase
