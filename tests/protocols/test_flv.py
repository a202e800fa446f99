"""Files of FLV, as they are written and read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols import flv
from imsys.protocols.flv import FlvFault, FlvReader, encode_tag
from imsys.protocols.media import Kind, Media, media
from tests.protocols.rtmp.sender import pieces

LIMIT = 1000
MEDIA = st.lists(
    st.builds(
        media, st.sampled_from(list(Kind)), st.integers(0, 0xFFFFFFFF), st.binary(min_size=1, max_size=200)
    ),
    max_size=10,
)
SCRIPT = bytes.fromhex("12 000001 000000 00 000000 05 0000000c")


class EncodeTests(SynchronousTestCase):
    def test_tag(self) -> None:
        """A tag has type, size, time with its high byte last, a stream of 0, the payload, and its own size."""
        tag = encode_tag(media(Kind.VIDEO, 0x01020304, b"\x17\x01ab"))
        self.assertEqual(tag, bytes.fromhex("09 000004 020304 01 000000 17016162 0000000f"))

    def test_too_long(self) -> None:
        """A tag of 16 MB cannot be written."""
        self.assertRaises(ValueError, encode_tag, Media(Kind.VIDEO, 0, bytes(0x1000000)))


class ReaderTests(SynchronousTestCase):
    @given(MEDIA, st.lists(st.integers(0, 10**6), max_size=20))
    def test_any_pieces(self, sent: list[Media], cuts: list[int]) -> None:
        """However a file is cut, the messages are those that were written."""
        reader = FlvReader(LIMIT)
        data = flv.HEADER + b"".join(map(encode_tag, sent))
        self.assertEqual([message for piece in pieces(data, cuts) for message in reader.receive(piece)], sent)
        self.assertEqual(reader.pending, 0)

    def test_other_header(self) -> None:
        """A header may be longer, and say that there is no video."""
        self.assertEqual(
            len(FlvReader(LIMIT).receive(b"FLV\x01\x04\x00\x00\x00\x0c" + bytes(3 + 4) + SCRIPT)), 1
        )

    def test_passed_over(self) -> None:
        """Tags of unknown types and encrypted ones are passed over, however long they are.

        Nothing of them is kept.
        """
        reader = FlvReader(LIMIT)
        unknown = bytes.fromhex("0f 00ffff 000000 00 000000") + bytes(0xFFFF + 4)
        encrypted = bytes.fromhex("29 000002 000000 00 000000 aaaa 0000000d")
        reader.receive(flv.HEADER + unknown[:100])
        self.assertEqual(reader.pending, 0)
        self.assertEqual(len(reader.receive(unknown[100:] + encrypted + SCRIPT)), 1)

    def test_refused(self) -> None:
        """What is no FLV, another version, a header of four gigabytes, a type that cannot be, a tag beyond
        the limit.
        """
        for data in (
            b"GIF89a" + bytes(20),
            b"FLV\x02\x05\x00\x00\x00\x09" + bytes(4),
            b"FLV\x01\x05\xff\xff\xff\xff",
            flv.HEADER + b"\xff" + bytes(20),
            flv.HEADER + bytes.fromhex("09 0003e9 000000 00 000000"),
        ):
            self.assertRaises(FlvFault, FlvReader(LIMIT).receive, data)
        self.assertEqual(
            FlvReader(LIMIT).receive(flv.HEADER + bytes.fromhex("09 0003e8 000000 00 000000")), []
        )

    @given(st.binary(max_size=500), st.booleans(), st.lists(st.integers(0, 10**6), max_size=20))
    def test_garbage(self, data: bytes, headed: bool, cuts: list[int]) -> None:
        """Garbage is refused, or holds no more than a tag."""
        reader = FlvReader(100)
        try:
            for piece in pieces(flv.HEADER * headed + data, cuts):
                reader.receive(piece)
                self.assertLessEqual(reader.pending, 111)
        except FlvFault:
            pass
