"""The original upload service, block by block."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
import ssl
import struct
import sys
import threading
from contextlib import closing
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.config import FilesConfig, ResourcesConfig
from imsys.files.configured import spool_folder
from tests.resources.scene import ResourcesCase, blocks
from tests.support.servers import certificates


class WholeFiles(ResourcesCase):
    async def test_blocks(self) -> None:
        """A file comes block by block, each answered with where it stands, and is visible, whole, with the
        last.
        """
        client, data = await self.login(), os.urandom(2500)
        for request in blocks("holiday.jpg", data):
            self.assertEqual(self.kept(), {})
            expected = {
                "filename": "holiday.jpg",
                "curr_seq": request["cur_seq"],
                "curr_size": request["cur_size"],
                "total_size": "2500",
            }
            response = await client.ask(30, **request)
            self.assertEqual(response, {"error": 0, **expected, "EOF": request["EOF"] == "1"})
        self.assertEqual(self.visible(), {"holiday.jpg": data})
        self.assertEqual(self.arriving(), [])

    async def test_as_the_original_client(self) -> None:
        """A blocking socket that writes one byte at a time and waits for each response uploads a file."""
        token = await self.tokens.issue(7)
        data = os.urandom(300)
        answers = await deferToThread(self.original_client, token, data)
        self.assertEqual([answer["error"] for _, answer in answers], [0] * 5)
        self.assertEqual([service for service, _ in answers], [6, 33, 31, 31, 31])
        self.assertEqual([answer["EOF"] for _, answer in answers[2:]], [False, False, True])
        self.assertEqual(self.visible(), {"a.bin": data})

    def original_client(self, token: str, data: bytes) -> list[tuple[int, dict[str, Any]]]:
        requests = [
            (5, {"uuid": "7", "token": token}),
            (32, {"uuid": "7"}),
            *((30, block) for block in blocks("a.bin", data, 128)),
        ]
        answers = []
        with socket.create_connection(("127.0.0.1", self.port.port), 10) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = ssl.create_default_context(cafile=certificates().ca)
            with context.wrap_socket(plain, server_hostname="127.0.0.1") if self.tls else plain as connection:
                for service, request in requests:
                    body = json.dumps(request).encode()
                    for byte in struct.pack("!HI", service, 6 + len(body)) + body:
                        connection.sendall(bytes([byte]))
                    reader = connection.makefile("rb")
                    answered, total = struct.unpack("!HI", reader.read(6))
                    answers.append((answered, json.loads(reader.read(total - 6))))
        return answers

    async def test_small(self) -> None:
        """An empty file, and one of a single block."""
        client = await self.login()
        self.assertTrue((await client.upload("empty", b""))["EOF"])
        self.assertTrue((await client.upload("one", b"x"))["EOF"])
        self.assertEqual(self.visible(), {"empty": b"", "one": b"x"})

    async def test_large_blocks(self) -> None:
        """Blocks may be as large as a frame allows."""
        client, data = await self.login(), os.urandom(2_000_000)
        self.assertTrue((await client.upload("large", data, 780_000))["EOF"])
        self.assertEqual(self.visible(), {"large": data})


class TlsTests(WholeFiles):
    """Over TLS."""


class PlaintextTests(WholeFiles):
    """In plaintext."""

    tls = False


del WholeFiles


class Case(ResourcesCase):
    tls = False


class NameTests(Case):
    async def test_refused(self) -> None:
        """37 for a path, for '..', for NUL, for nothing and for too much; and nothing is written."""
        client = await self.login()
        wrong = (
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "C:\\x",
            "a\0b",
            "new\nline",
            "a..b",
            "x" * 256,
            "ä" * 128,
        )
        for name in wrong:
            response = await client.upload(name, b"data")
            self.assertEqual(response["error"], 37, name)
            self.assertTrue(response["message"])
        self.assertEqual((self.kept(), self.arriving()), ({}, []))

    async def test_similar(self) -> None:
        """Names that differ only by case, by accents or by dots and spaces at the end are different files."""
        client = await self.login()
        names = ["report", "Report", "report.", "report ", "\u00e9", "e\u0301", "con", "nul.txt", "a:b"]
        names += ["x" * 255, "ä" * 127 + "x"]
        for name in names:
            self.assertEqual((await client.upload(name, name.encode()))["error"], 0, name)
        self.assertEqual(sorted(self.kept().values()), sorted(name.encode() for name in names))
        folders = {path.split("/")[1] for path in self.kept()}
        self.assertEqual(len(folders), len(names))

    async def test_users(self) -> None:
        """Two users' files of one name are two files."""
        for user in (1, 12, 2**62):
            client = await self.login(user)
            await client.upload("same", str(user).encode())
        self.assertEqual(
            [self.visible(user) for user in (1, 12, 2**62)],
            [{"same": str(user).encode()} for user in (1, 12, 2**62)],
        )


