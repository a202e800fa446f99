"""Servers of ours that write to different members of a Galera cluster."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.chat.message_log import MessageLog
from imsys.chat.node import Node
from imsys.store import Database, Stores
from imsys.store.appending import Appended
from imsys.store.migrations import migrate
from tests.chat.test_message_log import Client
from tests.support.galera import galera
from tests.support.stores import text


class Server:
    """What of a chat server writes, on one member."""

    def __init__(self, test: TestCase, reactor: Any, config: Any) -> None:
        self.database = Database(reactor, config)
        self.database.open()
        test.addCleanup(self.database.close)
        self.stores = Stores.on(self.database, time.time)
        self.node = Node(reactor, self.stores.nodes)
        self.node.startService()
        test.addCleanup(self.node.stopService)
        doubted: set[int] = set()
        self.log = MessageLog(
            reactor,
            self.stores.messages,
            self.node,
            batch=100,
            queue=10_000,
            queue_bytes=1 << 24,
            doubted=doubted.update,
        )


class GaleraTests(TestCase):
    """Three members, a server on each."""

    timeout = 120

    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.configs = galera(self)
        await gatherResults([deferToThread(migrate, config) for config in self.configs])
        # one of them in the other way
        ways = ("reactor", "pool", "reactor")
        self.servers = [
            Server(self, reactor, dataclasses.replace(config, log_connection=way))
            for config, way in zip(self.configs, ways, strict=True)
        ]
        for server in self.servers:
            await server.node.ready()
        stores = self.servers[0].stores
        self.anna, self.bert = [
            await stores.accounts.create(name, f"{name}@example.com", "-") for name in ("anna", "bert")
        ]
        await stores.contacts.ask(self.servers[0].node.ids, self.anna, self.bert, "", "Hi")
        self.thread = (
            await stores.contacts.confirm(self.servers[0].node.ids, self.anna, self.bert, "")
        ).thread_id

    async def test_one_thread(self) -> None:
        """Texts of one conversation that come to all members at once are all stored, once, in one order."""

        async def write(server: Server, name: str) -> list[int]:
            ids = []
            for number in range(60):
                submission = text(self.anna, self.bert, self.thread, f"{name}{number}")
                appended: Appended = await server.log.append(submission, Client()).deferred()
                ids.append(appended.messages[0].msg_id)
            return ids

        writing = [
            Deferred.fromCoroutine(write(server, name))
            for server, name in zip(self.servers, "abc", strict=True)
        ]
        given = await gatherResults(writing)
        for ids in given:
            self.assertEqual(ids, sorted(ids))
        for server in self.servers:
            records = (await server.stores.messages.page(self.anna, self.thread, 0, 1000))[2:]
            self.assertEqual(
                [record.msg_id for record in records], sorted(msg_id for ids in given for msg_id in ids)
            )
            self.assertEqual(len({record.content for record in records}), 180)

    async def test_read_elsewhere(self) -> None:
        """What one member has acknowledged is read at another at once."""
        here, there, _ = self.servers
        for number in range(150):
            appended: Appended = await here.log.append(
                text(self.anna, self.bert, self.thread, str(number)), Client()
            ).deferred()
            newest = await there.stores.messages.page_before(self.bert, self.thread, 0, 1)
            self.assertEqual([record.msg_id for record in newest], [appended.messages[0].msg_id])

    async def test_other_conflicts(self) -> None:
        """So it is with everything else that is written at two members at once: one account of a name, one
        number of each server.
        """
        creating = [
            Deferred.fromCoroutine(
                server.stores.accounts.create("carl", f"carl{number}@example.com", "-")
            ).addErrback(lambda reason: None)
            for number, server in enumerate(self.servers)
        ]
        made = await gatherResults(creating)
        self.assertEqual(len([one for one in made if one is not None]), 1)
        self.assertEqual(len({server.node.ids.next() >> 12 & 1023 for server in self.servers}), 3)

    async def test_marks(self) -> None:
        """Marks that are moved at all members at once only grow."""
        marks = [
            Deferred.fromCoroutine(server.stores.threads.move_marks(self.bert, self.thread, number, number))
            for number in range(1, 31)
            for server in self.servers
        ]
        await gatherResults(marks)
        row = await self.servers[1].database.read(
            lambda tx: tx.row(
                "SELECT delivered_id, read_id FROM members WHERE thread_id = ? AND user_id = ?",
                self.thread,
                self.bert,
            )
        )
        self.assertEqual(row, (30, 30))
