"""A chat server that is frozen (SIGSTOP) and wakes: what lies in its sockets is of people who are elsewhere
by now.

Each of its three guards is shown alone: the numbers of attempts, the state of the socket, and the clock.
"""

from __future__ import annotations

import os
import signal

from twisted.internet.task import deferLater

from imsys.services.pauses import PAUSE
from tests.support.chat import RawClient
from tests.support.cluster import ChatServersCase


class FrozenTests(ChatServersCase):
    """Two chat servers; anna and bert may log in at either, without TLS."""

    async def setUp(self) -> None:
        await super().setUp()
        self.one = self.servers["one"]
        self.anna, self.bert = self.people

    def freeze(self) -> None:
        os.kill(self.one.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.one.pid, signal.SIGCONT)

    async def goes_on(self, session: RawClient) -> None:
        """The frozen server has done what it found to do, and the session has not ended by that, nor been out
        of sight.
        """
        bert = await self.log_in("one", **self.bert)
        await bert.abort()
        await self.one.says(f"of {self.bert['uuid']} is over")
        self.assertEqual((await session.ask(32, uuid=self.anna["uuid"]))["error"], 0)
        self.assertEqual(session.pending(8), [])
        self.assertNotIn(f"{self.anna['uuid']} logged in", self.one.text)
        self.assertEqual(await self.where(self.anna), ["two"])

    async def test_attempts(self) -> None:
        """A login that waited in a frozen server is refused when its client has logged in elsewhere since,
        although it still listens.
        """
        client = await self.connect("one")
        self.freeze()
        client.send(5, **self.anna, client="c", attempt=1)
        session = await self.log_in("two", **self.anna, client="c", attempt=2)
        self.wake()
        self.assertEqual((await client.next(6))["error"], 19)
        await client.until_closed()
        await self.goes_on(session)

    async def test_deserted(self) -> None:
        """A login that waited in a frozen server is not carried out when its client has hung up, be it in
        good order.
        """
        client, other = await self.connect("one"), await self.connect("one")
        self.freeze()
        for one in (client, other):
            one.send(5, **self.anna)
        await deferLater(self.reactor, 0)  # it leaves at the end of a turn
        assert client.transport is not None
        client.transport.loseConnection()
        await other.abort()
        await client.until_closed()
        session = await self.log_in("two", **self.anna)
        self.wake()
        await self.goes_on(session)

    async def test_pause(self) -> None:
        """A login that waited in a frozen server for long is not carried out, and its connection cut,
        whatever its client says or does.
        """
        client = await self.connect("one")
        self.freeze()
        client.send(5, **self.anna)
        session = await self.log_in("two", **self.anna)
        await deferLater(self.reactor, PAUSE + 0.5)
        self.wake()
        await client.until_closed()
        self.assertEqual(client.pending(6), [])
        await self.one.says("this process stood still for")
        await self.goes_on(session)

    async def test_replaced_meanwhile(self) -> None:
        """A session whose user has logged in elsewhere while its server was frozen hears of it as soon as
        that wakes.
        """
        client = await self.log_in("one", **self.anna)
        self.freeze()
        session = await self.log_in("two", **self.anna)
        await deferLater(self.reactor, PAUSE + 0.5)
        self.wake()
        self.assertIn("elsewhere", (await client.next(8))["message"])
        await client.until_closed()
        self.assertEqual((await session.ask(32, uuid=self.anna["uuid"]))["error"], 0)


del ChatServersCase
