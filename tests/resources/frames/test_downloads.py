"""Downloads in frames: as far as the client grants, and as fast as it reads."""

from __future__ import annotations

import hashlib
import os
import struct
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.config import ResourcesConfig
from imsys.security.tickets import Right
from tests.resources.frames.scene import Client, FramesCase

DATA = os.urandom(200_000)


class DownloadTests(FramesCase):
    config = ResourcesConfig(chunk=65536, uploads=3)

    def bytes_of(self, client: Client) -> bytes:
        return b"".join(chunk.data for chunk in client.chunks())

    def ended(self, client: Client) -> bool:
        chunks = client.chunks()
        return bool(chunks) and not chunks[-1].data

    async def test_whole(self) -> None:
        """The response describes the file.

        Its chunks follow as they are granted, and an empty one is the end.
        """
        client, file = await self.login(), self.files.keep(7, DATA, filename="cat.jpg")
        response = await self.download(client, file)
        sha256 = hashlib.sha256(DATA).hexdigest()
        described = {
            "error": 0,
            "size": 200_000,
            "sha256": sha256,
            "filename": "cat.jpg",
            "mime": "application/octet-stream",
        }
        self.assertEqual(response, described)
        client.credit(file, 1 << 40)
        await self.until(lambda: client.chunks() and not client.chunks()[-1].data)
        self.assertEqual(self.bytes_of(client), DATA)
        self.assertTrue(all(chunk.intact for chunk in client.chunks()))
        self.assertEqual([chunk.offset for chunk in client.chunks()], [0, 65536, 131072, 196608, 200_000])

    async def test_bytes(self) -> None:
        """The frames are those of the specification."""
        client, file = await self.login(), self.files.keep(7, b"123456789")
        await self.download(client, file)
        client.send_raw(struct.pack("!HI16sQ", 76, 30, file.file_id, 100))
        await self.until(lambda: len(client.chunks()) == 2)
        bodies = [frame.body for frame in client._frames if frame.service == 75]
        self.assertEqual(bodies[0], file.file_id + struct.pack("!QI", 0, 0xE3069283) + b"123456789")
        self.assertEqual(bodies[1], file.file_id + struct.pack("!QI", 9, 0))

    async def test_credit(self) -> None:
        """Not a byte more is sent than was granted; credits add up."""
        client, file = await self.login(), self.files.keep(7, DATA)
        await self.download(client, file)
        await client.ask(32)
        self.assertEqual(client.chunks(), [])
        granted = 0

        def all_of_it() -> bool:
            return len(self.bytes_of(client)) == granted

        for more in (1, 10, 65_000, 70_000):
            client.credit(file, more)
            granted += more
            await self.until(all_of_it)
            await client.ask(32)
            self.assertTrue(all_of_it())
        client.credit(file, 2**64 - 1)
        await self.until(lambda: not client.chunks()[-1].data)
        self.assertEqual(self.bytes_of(client), DATA)

    async def test_from_an_offset(self) -> None:
        """It begins where the client says, up to the end; behind it is 70."""
        client, file = await self.login(), self.files.keep(7, DATA)
        self.assertEqual((await self.download(client, file, 200_001))["error"], 70)
        self.assertEqual((await self.download(client, file, -1))["error"], 70)
        await self.download(client, file, 199_990)
        client.credit(file, 1000)
        await self.until(lambda: len(client.chunks()) == 2)
        self.assertEqual(self.bytes_of(client), DATA[-10:])
        other = await self.login()
        await self.download(other, file, 200_000)
        await self.until(lambda: [chunk.offset for chunk in other.chunks()] == [200_000])

    async def test_empty(self) -> None:
        """A file without bytes is its end, which needs no credit."""
        client, file = await self.login(), self.files.keep(7, b"")
        self.assertEqual((await self.download(client, file))["size"], 0)
        await self.until(lambda: [chunk.data for chunk in client.chunks()] == [b""])

    async def test_other_than_sent(self) -> None:
        """What is described and given is what is kept: of an avatar fewer bytes than were sent, or more."""
        for sent in (b"a photo" * 1000, b"tiny"):
            client, file = await self.login(), self.files.keep(7, b"the square in it", sent=sent)
            self.assertEqual((await self.download(client, file))["size"], 16)
            client.credit(file, 1 << 20)
            await self.until(partial(self.ended, client))
            self.assertEqual(self.bytes_of(client), b"the square in it")

    async def test_tickets(self) -> None:
        """A ticket for writing, for another file, or of somebody else gets 65.

        A file that is not whole, 38.
        """
        client, file, arriving = await self.login(), self.files.keep(7, DATA), self.files.offer(7, DATA)
        for keys in (
            self.ticket(file),
            self.ticket(file, Right.READ, user=8),
            {**self.ticket(arriving, Right.READ), "ticket": ""},
        ):
            client.send(74, **keys)
            self.assertEqual((await client.next(77))["error"], 65)
        client.send(74, **self.ticket(arriving, Right.READ))
        self.assertEqual((await client.next(77))["error"], 38)

    async def test_many(self) -> None:
        """Several files travel side by side, each as far as it is granted; too many at a time get 73."""
        client = await self.login()
        files = [self.files.keep(7, os.urandom(100_000)) for _ in range(4)]
        for file in files[:3]:
            await self.download(client, file)
        self.assertEqual((await self.download(client, files[3]))["error"], 73)
        for file in files[:3]:
            client.credit(file, 1 << 20)
        await self.until(lambda: client.ended() == 3)
        for file in files[:3]:
            self.assertEqual(
                b"".join(c.data for c in client.chunks() if c.file_id == file.file_id), self.stored(file)
            )
        await self.download(client, files[3])

    async def test_other_than_written(self) -> None:
        """What the store cannot give is 79 with the offset of what is missing, and never wrong bytes."""
        client, file = await self.login(), self.files.keep(7, DATA)
        del self.files.bytes[file.file_id][100_000:]
        await self.download(client, file)
        client.credit(file, 1 << 40)
        told = await client.next(79)
        self.assertEqual((told["error"], told["offset"]), (39, 100_000))
        self.assertEqual(self.bytes_of(client), DATA[:100_000])

    async def test_lost_connection(self) -> None:
        """A connection that breaks ends its downloads, also in the middle of reading."""
        client, file = await self.login(), self.files.keep(7, DATA)
        self.files.read_gate = Deferred()
        await self.download(client, file)
        client.credit(file, 1 << 40)
        await self.until(lambda: self.files.reads)
        await client.abort()
        await self.until(lambda: not self.door._open)
        gate, self.files.read_gate = self.files.read_gate, None
        gate.callback(None)
        await self.until(lambda: not self.door._ahead.taken)
        self.assertEqual(self.files.reads, 1)


