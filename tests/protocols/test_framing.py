"""Bytes to frames, and back."""

from __future__ import annotations

import itertools
import struct
from typing import Any, SupportsIndex

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols import framing
from imsys.protocols.framing import CHAT, RESOURCES, Frame, FrameDecoder, FrameFault, FrameFormat

FORMATS = st.sampled_from([CHAT, RESOURCES])
FRAMES = st.lists(st.builds(Frame, st.integers(0, 0xFFFF), st.binary(max_size=300)), max_size=20)


def encoded(format: FrameFormat, frames: list[Frame]) -> bytes:
    return b"".join(format.encode(*frame) for frame in frames)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data, cut at places."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


class EncodeTests(SynchronousTestCase):
    def test_headers(self) -> None:
        """The header is the service id and the total length, big-endian; the length counts the header."""
        self.assertEqual(CHAT.encode(0x0102, b"abc"), b"\x01\x02\x00\x07abc")
        self.assertEqual(RESOURCES.encode(0x0102, b"abc"), b"\x01\x02\x00\x00\x00\x09abc")

    def test_largest(self) -> None:
        """A body fits as long as the total length does, and one byte more is an error of ours."""
        self.assertEqual(len(CHAT.encode(1, b"x" * 65531)), 65535)
        self.assertRaises(ValueError, CHAT.encode, 1, b"x" * 65532)
        self.assertEqual(len(RESOURCES.encode(1, b"x" * 70000)), 70006)


class DecodeTests(SynchronousTestCase):
    @given(FORMATS, FRAMES, st.lists(st.integers(0, 10**6), max_size=30))
    def test_any_pieces(self, format: FrameFormat, frames: list[Frame], cuts: list[int]) -> None:
        """However the stream is cut, the frames are those that were sent, and nothing is left."""
        decoder = FrameDecoder(format, 65535)
        found = [frame for piece in pieces(encoded(format, frames), cuts) for frame in decoder.feed(piece)]
        self.assertEqual(found, frames)
        self.assertEqual(decoder.pending, 0)

    @given(FORMATS, FRAMES)
    def test_byte_by_byte(self, format: FrameFormat, frames: list[Frame]) -> None:
        """Each frame is there with its last byte, and no sooner."""
        decoder = FrameDecoder(format, 65535)
        for frame in frames:
            data = format.encode(*frame)
            for index in range(len(data) - 1):
                self.assertEqual(decoder.feed(data[index : index + 1]), [])
            self.assertEqual(decoder.feed(data[-1:]), [frame])

    @given(FORMATS, FRAMES, st.integers(0, 0xFFFF), st.lists(st.integers(0, 10**6), max_size=10))
    def test_length_too_small(
        self, format: FrameFormat, frames: list[Frame], service: int, cuts: list[int]
    ) -> None:
        """A length below the header's is a fault; the frames before it are not lost."""
        for total in range(format.header.size):
            decoder, found = FrameDecoder(format, 65535), []
            with self.assertRaises(FrameFault) as caught:
                for piece in pieces(encoded(format, frames) + format.header.pack(service, total), cuts):
                    found += decoder.feed(piece)
            self.assertEqual(found + caught.exception.frames, frames)

    def test_limit(self) -> None:
        """A length of exactly the limit is served.

        One more is a fault as soon as the header is there, before any of the body.
        """
        for port, limit in ((CHAT, 65535), (CHAT, 64), (RESOURCES, 1 << 20)):
            body = b"x" * (limit - port.header.size)
            self.assertEqual(FrameDecoder(port, limit).feed(port.encode(9, body)), [Frame(9, body)])
            if limit < port.largest:
                decoder = FrameDecoder(port, limit)
                header = port.header.pack(9, limit + 1)
                self.assertEqual(decoder.feed(header[:-1]), [])
                fault = self.assertRaises(FrameFault, decoder.feed, header[-1:])
                self.assertIn(str(limit), str(fault))

    def test_largest_lengths(self) -> None:
        """The largest number that the field can hold is only a number."""
        self.assertRaises(FrameFault, FrameDecoder(RESOURCES, 1 << 20).feed, b"\x00\x01\xff\xff\xff\xff")
        self.assertEqual(FrameDecoder(CHAT, 65535).feed(b"\x00\x01\xff\xff"), [])

    @given(st.binary(max_size=2000), st.lists(st.integers(0, 10**6), max_size=10), st.integers(16, 300))
    def test_garbage(self, data: bytes, cuts: list[int], limit: int) -> None:
        """Whatever arrives, no more than one frame and one read is ever held, and the only error is a fault
        of the peer.
        """
        decoder = FrameDecoder(CHAT, limit)
        for piece in pieces(data, cuts):
            try:
                frames = decoder.feed(piece)
            except FrameFault:
                return
            self.assertLess(decoder.pending, limit)
            self.assertTrue(all(len(frame.body) + 4 <= limit for frame in frames))

    def test_bodies_are_bytes(self) -> None:
        """Bodies are bytes of their own: what arrives later does not change them."""
        decoder = FrameDecoder(CHAT, 65535)
        decoder.feed(b"\x00\x01\x00")
        (frame,) = decoder.feed(b"\x06ab\x00")
        decoder.feed(b"\x02")
        self.assertEqual((frame, type(frame.body)), (Frame(1, b"ab"), bytes))


