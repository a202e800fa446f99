"""Uploads in frames: chunks in flight, acknowledgements, and what wrong ones get."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

import google_crc32c
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.config import ResourcesConfig
from imsys.errors import Refused, Status
from imsys.protocols.chunks import UPLOAD_CHUNK, encode_chunk
from imsys.protocols.identifiers import encode_id
from imsys.resources.transfers import TransferError
from imsys.security.tickets import Right
from tests.resources.frames.scene import FramesCase
from tests.support.reading import is_read

DATA = os.urandom(3500)


class UploadTests(FramesCase):
    async def test_whole(self) -> None:
        """Chunks are acknowledged as they are durable.

        The acknowledgement of the full size comes when the file is whole.
        """
        client, file = await self.login(), self.files.offer(7, DATA)
        self.assertEqual(await self.open(client, file), 0)
        for start in range(0, 3500, 1000):
            client.chunk(file, start, DATA[start : start + 1000])
        await self.until(lambda: 3500 in client.acks())
        self.assertTrue(self.is_whole(file))
        self.assertEqual(self.stored(file), DATA)
        self.assertEqual(client.acks(), sorted(client.acks()))

    async def test_byte_by_byte(self) -> None:
        """The frames are those of the specification, whatever pieces they arrive in."""
        client, file = await self.login(), self.files.offer(7, b"123456789")
        await self.open(client, file)
        frame = (
            struct.pack("!HI", 70, 6 + 28 + 9)
            + file.file_id
            + struct.pack("!QI", 0, 0xE3069283)
            + b"123456789"
        )
        for byte in frame:
            client.send_raw(bytes([byte]))
            await deferLater(self.reactor, 0)
        await self.until(lambda: self.is_whole(file))
        await self.until(client.acks)
        (ack,) = [frame for frame in client._frames if frame.service == 71]
        self.assertEqual(ack.body, file.file_id + struct.pack("!Q", 9))

    async def test_empty_file(self) -> None:
        """A file without bytes is whole once it was opened."""
        client, file = await self.login(), self.files.offer(7, b"")
        self.assertEqual(await self.open(client, file), 0)
        await self.until(lambda: client.acks() == [0])
        self.assertTrue(self.is_whole(file))

    async def test_whole_already(self) -> None:
        """Who opens a file whose last acknowledgement got lost hears it again."""
        client, file = await self.login(), self.files.keep(7, DATA)
        self.assertEqual(await self.open(client, file), 3500)
        await self.until(lambda: client.acks() == [3500])

    async def test_resume(self) -> None:
        """After a break the durable bytes stay, and the next connection goes on behind them."""
        client, file = await self.login(), self.files.offer(7, DATA)
        await self.open(client, file)
        client.chunk(file, 0, DATA[:1000])
        await self.until(lambda: client.acks() == [1000])
        await client.abort()
        await self.until(lambda: not self.files.holders)
        client = await self.login()
        self.assertEqual(await self.open(client, file), 1000)
        client.chunk(file, 1000, DATA[1000:])
        await self.until(lambda: 3500 in client.acks())
        self.assertEqual(self.stored(file), DATA)

    async def test_other_hands(self) -> None:
        """Who opens a file takes it from whoever had it, who is told, and can write nothing more."""
        one, two, file = await self.login(), await self.login(), self.files.offer(7, DATA)
        await self.open(one, file)
        one.chunk(file, 0, DATA[:1000])
        await self.until(lambda: one.acks() == [1000])
        self.assertEqual(await self.open(two, file), 1000)
        told = await one.next(79)
        self.assertEqual(
            (told["error"], told["file_id"], told["offset"]), (36, encode_id(file.file_id), 1000)
        )
        one.chunk(file, 1000, b"x" * 1000)
        self.assertEqual((await one.next(79))["error"], 65)
        two.chunk(file, 1000, DATA[1000:])
        await self.until(lambda: 3500 in two.acks())
        self.assertEqual(self.stored(file), DATA)

    async def test_taken_while_opening(self) -> None:
        """Who loses a file before the answer to its opening is told the same, as what passes by itself."""
        one, two, file = await self.login(), await self.login(), self.files.offer(7, DATA)
        opened, turn = self.files.open, Deferred[None]()

        async def slowly(*arguments: Any, **more: Any) -> Any:
            upload = await opened(*arguments, **more)
            self.files.open = opened  # type: ignore[method-assign]
            await turn
            return upload

        self.files.open = slowly  # type: ignore[method-assign]
        one.send(72, **self.ticket(file))
        await self.until(lambda: self.files.holders)
        self.assertEqual(await self.open(two, file), 0)
        turn.callback(None)
        self.assertEqual((await one.next(73))["error"], 36)
        two.chunk(file, 0, DATA)
        await self.until(lambda: 3500 in two.acks())

    async def test_same_connection(self) -> None:
        """A file can be opened again on the connection that has it: what was sent before counts."""
        client, file = await self.login(), self.files.offer(7, DATA)
        await self.open(client, file)
        client.chunk(file, 0, DATA[:1000])
        self.assertEqual(await self.open(client, file), 1000)
        client.chunk(file, 1000, DATA[1000:])
        await self.until(lambda: 3500 in client.acks())
        self.assertEqual(client.pending(79), [])

    async def test_requests_in_between(self) -> None:
        """Heartbeats, and other files, are served between the chunks of one."""
        client, files = await self.login(), [self.files.offer(7, DATA) for _ in range(3)]
        for file in files:
            await self.open(client, file)
        for start in range(0, 3500, 500):
            for file in files:
                client.chunk(file, start, DATA[start : start + 500])
            client.send(32)
        await self.until(lambda: all(self.is_whole(file) for file in files))
        for _ in range(0, 3500, 500):
            self.assertEqual((await client.next(33))["error"], 0)


class WrongChunkTests(FramesCase):
    async def refused(
        self, offset: int, data: bytes, *, crc: int | None = None, at: int = 1000
    ) -> dict[str, object]:
        """What a chunk gets that is sent when 1000 bytes are there; the upload can go on."""
        client, file = await self.login(), self.files.offer(7, DATA)
        await self.open(client, file)
        client.chunk(file, 0, DATA[:1000])
        body = (
            file.file_id
            + struct.pack("!QI", offset, google_crc32c.value(data) if crc is None else crc)
            + data
        )
        client.send_raw(struct.pack("!HI", UPLOAD_CHUNK, 6 + len(body)) + body)
        told = await client.next(79)
        self.assertEqual((told["file_id"], told["offset"]), (encode_id(file.file_id), at))
        client.chunk(file, 1000, DATA[1000:])
        await self.until(lambda: 3500 in client.acks())
        self.assertEqual(self.stored(file), DATA)
        return told

    async def test_gap(self) -> None:
        """A chunk that leaves a gap gets 36 and the offset to go on at; nothing of it is written."""
        self.assertEqual((await self.refused(1001, b"x" * 100))["error"], 36)

    async def test_overlap(self) -> None:
        """So does one that overlaps, even if its bytes are right."""
        self.assertEqual((await self.refused(0, DATA[:2000]))["error"], 36)
        self.assertEqual((await self.refused(2**64 - 1, b"x"))["error"], 36)

    async def test_past_the_end(self) -> None:
        """So does one that goes on behind the file's end."""
        self.assertEqual((await self.refused(1000, DATA[1000:] + b"x"))["error"], 36)

    async def test_crc(self) -> None:
        """Bytes that are not what their CRC-32C says get 69."""
        self.assertEqual((await self.refused(1000, b"x" * 100, crc=1))["error"], 69)

    async def test_not_open(self) -> None:
        """A chunk of a file that is not open on this connection gets 65, and writes nothing.

        Before login it is no service.
        """
        file = self.files.offer(7, DATA)
        client = await self.login()
        client.chunk(file, 0, DATA)
        told = await client.next(79)
        self.assertEqual((told["error"], told["offset"], self.stored(file)), (65, 0, b""))
        early = await self.connect()
        for _ in range(3):
            early.chunk(file, 0, DATA)
            self.assertEqual((await early.next(34))["error"], 1)
        await early.until_closed()
        self.assertEqual(self.stored(file), b"")

    async def test_no_header(self) -> None:
        """A chunk without room for its header, or a credit of another length, closes the connection."""
        for service, length in ((70, 27), (76, 23), (76, 25)):
            client = await self.login()
            client.send_raw(struct.pack("!HI", service, 6 + length) + bytes(length))
            await client.until_closed()

    async def test_too_large(self) -> None:
        """A chunk fits into a frame of 1 MiB with its headers; a larger one closes the connection."""
        data = os.urandom((1 << 20) - 34)
        client, file = await self.login(), self.files.offer(7, data + b"x")
        await self.open(client, file)
        client.chunk(file, 0, data)
        await self.until(lambda: client.acks() == [len(data)])
        client.send_raw(encode_chunk(UPLOAD_CHUNK, file.file_id, len(data), data + b"x"))
        await client.until_closed()
        self.assertEqual(self.stored(file), data)


