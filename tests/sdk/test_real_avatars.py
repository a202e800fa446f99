"""Avatars from one user's disk to everybody's screen, through the real servers."""

from __future__ import annotations

import io
import os
import random
import signal
import sqlite3
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image
from twisted.internet.threads import deferToThread

from imsys.errors import Refused, Status
from imsys.sdk import Client, Friend, Person
from tests.sdk.test_real import Killed


def png(path: Path) -> None:
    """Red on the left, transparent on the right."""
    picture = Image.new("RGBA", (800, 400), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 400, 400))
    picture.save(path, "PNG")


def turned(path: Path) -> None:
    """A JPEG that lies on its side: its upper half is blue when it is shown as its EXIF says."""
    picture = Image.new("RGB", (400, 400), (255, 255, 0))
    picture.paste((0, 0, 255), (0, 0, 200, 400))  # on the left, as it is stored
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise
    exif[0x010E] = "where I live"
    picture.save(path, "JPEG", exif=exif, quality=95)


def moving(path: Path) -> None:
    """A GIF of three pictures, the first of them green."""
    pictures = [Image.new("RGB", (120, 500), colour) for colour in ((0, 200, 0), (200, 0, 0), (0, 0, 200))]
    pictures[0].save(path, "GIF", save_all=True, append_images=pictures[1:], duration=50, loop=0)


