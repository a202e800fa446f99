"""From a frame to the handler of its service, and from what comes of it to the response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status
from imsys.protocols.framing import CHAT, Frame
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


@dataclass(frozen=True, slots=True)
class Chat:
    """What handlers of one chat server work with."""

    stores: Stores
    node: Node
    log: MessageLog
    directory: Directory
    outbound: Outbound
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Context:
    """One request's surroundings: the session it came from, its user (0 before login), and the server."""

    session: Session
    user: int
    chat: Chat

    def own(self, uuid: str) -> int:
        """The user, where a request names them. :raises Refused: 65, it names somebody else."""
        if uuid != str(self.user):
            raise Refused(Status.PERMISSION_DENIED, "This is not the user who is logged in.")
        return self.user


Call_ = Callable[[Context, Any], Awaitable[Response]]


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
) -> Callable[[Callable[[Context, R], Awaitable[Response]]], Handler]:
    """Make an asynchronous function the handler of a request.

    :param anonymous: it may be asked before login.
    :param overlapping: it may start before the one before it has ended, where that may overlap, too;
        the responses keep their order.
    :param closes: after its response the connection is closed, unless it was refused.
    """

    def make(call: Callable[[Context, R], Awaitable[Response]]) -> Handler:
        return Handler(request, call, anonymous, overlapping, closes)

    return make


class Call:
    """One request on its way to its response (the bytes of a frame)."""

    __slots__ = ("_context", "_handler", "_request", "anonymous", "closes", "overlapping", "response", "unknown")

    def __init__(self, handler: Handler | None, context: Context, request: Request | None) -> None:
        self._handler = handler
        self._context = context
        self._request = request
        self.overlapping = handler is not None and handler.overlapping
        self.response: bytes | None = None
        self.closes = False
        self.unknown = False
        self.anonymous = False

    def start(self, done: Callable[[Call], None]) -> None:
        """Run the handler; ``done`` is called when there is a response, perhaps at once."""
        Deferred.fromCoroutine(self._run()).addCallback(lambda _: done(self)).addErrback(self._broken)

    async def _run(self) -> None:
        assert self._handler is not None
        assert self._request is not None
        reply, seq = reply_id(type(self._request)), self._request.seq
        try:
            response = await self._handler.call(self._context, self._request)
            self.response = frame(reply, response, seq)
            self.closes = self._handler.closes
        except Refused as refused:
            self.response = frame(reply, failure(refused), seq)
        except Exception:
            _log.failure("the handler of {request} failed", request=type(self._request).__name__)
            self.response = frame(reply, failure(Refused(Status.INTERNAL_ERROR, "The server made a mistake; it is in its log.")), seq)

    def _broken(self, reason: Failure) -> None:
        _log.failure("the session of {user} failed", reason, user=self._context.user)
        self._context.session.close()


class Dispatcher:
    """Finds handlers by service id."""

    def __init__(self, handlers: Iterable[Handler], ended: Callable[[Session], None]) -> None:
        """``ended`` hears of sessions whose connection is gone.

        :raises ValueError: two handlers serve the same id.
        """
        self._handlers: dict[int, Handler] = {}
        self._ended = ended
        self._chat: Chat | None = None
        for handler in handlers:
            service = service_id(handler.request)
            if service in self._handlers:
                raise ValueError(f"service {service} has two handlers")
            self._handlers[service] = handler

    def serve(self, chat: Chat) -> None:
        """Name what handlers work with."""
        self._chat = chat

    def context(self, session: Session, user: int) -> Context:
        """The surroundings of a session's requests."""
        assert self._chat is not None
        return Context(session, user, self._chat)

    def ended(self, session: Session) -> None:
        """A session's connection is gone."""
        self._ended(session)

    def prepare(self, session: Session, frame_: Frame) -> Call:
        """Find the handler and read the request; the call has its response already where that fails."""
        service, body = frame_
        handler = self._handlers.get(service)
        if handler is None:
            call = Call(None, session.context, None)
            # a service that is known but not served, such as a push, is answered like one that is not
            call.response = frame(UNKNOWN, failure(Refused(Status.JSONPARSE_ERROR, "There is no such service.")), salvage_seq(body))
            call.unknown = request_type(service) is None
            return call
        reply = reply_id(handler.request)
        if not session.user and not handler.anonymous:
            call = Call(None, session.context, None)
            call.response = frame(reply, failure(Refused(Status.LOGIN_UNSUCCESSFUL, "Log in first.")), salvage_seq(body))
            call.anonymous = True
            return call
        try:
            request = decode_request(service, body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            call = Call(None, session.context, None)
            call.response = frame(reply, failure(Refused(Status.JSONPARSE_ERROR, _parse_message(error))), salvage_seq(body))
            return call
        return Call(handler, session.context, request)


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


def frame(service: int, message: Message, seq: Any = UNSET) -> bytes:
    """The frame of a message, with the ``seq`` of its request."""
    body = encode(message)
    if seq is not UNSET:
        body = body[:-1] + b',"seq":' + msgspec.json.encode(seq) + b"}"
    return CHAT.encode(service, body)
