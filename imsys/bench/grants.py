"""Offer and request files at a chat server, as a client does, to get the grants to send or to read them."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import msgspec

from imsys.bench.tasks import Grant, User
from imsys.errors import ConfigError
from imsys.protocols.framing import CHAT, FrameFormat

PATIENCE = 60.0
"""Seconds that any answer may take."""

_LOGIN, _OFFER, _GET = 5, 64, 66


class Caller:
    """A connection that sends a request and waits for the response; other frames are ignored."""

    def __init__(self, sock: socket.socket, format: FrameFormat) -> None:
        self.sock = sock
        self._format = format
        self._rest = b""

    def ask(self, service: int, answer: int, **keys: object) -> dict[str, Any]:
        """Send a request; return the response. :raises RuntimeError: refused, or the connection ended."""
        return self.ask_encoded(service, answer, msgspec.json.encode(keys))

    def ask_encoded(self, service: int, answer: int, body: bytes) -> dict[str, Any]:
        """Do the same with the JSON of the keys."""
        self.sock.sendall(self._format.encode(service, body))
        while (frame := self._frame())[0] != answer:
            pass
        found: dict[str, Any] = msgspec.json.decode(frame[1])
        if found["error"]:
            raise RuntimeError(f"service {service} is refused: {found['error']} {found.get('message', '')}")
        return found

    def log_in(self, user: User) -> None:
        """Log in. :raises RuntimeError: it is refused."""
        self.ask(_LOGIN, _LOGIN + 1, uuid=str(user[0]), token=user[1])

    def _frame(self) -> tuple[int, bytes]:
        size = self._format.header.size
        head = self._take(size)
        service, total = self._format.header.unpack(head)
        return service, self._take(total - size)

    def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            data = self.sock.recv(65536)
            if not data:
                raise RuntimeError("the server closed a connection")
            self._rest += data
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def context_for(ca: str) -> ssl.SSLContext:
    """Make the TLS context of a client that trusts this authority."""
    return ssl.create_default_context(cafile=ca)


def connected(host: str, port: int, context: ssl.SSLContext | None) -> socket.socket:
    """Connect, with TLS if there is a context. :raises OSError: the connection fails."""
    sock = socket.create_connection((host, port), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock if context is None else context.wrap_socket(sock, server_hostname=host)


class Desk:
    """One user's connection to the chat server."""

    def __init__(self, user: User, context: ssl.SSLContext | None) -> None:
        self._thread = str(user[5])
        _, _, host, port, *_ = user
        self._caller = Caller(connected(host, port, context), CHAT)
        self._caller.log_in(user)

    def offer(self, size: int, *, http: bool) -> Grant:
        """Offer a file to the user's thread."""
        found = self._caller.ask(
            _OFFER, _OFFER + 1, thread_id=self._thread, filename="measured.bin", size=size
        )
        return _grant(found, http=http)

    def get(self, file_id: str, *, http: bool) -> Grant:
        """Ask for a file of that thread."""
        found = self._caller.ask(_GET, _GET + 1, file_id=file_id)
        return _grant(found, http=http)

    def close(self) -> None:
        """Close the connection."""
        self._caller.sock.close()


@contextlib.contextmanager
def desk(user: User, context: ssl.SSLContext | None) -> Iterator[Desk]:
    """Provide a desk for the block. :raises ConfigError: the chat server refuses a request."""
    try:
        with contextlib.closing(Desk(user, context)) as found:
            yield found
    except (OSError, RuntimeError) as problem:
        raise ConfigError(f"the chat server gives no files: {problem}") from None


def _grant(found: dict[str, Any], *, http: bool) -> Grant:
    return Grant(
        host=found["host"],
        port=found["http_port" if http else "port"],
        file_id=found["file_id"],
        ticket=found["ticket"],
    )
