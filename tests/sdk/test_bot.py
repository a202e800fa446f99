"""The bot of the documentation, as a process."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.sdk.fake import FakeServers, World
from tests.sdk.scene import ALICE, BOB, THREAD
from tests.support.daemons import ROOT, Process, environment
from tests.support.servers import certificates


class Bot(TestCase):
    timeout = 60

    async def test_documented_bot(self) -> None:
        """The ten lines of docs/sdk.md answer whoever writes to them."""
        from twisted.internet import reactor

        real: Any = reactor
        code = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "sdk.md").read_text(), re.DOTALL)[0]
        self.assertLessEqual(len(code.strip().splitlines()), 10)
        tls = certificates()
        world = World()
        world.user(ALICE, "echo")
        world.user(BOB, "bob")
        world.befriend(THREAD, ALICE, BOB)
        key = ssl.PrivateCertificate.loadPEM(
            Path(tls.key).read_bytes() + b"\n" + Path(tls.certificate).read_bytes()
        )
        servers = FakeServers(reactor, world, key.options())
        self.addCleanup(lambda: Deferred.fromCoroutine(servers.stop()))
        code = code.replace("https://127.0.0.1:8443", servers.url).replace("var/certs/ca.pem", tls.ca)
        bot = Process(
            reactor, [sys.executable, "-c", code], environment() | {"BOT_PASSWORD": "correct horse"}, ROOT
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(bot.stop(signal.SIGKILL)))
        while not world.seen[68]:
            self.assertNotIn("Traceback", bot.text)
            await deferLater(real, 0.02)
        for text in ("Hello", "Anyone there?"):
            world.say(THREAD, BOB, text)
        while len(world.texts(THREAD)) < 4:
            self.assertNotIn("Traceback", bot.text)
            await deferLater(real, 0.02)
        self.assertEqual(
            sorted(world.texts(THREAD)),
            ["Anyone there?", "Hello", "You said: Anyone there?", "You said: Hello"],
        )
