"""What is wrong, through every door of a resources server that is a process of its own: full disks, flipped
bits, wrong tickets.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from twisted.trial.unittest import SkipTest

from imsys.files.configured import blob_store
from imsys.protocols.identifiers import encode_id
from imsys.security.tickets import Right, TicketKeys, Tickets
from tests.resources.process import TUS, Mover, ServerCase, Told, in_thread


def run(*command: str) -> str:
    """Run a command; what it complains of."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except FileNotFoundError as missing:
        return str(missing)
    return done.stderr.strip() or (f"status {done.returncode}" if done.returncode else "")


class FullDiskTests(ServerCase):
    async def test_full_disk(self) -> None:
        """A disk without room is 68, or 507, at every door.

        What was durable stays, and goes on when there is room, and all is equal.
        """
        disk = Path(self.system.resources.path)
        disk.mkdir()
        mounted = await in_thread(partial(run, "mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)))
        if mounted:
            raise SkipTest(f"a small file system cannot be mounted here: {mounted}")
        self.addCleanup(run, "umount", "--lazy", str(disk))
        chance = random.Random(9)
        by_frames, by_tus, by_blocks = [chance.randbytes(3_000_000) for _ in range(3)]
        await self.balance()
        await self.serve()
        one, other = [
            await self.offer(3_000_000, sha256=hashlib.sha256(data).digest()) for data in (by_frames, by_tus)
        ]
        with self.full(disk, 1_500_000):
            client = await self.login()
            await client.open(one, self.write(one))
            with self.assertRaises(Told) as caught:
                await client.move(lambda offset, length: by_frames[offset : offset + length], len(by_frames))
                await client.acknowledged(len(by_frames))
            told = caught.exception.body
            self.assertEqual((told["error"], told["file_id"]), (68, encode_id(one)))
            self.assertTrue(client.acked <= told["offset"] <= 1_500_000, told)
            reply = await self.patch(other, 0, by_tus)
            self.assertEqual((reply.status, reply.error), (507, 68))
            originals = await self.login()
            self.assertEqual((await self.original(originals, by_blocks))["error"], 68)
            self.assertEqual(
                (self.blobs(), self.rows("SELECT count(*) FROM files WHERE state = 1")), ([], [(0,)])
            )
        offset = await client.open(one, self.write(one))
        # what was written and not durable then is so by now
        self.assertTrue(told["offset"] <= offset <= 1_500_000, offset)
        await client.move(lambda offset, length: by_frames[offset : offset + length], len(by_frames))
        await client.acknowledged(len(by_frames))
        head = await self.http("HEAD", other, self.write(other), headers=TUS)
        offset = int(head.headers["Upload-Offset"])
        self.assertGreaterEqual(offset, int(reply.headers["Upload-Offset"]))
        self.assertEqual((await self.patch(other, offset, by_tus[offset:])).status, 204)
        self.assertTrue((await self.original(originals, by_blocks))["EOF"])
        for file_id, data in ((one, by_frames), (other, by_tus)):
            self.assertEqual(await self.digest(file_id), hashlib.sha256(data).hexdigest())
        ((kept,),) = self.rows("SELECT file_id FROM files WHERE filename = 'old.bin' AND state = 1")
        self.assertEqual(await self.digest(kept), hashlib.sha256(by_blocks).hexdigest())
        await self.until(lambda: self.spooled() == [], self.spooled)

    @contextmanager
    def full(self, disk: Path, free: int) -> Iterator[None]:
        """While this lasts, so much room is left."""
        ballast = disk / "ballast"
        found = os.statvfs(disk)
        ballast.write_bytes(bytes(found.f_bavail * found.f_frsize - free))
        yield
        ballast.unlink()

    async def original(self, client: Mover, data: bytes) -> dict[str, Any]:
        """Send a file as the original's client does; the last response."""
        return await client.upload("old.bin", data, 500_000)


class BothTests(ServerCase):
    async def test_one_door_after_the_other(self) -> None:
        """A file that is begun in frames goes on over HTTP and in frames again.

        Who had it in hands is told, and the file is equal.
        """
        data = os.urandom(1_500_000)
        await self.balance()
        await self.serve()
        file_id = await self.offer(len(data), sha256=hashlib.sha256(data).digest())
        client = await self.login()
        await client.open(file_id, self.write(file_id))
        await client.move(lambda offset, length: data[offset : offset + length], 400_000)
        while client.acked < 400_000:
            await client.news()
        reply = await self.patch(file_id, 400_000, data[400_000:900_000])
        self.assertEqual((reply.status, reply.headers["Upload-Offset"]), (204, "900000"))
        told = await client.next(79)
        self.assertEqual((told["error"], told["offset"]), (36, 400_000))
        self.assertEqual(await client.open(file_id, self.write(file_id)), 900_000)
        await client.move(lambda offset, length: data[offset : offset + length], len(data))
        await client.acknowledged(len(data))
        self.assertEqual(await self.digest(file_id), hashlib.sha256(data).hexdigest())
        reply = await self.http("GET", file_id, self.read(file_id))
        self.assertEqual((reply.status, reply.body == data), (200, True))


class FlippedTests(ServerCase):
    async def test_flipped_bits(self) -> None:
        """Where a bit of a file, or of its thumbnail, is another one on the disk, every door breaks off, and
        gives no wrong byte.
        """
        chance = random.Random(3)
        picture = io.BytesIO()
        Image.effect_noise((900, 700), 90).save(picture, "PNG")
        data = picture.getvalue()
        await self.balance()
        await self.serve()
        file_id, client = await self.offer(len(data), filename="a.png"), await self.login()
        await client.open(file_id, self.write(file_id))
        await client.move(lambda offset, length: data[offset : offset + length], len(data))
        await client.acknowledged(len(data))
        ((small,),) = self.rows("SELECT thumbnail_id FROM files WHERE purpose = 0")
        thumbnail = await self.http("GET", small, self.read(small))
        self.assertEqual((thumbnail.status, Image.open(io.BytesIO(thumbnail.body)).width), (200, 320))
        for one, right in ((file_id, data), (small, thumbnail.body)):
            blob = Path(self.system.resources.path) / "resources1" / "blobs" / one.hex()[:2] / one.hex()
            stored = blob.read_bytes()
            for place in (0, len(stored) - 1, chance.randrange(len(stored)), chance.randrange(len(stored))):
                flipped = bytearray(stored)
                flipped[place] ^= 1 << chance.randrange(8)
                blob.write_bytes(flipped)
                got = bytearray()
                with self.assertRaises(Told) as caught:
                    await client.fetch(one, self.read(one), got.extend)
                self.assertEqual(caught.exception.body["error"], 39)
                self.assertEqual((right.startswith(bytes(got)), len(got) < len(right)), (True, True))
                reply = await self.http("GET", one, self.read(one))
                if reply.status == 200:
                    self.assertEqual(
                        (reply.whole, right.startswith(reply.body), len(reply.body) < len(right)),
                        (False, True, True),
                    )
                else:
                    self.assertEqual((reply.status, reply.error), (500, 39))
            blob.write_bytes(stored)
            self.assertEqual(await self.digest(one), hashlib.sha256(right).hexdigest())


class TicketTests(ServerCase):
    async def test_wrong_tickets(self) -> None:
        """A forged, an expired, a foreign ticket, and one for another file or right open nothing at any door,
        and nothing is written.
        """
        await self.balance()
        await self.serve()
        data, client = os.urandom(100_000), await self.login()
        whole, other, arriving = [await self.offer(len(data)) for _ in range(3)]
        await client.open(whole, self.write(whole))
        await client.move(lambda offset, length: data[offset : offset + length], len(data))
        await client.acknowledged(len(data))
        before = self.everything()
        expired = Tickets(TicketKeys(Path(self.system.files.ticket_keys)), lambda: time.time() - 7200, 3600)

        def wrong(file_id: bytes, right: Right) -> Iterator[tuple[str, str]]:
            good = self.tickets.issue(file_id, 7, right)
            yield "forged", good[:-4] + ("AAAA" if not good.endswith("AAAA") else "BBBB")
            yield "of another user now", good.replace(".7.", ".8.")
            yield "expired", expired.issue(file_id, 7, right)
            yield "for another file", self.tickets.issue(other, 7, right)
            yield (
                "for another right",
                self.tickets.issue(file_id, 7, Right.READ if right is Right.WRITE else Right.WRITE),
            )
            yield "none", "x"

        chunk = data[:1000]
        for what, ticket in (*wrong(arriving, Right.WRITE), ("foreign", self.write(arriving, 8))):
            for more in ({}, {"give_up": True}):
                answer = await client.ask(72, file_id=encode_id(arriving), ticket=ticket, **more)
                self.assertEqual(answer["error"], 65, what)
            if what != "foreign":  # over HTTP a ticket is all that there is of a user
                self.assertIn((await self.http("HEAD", arriving, ticket, headers=TUS)).status, (401, 403))
                for reply in (
                    await self.patch(arriving, 0, chunk, ticket),
                    await self.http("DELETE", arriving, ticket, headers=TUS),
                ):
                    self.assertEqual((reply.status in (401, 403), reply.error), (True, 65), (what, reply))
            if what in ("forged", "expired", "none"):
                reply = await self.http(
                    "POST", None, ticket, headers={**TUS, "Upload-Length": str(len(data))}
                )
                self.assertEqual((reply.status in (401, 403), reply.error), (True, 65), (what, reply))
        for what, ticket in (*wrong(whole, Right.READ), ("foreign", self.read(whole, 8))):
            client.send(74, file_id=encode_id(whole), ticket=ticket, offset=0)
            self.assertEqual((await client.next(77))["error"], 65, what)
            if what != "foreign":
                reply = await self.http("GET", whole, ticket)
                self.assertEqual((reply.status in (401, 403), reply.error), (True, 65), (what, reply))
        self.assertEqual(self.everything(), before)
        self.assertEqual(await self.digest(whole), hashlib.sha256(data).hexdigest())

    def everything(self) -> list[Any]:
        """All that is in the database and on the disk."""
        tables = ("files", "contents", "file_usage", "file_outbox")
        stored = blob_store(self.system)
        return [
            *(self.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables if table != "file_outbox"),
            self.rows("SELECT file_id FROM file_outbox"),
            self.spooled(),
            [(blob.name, blob.size) for blob in stored.blobs()],
        ]
