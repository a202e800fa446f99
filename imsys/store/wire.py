"""The socket of a database connection, for a driver that runs on the reactor's thread.

The driver reads and writes as if it could wait; it must be called by :func:`imsys.store.waiting.run`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReadWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from imsys.store.replies import Reply
from imsys.store.waiting import Resume, wait

AT_ONCE = 1 << 15
"""Bytes read at once; more than a record of TLS has, so that none is left within it where no reactor sees it, and
few enough that no memory is mapped for them, and that the driver does not hold the reactor up with what it makes of them."""


@implementer(IReadWriteDescriptor)
class Wire:
    """A connected socket; TLS, if there is any, is up.

    :param seconds: for which an answer, or room for more to be sent, is waited for.
    :raises OSError: from its methods: the connection is lost, or that time is over.
    """

    def __init__(self, reactor: Any, sock: socket.socket, seconds: float) -> None:
        self._reactor = reactor
        self._socket = sock
        self._seconds = seconds
        self._received = bytearray()
        self._lost: OSError | None = None
        self._waiting: Resume | None = None
        self._reply: Reply | None = None  # that is waited for
        self._sending = False
        self._due = 0.0
        self._deadline: IDelayedCall | None = None
        sock.setblocking(False)
        reactor.addReader(self)

    @property
    def lost(self) -> bool:
        """Whether the connection has ended."""
        return self._lost is not None

    # -- for the driver

    def read(self, count: int) -> bytes:
        """Return so many bytes, when they are there."""
        received = self._received
        while len(received) < count:
            self._check()
            wait(self._until)
        data = bytes(received[:count])
        del received[:count]
        return data

    def reply(self, number: int) -> Reply:
        """Return the answer to a command when all of it is there; ``number`` is that of its first packet."""
        reply = Reply(number)
        if not reply.take(self._received):
            self._check()
            self._reply = reply
            try:
                wait(self._until)
                self._check()
            finally:
                self._reply = None
        return reply

    def sendall(self, data: bytes) -> None:
        """Return when everything is on its way."""
        rest = memoryview(data)
        while rest:
            self._check()
            try:
                sent = self._socket.send(rest)
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._sending = True
                self._reactor.addWriter(self)
                wait(self._until)
            except OSError as error:
                self._end(error)
            else:
                rest = rest[sent:]

    def settimeout(self, seconds: float | None) -> None:
        """Do nothing: it has its own deadline."""

    def close(self) -> None:
        """Close the connection; whoever waits for it is told."""
        self._end(OSError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED)))

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _until(self, resume: Resume) -> None:
        self._waiting = resume
        self._put_off()

    def _put_off(self) -> None:
        self._due = self._reactor.seconds() + self._seconds
        if self._deadline is None:  # one timer for many waits, as most are short
            self._deadline = self._reactor.callLater(self._seconds, self._late)

    def _late(self) -> None:
        left = self._due - self._reactor.seconds()
        if self._waiting is None:
            self._deadline = None
        elif left > 0:
            self._deadline = self._reactor.callLater(left, self._late)
        else:  # a process that stood still looks at its sockets once before it gives one up
            self._deadline = self._reactor.callLater(0, self._too_late, self._due)

    def _too_late(self, due: float) -> None:
        self._deadline = None
        if self._waiting is None or self._due != due:
            self._late()
        else:
            self._end(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))

    def _end(self, error: OSError) -> None:
        if self._lost is not None:
            return
        self._lost = error
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        with contextlib.suppress(OSError):
            self._socket.close()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._go_on()

    def _go_on(self) -> None:
        resume, self._waiting, self._sending = self._waiting, None, False
        if resume is not None:
            resume(None)

    # -- for the reactor

    def fileno(self) -> int:
        """Return the descriptor; -1 when it is closed."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Name it in the log."""
        return "database"

    def doRead(self) -> None:
        """Take what has come."""
        try:
            data = self._socket.recv(AT_ONCE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            self._end(error)
            return
        if not data:
            self._end(OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))
            return
        self._received += data
        if self._reply is not None:
            self._more(self._reply)
        elif not self._sending:
            self._go_on()

    def _more(self, reply: Reply) -> None:
        try:
            whole = reply.take(self._received)
        except OSError as error:
            self._end(error)
            return
        if whole:
            self._reply = None
            self._go_on()
        else:
            self._put_off()

    def doWrite(self) -> None:
        """Send on."""
        self._reactor.removeWriter(self)
        self._go_on()

    def connectionLost(self, reason: Failure) -> None:
        """Note that the reactor has found the connection to be over."""
        self.close()
