"""imsys-ctl drain and rolling, on daemons; a rolling restart under the traffic of the client library."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.sdk import Client, Credentials, Gateway, Message, Timing
from tests.support.children import folder, free_port
from tests.support.cluster import ChatServersCase
from tests.support.daemons import Process, environment, start

LATE = 4.0
"""Seconds after which no text may arrive, on a machine that does much else; on one that does not it is 1."""


class ControlCase(ChatServersCase):
    """A test that runs imsys-ctl, with a service manager that starts what has ended, unless it is off."""

    manages = True

    async def ctl(self, *arguments: str) -> tuple[int, str, str]:
        """Status, standard output and standard error of a command."""
        command, environ = [sys.executable, "-m", "imsys.ctl", *arguments], environment(**self.settings)
        done = await deferToThread(
            subprocess.run,
            command,
            capture_output=True,
            text=True,
            timeout=120,
            env=environ,
            cwd=folder("ctl"),
            stdin=subprocess.DEVNULL,
        )
        return done.returncode, done.stdout, done.stderr

    def manage(self) -> None:
        """From now on start servers that end."""
        for name in self.names:
            Deferred.fromCoroutine(self.keep(name)).addErrback(lambda reason: reason.printTraceback())

    async def keep(self, name: str) -> None:
        while self.manages:
            await self.servers[name].end(600.0)
            if self.manages:
                self.servers[name] = await self.chat_server(name)

    async def stop_managing(self) -> None:
        self.manages = False

    async def setUp(self) -> None:
        await super().setUp()
        self.addCleanup(self.stop_managing)


class DrainTests(ControlCase):
    extra = {"CHAT_DRAIN": "600"}

    async def test_drain(self) -> None:
        """drain has a server's users move and its process end, says how many are left, and waits for it."""
        a = await self.log_in("one", **self.people[0], client="a", attempt=1)
        b = await self.log_in("one", **self.people[1])
        draining = Deferred.fromCoroutine(self.ctl("drain", "one", "--seconds", "1"))
        await deferLater(self.reactor, (await a.next(132))["after"])
        await self.log_in("two", **self.people[0], client="a", attempt=2)
        await b.until_closed()
        status, said, wrong = await draining
        self.assertEqual((status, wrong), (0, ""))
        self.assertRegex(
            said,
            r"\Aone drains: 2 connections are left\.\n(one: \w+ connections? \w+ left\.\n)*one has ended\.\n\Z",
        )
        self.assertEqual(await self.servers["one"].end(), 0)
        self.assertNotIn("one", await self.status())

    async def test_hurry(self) -> None:
        """A server that drains already can be told to hurry: its users are asked once more."""
        a = await self.log_in("one", **self.people[0], client="a", attempt=1)
        self.servers["one"].send(signal.SIGUSR2)
        await a.next(132)
        draining = Deferred.fromCoroutine(self.ctl("drain", "one", "--seconds", "0.1"))
        self.assertLessEqual((await a.next(132))["after"], 0.1)
        await self.log_in("two", **self.people[0], client="a", attempt=2)
        self.assertEqual((await draining)[0], 0)
        self.assertEqual(await self.servers["one"].end(), 0)

    async def test_refused(self) -> None:
        """A server that is not there, and one that does not end in time, are one sentence and status 1.

        So are seconds that cannot be.
        """
        self.assertEqual(
            await self.ctl("drain", "three"), (1, "", "imsys-ctl: No server named three is registered.\n")
        )
        status, _, wrong = await self.ctl("drain", "one", "--seconds", "-1")
        self.assertEqual(
            (status, wrong),
            (
                1,
                "imsys-ctl drain: argument --seconds: -1 is not a number of seconds, up to 86400 (--help tells what is allowed)\n",
            ),
        )
        await self.balance.stop()
        status, _, wrong = await self.ctl("drain", "one")
        self.assertEqual((status, wrong.count("\n")), (1, 1))
        self.assertIn("No balance server answers at 127.0.0.1:", wrong)

    async def test_resources(self) -> None:
        """A resources server is drained as well.

        Where it has the name of another server, it is said which one is meant.
        """
        process = await start(self, "imsys-resources", self.settings | {"RESOURCES_NAME": "two"})
        self.assertEqual(
            await self.ctl("drain", "two"),
            (1, "", "imsys-ctl: There are two servers named two: say which with --kind.\n"),
        )
        status, said, wrong = await self.ctl("drain", "two", "--kind", "resources")
        self.assertEqual(
            (status, said, wrong), (0, "two drains: 0 connections are left.\ntwo has ended.\n", "")
        )
        self.assertEqual(await process.end(), 0)

    async def test_does_not_come_back(self) -> None:
        """rolling stops at the first server that does not come back, and touches no other.

        So does a command that fails.
        """
        status, said, wrong = await self.ctl(
            "rolling", "--seconds", "1", "--command", "echo restarting {name} at {host}", "--wait", "1"
        )
        self.assertEqual(status, 1)
        self.assertIn("one has ended.\nrestarting one at 127.0.0.1\n", said)
        self.assertEqual(wrong, "imsys-ctl: After 1 s one is not there again. No other server was touched.\n")
        self.assertEqual(
            await self.ctl("rolling"),
            (1, "", "imsys-ctl: No other chat server takes the users of two now.\n"),
        )
        self.servers["one"] = await self.chat_server("one")
        status, _, wrong = await self.ctl("rolling", "--seconds", "1", "--command", "exit 3")
        self.assertEqual(
            (status, wrong),
            (1, "imsys-ctl: The command for one ended with status 3. No other server was touched.\n"),
        )
        self.assertIn("two", await self.status())


