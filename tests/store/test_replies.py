"""Where the answer of a MySQL server ends, however it is cut."""

from __future__ import annotations

import struct
from unittest import TestCase

from imsys.store.replies import LARGEST, Reply

OK = b"\x00\x01\x00\x02\x00\x00\x00"
OK_MORE = b"\x00\xfc\x2c\x01\xfd\x01\x00\x01\x0a\x00\x00\x00"
"""300 rows, the id 65537, more follows."""
END = b"\xfe\x00\x00\x02\x00"
END_MORE = b"\xfe\x00\x00\x0a\x00"
ERROR = b"\xff\x26\x04#23000Duplicate entry"


def sent(*packets: bytes, first: int = 1) -> bytes:
    """Packets as the server sends them."""
    data, number = b"", first
    for packet in packets:
        for start in range(0, len(packet) + 1, LARGEST):
            part = packet[start : start + LARGEST]
            data += struct.pack("<I", len(part))[:3] + bytes([number & 0xFF]) + part
            number += 1
    return data


class ReplyTests(TestCase):
    def whole(self, *packets: bytes, first: int = 1, step: int = 1) -> Reply:
        """The answer, which comes in pieces, and ends with the last of them; what follows is left."""
        reply, received = Reply(first), bytearray()
        data = sent(*packets, first=first)
        for start in range(0, len(data), step):
            received += data[start : start + step]
            self.assertEqual(reply.take(received), start + step >= len(data), start)
        self.assertEqual((bytes(received), reply.packets), (b"", list(packets)))
        return reply

    def test_statements(self) -> None:
        """One answer for each of them, the last of which says so, or is an error."""
        self.assertIsNone(self.whole(OK).error)
        self.assertIsNone(self.whole(OK_MORE, OK_MORE, OK).error)
        self.assertEqual(self.whole(OK_MORE, ERROR).error, ERROR)
        self.assertEqual(self.whole(b"\x01", b"column", END, ERROR).error, ERROR)
        self.whole(b"\x01", b"column", END, b"\x01x", END_MORE, OK)

    def test_what_follows(self) -> None:
        """What comes behind it stays where it is."""
        received = bytearray(sent(OK) + b"more")
        self.assertTrue(Reply(1).take(received))
        self.assertEqual(received, b"more")

    def test_value(self) -> None:
        """Of any length; rows may begin with any byte."""
        for value in (b"", b"[[1]]", b"x" * 250, b"x" * 251, b"x" * 65535, b"x" * 65536):
            length = len(value)
            row = (
                bytes([length])
                if length < 251
                else b"\xfc" + struct.pack("<H", length)
                if length < 1 << 16
                else b"\xfd" + struct.pack("<I", length)[:3]
            ) + value
            self.assertEqual(self.whole(b"\x01", b"column", END, row, END, step=100).value, value)
        self.assertIsNone(self.whole(b"\x01", b"column", END, b"\xfb", END).value)
        self.assertIsNone(self.whole(b"\x01", b"column", END, END).value)

    def test_more_than_a_packet(self) -> None:
        """A row of 16 MiB is in several, and may be taken for no end of them."""
        for more in (0, 5):
            value = b"\xfe" * (LARGEST - 9 + more)
            row = b"\xfe" + struct.pack("<Q", len(value)) + value
            self.assertEqual(self.whole(b"\x01", b"column", END, row, END, step=1 << 22).value, value)

    def test_numbers(self) -> None:
        """Packets are numbered, and begin again behind 255; one that is missing is noticed."""
        self.whole(*[OK_MORE] * 300, OK, first=250, step=50)
        with self.assertRaisesRegex(OSError, "missing"):
            Reply(2).take(bytearray(sent(OK)))
