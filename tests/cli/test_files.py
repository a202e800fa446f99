"""imsys-cli's send and get against a whole server, at pipes and at terminals, and their parts."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.cli import arguments
from imsys.cli.console import Console
from imsys.cli.files import place
from imsys.cli.progress import Bar, Rate, left
from imsys.sdk import Progress, Stage
from tests.cli.running import CliCase
from tests.support.children import folder


class FileCommands(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.here = folder("cli-files")

    def file(self, size: int, name: str = "cat.bin") -> Path:
        path = self.here / name
        path.write_bytes(os.urandom(size))
        return path

    async def test_there_and_back(self) -> None:
        """One sends a file, the other sees it in the history and receives it, by the identifier that both are
        told.
        """
        anna, ben = await self.friends("anna", "ben")
        path = self.file(3_000_000)
        said = await self.cli("--as", anna, "send", str(path), "--to", ben, server=False)
        found = re.search(r"Sent cat\.bin \(3\.0 MB\), ([0-9A-Za-z_-]{22})\.\n", said)
        assert found is not None, said
        self.assertNotIn("\x1b", said)
        await self.until_listed(ben, anna, found[1])
        copy = self.here / "copy"
        said = await self.cli("--as", ben, "get", found[1], str(copy), server=False)
        self.assertIn("(3.0 MB)", said)
        self.assertEqual(copy.read_bytes(), path.read_bytes())
        self.assertIn(
            "exists already", await self.cli("--as", ben, "get", found[1], str(copy), status=1, server=False)
        )
        copy.write_bytes(b"older")
        await self.cli("--as", ben, "get", found[1], str(copy), "--force", server=False)
        self.assertEqual(copy.read_bytes(), path.read_bytes())
        (self.here / "folder").mkdir()
        await self.process("--as", ben, "get", found[1], str(self.here / "folder"), server=False)
        self.assertEqual((self.here / "folder" / "cat.bin").read_bytes(), path.read_bytes())
        (self.here / "cat.bin").unlink()
        (self.here / "cat.bin").mkdir()
        said = await self.cli("--as", ben, "get", found[1], str(self.here), "--force", status=1, server=False)
        self.assertIn("is a folder, and is not replaced", said)
        self.assertEqual(sorted(entry.name for entry in self.here.iterdir()), ["cat.bin", "copy", "folder"])

    async def until_listed(self, name: str, friend: str, file_id: str) -> None:
        """Wait until the thread was told of a file."""
        for _ in range(50):
            if f"imsys-cli get {file_id}" in await self.cli("--as", name, "history", friend, server=False):
                return
        self.fail("the thread was not told")

    async def test_plain_sentences(self) -> None:
        """What goes wrong is one sentence, and status 1."""
        anna, ben = await self.friends("anna", "ben")
        (carl,) = await self.accounts("carl")
        for wrong, command in (
            ("There is no file", ("send", "/nowhere/at-all", "--to", ben)),
            ("is a folder; only files", ("send", str(self.here), "--to", ben)),
            ("is no file; only files", ("send", os.devnull, "--to", ben)),
            ("no separators", ("send", str(self.file(10, "a..b")), "--to", ben)),
            ("--to NAME", ("send", str(self.file(10)))),
            ("not friends", ("send", str(self.file(10)), "--to", carl)),
            ("nobody called", ("send", str(self.file(10)), "--to", "nobody-at-all")),
            ("There is no such file.", ("get", "A" * 22)),
            ("There is no such file.", ("get", "-" + "A" * 21)),
        ):
            self.assertIn(wrong, await self.cli("--as", anna, *command, status=1, server=False))

    async def test_interrupted(self) -> None:
        """Ctrl-C at a terminal leaves what is there, and says how to go on; the same command then does."""
        anna, ben = await self.friends("anna", "ben")
        path = self.file(0)
        os.truncate(path, 240_000_000)
        sending = self.run_cli("--as", anna, "send", str(path), "--to", ben, terminal=True, server=False)
        await self.until(
            lambda: (
                re.search(r"\[#+-+\]  +\d+%  [\d.]+ MB/s  \d+:\d\d", sending.output)
                or sending.status is not None
            )
        )
        await self.until(
            lambda: list((self.config / "imsys" / "unfinished").glob("*.json")) or sending.status is not None
        )
        sending.type("\x03")
        await sending.ended
        self.assertEqual(sending.status, 130, sending.shown)
        self.assertIn(f"goonwith:imsys-cli--as{anna}send", re.sub(r"\s+", "", sending.shown))
        said = await self.process("--as", anna, "send", str(path), server=False)
        self.assertIn("Sent cat.bin (240 MB)", said)
        self.assertIn(
            "No upload of",
            await self.cli("--as", anna, "send", str(path), "--give-up", status=1, server=False),
        )
        self.assertEqual(list((self.config / "imsys" / "unfinished").glob("*.json")), [])

    async def test_given_up(self) -> None:
        """What was interrupted can be given up: nothing is left of it here or there."""
        anna, ben = await self.friends("anna", "ben")
        path = self.file(60_000_000)
        sending = self.run_cli("--as", anna, "send", str(path), "--to", ben, terminal=True, server=False)
        left = self.config / "imsys" / "unfinished"
        await self.until(lambda: list(left.glob("*.json")) or sending.status is not None)
        sending.type("\x03")
        await sending.ended
        self.assertIn("Giveitupwith--give-up,orgoonwith:", re.sub(r"\s+", "", sending.shown))
        path.unlink()
        self.assertIn(
            "Given up: cat.bin.", await self.cli("--as", anna, "send", str(path), "--give-up", server=False)
        )
        self.assertEqual(list(left.glob("*.json")), [])

    async def test_avatar(self) -> None:
        """A picture that one sends of oneself is what others find beside the name.

        What is none is refused in a sentence.
        """
        from PIL import Image

        (anna,) = await self.accounts("anna")
        path = self.here / "me.png"
        Image.effect_noise((300, 200), 50).save(path)
        self.assertIn(
            "me.png is your avatar now.", await self.cli("--as", anna, "avatar", str(path), server=False)
        )
        said = await self.cli(
            "--as", anna, "avatar", str(self.file(1000, "noise.png")), status=1, server=False
        )
        self.assertIn("picture", said)
        self.assertIn(
            "There is no file", await self.cli("--as", anna, "avatar", "/nowhere", status=1, server=False)
        )

    async def test_chat(self) -> None:
        """Within a chat /send sends a file, and /get receives one of those that came."""
        anna, ben = await self.friends("anna", "ben")
        path = self.file(2_000_000, "a cat.bin")
        one = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        two = self.run_cli("--as", ben, "chat", anna, terminal=True, server=False)
        await self.sees(one, "We are friends now!")
        await self.sees(two, "We are friends now!")
        one.type("/send /nowhere/at-all\r")
        await self.sees(one, "there is no file /nowhere/at-all")
        one.type(f"/send {path}\r")
        await self.sees(one, "a cat.bin is sent")
        await self.sees(two, "a cat.bin 2.0 MB]")
        two.type("/get\r")
        await self.sees(two, "/get 1: a cat.bin (2.0 MB)")
        two.type("/get 2\r")
        await self.sees(two, "there is no such file")
        for person in (one, two):
            person.type("\x04")
            await person.ended
            self.assertEqual(person.status, 0, person.shown)


class Terminal(io.StringIO):
    """Looks like one."""

    def isatty(self) -> bool:
        return True


class ProgressTests(SynchronousTestCase):
    def bar(self, *, terminal: bool) -> tuple[Bar, Clock, io.StringIO]:
        clock, out = Clock(), io.StringIO()
        console = Console(clock, io.StringIO(), out, io.StringIO())
        console.interactive = terminal
        return Bar(console, "cat\x1b.bin", clock.seconds), clock, out

    def test_pipe(self) -> None:
        """At a pipe there is a line now and then, one for each break, and nothing that a terminal would obey."""
        bar, clock, out = self.bar(terminal=False)
        for done in range(0, 1001, 10):
            bar.show(Progress(Stage.MOVING, done, 1000))
            clock.advance(0.1)
        bar.show(Progress(Stage.WAITING, 500, 1000, ConnectionError("It broke.")))
        bar.show(Progress(Stage.FINISHING, 1000, 1000))
        bar.end()
        lines = out.getvalue().splitlines()
        self.assertLess(len(lines), 10)
        self.assertRegex(lines[3], r"^cat.\.bin: \d+%  100 B/s  0:0\d$")
        self.assertEqual(lines[-2:], ["(It broke. Trying again.)", lines[-1]])
        self.assertNotIn("\x1b", out.getvalue())

    def test_terminal(self) -> None:
        """On a terminal it is one line that is painted anew, not more often than ten times a second, and gone
        in the end.
        """
        bar, clock, out = self.bar(terminal=True)
        for done in range(1001):
            bar.show(Progress(Stage.MOVING, done, 1000))
            clock.advance(0.01)
        bar.end()
        painted = out.getvalue().split("\r")[1:]
        self.assertLess(len(painted), 110)
        self.assertTrue(all("\n" not in line and line.endswith("\x1b[K") for line in painted))
        self.assertRegex(painted[50], r"\[#+-+\]   \d\d%  100 B/s  0:0\d")
        self.assertEqual(painted[-1], "\x1b[K")

    def test_rate(self) -> None:
        """The rate is that of the last seconds, and what is left follows from it."""
        clock = Clock()
        rate = Rate(clock.seconds)
        self.assertEqual((rate.value, left(Progress(Stage.MOVING, 0, 10), 0)), (0, ""))
        for _ in range(100):
            rate.add(0)
            clock.advance(1)
        for done in range(0, 1000, 100):
            rate.add(done)
            clock.advance(1)
        self.assertEqual(rate.value, 100)
        self.assertEqual(left(Progress(Stage.MOVING, 0, 6500), 100), "1:05")
        self.assertEqual(left(Progress(Stage.MOVING, 0, 366500), 100), "1:01:05")

    def test_names(self) -> None:
        """Whatever the other side calls a file, it gets a name in the folder that it is put into."""
        here = Path.cwd()
        for sent, kept in (
            ("cat.jpg", "cat.jpg"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            (".bash_profile", "_bash_profile"),
            ("/etc/passwd", "_etc_passwd"),
            ("C:\\x", "C__x"),
            ("..", "the-id"),
            ("", "the-id"),
            ("a\x1b[31m\n", "a_[31m_"),
        ):
            self.assertEqual(place(None, sent, "the-id"), here / kept)
        self.assertEqual(place(None, "", "../x"), here / "_._x")

    def test_dashed(self) -> None:
        """An identifier that begins with a dash is no option."""
        for file_id in ("-" + "A" * 21, "--" + "a" * 20):
            parsed: Any = arguments.parse(["get", file_id, "there"])
            self.assertEqual((parsed.file_id.strip(), parsed.path), (file_id, "there"))
