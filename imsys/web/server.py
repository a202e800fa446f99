"""All connections with HTTP of one server: let in where there is room, closed when it stops."""

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
"""No proxies at all."""


class HttpServer(Service, Factory):
    """Hands every request to ``answer``, and makes responses of what that raises.

    Of a request, method, path, source and status are logged, for debugging; never its query or headers, which may hold tickets.
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
        """A server, with as many connections as there is room for in a crowd.

        :param calendar: gives Unix seconds.
        :param proxies: those that are believed who they ask for.
        :param verbose: log every request: to say what nobody hears takes a twentieth of the time of a small one.
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

    def __len__(self) -> int:
        return len(self.connections)

    def date(self) -> str:
        """What time it is, as responses say it."""
        now = int(self._calendar())
        if now != self._date[0]:
            self._date = now, formatdate(now, usegmt=True)
        return self._date[1]

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """A new connection; ``None``: there is no room for one."""
        connection, host = HttpConnection(self), getattr(addr, "host", "")
        return connection if self.connections.enter(connection, None if self.proxies.trusts(host) else limit_key(host)) else None

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
        if self._verbose:
            fields = {"method": request.method, "path": request.path, "source": request.source.limit_key, "status": response.status}
            _log.debug("{method} {path} from {source}: {status}", **fields)
        return response

    def drain(self) -> None:
        """Let every connection end with its present request."""
        self.closing = True
        for connection in self.connections:
            connection.finish()

    def startService(self) -> None:
        """Answer requests."""
        self.closing = False
        super().startService()

    def stopService(self) -> Deferred[int]:
        """Close every connection: after its present request, or when that takes too long."""
        super().stopService()
        self.drain()
        return Deferred.fromCoroutine(self.connections.stop(self.settings.grace, "the server stops"))
