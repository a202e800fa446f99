"""txredisapi's protocol with hiredis at both ends: commands packed and replies parsed in C.

Imported when the first connection is made, since txredisapi imports the global
reactor, which must not be installed by importing our modules.
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
    """One connection. Calls with a thousand words cost about 1 µs a word less than by txredisapi alone.

    There are no transactions here (scripts take their place), no text is turned into numbers, and nothing is
    said to the server before it is asked to: :meth:`together` is for what comes first.
    """

    retired = False
    """Whether it closes with the last reply that it waits for."""

    def connectionMade(self) -> None:
        """Take commands."""
        self._ready = True

    async def together(self, *commands: tuple[str | bytes | int, ...]) -> list[Any]:
        """Send commands in one piece; the reply of each, or the :class:`RedisError` that it is."""
        replies = [self.execute_command(*words).addErrback(_error) for words in commands]
        return [await reply for reply in replies]

    def retire(self) -> None:
        """Close, when what is on its way has been answered."""
        self.retired = True
        if not self.replyQueue.waiting:
            self.transport.loseConnection()

    def closed(self) -> Deferred[None]:
        """Fires when the connection is gone."""
        return self.whenDisconnected().addCallback(lambda _: None) if self.connected else succeed(None)

    def _build_command(self, *words: str | bytes | int | float, **_: object) -> bytes:
        packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # it says that it takes one word only
        return packed

    def dataReceived(self, data: bytes, unpause: bool = False) -> None:
        """Hand on every reply that is complete; what is no reply at all ends the connection."""
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not False:  # its word for "none yet": RESP 2 has no such value
                self.replyReceived(reply)
        except InvalidData as error:
            _log.error("what answers as Redis is none: {reason}", reason=str(error))
            self.transport.abortConnection()
        if self.retired and not self.replyQueue.waiting:
            self.transport.loseConnection()


def _error(failure: Failure) -> BaseException | None:
    failure.trap(RedisError)  # else it was cancelled
    return failure.value


class Connecting(Factory):
    """Makes connections.

    :param timeout: seconds after which a connection that has not replied is ended.
    """

    noisy = False

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    def buildProtocol(self, addr: IAddress | None) -> PackedProtocol:
        """One of them."""
        return PackedProtocol(charset=None, replyTimeout=self._timeout, convertNumbers=False)
