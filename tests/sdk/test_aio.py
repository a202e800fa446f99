"""The client library in an asyncio program: the program in a thread of its own, the servers in this one."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.threads import blockingCallFromThread, deferToThread

from imsys import sdk
from imsys.errors import Refused, Status, Unavailable
from imsys.sdk import Credentials, Edit, Friendship, Message, Position, StateChange, aio
from imsys.sdk.aio.bridging import Part
from tests.sdk.scene import ALICE, BOB, QUICK, THREAD, Scene


class AioScene(Scene):
    """A scene with a program, which is a coroutine that asyncio runs."""

    async def run_program(self, program: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return await deferToThread(asyncio.run, asyncio.wait_for(program(), 20))

    def client_of(self, name: str = "alice", **more: Any) -> aio.Client:
        credentials = Credentials(username=name, password="correct horse")
        return aio.Client(self.servers.url, credentials, timing=QUICK, **more)

    def here(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """From the program: do something with the servers, in their thread."""
        return blockingCallFromThread(self.reactor, function, *arguments)

    def say(self, text: str) -> int:
        number: int = self.here(self.world.say, THREAD, BOB, text)
        return number


class Programs(AioScene):
    async def test_talk(self) -> None:
        """A program sends, changes, reads what comes and what was, and asks about people."""

        async def program() -> None:
            async with self.client_of() as alice:
                self.assertEqual((alice.me.username, alice.state), ("alice", sdk.ConnectionState.ONLINE))
                said = await alice.send(THREAD, "one", mentions=(BOB,))
                edit = await alice.edit(THREAD, said.id, "uno")
                assert isinstance(edit, Edit)
                heard = self.say("two")
                told = []
                async for event in alice.events():
                    if not isinstance(event, StateChange | Position | Friendship):
                        told.append(event)
                    if len(told) == 3:
                        break
                self.assertEqual(told[:2], [said, edit])
                assert isinstance(told[2], Message)
                self.assertEqual(told[2].id, heard)
                self.assertEqual([one.id async for one in alice.history.records(THREAD)], [said.id, heard])
                self.assertEqual(
                    [one.id async for one in alice.history.newest(THREAD, page=1)], [heard, said.id]
                )
                pages = [page async for page in alice.history.log(THREAD, page=2).each()]
                self.assertEqual([len(page) for page in pages], [2, 1])
                self.assertEqual((await alice.contacts.search("bob")).uuid, BOB)
                self.assertEqual([one.uuid for one in await alice.contacts.friends().all()], [BOB])
                await alice.mark_read(THREAD, heard)
                threads = await alice.run(lambda client: client.history.threads().all())
                self.assertEqual([one.thread_id for one in threads], [THREAD])

        await self.run_program(program)

    async def test_errors(self) -> None:
        """What is refused raises in the program, at once or when the server has said so."""

        async def program() -> None:
            async with self.client_of() as alice:
                with self.assertRaises(Refused) as caught:
                    await alice.send(THREAD, "")
                self.assertIs(caught.exception.status, Status.MESSAGE_TOO_LONG)
                with self.assertRaises(Refused) as caught:
                    await alice.send(THREAD, "poison")
                self.assertIs(caught.exception.status, Status.PERMISSION_DENIED)
                with self.assertRaises(Refused) as caught:
                    await alice.contacts.search("nobody")
                self.assertIs(caught.exception.status, Status.SEARCHING_USERNAME_NOT_FOUND)
            for late in (alice.send(THREAD, "late"), alice.contacts.search("bob")):
                with self.assertRaises(Unavailable):
                    await late
            self.assertEqual([event async for event in alice.events()], [])
            wrong = aio.Client(
                self.servers.url, Credentials(username="alice", password="wrong"), timing=QUICK
            )
            with self.assertRaises(Refused) as caught:
                await wrong.__aenter__()
            self.assertIs(caught.exception.status, Status.LOGIN_INFO_ERROR)

        await self.run_program(program)

    async def test_cancelled(self) -> None:
        """Who is cancelled stops waiting at once; a text that was not sent is not sent any more."""

        async def program() -> None:
            async with self.client_of() as alice:
                self.here(self.world.silent.add, 23)
                waiting = asyncio.create_task(alice.send(THREAD, "one"))
                while not self.world.seen[23]:
                    await asyncio.sleep(0.01)
                with self.assertRaises(TimeoutError):
                    await asyncio.wait_for(alice.send(THREAD, "two"), 0.05)
                self.here(self.world.silent.clear)
                self.here(self.world.drop)
                await waiting
                await alice.send(THREAD, "three")
                self.assertEqual(self.world.texts(THREAD), ["one", "three"])

        await self.run_program(program)

    async def test_nothing_lost_by_a_time_out(self) -> None:
        """A reader who gives up waiting, again and again, gets every message all the same, once."""

        async def program() -> list[str]:
            got: list[str] = []
            async with self.client_of() as alice:
                messages = alice.events()
                for number in range(40):
                    self.say(str(number))
                while len(got) < 40:
                    try:
                        async with asyncio.timeout(0.0005):
                            event = await anext(messages)
                    except TimeoutError:
                        continue
                    if isinstance(event, Message):
                        got.append(event.text)
            return got

        self.assertEqual(await self.run_program(program), [str(number) for number in range(40)])

    async def test_opening_given_up(self) -> None:
        """A time-out bounds the opening where no server answers; no thread stays behind."""
        self.world.gateway_down = True

        async def program() -> None:
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0.2), self.client_of():
                    self.fail("it is not open")

        await self.run_program(program)
        await self.until(lambda: not any("imsys.sdk.aio" in one.name for one in threading.enumerate()))

    async def test_nothing_stays(self) -> None:
        """A client that is closed leaves no thread and no descriptor."""

        async def program() -> None:
            async with self.client_of() as alice:
                await alice.send(THREAD, "one")

        await self.run_program(program)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            await self.run_program(program)
        await self.until(lambda: not self.world.connections)
        self.assertLessEqual(len(os.listdir("/proc/self/fd")), before + 2)
        await self.until(lambda: not any("imsys.sdk.aio" in one.name for one in threading.enumerate()))

    async def test_busy_program(self) -> None:
        """A program that blocks its loop keeps its connection, and then finds what came."""

        async def program() -> None:
            async with self.client_of() as alice:
                self.say("one")
                time.sleep(0.3)
                self.say("two")
                got = []
                async for message in alice.messages():
                    got.append(message.text)
                    if len(got) == 2:
                        break
                self.assertEqual(got, ["one", "two"])

        await self.run_program(program)

    async def test_signed_out(self) -> None:
        """Who is signed out elsewhere hears it where they read, after what came before."""

        async def program() -> None:
            async with self.client_of() as alice:
                self.say("last words")
                while not self.world.seen[100] and not self.world.texts(THREAD):
                    await asyncio.sleep(0.01)
                self.here(self.world.sessions[ALICE].kick, "This account signed in somewhere else.")
                got: list[str] = []
                with self.assertRaises(Refused) as caught:
                    async for message in alice.messages():
                        got.append(message.text)
                self.assertIs(caught.exception.status, Status.LOGIN_FOR_MULTIPLE_TIMES)
                self.assertEqual(got, ["last words"])

        await self.run_program(program)

    async def test_left_open(self) -> None:
        """Another task that reads or waits ends when the client is closed."""

        async def program() -> None:
            async with self.client_of() as alice:
                self.here(self.world.silent.add, 9)

                async def read() -> int:
                    return len([message async for message in alice.messages()])

                tasks = [asyncio.create_task(read()), asyncio.create_task(alice.contacts.search("bob"))]
                while not self.world.seen[9]:
                    await asyncio.sleep(0.01)
            count, refused = await asyncio.gather(*tasks, return_exceptions=True)
            self.assertEqual(count, 0)
            self.assertIsInstance(refused, Unavailable)

        await self.run_program(program)

    async def test_kept(self) -> None:
        """With files, the next run goes on where the last one was, without a password."""
        folder = Path(self.mktemp())
        folder.mkdir()
        files: dict[str, Any] = {"seen": folder / "seen.json", "sign_in": folder / "sign-in.json"}

        async def program(password: str, count: int) -> list[str]:
            credentials = Credentials(username="alice", password=password)
            got = []
            async with aio.Client(self.servers.url, credentials, timing=QUICK, **files) as alice:
                if not count:
                    self.say("one")
                async for message in alice.messages():
                    got.append(message.text)
                    if len(got) > count:
                        break
            return got

        self.assertEqual(await self.run_program(lambda: program("correct horse", 0)), ["one"])
        for text in ("two", "three"):
            self.world.say(THREAD, BOB, text)
        got = await self.run_program(lambda: program("", 1))
        self.assertEqual(got[-1], "three" if "one" not in got else "two")
        self.assertEqual(sorted(set(got)), sorted(got))


class Complete(AioScene):
    def test_methods(self) -> None:
        """Everything that can be awaited or listed in the client library has its counterpart."""
        pairs: list[tuple[type[Any], type[Part[Any]]]] = [
            (sdk.contacts.Contacts, aio.Contacts),
            (sdk.history.History, aio.History),
            (sdk.Devices, aio.Devices),
            (sdk.Groups, aio.Groups),
            (sdk.LiveStreams, aio.Live),
            (sdk.Schedule, aio.Schedule),
            (sdk.Threads, aio.Threads),
        ]
        for behind, part in pairs:
            for name, member in inspect.getmembers(behind, inspect.isfunction):
                if not name.startswith("_"):
                    self.assertTrue(hasattr(part, name), f"{part.__name__}.{name} of {member}")
