"""txredisapi's protocol with hiredis for both directions: commands are packed and replies parsed in C.

It is imported with the first connection, since txredisapi imports the global reactor, which must not be
installed by importing our modules.
"""

from __future__ import annotations

from typing import Any

import hiredis
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from txredisapi import HiredisProtocol, InvalidData, RedisError

_log = Logger()


class PackedProtocol(HiredisProtocol):  # type: ignore[misc]  # txredisapi has no types
    """One connection. A call with a thousand words costs about 1 µs per word less than by txredisapi alone.

    There are no transactions (scripts replace them), texts are not converted to numbers, and nothing is sent
    on connect: use :meth:`together` for the first commands.
    """

    retired = False
    """Whether it closes after the last pending reply."""

    def connectionMade(self) -> None:
        """Accept commands."""
        self._ready = True

    async def together(self, *commands: tuple[str | bytes | int, ...]) -> list[Any]:
        """Send commands in one piece; return the reply, or the :class:`RedisError`, of each."""
        replies = [self.execute_command(*words).addErrback(_error) for words in commands]
        return [await reply for reply in replies]

    def retire(self) -> None:
        """Close when all pending commands are answered."""
        self.retired = True
        if not self.replyQueue.waiting:
            self.transport.loseConnection()

    def closed(self) -> Deferred[None]:
        """Fire when the connection is closed."""
        return self.whenDisconnected().addCallback(lambda _: None) if self.connected else succeed(None)

    def _build_command(self, *words: str | bytes | int | float, **_: object) -> bytes:
        packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # annotated for one word
        return packed

    def dataReceived(self, data: bytes, unpause: bool = False) -> None:
        """Pass on all complete replies; invalid data end the connection."""
        self._reader.feed(data)
        try:
            # False means "none yet": RESP 2 has no such value
            while (reply := self._reader.gets()) is not False:
                self.replyReceived(reply)
        except InvalidData as error:
            _log.error("what answers as Redis is none: {reason}", reason=str(error))
            self.transport.abortConnection()
        if self.retired and not self.replyQueue.waiting:
            self.transport.loseConnection()


def _error(failure: Failure) -> BaseException | None:
    failure.trap(RedisError)  # otherwise it was cancelled
    return failure.value


class Connecting(Factory):
    """Makes connections.

    :param timeout: seconds without a reply after which a connection is aborted.
    """

    noisy = False

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    def buildProtocol(self, addr: IAddress | None) -> PackedProtocol:
        """Make the protocol of a connection."""
        return PackedProtocol(charset=None, replyTimeout=self._timeout, convertNumbers=False)
