"""``GET`` and ``HEAD`` of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from twisted.internet.defer import Deferred

from imsys.errors import Refused, Status
from imsys.resources.budget import Budget
from imsys.resources.transfers import READ, Download, Downloads
from imsys.resources.web.grants import Grants, file_named
from imsys.resources.web.ranges import changed, wanted
from imsys.resources.web.showing import showing
from imsys.security.tickets import Right
from imsys.web.answers import Headers, Response
from imsys.web.requests import Request

PIECE = READ
"""Bytes that are read at a time, from one multiple of it to the next."""

SMALL_PIECE = 1 << 16
"""Bytes that are read at a time, and none ahead, when what waits for all peers together has used up its
memory.
"""


class Pieces:
    """Reads a part of a file piece by piece; the next one while the one before it is sent.

    :param most: bytes that the file gives at a time at most; not fewer than :data:`SMALL_PIECE`.
    """

    def __init__(self, download: Download, begin: int, end: int, most: int, budget: Budget) -> None:
        self.length: int | None = end - begin
        self._download = download
        self._at = begin  # of what is read next
        self._end = end
        self._piece = min(PIECE, most // SMALL_PIECE * SMALL_PIECE)
        self._budget = budget
        self._ahead: tuple[Deferred[bytes], int] | None = None
        self._taken = 0  # of the budget, for what is being sent
        self._ended: Refused | None = None
        self.let_go: Callable[[], None] = lambda: None
        """Called when nothing more is read."""

    def end(self, reason: str) -> None:
        """Break off with the next piece."""
        self._ended = Refused(Status.PERMISSION_DENIED, reason)

    async def open(self) -> None:
        """Read the first piece. :raises Refused: ``FILE_WRITE_ERROR``, the store does not give it."""
        if self._at < self._end:
            self._read()
            assert self._ahead is not None
            reading, taken = self._ahead
            try:
                piece = await reading
            except BaseException:
                await self.aclose()
                raise
            self._ahead = _given(piece), taken

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self._budget.give(self._taken)
        self._taken = 0
        if self._ended is not None:
            raise self._ended
        if self._ahead is None:
            if self._at >= self._end:
                raise StopAsyncIteration
            self._read()
        assert self._ahead is not None
        reading, self._taken = self._ahead
        self._ahead = None
        piece = await reading
        if self._at < self._end:
            self._read(ahead=True)
        return piece

    def _read(self, *, ahead: bool = False) -> None:
        """Begin to read the next piece, if there is memory.

        Where it is not ahead, there always is for a small one.
        """
        size = min(self._piece - self._at % self._piece, self._end - self._at)
        taken = size if self._budget.take(size) else 0
        if not taken:
            if ahead:
                return
            size = min(SMALL_PIECE - self._at % SMALL_PIECE, size)
        self._ahead = Deferred.fromCoroutine(self._download.read(self._at, size)), taken
        self._at += size

    async def aclose(self) -> None:
        """Give the memory back; what is being read is not waited for."""
        self.let_go()
        self._budget.give(self._taken)
        self._taken, self._at = 0, self._end
        if self._ahead is not None:
            (reading, taken), self._ahead = self._ahead, None

            def over(_: object) -> None:
                self._budget.give(taken)

            reading.addBoth(over)


def _given(piece: bytes) -> Deferred[bytes]:
    done: Deferred[bytes] = Deferred()
    done.callback(piece)
    return done


class DownloadHandler:
    """Gives whole files to whoever has a ticket to read them.

    :param budget: bytes, of all downloads together, that wait to be taken by peers.
    :param most: bytes that a download gives at a time at most.
    """

    def __init__(self, downloads: Downloads, grants: Grants, budget: Budget, most: int) -> None:
        self._downloads = downloads
        self._grants = grants
        self._budget = budget
        self._most = most

    async def get(self, request: Request, name: str) -> Response:
        """Send a file, a part of it, or word that the client has it already; for HEAD, the headers alone.

        Its first bytes have been read when this returns: what the store gives wrongly is an error, and not a
        body that breaks off.
        """
        file_id = file_named(name)
        ticket = await self._grants.of(request, Right.READ, file_id, in_query=True)
        download = await self._downloads.open(file_id)
        content = download.content
        etag = f'"{content.sha256.hex()}"'
        common: Headers = (("ETag", etag), ("Cache-Control", "private, no-cache"), ("Accept-Ranges", "bytes"))
        if not changed(request, etag):
            return Response(304, common)
        part = wanted(request, content.size, etag)
        begin, end = part if part is not None else (0, content.size)
        headers = (*common, *showing(download.file.mime, download.file.filename))
        if part is not None:
            headers += (("Content-Range", f"bytes {begin}-{end - 1}/{content.size}"),)
        pieces = Pieces(download, begin, end, self._most, self._budget)
        if request.method != "HEAD":
            pieces.let_go = partial(self._grants.release, self._grants.hold(ticket, pieces.end))
            await pieces.open()
        return Response(206 if part is not None else 200, headers, pieces)