def bomb(path: Path) -> None:
    """A PNG of a few kilobytes that says that it has 40,000 by 40,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    side = (40000).to_bytes(4, "big")
    body = zlib.compress(bytes(5_000_000), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", side + side + b"\x08\x02\0\0\0")
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


PICTURES: dict[str, tuple[Callable[[Path], None], tuple[int, int], Callable[[Any], bool]]] = {
    "alpha.png": (png, (384, 384), lambda at: at(0.1, 0.5)[0] > 200 and at(0.1, 0.5)[1] < 60),
    "turned.jpg": (turned, (384, 384), lambda at: at(0.5, 0.2)[2] > 180 and at(0.5, 0.8)[2] < 90),
    "moving.gif": (moving, (120, 120), lambda at: at(0.5, 0.5)[1] > 150 and at(0.5, 0.5)[0] < 60),
}
"""How each is made, the larger size of what becomes of it, and how that looks."""


class AvatarTests(Killed):
    async def test_avatars(self) -> None:
        """A picture is cut square, kept in two sizes, and named by every card.

        Whoever may see the card gets both.
        """
        server = await self.server()
        anna, ben, carl = await self.client("anna"), await self.client("ben"), await self.client("carl")
        await self.befriend(anna, ben)
        told: list[Person] = []
        ben.on_profile.subscribe(told.append)
        before: list[str] = []
        for name, (make, size, right) in PICTURES.items():
            path = self.home / name
            make(path)
            sent = await anna.transfers.avatar(path).result()
            await self.until(lambda sent=sent: told and told[-1].avatar == sent.file_id)
            await self.shown(sent.file_id, anna, ben, carl)
            for viewer in (ben, carl):
                await self.seen(viewer, sent.file_id, name, size, right)
            await self.over_http(carl, sent.file_id, size)
            for old in before:  # it has taken the place of the one before
                with self.assertRaises(Refused) as caught:
                    await carl.get_file(old)
                self.assertEqual(caught.exception.status, Status.FILE_OPEN_ERROR)
            before.append(sent.file_id)
        self.assertEqual([person.avatar for person in told], before)
        await self.refused(anna)
        self.assertEqual(len(told), len(PICTURES))
        await self.shown(before[-1], anna, ben, carl)
        self.assertEqual(
            self.rows("SELECT purpose, state FROM files WHERE state = 1 ORDER BY 1"), [(1, 1), (3, 1)]
        )
        await self.freed(server)
        await self.seen(await self.again(carl), before[-1], name, size, right)

    async def befriend(self, anna: Client, ben: Client) -> None:
        made: list[int] = []
        anna.on_friendship.subscribe(lambda friendship: made.append(friendship.thread_id))
        await anna.contacts.add(ben.me.uuid, "Hello")
        await ben.contacts.accept(anna.me.uuid)
        await self.until(lambda: made)

    async def shown(self, file_id: str, anna: Client, ben: Client, carl: Client) -> None:
        """Every card of Anna's names it: of a friend, of a stranger, her own at a login."""
        friends: list[Friend] = [friend async for friend in ben.contacts.friends()]
        self.assertEqual([friend.avatar for friend in friends], [file_id])
        for viewer in (ben, carl):
            found = await viewer.contacts.search("anna")
            assert found is not None
            people = await viewer.contacts.people([anna.me.uuid])
            self.assertEqual([found.avatar, *[one.avatar for one in people]], [file_id] * 2)
        await self.again(anna)
        self.assertEqual(anna.me.avatar, file_id)

    async def again(self, client: Client) -> Client:
        """Log in anew."""
        await client.stop()
        await client.start()
        return client

    async def seen(
        self, viewer: Client, file_id: str, name: str, size: tuple[int, int], right: Callable[[Any], bool]
    ) -> None:
        """Somebody gets both sizes, by frames."""
        small = tuple(min(96, side) for side in size)
        for thumbnail, wanted in ((False, size), (True, small)):
            path = self.home / f"got-{thumbnail}"
            await viewer.transfers.download(file_id, path, overwrite=True, thumbnail=thumbnail).result()
            picture = Image.open(path)
            self.assertEqual(picture.size, wanted, name)
            self.assertFalse(picture.getexif(), name)
            pixels = picture.convert("RGB")

            def at(x: float, y: float, pixels: Any = pixels) -> tuple[int, int, int]:
                found: tuple[int, int, int] = pixels.getpixel((int(x * pixels.width), int(y * pixels.height)))
                return found

            self.assertTrue(right(at), (name, thumbnail))

    async def over_http(self, viewer: Client, file_id: str, size: tuple[int, int]) -> None:
        """A browser gets it, as a picture that it may show."""
        grant = await viewer.get_file(file_id)
        request = urllib.request.Request(
            f"https://127.0.0.1:{grant.http_port}/files/{file_id}",
            headers={"Authorization": f"Bearer {grant.ticket}"},
        )
        trusting = ssl.create_default_context(cafile=str(self.home / "certs" / "ca.pem"))

        def fetch() -> tuple[bytes, Any]:
            with urllib.request.urlopen(request, context=trusting, timeout=20) as response:
                return response.read(), response.headers

        body, headers = await deferToThread(fetch)
        self.assertEqual((Image.open(io.BytesIO(body)).size, headers["Content-Type"]), (size, grant.mime))
        self.assertIn(grant.mime, ("image/jpeg", "image/webp", "image/png"))
        self.assertTrue(headers["Content-Disposition"].startswith("inline"), headers["Content-Disposition"])

    async def refused(self, anna: Client) -> None:
        """A bomb, a text, noise under a picture's name, and a cut picture are refused for good, in a
        sentence.
        """
        whole = (self.home / "turned.jpg").read_bytes()
        for name, data in (
            ("bomb.png", None),
            ("text.txt", b"no picture" * 100),
            ("noise.png", random.Random(1).randbytes(5000)),
            ("cut.jpg", whole[:300]),
        ):
            path = self.home / name
            if data is None:
                bomb(path)
            else:
                path.write_bytes(data)
            with self.assertRaises(Refused) as caught:
                await anna.transfers.avatar(path).result()
            self.assertEqual(caught.exception.status, Status.PERMISSION_DENIED, name)
            self.assertEqual(caught.exception.message, "An avatar is a picture that can be shown.", name)

    async def freed(self, server: Any) -> None:
        """What nobody sees any more is removed from the disk when it is an hour old."""
        blobs = self.home / "files" / "resources1" / "blobs"
        await server.stop(signal.SIGTERM)
        for path in blobs.rglob("*"):
            if path.is_file():
                os.utime(path, (time.time() - 7200,) * 2)
        await self.server()
        await self.until(lambda: len([path for path in blobs.rglob("*") if path.is_file()]) == 2)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "imsys.db")) as connection:
            return connection.execute(statement).fetchall()


del Killed
