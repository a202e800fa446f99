"""Dispatch frames to the handlers of their services, and turn the results into responses."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import UNSET
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status
from imsys.protocols.fitting import SEQ
from imsys.protocols.framing import CHAT, FrameFormat
from imsys.protocols.messages.registry import (
    UNKNOWN,
    Empty,
    Message,
    Request,
    Response,
    decoder,
    encode,
    reply_id,
    request_type,
    salvage_seq,
    service_id,
)
from imsys.server.outcome import Outcome

_log = Logger()
_encode_seq = msgspec.json.Encoder().encode

STRIKES = 3
"""Requests of unknown services in a row, or too early ones, that close a connection."""

R = TypeVar("R", bound=Request)
T = TypeVar("T")
C = TypeVar("C")


class Peer(Protocol):
    """The session of a request, as the dispatcher needs it."""

    user: int
    """0 before login."""
    context: Any
    """The context that handlers are called with."""
    unknown: int
    """Requests of unknown services in a row."""
    early: int
    """Requests that came before the login that they need."""

    def close(self, why: str) -> None:
        """Close after the last byte is sent."""

    def complain(self, reason: str) -> None:
        """Log why it is going to be closed."""

    def failed(self, request: str) -> None:
        """Log that a request failed by a bug; call it while handling the exception."""


P = TypeVar("P", bound=Peer)
P_contra = TypeVar("P_contra", bound=Peer, contravariant=True)


class Server(Protocol[P_contra]):
    """Makes the contexts of one port's handlers."""

    def context(self, session: P_contra, user: int) -> Any:
        """Make the context of a session's requests after its login (or before it, with user 0)."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    """A response, and a function to call when it is sent: for pushes that the client must get after it."""

    response: Response
    then: Callable[[], None]


Call_ = Callable[[Any, Any], Coroutine[Any, Any, Response | Followed]]
Begin = Callable[[Any, Any], Outcome[Any]]
Then = Callable[[Any, Any, Any], Response | Followed]


@dataclass(frozen=True, slots=True)
class Handler:
    """The handler of one service; made by :func:`handles`."""

    request: type[Request]
    call: Call_ | Begin
    then: Then | None
    """What makes the response of what ``call`` has begun; ``None``: it is a coroutine function."""
    anonymous: bool
    overlapping: bool
    at_once: bool
    closes: bool


def handles(
    request: type[R],
    *,
    anonymous: bool = False,
    overlapping: bool = False,
    at_once: bool = False,
    closes: bool = False,
) -> Callable[[Callable[[C, R], Coroutine[Any, Any, Response | Followed]]], Handler]:
    """Make an asynchronous function the handler of a request.

    :param anonymous: the request is allowed before login.
    :param overlapping: it may start before the previous request has ended, if both may overlap; the responses
        keep their order.
    :param at_once: it is answered out of order, without waiting for the requests before it.
    :param closes: the connection is closed after its response, unless it was refused.
    """

    def make(call: Callable[[C, R], Coroutine[Any, Any, Response | Followed]]) -> Handler:
        return Handler(request, call, None, anonymous, overlapping, at_once, closes)

    return make


def handles_in_two(
    request: type[R], then: Callable[[C, R, T], Response | Followed], *, overlapping: bool = False
) -> Callable[[Callable[[C, R], Outcome[T]]], Handler]:
    """Make two functions the handler of a request: the first one begins, and ``then`` makes the response of what comes of it.

    It is as :func:`handles`, without a coroutine, for what happens thousands of times a second.
    """

    def make(call: Callable[[C, R], Outcome[T]]) -> Handler:
        return Handler(request, call, then, False, overlapping, False, False)

    return make


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a port."""

    handler: Handler
    reply: int
    decode: Callable[[bytes], Request]
    format: FrameFormat


