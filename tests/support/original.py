"""The original's Qt client, as far as it reads: its loop, step by step, and a clock that goes on when it has
read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import Protocol

from imsys.protocols.framing import CHAT


class Spinning(Exception):
    """The reading loop would never end."""


class ReadingLoop:
    """What it makes of each read of its socket: one message, or none.

    It keeps a header and a body between reads, and looks for a header only after it has handed a message on.
    So a second frame in a read is taken for more of the first one's body, and what came of a split frame is
    dropped.
    """

    def __init__(self) -> None:
        self.messages: list[tuple[int, dict[str, Any]]] = []
        self._header: tuple[int, int] | None = None  # service, bytes of the body
        self._body: bytes | None = None

    def read(self, data: bytes) -> None:
        """All that a read gave. :raises Spinning: it never comes back from this."""
        while len(data) >= CHAT.header.size:
            if self._header is None:
                service, total = CHAT.header.unpack_from(data)
                self._header = service, total - CHAT.header.size
                data = data[CHAT.header.size :]
            if len(data) < self._header[1]:
                return
            if self._body is None:
                self._body, data = data[: self._header[1]], data[self._header[1] :]
            elif len(data) >= CHAT.header.size:
                raise Spinning
        if self._header is not None and self._body is not None:
            self.messages.append((self._header[0], json.loads(self._body)))
            self._header = self._body = None


class OriginalClient(Protocol):
    """On a socket; ``has_read`` is called after each read."""

    def __init__(self, has_read: Callable[[], object] = lambda: None) -> None:
        self.loop = ReadingLoop()
        self._has_read = has_read
        self.reads = 0
        self.spinning = False

    def dataReceived(self, data: bytes) -> None:
        self.reads += 1
        try:
            self.loop.read(data)
        except Spinning:
            self.spinning = True
        self._has_read()

    @property
    def services(self) -> list[int]:
        """What has come, by its service ids."""
        return [service for service, _ in self.loop.messages]

    def send(self, service: int, /, **keys: Any) -> None:
        """Send a frame."""
        assert self.transport is not None
        self.transport.write(CHAT.encode(service, json.dumps(keys).encode()))
