"""Every example of docs/sdk.md, as it stands there: whole programs as processes, the others with a client
that is online.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import io
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

import imsys.sdk
from imsys.errors import Status
from imsys.sdk import Attachment, Client, ConnectionState, Credentials, Gateway, Message, Stage
from tests.cli.running import PASSWORD, CliCase
from tests.sdk.fake import FakeServers, World
from tests.sdk.scene import ALICE, BOB, CAROL, THREAD, Seen
from tests.support.daemons import ROOT, Process, environment
from tests.support.servers import certificates

TEXT = (ROOT / "docs" / "sdk.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def whole(example: str) -> bool:
    """Whether it is a program."""
    return "react(main)" in example or "asyncio.run(main())" in example


class Words(SynchronousTestCase):
    def test_fields(self) -> None:
        """Every field of a message and of its file is explained, and everything that the library calls its
        own by the name it has.
        """
        for kind, more in ((Message, ("attachment", "live")), (Attachment, ())):
            for name in (*(field.name for field in dataclasses.fields(kind)), *more):
                self.assertRegex(TEXT, rf"(?m)^\| (`\w+`, )*`{name}`(, `\w+`)* \|", name)
        for name in re.findall(r"`([A-Z_]{8,})`", TEXT):
            self.assertTrue(
                any(name in kind.__members__ for kind in (Status, Stage, ConnectionState))
                or name in imsys.sdk.__all__,
                name,
            )

    def test_all_of_them(self) -> None:
        """There are four programs, and some examples beside them; none is passed over here."""
        self.assertEqual(sum(map(whole, EXAMPLES)), 4)
        self.assertGreaterEqual(len(EXAMPLES), 9)


class Program(TestCase):
    """The second and the third; the first has a test of its own, and the fourth has a whole server."""

    timeout = 60

    async def test_bot_that_stays(self) -> None:
        """It befriends who asks, answers them, goes on after a refusal, and ends in a sentence when it is
        signed out.
        """
        world, bot, until = self.start("FileSeenStore(reactor")
        await until(lambda: "online" in bot.text)
        world.say(THREAD, BOB, "poison")
        await until(lambda: world.seen[23] == 1)
        world.refusals[23] = [{"error": int(Status.NOT_FRIENDS), "message": "No."}]
        world.say(THREAD, BOB, "Hello")
        await until(lambda: "not sent: You are not friends." in bot.text)
        world.say(THREAD, BOB, "Still there?")
        await until(lambda: "You said: Still there?" in world.texts(THREAD))
        world.sessions[ALICE].kick("This account signed in somewhere else.")
        await until(lambda: "You were signed out" in bot.text)

    async def test_bot_on_asyncio(self) -> None:
        """It answers, reacts as others do, says what is refused and goes on."""
        world, bot, until = self.start("case Reaction(")
        await until(lambda: ALICE in world.sessions and bool(world.seen[68]))
        world.refusals[23] = [{"error": int(Status.NOT_FRIENDS), "message": "No."}]
        world.say(THREAD, BOB, "Hello")
        await until(lambda: "You are not friends." in bot.text)
        said = world.say(THREAD, BOB, "Still there?")
        await until(lambda: "You said: Still there?" in world.texts(THREAD))
        body = {"target": str(said), "emoji": "👍", "on": True}
        entry = world.store(THREAD, BOB, "", msg_type=18, body=body)
        world.push(ALICE, 133, {"thread_id": str(THREAD), "entries": [entry]})
        await until(lambda: bool(world.seen[196]))
        bot.send(signal.SIGINT)
        self.assertNotEqual(await bot.end(), 0)

    def start(self, marked: str) -> tuple[World, Process, Callable[[Any], Awaitable[None]]]:
        """Start the program that has something in it."""
        from twisted.internet import reactor

        real: Any = reactor
        tls = certificates()
        world = World()
        for user, name in ((ALICE, "echo"), (BOB, "bob"), (CAROL, "carol")):
            world.user(user, name)
        world.befriend(THREAD, ALICE, BOB)
        key = ssl.PrivateCertificate.loadPEM(
            Path(tls.key).read_bytes() + b"\n" + Path(tls.certificate).read_bytes()
        )
        servers = FakeServers(reactor, world, key.options())
        self.addCleanup(lambda: Deferred.fromCoroutine(servers.stop()))
        (code,) = (example for example in EXAMPLES if whole(example) and marked in example)
        code = code.replace("https://127.0.0.1:8443", servers.url).replace("var/certs/ca.pem", tls.ca)
        folder = Path(self.mktemp())
        folder.mkdir()
        environ = environment() | {"BOT_PASSWORD": "correct horse", "PYTHONPATH": str(ROOT)}
        bot = Process(reactor, [sys.executable, "-c", code], environ, folder)
        self.addCleanup(lambda: Deferred.fromCoroutine(bot.stop(signal.SIGKILL)))

        async def until(condition: Any) -> None:
            while not condition():
                self.assertNotIn("Traceback", bot.text)
                self.assertIsNone(bot.status, bot.text)
                await deferLater(real, 0.02)

        return world, bot, until


class InGroups(CliCase):
    """The fourth program."""

    async def test_bot_in_groups(self) -> None:
        """It comes where it is invited to, before and after its start, answers who mentions it, and greets newcomers."""
        echo, name, other = await self.accounts("echo", "anna", "ben")
        gateway = Gateway(self.reactor, self.server.url, self.server.ca)
        anna, ben = [
            Client(self.reactor, gateway, Credentials(username=one, password=PASSWORD))
            for one in (name, other)
        ]
        for client in (anna, ben):
            await client.start()
            self.addCleanup(lambda stop: Deferred.fromCoroutine(stop()), client.stop)
        bot = (await anna.contacts.search(echo)).uuid
        made = [await ben.groups.create(title, [bot]) for title in ("Before", "Also before")]
        self.assertEqual([one.invited for one in made], [(bot,)] * 2)
        heard: list[Message] = []
        ben.on_message.subscribe(heard.append)
        (code,) = (example for example in EXAMPLES if "GroupEvent.INVITED" in example and whole(example))
        code = code.replace("https://127.0.0.1:8443", self.server.url).replace(
            "var/certs/ca.pem", self.server.ca
        )
        code = code.replace('username="echo"', f'username="{echo}"')
        folder = Path(self.mktemp())
        folder.mkdir()
        environ = environment() | {"BOT_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT)}
        program = Process(self.reactor, [sys.executable, "-c", code], environ, folder)
        self.addCleanup(lambda: Deferred.fromCoroutine(program.stop(signal.SIGKILL)))

        async def until(condition: Any) -> None:
            while not condition():
                self.assertNotIn("Traceback", program.text)
                await deferLater(self.reactor, 0.02)

        there = Seen(ben.on_entry)
        await there.wait(2)
        made.append(await ben.groups.create("After", [bot]))
        await until(lambda: len([one for one in there.items if getattr(one, "users", ()) == (bot,)]) == 3)
        for one in made:
            await ben.send(one.thread_id, "not for the bot")
            asked = await ben.send(one.thread_id, "echo?", mentions=(bot,))
            await until(lambda: heard)
            answer = heard.pop()
            self.assertEqual((answer.text, answer.reply_to), ("You said: echo?", asked.id))
        link = await ben.groups.create_link(made[0].thread_id)
        await anna.groups.join(link.link)
        await until(lambda: heard)
        self.assertEqual((heard[0].text, heard[0].mentions), ("Welcome!", (anna.me.uuid,)))
        await ben.groups.mute(made[0].thread_id, bot, 60)
        await ben.send(made[0].thread_id, "And now?", mentions=(bot,))
        await until(lambda: "You may not write here for a while." in program.text)


class Snippets(CliCase):
    """All others, in their order, with a whole server behind them."""

    async def test_every_one(self) -> None:
        """Each runs, with the names that the text around it has."""
        names = await self.friends("anna", "ben")
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "holiday.mp4").write_bytes(os.urandom(100_000))
        gateway = Gateway(self.reactor, self.server.url, self.server.ca)
        client = Client(self.reactor, gateway, Credentials(username=names[0], password=PASSWORD))
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        await client.start()
        (friend,) = await client.contacts.friends().all()
        for text in ("one", "two"):
            await client.send(friend.thread_id, text)
        shared: dict[str, Any] = {
            **vars(imsys.sdk),
            "client": client,
            "friend": friend,
            "thread_id": friend.thread_id,
        }
        shared |= {"reactor": self.reactor, "url": self.server.url}
        before = os.getcwd()
        os.chdir(folder)
        self.addCleanup(os.chdir, before)
        printed = io.StringIO()
        for example in EXAMPLES:
            if not whole(example):
                code = compile(example, "docs/sdk.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                with contextlib.redirect_stdout(printed):
                    running = eval(code, shared)
                    if running is not None:
                        await running
        self.assertEqual([message.text for message in shared["last"]], ["two", "one"])
        self.assertEqual(shared["conversation"].get(shared["answer"].id).recalled, True)
        self.assertEqual(shared["shown"][-1].text, "two")
        self.assertIn("We are friends already.", printed.getvalue())
        self.assertEqual((folder / "copy.mp4").read_bytes(), (folder / "holiday.mp4").read_bytes())
        self.assertEqual(await client.live.running().all(), [])
