"""The body of a request, between the connection that it comes over and the handler that reads it."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred

PROGRESS = 4096
"""Bytes of a body within the time after which it counts as stalled: a peer that sends fewer is as good as
gone.
"""


class BodySource(Protocol):
    """Where a body comes from."""

    def body_wanted(self) -> bool:
        """Give the next bytes to the body, now or when they come; false: there are no more."""
        ...

    def put_off(self) -> None:
        """The peer has time again."""
        ...


class Incoming:
    """A :class:`~imsys.web.requests.Body`; over when its request is answered."""

    __slots__ = ("_absent", "_fault", "_progress", "_reader", "_source")

    def __init__(self, source: BodySource) -> None:
        self._source: BodySource | None = source
        self._reader: Deferred[bytes] | None = None
        self._fault: Exception | None = None
        self._absent = True  # nobody reads: no time of the peer's runs
        self._progress = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for bytes."""
        return self._reader is not None

    async def read(self) -> bytes:
        """See :class:`~imsys.web.requests.Body`."""
        if self._source is None:
            raise RuntimeError("the body of a request is read after its response")
        if self._fault is not None:
            raise self._fault
        if self._absent:
            self._absent = False
            self._put_off()
        reader = self._reader = Deferred()
        if not self._source.body_wanted():
            self._reader = None
            return b""
        return await reader

    def fail(self, error: Exception) -> None:
        """See :class:`~imsys.web.requests.Body`; the first error counts, and none does when it is over."""
        if self._source is not None and self._fault is None:
            self._fault = error
            self._give(error)

    def give(self, data: bytes) -> None:
        """Bytes for the one who waits; none: the end."""
        self._progress += len(data)
        if self._progress >= PROGRESS:
            self._put_off()
        self._give(data)
        self._absent = self._reader is None

    def _give(self, what: bytes | Exception) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            if isinstance(what, bytes):
                reader.callback(what)
            else:
                reader.errback(what)

    def _put_off(self) -> None:
        self._progress = 0
        if self._source is not None:
            self._source.put_off()

    def over(self) -> None:
        """The request is answered."""
        self._source = None