class Talking:
    """One user of the client library, who writes to a friend and reads what comes."""

    def __init__(self, reactor: Any, client: Client, thread: int) -> None:
        self._reactor = reactor
        self.client = client
        self.thread = thread
        self.sent: dict[str, float] = {}
        self.stored: list[Deferred[Message]] = []
        self.got: list[str] = []
        self.when: dict[str, float] = {}
        client.on_message.subscribe(self._came)

    def _came(self, message: Message) -> None:
        self.got.append(message.text)
        self.when.setdefault(message.text, self._reactor.seconds())

    def write(self) -> None:
        text = f"{self.client.me.uuid}: {len(self.sent)}"
        self.sent[text] = self._reactor.seconds()
        self.stored.append(self.client.post(self.thread, text).when_stored())


class RollingTests(ControlCase):
    """Three chat servers and a gateway."""

    timeout = 180.0
    names = ("one", "two", "three")
    pairs = 6
    pause = 0.2
    """Seconds between two texts of a user."""

    async def setUp(self) -> None:
        await super().setUp()
        port = str(free_port())
        await start(self, "imsys-gateway", self.settings | {"GATEWAY_PLAIN_PORT": port})
        self.talking: list[Talking] = []
        for place, person in enumerate(self.people):
            credentials = Credentials(uuid=int(person["uuid"]), token=person["token"])
            timing = replace(Timing(), longest_wait=2.0)
            client = Client(
                self.reactor, Gateway(self.reactor, f"http://127.0.0.1:{port}"), credentials, timing=timing
            )
            self.addCleanup(client.stop)
            await client.start()
            self.talking.append(Talking(self.reactor, client, int(self.threads[place // 2])))

    async def writes(self, one: Talking) -> None:
        while self.writing:
            one.write()
            await deferLater(self.reactor, self.pause)

    async def all_arrives(self, restart: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """While people talk the servers are restarted: each of their texts is acknowledged, and arrives once,
        in order, and soon.
        """
        self.writing = True
        writing = [Deferred.fromCoroutine(self.writes(one)) for one in self.talking]
        await restart()
        self.writing = False
        await gatherResults(writing)
        for one in self.talking:
            self.assertEqual([message.text for message in await gatherResults(one.stored)], list(one.sent))
        latest = 0.0
        for place, one in enumerate(self.talking):
            friend = self.talking[place ^ 1]
            await self.until(lambda one=one, friend=friend: len(one.got) >= len(friend.sent))
            self.assertEqual(one.got, list(friend.sent))
            latest = max(latest, *(one.when[text] - sent for text, sent in friend.sent.items()))
        self.assertLess(latest, LATE)

    async def test_rolling_restart(self) -> None:
        """imsys-ctl rolling restarts every chat server, and nobody who talks meanwhile loses a text, or has
        one late or twice.
        """
        self.manage()
        before: dict[str, Process] = dict(self.servers)

        async def restart() -> None:
            status, said, wrong = await self.ctl("rolling", "--seconds", "2")
            self.assertEqual((status, wrong), (0, ""), said)
            self.assertIn("All 3 chat servers were restarted.\n", said)

        await self.all_arrives(restart)
        for name, process in before.items():
            self.assertEqual((await process.end(), self.servers[name] is not process), (0, True))

    async def test_stopped_in_turn(self) -> None:
        """So it is when each of them is told to stop by SIGTERM, as 'systemctl restart' does."""

        async def restart() -> None:
            for name in self.names:
                self.assertEqual(await self.servers[name].stop(), -signal.SIGTERM)
                self.servers[name] = await self.chat_server(name)

        await self.all_arrives(restart)


del ControlCase, ChatServersCase
