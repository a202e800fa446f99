"""One connection of one user: who it is, its requests in order, and what is sent to it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from twisted.logger import Logger

from imsys.protocols.framing import Frame
from imsys.protocols.messages import session as messages
from imsys.protocols.messages.registry import Message, encode, service_id
from imsys.protocols.wire import FrameConnection

if TYPE_CHECKING:
    from imsys.dispatch import Call, Caller, Dispatcher

_log = Logger()

HELD = 1000
"""Pushes that wait for a login to be answered; beyond, the connection is closed, and the client begins anew."""

STRIKES = 3
"""How many unknown services in a row, or requests before login, close a connection."""


class Session:
    """What stands behind a connection.

    Requests are answered in the order in which they came. One request is
    worked on at a time, but for those that may overlap (texts): of these any
    number, up to ``inflight``, beyond which the connection is not read from.
    """

    __slots__ = (
        "_anonymous",
        "_calls",
        "_connection",
        "_dispatcher",
        "_held",
        "_inbox",
        "_inflight",
        "_next",
        "_unknown",
        "_working",
        "context",
        "hard_expiry",
        "id",
        "login_ms",
        "token_digest",
        "user",
    )

    def __init__(self, connection: FrameConnection, dispatcher: Dispatcher, inflight: int) -> None:
        self._connection = connection
        self._dispatcher = dispatcher
        self._inflight = inflight
        self._inbox: deque[Frame] = deque()
        self._next: Call | None = None
        self._calls: deque[Call] = deque()
        self._held: list[bytes] | None = None
        self._working = False
        self._unknown = 0
        self._anonymous = 0
        self.context: Caller = dispatcher.context(self, 0)
        self.user = 0
        self.id = ""
        self.login_ms = 0
        self.token_digest = ""
        self.hard_expiry = 0

    @property
    def open(self) -> bool:
        """Whether anything can still be sent."""
        return not self._connection.closing

    def logged_in(self, user: int, session_id: str, login_ms: int, token_digest: str, hard_expiry: int) -> None:
        """From here on the session is that of a user; times are milliseconds since 1970.

        Pushes wait until the login is answered, so that this is the first that the client hears.
        """
        self._held = []
        self.user = user
        self.id = session_id
        self.login_ms = login_ms
        self.token_digest = token_digest
        self.hard_expiry = hard_expiry
        self.context = self._dispatcher.context(self, user)
        self._connection.alive()

    # -- from the connection

    def received(self, frame: Frame) -> None:
        """Queue a request, and work on what is next."""
        if self.user:
            self._connection.alive()
        self._inbox.append(frame)
        self._work()

    def lost(self) -> None:
        """The connection is gone: what waits is dropped, what runs goes on."""
        self._inbox.clear()
        self._next = None
        self._dispatcher.ended(self)

    # -- to the connection

    def push(self, data: bytes) -> None:
        """Send a frame that is encoded already."""
        if self._held is None:
            self._connection.send(data)
        elif len(self._held) < HELD:
            self._held.append(data)
        else:
            self.close()

    def send(self, message: Message) -> None:
        """Send a message."""
        self._connection.send(self._dispatcher.format.encode(service_id(type(message)), encode(message)))

    def close(self) -> None:
        """Close after the last byte is sent."""
        self._inbox.clear()
        self._next = None
        self._connection.close()

    def finish(self) -> None:
        """Take no more requests, ahead of :meth:`close`; those that are being worked on are answered."""
        self._inbox.clear()
        self._next = None
        self._connection.end_reading()

    def sign_out(self, reason: str) -> None:
        """Tell the user that this session is over, and close."""
        self.send(messages.LogoutResponse(uuid=str(self.user), message=reason))
        self.close()

    # -- order

    def _work(self) -> None:
        if self._working:
            return
        self._working = True
        try:
            while len(self._calls) < self._inflight and (self._next is not None or self._inbox):
                last = self._calls[-1] if self._calls else None
                if last is not None and last.response is None and not last.overlapping:
                    break  # not even looked at: it may be the login
                call = self._next or self._dispatcher.prepare(self, self._inbox.popleft())
                if not call.overlapping and any(earlier.response is None for earlier in self._calls):
                    self._next = call
                    break
                self._next = None
                self._calls.append(call)
                self._count(call)
                if call.response is None:
                    call.start(self._done)
                if self._calls[0].response is not None and len(self._calls) > 16:
                    self._flush()
        finally:
            self._working = False
        self._flush()
        self._connection.hold_reading(len(self._inbox) + len(self._calls) >= self._inflight)

    def _done(self, call: Call) -> None:
        if not self._working:
            self._flush()
            self._work()

    def _flush(self) -> None:
        ready = []
        close = False
        while self._calls and (response := self._calls[0].response) is not None:
            close = close or self._calls.popleft().closes
            ready.append(response)
        if ready:
            if self._held is not None and not self._calls:
                ready += self._held
                self._held = None
            self._connection.send(b"".join(ready))
        if close:
            self.close()

    def _count(self, call: Call) -> None:
        """Three strikes close the connection."""
        self._unknown = self._unknown + 1 if call.unknown else 0
        self._anonymous += call.anonymous
        if self._unknown >= STRIKES or self._anonymous >= STRIKES:
            _log.warn("closing the connection from {peer}: three requests that it cannot make", peer=self._connection.peer)
            call.closes = True
