"""The reactor: Twisted's on epoll, which sends when a turn ends; see :mod:`imsys.reactor`."""

from __future__ import annotations

import errno
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from twisted.internet import epollreactor
from twisted.python import context, log

from imsys.reactor.connections import (
    IDLE,
    QUEUED,
    SENDING,
    WATCHED,
    Client,
    Connection,
    Connector,
    Port,
    Server,
)

MOST_EVENTS = 1024
"""Events of a turn, at most. The kernel gives the others first the next time."""

ROUNDS = 4
"""How often what runs at the end of a turn may ask for more in the same turn: one asks that a batch be
written, that be encrypted.
"""

_INTERNET = (socket.AF_INET, socket.AF_INET6)


class _LogContext(dict[str, Any]):
    """What :mod:`twisted.python.log` adds to a message, with the prefix of the descriptor whose event is
    being handled.
    """

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
    """An epoll reactor with less work for each event of a TCP connection. (Twisted's conformance tests go by
    the name.)
    """

    server_transport = Server
    """What a port that was not made by :meth:`listenTCP` makes connections of, to have them of this reactor's
    kind.
    """

    seconds = staticmethod(time.monotonic)
    """Not the time of day, as Twisted's own: that may be set, and every timed call would come early, or much
    too late.
    """

    def __init__(self) -> None:
        # in order; one that has stopped since, or is in here twice, is passed over
        self.unsent: list[Connection] = []
        self._at_turn_end: list[Callable[[], object]] = []
        self._asleep = False
        self._woken = False
        self.quick: set[Any] = {Server, Client}
        """Kinds of descriptors that are asked to read with nothing around it: each closes its socket itself, removes itself
        then, and raises nothing."""
        self.handling: Any = None
        """The descriptor whose event is being handled."""
        super().__init__()

    def callAtTurnEnd(self, function: Callable[[], object]) -> None:
        """Call this once when the current turn is over, before what was written in it is sent.

        What it writes leaves with that. An exception is logged, and stops nothing else. Not for other
        threads.
        """
        self._at_turn_end.append(function)

    # -- what makes connections

    def listenTCP(self, port: Any, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        """See :class:`twisted.internet.interfaces.IReactorTCP`."""
        listening = Port(port, factory, backlog, interface, self)
        listening.startListening()
        return listening

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30.0, bindAddress: Any = None
    ) -> Any:
        """See :class:`twisted.internet.interfaces.IReactorTCP`."""
        connector = Connector(host, port, factory, timeout, bindAddress, self)
        connector.connect()
        return connector

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: Any, factory: Any) -> Any:
        """See :class:`twisted.internet.interfaces.IReactorSocket`."""
        if addressFamily not in _INTERNET:
            return super().adoptStreamPort(fileDescriptor, addressFamily, factory)
        listening = Port._fromListeningDescriptor(self, fileDescriptor, addressFamily, factory)
        listening.startListening()
        return listening

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: Any, factory: Any) -> Any:
        """See :class:`twisted.internet.interfaces.IReactorSocket`."""
        if addressFamily not in _INTERNET:
            return super().adoptStreamConnection(fileDescriptor, addressFamily, factory)
        return Server._fromConnectedSocket(fileDescriptor, addressFamily, factory, self)

    # -- interest in writing

    def addWriter(self, writer: Any) -> None:
        """Watch a descriptor for room; a connection is asked to send when the turn ends instead."""
        if not isinstance(writer, Connection) or not writer.connected:
            super().addWriter(writer)
        elif writer.writing == IDLE:
            writer.writing = QUEUED
            self.unsent.append(writer)

    def removeWriter(self, writer: Any) -> None:
        """Forget that a descriptor wants to write."""
        if isinstance(writer, Connection):
            writer.writing = IDLE
        super().removeWriter(writer)

    def removeAll(self) -> Any:
        """Forget every descriptor, and give them back."""
        queued = self._queued()
        for connection in queued:
            connection.writing = IDLE
        return list({*super().removeAll(), *queued})

    def getWriters(self) -> Any:
        """Every descriptor that wants to write."""
        return super().getWriters() + self._queued()

    def _queued(self) -> list[Connection]:
        return [connection for connection in dict.fromkeys(self.unsent) if connection.writing == QUEUED]

    # -- signals

    def _signalled(self, number: int, frame: object = None) -> None:
        """Have the reactor end. Nothing is logged here: what the signal interrupted may be a log's line."""
        self.callFromThread(self._asked_to_end, number)

    sigInt = sigBreak = sigTerm = _signalled

    def _asked_to_end(self, number: int) -> None:
        if not self._stopped:  # by an earlier signal of the same turn
            log.msg(f"Received {signal.Signals(number).name}, shutting down.")
            self._exitSignal = number
            self.stop()

    # -- the turn

    def mainLoop(self) -> None:
        """Turn after turn, until the reactor is stopped."""
        context.call({log.ILogContext: _LogContext(self)}, super().mainLoop)

    def runUntilCurrent(self) -> None:
        """Make the calls that are due, and send what was written since the last time."""
        super().runUntilCurrent()
        if self._at_turn_end or self.unsent:
            self._end_turn()

    def timeout(self) -> float | None:
        """How many seconds to wait: none where something is left to do."""
        if self._at_turn_end or self.unsent or self._justStopped:
            return 0.0
        waiting: float | None = super().timeout()
        return waiting

    def wakeUp(self) -> None:
        """Have a turn begin; from any thread."""
        # before the other is looked at, as doPoll does it the other way round: one of the two sees it
        self._woken = True
        if self._asleep:
            self._asleep = False
            super().wakeUp()

    def doPoll(self, timeout: float | None) -> None:
        """Wait, then read, and write to what was full."""
        self._asleep = True
        if self._woken:
            timeout = 0.0
        try:
            events = self._poller.poll(-1 if timeout is None else timeout, MOST_EVENTS)
        except OSError as error:
            if error.errno == errno.EINTR:
                return
            raise
        finally:
            self._woken = False
            self._asleep = False
        selectables, readable, quick = self._selectables, select.EPOLLIN, self.quick
        for fd, event in events:
            selectable = selectables.get(fd)
            if selectable is None:
                continue
            self.handling = selectable
            if event != readable or selectable.__class__ not in quick:
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

    def _end_turn(self) -> None:
        for _ in range(ROUNDS):
            functions, self._at_turn_end = self._at_turn_end, []
            for function in functions:
                try:
                    function()
                except BaseException:
                    log.err()
            if not self._at_turn_end:
                break
        unsent, self.unsent = self.unsent, []
        for connection in unsent:
            if connection.writing == QUEUED:
                self._send(connection)
        self.handling = None

    def _send(self, connection: Connection) -> None:
        self.handling = connection
        connection.writing = SENDING
        try:
            why = connection.doWrite()
        except BaseException as error:
            log.err()
            why = error
        if why:
            log.callWithLogger(connection, self._disconnectSelectable, connection, why, False)
        elif connection.writing == SENDING:
            connection.writing = WATCHED
            super().addWriter(connection)
