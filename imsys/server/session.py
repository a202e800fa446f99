"""A session: one connection of one user, its requests in order, and what is sent to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.interfaces import IAddress

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
"""Pushes that wait for a login to be answered, at most; beyond it the connection is closed."""


class Siblings(Protocol):
    """The sessions of one user, of whom there are several."""

    def push(self, data: bytes, but: Session | None = None) -> None:
        """Send an encoded frame to all of them, on any server, but one."""
        ...

    def push_here(self, data: bytes, but: Session | None = None) -> None:
        """Send an encoded frame to those of this server, but one."""
        ...


class Session:
    """Handles the frames of a connection.

    Requests are answered in the order in which they came. They are handled one at a time, except those that
    may overlap (texts). With ``inflight`` requests pending the connection is not read. A heartbeat is
    answered at once: it asks whether the server is alive, not whether the database is.
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
        "device",
        "early",
        "id",
        "login_ms",
        "siblings",
        "token_digest",
        "unknown",
        "user",
        "waiting",
    )

    def __init__(
        self, connection: FrameConnection, dispatcher: Dispatcher[Session], inflight: int, crowd: Crowd
    ) -> None:
        self._connection = connection
        self._crowd = crowd
        self._dispatcher = dispatcher
        self._inflight = inflight
        # most sessions never need one, and an empty one takes 760 bytes
        self._inbox: deque[Frame] | None = None
        self._calls: list[Call] = []  # started calls in order; the first has no response yet
        self._held: list[bytes] | None = None
        self._working = False
        self._crowding = False
        self._overtaking = False
        self._ending = ""  # why to close when everything is answered
        self.waiting = 0
        """Texts that are not stored yet; see :class:`imsys.chat.message_log.Sender`."""
        self.unknown = 0
        """Requests of unknown services in a row."""
        self.early = 0
        """Requests that came before the login that they need."""
        self.context: Any = dispatcher.context(self, 0)
        self.user = 0
        self.id = ""
        self.login_ms = 0
        self.token_digest = ""
        self.device = ""
        """The client's identifier of its device; empty: it has none."""
        self.siblings: Siblings | None = None
        """All sessions of its user, while there is any other, here or elsewhere."""
        self.attempt: Attempt | None = None
        """Set if the client numbers its logins; it then also understands push 132, which asks it to move."""

    @property
    def peer(self) -> IAddress:
        """The address of the other end."""
        return self._connection.peer

    @property
    def address(self) -> str:
        """The host of the other end, for the log."""
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
        """Whether the client is known to have disconnected, perhaps before all of its requests are read."""
        return self._connection.deserted

    @property
    def greeting(self) -> bool:
        """Whether it is logged in but the login is not answered yet."""
        return self._held is not None

    @property
    def why(self) -> str:
        """Why the connection has ended or is closing, for the log."""
        return self._connection.why

    def logged_in(
        self,
        user: int,
        session_id: str,
        login_ms: int,
        token_digest: str,
        attempt: Attempt | None = None,
        device: str = "",
    ) -> None:
        """Make it the session of a user; ``login_ms`` is in milliseconds since 1970.

        Pushes wait until the login is answered, so that the answer is the first frame that the client gets.
        """
        self._held = []
        self.user = user
        self.id = session_id
        self.login_ms = login_ms
        self.token_digest = token_digest
        self.attempt = attempt
        self.device = device
        self.context = self._dispatcher.context(self, user)
        self._connection.logged_in()
        self._crowd.known(self, user)

    def one_at_a_time(self) -> None:
        """Send frames apart on a plaintext port: this client cannot handle two frames in one read."""
        self._connection.one_at_a_time()

    # -- from the connection

    def received(self, frame: Frame) -> None:
        """Start a request, or queue it."""
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
        """Close when all requests are answered: the client sends no more."""
        self._close_when_answered("the client closed it")

    def lost(self) -> None:
        """Drop the queued requests: the connection has ended. Running ones go on."""
        self._inbox = None
        self._dispatcher.ended(self)

    def hold(self, hold: bool) -> None:
        """Stop reading and starting requests while too many of its texts wait to be stored, or resume."""
        if hold is not self._crowding:
            self._crowding = hold
            if self._inbox and not hold:
                self._work()
            else:
                self._adjust_reading()

    def overtake(self) -> None:
        """Answer later requests that have a ``seq`` first: one of its texts waits for a locked thread."""
        self._overtaking = True
        self._overtake()

    def alive(self) -> None:
        """Note that the client is alive: it has sent a frame that is not a request."""
        self._connection.alive()

    # -- to the connection

    @property
    def choked(self) -> bool:
        """Whether so much is unsent that anything less urgent should wait."""
        return self._connection.choked

    def on_room(self, told: Callable[[], None]) -> None:
        """Call ``told`` whenever the peer has read and it is not :attr:`choked` any more."""
        self._connection.room = told

    def push(self, data: bytes) -> None:
        """Send an encoded frame; it waits until the login is answered."""
        if self._held is None:
            self._connection.send(data)
        elif len(self._held) < HELD:
            self._held.append(data)
        else:
            self.close("too many pushes wait for its login to be answered")

    def push_here(self, data: bytes) -> None:
        """The same: other sessions of its user get nothing of it; see :class:`Siblings`."""
        self.push(data)

    def send(self, message: Message) -> None:
        """Send a message."""
        self._connection.send(self._dispatcher.format.encode(service_id(type(message)), encode(message)))

    def close(self, why: str = "the server closed it") -> None:
        """Close after the last byte is sent."""
        self._inbox = None
        self._connection.close(why)

    def abort(self, why: str) -> None:
        """Close the connection at once, without a word to the client."""
        self._inbox = None
        self._connection.abort(why)

    def finish(self) -> None:
        """Take no more requests, before :meth:`close`; running ones are answered."""
        self._inbox = None
        self._connection.end_reading()

    def end_with_answers(self, why: str) -> None:
        """Close as soon as the running requests are answered; drop the queued ones."""
        self._ending = why
        self.finish()

    def leave(self, why: str) -> None:
        """Stop reading, and close as soon as all received requests are answered."""
        self._connection.end_reading()
        self._close_when_answered(why)

    def _close_when_answered(self, why: str) -> None:
        self._ending = self._ending or why
        if not self._calls and not self._inbox:
            self.close(self._ending)

    def sign_out(self, reason: str) -> None:
        """Tell the user that this session has ended, and close."""
        self.send(messages.LogoutResponse(uuid=str(self.user), message=reason))
        self.close(reason)

    # -- in the log

    def complain(self, reason: str) -> None:
        """Log why it is going to be closed."""
        self._connection.complain(reason)

    def failed(self, request: str) -> None:
        """Log that a request failed by a bug; call it while handling the exception."""
        self._connection.failed(request)

    # -- order

    def _begin(self, frame: Frame) -> bool:
        """Start a request if those before it allow it; else do not even decode it: one may be a login."""
        number, body = frame
        overlapping = number in self._dispatcher.overlapping
        calls = self._calls
        if self._crowding or (
            calls and not (overlapping and calls[-1].overlapping and len(calls) < self._inflight)
        ):
            return False
        call = Call(self, overlapping)
        calls.append(call)
        self._dispatcher.begin(call, self, number, body, self._done)
        return True

    def _done(self, call: Call) -> None:
        """Send the responses that are ready, up to the first that is not, and start waiting requests."""
        calls = self._calls
        if calls[0] is not call:
            if self._overtaking:
                self._overtake()
            return
        del calls[0]
        if not calls and self._held is None and not self._inbox and not call.closes and not self._ending:
            self._overtaking = False
            self._connection.send(call.response or b"")  # as nearly always
            return
        ready, closes = [call.response or b""], call.closes
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
        """Send ready responses that may overtake earlier requests."""
        ready = [
            one for one in self._calls[1:] if one.response is not None and one.numbered and not one.closes
        ]
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
            if self._ending and not self._calls:  # the last one was answered while it was still in the inbox
                self.close(self._ending)

    def _adjust_reading(self) -> None:
        self._connection.hold_reading(self._crowding or self._inbox is not None)
