"""One connection to a server: it matches responses to requests, passes on pushes and sends heartbeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IDelayedCall, IHandshakeListener, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from imsys.errors import PeerFault, Refused, Status, Unavailable
from imsys.protocols.framing import CHAT, Frame, FrameDecoder, FrameFormat
from imsys.protocols.messages.registry import (
    UNKNOWN,
    Empty,
    Message,
    Push,
    Request,
    Response,
    decode,
    encode,
    message_type,
    reply_id,
    service_id,
)
from imsys.protocols.messages.session import HeartbeatRequest, HeartbeatResponse, LogoutResponse
from imsys.sdk.comeback import asked_to_wait
from imsys.sdk.gateway import status_of
from imsys.sdk.refusals import NotServed, explain
from imsys.sdk.silence import Vigil
from imsys.util.events import Result, Waiters

_PENDING_LIMIT = 1000
"""Pending requests of one connection, at most."""

_CLOSE_DEADLINE = 5.0
"""Seconds for the last bytes to be sent before the connection is aborted."""

_log = Logger()
_outcome = msgspec.json.Decoder(Empty)

R = TypeVar("R", bound=Response)


class Disconnected(Unavailable):
    """There is no connection, or it ended before the answer came."""

    def __init__(self, message: str = "There is no connection to the server.") -> None:
        super().__init__(Status.NETWORK_ERROR, message)


class NotStarted(Disconnected):
    """There is no connection, and there will be none until ``start`` is called."""

    def __init__(self) -> None:
        super().__init__(
            "The client is not started; nothing can be sent before start() was called, nor after stop()."
        )


@implementer(IHandshakeListener)
class _Wire(Protocol):
    """The Twisted protocol of a :class:`ChatConnection`."""

    def __init__(self, connection: ChatConnection) -> None:
        self._connection = connection

    def handshakeCompleted(self) -> None:
        self._connection.secured()

    def dataReceived(self, data: bytes) -> None:
        self._connection.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._connection.ended(reason)


class ConnectionFactory(Factory):
    """Makes the protocol of one connection."""

    noisy = False

    def __init__(self, connection: ChatConnection) -> None:
        self._connection = connection

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """Make the protocol and attach it to the connection."""
        wire = _Wire(self._connection)
        self._connection.wire = wire
        return wire


@dataclass
class _Pending:
    reply: int
    kind: type[Response]
    answer: Deferred[Any]
    timer: IDelayedCall


class ChatConnection:
    """Requests, responses, pushes and heartbeats on one connection.

    :param on_push: called with the connection and each message that answers no request, in the order of
        arrival.
    :param on_lost: called once, with the connection and the reason, when the connection has ended.
    :param heartbeat: seconds without a request after which a heartbeat is sent.
    :param silence: seconds without a byte while a request is pending, after which the connection is aborted.
    :param format: the frame format of the server's port.
    :param limit: bytes of a frame, at most.
    :param raw: handlers of the bodies that are not JSON, by service id.
    """

    def __init__(
        self,
        clock: IReactorTime,
        on_push: Callable[[ChatConnection, Message], None],
        on_lost: Callable[[ChatConnection, Failure], None],
        *,
        heartbeat: float = 8.0,
        silence: float = 6.0,
        format: FrameFormat = CHAT,
        limit: int = CHAT.largest,
        raw: Mapping[int, Callable[[bytes], None]] | None = None,
    ) -> None:
        self.wire: Protocol | None = None
        self.ended_with: Failure | None = None
        self.silent = False
        """Whether it was aborted because the server did not answer."""
        self._clock = clock
        self._on_push = on_push
        self._on_lost = on_lost
        self._heartbeat = heartbeat
        self._beat: IDelayedCall | None = None
        self._closing: IDelayedCall | None = None
        self._user: str | UnsetType = UNSET
        self._asked = clock.seconds()
        self._vigil = Vigil(clock, silence, self._probe, self._fell_silent)
        self._secured: Result[None] = Result()
        self._gone: Waiters[None] = Waiters()
        self._format = format
        self._raw = raw or {}
        self._unserved: set[int] = set()  # responses of services that the server does not have
        self._decoder = FrameDecoder(format, limit)
        self._pending: dict[int, _Pending] = {}
        self._retired = False
        self._last_seq = 0

    def request(self, request: Request, reply: type[R], deadline: float) -> Deferred[R]:
        """Send a request and return its response.

        :raises Refused: the response has an ``error``.
        :raises Unavailable: no response within ``deadline`` seconds.
        :raises Disconnected: the connection ended.
        """
        transport = None if self.wire is None else self.wire.transport
        if transport is None or self.ended_with is not None or self._retired:
            return fail(Disconnected())
        if len(self._pending) >= _PENDING_LIMIT:
            return fail(Unavailable(Status.NETWORK_ERROR, "Too many requests wait for the server."))
        if (
            reply_id(type(request)) in self._unserved
        ):  # a server closes after three requests that it does not know
            return fail(NotServed())
        self._last_seq = seq = self._last_seq + 1
        try:
            frame = self._format.encode(
                service_id(type(request)), encode(msgspec.structs.replace(request, seq=seq))
            )
        except ValueError:
            return fail(Refused(Status.INVALID_FIELD, "The request is too large to be sent."))
        timer = self._clock.callLater(deadline, self._timed_out, seq)
        answer: Deferred[R] = Deferred(lambda _: self._forget(seq))
        self._asked = self._clock.seconds()
        self._pending[seq] = _Pending(reply_id(type(request)), reply, answer, timer)
        transport.write(frame)
        self._vigil.asked()
        return answer

    def write(self, frame: bytes) -> None:
        """Send a frame that is not a request; without a connection it is dropped."""
        transport = None if self.wire is None else self.wire.transport
        if transport is not None and self.ended_with is None:
            transport.write(frame)

    def begin_heartbeats(self, uuid: int) -> None:
        """Send heartbeats for this user from now on."""
        self._user = str(uuid)
        self._beat = self._clock.callLater(self._heartbeat, self._beat_if_idle)

    def close(self) -> None:
        """Close the connection when all written bytes are sent, or after some seconds anyway."""
        transport = None if self.wire is None else self.wire.transport
        if transport is None or self.ended_with is not None:
            return
        transport.loseConnection()
        if self._closing is None:
            self._closing = self._clock.callLater(_CLOSE_DEADLINE, self.abort)

    def retire(self) -> None:
        """Close it because another has replaced it; pending requests fail now (:class:`Disconnected`)."""
        self._retired = True
        self._vigil.end()
        self._fail_pending("The connection was replaced.")
        self.close()

    def abort(self) -> None:
        """Close the connection at once."""
        transport = None if self.wire is None else self.wire.transport
        abort = getattr(transport, "abortConnection", None)
        if abort is not None and self.ended_with is None:
            abort()

    def secured(self) -> None:
        """Note that the TLS handshake is complete."""
        self._secured.settle(None)

    def when_secured(self) -> Deferred[None]:
        """Fire when the TLS handshake is complete; fail with the reason if the connection ends before."""
        return self._secured.wait() if self.ended_with is None else fail(self.ended_with)

    def when_gone(self) -> Deferred[None]:
        """Fire when the transport is closed; at once if there never was one."""
        if self.wire is None or self.ended_with is not None:
            return succeed(None)
        return self._gone.add()

    def problem(self) -> Disconnected:
        """Return why it ended, in a sentence for people."""
        if self.silent:
            return Disconnected("The server does not answer any more.")
        reason = None if self.ended_with is None else self.ended_with.value
        return Disconnected(explain(reason or ConnectionDone()))

    def received(self, data: bytes) -> None:
        """Process bytes from the transport."""
        try:
            for frame in self._decoder.feed(data):
                self._frame(frame)
        except PeerFault as fault:
            _log.error("The server broke the protocol: {fault}", fault=fault)
            self.abort()
        else:
            self._vigil.heard(bool(self._pending))

    def ended(self, reason: Failure) -> None:
        """Fail all pending requests: the transport is closed."""
        self.ended_with = reason
        self._vigil.end()
        for timer in (self._beat, self._closing):
            if timer is not None and timer.active():
                timer.cancel()
        self._secured.settle(reason)
        self._on_lost(self, reason)
        self._fail_pending(self.problem().message)
        self._gone.fire(None)

    def _frame(self, frame: Frame) -> None:
        kind = message_type(frame.service)
        if kind is None:
            if frame.service in self._raw:
                self._raw[frame.service](frame.body)
                return
            _log.debug(
                "The chat server sent service {service}, which is not known here.", service=frame.service
            )
            return
        try:
            if issubclass(kind, Push):
                self._on_push(self, decode(frame.service, frame.body))
            elif issubclass(kind, Response):
                self._response(frame, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
            _log.error(
                "The chat server sent a body of service {service} that cannot be read: {fault}",
                service=frame.service,
                fault=fault,
            )

    def _response(self, frame: Frame, kind: type[Response]) -> None:
        outcome = _outcome.decode(frame.body)
        pending = self._take(outcome.seq) if isinstance(outcome.seq, int) else None
        if pending is None:
            if kind is LogoutResponse:
                self._on_push(self, decode(frame.service, frame.body))
            return  # the request has timed out, or was answered before
        if frame.service not in (pending.reply, UNKNOWN):
            pending.answer.errback(
                Unavailable(Status.NETWORK_ERROR, "The server's answer belongs to another request.")
            )
        elif frame.service == UNKNOWN and outcome.error == Status.JSONPARSE_ERROR:
            self._unserved.add(pending.reply)
            pending.answer.errback(NotServed())
        elif outcome.error != Status.SUCCESS:
            pending.answer.errback(refusal(outcome))
        else:
            try:
                response = msgspec.json.decode(frame.body, type=pending.kind)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pending.answer.errback(
                    Unavailable(Status.NETWORK_ERROR, "The server's answer cannot be read.")
                )
            else:
                pending.answer.callback(response)

    def _take(self, seq: int) -> _Pending | None:
        pending = self._pending.pop(seq, None)
        if pending is not None and pending.timer.active():
            pending.timer.cancel()
        return pending

    def _forget(self, seq: int) -> None:
        self._take(seq)

    def _timed_out(self, seq: int) -> None:
        pending = self._take(seq)
        if pending is not None:
            pending.answer.errback(Unavailable(Status.NETWORK_ERROR, "The server does not answer in time."))

    def _fail_pending(self, sentence: str) -> None:
        for seq in tuple(self._pending):
            pending = self._take(seq)
            if pending is not None:
                pending.answer.errback(Disconnected(sentence))

    # heartbeats

    def _beat_if_idle(self) -> None:
        """Send a heartbeat unless there was another request: any request serves the same purpose."""
        left = self._asked + self._heartbeat - self._clock.seconds()
        if left <= 0:
            self._probe()
            left = self._heartbeat
        self._beat = self._clock.callLater(left, self._beat_if_idle)

    def _probe(self) -> None:
        self.request(HeartbeatRequest(uuid=self._user), HeartbeatResponse, 3 * self._heartbeat).addErrback(
            _unanswered
        )

    def _fell_silent(self) -> None:
        _log.info("The server has fallen silent.")
        self.silent = True
        self.abort()


def _unanswered(reason: Failure) -> None:
    _log.debug("A heartbeat was not answered: {reason}", reason=reason.value)


def refusal(outcome: Response) -> Refused:
    """Make the exception for a response with an ``error``."""
    text = outcome.message if isinstance(outcome.message, str) else ""
    after = outcome.retry_after if isinstance(outcome.retry_after, int | float) else None
    return Refused(status_of(outcome.error), text, retry_after=asked_to_wait(after))
