"""JSON over HTTP: a table of paths, each with the struct of its request and a function that answers it.

Status 200 says that there is an answer, with ``error`` in it (wire protocol,
section 5); other statuses are for what never became a request.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, ISSLTransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http

from imsys.errors import Refused, Status, Unavailable
from imsys.gateway.admission import Place
from imsys.gateway.source import Proxies, Source
from imsys.outages import Outage

_log = Logger()

DRAIN = 1 << 20
"""Bytes of a body that are read at most, so that a client that sends too much still gets to read the answer."""

GRACE = 1 << 16
"""Bytes beyond that after which a connection that is being closed is cut (with TLS, closing waits for the peer)."""

Handler = Callable[[Any, Source], Awaitable[msgspec.Struct]]


Terms = Callable[[Any, Source], Place]
"""Sees whether a request can be granted at all now, and says where it waits. :raises Refused: it cannot."""


class Endpoint:
    """What answers one path: the struct that a request is read into, the function, and what goes before it (by default, nothing)."""

    def __init__(self, kind: type[msgspec.Struct], handle: Handler, terms: Terms | None = None) -> None:
        self.handle = handle
        self.terms = terms
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, body: bytes) -> Any:
        """The struct in a body.

        :raises BodyError: it is no JSON object.
        :raises Refused: 1, a key is lacking or mistyped.
        """
        try:
            body.decode()  # msgspec does not look at the bytes of what it skips
            return self._decoder.decode(body)
        except (ValueError, RecursionError):  # all errors of msgspec and of UTF-8 are ValueErrors
            pass
        try:
            body.decode()
            _object_decoder.decode(body)
        except (ValueError, RecursionError):
            raise BodyError from None
        raise Refused(Status.JSONPARSE_ERROR, "A key is lacking, or its value is of the wrong type.")


_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


class BodyError(Exception):
    """A body is not one JSON object."""


class Problem(msgspec.Struct, frozen=True):
    """The body of an answer that is a refusal."""

    error: int
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    code: HTTPStatus
    body: msgspec.Struct
    headers: tuple[tuple[str, str], ...] = ()


TOO_LARGE = Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Problem(Status.JSONPARSE_ERROR, "The request is too large."))
NO_SUCH_PATH = Answer(HTTPStatus.NOT_FOUND, Problem(Status.JSONPARSE_ERROR, "There is no such path."))
NO_SUCH_METHOD = Answer(HTTPStatus.METHOD_NOT_ALLOWED, Problem(Status.JSONPARSE_ERROR, "Only POST is allowed."), (("Allow", "POST"),))
NO_OBJECT = Answer(HTTPStatus.BAD_REQUEST, Problem(Status.JSONPARSE_ERROR, "The body is not a JSON object."))
BROKEN = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, Problem(Status.INTERNAL_ERROR, "Something went wrong here; it was logged."))


def refusal(refused: Refused) -> Answer:
    """The response to a request that was refused."""
    later = (("Retry-After", str(max(1, math.ceil(refused.retry_after or 1)))),)
    if isinstance(refused, Unavailable) or refused.status is Status.SERVER_BUSY:
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, Problem(Status.SERVER_BUSY, refused.message), later)
    if refused.status is Status.RATE_LIMITED:
        return Answer(HTTPStatus.TOO_MANY_REQUESTS, Problem(refused.status, refused.message), later)
    return Answer(HTTPStatus.OK, Problem(refused.status, refused.message))


class JsonServer(http.HTTPFactory):
    """Serves a table of endpoints.

    :param endpoints: by path, as in ``/trylogin_server``.
    :param body_limit: bytes of the largest body.
    :param timeout: seconds that a connection may be idle, and that a request may take to arrive.
    :param calendar: Unix seconds.
    :param verbose: log every request (at level debug): to say what nobody hears takes a twentieth of the time of a login by token.
    """

    noisy = False

    def __init__(
        self,
        reactor: Any,
        endpoints: Mapping[str, Endpoint],
        *,
        body_limit: int,
        timeout: float,
        proxies: Proxies,
        calendar: Callable[[], float],
        verbose: bool = False,
    ) -> None:
        super().__init__(timeout=timeout, reactor=reactor)
        self.calendar = calendar
        self.body_limit = body_limit
        self.deadline = timeout
        self._endpoints = {path.encode("ascii"): endpoint for path, endpoint in endpoints.items()}
        self._outages = {path: Outage(reactor.seconds, f"Answering {path}") for path in endpoints}
        self._proxies = proxies
        self._verbose = verbose
        self._working = 0
        self._idle: list[Deferred[None]] = []
        self._closing = False

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A channel whose requests are :class:`JsonRequest`."""
        channel: Any = super().buildProtocol(addr)
        channel.requestFactory = functools.partial(JsonRequest, self)
        return channel

    def log(self, request: http.Request) -> None:
        """Write no access log of Twisted's: a query may hold what belongs into no log."""

    async def answer(self, request: JsonRequest) -> Answer | None:
        """Work out the response to a request that has arrived; ``None``: its client has gone before it was begun with."""
        endpoint = self._endpoints.get(request.path)
        if endpoint is None:
            return NO_SUCH_PATH
        if request.method != b"POST":
            return NO_SUCH_METHOD
        source = request.source(self._proxies)
        path = request.path.decode("ascii")
        try:
            answer = Answer(HTTPStatus.OK, await self._work(endpoint, request, source))
        except BodyError:
            answer = NO_OBJECT
        except CancelledError:
            return None
        except Refused as refused:
            answer = refusal(refused)
            if answer.code == HTTPStatus.SERVICE_UNAVAILABLE:
                self._outages[path].failed(str(refused))
        except Exception:
            _log.failure("{path} failed", path=path)
            answer = BROKEN
        else:
            self._outages[path].works()
        if self._verbose:
            _log.debug("{path} from {source}: {code}", path=path, source=source.limit_key, code=int(answer.code))
        return answer

    async def _work(self, endpoint: Endpoint, request: JsonRequest, source: Source) -> msgspec.Struct:
        question = endpoint.read(request.body())
        if endpoint.terms is None:
            return await endpoint.handle(question, source)
        place = endpoint.terms(question, source)
        request.turn = place.enter()
        try:
            await request.turn
        finally:
            request.turn = None
        try:
            return await endpoint.handle(question, source)
        finally:
            place.leave()

    def began(self) -> None:
        """A request is being worked on."""
        self._working += 1

    def ended(self) -> None:
        """Its answer is on the way."""
        self._working -= 1
        if not self._working:
            waiting, self._idle = self._idle, []
            for idle in waiting:
                idle.callback(None)

    @property
    def closing(self) -> bool:
        """Whether connections end with their present request."""
        return self._closing

    def drained(self) -> Deferred[None]:
        """Let every connection end with its present request; fires when none is being worked on."""
        self._closing = True
        idle: Deferred[None] = Deferred()
        if self._working:
            self._idle.append(idle)
        else:
            idle.callback(None)
        return idle


