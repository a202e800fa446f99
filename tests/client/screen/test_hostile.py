"""What somebody sends who means no good, in a real window: it is shown as text, or refused, and nothing breaks."""

from __future__ import annotations

import logging
import struct
import zlib

from PySide6.QtCore import Qt
from twisted.internet.defer import Deferred

from client.core.model import Kind, Message
from imsys.sdk import Client, Credentials, Gateway, Refused
from tests.cli.running import PASSWORD, CliCase, server
from tests.client.screen.clients import ClientsCase, Desktop

HTML = "<b>bold</b><img src='https://evil.example/x.png'><script>alert(1)</script> javascript:alert(1) file:///etc/passwd"
BIDI = "pay \u202e0001\u202c to \u2066\u202eevil\u2069 \u200f\u200e\u061c\u202a\u202b\u202d end"
TEXTS = {
    "HTML": HTML,
    "bidi": BIDI,
    "bidi alone": "\u202e" * 4_000 + "x",
    "zalgo": "".join("Z" + "\u0301\u0302\u0303\u0317\u0489" * 40 for _ in range(20)),
    "one letter with 4,000 marks": "a" + "\u0316" * 4_000,
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 580,
    "many emoji": "\U0001f600" * 4_096,
    "one word": "w" * 4_096,
    "lines": "\n" * 2_000 + "end",
    "tabs and controls": "\t" * 1_000 + "\x01\x1b[31mred\x07\x7f\ufffe\uffff end",
    "markup": "**" * 900 + "`" * 900 + "*_~" * 300 + "```\n" * 90,
    "links": " ".join(f"https://\u0430pple.example/{number}" for number in range(150)),
    "surrogates and private": "\ue000\U000f0000\U0010ffff end",
    "unassigned": "\u0378" * 500 + " end",
    "mathematics": "\U0001d504" * 2_000,
    "all scripts": "漢字 العربية עברית हिन्दी ไทย " * 90,
}


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG with a head that says this size, and whatever for lines."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


FILES = {
    "bomb.png": png(60_000, 60_000, zlib.compress(b"\0" * 50_000_000)),
    "nothing.png": b"this is no picture at all",
    "cut.png": png(600, 600, zlib.compress(bytes(range(256)) * 4_000)[:50]),
    "picture\u202egnp.exe": b"MZ",
    "..\\..\\evil.txt": b"up",
    "../../evil.txt": b"up",
    "a" * 200 + ".txt": b"long",
    "con.txt": b"a device",
    "<b>x</b>.txt": b"markup",
}


class HostileTests(ClientsCase):
    timeout = 180

    async def test_what_somebody_sends(self) -> None:
        """Texts, files and names of every bad kind: they come, the window goes on, and the log has no fault."""
        friends = CliCase("friends")
        friends.setUp()
        anna_name, ben_name = await friends.friends("anna", "ben")
        found = server()
        faults: list[str] = []
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: faults.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger().addHandler(handler)
        self.addCleanup(logging.getLogger().removeHandler, handler)
        anna = Desktop(
            self,
            anna_name,
            {"IMSYS_GATEWAY_PORT": found.url.rpartition(":")[2], "IMSYS_HOME": str(found.home)},
        )
        await anna.sign_in(PASSWORD)
        await anna.open()
        gateway = Gateway(self.reactor, found.url, found.ca)
        ben = Client(self.reactor, gateway, Credentials(username=ben_name, password=PASSWORD))
        await ben.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(ben.stop()))
        thread = anna.view.current
        refused: list[str] = []  # by the server; that is right as well
        for name, text in TEXTS.items():
            try:
                await ben.send(thread, text)
            except Refused:
                refused.append(name)
        await ben.send(thread, "between")
        await self.until(lambda: "between" in anna.texts, "the texts did not come")
        for name, text in TEXTS.items():
            if name not in refused:
                self.assertIn(text, anna.texts, name)
        for number, (name, data) in enumerate(FILES.items()):
            path = anna.home / f"sent-{number}"
            path.write_bytes(data)
            try:
                mime = "image/png" if name.endswith("png") else "image/jpeg" if name.endswith("jpg") else ""
                await ben.transfers.upload(path, thread, filename=name, mime=mime).result()
            except Refused:
                refused.append(name)
        for nickname in (BIDI[:30], "Z" + "\u0301" * 40, "<img src=x>", "\u202e\u202e\u202e"):
            try:
                await ben.contacts.update_profile(nickname=nickname)
            except Refused:
                refused.append(nickname)
            self.turn()
        await ben.send(thread, "the end")
        await self.until(lambda: "the end" in anna.texts, "the last did not come")
        self.look_at_all(anna)
        pictures = {
            one.attachment.filename: one for one in anna.messages if one.attachment and one.kind is Kind.IMAGE
        }
        self.assertEqual(set(pictures), {"bomb.png", "cut.png"})
        self.assertIn("too large", await self.trouble(anna, pictures["bomb.png"]))
        self.assertIn("damaged", await self.trouble(anna, pictures["cut.png"]))
        others = [one for one in anna.messages if one.attachment and one.kind is Kind.FILE]
        self.assertGreaterEqual(len(others), 2)
        for one in others:
            got = await anna.view.account.fetch(one)
            self.assertEqual(got.parents[1].name, "files")
            self.assertTrue(got.is_relative_to(anna.home))
        self.turn()
        anna.write("Still here")
        await self.until(lambda: "Still here" in anna.texts)
        self.assertEqual(faults, [])

    def look_at_all(self, anna: Desktop) -> None:
        """Go through the conversation from its beginning, a page at a time, and paint each."""
        messages = anna.view.conversation.messages
        messages.setFocus()
        self.keys(messages, Qt.Key.Key_Home)
        bar = messages.verticalScrollBar()
        self.grab(messages.viewport())
        while bar.value() < bar.maximum():
            before = bar.value()
            self.keys(messages, Qt.Key.Key_PageDown)
            self.grab(messages.viewport())
            self.assertGreater(bar.value(), before)

    async def trouble(self, anna: Desktop, message: Message) -> str:
        """Look at a picture that cannot be shown; what is said instead."""
        anna.click_part(message.key, "open")
        viewer = anna.view.files.viewer
        assert viewer is not None
        await self.until(lambda: viewer.trouble.isVisible(), "nothing is said")
        said = viewer.trouble.text()
        self.click(viewer.leave)
        return said
