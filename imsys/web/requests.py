"""One request: its head, and its body as it comes in."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Protocol

from imsys.errors import Status
from imsys.protocols.source import ClientAddress
from imsys.web.answers import Problem

QUERY_FIELDS = 16
"""Fields of a query at most."""

_HOST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[A-Za-z0-9:.%_~-]+\])(?::[0-9]*)?")
"""What stands in ``Host`` (RFC 9110, 7.2); it may be empty."""

NOBODY = ClientAddress("local", False, "local")


class Body(Protocol):
    """The bytes of a request, taken from the connection as its handler asks for them."""

    async def read(self) -> bytes:
        """The next bytes, however many came; none: the end. Nothing is read from the peer while nobody asks.

        :raises Problem: 400, it is not formed as HTTP wants; 408, the peer is too slow.
        :raises PeerGone: the connection broke.
        """
        ...

    def fail(self, error: Exception) -> None:
        """Whoever reads, now or later, gets this error."""
        ...


class Request:
    """One request.

    Header names are in lower case; of a query, only what handlers ask for is looked at, and nothing is
    logged.
    """

    __slots__ = ("_headers", "body", "known", "length", "lost", "method", "path", "query", "source")

    def __init__(self, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: Body) -> None:
        """:raises Problem: 400, the target or the host is none, or nobody can be sure where the body ends."""
        self.method = method
        self.path, self.query = _split(target)
        self.body = body
        self.source = NOBODY
        """Who sent it, as far as its connection, and a proxy that is trusted, tell."""
        self.known: Callable[[int], None] = _nobody_asks
        """Called by its handler, with the user whose request it is (0: nobody's in particular): it is no
        stranger's.
        """
        self.lost: Callable[[], object] | None = None
        """Called when nobody waits for the response any more; set by its handler."""
        self._headers: dict[str, str] = {}
        for raw, value in headers:
            name, text = raw.decode("latin-1"), value.decode("latin-1")
            before = self._headers.get(name)
            self._headers[name] = text if before is None else f"{before}, {text}"
        # h11 has seen that there is one, and no other
        if _HOST.fullmatch(self._headers.get("host", "")) is None:
            raise Problem(400, Status.JSONPARSE_ERROR, "This is not the name of a host.")
        length = self._headers.get("content-length")
        # how requests are smuggled past proxies (RFC 9112, 6.1)
        if length is not None and "transfer-encoding" in self._headers:
            raise Problem(
                400, Status.JSONPARSE_ERROR, "A request has Content-Length or Transfer-Encoding, not both."
            )
        self.length: int | None
        """Bytes of the body; ``None`` where they are not known before its end."""
        if length is not None:
            self.length = int(length)
        else:
            self.length = None if "transfer-encoding" in self._headers else 0

    def header(self, name: str) -> str | None:
        """The value of a header; several of one name are joined with commas."""
        return self._headers.get(name)

    def headers(self, name: str) -> tuple[str, ...]:
        """The same, as the only one of several values; none where there is no such header."""
        value = self._headers.get(name)
        return () if value is None else (value,)

    def field(self, name: str) -> str | None:
        """The value of a field of the query, the first one.

        :raises Problem: 400, the query has too many fields.
        """
        if not self.query:
            return None
        try:
            return urllib.parse.parse_qs(self.query, max_num_fields=QUERY_FIELDS, errors="replace").get(
                name, [None]
            )[0]
        except ValueError:
            raise Problem(400, Status.INVALID_FIELD, "The query has too many fields.") from None


def _nobody_asks(user: int) -> None:
    """What a request that came over no connection does when its user is known."""


def _split(target: str) -> tuple[str, str]:
    """Path and query of a request's target, in origin or absolute form (RFC 9112, 3.2)."""
    if not target.startswith("/"):
        absolute = re.match(r"https?://[^/?#]+(.*)", target, re.IGNORECASE | re.DOTALL)
        if absolute is None:
            if target == "*":  # OPTIONS of the server as a whole
                return "*", ""
            raise Problem(400, Status.JSONPARSE_ERROR, "This is not the target of a request.")
        target = absolute[1] if absolute[1].startswith("/") else f"/{absolute[1]}"
    path, _, query = target.partition("?")
    return path, query
