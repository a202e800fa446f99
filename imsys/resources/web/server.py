"""All connections with HTTP of one server: as many as it may hold, closed when it stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger, LogLevel

from imsys.errors import Refused
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.present import Present, TurnedAway
from imsys.resources.web.answers import PeerGone, Problem, Response, broken, refusal
from imsys.resources.web.connection import HttpConnection, HttpSettings
from imsys.resources.web.requests import Request
from imsys.tallies import Tally

_log = Logger()

GRACE = 10.0
"""Seconds that requests have to be answered when the server stops; an upload goes on later, where it was."""


class HttpServer(Service, Factory):
    """Hands every request to ``answer``, and makes responses of what that raises.

    Of a request, method, path and status are logged, for debugging; never its query or headers, which may hold tickets.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        settings: HttpSettings,
        answer: Callable[[Request], Awaitable[Response]],
        calendar: Callable[[], float],
    ) -> None:
        """``calendar`` gives Unix seconds."""
        self.settings = settings
        self.closing = False
        self.wheel = DeadlineWheel(clock)
        self.calendar = calendar
        self._clock = clock
        self._answer = answer
        self._open = Present[HttpConnection]()
        self._full = Tally(clock, _log, LogLevel.warn, "refusing the connection from {peer}: there are {count} already")

    def __len__(self) -> int:
        return len(self._open)

    def seconds(self) -> float:
        """The time by which deadlines are."""
        return float(self._clock.seconds())

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """A new connection; one that is closed at once when there are as many as there may be."""
        if len(self._open) >= self.settings.capacity:
            self._full.add(peer=addr, count=len(self._open))
            return TurnedAway()
        connection = HttpConnection(self)
        self._open.add(connection)
        return connection

    async def answer(self, request: Request) -> Response:
        """The response to a request. :raises PeerGone: nobody waits for it."""
        try:
            response = await self._answer(request)
        except PeerGone:
            raise
        except Problem as problem:
            response = problem.response()
        except Refused as refused:
            response = refusal(refused).response()
        except Exception:
            _log.failure("{method} {path} failed", method=request.method, path=request.path)
            response = broken().response()
        _log.debug("{method} {path}: {status}", method=request.method, path=request.path, status=response.status)
        return response

    def ended(self, connection: HttpConnection) -> None:
        """A connection is gone."""
        self._open.leave(connection)

    def drain(self) -> None:
        """Let every connection end with its present request."""
        self.closing = True
        for connection in list(self._open):
            connection.finish()

    def emptied(self) -> Deferred[None]:
        """Fires when there is no connection."""
        return self._open.emptied()

    def startService(self) -> None:
        """Answer requests."""
        self.closing = False
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Close every connection: after its present request, or when that takes too long."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self.drain()
        self._full.stop()
        try:
            await self.emptied().addTimeout(GRACE, self._clock)
        except DeferredTimeout:
            for connection in list(self._open):
                connection.abort()
            await self.emptied()
