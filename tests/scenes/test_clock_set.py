"""Real processes whose time of day is set by an hour while they run: all servers in one, and a bot."""

from __future__ import annotations

import sys
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from imsys.sdk import ConnectionState, explain
from imsys.sdk.trust import endpoint
from tests.sdk.scene import Scene
from tests.support.all_in_one import LEASE, PASSWORD, AllInOne
from tests.support.chat import RawClient
from tests.support.children import folder
from tests.support.daemons import Process, environment
from tests.support.set_clock import SetClock

HOUR = 3600
DEADLINE = 1.5
"""Seconds to log in."""

BOT = """
import sys
from twisted.internet import defer, task
from imsys.sdk import Client, Credentials, Gateway, Timing

async def main(reactor):
    timing = Timing(first_wait=0.1, longest_wait=0.3)
    bot = Client(reactor, Gateway(reactor, sys.argv[1]), Credentials(username="alice", password="correct horse"), timing=timing)
    bot.on_connection_state.subscribe(lambda change: print(change.state.name, flush=True))
    await bot.start()
    await defer.Deferred()

task.react(lambda reactor: defer.ensureDeferred(main(reactor)))
"""


class ServerTests(TestCase):
    timeout = 90

    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.clock = SetClock()
        self.servers = AllInOne(self, reactor)
        self.daemon = await self.servers.start({"CHAT_LOGIN_DEADLINE": str(DEADLINE)}, self.clock.environ)
        self.gateway = self.servers.gateway
        self.anna = await self.servers.user("anna")

    async def logs_in(self) -> None:
        """Somebody can log in, within seconds."""
        end = time.monotonic() + 15
        while True:
            try:
                await self.gateway.login("anna", PASSWORD)
                return
            except Exception as problem:
                self.assertLess(time.monotonic(), end, explain(problem))
                await deferLater(self.reactor, 0.1)

    async def turned_away(self) -> None:
        """Who does not log in is disconnected when the deadline is over."""
        to = endpoint(
            self.reactor, "127.0.0.1", int(self.servers.settings["CHAT_PORT"]), self.gateway.trust, 5.0
        )
        client: RawClient = await connectProtocol(to, RawClient(self.reactor))
        await client.until_closed()

    async def goes_on(self) -> None:
        """Whatever a clock has to do with goes on: deadlines, logins once the leases of before are over, and
        Anna's session.
        """
        await deferLater(self.reactor, LEASE * 1.5)  # nothing that is renewed in time may have ended by now
        await self.logs_in()
        await self.turned_away()
        found = await self.anna.contacts.search("anna")
        self.assertEqual(
            (found.username, self.servers.states["anna"]),
            ("anna", [ConnectionState.SIGNING_IN, ConnectionState.ONLINE]),
        )

    async def test_back_and_forth(self) -> None:
        """Set back by an hour, and forward again by two, they serve on, sign nobody out, and say so in the
        log.
        """
        self.clock.set(-HOUR)
        await self.goes_on()
        await self.daemon.says("the clock of this machine was set back by 3600 s")
        self.clock.set(HOUR)
        await self.goes_on()


class BotTests(Scene):
    async def test_back(self) -> None:
        """A bot that waits for its server, on a machine whose clock is set back by an hour meanwhile, comes
        back when the server does.
        """
        clock = SetClock()
        arguments = [sys.executable, "-c", BOT, self.servers.url]
        bot = Process(self.reactor, arguments, environment() | clock.environ, folder("bot"))
        self.addCleanup(lambda: Deferred.fromCoroutine(bot.stop(9)))
        await bot.says("ONLINE")
        self.world.gateway_down = True
        self.world.drop()
        await bot.says("WAITING")
        clock.set(-HOUR)
        before = len(self.world.gateway_calls)
        await self.until(lambda: len(self.world.gateway_calls) > before + 2)
        self.world.gateway_down = False
        await self.until(lambda: bot.text.count("ONLINE") == 2)
