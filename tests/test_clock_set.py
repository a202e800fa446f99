"""Real processes whose time of day is set by an hour while they run: all servers in one, and a bot."""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from imsys.sdk import Client, ConnectionState, Credentials, Gateway, explain
from imsys.sdk.trust import endpoint
from tests.sdk.scene import Scene
from tests.support.chat import RawClient
from tests.support.children import folder, free_port
from tests.support.daemons import Process, environment, run
from tests.support.set_clock import SetClock

HOUR = 3600
PASSWORD = "a good password"
LEASE = 2.0
DEADLINE = 1.5
"""Seconds; those of the servers, short."""

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
        home = folder("set")
        ports = {f"{name}_PORT": str(free_port()) for name in ("GATEWAY", "CHAT", "RESOURCES", "RESOURCES_HTTP")}
        grpc = {part: str(free_port()) for part in ("BALANCE", "CAPTCHA", "CHAT", "RESOURCES")}
        self.settings = ports | {f"{part}_GRPC_PORT": port for part, port in grpc.items()}
        self.settings |= {f"{part}_ADDRESSES": f"127.0.0.1:{grpc[part]}" for part in ("BALANCE", "CAPTCHA")}
        self.settings |= {"BALANCE_LEASE": str(LEASE), "BALANCE_INTERVAL": str(LEASE / 4), "CHAT_LOGIN_DEADLINE": str(DEADLINE)}
        self.daemon = run(self, "--nodaemon", "--pidfile=", "imsys", settings={"HOME": str(home)} | self.settings, extra=self.clock.environ)
        await self.daemon.says("imsys is running")
        self.gateway = Gateway(reactor, f"https://127.0.0.1:{self.settings['GATEWAY_PORT']}", home / "certs" / "ca.pem")
        await self.gateway.request_code("anna@example.org")
        (mail,) = (home / "mail" / "new").iterdir()
        (code,) = re.findall(r"\b[0-9]{6}\b", mail.read_text().partition("\n\n")[2])
        await self.gateway.register("anna", PASSWORD, "anna@example.org", code)
        self.states: list[ConnectionState] = []
        self.anna = Client(reactor, self.gateway, Credentials(username="anna", password=PASSWORD))
        self.anna.on_connection_state.subscribe(lambda change: self.states.append(change.state))
        await self.anna.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.anna.stop()))

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
        to = endpoint(self.reactor, "127.0.0.1", int(self.settings["CHAT_PORT"]), self.gateway.trust, 5.0)
        client: RawClient = await connectProtocol(to, RawClient(self.reactor))
        await client.until_closed()

    async def goes_on(self) -> None:
        """Whatever a clock has to do with goes on: deadlines, logins once the leases of before are over, and Anna's session."""
        await deferLater(self.reactor, LEASE * 1.5)  # nothing that is renewed in time may have ended by now
        await self.logs_in()
        await self.turned_away()
        found = await self.anna.contacts.search("anna")
        self.assertEqual((found.username, self.states), ("anna", [ConnectionState.SIGNING_IN, ConnectionState.ONLINE]))

    async def test_back_and_forth(self) -> None:
        """Set back by an hour, and forward again by two, they serve on, sign nobody out, and say so in the log."""
        self.clock.set(-HOUR)
        await self.goes_on()
        await self.daemon.says("the clock of this machine was set back by 3600 s")
        self.clock.set(HOUR)
        await self.goes_on()


class BotTests(Scene):
    async def test_back(self) -> None:
        """A bot that waits for its server, on a machine whose clock is set back by an hour meanwhile, comes back when the server does."""
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
