"""The first 3,073 bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.rtmp.handshake import ClientHandshake, HandshakeFault, ServerHandshake
from tests.protocols.rtmp.sender import pieces

CUTS = st.lists(st.integers(0, 10**6), max_size=10)
C1 = bytes.fromhex("00000102 00000000") + bytes(index % 256 for index in range(1528))


class ServerTests(SynchronousTestCase):
    @given(CUTS)
    def test_any_pieces(self, cuts: list[int]) -> None:
        """The version and both packets come when the peer's first packet is there; the second is its own.

        What follows are chunks.
        """
        handshake = ServerHandshake()
        answer = rest = b""
        for piece in pieces(b"\x03" + C1 + bytes(1536) + b"chunks", cuts):
            more, behind = (b"", piece) if handshake.done else handshake.receive(piece)
            answer, rest = answer + more, rest + behind
        self.assertEqual(len(answer), 3073)
        self.assertEqual(answer[:9], b"\x03" + bytes(8))
        self.assertEqual(answer[1537:], C1)
        self.assertTrue(handshake.done)
        self.assertEqual(rest, b"chunks")

    def test_not_before_it_is_asked(self) -> None:
        """A peer that has not shown that it speaks RTMP gets no byte, and one that says everything at once
        gets all.
        """
        handshake = ServerHandshake()
        self.assertEqual(handshake.receive(b"\x03" + C1[:-1]), (b"", b""))
        self.assertEqual(len(handshake.receive(C1[-1:])[0]), 3073)
        self.assertFalse(handshake.done)
        self.assertEqual(handshake.receive(bytes(1536) + b"more"), (b"", b"more"))
        self.assertTrue(handshake.done)

    def test_different_each_time(self) -> None:
        """The random bytes are."""
        one, other = (ServerHandshake().receive(b"\x03" + C1)[0] for _ in range(2))
        self.assertNotEqual(one[9:1537], other[9:1537])

    def test_other_protocols(self) -> None:
        """HTTP, TLS, RTMPE and nonsense are refused with their first byte."""
        for data in (b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"\x06", b"\x00"):
            self.assertRaises(HandshakeFault, ServerHandshake().receive, data)

    def test_zero_version_in_second_packet(self) -> None:
        """The version is looked at once; a peer's second packet may begin with anything."""
        handshake = ServerHandshake()
        handshake.receive(b"\x03" + C1)
        handshake.receive(b"\xff")
        self.assertEqual(handshake.receive(bytes(1535)), (b"", b""))
        self.assertTrue(handshake.done)


class BothTests(SynchronousTestCase):
    def test_shake(self) -> None:
        """Our two sides understand each other."""
        client, server = ClientHandshake(), ServerHandshake()
        answer, _ = server.receive(client.hello())
        back, rest = client.receive(answer)
        self.assertTrue(client.done)
        self.assertEqual((back, rest), (answer[1:1537], b""))
        server.receive(back)
        self.assertTrue(server.done)