class SlowReaderTests(FramesCase):
    config = ResourcesConfig(chunk=262144)
    tls = False

    async def test_slow_reader(self) -> None:
        """Who grants much and reads nothing is waited for: one chunk is read ahead, and the connection is not
        cut.
        """
        data = os.urandom(40_000_000)
        client, files = await self.login(), [self.files.keep(7, data) for _ in range(2)]
        for file in files:
            await self.download(client, file)
        assert client.transport is not None
        client.transport.pauseProducing()  # type: ignore[attr-defined]
        for file in files:
            client.credit(file, 1 << 40)
        seen = -1
        while seen != self.files.reads:
            seen = self.files.reads
            await deferLater(self.reactor, 0.2)
        self.assertLess(seen, 150)
        self.assertFalse(client.closed)
        client.transport.resumeProducing()  # type: ignore[attr-defined]
        await self.until(lambda: client.ended() == 2)
        for file in files:
            self.assertTrue(
                b"".join(chunk.data for chunk in client.chunks() if chunk.file_id == file.file_id) == data
            )

    async def test_nothing_ahead(self) -> None:
        """Where the memory for reading ahead is used up, files are sent all the same."""
        self.assertTrue(self.door._ahead.take(self.config.memory))
        client, file = await self.login(), self.files.keep(7, os.urandom(3_000_000))
        await self.download(client, file)
        client.credit(file, 1 << 40)
        await self.until(client.ended)
        self.assertEqual(b"".join(chunk.data for chunk in client.chunks()), self.stored(file))


class StalledTests(FramesCase):
    config = ResourcesConfig(stalled=0.05)

    async def test_no_credit(self) -> None:
        """A download that is granted nothing for too long is over, with 73 and the offset to ask from."""
        client, file = await self.login(), self.files.keep(7, DATA)
        await self.download(client, file)
        client.credit(file, 10)
        told = await client.next(79)
        self.assertEqual((told["error"], told["offset"]), (73, 10))
        self.assertEqual((await client.ask(32))["error"], 0)
