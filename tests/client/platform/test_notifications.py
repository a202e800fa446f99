"""Notifications by a real bus, and by none."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from client.platform import single
from client.platform.faults import Faults
from client.platform.freedesktop import address
from client.platform.notifications import FreedesktopNotifier, Notice, Notifier
from client.platform.tray import Tray, program_icon
from tests.support.children import folder
from tests.support.daemons import ROOT
from tests.support.programs import program
from tests.support.qt import WidgetCase


class Told(Notifier):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Notice] = []

    def show(self, notice: Notice) -> None:
        self.shown.append(notice)


class BusTests(WidgetCase):
    def setUp(self) -> None:
        super().setUp()
        home = folder("bus")
        where = f"unix:path={home}/bus"
        command = [program("dbus-daemon"), "--session", f"--address={where}", "--nofork", "--print-address"]
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop, daemon)
        assert daemon.stdout is not None
        daemon.stdout.readline()
        self.environ = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": where}
        command = [sys.executable, "-m", "tests.client.platform.desktop"]
        self.desktop = subprocess.Popen(
            command, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(self.stop, self.desktop)
        self.assertEqual(self.line(), "ready")

    def stop(self, process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def line(self) -> str:
        assert self.desktop.stdout is not None
        return self.desktop.stdout.readline().strip()

    async def test_told(self) -> None:
        """It is shown with its text as text, a press and an answer say which, and it goes when it was seen."""
        with mock.patch.dict(os.environ, self.environ):
            notifier = FreedesktopNotifier("imsys", Told())
        pressed: list[str] = []
        answered: list[tuple[str, str]] = []
        notifier.activated.connect(pressed.append)
        notifier.replied.connect(lambda target, text: answered.append((target, text)))
        await self.until(lambda: notifier._capabilities)
        notifier.show(Notice("a/1", "press", "<b>bold</b> & more", sound=True, reply="Reply"))
        await self.until(lambda: pressed)
        self.assertEqual(pressed, ["a/1"])
        line = self.line()
        self.assertIn("&lt;b&gt;bold&lt;/b&gt; &amp; more default,press,inline-reply,Reply", line)
        self.assertIn("sound-name", line)
        notifier.show(Notice("a/2", "answer", "Where are you?", reply="Reply"))
        await self.until(lambda: answered)
        self.assertEqual(answered, [("a/2", "On my way")])
        self.assertTrue(self.line().startswith("shown 2 "))
        notifier.show(Notice("a/1", "again", "in its place"))
        await self.until(lambda: notifier._numbers)
        notifier.withdraw("a/1")
        self.turn()
        lines = [self.line(), self.line()]
        self.assertTrue(lines[0].startswith("shown 1 again"))
        self.assertEqual(lines[1], "closed 1")


class OtherTests(WidgetCase):
    def test_no_bus(self) -> None:
        """Without a bus, the tray tells."""
        otherwise = Told()
        with mock.patch.dict(os.environ, {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": ""}):
            notifier = FreedesktopNotifier("imsys", otherwise)
        notifier.show(Notice("a/1", "Anna", "Hello"))
        self.assertEqual([one.title for one in otherwise.shown], ["Anna"])

    async def test_dead_bus(self) -> None:
        """One that is not there any more is noticed."""
        otherwise = Told()
        with mock.patch.dict(os.environ, {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/at/all"}):
            notifier = FreedesktopNotifier("imsys", otherwise)
        await self.until(lambda: not notifier._bus.usable)
        notifier.show(Notice("a/1", "Anna", "Hello"))
        self.assertEqual(len(otherwise.shown), 1)

    def test_addresses(self) -> None:
        """A path, an abstract name, escapes; other kinds are not known."""
        self.assertEqual(
            address({"DBUS_SESSION_BUS_ADDRESS": "tcp:host=x;unix:path=/run/a%20b/bus,guid=1"}),
            ("/run/a b/bus", False),
        )
        self.assertEqual(
            address({"DBUS_SESSION_BUS_ADDRESS": "unix:abstract=/tmp/dbus-1"}), ("/tmp/dbus-1", True)
        )
        self.assertEqual(address({"DBUS_SESSION_BUS_ADDRESS": "autolaunch:"}), ("", False))

    async def test_second_start(self) -> None:
        """A second start tells the first, and a name that a crash left is taken over."""
        home = Path(self.mktemp())
        self.assertFalse(single.tell_first(home))
        first = single.First(home)
        told: list[str] = []
        first.told.connect(told.append)
        self.assertTrue(single.tell_first(home, "show"))
        await self.until(lambda: told)
        self.assertEqual(told, ["show"])
        first.close()
        self.assertFalse(single.tell_first(home))

    def test_tray(self) -> None:
        """Without a place for it there is none, and nothing breaks; the icon has a count."""
        tray = Tray()
        tray.set_count(3)
        tray.set_quiet(True)
        self.assertNotEqual(program_icon().pixmap(64, 64).toImage(), program_icon(3).pixmap(64, 64).toImage())

    def test_faults(self) -> None:
        """What nobody expected is told once, with its details."""
        details: list[str] = []
        faults = Faults(details.append, "1.0")
        self.addCleanup(logging.disable, logging.NOTSET)
        logging.disable(logging.CRITICAL)
        for _ in range(3):
            try:
                raise ValueError("unlikely")
            except ValueError as error:
                faults.take(type(error), error, error.__traceback__)
        self.assertEqual(len(details), 1)
        self.assertIn("ValueError: unlikely", details[0])
        self.assertIn("imsys 1.0", details[0])
