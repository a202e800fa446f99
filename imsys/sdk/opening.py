"""Open a connection to a server within a deadline."""

from __future__ import annotations

from typing import Any, NoReturn

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError

from imsys.errors import Status, Unavailable
from imsys.sdk.connection import ChatConnection, ConnectionFactory
from imsys.sdk.gateway import ServerAddress
from imsys.sdk.refusals import explain
from imsys.sdk.trust import Trust, endpoint


async def open_connection(
    reactor: Any, connection: ChatConnection, place: ServerAddress, trust: Trust | None, deadline: float
) -> None:
    """Connect to a server; with ``trust``, by TLS, handshake included. On failure the connection is aborted.

    The kernel of a frozen server still accepts connections; only the handshake shows that the server is
    alive.

    :param deadline: seconds.
    :raises Unavailable: it cannot be reached in time, or its certificate is not trusted.
    :raises CancelledError: the caller cancelled it.
    """
    end = reactor.seconds() + deadline
    opening = Deferred.fromCoroutine(_open(reactor, connection, place, trust, deadline)).addTimeout(
        deadline, reactor, _late
    )
    try:
        await opening
    except (CancelledError, Unavailable):
        connection.abort()
        raise
    except Exception as problem:
        connection.abort()
        if isinstance(problem, ConnectingCancelledError):  # raised both on timeout and on cancellation
            if reactor.seconds() < end:
                raise CancelledError from problem
            _late(None, deadline)
        raise Unavailable(Status.NETWORK_ERROR, explain(problem)) from problem


async def _open(
    reactor: Any, connection: ChatConnection, place: ServerAddress, trust: Trust | None, deadline: float
) -> None:
    await endpoint(reactor, place.host, place.port, trust, deadline).connect(ConnectionFactory(connection))
    if trust is not None:
        await connection.when_secured()


def _late(_: object, seconds: float) -> NoReturn:
    raise Unavailable(Status.NETWORK_ERROR, "The server does not answer in time.")
