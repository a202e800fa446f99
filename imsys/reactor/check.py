"""Whether the reactor works with the Twisted that is installed.

It builds on what Twisted does not promise to keep.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet import base, tcp
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

import twisted
from imsys.reactor.connections import WATCHED, Server
from imsys.reactor.epoll import EPollReactor

FIRST, BEYOND = (26, 4), (27, 0)
"""Versions of Twisted from which on, and up to which, it was tried; the same as in setup.cfg."""

NAMES: tuple[tuple[type, str], ...] = (
    (tcp.Port, "transport"),
    (tcp.Port, "_fromListeningDescriptor"),
    (tcp.Connector, "_makeTransport"),
    (tcp.Server, "_fromConnectedSocket"),
    (base.ReactorBase, "mainLoop"),
    (base.ReactorBase, "seconds"),
)
"""What is overridden or called, and is not met when it is tried out."""

TURNS = 100
"""Turns in which what takes three or four has come to pass."""

LATER = 3600.0
"""Seconds in which a timed call is due that must not come in these turns."""

MUCH = 1 << 20
"""Bytes; more than the kernel keeps for a peer that does not read."""


def check() -> None:
    """See whether it does what it should, in some two milliseconds.

    :raises ImportError: what is different.
    """
    version = tuple(int(part) for part in twisted.__version__.split(".")[:2])
    if not FIRST <= version < BEYOND:
        raise ImportError(f"it was not tried with Twisted {twisted.__version__}")
    for owner, name in NAMES:
        if name not in vars(owner):
            raise ImportError(f"Twisted {twisted.__version__} has no {owner.__name__}.{name}")
    try:
        _try_out()
    except Exception as error:
        raise ImportError(
            f"it does not work with Twisted {twisted.__version__}: {type(error).__name__}: {error}"
        ) from error


def _try_out() -> None:
    reactor = EPollReactor()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MUCH >> 4)
    try:
        told = _Told()
        connection = Server(ours, told, ("check", 0), None, 0, reactor)
        told.makeConnection(connection)
        theirs.send(b"?")
        _turn(reactor, "reading", lambda: told.received == b"?")
        connection.write(b"!")
        reactor.callAtTurnEnd(lambda: connection.write(b"!"))
        _turn(reactor, "sending in one piece", lambda: _taken(theirs) == b"!!")
        connection.write(bytes(MUCH))
        _turn(reactor, "waiting for room", lambda: connection.writing == WATCHED)
        taken = 0

        def everything() -> bool:
            nonlocal taken
            taken += len(_taken(theirs))
            return taken == MUCH

        _turn(reactor, "sending the rest", everything)
        due: list[str] = []
        later = reactor.callLater(LATER, due.append, "later")
        reactor.callLater(0.0, due.append, "now")
        _turn(
            reactor,
            "calling when it is due",
            lambda: due == ["now"] and 0 < LATER - (reactor.timeout() or 0.0) < LATER / 2,
        )
        later.cancel()
        reactor.callFromThread(connection.loseConnection)
        _turn(reactor, "closing", lambda: told.lost)
    finally:
        theirs.close()
        ours.close()
        reactor.waker.connectionLost(None)
        reactor._poller.close()


def _turn(reactor: EPollReactor, what: str, happened: Callable[[], Any]) -> None:
    for _ in range(TURNS):
        if happened():
            return
        reactor.iterate(0.0)
    raise AssertionError(f"{what} does not work")


def _taken(peer: socket.socket) -> bytes:
    try:
        return peer.recv(MUCH)
    except BlockingIOError:
        return b""


class _Told(Protocol):
    received = b""
    lost = False

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
