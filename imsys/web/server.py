"""The HTTP server: admits connections while there is room, and closes them when it stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email.utils import formatdate

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

from imsys.errors import Refused
from imsys.protocols.connection.connection_set import ConnectionSet
from imsys.protocols.crowd import Crowd
from imsys.protocols.source import Proxies, limit_key
from imsys.web.answers import PeerGone, Problem, Response, broken, refusal
from imsys.web.connection import HttpConnection, HttpSettings
from imsys.web.requests import Request

_log = Logger()

DIRECT = Proxies(())
"""For servers that no proxy stands before."""


class HttpServer(Service, Factory):
    """Hands every request to ``answer``, and turns exceptions into responses.

    Of a request, method, path, source and status are logged, for debugging; never its query or headers, which
    may hold tickets.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        settings: HttpSettings,
        answer: Callable[[Request], Awaitable[Response]],
        calendar: Callable[[], float],
        crowd: Crowd,
        proxies: Proxies = DIRECT,
        *,
        verbose: bool = True,
    ) -> None:
        """:param calendar: gives Unix seconds.
        :param crowd: the connections to all ports of the server together.
        :param proxies: those that are believed for whom they ask.
        :param verbose: log every request; this takes a twentieth of the time of a small one, even where
            nobody reads the log.
        """
        self.settings = settings
        self.proxies = proxies
        self.closing = False
        self.connections = ConnectionSet[HttpConnection](clock, crowd)
        self.emptied = self.connections.emptied
        self._calendar = calendar
        self._date = 0, ""
        self._answer = answer
        self._verbose = verbose

    def date(self) -> str:
        """Return the time as responses have it in ``Date``."""
        now = int(self._calendar())
        if now != self._date[0]:
            self._date = now, formatdate(now, usegmt=True)
        return self._date[1]

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Make a new connection; ``None``: there is no room for one."""
        connection, host = HttpConnection(self), getattr(addr, "host", "")
        return (
            connection
            if self.connections.enter(connection, None if self.proxies.trusts(host) else limit_key(host))
            else None
        )

    async def answer(self, request: Request) -> Response:
        """Return the response to a request. :raises PeerGone: nobody waits for it."""
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
        if self._verbose:
            fields = {
                "method": request.method,
                "path": request.path,
                "source": request.source.limit_key,
                "status": response.status,
            }
            _log.debug("{method} {path} from {source}: {status}", **fields)
        return response

    def drain(self) -> None:
        """Close every connection after its present request."""
        self.closing = True
        for connection in self.connections:
            connection.finish()

    def startService(self) -> None:
        """Answer requests."""
        self.closing = False
        super().startService()

    def stopService(self) -> Deferred[int]:
        """Close every connection after its present request.

        Cut those that take longer than the settings' ``grace``.
        """
        super().stopService()
        self.drain()
        self.connections.crowd.stop()
        return Deferred.fromCoroutine(self.connections.stop(self.settings.grace, "the server stops"))
