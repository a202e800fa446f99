"""Files in frames: bodies to chunks, and back."""

from __future__ import annotations

import struct

import google_crc32c
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.chunks import (
    CREDIT,
    DOWNLOAD_CHUNK,
    OVERHEAD,
    UPLOAD_ACK,
    UPLOAD_CHUNK,
    ChunkFault,
    Count,
    decode_chunk,
    decode_count,
    encode_chunk,
    encode_count,
)
from imsys.protocols.framing import RESOURCES, FrameDecoder

IDS = st.binary(min_size=16, max_size=16)
OFFSETS = st.integers(0, 2**64 - 1)


class ChunkTests(SynchronousTestCase):
    def test_bytes(self) -> None:
        """A chunk is its header, the identifier, the offset, the CRC-32C of its bytes (that of '123456789' is
        e3069283) and them.
        """
        frame = encode_chunk(UPLOAD_CHUNK, b"0123456789abcdef", 0x0102030405060708, b"123456789")
        self.assertEqual(frame.hex(" "), (
            "00 46 00 00 00 2b 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 "
            "01 02 03 04 05 06 07 08 e3 06 92 83 31 32 33 34 35 36 37 38 39"
        ))  # fmt: skip
        ack = encode_count(UPLOAD_ACK, b"0123456789abcdef", 5)
        self.assertEqual(ack, b"\x00\x47\x00\x00\x00\x1e0123456789abcdef\x00\x00\x00\x00\x00\x00\x00\x05")

    @given(st.sampled_from([UPLOAD_CHUNK, DOWNLOAD_CHUNK]), IDS, OFFSETS, st.binary(max_size=300))
    def test_chunk_back(self, service: int, file_id: bytes, offset: int, data: bytes) -> None:
        """What was encoded is decoded."""
        encoded = encode_chunk(service, file_id, offset, data)
        self.assertEqual(len(encoded), OVERHEAD + len(data))
        (frame,) = FrameDecoder(RESOURCES, 1 << 20).feed(encoded)
        chunk = decode_chunk(frame.body)
        self.assertEqual(
            (frame.service, chunk.file_id, chunk.offset, chunk.data, chunk.intact),
            (service, file_id, offset, data, True),
        )
        self.assertIs(type(chunk.data), bytes)

    @given(IDS, st.binary(min_size=1, max_size=100), st.integers(0, 10**6))
    def test_flipped_bit(self, file_id: bytes, data: bytes, place: int) -> None:
        """A bit that is another one is found out."""
        body = bytearray(encode_chunk(UPLOAD_CHUNK, file_id, 0, data)[RESOURCES.header.size :])
        bit = place % (8 * (4 + len(data)))
        body[-1 - bit // 8] ^= 1 << bit % 8
        self.assertFalse(decode_chunk(bytes(body)).intact)

    @given(st.sampled_from([UPLOAD_ACK, CREDIT]), IDS, OFFSETS)
    def test_count_back(self, service: int, file_id: bytes, number: int) -> None:
        """An acknowledgement or a credit comes back."""
        (frame,) = FrameDecoder(RESOURCES, 1 << 20).feed(encode_count(service, file_id, number))
        self.assertEqual((frame.service, decode_count(frame.body)), (service, Count(file_id, number)))

    @given(st.binary(max_size=60))
    def test_any_body(self, body: bytes) -> None:
        """Any body is a chunk, or is refused for its length alone."""
        if len(body) < 28:
            self.assertRaises(ChunkFault, decode_chunk, body)
        else:
            chunk = decode_chunk(body)
            crc = struct.unpack_from("!I", body, 24)[0]
            self.assertEqual((chunk.data, chunk.intact), (body[28:], google_crc32c.value(body[28:]) == crc))
        if len(body) != 24:
            self.assertRaises(ChunkFault, decode_count, body)
