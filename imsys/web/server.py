"""All connections with HTTP of one server: let in where there is room, closed when it stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email.utils import formatdate

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

from imsys.errors import Refused
from imsys.protocols.crowd import Crowd
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.present import Present
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
        self.crowd = crowd
        self.proxies = proxies
        self.closing = False
        self.wheel = DeadlineWheel(clock)
        self._calendar = calendar
        self._date = 0, ""
        self._clock = clock
        self._answer = answer
        self._verbose = verbose
        self._open = Present[HttpConnection]()

    def __len__(self) -> int:
        return len(self._open)

    def seconds(self) -> float:
        """The time by which deadlines are."""
        return float(self._clock.seconds())

    def date(self) -> str:
        """What time it is, as responses say it."""
        now = int(self._calendar())
        if now != self._date[0]:
            self._date = now, formatdate(now, usegmt=True)
        return self._date[1]

    def later(self, call: Callable[[], None]) -> None:
        """Have this called in the next turn."""
        self._clock.callLater(0, call)

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """A new connection; ``None``: there is no room for one."""
        connection, host = HttpConnection(self), getattr(addr, "host", "")
        if not self.crowd.enter(connection, None if self.proxies.trusts(host) else limit_key(host)):
            return None
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
        if self._verbose:
            fields = {"method": request.method, "path": request.path, "source": request.source.limit_key, "status": response.status}
            _log.debug("{method} {path} from {source}: {status}", **fields)
        return response

    def ended(self, connection: HttpConnection) -> None:
        """A connection is gone."""
        self.crowd.leave(connection)
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
        self.crowd.stop()
        try:
            await self.emptied().addTimeout(self.settings.grace, self._clock)
        except DeferredTimeout:
            for connection in list(self._open):
                connection.abort("the server stops")
            await self.emptied()
