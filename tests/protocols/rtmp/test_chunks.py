"""Bytes to messages, and back."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.media import Kind, media
from imsys.protocols.rtmp import chunks
from imsys.protocols.rtmp.chunks import ChunkFault, ChunkReader, Message, encode, encode_media
from tests.protocols.rtmp.sender import Sender, basic, heard, pieces

LIMIT = 100_000
TIMES = st.one_of(st.integers(0, 5000), st.integers(0xFFFF00, 0x1000100), st.integers(0, 0xFFFFFFFF))
MESSAGES = st.lists(
    st.tuples(
        st.builds(
            Message,
            st.integers(3, 30),
            TIMES,
            st.sampled_from([0, 1, 7, 0x01020304]),
            st.binary(min_size=1, max_size=500),
        ),
        st.sampled_from([2, 3, 4, 63, 64, 319, 320, 65599]),
    ),
    max_size=20,
)
CUTS = st.lists(st.integers(0, 10**6), max_size=30)


def read(data: bytes, *cuts: int) -> list[Message]:
    reader = ChunkReader(LIMIT)
    return [message for piece in pieces(data, list(cuts)) for message in heard(reader, piece)]


def set_chunk_size(size: int) -> bytes:
    return bytes.fromhex("02 000000 000004 01 00000000") + size.to_bytes(4, "big")


def first_length(kind: int, length: int) -> bytes:
    """The header of a message that is so long."""
    return b"\x03" + bytes(3) + length.to_bytes(3, "big") + bytes((kind,)) + bytes(4)


class ExampleTests(SynchronousTestCase):
    def test_first_example(self) -> None:
        """Section 5.3.2.1: audio messages of 32 bytes every 20 ms, with headers of types 0, 2, 3 and 3."""
        body = bytes(range(32))
        data = (
            bytes.fromhex("03 0003e8 000020 08 39300000")
            + body
            + bytes.fromhex("83 000014")
            + body
            + b"\xc3"
            + body
            + b"\xc3"
            + body
        )
        self.assertEqual(read(data), [Message(8, time, 12345, body) for time in (1000, 1020, 1040, 1060)])

    def test_second_example(self) -> None:
        """Section 5.3.2.2: a video message of 307 bytes goes out as chunks of 128, 128 and 51."""
        body = bytes(index % 251 for index in range(307))
        data = encode(Message(9, 1000, 12346, body), 4, 128)
        head = bytes.fromhex("04 0003e8 000133 09 3a300000")
        self.assertEqual(data, head + body[:128] + b"\xc4" + body[128:256] + b"\xc4" + body[256:])
        self.assertEqual(read(data), [Message(9, 1000, 12346, body)])

    def test_type_3_after_type_0(self) -> None:
        """Behind a header of type 0, a new message of type 3 is later by the time of that header (section
        5.3.1.2.4; ffmpeg does it).
        """
        data = bytes.fromhex("04 000028 000001 09 01000000 aa c4 bb c4 cc")
        self.assertEqual([message.timestamp for message in read(data)], [40, 80, 120])

    def test_extended_time(self) -> None:
        """A time of 0xffffff or more is behind the header, and again behind each header of type 3."""
        body = b"x" * 130
        data = encode(Message(9, 0x01020304, 1, body), 6, 128)
        self.assertEqual(data[:16], bytes.fromhex("06 ffffff 000082 09 01000000 01020304"))
        self.assertEqual(data[-7:], bytes.fromhex("c6 01020304 7878"))
        self.assertEqual(encode(Message(9, 0xFFFFFE, 1, b"x"), 6)[:4], bytes.fromhex("06 fffffe"))
        self.assertEqual(encode(Message(9, 0xFFFFFF, 1, b"x"), 6)[12:16], bytes.fromhex("00ffffff"))

    def test_media_for_players(self) -> None:
        """Media have an absolute time, message stream 1, and a chunk stream for each kind."""
        self.assertEqual(
            encode_media(media(Kind.AUDIO, 258, b"\xaf\x01z")),
            bytes.fromhex("04 000102 000003 08 01000000 af017a"),
        )
        self.assertEqual(
            encode_media(media(Kind.VIDEO, 0, b"\x17\x01z")),
            bytes.fromhex("06 000000 000003 09 01000000 17017a"),
        )
        self.assertEqual(
            encode_media(media(Kind.DATA, 0, b"\x05")), bytes.fromhex("05 000000 000001 12 01000000 05")
        )
        large = encode_media(media(Kind.VIDEO, 0, b"k" * 65537))
        self.assertEqual(large[-2:], b"\xc6k")

    def test_too_long(self) -> None:
        """A message of 16 MB cannot be sent."""
        self.assertRaises(ValueError, encode, Message(9, 0, 1, bytes(0x1000000)), 6)


class RoundTripTests(SynchronousTestCase):
    @given(MESSAGES, st.sampled_from([1, 2, 7, 128, 4096]), CUTS)
    def test_any_pieces(self, sent: list[tuple[Message, int]], chunk_size: int, cuts: list[int]) -> None:
        """Whatever headers a peer chooses and however its bytes are cut, the messages are those that it sent."""
        sender = Sender(chunk_size)
        data = set_chunk_size(chunk_size) + b"".join(sender.send(message, number) for message, number in sent)
        self.assertEqual(read(data, *cuts), [message for message, _ in sent])

    @given(MESSAGES, st.sampled_from([1, 2, 7, 128, 4096]), CUTS)
    def test_what_we_encode(self, sent: list[tuple[Message, int]], chunk_size: int, cuts: list[int]) -> None:
        """What we write can be read, and nothing is left over."""
        reader = ChunkReader(LIMIT)
        data = set_chunk_size(chunk_size) + b"".join(
            encode(message, number % 60 + 2, chunk_size) for message, number in sent
        )
        found = [message for piece in pieces(data, cuts) for message in heard(reader, piece)]
        self.assertEqual(found, [message for message, _ in sent])
        self.assertEqual(reader.pending, 0)

    @given(MESSAGES, st.randoms(use_true_random=False))
    def test_interleaved(self, sent: list[tuple[Message, int]], order: random.Random) -> None:
        """Chunks of several streams may be mixed; a message is there with its last chunk."""
        sender = Sender(16)
        queues: dict[int, list[tuple[bytes, Message | None]]] = {}
        for message, number in sent:
            parts = sender.chunks(message, number)
            queues.setdefault(number, []).extend((part, None) for part in parts[:-1])
            queues[number].append((parts[-1], message))
        reader = ChunkReader(LIMIT)
        self.assertEqual(heard(reader, set_chunk_size(16)), [])
        while queues:
            number = order.choice(sorted(queues))
            part, completes = queues[number].pop(0)
            self.assertEqual(heard(reader, part), [] if completes is None else [completes])
            if not queues[number]:
                del queues[number]

    @given(st.binary(min_size=1, max_size=600), st.integers(0xFFFFFF, 0xFFFFFFFF), CUTS)
    def test_time_not_repeated(self, body: bytes, time: int, cuts: list[int]) -> None:
        """The payload of peers that do not repeat the extended time is whole, unless it happens to look like
        that time.
        """
        sent = [Message(9, time, 1, body), Message(9, time, 1, b"next")]
        if time.to_bytes(4, "big") in body:
            return
        sender = Sender(128, repeats=False)
        data = b"".join(sender.send(message, number) for message, number in zip(sent, (4, 5), strict=True))
        self.assertEqual(read(data, *cuts), sent)


class ControlTests(SynchronousTestCase):
    def test_size_changes(self) -> None:
        """A new chunk size holds from the next chunk on, within a message too."""
        body = bytes(range(200))
        head = bytes.fromhex("04 000000 0000c8 09 01000000")
        data = (
            head
            + body[:128]
            + set_chunk_size(10)
            + b"\xc4"
            + body[128:138]
            + set_chunk_size(1000)
            + b"\xc4"
            + body[138:]
        )
        self.assertEqual(read(data), [Message(9, 0, 1, body)])

    def test_abort(self) -> None:
        """An aborted message is forgotten, and those of other chunk streams are not."""
        reader = ChunkReader(LIMIT)
        one, other = (Sender().chunks(Message(9, 0, 1, bytes((index,)) * 200), 4 + index) for index in (0, 1))
        abort = bytes.fromhex("02 000000 000004 02 00000000 00000004")
        heard(reader, one[0] + other[0] + abort)
        self.assertEqual(reader.pending, 128)
        found = heard(reader, Sender().send(Message(9, 7, 1, b"new"), 4) + other[1] + abort)
        self.assertEqual(found, [Message(9, 7, 1, b"new"), Message(9, 0, 1, b"\x01" * 200)])

    def test_empty(self) -> None:
        """A message without payload is none."""
        self.assertEqual(
            read(bytes.fromhex("04 000000 000000 08 01000000 c4 c4 05 000000 000001 08 01000000 aa")),
            [Message(8, 0, 1, b"\xaa")],
        )

    def test_time_jumps_back(self) -> None:
        """Times pass as they are, back and beyond 32 bits too."""
        data = bytes.fromhex("04 000064 000001 08 01000000 aa 04 00000a 000001 08 01000000 bb")
        self.assertEqual([message.timestamp for message in read(data)], [100, 10])
        wrap = bytes.fromhex("04 ffffff 000001 08 01000000 ffffffff aa 84 000002 bb")
        self.assertEqual([message.timestamp for message in read(wrap)], [0xFFFFFFFF, 1])

    def test_begins_with_type_1(self) -> None:
        """librtmp begins the chunk stream of its control messages with a header of type 1."""
        self.assertEqual(
            read(bytes.fromhex("42 000000 000006 04 0003 00000001")),
            [Message(4, 0, 0, bytes.fromhex("000300000001"))],
        )


class BadTests(SynchronousTestCase):
    def assert_refused(self, data: bytes, *, limit: int = LIMIT) -> ChunkFault:
        reader = ChunkReader(limit)
        fault = self.assertRaises(ChunkFault, heard, reader, data)
        assert isinstance(fault, ChunkFault)
        return fault

    def test_chunk_size(self) -> None:
        """A chunk size of 0, or one with the bit that has to be 0.

        What no message can fill is as good as any, up to 2 GB.
        """
        for size in (0, 0x80000000, 0xFFFFFFFF):
            self.assert_refused(set_chunk_size(size))
        for size in (0xFFFFFF, 0x1000000, 128 << 20, 0x7FFFFFFF):
            reader = ChunkReader(LIMIT)
            message = Message(9, 0, 1, bytes(300))
            self.assertEqual(heard(reader, set_chunk_size(size) + encode(message, 6, 0xFFFFFF)), [message])
        self.assert_refused(bytes.fromhex("02 000000 000002 01 00000000 0001"))

    def test_too_long(self) -> None:
        """A length beyond the limit is refused with its header, before anything of the message is there."""
        self.assert_refused(first_length(9, LIMIT + 1))
        self.assertEqual(read(first_length(9, LIMIT)), [])

    def test_short_kinds(self) -> None:
        """However long audio and video may be, commands and data may not."""
        for kind in (1, 4, 15, 17, 18, 20):
            self.assert_refused(first_length(kind, chunks.SHORT + 1), limit=0xFFFFFF)
        for kind in (8, 9, 22):
            self.assertEqual(heard(ChunkReader(0xFFFFFF), first_length(kind, chunks.SHORT + 1)), [])

    def test_limit_falls(self) -> None:
        """A limit that falls holds for messages that repeat an older length, too."""
        reader = ChunkReader(1000)
        heard(reader, Sender(128).send(Message(9, 0, 1, b"x" * 900), 4))
        reader.limit = 500
        self.assertRaises(ChunkFault, heard, reader, b"\xc4")

    def test_many_streams(self) -> None:
        """More chunk streams than anybody needs."""
        reader = ChunkReader(LIMIT)
        for number in range(2, 2 + chunks.CHUNK_STREAMS):
            heard(reader, Sender().send(Message(8, 0, 1, b"x"), number))
        self.assertRaises(ChunkFault, heard, reader, Sender().send(Message(8, 0, 1, b"x"), 1000))

    def test_many_unfinished(self) -> None:
        """Unfinished messages hold twice the limit together, and no more."""
        reader = ChunkReader(1000)
        for number in range(3, 18):
            heard(reader, Sender().chunks(Message(9, 0, 1, b"x" * 900), number)[0])
        self.assertEqual(reader.pending, 15 * 128)
        self.assertRaises(ChunkFault, heard, reader, Sender().chunks(Message(9, 0, 1, b"x" * 900), 18)[0])
        self.assertLess(reader.pending, 2000 + 200)

    def test_refers_to_nothing(self) -> None:
        """A header that repeats one that never was."""
        self.assert_refused(bytes.fromhex("c5"))
        self.assert_refused(bytes.fromhex("85 000000"))

    def test_new_message_too_soon(self) -> None:
        """A message that begins within another of its chunk stream."""
        first = Sender().chunks(Message(9, 0, 1, b"x" * 200), 4)[0]
        for form in (0, 1, 2):
            self.assert_refused(first + basic(form, 4) + bytes(20))

    def test_what_was_before(self) -> None:
        """The messages before a fault are not lost."""
        reader = ChunkReader(LIMIT)
        reader.feed(Sender().send(Message(8, 5, 1, b"abc"), 4) + set_chunk_size(0))
        self.assertEqual(reader.next(), Message(8, 5, 1, b"abc"))
        self.assertRaises(ChunkFault, reader.next)

    @given(st.binary(max_size=3000), CUTS)
    def test_garbage(self, data: bytes, cuts: list[int]) -> None:
        """Garbage is refused or means something, and never holds more than twice the limit and a header."""
        reader = ChunkReader(500)
        try:
            for piece in pieces(data, cuts):
                heard(reader, piece)
                self.assertLessEqual(reader.pending, 1000 + 18)
        except ChunkFault:
            pass
