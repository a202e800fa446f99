"""JSON over HTTP: a table of paths, each with the struct of its request and a handler.

HTTP status 200 means that the body is an answer with ``error`` in it (docs/protocol.md, 5); other
statuses are for invalid, rate-limited and temporarily refused requests.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime

from imsys.errors import Refused, Status, Unavailable
from imsys.gateway.admission import AdmissionSlot
from imsys.protocols.source import ClientAddress
from imsys.util.outages import Outage
from imsys.web.answers import Headers, PeerGone, Problem, Response
from imsys.web.requests import Request

Handler = Callable[[Any, ClientAddress], Awaitable[msgspec.Struct]]


Terms = Callable[[Any, ClientAddress], AdmissionSlot]
"""Checks that a request can be granted now, and returns where it waits. :raises Refused: it cannot."""


class Endpoint:
    """One path: the struct of its request, its handler, and its terms (by default, none)."""

    def __init__(self, kind: type[msgspec.Struct], handle: Handler, terms: Terms | None = None) -> None:
        self.handle = handle
        self.terms = terms
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, body: bytes) -> Any:
        """Decode a body.

        :raises BodyError: it is not a JSON object.
        :raises Refused: JSONPARSE_ERROR (1), a key is missing or of the wrong type.
        """
        try:
            body.decode()  # msgspec does not check the bytes that it skips
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


class Refusal(msgspec.Struct, frozen=True):
    """The body of a refusal."""

    error: int
    message: str


_JSON: Headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
_CLOSE = ("Connection", "close")


def _no_request(status: HTTPStatus, message: str, *headers: tuple[str, str]) -> Problem:
    return Problem(status, Status.JSONPARSE_ERROR, message, *headers)


def refusal(refused: Refused) -> Response:
    """Make the response to a refused request."""
    status, error, headers = HTTPStatus.OK, refused.status, _JSON
    if isinstance(refused, Unavailable) or refused.status is Status.SERVER_BUSY:
        status, error = HTTPStatus.SERVICE_UNAVAILABLE, Status.SERVER_BUSY
    elif refused.status is Status.RATE_LIMITED:
        status = HTTPStatus.TOO_MANY_REQUESTS
    if status is not HTTPStatus.OK:
        headers += (("Retry-After", str(max(1, math.ceil(refused.retry_after or 1)))),)
    return Response(status, headers, msgspec.json.encode(Refusal(error, refused.message)))


class JsonApi:
    """Answers the requests of an :class:`~imsys.web.server.HttpServer` by a table of endpoints.

    :param endpoints: by path, as in ``/trylogin_server``.
    :param body_limit: bytes of the largest body.
    :param timeout: seconds that a body may take to arrive.
    """

    def __init__(
        self, clock: IReactorTime, endpoints: Mapping[str, Endpoint], *, body_limit: int, timeout: float
    ) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._outages = {path: Outage(clock.seconds, f"Answering {path}") for path in endpoints}
        self._body_limit = body_limit
        self._timeout = timeout

    async def answer(self, request: Request) -> Response:
        """Answer a request.

        :raises Problem: it is invalid.
        :raises PeerGone: its client has disconnected before it was admitted.
        """
        endpoint = self._endpoints.get(request.path)
        if endpoint is None or request.method != "POST":
            if request.length:  # otherwise this would have to be the last request of its connection
                await self._body(request)
            if endpoint is None:
                raise _no_request(HTTPStatus.NOT_FOUND, "There is no such path.")
            raise _no_request(HTTPStatus.METHOD_NOT_ALLOWED, "Only POST is allowed.", ("Allow", "POST"))
        try:
            answer = await self._work(endpoint, request)
        except BodyError:
            raise _no_request(HTTPStatus.BAD_REQUEST, "The body is not a JSON object.") from None
        except CancelledError:
            raise PeerGone from None
        except Refused as refused:
            response = refusal(refused)
            if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
                self._outages[request.path].failed(str(refused))
            return response
        self._outages[request.path].works()
        return Response(HTTPStatus.OK, _JSON, msgspec.json.encode(answer))

    async def _work(self, endpoint: Endpoint, request: Request) -> msgspec.Struct:
        question = endpoint.read(await self._body(request))
        request.known(0)
        if endpoint.terms is None:
            return await endpoint.handle(question, request.source)
        place = endpoint.terms(question, request.source)
        turn = place.enter()
        request.lost = turn.cancel
        try:
            await turn
        finally:
            request.lost = None
        try:
            return await endpoint.handle(question, request.source)
        finally:
            place.leave()

    async def _body(self, request: Request) -> bytes:
        """Read the whole body.

        :raises Problem: 411, it has no length; 413, it is too large; 408, it takes too long.
        """
        if request.length is None:
            raise _no_request(HTTPStatus.LENGTH_REQUIRED, "The length of the body has to be said.", _CLOSE)
        if request.length > self._body_limit:
            raise _no_request(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.", _CLOSE)
        body = await request.body.read()
        if len(body) == request.length:
            return body
        whole = bytearray(body)
        late = self._clock.callLater(
            self._timeout,
            lambda: request.body.fail(
                _no_request(HTTPStatus.REQUEST_TIMEOUT, "The body of this request takes too long.")
            ),
        )
        try:
            while piece := await request.body.read():
                whole += piece
        finally:
            if late.active():
                late.cancel()
        return bytes(whole)
