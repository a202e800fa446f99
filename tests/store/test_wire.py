"""A socket that is waited for on the reactor's thread."""

from __future__ import annotations

import errno
import functools
import socket
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from imsys.store.waiting import run
from imsys.store.wire import Wire

MUCH = 1 << 20
"""Bytes, more than the socket holds and than are read at once."""


class WireTests(TestCase):
    timeout = 20

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor

    def wire(self, seconds: float = 10.0) -> tuple[Wire, socket.socket]:
        """One, and its other end, which never waits."""
        ours, theirs = socket.socketpair()
        wire = Wire(self.reactor, ours, seconds)
        self.addCleanup(theirs.close)
        self.addCleanup(wire.close)
        theirs.setblocking(False)
        return wire, theirs

    async def lost(self, running: Deferred[Any], number: int) -> None:
        error: Any = await self.assertFailure(running, OSError)
        self.assertEqual(error.errno, number)

    async def test_pieces(self) -> None:
        """What comes in pieces is read in others, of any size."""
        wire, theirs = self.wire()
        reading = run(lambda: [wire.read(count) for count in (0, 1, 4, 3)])
        for piece in (b"ab", b"cdefg", b"h"):
            self.assertNoResult(reading)
            theirs.sendall(piece)
            await deferLater(self.reactor, 0.01)
        self.assertEqual(await reading, [b"", b"a", b"bcde", b"fgh"])

    async def test_answer(self) -> None:
        """A whole answer is waited for, in whatever pieces it comes; one that is not in order ends the connection."""
        wire, theirs = self.wire()
        reading = run(lambda: wire.reply(1).packets)
        done = b"\x00\x00\x00\x02\x00\x00\x00"
        for piece in (b"\x07\x00", b"\x00\x01" + done[:3], done[3:]):
            self.assertNoResult(reading)
            theirs.sendall(piece)
            await deferLater(self.reactor, 0.01)
        self.assertEqual(await reading, [done])
        reading = run(lambda: wire.reply(2).packets)
        theirs.sendall(b"\x07\x00\x00\x01" + done)
        await self.lost(reading, errno.EPROTO)
        wire, theirs = self.wire()
        reading = run(lambda: wire.reply(1).packets)
        theirs.close()
        await self.lost(reading, errno.ECONNRESET)
        wire, theirs = self.wire(0.05)
        await self.lost(run(lambda: wire.reply(1).packets), errno.ETIMEDOUT)

    async def test_large(self) -> None:
        """What is larger than a socket holds is sent as it is taken, and read as it comes."""
        wire, theirs = self.wire()
        other = Wire(self.reactor, theirs, 10.0)
        self.addCleanup(other.close)
        data = bytes(range(256)) * (5 * MUCH // 1024) + b"the end"
        sending, reading = run(lambda: wire.sendall(data)), run(lambda: other.read(len(data)))
        await sending
        self.assertEqual(await reading, data)

    async def test_told_while_sending(self) -> None:
        """What comes while it sends is kept for who reads."""
        wire, theirs = self.wire()
        sending = run(lambda: wire.sendall(b"x" * MUCH))
        theirs.sendall(b"too large")
        await deferLater(self.reactor, 0.01)
        self.assertNoResult(sending)
        theirs.close()
        error: Any = await self.assertFailure(sending, OSError)
        self.assertEqual(await run(lambda: wire.read(9)), b"too large")
        for again in (lambda: wire.read(1), lambda: wire.sendall(b"x")):
            self.assertIs(await self.assertFailure(run(again), OSError), error)

    async def test_closed(self) -> None:
        """Whoever waits for one that ends is told, however it ends; so is who comes later."""
        wire, theirs = self.wire()
        reading = run(lambda: wire.read(1))
        theirs.close()
        await self.lost(reading, errno.ECONNRESET)
        self.assertEqual((wire.lost, wire.fileno()), (True, -1))

        def ask(wire: Wire, question: bytes) -> bytes:
            wire.sendall(question)
            return wire.read(1)

        for fill in (b"", b"x" * MUCH):
            wire, theirs = self.wire()
            waiting = run(functools.partial(ask, wire, fill))
            await deferLater(self.reactor, 0.01)
            wire.close()
            await self.lost(waiting, errno.ECONNABORTED)
            wire.close()
        self.assertEqual([each for each in self.reactor.getDelayedCalls() if "Wire" in str(each)], [])

    async def test_deadline(self) -> None:
        """Nobody waits for longer than they may."""
        wire, _ = self.wire(0.05)
        await self.lost(run(lambda: wire.read(1)), errno.ETIMEDOUT)
        wire, _ = self.wire(0.05)
        await self.lost(run(lambda: wire.sendall(b"x" * MUCH)), errno.ETIMEDOUT)

    async def test_stood_still(self) -> None:
        """An answer that is there is read, although it is late because this process stood still."""
        wire, theirs = self.wire(0.05)
        reading = run(lambda: wire.read(3))
        theirs.sendall(b"yes")
        time.sleep(0.1)  # as if it were stopped
        self.assertEqual(await reading, b"yes")
