"""One connection of one user: who it is, its requests in order, and what is sent to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from twisted.internet.interfaces import IAddress

from imsys.errors import Refused, Status
from imsys.protocols.connection.linger import OPEN
from imsys.protocols.framing import Frame
from imsys.protocols.messages import session as messages
from imsys.protocols.messages.registry import Message, encode, service_id
from imsys.protocols.wire import FrameConnection
from imsys.server.dispatch import Call, Dispatcher

if TYPE_CHECKING:
    from imsys.protocols.crowd import Crowd
    from imsys.redis.routes import Attempt

HELD = 1000
"""Pushes that wait for a login to be answered; beyond, the connection is closed, and the client begins anew."""


class Session:
    """What stands behind a connection.

    Requests are answered in the order in which they came. One request is
    worked on at a time, but for those that may overlap (texts): of these any
    number, up to ``inflight``, beyond which the connection is not read from.
    A heartbeat is answered at once: it asks whether the server lives, not whether the database does.
    """

    __slots__ = (
        "_calls",
        "_connection",
        "_crowd",
        "_crowding",
        "_dispatcher",
        "_ending",
        "_held",
        "_inbox",
        "_inflight",
        "_overtaking",
        "_working",
        "attempt",
        "context",
        "early",
        "id",
        "login_ms",
        "token_digest",
        "unknown",
        "user",
        "waiting",
    )

    def __init__(self, connection: FrameConnection, dispatcher: Dispatcher[Session], inflight: int, crowd: Crowd) -> None:
        self._connection = connection
        self._crowd = crowd
        self._dispatcher = dispatcher
        self._inflight = inflight
        self._inbox: deque[Frame] | None = None  # most sessions never need one, and an empty one takes 760 bytes
        self._calls: list[Call] = []  # begun, in order; the first has no response yet
        self._held: list[bytes] | None = None
        self._working = False
        self._crowding = False
        self._overtaking = False
        self._ending = ""  # why it is to end when everything is answered
        self.waiting = 0
        """Texts that are not stored yet; see :class:`imsys.chat.message_log.Source`."""
        self.unknown = 0
        """Requests of unknown services in a row."""
        self.early = 0
        """Requests before login that need one."""
        self.context: Caller = dispatcher.context(self, 0)
        self.user = 0
        self.id = ""
        self.login_ms = 0
        self.token_digest = ""
        self.attempt: Attempt | None = None
        """Of a client that numbers its logins; such a one knows push 132, too, which asks it to move."""

    @property
    def peer(self) -> IAddress:
        """Who is at the other end."""
        return self._connection.peer

    @property
    def address(self) -> str:
        """The host at the other end, for the log."""
        peer = self.peer
        return str(getattr(peer, "host", peer))

    @property
    def plaintext(self) -> bool:
        """Whether its connection has no TLS."""
        return self._connection.plaintext

    @property
    def open(self) -> bool:
        """Whether anything can still be sent."""
        return self._connection.linger.phase is OPEN

    @property
    def deserted(self) -> bool:
        """Whether the client is known to have gone, although its requests may be read only now."""
        return self._connection.deserted

    @property
    def greeting(self) -> bool:
        """Whether it is logged in, and the client has not been told so yet."""
        return self._held is not None

    @property
    def why(self) -> str:
        """Why the connection has ended, or is about to, for the log."""
        return self._connection.why

    def logged_in(self, user: int, session_id: str, login_ms: int, token_digest: str, attempt: Attempt | None = None) -> None:
        """From here on the session is that of a user; times are milliseconds since 1970.

        Pushes wait until the login is answered, so that this is the first that the client hears.
        """
        self._held = []
        self.user = user
        self.id = session_id
        self.login_ms = login_ms
        self.token_digest = token_digest
        self.attempt = attempt
        self.context = self._dispatcher.context(self, user)
        self._connection.logged_in()
        self._crowd.known(self, user)

    def one_at_a_time(self) -> None:
        """The client takes one frame a read, and would be lost with two: on a plaintext port it gets them apart."""
        self._connection.one_at_a_time()

    # -- from the connection

    def received(self, frame: Frame) -> None:
        """Begin with a request, or let it wait for its turn."""
        if self.user:
            self._connection.alive()
            if self._calls and self._held is None and frame.service in self._dispatcher.at_once:
                self._dispatcher.begin(Call(self, False), self, *frame, self._answer)
                return
        if self._inbox or not self._begin(frame):
            if self._inbox is None:
                self._inbox = deque()
            self._inbox.append(frame)
            if len(self._inbox) + len(self._calls) >= self._inflight:
                self._adjust_reading()

    def finished(self) -> None:
        """Nothing more comes: close when all that came is answered."""
        self._close_when_answered("the client closed it")

    def lost(self) -> None:
        """The connection is gone: what waits is dropped, what runs goes on."""
        self._inbox = None
        self._dispatcher.ended(self)

    def hold(self, hold: bool) -> None:
        """Read nothing more, and begin with nothing, while too many of its texts wait to be stored."""
        if hold is not self._crowding:
            self._crowding = hold
            if self._inbox and not hold:
                self._work()
            else:
                self._adjust_reading()

    def overtake(self) -> None:
        """One of its texts waits for a conversation that another server holds: later ones that carry ``seq`` are answered before it."""
        self._overtaking = True
        self._overtake()

    def alive(self) -> None:
        """A frame came that is no request, and is not ours to answer."""
        self._connection.alive()

    # -- to the connection

    @property
    def choked(self) -> bool:
        """Whether the peer has to read before more should be sent that could as well be sent later."""
        return self._connection.choked

    def on_room(self, told: Callable[[], None]) -> None:
        """Have ``told`` called whenever the peer has read, and is not :attr:`choked` any more."""
        self._connection.room = told

    def push(self, data: bytes) -> None:
        """Send a frame that is encoded already."""
        if self._held is None:
            self._connection.send(data)
        elif len(self._held) < HELD:
            self._held.append(data)
        else:
            self.close("too many pushes wait for its login to be answered")

    def send(self, message: Message) -> None:
        """Send a message."""
        self._connection.send(self._dispatcher.format.encode(service_id(type(message)), encode(message)))

    def close(self, why: str = "the server closed it") -> None:
        """Close after the last byte is sent."""
        self._inbox = None
        self._connection.close(why)

    def abort(self, why: str) -> None:
        """Cut the connection, and say nothing."""
        self._inbox = None
        self._connection.abort(why)

    def finish(self) -> None:
        """Take no more requests, ahead of :meth:`close`; those that are being worked on are answered."""
        self._inbox = None
        self._connection.end_reading()

    def end_with_answers(self, why: str) -> None:
        """Close as soon as the requests that are being worked on are answered."""
        self._ending = why
        self.finish()

    def leave(self, why: str) -> None:
        """Take no more requests, and close as soon as all that came are answered."""
        self._connection.end_reading()
        self._close_when_answered(why)

    def _close_when_answered(self, why: str) -> None:
        self._ending = self._ending or why
        if not self._calls and not self._inbox:
            self.close(self._ending)

    def sign_out(self, reason: str) -> None:
        """Tell the user that this session is over, and close."""
        self.send(messages.LogoutResponse(uuid=str(self.user), message=reason))
        self.close(reason)

    # -- in the log

    def complain(self, reason: str) -> None:
        """Say why it is going to be closed."""
        self._connection.complain(reason)

    def failed(self, request: str) -> None:
        """Say that a request was not served by a mistake of ours; for the handler of an exception."""
        self._connection.failed(request)

    # -- order

    def _begin(self, frame: Frame) -> bool:
        """Begin with a request, if those before it let it; it is not even looked at otherwise: they may be a login."""
        number, body = frame
        overlapping = number in self._dispatcher.overlapping
        calls = self._calls
        if self._crowding or (calls and not (overlapping and calls[-1].overlapping and len(calls) < self._inflight)):
            return False
        call = Call(self, overlapping)
        calls.append(call)
        self._dispatcher.begin(call, self, number, body, self._done)
        return True

    def _done(self, call: Call) -> None:
        """A request has its response: send all that have, up to the first that has not, and begin with those that wait."""
        calls = self._calls
        if calls[0] is not call:
            if self._overtaking:
                self._overtake()
            return
        ready, closes = [call.response or b""], call.closes
        del calls[0]
        if calls:
            for one in calls:
                if one.response is None:
                    break
                ready.append(one.response)
                closes = closes or one.closes
            del calls[: len(ready) - 1]
        if self._overtaking:
            self._overtaking = bool(calls)
        if self._held is not None and not calls:
            ready += self._held
            self._held = None
        self._connection.send(b"".join(ready) if len(ready) > 1 else ready[0])
        if closes or (self._ending and not calls and not self._inbox):
            self.close(closes or self._ending)
        elif self._inbox:
            self._work()

    def _overtake(self) -> None:
        """Send the responses that need not wait for those before them."""
        ready = [one for one in self._calls[1:] if one.response is not None and one.numbered and not one.closes]
        if ready:
            self._calls[:] = [one for one in self._calls if one not in ready]
            self._connection.send(b"".join([one.response for one in ready if one.response is not None]))
            self._work()

    def _answer(self, call: Call) -> None:
        if call.response is not None:
            self._connection.send(call.response)

    def _work(self) -> None:
        if self._working:
            return
        self._working = True
        try:
            while (inbox := self._inbox) and self._begin(inbox[0]):
                inbox.popleft()
        finally:
            self._working = False
        if not self._inbox:
            self._inbox = None
            self._adjust_reading()
            if self._ending and not self._calls:  # the last one had its answer while it still was the first of those that wait
                self.close(self._ending)

    def _adjust_reading(self) -> None:
        self._connection.hold_reading(self._crowding or self._inbox is not None)


class Caller(msgspec.Struct, frozen=True):
    """Who asks: the session that a request came from, and its user (0 before login)."""

    session: Session
    user: int

    def own(self, uuid: str) -> int:
        """The user, where a request names them. :raises Refused: 65, it names somebody else."""
        if uuid != str(self.user):
            raise Refused(Status.PERMISSION_DENIED, "This is not the user who is logged in.")
        return self.user
