"""From a frame to the handler of its service, and from what comes of it to the response."""

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

_log = Logger()
_encode_seq = msgspec.json.Encoder().encode

STRIKES = 3
"""How many unknown services in a row, or requests before login, close a connection."""

R = TypeVar("R", bound=Request)
C = TypeVar("C")


class Peer(Protocol):
    """Who a request came from, as far as it is read, handled and answered."""

    user: int
    """0 before login."""
    context: Any
    """What handlers are called with."""
    unknown: int
    """Requests of unknown services in a row."""
    early: int
    """Requests before login that need one."""

    def close(self, why: str) -> None:
        """Close after the last byte is sent."""

    def complain(self, reason: str) -> None:
        """Say in the log why it is going to be closed."""

    def failed(self, request: str) -> None:
        """Say in the log that a request was not served by a mistake of ours; for the handler of an exception."""


P = TypeVar("P", bound=Peer)
P_contra = TypeVar("P_contra", bound=Peer, contravariant=True)


class Server(Protocol[P_contra]):
    """What the handlers of one port work with."""

    def context(self, session: P_contra, user: int) -> Any:
        """The surroundings of the requests of a session, from its login on (or, with user 0, until then)."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    """A response, and what is done as soon as it is on its way: pushes that the client is to hear after it."""

    response: Response
    then: Callable[[], None]


Call_ = Callable[[Any, Any], Coroutine[Any, Any, Response | Followed]]


@dataclass(frozen=True, slots=True)
class Handler:
    """How one service is served; made by :func:`handles`."""

    request: type[Request]
    call: Call_
    anonymous: bool
    overlapping: bool
    at_once: bool
    closes: bool


def handles(
    request: type[R], *, anonymous: bool = False, overlapping: bool = False, at_once: bool = False, closes: bool = False
) -> Callable[[Callable[[C, R], Coroutine[Any, Any, Response | Followed]]], Handler]:
    """Make an asynchronous function the handler of a request.

    :param anonymous: it may be asked before login.
    :param overlapping: it may start before the one before it has ended, where that may overlap, too;
        the responses keep their order.
    :param at_once: it is answered out of turn, however long the requests before it take.
    :param closes: after its response the connection is closed, unless it was refused.
    """

    def make(call: Callable[[C, R], Coroutine[Any, Any, Response | Followed]]) -> Handler:
        return Handler(request, call, anonymous, overlapping, at_once, closes)

    return make


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a port."""

    handler: Handler
    reply: int
    decode: Callable[[bytes], Request]
    format: FrameFormat


class Call:
    """One request on its way to its response (the bytes of a frame).

    It drives its handler's coroutine by itself: what :meth:`Deferred.fromCoroutine`
    does beside that would cost as much as the handler.
    """

    __slots__ = ("_coroutine", "_done", "_seq", "_service", "_session", "closes", "overlapping", "response")

    def __init__(self, session: Peer, overlapping: bool) -> None:
        self._session = session
        self._seq: Any = UNSET
        self.overlapping = overlapping
        self.response: bytes | None = None
        self.closes = ""
        """Why the connection is closed after this; empty: it is not."""

    @property
    def numbered(self) -> bool:
        """Whether the client can tell the response from others."""
        return self._seq is not UNSET

    def refuse(self, service: Service, refused: Refused, seq: Any) -> None:
        """Answer that it cannot be granted."""
        self.response = frame(service.reply, failure(refused), seq, service.format)

    def start(self, service: Service, request: Request, done: Callable[[Call], None]) -> None:
        """Run the handler; ``done`` is called when there is a response, perhaps at once."""
        self._service = service
        self._seq = request.seq
        self._done = done
        self._coroutine = service.handler.call(self._session.context, request)
        self._resume(None)

    def _go_on(self, step: Callable[[Any], Any], value: Any) -> None:
        """Run it until it waits for something, or ends."""
        service = self._service
        then = None
        try:
            awaited = step(value)
        except StopIteration as end:
            response: Any = end.value
            if response.__class__ is Followed:
                response, then = response.response, response.then
            try:
                self.response = frame(service.reply, response, self._seq, service.format)
                if service.handler.closes:
                    self.closes = "the client logged out"
            except Exception:
                if isinstance(self._seq, int) and self._seq.bit_length() > 3 * SEQ:
                    self.refuse(service, Refused(Status.JSONPARSE_ERROR, "There is no room for so long a seq."), self._seq)
                else:
                    self._failed()
        except Refused as refused:
            self.refuse(service, refused, self._seq)
        except Exception:
            self._failed()
        else:
            awaited.addCallbacks(self._resume, self._throw)
            return
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
        self.refuse(service, Refused(Status.INTERNAL_ERROR, "The server made a mistake; it is in its log."), self._seq)


class Dispatcher(Generic[P]):
    """Finds the handlers of one port by service id."""

    def __init__(self, handlers: Iterable[Handler], ended: Callable[[P], None], format: FrameFormat = CHAT) -> None:
        """``ended`` hears of sessions whose connection is gone; ``format`` is that of the port's frames.

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
        self.overlapping = frozenset(number for number, service in self._services.items() if service.handler.overlapping)
        """The services of which a request may start before the one before it has ended, where that may overlap, too."""
        self.at_once = frozenset(number for number, service in self._services.items() if service.handler.at_once)
        """The services whose requests are answered out of turn."""

    def serve(self, server: Server[P]) -> None:
        """Name what handlers work with."""
        self._server = server

    def context(self, session: P, user: int) -> Any:
        """The surroundings of a session's requests."""
        assert self._server is not None
        return self._server.context(session, user)

    def ended(self, session: P) -> None:
        """A session's connection is gone."""
        self._ended(session)

    def begin(self, call: Call, session: Peer, number: int, body: bytes, done: Callable[[Call], None]) -> None:
        """Find the handler, read the request and start it; ``done`` is called when there is a response, perhaps at once."""
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
        """Answer a request that cannot be made; three of them close the connection."""
        kind = request_type(number)  # a request of another port is known, too
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
    """The response to a request that is refused."""
    return Empty(
        error=int(refused.status),
        message=refused.message,
        retry_after=UNSET if refused.retry_after is None else refused.retry_after,
    )


def frame(service: int, message: Message, seq: Any = UNSET, format: FrameFormat = CHAT) -> bytes:
    """The frame of a message, with the ``seq`` of its request."""
    body = encode(message)
    if seq is not UNSET:
        body = body[:-1] + b',"seq":' + _encode_seq(seq) + b"}"
    return format.encode(service, body)