class TicketTests(FramesCase):
    async def opens(self, status: int, **keys: str) -> None:
        """What opening gets; nothing is taken into anybody's hands."""
        client = await self.login()
        response = await client.ask(72, **keys)
        self.assertEqual((response["error"], self.files.holders), (status, {}))

    async def test_tickets(self) -> None:
        """A ticket that is forged, expired, somebody else's, for reading, or for another file, gets 65."""
        file, other = self.files.offer(7, DATA), self.files.offer(7, DATA)
        good = self.ticket(file)
        last = good["ticket"][-1]
        await self.opens(65, **{**good, "ticket": good["ticket"][:-1] + ("A" if last != "A" else "B")})
        await self.opens(65, **{**good, "ticket": ""})
        await self.opens(65, **{**good, "ticket": "x" * 100_000})
        await self.opens(65, **self.ticket(file, user=8))
        await self.opens(65, **self.ticket(file, Right.READ))
        await self.opens(65, file_id=encode_id(file.file_id), ticket=self.ticket(other)["ticket"])
        await self.opens(70, file_id="../../etc/passwd", ticket=good["ticket"])
        self.now += 3601
        await self.opens(65, **good)

    async def test_gone(self) -> None:
        """A file that is not on its way (any more) gets 38."""
        file = self.files.offer(7, DATA)
        del self.files.files[file.file_id]
        await self.opens(38, **self.ticket(file))

    async def test_before_login(self) -> None:
        """Without login it is 18, and no ticket is looked at."""
        client = await self.connect()
        self.assertEqual((await client.ask(72, **self.ticket(self.files.offer(7, DATA))))["error"], 18)


