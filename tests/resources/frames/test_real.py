"""The frames of the door, byte by byte, with the real engine behind it."""

from __future__ import annotations

import hashlib
import os
import struct
import time
from typing import Any

from twisted.internet.task import deferLater

from imsys.protocols.chunks import (
    DOWNLOAD_CHUNK,
    UPLOAD_ACK,
    UPLOAD_CHUNK,
    decode_chunk,
    decode_count,
    encode_chunk,
)
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.security.tickets import Right
from imsys.store.files import FileStore, Offer, Purpose
from tests.resources.scene import Client, ResourcesCase

DATA = os.urandom(300_000)


class RealTests(ResourcesCase):
    async def offer(self, data: bytes, *, sha256: bytes | None = None, user: int = 7) -> bytes:
        """A file that is on its way; its identifier."""
        offer = Offer(
            file_id=new_file_id(),
            owner=user,
            purpose=Purpose.MESSAGE,
            thread_id=0,
            server=self.config.name,
            filename="cat.jpg",
            size=len(data),
            mime="image/jpeg",
            sha256=sha256 or hashlib.sha256(data).digest(),
        )
        await FileStore(self.database, time.time).offer(offer, life=3600, quota=0)
        return offer.file_id

    def keys(self, file_id: bytes, right: Right = Right.WRITE) -> dict[str, Any]:
        return {"file_id": encode_id(file_id), "ticket": self.tickets.issue(file_id, 7, right)}

    async def open(self, client: Client, file_id: bytes) -> int:
        response = await client.ask(72, **self.keys(file_id))
        self.assertEqual(
            (response["error"], response["chunk_size"], response["window"]),
            (0, self.config.chunk, self.config.window),
        )
        return int(response["offset"])

    def acks(self, client: Client) -> list[int]:
        return [decode_count(frame.body).number for frame in client._frames if frame.service == UPLOAD_ACK]

    async def fetch(self, client: Client, file_id: bytes, offset: int = 0) -> bytes:
        """Download by raw frames."""
        client.send(74, **self.keys(file_id, Right.READ), offset=offset)
        response = await client.next(77)
        self.assertEqual(
            (response["error"], response["size"], response["filename"]), (0, len(DATA), "cat.jpg")
        )
        self.assertEqual(response["sha256"], hashlib.sha256(DATA).hexdigest())
        client.send_raw(struct.pack("!HI16sQ", 76, 30, file_id, 1 << 30))

        def chunks() -> list[Any]:
            return [decode_chunk(frame.body) for frame in client._frames if frame.service == DOWNLOAD_CHUNK]

        await self.until(lambda: chunks() and not chunks()[-1].data)
        self.assertTrue(all(chunk.intact for chunk in chunks()))
        return b"".join(chunk.data for chunk in chunks())

    async def test_up_and_down(self) -> None:
        """Bytes go up in pieces of any size, over two connections, and come down from anywhere."""
        client, file_id = await self.login(), await self.offer(DATA)
        self.assertEqual(await self.open(client, file_id), 0)
        frame = encode_chunk(UPLOAD_CHUNK, file_id, 0, DATA[:100_001])
        for start in range(0, 100, 3):
            client.send_raw(frame[start : start + 3] if start < 99 else frame[99:])
            await deferLater(self.reactor, 0)
        await self.until(lambda: self.acks(client) == [100_001])
        client.send_raw(encode_chunk(UPLOAD_CHUNK, file_id, 100_000, DATA[100_000:200_000]))
        told = await client.next(79)
        self.assertEqual((told["error"], told["offset"]), (36, 100_001))
        client.send_raw(encode_chunk(UPLOAD_CHUNK, file_id, 100_001, DATA[100_001:200_000])[:-1])
        await client.abort()
        await self.quiet()
        client = await self.login()
        self.assertEqual(await self.open(client, file_id), 100_001)
        client.send_raw(encode_chunk(UPLOAD_CHUNK, file_id, 100_001, DATA[100_001:]))
        await self.until(lambda: self.acks(client) == [300_000])
        self.assertEqual(self.visible(), {"cat.jpg": DATA})
        # the last acknowledgement may have got lost
        self.assertEqual(await self.open(client, file_id), 300_000)
        await self.until(lambda: self.acks(client) == [300_000, 300_000])
        self.assertEqual(await self.fetch(client, file_id), DATA)
        self.assertEqual(await self.fetch(await self.login(), file_id, 299_999), DATA[-1:])

    async def test_other_content(self) -> None:
        """What is not what was offered is 69, and can be sent from 0 again.

        Nothing is visible until it is right.
        """
        client, file_id = await self.login(), await self.offer(DATA)
        await self.open(client, file_id)
        client.send_raw(encode_chunk(UPLOAD_CHUNK, file_id, 0, bytes(300_000)))
        told = await client.next(79)
        self.assertEqual((told["error"], told["offset"], self.visible()), (69, 0, {}))
        self.assertEqual((self.acks(client), await self.open(client, file_id)), ([], 0))
        client.send_raw(encode_chunk(UPLOAD_CHUNK, file_id, 0, DATA))
        await self.until(lambda: self.acks(client) == [300_000])
        self.assertEqual(self.visible(), {"cat.jpg": DATA})

    async def test_hundreds_of_opens(self) -> None:
        """Of hundreds of uploads that a user opens, over many connections, a few are in hands at a time.

        When those are gone, so is all.
        """
        files = [await self.offer(DATA) for _ in range(150)]
        clients = [await self.login() for _ in range(10)]
        for number, file_id in enumerate(files * 2):
            clients[number % 10].send(72, **self.keys(file_id))
        answers = [await clients[number % 10].next(73) for number in range(300)]
        errors = {answer["error"] for answer in answers}
        self.assertEqual((errors, len(self.engine.uploads._held[7])), ({0, 73}, self.config.uploads))
        self.assertTrue(all(answer["retry_after"] for answer in answers if answer["error"]))
        stranger = await self.login(8)  # others do not notice
        theirs = await self.offer(DATA, user=8)
        ticket = self.tickets.issue(theirs, 8, Right.WRITE)
        self.assertEqual((await stranger.ask(72, file_id=encode_id(theirs), ticket=ticket))["error"], 0)
        for client in clients:
            await client.abort()
        await self.until(lambda: 7 not in self.engine.uploads._held)
        self.assertEqual(await self.open(await self.login(), files[0]), 0)

    async def test_given_up(self) -> None:
        """Who gives an upload up takes it from whoever has it.

        Nothing of it is left, and it may be said again. A whole one stays.
        """
        client, other, file_id = await self.login(), await self.login(), await self.offer(DATA)
        await self.open(client, file_id)
        client.send_raw(encode_chunk(UPLOAD_CHUNK, file_id, 0, DATA[:200_000]))
        await self.until(lambda: self.acks(client) == [200_000])
        for wrong in (
            self.keys(file_id, Right.READ),
            self.keys(file_id) | {"ticket": self.tickets.issue(file_id, 8, Right.WRITE)},
        ):
            self.assertEqual((await other.ask(72, **wrong, give_up=True))["error"], 65)
        self.assertEqual(len(self.arriving()), 1)
        for _ in range(2):
            response = await other.ask(72, **self.keys(file_id), give_up=True)
            self.assertEqual((response["error"], response["given_up"]), (0, True))
            self.assertEqual(
                (self.arriving(), await FileStore(self.database, time.time).used(7)), ([], (0, 0))
            )
        told = await client.next(79)
        self.assertEqual((told["error"], told["file_id"]), (38, encode_id(file_id)))
        self.assertEqual((await client.ask(72, **self.keys(file_id)))["error"], 38)
        whole = await self.offer(DATA)
        await self.open(client, whole)
        client.send_raw(encode_chunk(UPLOAD_CHUNK, whole, 0, DATA))
        await self.until(lambda: self.visible() == {"cat.jpg": DATA})
        self.assertEqual((await client.ask(72, **self.keys(whole), give_up=True))["error"], 38)
        # on the connection that sends it, nobody has to be told
        again = await self.offer(DATA)
        await self.open(client, again)
        self.assertTrue((await client.ask(72, **self.keys(again), give_up=True))["given_up"])
        client.send_raw(encode_chunk(UPLOAD_CHUNK, again, 0, DATA))
        self.assertEqual((await client.next(79))["error"], 65)
        self.assertEqual(self.visible(), {"cat.jpg": DATA})

    async def test_foreign(self) -> None:
        """A ticket that another user was given opens nothing, nor does a good one for somebody else's upload."""
        client, file_id = await self.login(8), await self.offer(DATA)
        self.assertEqual((await client.ask(72, **self.keys(file_id)))["error"], 65)
        own = await self.offer(DATA, user=9)
        self.assertEqual((await (await self.login()).ask(72, **self.keys(own)))["error"], 38)
        self.assertEqual(self.arriving(), [])