class OrderTests(Case):
    async def asks(self, client: Any, request: dict[str, Any], error: int, **changes: str) -> str:
        response = await client.ask(30, **{**request, **changes})
        self.assertEqual(response["error"], error, response)
        return str(response.get("message", ""))

    async def test_unexpected(self) -> None:
        """36 for a block out of order or of another size than it says, with what is expected.

        The right one may still come.
        """
        client, data = await self.login(), os.urandom(3000)
        first, second, third = blocks("f", data)
        self.assertIn("cur_seq 1 is expected", await self.asks(client, second, 36))
        self.assertIn("cur_size 1000 is expected", await self.asks(client, first, 36, cur_size="999"))
        self.assertEqual(self.arriving(), [])
        await self.asks(client, first, 0)
        for request, changes, expected in (
            (third, {}, "cur_seq 2 is expected"),
            (second, {"cur_seq": "0"}, "cur_seq 2 is expected"),
            (second, {"cur_size": "1999"}, "cur_size 2000 is expected"),
            (second, {"cur_size": "3001"}, "cur_size 3000, the size of the file, is expected"),
            (second, {"block": first["block"][:-8]}, "cur_size 1996 is expected"),
            (second, {"EOF": "1"}, "cur_size 3000, the size of the file, is expected"),
            (
                second,
                {"file_size": "2999"},
                "file_size 3000 and the checksum of the first block are expected",
            ),
            (
                second,
                {"checksum": "0" * 32},
                "file_size 3000 and the checksum of the first block are expected",
            ),
        ):
            self.assertIn(expected, await self.asks(client, request, 36, **changes))
        await self.asks(client, second, 0)
        self.assertIn("cur_seq 3 is expected", await self.asks(client, second, 36))
        await self.asks(client, third, 0)
        self.assertEqual(self.visible(), {"f": data})
        self.assertIn("cur_seq 1 is expected", await self.asks(client, third, 36))

    async def test_malformed(self) -> None:
        """1 for keys that are lacking or no strings, for what is no number, no base64, no MD5, no flag.

        The upload can go on.
        """
        client, data = await self.login(), os.urandom(2000)
        first, second = blocks("f", data)
        await self.asks(client, first, 0)
        for key in second:
            await self.asks(client, {name: value for name, value in second.items() if name != key}, 1)
        for changes in (
            {"block": "????"},
            {"block": "AAA"},
            {"block": "AA=A"},
            {"block": "AAAA\n"},
            {"block": "ÄÖÜß"},
            {"block": second["block"] + "=="},
            {"cur_size": "2000.0"},
            {"cur_size": "-1"},
            {"cur_seq": ""},
            {"cur_seq": "٢"},
            {"file_size": "9" * 30},
            {"checksum": "0" * 31},
            {"checksum": "x" * 32},
            {"EOF": "true"},
            {"EOF": True},
            {"cur_seq": 2},
            {"filename": None},
        ):
            await self.asks(client, second, 1, **changes)
        self.assertEqual((await client.ask(30, **second, seq="s"))["seq"], "s")
        self.assertEqual(self.visible(), {"f": data})

    async def test_begin_anew(self) -> None:
        """A block with the number 1 begins the file anew, perhaps another one, and leaves nothing of the old
        behind.
        """
        client = await self.login()
        await self.asks(client, blocks("f", b"x" * 3000)[0], 0)
        await self.asks(client, blocks("f", b"y" * 2000)[0], 0)
        await self.asks(client, blocks("f", b"y" * 2000)[1], 0)
        self.assertEqual(self.visible(), {"f": b"y" * 2000})
        await self.until(lambda: not self.arriving())

    async def test_checksum(self) -> None:
        """69 where the bytes have another MD5: nothing of them is visible, and what was there stays.

        Upper case is the same MD5.
        """
        client = await self.login()
        self.assertTrue(
            (await client.upload("f", b"old", checksum=hashlib.md5(b"old").hexdigest().upper()))["EOF"]
        )
        self.assertEqual(
            (await client.upload("f", b"new" * 1000, checksum=hashlib.md5(b"other").hexdigest()))["error"], 69
        )
        self.assertEqual(
            (await client.upload("g", b"", checksum=hashlib.md5(b"other").hexdigest()))["error"], 69
        )
        await self.quiet()
        self.assertEqual((self.visible(), self.arriving()), ({"f": b"old"}, []))
        self.assertEqual((await client.upload("f", b"new" * 1000))["error"], 0)
        self.assertEqual(self.visible(), {"f": b"new" * 1000})

    async def test_pipelined(self) -> None:
        """Blocks that do not wait for responses are taken one by one, in order."""
        client, data = await self.login(), os.urandom(50_000)
        requests = blocks("f", data)
        for request in requests:
            client.send(30, **request)
        for request in requests:
            self.assertEqual((await client.next(31))["curr_seq"], request["cur_seq"])
        self.assertEqual(self.visible(), {"f": data})

    async def test_two_connections(self) -> None:
        """Two connections that upload one name at the same time do not mix: the one that ends last is what
        stays.
        """
        one, other = await self.login(), await self.login()
        for a, b in zip(blocks("f", b"a" * 5000), blocks("f", b"b" * 5000), strict=True):
            await self.asks(one, a, 0)
            if a["EOF"] == "1":
                self.assertEqual(self.visible(), {"f": b"a" * 5000})
            await self.asks(other, b, 0)
        self.assertEqual((self.visible(), self.arriving()), ({"f": b"b" * 5000}, []))

    async def test_several(self) -> None:
        """One connection may have several files on their way."""
        client = await self.login()
        contents = {name: os.urandom(3000) for name in ("a", "b", "c")}
        for requests in zip(*(blocks(name, data) for name, data in contents.items()), strict=True):
            for request in requests:
                await self.asks(client, request, 0)
        self.assertEqual(self.visible(), contents)


