"""The HTTPS port, which has nothing to offer yet."""

from __future__ import annotations

import io
from typing import Any

import msgspec
from twisted.internet.interfaces import IAddress
from twisted.web import http

from imsys.errors import Status

TIMEOUT = 30.0
"""Seconds that a connection may be idle."""

LARGEST = 1 << 20
"""Bytes of a body, which nobody wants, that are read at most."""

_BODY = msgspec.json.encode({"error": int(Status.JSONPARSE_ERROR), "message": "There is no such path."})


class NothingHere(http.HTTPFactory):
    """Answers every request with 404."""

    noisy = False

    def __init__(self, reactor: Any) -> None:
        super().__init__(timeout=TIMEOUT, reactor=reactor)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A channel whose requests are :class:`NotFound`."""
        channel: Any = super().buildProtocol(addr)
        channel.requestFactory = NotFound
        return channel

    def log(self, request: http.Request) -> None:
        """Write no access log of Twisted's: a query may hold what belongs into no log."""


class NotFound(http.Request):
    """A request for what is not there."""

    _received = 0

    def gotLength(self, length: int | None) -> None:
        """Keep nothing, whatever length is announced."""
        self.content: Any = io.BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Pass over a part of the body."""
        self._received += len(data)
        if self._received > LARGEST:
            transport: Any = self.channel.transport
            transport.abortConnection()

    def process(self) -> None:
        """Say so, and close."""
        self.setResponseCode(http.NOT_FOUND)
        for name, value in (
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % len(_BODY)),
            (b"Connection", b"close"),
            (b"X-Content-Type-Options", b"nosniff"),
        ):
            self.setHeader(name, value)
        self.write(_BODY)
        self.finish()
