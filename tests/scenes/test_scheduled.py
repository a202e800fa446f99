"""Scheduled texts and servers that are killed about the time that they are due: each is sent once, and soon."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from imsys.sdk import Client, Message
from imsys.store.ids import ms_of
from imsys.store.scheduled import LEASE_MS
from tests.support.all_in_one import AllInOne
from tests.support.chat import RawClient
from tests.support.cluster import ChatServersCase

COUNT = 60
STEP = timedelta(milliseconds=50)
LATE = LEASE_MS + 10_000
"""Milliseconds after which none may be sent: a text that the dead server had taken waits for the end of its lease. The
rest is for a machine that does much else."""


class KilledTests(ChatServersCase):
    """Two servers on MariaDB."""

    async def test_one_of_two(self) -> None:
        """One of two servers is killed while texts are due one after the other: all are sent once."""
        anna, bert = [await self.log_in("two", **person, seq=0) for person in self.people]
        due = await self.schedule(anna)
        await self.some(bert)
        self.servers["one"].send(signal.SIGKILL)
        await self.all_sent(bert, due)

    async def test_all(self) -> None:
        """Both are killed, and one of them comes back: so it is as well."""
        anna, bert = [await self.log_in("two", **person, seq=0) for person in self.people]
        due = await self.schedule(anna)
        await self.some(bert)
        for server in self.servers.values():
            server.send(signal.SIGKILL)
        await gatherResults([Deferred.fromCoroutine(server.end()) for server in self.servers.values()])
        self.servers["one"] = await self.chat_server("one")
        await self.all_sent(await self.log_in("one", **self.people[1], seq=1), due)

    async def schedule(self, client: RawClient) -> dict[str, int]:
        """Schedule all texts; gives back when each is due, in ms since 1970."""
        begin = datetime.now(UTC) + timedelta(seconds=1.5)
        due = {}
        for number in range(COUNT):
            at = begin + number * STEP
            text = {"unique_id": f"{number}", "content": f"text {number}", "at": at.isoformat()}
            answer = await client.ask(300, thread_id=self.threads[0], **text)
            self.assertEqual(answer["error"], 0, answer)
            due[text["content"]] = round(at.timestamp() * 1000)
        return due

    async def some(self, client: RawClient) -> None:
        """Wait until some have come."""
        for _ in range(10):
            await client.next(25)

    async def all_sent(self, client: RawClient, due: dict[str, int]) -> None:
        """Wait until nothing waits any more; all are in the thread, once, and none was late."""
        database = self.open_database()
        while await database.read(lambda tx: tx.row("SELECT 1 FROM scheduled LIMIT 1")):
            await deferLater(self.reactor, 0.1)
        page = await client.ask(13, thread_id=self.threads[0], limit=100)
        sent = {one["msg_content"]: ms_of(int(one["msg_id"])) for one in page["chat_messages"][2:]}
        self.assertEqual(len(page["chat_messages"]), 2 + COUNT)
        self.assertEqual(sent.keys(), due.keys())
        late = [sent[text] - at for text, at in due.items()]
        self.assertGreater(min(late), -1000)  # their clock is the database's
        self.assertLess(max(late), LATE)


class AloneTests(TestCase):
    """All servers in one process, on SQLite."""

    timeout = 180

    async def test_killed(self) -> None:
        """It is killed while texts are due one after the other, and started again: all come once."""
        from twisted.internet import reactor

        self.reactor: Any = reactor
        servers = AllInOne(self, reactor)
        daemon = await servers.start({})
        anna, bert = await servers.user("anna"), await servers.user("bert")
        thread = await self.befriend(anna, bert)
        got: list[Message] = []
        bert.on_message.subscribe(got.append)
        begin = datetime.now(UTC) + timedelta(seconds=1.5)
        texts = [f"text {number}" for number in range(COUNT)]
        for number, text in enumerate(texts):
            await anna.schedule.add(thread, text, begin + number * STEP)
        await self.until(lambda: len(got) > 5)
        daemon.send(signal.SIGKILL)
        await daemon.end()
        await servers.start({})
        await self.until(lambda: len(got) >= COUNT)
        self.assertEqual(sorted(message.text for message in got), sorted(texts))
        self.assertEqual([one async for page in anna.schedule.waiting().each() for one in page], [])

    async def befriend(self, one: Client, other: Client) -> int:
        came: Deferred[int] = Deferred()
        one.on_friendship.subscribe(lambda friendship: came.callback(friendship.thread_id))
        await one.contacts.add(other.me.uuid)
        await other.contacts.accept(one.me.uuid)
        return await came

    async def until(self, condition: Any) -> None:
        while not condition():
            await deferLater(self.reactor, 0.02)


del ChatServersCase
