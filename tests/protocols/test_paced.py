"""Frames that leave one at a time, by a clock of our own; real sockets."""

from __future__ import annotations

import dataclasses
import json

from imsys.protocols.framing import CHAT, Frame, FrameDecoder
from imsys.protocols.messages.registry import encode
from imsys.protocols.messages.texts import IncomingText, TextPush
from imsys.protocols.paced import FEW, MANY, SEGMENT, Pace, PacedTransport
from imsys.protocols.unsent import Unsent
from imsys.protocols.wire import FrameConnection
from tests.protocols.test_wire import SETTINGS, Connected


def frame(number: int) -> bytes:
    """A frame that can be told from others."""
    return CHAT.encode(10, str(number).encode())


def push(text: str, sender: str = "1") -> bytes:
    """A text on its way to its receiver."""
    item = IncomingText(
        msg_type=1, msg_status=0, msg_sender=sender, msg_receiver="9", msg_id="5", prev_id="4", thread_id="3", unique_id="u",
        msg_content=text, timestamp="2025-01-01T00:00:00.000Z",
    )  # fmt: skip
    return CHAT.encode(25, encode(TextPush(text_sender=sender, text_receiver="9", text_msg=[item])))


class Paced(Connected):
    """A connection whose client takes one frame a read."""

    def build(self) -> FrameConnection:
        self.settings = dataclasses.replace(SETTINGS, pace=Pace(self.clock, 0.05), unsent=Unsent(1 << 30))
        return super().build()

    async def setUp(self) -> None:
        await super().setUp()
        self.connection.one_at_a_time()

    async def came(self, count: int) -> list[Frame]:
        """What has come by now: just so many frames."""
        decoder = FrameDecoder(CHAT, 65535)
        await self.until(lambda: len(FrameDecoder(CHAT, 65535).feed(self.peer.data)) >= count)
        await self.turns()
        frames = decoder.feed(self.peer.data)
        self.assertEqual(len(frames), count)
        return frames

    def texts(self, frame: Frame) -> list[str]:
        return [item["msg_content"] for item in json.loads(frame.body)["text_msg"]]

    async def test_apart(self) -> None:
        """The first frame leaves at once, each of the others a pause after the one before it.

        However they were sent.
        """
        self.connection.send(frame(1) + frame(2))
        self.connection.send(frame(3))
        for count in (1, 2, 3):
            self.assertEqual((await self.came(count))[-1].body, str(count).encode())
            self.clock.advance(0.049)
            await self.came(count)
            self.clock.advance(0.001)
        self.connection.send(frame(4))
        await self.came(4)
        self.assertEqual(self.settings.unsent.bytes, 0)

    async def test_merged(self) -> None:
        """Texts of one sender that wait become one push.

        Those of another do not, nor more than fit into a segment.
        """
        self.connection.send(frame(0))
        for data in (
            push("a"),
            frame(1),
            push("b"),
            push("c", "2"),
            push("d"),
            push("x" * SEGMENT),
            push("e"),
        ):
            self.connection.send(data)
        self.clock.pump([0.05] * 10)
        frames = await self.came(7)
        self.assertEqual([one.service for one in frames], [10, 25, 10, 25, 25, 25, 25])
        self.assertEqual(
            [self.texts(one) for one in frames if one.service == 25],
            [["a", "b"], ["c"], ["d"], ["x" * SEGMENT], ["e"]],
        )
        self.assertLessEqual(len(frames[1].body), SEGMENT)

    async def test_storm(self) -> None:
        """Pushes that the original does not know leave while few wait; of more it is told but that there were some."""
        for number in range(500):
            self.connection.send(CHAT.encode(133, str(number).encode()))
        self.connection.send(frame(1) + push("text"))
        self.assertFalse(self.connection.choked)
        for turn in range(1, 30):
            await self.came(min(turn, FEW + 4))
            self.clock.advance(0.05)
        services = [one.service for one in await self.came(FEW + 4)]
        self.assertEqual(services, [133] * (FEW + 1) + [128, 10, 25])

    async def test_close(self) -> None:
        """A connection is closed after its last frame, and cut if that takes too long."""
        for number in range(3):
            self.connection.send(frame(number))
        self.connection.close()
        self.clock.advance(0.05)
        await self.came(2)
        self.assertFalse(self.peer.closed)
        self.clock.advance(0.05)
        self.clock.advance(0.05)
        await self.until(lambda: self.peer.closed)
        self.assertEqual(len(FrameDecoder(CHAT, 65535).feed(self.peer.data)), 3)

    async def test_gone(self) -> None:
        """What waits for a client that goes is forgotten, and counted no more."""
        for number in range(10):
            self.connection.send(frame(number))
        self.assertGreater(self.settings.unsent.bytes, 0)
        self.peer.transport.abortConnection()
        await self.until(lambda: self.receiver.losses)
        self.assertEqual(
            (
                self.settings.unsent.bytes,
                [call for call in self.clock.getDelayedCalls() if call.getTime() < 1],
            ),
            (0, []),
        )

    async def test_cut(self) -> None:
        """So is what waits on a connection that is cut."""
        for number in range(10):
            self.connection.send(frame(number))
        self.connection.abort("of a test")
        await self.until(lambda: self.receiver.losses)
        self.assertEqual(self.settings.unsent.bytes, 0)

    async def test_bounded(self) -> None:
        """With many frames waiting the client is not read from until they have left.

        What comes meanwhile is kept.
        """
        for number in range(MANY + 2):
            self.connection.send(frame(number))
        self.assertTrue(self.connection.choked)
        self.connection.send(frame(MANY + 2))
        self.peer.transport.write(CHAT.encode(9, b"{}"))
        await self.turns()
        self.assertEqual(self.receiver.frames, [])
        for _ in range(MANY + 4):
            self.clock.advance(0.05)
        frames = await self.came(MANY + 3)
        self.assertEqual([int(one.body) for one in frames], list(range(MANY + 3)))
        await self.until(lambda: self.receiver.frames)
        self.assertFalse(self.connection.choked)

    async def test_high_water(self) -> None:
        """What waits is bounded in bytes as well: past the high-water mark the connection is cut."""
        for _ in range(20):
            self.assertFalse(self.connection.closing)
            self.connection.send(CHAT.encode(10, bytes(65000)))
        self.assertTrue(self.connection.closing)

    async def test_unread(self) -> None:
        """A client that does not read at all is cut, as any other."""
        self.peer.transport.pauseProducing()
        for _ in range(2000):
            self.connection.send(CHAT.encode(10, bytes(65000)))
            self.clock.advance(0.05)
            await self.turns(1)
            if self.connection.closing:
                break
        self.assertTrue(self.connection.closing)
        self.peer.transport.resumeProducing()


class OverTls(Connected):
    """Who speaks TLS is not the original's client."""

    tls = True

    async def test_not_slowed(self) -> None:
        """Frames over TLS leave at once, whatever the client's login looks like."""
        self.connection._settings = dataclasses.replace(SETTINGS, pace=Pace(self.clock, 0.05))
        self.connection.one_at_a_time()
        self.assertNotIsInstance(self.connection.transport, PacedTransport)
        for number in range(3):
            self.connection.send(frame(number))
        await self.until(lambda: len(FrameDecoder(CHAT, 65535).feed(self.peer.data)) == 3)