class LimitTests(Case):
    config = ResourcesConfig(uploads=2, disk_workers=1)
    rules = FilesConfig(max_file=10_000)

    async def test_size(self) -> None:
        """68 for a file above the largest that is allowed, before anything is written."""
        client = await self.login()
        response = await client.ask(30, **blocks("f", b"x" * 10_001)[0])
        self.assertEqual((response["error"], self.arriving()), (68, []))
        self.assertIn("10000", response["message"])
        self.assertTrue((await client.upload("f", b"x" * 10_000))["EOF"])

    async def test_open_uploads(self) -> None:
        """73 for more files at the same time than a connection may have; one that is ended makes room."""
        client = await self.login()
        files = {name: blocks(name, b"x" * 2000) for name in ("a", "b", "c")}
        self.assertEqual([(await client.ask(30, **files[name][0]))["error"] for name in files], [0, 0, 73])
        self.assertEqual((await client.ask(30, **files["a"][0]))["error"], 0)
        self.assertEqual((await client.ask(30, **files["a"][1]))["error"], 0)
        self.assertEqual((await client.ask(30, **files["c"][0]))["error"], 0)


class FaultTests(Case):
    config = ResourcesConfig(disk_workers=1)

    async def test_failing_disk(self) -> None:
        """39 when the disk takes no more: what was there of the file is removed, and it can be sent anew."""
        client, data = await self.login(), os.urandom(200_000)
        first, second = blocks("f", data, 100_000)
        await client.ask(30, **first)
        (part,) = self.arriving()
        part.unlink()
        part.mkdir()
        response = await client.ask(30, **second)
        self.assertEqual(response["error"], 39)
        self.assertNotIn(str(self.folder), response["message"])
        await self.quiet()
        part.rmdir()
        self.assertEqual((self.visible(), self.arriving()), ({}, []))
        self.assertIn("cur_seq 1 is expected", (await client.ask(30, **second))["message"])
        self.assertTrue((await client.upload("f", data))["EOF"])
        self.assertEqual(self.visible(), {"f": data})

    async def test_full_disk(self) -> None:
        """68 when the disk is full."""
        if not sys.platform.startswith("linux"):
            self.skipTest("/dev/full is Linux's")
        client = await self.login()
        first, second = blocks("f", bytes(200_000), 100_000)
        await client.ask(30, **first)
        (part,) = self.arriving()
        part.unlink()
        part.symlink_to("/dev/full")
        self.assertEqual((await client.ask(30, **second))["error"], 68)
        await self.quiet()
        self.assertEqual(self.arriving(), [])

    async def test_no_place(self) -> None:
        """39 when the whole file cannot be put where it belongs, or the first block nowhere.

        Nothing stays behind.
        """
        client = await self.login()
        blobs = spool_folder(self.system.resources).with_name("blobs")
        blobs.rmdir()
        blobs.write_bytes(b"in the way")
        self.assertEqual((await client.upload("f", b"data"))["error"], 39)
        await self.quiet()
        self.assertEqual(self.arriving(), [])
        spool_folder(self.system.resources).rmdir()
        self.assertEqual((await client.upload("f", b"data"))["error"], 39)
        await self.quiet()
        with closing(sqlite3.connect(self.system.database.path)) as connection:
            self.assertEqual(connection.execute("SELECT COUNT(*) FROM files").fetchall(), [(0,)])
            self.assertEqual(connection.execute("SELECT bytes, files FROM file_usage").fetchall(), [(0, 0)])

    async def test_quota(self) -> None:
        """68 for what the user's quota has no room for.

        A file that replaces another leaves the room that it took.
        """
        self.engine.legacy.rules = FilesConfig(quota=10_000)
        client = await self.login()
        self.assertEqual((await client.upload("f", b"x" * 4000))["error"], 0)
        self.assertEqual((await client.upload("f", b"y" * 5000))["error"], 0)
        self.assertEqual((await client.upload("g", b"z" * 5001))["error"], 68)
        self.assertEqual((await client.upload("g", b"z" * 5000))["error"], 0)
        self.assertEqual((await client.upload("f", b"y"))["error"], 68)
        self.assertEqual(self.visible(), {"f": b"y" * 5000, "g": b"z" * 5000})

    async def test_quota_anew(self) -> None:
        """A file that is begun anew has the room that it took before, however long the database takes to free
        it.
        """
        self.engine.legacy.rules = FilesConfig(quota=3000)
        give_up = self.engine.uploads.give_up

        async def slow(file_id: bytes) -> bool:
            await deferLater(self.reactor, 0.1)
            return await give_up(file_id)

        self.patch(self.engine.uploads, "give_up", slow)
        client = await self.login()
        for _ in range(3):
            self.assertEqual((await client.ask(30, **blocks("f", b"x" * 3000)[0]))["error"], 0)

    async def test_lost_connection(self) -> None:
        """An upload whose connection is gone leaves nothing behind."""
        client = await self.login()
        for name in ("a", "b"):
            await client.ask(30, **blocks(name, b"x" * 2000)[0])
        self.assertEqual(len(self.arriving()), 2)
        await client.abort()
        await self.until(lambda: not len(self.connections))
        await self.quiet()
        self.assertEqual((self.kept(), self.arriving()), ({}, []))

    async def test_lost_while_writing(self) -> None:
        """So it is when the connection goes while a block is being written: a first, a middle, a beginning
        anew.
        """
        for sent, asked in ((0, 0), (1, 1), (1, 0)):
            client = await self.login()
            requests = blocks("f", b"x" * 3000)
            for request in requests[:sent]:
                await client.ask(30, **request)
            release = threading.Event()
            held = Deferred.fromCoroutine(self.disk.run(release.wait))
            client.send(30, **requests[asked])
            await self.until(lambda: self.disk.pending == 2)
            await client.abort()
            await self.until(lambda: not len(self.connections))
            release.set()
            await held
            await self.quiet()
            self.assertEqual(self.arriving(), [])
        self.assertEqual(self.kept(), {})

    async def test_last_block_of_a_lost_connection(self) -> None:
        """A whole file is kept, although nobody is there any more to read the response."""
        client = await self.login()
        release = threading.Event()
        held = Deferred.fromCoroutine(self.disk.run(release.wait))
        client.send(30, **blocks("f", b"data")[0])
        await self.until(lambda: self.disk.pending == 2)
        await client.abort()
        await self.until(lambda: not len(self.connections))
        release.set()
        await held
        await self.quiet()
        self.assertEqual((self.visible(), self.arriving()), ({"f": b"data"}, []))

    async def test_stop(self) -> None:
        """A server that stops removes what is not whole before it has stopped."""
        client = await self.login()
        await client.ask(30, **blocks("f", b"x" * 2000)[0])
        await self.stop()
        await client.until_closed()
        self.assertEqual((self.kept(), self.arriving()), ({}, []))