class JsonRequest(http.Request):
    """One request as Twisted reads it: bounds its body, and the time it takes to arrive."""

    def __init__(self, server: JsonServer, channel: Any, queued: object = None) -> None:
        super().__init__(channel, parsePOSTFormSubmission=False)
        self._server = server
        self.turn: Deferred[None] | None = None
        """What it waits for, if it does, before it is worked on."""
        self._received = 0
        self._too_large = False
        self._late: IDelayedCall | None = server.reactor.callLater(server.deadline, self._expire)

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory, whatever length is announced; :meth:`handleContentChunk` bounds it."""
        self.content: Any = io.BytesIO()
        self._announced = length or 0

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, or answer that there is too much of it."""
        self._received += len(data)
        if max(self._received, self._announced) <= self._server.body_limit:
            self.content.write(data)
        elif not self._too_large:
            # The answer goes out while the body still comes in, and the rest is read, since closing with bytes unread would
            # make the peer's system throw the answer away.
            self._too_large = True
            self.content = io.BytesIO()
            self.clientproto = b"HTTP/1.1"
            self._send(TOO_LARGE, close=True)
        if self._received > DRAIN + GRACE:
            self._abort()
        elif self._received > DRAIN:
            self.channel.loseConnection()

    def process(self) -> None:
        """Answer a request that is here as a whole."""
        self._in_time()
        if self._too_large:
            self.finish()
            return
        self._server.began()
        answered = Deferred.fromCoroutine(self._server.answer(self)).addCallback(self._done).addErrback(self._failed)
        answered.addBoth(lambda _: self._server.ended())

    def connectionLost(self, reason: Failure) -> None:
        """Forget the deadline; what waits is given up. What is being worked on goes on, but nobody reads the answer."""
        self._in_time()
        if self.turn is not None:
            self.turn.cancel()
        super().connectionLost(reason)

    def source(self, proxies: Proxies) -> Source:
        """Who sent it."""
        secure = ISSLTransport.providedBy(self.channel.transport)
        return proxies.source(getattr(self.client, "host", ""), secure, self._header("X-Forwarded-For"), self._header("X-Forwarded-Proto"))

    def body(self) -> bytes:
        """The whole body."""
        return bytes(self.content.getvalue())

    def _header(self, name: str) -> list[str]:
        return [value.decode("latin-1") for value in self.requestHeaders.getRawHeaders(name.encode("ascii"), [])]

    def _done(self, answer: Answer | None) -> None:
        if answer is not None and not self._disconnected:
            self._send(answer, close=self._server.closing)
            self.finish()

    def _failed(self, failure: Failure) -> None:
        _log.failure("an HTTP response was not sent", failure)

    def _send(self, answer: Answer, *, close: bool) -> None:
        body = msgspec.json.encode(answer.body)
        self.setResponseCode(answer.code, answer.code.phrase.encode())
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Date", http.datetimeToString(self._server.calendar()).decode("ascii")),
            *answer.headers,
        ]
        if close:
            headers.append(("Connection", "close"))
            self.channel.persistent = False
        for name, value in headers:
            self.setHeader(name, value)
        self.write(body)

    def _expire(self) -> None:
        self._late = None
        self._abort()

    def _abort(self) -> None:
        transport: Any = self.channel.transport
        transport.abortConnection()

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
