"""What a handler returns or raises, and what HTTP makes of a refusal."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import msgspec

from imsys.errors import Refused, Status, Unavailable
from imsys.web.pushing import Push

Headers = tuple[tuple[str, str], ...]

REASONS = {460: "Checksum Mismatch"}
"""Names of statuses that only tus knows."""


class Stream(Protocol):
    """A body that comes in pieces; it is asked for the next one when the peer has room for it.

    While it is waited for, or between two pieces, it may be closed: the connection is gone.
    """

    length: int | None
    """Bytes that it has; ``None`` where nobody knows, as with a live stream."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Itself."""
        ...

    async def aclose(self) -> None:
        """Let go of everything; also called after the last piece, and where none was asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Response:
    """One response; of a request with HEAD, the body says only how long it would be."""

    status: int
    headers: Headers = ()
    body: bytes | Stream | Push = b""

    @property
    def reason(self) -> str:
        """The words behind the number."""
        return REASONS.get(self.status) or HTTPStatus(self.status).phrase

    def having(self, *headers: tuple[str, str]) -> Response:
        """The same with more headers."""
        return Response(self.status, self.headers + headers, self.body)


class Problem(Exception):
    """A request cannot be granted; raised by handlers, and by what they read a request with.

    :param status: that of HTTP.
    :param error: that of our wire protocol.
    :param message: one English sentence for the person who reads the log.
    """

    def __init__(self, status: int, error: Status, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(status, error, message)
        self.status = status
        self.error = error
        self.message = message
        self.headers: Headers = headers

    def response(self) -> Response:
        """What is sent."""
        body = msgspec.json.encode(_Body(int(self.error), self.message))
        return Response(
            self.status,
            (("Content-Type", "application/json"), ("Cache-Control", "no-store"), *self.headers),
            body,
        )


@dataclass(frozen=True, slots=True)
class _Body:
    error: int
    message: str = field(default="")


class PeerGone(Exception):
    """The connection broke while more of the request was waited for; there is nobody to answer."""


_STATUSES = {
    Status.JSONPARSE_ERROR: 400,
    Status.INVALID_FIELD: 400,
    Status.LOGIN_UNSUCCESSFUL: 401,
    Status.PERMISSION_DENIED: 403,
    Status.NOT_FRIENDS: 403,
    Status.BLOCKED: 403,
    Status.FILE_OPEN_ERROR: 404,
    Status.STREAM_NOT_FOUND: 404,
    Status.FILE_UPLOAD_ERROR: 409,
    Status.RATE_LIMITED: 429,
    Status.GRPC_ERROR: 503,
    Status.REDIS_UNKNOWN_ERROR: 503,
    Status.MYSQL_INTERNAL_ERROR: 503,
    Status.SERVER_BUSY: 503,
    Status.QUOTA_EXCEEDED: 507,
}


def refusal(refused: Refused) -> Problem:
    """A refusal in the words of HTTP; what is our own fault, or the disk's, is a 500."""
    status = 503 if isinstance(refused, Unavailable) else _STATUSES.get(refused.status, 500)
    later = (
        (("Retry-After", str(max(1, math.ceil(refused.retry_after or 1)))),) if status in (429, 503) else ()
    )
    return Problem(status, refused.status, refused.message, *later)


def broken() -> Problem:
    """Something happened that nobody thought of; the log has it."""
    return Problem(500, Status.INTERNAL_ERROR, "Something went wrong here; it was logged.")
