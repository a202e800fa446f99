"""An upgrade from the version before conversations, under the traffic of the client library."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.config import DatabaseConfig
from imsys.sdk import (
    Client,
    Credentials,
    Edit,
    Entry,
    Gateway,
    Logged,
    Message,
    Outgoing,
    Reaction,
    Recall,
)
from tests.support.children import folder, free_port
from tests.support.cluster import ChatServersCase
from tests.support.daemons import ROOT, environment, run, start
from tests.support.placed import TIMING, Placed
from tests.support.previous import old_store, previous

RING = ("anna bert", "anna carl", "bert emil", "carl dora", "dora emil")
"""Threads of friends; each of the users is in two of them."""


class Talker:
    """A user who writes in two threads, and remembers all that comes, by thread."""

    def __init__(
        self, reactor: Any, gateway: Placed, name: str, uuid: int, threads: Mapping[str, int]
    ) -> None:
        self._reactor = reactor
        self.name = name
        self.gateway = gateway
        self.threads = {pair: threads[pair] for pair in RING if name in pair.split()}
        self.posted: dict[int, list[Outgoing[Message]]] = defaultdict(list)
        self.got: dict[int, list[int]] = defaultdict(list)
        self.entries: list[Entry] = []
        self.pushed: dict[int, dict[int, int]] = defaultdict(dict)
        """What was pushed, and what that said was before it."""
        credentials = Credentials(uuid=uuid, token=f"the token of {name}")
        self.client = Client(reactor, gateway, credentials, timing=TIMING)
        self.client.on_message.subscribe(lambda message: self.got[message.thread_id].append(message.id))
        self.client.on_entry.subscribe(self.entries.append)
        self._live, self.client._inbox.live = self.client._inbox.live, self._pushed  # type: ignore[method-assign]
        self.writing = False

    def _pushed(self, item: Logged, previous: int) -> None:
        self.pushed[item.thread_id][item.id] = previous
        self._live(item, previous)

    def post(self, thread: int, text: str) -> Outgoing[Message]:
        """Write, and remember it."""
        outgoing = self.client.post(thread, text)
        self.posted[thread].append(outgoing)
        return outgoing

    async def write(self) -> None:
        """Write until it is said that it is enough."""
        self.writing = True
        for number in itertools.count():
            if not self.writing:
                return
            for thread in self.threads.values():
                self.post(thread, f"{self.name} {number}")
            await deferLater(self._reactor, 0.05)

    @property
    def heard(self) -> int:
        """How many texts have come."""
        return sum(map(len, self.got.values()))

    async def go(self, server: str) -> None:
        """Go away, and come back to a server."""
        self.gateway.first = server
        await self.client.stop(keep_texts=True)
        await self.client.start()


class UpgradeTests(ChatServersCase):
    """Two chat servers of the version before conversations, its tables, and its data."""

    timeout = 180.0

    def make_tables(self, database: DatabaseConfig) -> None:
        self.program = previous()
        self.made = old_store(database)

    async def make_people(self) -> None:
        """They are there."""

    async def setUp(self) -> None:
        await super().setUp()
        self.database = self.open_database()
        self.talkers: list[Talker] = []
        for index, (name, uuid) in enumerate(list(self.made["users"].items())[:5]):
            gateway = Placed(self.reactor, self.ports, ("one", "two")[index % 2])
            talker = Talker(self.reactor, gateway, name, uuid, self.made["threads"])
            self.addCleanup(talker.client.stop)
            await talker.client.start()
            self.talkers.append(talker)

    async def migrate(self) -> None:
        """As an operator does it."""
        self.assertEqual((await self.ctl(ROOT, "migrate"))[0], 0)

    async def ctl(self, program: Path, *arguments: str) -> tuple[int, str]:
        """Status and output of a command of one of the versions."""
        done = await deferToThread(
            subprocess.run,
            [sys.executable, "-m", "imsys.ctl", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            env=environment(**self.settings) | {"PYTHONPATH": str(program)},
            cwd=folder("ctl"),
            stdin=subprocess.DEVNULL,
        )
        return done.returncode, done.stdout

    async def talk(self) -> None:
        """Have everybody spread over both servers, and let so much be said and heard there."""
        for index, talker in enumerate(self.talkers):
            await talker.go(("one", "two")[index % 2])
        heard = [talker.heard + 20 for talker in self.talkers]
        await self.until(
            lambda: all(talker.heard > enough for talker, enough in zip(self.talkers, heard, strict=True))
        )

    async def server(self, name: str, program: Path | None) -> None:
        """Start a chat server of one of the versions."""
        self.program = program
        self.servers[name] = await self.chat_server(name)

    async def test_upgrade(self) -> None:
        """The tables are migrated, and one server after the other is replaced, be it stopped or killed, while everybody
        writes and reads at both: what was acknowledged is there once, in order, and everybody has heard it.
        """
        writing = [Deferred.fromCoroutine(talker.write()) for talker in self.talkers]
        await self.talk()
        await self.migrate()
        await self.talk()
        await self.balance.stop()
        self.balance = await start(self, "imsys-balance", self.settings)
        await self.servers["two"].stop()
        await self.server("two", None)
        await self.talk()
        await self.changes()
        for name, program in (("two", None), ("one", previous())):
            self.servers[name].send(signal.SIGKILL)
            await self.servers[name].end()
            await self.server(name, program)
            await self.talk()
        await self.changes()
        old = self.servers["one"]
        await old.stop()
        self.assertNotRegex(old.text, "#(error|critical)|Traceback")
        await self.server("one", None)
        await self.talk()
        for talker in self.talkers:
            talker.writing = False
        await gatherResults(writing)
        await self.check_texts()
        await self.check_tables()

    async def test_counted(self) -> None:
        """What a server of the version before wrote last is counted as well, by one that knows how; which starts when
        the tables are there.
        """
        early = run(self, "--nodaemon", "--pidfile=", "imsys-chat", settings=self.settings)
        self.assertEqual(await early.end(), 1)
        self.assertRegex(early.text, "the tables have version 5, .* run 'imsys-ctl migrate' first")
        await self.migrate()
        status, said = await self.ctl(previous(), "migrate")
        self.assertEqual(status, 1)
        self.assertIn("this program knows 5: use the newer program", said)
        await self.servers["two"].stop()
        await self.server("two", None)
        anna, bert = self.talkers[:2]
        thread = anna.threads[RING[0]]
        await anna.go("one")
        await bert.go("two")
        # what is one's own is read
        for number, unread in ((3003, 1), (3005, 1)):
            message = await anna.client.send(thread, "news")
            self.assertEqual(await self.number_of(message), 0)
            self.assertEqual(await self.unread(bert, thread), unread)
            self.assertEqual(await self.number_of(message), number)
            message = await bert.client.send(thread, "good")
            self.assertEqual(await self.number_of(message), number + 1)
        news = await anna.client.send(thread, "more news")
        await bert.client.edit(thread, message.id, "better")
        self.assertEqual(await self.number_of(news), 3007)
        self.assertEqual(await self.unread(bert, thread), 1)

    async def test_gateways(self) -> None:
        """Who comes by a gateway of either version is sent to a chat server of either version by today's balance server."""
        await self.migrate()
        await self.servers["two"].stop()
        await self.server("two", None)
        await self.balance.stop()
        self.balance = await start(self, "imsys-balance", self.settings)
        await self.until_registered()
        for program in (previous(), None):
            port = free_port()
            settings = self.settings | {"GATEWAY_PORT": str(free_port()), "GATEWAY_PLAIN_PORT": str(port)}
            await start(self, "imsys-gateway", settings, program=program)
            gateway = Gateway(self.reactor, f"http://127.0.0.1:{port}")
            login = await gateway.resume(self.made["users"]["anna"], "the token of anna")
            places = {login.port, *(place.port for place in login.others)}
            self.assertEqual(places, set(self.ports.values()))

    async def until_registered(self) -> None:
        """Wait until both chat servers are known to the balance server."""
        while not {*self.names} <= {*(await self.status()).split()}:
            pass

    async def changes(self) -> None:
        """One who is at a server that can changes what was said; one who is at the other hears of it."""
        anna, bert = self.talkers[:2]
        thread = bert.threads[RING[0]]
        wrong, nothing = (bert.post(thread, text) for text in ("tpyo", "nothing"))
        target, recalled = (await wrong).id, (await nothing).id
        await bert.client.edit(thread, target, "typo")
        await bert.client.react(thread, target, "👍")
        await bert.client.recall(thread, [recalled])
        kinds = [Edit, Reaction, Recall]
        await self.until(lambda: [type(entry) for entry in anna.entries][-3:] == kinds)
        anna.entries.clear()

    async def check_texts(self) -> None:
        """All texts are stored, and came to the other one, each once and in order."""
        for talker in self.talkers:
            for pair, thread in talker.threads.items():
                (friend,) = (one for one in self.talkers if one is not talker and one.name in pair.split())
                said = [(await outgoing).id for outgoing in friend.posted[thread]]
                got = talker.got[thread]
                await self.until(lambda got=got, said=said: len(got) >= len(said))
                self.assertEqual(got, said)

    async def check_tables(self) -> None:
        """The tables have what was acknowledged, in order, and numbers without gaps; pushes have named what was before."""
        for pair, thread in self.made["threads"].items():
            rows = await self.rows(
                "SELECT msg_id, number, sender_id FROM messages WHERE thread_id = ? ORDER BY msg_id", thread
            )
            self.assertEqual([number for _, number, _ in rows], list(range(1, len(rows) + 1)))
            head = "SELECT last_number, last_msg_id - numbered_id FROM threads WHERE thread_id = ?"
            self.assertEqual(await self.rows(head, thread), [(len(rows), 0)])
            if pair not in RING:
                continue
            entries = await self.rows("SELECT entry_id FROM entries WHERE thread_id = ?", thread)
            log = sorted(row[0] for row in (*rows, *entries))
            before = dict(zip(log, [0, *log], strict=False))
            for talker in self.talkers:
                posted = [(await outgoing).id for outgoing in talker.posted.get(thread, ())]
                stored = [msg_id for msg_id, _, sender in rows if sender == talker.client.me.uuid]
                self.assertEqual(stored[len(stored) - len(posted) :], posted)
                self.assertEqual(len(set(posted)), len(posted))
                pushed = talker.pushed.get(thread, {})
                self.assertEqual(pushed, {item: before[item] for item in pushed})

    async def unread(self, talker: Talker, thread: int) -> int:
        """What a first screen says."""
        threads = [one async for page in talker.client.threads.overview().each() for one in page]
        return next(one.unread for one in threads if one.thread_id == thread)

    async def number_of(self, message: Message) -> int:
        rows = await self.rows("SELECT number FROM messages WHERE msg_id = ?", message.id)
        return int(rows[0][0])

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        return await self.database.read(lambda tx: tx.rows(sql, *values))


del ChatServersCase