class Counted(bytes):
    """Bytes that count what is copied out of them."""

    copied = 0

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, bytes):
            Counted.copied += len(found)
        return found


class CostTests(SynchronousTestCase):
    """How much is copied, counted where the decoder makes bytes of its buffer and slices them."""

    def setUp(self) -> None:
        def counting(buffer: bytearray) -> Counted:
            Counted.copied += len(buffer)
            return Counted(buffer)

        framing.bytes = counting  # type: ignore[attr-defined]
        self.addCleanup(delattr, framing, "bytes")

    def cost(self, format: FrameFormat, data: bytes, step: int) -> int:
        Counted.copied = 0
        decoder = FrameDecoder(format, 1 << 20)
        for start in range(0, len(data), step):
            decoder.feed(Counted(data[start : start + step]))
        return Counted.copied

    def test_byte_by_byte(self) -> None:
        """One large frame in single bytes costs a few copies of it, not one a byte."""
        data = RESOURCES.encode(1, b"x" * 50_000)
        self.assertLess(self.cost(RESOURCES, data, 1), 4 * len(data))

    def test_small_frames(self) -> None:
        """Many small frames in one large read cost a few copies of it, not one a frame."""
        data = CHAT.encode(1, b"x" * 20) * 20_000
        self.assertLess(self.cost(CHAT, data, len(data)), 4 * len(data))

    def test_cut_frames(self) -> None:
        """So they do when every read ends in the middle of a frame."""
        data = CHAT.encode(1, b"x" * 20) * 20_000
        for step in (1, 3, 23, 25, 1000):
            self.assertLess(self.cost(CHAT, data, step), 6 * len(data))

    def test_large_frames(self) -> None:
        """A stream of frames of 1 MiB in reads of 64 KiB costs a few copies."""
        data = struct.pack("!HI", 30, 1 << 20) + bytes((1 << 20) - 6)
        self.assertLess(self.cost(RESOURCES, data * 8, 65536), 4 * 8 * len(data))


class LargeTests(SynchronousTestCase):
    @given(
        st.lists(st.integers(0, 200_000), min_size=1, max_size=6),
        st.lists(st.integers(0, 10**6), max_size=8),
        st.booleans(),
    )
    @settings(deadline=None, max_examples=60)
    def test_large_frames(self, sizes: list[int], cuts: list[int], fault: bool) -> None:
        """Large frames among small ones come out as they were sent, however the stream is cut, up to a fault."""
        frames = [Frame(number, bytes([number]) * size) for number, size in enumerate(sizes)]
        decoder, found = FrameDecoder(RESOURCES, 1 << 20), []
        data = encoded(RESOURCES, frames)
        try:
            for piece in pieces(data + (b"\0" * 6 if fault else b""), cuts):
                found += decoder.feed(piece)
        except FrameFault as error:
            self.assertTrue(fault)
            found += error.frames
        else:
            self.assertFalse(fault)
            self.assertEqual(decoder.pending, 0)
        self.assertTrue(found == frames)
