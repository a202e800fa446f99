"""What goes wrong around the client, in a real window: the disk, the store, the server. It says so in a sentence, and goes on."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from twisted.internet.defer import Deferred

from client.core.model import Link, Mark, Stage
from imsys.sdk import Client, Credentials, Gateway
from tests.cli.running import PASSWORD, CliCase, server
from tests.client.screen.clients import ENTER, ClientsCase, Desktop
from tests.support.all_in_one import PASSWORD as PASSWORD_ALONE
from tests.support.all_in_one import AllInOne
from tests.support.children import folder


class TroubleCase(ClientsCase):
    def setUp(self) -> None:
        super().setUp()
        self.faults: list[str] = []
        """What is in the log of exceptions that nobody expected."""
        handler = logging.Handler(logging.WARNING)
        handler.emit = self._logged  # type: ignore[method-assign]
        logging.getLogger().addHandler(handler)
        self.addCleanup(logging.getLogger().removeHandler, handler)

    def _logged(self, record: logging.LogRecord) -> None:
        if record.exc_info or "Traceback" in record.getMessage():
            self.faults.append(record.getMessage())

    def said(self, desktop: Desktop) -> list[str]:
        """All that is said: toasts, the banner."""
        found = [desktop.window.toast.accessibleName() if desktop.window.toast.isVisible() else ""]
        view = desktop.window.account
        if view is not None:
            toast = view.conversation.toast
            found += [toast.accessibleName()] if toast.isVisible() else []
            found += view.banner.words() if view.banner.isVisible() else []
        return [words for words in found if words]

    async def says(self, desktop: Desktop, words: str) -> None:
        """Wait until it does."""
        await self.until(
            lambda: any(words in one for one in self.said(desktop)), f"it does not say {words!r}"
        )

    def row(self, desktop: Desktop) -> Mark:
        """How far the last message has come, in the list."""
        about = desktop.view.account.conversation(desktop.view.current)
        assert about is not None
        assert about.last is not None
        return about.last.mark

    def stands(self, desktop: Desktop, text: str) -> Mark:
        """How far a text of one's own has come."""
        return max((one.mark for one in desktop.messages if one.text == text), default=Mark.FAILED)


