"""``--reactor imsys``: Twisted's epoll reactor, with less work for each event of a TCP connection.

What differs from :class:`twisted.internet.epollreactor.EPollReactor`:

* The logging context of an event (whose connection it is) is made when something is logged, not before.
* What connections write in a turn is sent when the turn ends, in one ``send`` for each of them;
  only where the kernel does not take it all is the socket watched for writability.
* :meth:`EPollReactor.callAtTurnEnd` has something run just before that.
"""

from __future__ import annotations

import errno
import select
from collections.abc import Callable
from typing import Any

from twisted.internet import epollreactor, tcp, unix
from twisted.internet.main import installReactor
from twisted.python import context, log

_EAGER = (tcp.Server, tcp.Client, unix.Server, unix.Client)
"""Transports whose ``doWrite`` may be called before the kernel says that there is room: they then send nothing."""


class _LogContext(dict[str, Any]):
    """What :mod:`twisted.python.log` adds to a message, with the prefix of the descriptor whose event is being handled."""

    def __init__(self, reactor: EPollReactor) -> None:
        super().__init__(system="-")
        self._reactor = reactor

    def __getitem__(self, key: str) -> Any:
        if key != "system" or self._reactor.handling is None:
            return super().__getitem__(key)
        try:
            return self._reactor.handling.logPrefix()
        except Exception:
            return "(buggy logPrefix method)"

    def copy(self) -> dict[str, Any]:
        """What a message is made of."""
        return {"system": self["system"]}


class EPollReactor(epollreactor.EPollReactor):
    """See the module. (The name is that of Twisted's: its conformance tests go by it.)"""

    def __init__(self) -> None:
        self._unsent: dict[Any, None] = {}  # connections with something to send at the end of the turn, in order
        self._sending: Any = None  # the one of them that is at it, until it has sent everything
        self._at_turn_end: list[Callable[[], object]] = []
        self.handling: Any = None
        """The descriptor whose event is being handled."""
        super().__init__()

    def callAtTurnEnd(self, function: Callable[[], object]) -> None:
        """Call this once when the current turn is over, before what was written in it is sent.

        An exception is logged, and stops nothing else.
        """
        self._at_turn_end.append(function)

    def mainLoop(self) -> None:
        """Turn after turn, until the reactor is stopped."""
        context.call({log.ILogContext: _LogContext(self)}, super().mainLoop)

    # -- interest in writing

    def addWriter(self, writer: Any) -> None:
        """Watch a descriptor for writability; a connection only once its kernel buffer turns out to be full."""
        if writer.__class__ in _EAGER and writer.connected and writer is not self._sending and writer.fileno() not in self._writes:
            self._unsent[writer] = None
        else:
            super().addWriter(writer)

    def removeWriter(self, writer: Any) -> None:
        """Watch a descriptor for writability no more."""
        if writer is self._sending:
            self._sending = None
        self._unsent.pop(writer, None)
        super().removeWriter(writer)

    def removeAll(self) -> Any:
        """Forget every descriptor, and give them back."""
        unsent = [writer for writer in self._unsent if writer.fileno() not in self._selectables]
        self._unsent.clear()
        return super().removeAll() + unsent

    def getWriters(self) -> Any:
        """Every descriptor that wants to write."""
        return super().getWriters() + list(self._unsent)

    # -- the turn

    def timeout(self) -> float | None:
        """How long the coming poll may wait: not at all where something is left to do."""
        if self._end_turn() or self._justStopped:  # what was sent may have ended it all
            return 0.0
        waiting: float | None = super().timeout()
        return waiting

    def doPoll(self, timeout: float | None) -> None:
        """One turn: wait, then read and write."""
        if self._end_turn() or self._justStopped:  # in somebody else's loop; in ours it was done before the timeout was computed
            timeout = 0.0
        try:
            events = self._poller.poll(-1 if timeout is None else timeout, max(len(self._selectables), 1))
        except OSError as error:
            if error.errno == errno.EINTR:
                return
            raise
        selectables, read_only = self._selectables, select.EPOLLIN
        for fd, event in events:
            selectable = selectables.get(fd)
            if selectable is None:
                continue
            self.handling = selectable
            if event != read_only or selectable.fileno() == -1:
                log.callWithLogger(selectable, self._doReadOrWrite, selectable, fd, event)
                continue
            try:
                why = selectable.doRead()
            except BaseException as error:
                log.err()
                why = error
            if why:
                log.callWithLogger(selectable, self._disconnectSelectable, selectable, why, True)
        self.handling = None

    doIteration = doPoll

    def _end_turn(self) -> bool:
        """Call and send what there is now; whether there is more by then, for the next turn."""
        if not self._at_turn_end and not self._unsent:
            return False
        functions, self._at_turn_end = self._at_turn_end, []
        for function in functions:
            try:
                function()
            except BaseException:
                log.err()
        for _ in range(len(self._unsent)):
            if not self._unsent:
                break
            self._send(next(iter(self._unsent)))
        self.handling = None
        return bool(self._at_turn_end or self._unsent)

    def _send(self, writer: Any) -> None:
        """Send what a connection has, and watch it if that was not everything."""
        del self._unsent[writer]
        self._sending = self.handling = writer
        try:
            why = writer.doWrite()
        except BaseException as error:
            log.err()
            why = error
        left, self._sending = self._sending is not None, None
        if why:
            log.callWithLogger(writer, self._disconnectSelectable, writer, why, False)
        elif left:
            super().addWriter(writer)


def install() -> EPollReactor:
    """Make it the reactor of this process."""
    reactor = EPollReactor()
    installReactor(reactor)
    return reactor
