"""HTTP byte by byte, for what no HTTP client would send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure


@dataclass
class RawResponse:
    """What came back: the status, the headers in lower case, the body."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RawHttp(Protocol):
    """One connection; collects what arrives."""

    def __init__(self) -> None:
        self.received = b""
        self.closed: Deferred[None] = Deferred()
        self._waiting: Deferred[None] | None = None

    @classmethod
    async def connect(cls, port: int) -> RawHttp:
        from twisted.internet import reactor

        connection = cls()
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), connection)
        return connection

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def close(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._wake()
        self.closed.callback(None)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def response(self, *, head: bool = False) -> RawResponse:
        """The next response; :raises EOFError: the connection ended before it."""
        while True:
            start, end, rest = self.received.partition(b"\r\n\r\n")
            if end:
                lines = start.decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines[1:])
                }
                _, status, reason = lines[0].split(" ", 2)
                length = 0 if head else int(headers.get("content-length", "0"))
                if len(rest) >= length:
                    self.received = rest[length:]
                    return RawResponse(int(status), reason, headers, rest[:length])
            if self.closed.called:
                raise EOFError(self.received)
            self._waiting = Deferred()
            await self._waiting


def post(path: str, body: bytes, *headers: str, version: str = "1.1") -> bytes:
    """The bytes of one request with a body of known length."""
    lines = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(path: str, *chunks: bytes) -> bytes:
    """The bytes of one request in chunks."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body