class EndTests(FramesCase):
    async def finish(self, refusing: Refused) -> tuple[dict[str, object], bytes]:
        """What the last byte gets, and what is here then."""
        client, file = await self.login(), self.files.offer(7, DATA)
        self.files.refusing = refusing
        await self.open(client, file)
        client.chunk(file, 0, DATA)
        told = await client.next(79)
        self.assertEqual(client.acks(), [])
        client.chunk(file, 0, DATA)
        self.assertEqual((await client.next(79))["error"], 65)  # it has to be opened again
        self.assertEqual(self.files.holders, {})
        return told, self.stored(file)

    async def test_refused(self) -> None:
        """What is no whole file in the end is no acknowledgement, but 79: from 0 again, never, or later."""
        told, stored = await self.finish(TransferError(Status.CHECKSUM_MISMATCH, "Not what was offered.", 0))
        self.assertEqual((told["error"], told["offset"], stored), (69, 0, b""))
        told, stored = await self.finish(Refused(Status.PERMISSION_DENIED, "The scan refused it."))
        self.assertEqual((told["error"], told["message"]), (65, "The scan refused it."))
        told, stored = await self.finish(Refused(Status.SERVER_BUSY, "Not now."))
        self.assertEqual((told["error"], told["offset"], stored), (73, 3500, DATA))

    async def test_our_mistake(self) -> None:
        """A mistake of ours is 75, and in the log."""
        self.files.refusing = RuntimeError("a mistake")  # type: ignore[assignment]
        client, file = await self.login(), self.files.offer(7, DATA)
        await self.open(client, file)
        client.chunk(file, 0, DATA)
        self.assertEqual((await client.next(79))["error"], 75)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class BoundTests(FramesCase):
    config = ResourcesConfig(uploads=3)

    async def test_window(self) -> None:
        """A client that sends more than the window without an acknowledgement is not read from.

        Nothing is lost.
        """
        data = os.urandom(20_000_000)
        client, file = await self.login(), self.files.offer(7, data)
        self.files.stuck = True
        await self.open(client, file)
        for start in range(0, len(data), 100_000):
            client.chunk(file, start, data[start : start + 100_000])
        client.send(32)
        await self.until(lambda: self.files.most_waiting and not is_read(self.reactor, client))
        await self.login(8)  # the server has turned to others, and back
        self.assertEqual((client.pending(33), is_read(self.reactor, client)), ([], False))
        self.assertLess(self.files.most_waiting, 1_000_000)
        self.files.stuck = False
        self.files.holders[file.file_id].flush()
        await self.until(lambda: len(data) in client.acks())
        self.assertEqual(self.stored(file), data)
        await client.next(33)

    async def test_many(self) -> None:
        """A connection has up to a number of uploads; one more gets 73 until one of them is over."""
        client = await self.login()
        files = [self.files.offer(7, DATA) for _ in range(4)]
        for file in files[:3]:
            await self.open(client, file)
        self.assertEqual((await client.ask(72, **self.ticket(files[3])))["error"], 73)
        client.chunk(files[0], 0, DATA)
        await self.until(lambda: 3500 in client.acks())
        await self.open(client, files[3])
        self.assertEqual((await client.ask(72, **self.ticket(self.files.offer(7, DATA))))["error"], 73)

    async def test_lost_connection(self) -> None:
        """A connection that breaks lets go of all of its files."""
        client = await self.login()
        for _ in range(3):
            await self.open(client, self.files.offer(7, DATA))
        self.assertEqual(len(self.files.holders), 3)
        await client.abort()
        await self.until(lambda: not self.files.holders)
        self.assertEqual(self.door._open, {})

    async def test_closed_while_opening(self) -> None:
        """A connection that is closed when its request is looked at takes nothing into its hands."""
        client, file = await self.login(), self.files.offer(7, DATA)
        body = json.dumps(self.ticket(file)).encode()
        client.send_raw(struct.pack("!HI", 72, 6 + len(body)) + body + struct.pack("!HI", 70, 5))
        await client.until_closed()
        await self.until(lambda: not self.files.holders)
        self.assertEqual(self.door._open, {})
