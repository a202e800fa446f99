"""Whatever a peer does wrong closes its connection alone, with one line in the log.

A stream beside it goes on.
"""

from __future__ import annotations

import struct

from imsys.protocols.rtmp import amf0
from imsys.protocols.rtmp.chunks import Message, encode
from imsys.protocols.rtmp.client import Purpose
from imsys.resources.live.meter import Meter
from imsys.resources.live.rtmp_connection import RtmpSettings
from imsys.security.tickets import Right
from tests.resources.live.peer import Peer
from tests.resources.live.scene import LiveCase
from tests.resources.live.watching import AVC, inter, key

COMMAND, DATA, VIDEO = 20, 18, 9


class BadInputTests(LiveCase):
    settings = RtmpSettings(begin=20.0, bitrate=50_000_000, longest=1 << 20)

    async def setUp(self) -> None:
        await super().setUp()
        self.beside = await self.stream()
        self.beside_publisher = await self.publisher(self.beside)
        self.beside_player = await self.player(self.beside)
        self.beside_publisher.publish([AVC, key(0)])
        self.shown = 2
        await self.unharmed()

    async def unharmed(self) -> None:
        """The stream beside it goes on."""
        self.beside_publisher.publish([inter(40 * self.shown)])
        self.shown += 1
        await self.until(lambda: len(self.beside_player.seen) == self.shown, "the stream beside it goes on")

    async def closed_for(self, peer: Peer, reason: str) -> None:
        """A connection is closed, for that reason, and nothing else has happened."""
        await self.until(lambda: peer.gone, "it is closed")
        self.assertEqual((self.closed(""), self.closed(reason)), (1, 1), "\n".join(self.lines))
        await self.unharmed()
        self.assertEqual(len(self.rtmp.connections), 2)

    async def raw(self, tls: bool = False) -> Peer:
        """A connection on which nothing was said."""
        return await self.peer(self.url(self.beside, Right.PLAY, tls=tls), Purpose.PLAY, greets=False)

    async def greeted(self) -> Peer:
        """A connection with its handshake."""
        peer = await self.raw()
        peer.transport.write(b"\x03" + bytes(1536) + bytes(1536))
        await self.until(lambda: peer.received >= 1 + 2 * 1536, "it is greeted")
        return peer

    async def publishing(self) -> Peer:
        """One who publishes a stream of her own."""
        return await self.publisher(await self.stream())

    async def test_garbage(self) -> None:
        """Something else than RTMP, as of a browser that has lost its way."""
        peer = await self.raw()
        peer.transport.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await self.closed_for(peer, "a handshake of version 71")

    async def test_garbage_over_tls(self) -> None:
        """The same over TLS."""
        peer = await self.raw(tls=True)
        peer.transport.write(b"GET / HTTP/1.1\r\n\r\n")
        await self.closed_for(peer, "a handshake of version 71")

    async def test_garbage_behind_the_handshake(self) -> None:
        """Nonsense instead of chunks."""
        peer = await self.greeted()
        peer.transport.write(b"\xff" * 100)
        await self.closed_for(peer, "")

    async def test_chunk_sizes(self) -> None:
        """A chunk size of nothing."""
        peer = await self.publishing()
        peer.say(Message(1, 0, 0, struct.pack(">I", 0)))
        await self.closed_for(peer, "chunk size")

    async def test_huge_chunk_size(self) -> None:
        """A chunk size of more than two gigabytes."""
        peer = await self.greeted()
        peer.say(Message(1, 0, 0, struct.pack(">I", 0x80000000)), 128)
        await self.closed_for(peer, "chunk size")

    async def test_crumbs(self) -> None:
        """Pictures in chunks of one byte, which take long to read."""
        peer = await self.publishing()
        peer.say(Message(1, 0, 0, struct.pack(">I", 1)))
        peer.transport.write(encode(Message(VIDEO, 0, 1, bytes(500_000)), 6, 1))
        await self.closed_for(peer, "too small pieces")

    async def test_empty_chunks(self) -> None:
        """Chunks of nothing, which are no messages, either."""
        peer = await self.publishing()
        peer.transport.write(encode(Message(VIDEO, 0, 1, b""), 6) + b"\xc6" * 500_000)
        await self.closed_for(peer, "too small pieces")

    async def test_deep_amf0(self) -> None:
        """Objects within objects within objects."""
        peer = await self.greeted()
        bomb = amf0.encode("connect", 1.0) + b"\x03\x00\x01a" * 10_000
        peer.say(Message(COMMAND, 0, 0, bomb), 128)
        await self.closed_for(peer, "")

    async def test_large_amf0(self) -> None:
        """A string that is said to have four gigabytes."""
        peer = await self.greeted()
        peer.say(Message(COMMAND, 0, 0, amf0.encode("connect", 1.0) + b"\x0c\xff\xff\xff\xffabc"), 128)
        await self.closed_for(peer, "")

    async def test_deep_metadata(self) -> None:
        """The same as metadata are dropped, since nobody needs those."""
        peer = await self.publishing()
        peer.say(Message(DATA, 0, 1, amf0.encode("@setDataFrame", "onMetaData") + b"\x03\x00\x01a" * 10_000))
        await self.until(
            lambda: any("are dropped: values nested" in line for line in self.lines), "they are dropped"
        )
        self.assertFalse(peer.gone)

    async def test_too_long_a_message(self) -> None:
        """A picture that is longer than any may be is refused at its header, before it comes."""
        peer = await self.publishing()
        peer.transport.write(encode(Message(VIDEO, 0, 1, bytes((1 << 20) + 1)), 6)[:1000])
        await self.closed_for(peer, "a message of type 9")

    async def test_out_of_order(self) -> None:
        """A picture before anything was agreed on."""
        peer = await self.greeted()
        peer.say(Message(VIDEO, 0, 1, key(0).payload))
        await self.closed_for(peer, "does not publish")

    async def test_command_before_connect(self) -> None:
        """A command before connect."""
        peer = await self.greeted()
        peer.say(Message(COMMAND, 0, 0, amf0.encode("publish", 1.0, None, "cats", "live")))
        await self.closed_for(peer, "before connect")

    async def test_player_that_publishes(self) -> None:
        """A player that sends pictures."""
        player = await self.player(self.beside)
        player.say(Message(VIDEO, 0, 1, key(0).payload))
        await self.closed_for(player, "does not publish")

    async def test_vanishes(self) -> None:
        """Who is gone in the middle of anything leaves nothing behind."""
        for peer in (
            await self.raw(),
            await self.greeted(),
            await self.publishing(),
            await self.player(self.beside),
        ):
            peer.close()
        await self.until(lambda: len(self.rtmp.connections) == 2, "they are gone")
        self.assertEqual(self.closed(""), 0)
        await self.unharmed()

    async def test_many_messages(self) -> None:
        """Messages of a byte each, as many as the bit rate allows."""
        peer = await self.publishing()
        peer.pour(encode(Message(VIDEO, 0, 1, b"\x27"), 6) * 1000)
        await self.closed_for(peer, "2000 messages a second")

    async def test_player_that_talks(self) -> None:
        """A player that has much to say."""
        player = await self.player(self.beside)
        player.pour(encode(Message(4, 0, 0, struct.pack(">HI", 6, 1)), 2) * 1000)
        await self.closed_for(player, "bits a second")

    async def test_pings_without_reading(self) -> None:
        """Who asks without end, and reads no answer, is not listened to for long."""
        player = await self.player(self.beside)
        connection = self.connection(player)
        connection._bytes = Meter(1 << 40)
        player.transport.pauseProducing()
        pings = encode(Message(4, 0, 0, struct.pack(">HI", 6, 1)), 2) * 10_000
        for _ in range(200):
            if connection._flow.held:
                break
            player.transport.write(pings)
            await self.unharmed()
        self.assertTrue(connection._flow.held)
        transport = connection.transport
        self.assertLess(len(transport.dataBuffer) + transport._tempDataLen, 4 << 20)
