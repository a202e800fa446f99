"""Somebody who goes live, and players' connections, by blocking sockets."""

from __future__ import annotations

import socket
import time
from typing import Any

from imsys.bench.film import frames, opening
from imsys.bench.tasks import Publish, Result, Stream
from imsys.errors import PeerFault
from imsys.protocols.rtmp.client import ClientConnection, Failed, Purpose, Started

PATIENCE = 30.0
"""Seconds that a server may take to answer."""


def connected(stream: Stream, purpose: Purpose) -> tuple[socket.socket, ClientConnection]:
    """A connection that publishes or plays a stream. :raises RuntimeError: it is refused. :raises OSError: nobody is there."""
    sock = socket.create_connection((stream.host, stream.port), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    place: dict[str, Any] = {"tcUrl": f"rtmp://{stream.host}:{stream.port}/{stream.app}"}
    connection = ClientConnection(stream.app, stream.name, purpose, properties=place)
    while True:
        sock.sendall(connection.take())
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
        if any(isinstance(event, Started) for event in events):
            sock.sendall(connection.take())
            return sock, connection


class PublishLoad:
    """One publisher."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._frames = list(frames(publish.bitrate, publish.time))

    def arrive(self) -> None:
        """Go live with something to begin with."""
        self._sock, self._connection = connected(self._publish.stream, Purpose.PUBLISH)
        for message in opening():
            self._connection.send(message)
        self._sock.sendall(self._connection.take())

    def work(self) -> Result:
        """Send everything when it is due."""
        print("measuring", flush=True)
        begin, cpu, late = time.monotonic(), time.process_time(), 0.0
        for frame in self._frames:
            wait = begin + frame.at - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            late = max(late, -wait)
            self._connection.send(frame.stamped(time.monotonic_ns()))
            self._sock.sendall(self._connection.take())
        end = time.monotonic()
        print("measured", flush=True)
        counts = {"sent": len(self._frames), "bytes": sum(len(frame.payload) for frame in self._frames)}
        counts |= {"ended, us": round(end * 1e6), "late, us": round(late * 1e6)}
        return Result(seconds=end - begin, counts=counts, cpu_seconds=time.process_time() - cpu)