class Call:
    """One request, from its start to its response (the bytes of a frame).

    It drives its handler's coroutine itself, since :meth:`Deferred.fromCoroutine` would cost as much again as
    the handler.
    """

    __slots__ = (
        "_context", "_coroutine", "_done", "_outcome", "_request", "_seq", "_service", "_session", "closes", "overlapping", "response",
    )  # fmt: skip

    def __init__(self, session: Peer, overlapping: bool) -> None:
        self._session = session
        self._seq: Any = UNSET
        self.overlapping = overlapping
        self.response: bytes | None = None
        self.closes = ""
        """Why the connection is closed after the response; empty: it is not closed."""

    @property
    def numbered(self) -> bool:
        """Whether the response has a ``seq``, by which the client can tell it from others."""
        return self._seq is not UNSET

    def refuse(self, service: Service, refused: Refused, seq: Any) -> None:
        """Make the response of a refusal."""
        self.response = frame(service.reply, failure(refused), seq, service.format)

    def start(self, service: Service, request: Request, done: Callable[[Call], None]) -> None:
        """Run the handler; ``done`` is called when the response is ready, perhaps at once."""
        self._service = service
        self._seq = request.seq
        self._done = done
        call: Any = service.handler.call
        if service.handler.then is None:
            self._coroutine = call(self._session.context, request)
            self._resume(None)
            return
        self._request = request
        self._context = context = self._session.context
        try:
            outcome = call(context, request)
        except Exception as error:
            outcome = Outcome()
            outcome.fail(error)
        self._outcome: Outcome[Any] = outcome
        outcome.when_settled(self._settled)

    def _settled(self, _: object) -> None:
        then = self._service.handler.then
        assert then is not None
        try:
            response: Any = then(self._context, self._request, self._outcome.get())
        except Exception as error:
            self._caught(error)
            self._end(None)
        else:
            self._respond(response)

    def _go_on(self, step: Callable[[Any], Any], value: Any) -> None:
        """Run the coroutine until it waits or ends."""
        try:
            awaited = step(value)
        except StopIteration as end:
            self._respond(end.value)
        except Exception as error:
            self._caught(error)
            self._end(None)
        else:
            awaited.addCallbacks(self._resume, self._throw)

    def _caught(self, error: Exception) -> None:
        """Make the response of an exception, which is being handled."""
        if isinstance(error, Refused):
            self.refuse(self._service, error, self._seq)
        else:
            self._failed()

    def _respond(self, response: Any) -> None:
        service = self._service
        then = None
        if response.__class__ is Followed:
            response, then = response.response, response.then
        try:
            self.response = frame(service.reply, response, self._seq, service.format)
            if service.handler.closes:
                self.closes = "the client logged out"
        except Exception:
            if isinstance(self._seq, int) and self._seq.bit_length() > 3 * SEQ:
                refused = Refused(Status.JSONPARSE_ERROR, "There is no room for so long a seq.")
                self.refuse(service, refused, self._seq)
            else:
                self._failed()
        self._end(then)

    def _end(self, then: Callable[[], None] | None) -> None:
        try:
            self._done(self)
        except Exception:
            self._broken()
        if then is not None:
            try:
                then()
            except Exception:
                self._broken()

    def _broken(self) -> None:
        _log.failure("the session of {user} failed", user=self._session.user)
        self._session.close("it failed in the server")

    def _resume(self, result: Any) -> None:
        self._go_on(self._coroutine.send, result)

    def _throw(self, reason: Failure) -> None:
        self._go_on(reason.throwExceptionIntoGenerator, self._coroutine)

    def _failed(self) -> None:
        service = self._service
        self._session.failed(service.handler.request.__name__)
        self.refuse(
            service, Refused(Status.INTERNAL_ERROR, "The server made a mistake; it is in its log."), self._seq
        )


class Dispatcher(Generic[P]):
    """Finds the handlers of one port by service id."""

    def __init__(
        self, handlers: Iterable[Handler], ended: Callable[[P], None], format: FrameFormat = CHAT
    ) -> None:
        """``ended`` is called with sessions whose connection has ended; ``format`` is the frame format.

        :raises ValueError: two handlers serve the same id.
        """
        self._services: dict[int, Service] = {}
        self._ended = ended
        self._server: Server[P] | None = None
        self.format = format
        for handler in handlers:
            number = service_id(handler.request)
            if number in self._services:
                raise ValueError(f"service {number} has two handlers")
            self._services[number] = Service(handler, reply_id(handler.request), decoder(number), format)
        self.overlapping = frozenset(
            number for number, service in self._services.items() if service.handler.overlapping
        )
        """Ids of the services whose requests may overlap."""
        self.at_once = frozenset(
            number for number, service in self._services.items() if service.handler.at_once
        )
        """Ids of the services whose requests are answered out of order."""

    def serve(self, server: Server[P]) -> None:
        """Set the server that makes the contexts."""
        self._server = server

    def context(self, session: P, user: int) -> Any:
        """Make the context of a session's requests."""
        assert self._server is not None
        return self._server.context(session, user)

    def ended(self, session: P) -> None:
        """Report that a session's connection has ended."""
        self._ended(session)

    def begin(
        self, call: Call, session: Peer, number: int, body: bytes, done: Callable[[Call], None]
    ) -> None:
        """Find the handler, decode the request, start it; ``done`` is called when the response is ready."""
        service = self._services.get(number)
        if service is None or (not session.user and not service.handler.anonymous):
            self._turn_down(call, session, number, body)
            done(call)
            return
        session.unknown = 0
        try:
            request = service.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            call.refuse(service, Refused(Status.JSONPARSE_ERROR, _parse_message(error)), salvage_seq(body))
            done(call)
        else:
            call.start(service, request, done)

    def _turn_down(self, call: Call, session: Peer, number: int, body: bytes) -> None:
        """Refuse a request of an unknown service, or before login; three of them close the connection."""
        kind = request_type(number)  # it may be a request of another port
        if kind is not None and not session.user:
            reply, refused = reply_id(kind), Refused(Status.LOGIN_UNSUCCESSFUL, "Log in first.")
            session.unknown = 0
            session.early += 1
        else:
            reply, refused = UNKNOWN, Refused(Status.JSONPARSE_ERROR, "There is no such service.")
            session.unknown += 1
        if session.unknown >= STRIKES or session.early >= STRIKES:
            session.complain("three requests that it cannot make")
            call.closes = "three requests that it cannot make"
        call.response = frame(reply, failure(refused), salvage_seq(body), self.format)


def _parse_message(error: Exception) -> str:
    text = str(error).replace("\n", " ")
    return f"The body is not what this service takes: {text[:200]}"


def failure(refused: Refused) -> Empty:
    """Make the response to a refused request."""
    return Empty(
        error=int(refused.status),
        message=refused.message,
        retry_after=UNSET if refused.retry_after is None else refused.retry_after,
    )


def frame(service: int, message: Message, seq: Any = UNSET, format: FrameFormat = CHAT) -> bytes:
    """Encode a message as a frame, with the ``seq`` of its request."""
    body = encode(message)
    if seq is not UNSET:
        body = body[:-1] + b',"seq":' + _encode_seq(seq) + b"}"
    return format.encode(service, body)
