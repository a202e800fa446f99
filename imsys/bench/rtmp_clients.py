"""Connections that publish or play a stream: many are made at the same time, since some servers let each wait
for TCP's delayed answers.
"""

from __future__ import annotations

import selectors
import socket
from typing import TypeAlias

from imsys.bench.tasks import Stream
from imsys.errors import PeerFault
from imsys.protocols.rtmp.client import ClientConnection, Failed, Purpose, Started

PATIENCE = 30.0
"""Seconds that a server may take to answer."""
_AT_ONCE = 64

Joined: TypeAlias = tuple[socket.socket, ClientConnection]


def join(stream: Stream, purpose: Purpose, count: int = 1, space: int = 0) -> list[Joined]:
    """So many connections that have started; their sockets block.

    :param space: bytes that the system keeps for each that is not read; 0: what it thinks right.
    :raises RuntimeError: one is refused.
    :raises OSError: nobody is there.
    """
    joined: list[Joined] = []
    asked = 0
    with selectors.DefaultSelector() as selector:
        while len(joined) < count:
            while asked < min(count, len(joined) + _AT_ONCE):
                sock, connection = _ask(stream, purpose, space)
                selector.register(sock, selectors.EVENT_READ, connection)
                asked += 1
            ready = selector.select(PATIENCE)
            if not ready:
                raise RuntimeError(f"a server has not answered for {PATIENCE:g} s")
            for key, _ in ready:
                assert isinstance(key.fileobj, socket.socket)
                if _heard(key.fileobj, key.data):
                    selector.unregister(key.fileobj)
                    joined.append((key.fileobj, key.data))
    return joined


def _ask(stream: Stream, purpose: Purpose, space: int) -> Joined:
    sock = socket.socket()
    if space:  # before it connects: it decides what window can be said
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, space)
    sock.settimeout(PATIENCE)
    sock.connect((stream.host, stream.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    place = {"tcUrl": f"rtmp://{stream.host}:{stream.port}/{stream.app}"}
    connection = ClientConnection(stream.app, stream.name, purpose, properties=place)
    sock.sendall(connection.take())
    return sock, connection


def _heard(sock: socket.socket, connection: ClientConnection) -> bool:
    """Take what a server says; whether it has agreed to everything."""
    data = sock.recv(65536)
    if not data:
        raise RuntimeError("a server closed the connection of a stream")
    try:
        events = list(connection.receive(data))
    except PeerFault as fault:
        raise RuntimeError(f"a server does not speak RTMP: {fault}") from None
    for event in events:
        if isinstance(event, Failed):
            raise RuntimeError(f"a stream is refused: {event.code} {event.description}")
    sock.sendall(connection.take())
    return any(isinstance(event, Started) for event in events)
