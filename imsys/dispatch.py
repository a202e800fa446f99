"""From a frame to the handler of its service, and from what comes of it to the response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec
from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status
from imsys.protocols.framing import CHAT, Frame, FrameFormat
from imsys.protocols.messages.registry import (
    UNKNOWN,
    Empty,
    Message,
    Request,
    Response,
    decode_request,
    encode,
    reply_id,
    request_type,
    salvage_seq,
    service_id,
)

if TYPE_CHECKING:
    from imsys.directory import Directory
    from imsys.message_log import MessageLog
    from imsys.node import Node
    from imsys.outbound import Outbound
    from imsys.session import Session
    from imsys.store import Stores
    from imsys.tokens import Tokens

_log = Logger()

R = TypeVar("R", bound=Request)
C = TypeVar("C", bound="Caller")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the session that a request came from, and its user (0 before login)."""

    session: Session
    user: int

    def own(self, uuid: str) -> int:
        """The user, where a request names them. :raises Refused: 65, it names somebody else."""
        if uuid != str(self.user):
            raise Refused(Status.PERMISSION_DENIED, "This is not the user who is logged in.")
        return self.user


class Server(Protocol):
    """What the handlers of one port work with."""

    def context(self, session: Session, user: int) -> Caller:
        """The surroundings of the requests of a session, from its login on (or, with user 0, until then)."""
        ...


@dataclass(frozen=True, slots=True)
class Chat:
    """What handlers of one chat server work with."""

    stores: Stores
    node: Node
    log: MessageLog
    directory: Directory
    outbound: Outbound
    tokens: Tokens

    def context(self, session: Session, user: int) -> Context:
        """The surroundings of a session's requests."""
        return Context(session, user, self)


@dataclass(frozen=True, slots=True)
class Context(Caller):
    """A request's surroundings on a chat server."""

    chat: Chat


Call_ = Callable[[Any, Any], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Handler:
    """How one service is served; made by :func:`handles`."""

    request: type[Request]
    call: Call_
    anonymous: bool
    overlapping: bool
    closes: bool


def handles(
    request: type[R], *, anonymous: bool = False, overlapping: bool = False, closes: bool = False
) -> Callable[[Callable[[C, R], Awaitable[Response]]], Handler]:
    """Make an asynchronous function the handler of a request.

    :param anonymous: it may be asked before login.
    :param overlapping: it may start before the one before it has ended, where that may overlap, too;
        the responses keep their order.
    :param closes: after its response the connection is closed, unless it was refused.
    """

    def make(call: Callable[[C, R], Awaitable[Response]]) -> Handler:
        return Handler(request, call, anonymous, overlapping, closes)

    return make


class Call:
    """One request on its way to its response (the bytes of a frame)."""

    __slots__ = ("_context", "_format", "_handler", "_request", "anonymous", "closes", "overlapping", "response", "unknown")

    def __init__(self, format: FrameFormat, context: Caller, handler: Handler | None = None, request: Request | None = None) -> None:
        self._format = format
        self._context = context
        self._handler = handler
        self._request = request
        self.overlapping = handler is not None and handler.overlapping
        self.response: bytes | None = None
        self.closes = False
        self.unknown = False
        self.anonymous = False

    def refuse(self, reply: int, refused: Refused, seq: Any) -> None:
        """Answer under the id ``reply`` that it cannot be granted."""
        self.response = frame(reply, failure(refused), seq, self._format)

    def start(self, done: Callable[[Call], None]) -> None:
        """Run the handler; ``done`` is called when there is a response, perhaps at once."""
        Deferred.fromCoroutine(self._run()).addCallback(lambda _: done(self)).addErrback(self._broken)

    async def _run(self) -> None:
        assert self._handler is not None
        assert self._request is not None
        reply, seq = reply_id(type(self._request)), self._request.seq
        try:
            response = await self._handler.call(self._context, self._request)
            self.response = frame(reply, response, seq, self._format)
            self.closes = self._handler.closes
        except Refused as refused:
            self.refuse(reply, refused, seq)
        except Exception:
            _log.failure("the handler of {request} failed", request=type(self._request).__name__)
            self.refuse(reply, Refused(Status.INTERNAL_ERROR, "The server made a mistake; it is in its log."), seq)

    def _broken(self, reason: Failure) -> None:
        _log.failure("the session of {user} failed", reason, user=self._context.user)
        self._context.session.close()


class Dispatcher:
    """Finds the handlers of one port by service id."""

    def __init__(self, handlers: Iterable[Handler], ended: Callable[[Session], None], format: FrameFormat = CHAT) -> None:
        """``ended`` hears of sessions whose connection is gone; ``format`` is that of the port's frames.

        :raises ValueError: two handlers serve the same id.
        """
        self._handlers: dict[int, Handler] = {}
        self._ended = ended
        self._server: Server | None = None
        self.format = format
        for handler in handlers:
            service = service_id(handler.request)
            if service in self._handlers:
                raise ValueError(f"service {service} has two handlers")
            self._handlers[service] = handler

    def serve(self, server: Server) -> None:
        """Name what handlers work with."""
        self._server = server

    def context(self, session: Session, user: int) -> Caller:
        """The surroundings of a session's requests."""
        assert self._server is not None
        return self._server.context(session, user)

    def ended(self, session: Session) -> None:
        """A session's connection is gone."""
        self._ended(session)

    def prepare(self, session: Session, frame_: Frame) -> Call:
        """Find the handler and read the request; the call has its response already where that fails."""
        service, body = frame_
        handler = self._handlers.get(service)
        # a request of another port is known, too
        request_kind = handler.request if handler is not None else request_type(service)
        if request_kind is not None and not session.user and not (handler is not None and handler.anonymous):
            call = Call(self.format, session.context)
            call.refuse(reply_id(request_kind), Refused(Status.LOGIN_UNSUCCESSFUL, "Log in first."), salvage_seq(body))
            call.anonymous = True
            return call
        if handler is None:
            call = Call(self.format, session.context)
            call.refuse(UNKNOWN, Refused(Status.JSONPARSE_ERROR, "There is no such service."), salvage_seq(body))
            call.unknown = True
            return call
        try:
            request = decode_request(service, body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            call = Call(self.format, session.context)
            call.refuse(reply_id(handler.request), Refused(Status.JSONPARSE_ERROR, _parse_message(error)), salvage_seq(body))
            return call
        return Call(self.format, session.context, handler, request)


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
        body = body[:-1] + b',"seq":' + msgspec.json.encode(seq) + b"}"
    return format.encode(service, body)