class DiskTests(TroubleCase):
    def disk(self, size: str) -> Path:
        """A disk of its own, and a small one."""
        place = folder("disk")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            self.skipTest("a disk of its own needs root")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=True)
        return place

    async def test_full(self) -> None:
        """Texts go both ways; what cannot be kept is said, not lost, and kept when there is room again."""
        found = server()
        place = self.disk("8m")
        friends = CliCase("friends")
        friends.setUp()
        anna_name, ben_name = await friends.friends("anna", "ben")
        environ = {"IMSYS_GATEWAY_PORT": found.url.rpartition(":")[2], "IMSYS_HOME": str(found.home)}
        anna = Desktop(self, anna_name, environ, home=place)
        await anna.sign_in(PASSWORD)
        await anna.open()
        gateway = Gateway(self.reactor, found.url, found.ca)
        ben = Client(self.reactor, gateway, Credentials(username=ben_name, password=PASSWORD))
        await ben.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(ben.stop()))
        thread = anna.view.current
        big = folder("big") / "big.bin"
        big.write_bytes(os.urandom(3_000_000))
        await ben.transfers.upload(big, thread).result()
        await self.until(lambda: any(one.attachment for one in anna.messages))
        filler = place / "filler"
        fill(filler)
        for number in range(30):
            await ben.send(thread, f"theirs {number} " + "x" * 3_000)
        anna.write("mine")
        await self.says(anna, "no room on this disk")
        await self.until(lambda: any(one.startswith("theirs 29") for one in anna.texts), "texts do not come")
        await self.until(lambda: self.stands(anna, "mine") >= Mark.STORED, "texts do not go")
        await self.until(lambda: self.row(anna) >= Mark.STORED, "the list does not say so")

        # what needs room says so next to it
        file = next(one for one in anna.messages if one.attachment)
        await anna.go_and_click(file, "file")
        await self.until(lambda: [one.stage for one in anna.view.account.transfers()] == [Stage.FAILED])
        self.assertIn("no room left", anna.view.account.transfers()[0].problem)
        QGuiApplication.clipboard().setImage(noise())
        self.keys(anna.view.conversation.composer.edit, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        await self.until(lambda: anna.view.files.dialog is not None)
        dialog = anna.view.files.dialog
        assert dialog is not None
        await self.until(dialog.problem.isVisible, "nothing is said of the picture")
        self.assertIn("Make room", dialog.problem.text())
        self.click(dialog.cancel)
        anna.view.account.set_draft(thread, "almost")

        # and with room again all is there
        filler.unlink()
        anna.write("after")
        await self.until(lambda: self.stands(anna, "after") >= Mark.STORED)
        account: Any = anna.view.account
        await self.until(lambda: not account.parts.keeper._waiting, "it is not stored")
        wanted = anna.texts
        await anna.close()
        again = Desktop(self, anna_name, {**environ, "IMSYS_GATEWAY_PORT": "1"}, home=place)
        await self.until(lambda: again.window.account is not None, "no account is open")
        page = await again.view.account.before(thread, None, 100)
        self.assertEqual([one.text for one in page if one.text][-len(wanted) :], wanted)
        self.assertEqual(self.faults, [])


class StoreTests(TroubleCase):
    async def test_set_aside(self) -> None:
        """A store that is damaged, or of a newer version, is set aside and said, and read from the server anew."""
        found = server()
        friends = CliCase("friends")
        friends.setUp()
        name, _ = await friends.friends("anna", "ben")
        environ = {"IMSYS_GATEWAY_PORT": found.url.rpartition(":")[2], "IMSYS_HOME": str(found.home)}
        anna = Desktop(self, name, environ)
        await anna.sign_in(PASSWORD)
        await anna.open()
        anna.write("kept at the server")
        await self.until(lambda: self.stands(anna, "kept at the server") >= Mark.STORED)
        home = anna.home
        for words in ("was damaged", "newer version"):
            if words == "newer version":
                account: Any = anna.view.account
                await account.parts.keeper.store.write(lambda db: db.pragma("user_version", 1_000))
            await anna.close()
            (store,) = home.glob("accounts/*/store.db")
            if words == "was damaged":
                store.write_bytes(os.urandom(store.stat().st_size))
            anna = Desktop(self, name, environ, home=home)
            await self.says(anna, words)
            await anna.online()
            await anna.open()
            await self.until(partial(self.has, anna, "kept at the server"), "it was not read again")
            self.assertTrue(list(store.parent.glob("store.db.aside*")))
        self.assertEqual(self.faults, [])

    def has(self, desktop: Desktop, text: str) -> bool:
        """Whether it is shown."""
        return text in desktop.texts


class ServerTests(TroubleCase):
    async def test_down_slow_and_back(self) -> None:
        """A server that is not there, or says nothing, is named, with what is wrong and when it is tried again.

        Neither the way in nor the window stands still, and it comes back by itself.
        """
        alone = AllInOne(self, self.reactor)
        daemon = await alone.start({})
        people = [await alone.user(name) for name in ("anna", "ben")]
        requests: list[Any] = []
        people[1].on_friend_request.subscribe(requests.append)
        await people[0].contacts.add(people[1].me.uuid, "Hello?")
        await self.until(lambda: requests)
        await people[1].contacts.accept(people[0].me.uuid)
        for one in people:
            await one.stop()
        environ = {"IMSYS_GATEWAY_PORT": alone.settings["GATEWAY_PORT"], "IMSYS_HOME": str(alone.home)}
        anna = Desktop(self, "anna", environ)
        await anna.sign_in(PASSWORD_ALONE)
        ben = Desktop(self, "ben", environ)
        view = await ben.way_in()

        daemon.send(signal.SIGSTOP)
        self.addCleanup(daemon.send, signal.SIGCONT)
        page: Any = view.page
        ben.fill(page.fields["username"].edit, "ben")
        ben.fill(page.fields["password"].edit, PASSWORD_ALONE)
        self.keys(page.fields["password"].edit, ENTER)
        self.assertTrue(page.button.text())
        await self.late(lambda: page.problem.isVisible(), "nobody says that the server is silent")
        self.assertEqual(page.problem.text(), "The server does not answer in time.")
        self.assertTrue(page.button.isEnabled())
        await self.late(lambda: anna.view.banner.isVisible(), "the banner does not say it")
        self.assertIn("does not answer", anna.view.account.connection().reason)
        await anna.open()
        anna.write("written meanwhile")
        await self.until(lambda: "written meanwhile" in anna.texts)
        daemon.send(signal.SIGCONT)
        await anna.online()
        await self.until(lambda: self.stands(anna, "written meanwhile") >= Mark.STORED)
        await self.until(lambda: not anna.view.banner.isVisible())

        await daemon.stop()
        self.keys(page.fields["password"].edit, ENTER)
        await self.until(lambda: "is it running?" in page.problem.text(), "nobody says that it is not there")
        await self.says(anna, "is it running?")
        self.assertIn("Retry now", anna.view.banner.words())
        self.assertEqual(self.faults, [])

    async def late(self, true: Callable[[], object], what: str) -> None:
        """Wait for what the library says only after its own deadlines."""
        for _ in range(2):
            with contextlib.suppress(self.failureException):
                return await self.until(true)
        return await self.until(true, what)

    async def test_full(self) -> None:
        """A server that takes nobody more says so, at the way in as well as later, and is tried again."""
        alone = AllInOne(self, self.reactor)
        await alone.start({})
        for name in ("anna", "ben"):
            await (await alone.user(name)).stop()
        await alone.daemon.stop()
        await alone.start({"CHAT_CAPACITY": "1"})
        holder = await self.holder(alone)
        environ = {"IMSYS_GATEWAY_PORT": alone.settings["GATEWAY_PORT"], "IMSYS_HOME": str(alone.home)}
        anna = Desktop(self, "anna", environ)
        page: Any = (await anna.way_in()).page
        anna.fill(page.fields["username"].edit, "anna")
        anna.fill(page.fields["password"].edit, PASSWORD_ALONE)
        self.keys(page.fields["password"].edit, ENTER)
        await self.until(page.problem.isVisible, "nothing is said")
        self.assertEqual(page.problem.text(), "No chat server is available; try again later.")
        await holder.stop()
        await self.late(lambda: self.comes_in(anna, page), "there is no way in")
        await anna.online()
        await anna.close()
        holder = await self.holder(alone)
        again = Desktop(self, "anna", environ, home=anna.home)
        await self.says(again, "No chat server is available")
        await holder.stop()
        await self.late(lambda: self.retried(again), "it does not come back")
        self.assertEqual(self.faults, [])

    async def holder(self, alone: AllInOne) -> Client:
        """Who takes the one place that there is."""
        holder = Client(self.reactor, alone.gateway, Credentials(username="ben", password=PASSWORD_ALONE))
        self.addCleanup(lambda: Deferred.fromCoroutine(holder.stop()))
        await holder.start()
        return holder

    def comes_in(self, desktop: Desktop, page: Any) -> bool:
        """Press what signs in until it does: the server learns a moment later that it has room."""
        if desktop.window.account is None and page.button.isEnabled():
            self.click(page.button)
        return desktop.window.account is not None

    def retried(self, desktop: Desktop) -> bool:
        """Press what tries again until it is connected."""
        if desktop.view.banner.isVisible() and "Retry now" in desktop.view.banner.words():
            desktop.press("Retry now", desktop.view.banner)
        return desktop.view.account.connection().link is Link.ONLINE


def fill(filler: Path) -> None:
    """Let no byte of a disk be free."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def noise() -> QImage:
    """A picture that no codec makes small."""
    return QImage(os.urandom(800 * 600 * 4), 800, 600, QImage.Format.Format_RGB32).copy()
