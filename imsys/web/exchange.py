"""h11, given no more at a time than one head may have, and with short ways for what happens all the time.

The body of a request whose length is known passes it by, uncopied, and a response that is here as a whole is
written without it. Everything else is h11's: heads of requests, chunked bodies, and what may follow what.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import h11

HEAD_PIECE, BODY_PIECE = 4096, 65536
"""Bytes that h11 is given at a time: it parses all that it has, and a head of a hundred kilobytes would take
it long to find too large.
"""


class Exchange:
    """Stands where an :class:`h11.Connection` of a server would, as far as ours uses one, and behaves the
    same.

    One empty line before a request is passed over (RFC 9112, 2.2).

    :param most: bytes of a head that is not whole yet.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._http = h11.Connection(h11.SERVER, most)
        self._held: deque[bytes | memoryview] = deque()  # what has come, and h11 was not given
        self._fresh = True  # of the next request nothing was looked at
        self._keep = False  # the request lets the connection go on
        self._answered: Any = None  # our state, once there was a response that h11 has not seen
        self._passing = False  # from the head of a request whose body passes by to the next request
        self._begun = False  # some of that body has come
        self._left = 0  # bytes of that body that no event has told
        self._ended = False  # the peer sends no more
        self._over = False  # that body's end was told

    def receive_data(self, data: bytes) -> None:
        """Take what has come; nothing: the end."""
        if data:
            self._held.append(data)
            self._begun = self._begun or self._passing
        else:
            self._ended = True

    def next_event(self) -> Any:
        """See h11. :raises h11.RemoteProtocolError: the peer does not speak HTTP, or has gone too early."""
        if self._passing:
            return self._next_of_body()
        if self._fresh and not self._feed():
            return h11.NEED_DATA
        while (event := self._http.next_event()) is h11.NEED_DATA and self._feed():
            pass
        if isinstance(event, h11.Request):
            names = dict(event.headers)
            asked = names.get(b"connection", b"")
            self._keep = event.http_version >= b"1.1" and (not asked or b"close" not in _words(event))
            if b"transfer-encoding" not in names and (length := int(names.get(b"content-length", 0))):
                self._passing, self._over, self._left = True, False, length
                self._take_back()
                self._begun = bool(self._held)
        return event

    def _feed(self) -> bool:
        """Give h11 the next bytes, or the end; false: there is nothing to give."""
        if not self._held:
            if self._ended and not self._http.trailing_data[1]:
                self._http.receive_data(b"")
                return True
            return False
        if self._fresh and not self._skip_empty_line():
            return False
        most = BODY_PIECE if self._http.their_state is h11.SEND_BODY else HEAD_PIECE
        if self._held:
            self._http.receive_data(self._cut(most))
        return True

    def _cut(self, most: int) -> bytes:
        """The next bytes of what is held, so many at most."""
        piece = self._held.popleft()
        if len(piece) > most:
            view = memoryview(piece)
            self._held.appendleft(view[most:])
            piece = view[:most]
        return piece if isinstance(piece, bytes) else bytes(piece)

    def _skip_empty_line(self) -> bool:
        """Pass over the end of a line before a request; false: more has to come to tell whether it is one."""
        first = bytes(self._held[0][:2])
        if first == b"\r":
            if len(self._held) == 1 and not self._ended:
                return False
            first = self._cut(1) + (self._cut(BODY_PIECE) if self._held else b"")
            self._held.appendleft(first)
        self._fresh = False
        if first[:2] == b"\r\n":
            self._cut(2)
        return True

    def _take_back(self) -> None:
        """Take from h11 what it has not used."""
        here, _ = self._http.trailing_data
        if here:
            self._held.appendleft(here)

    def _next_of_body(self) -> Any:
        if self._left and self._held:
            data = self._cut(self._left)
            self._left -= len(data)
            return h11.Data(data=data)
        if not self._left:
            if self._over:
                return h11.PAUSED
            self._over = True
            return h11.EndOfMessage()
        if self._ended:
            raise h11.RemoteProtocolError("peer closed connection without sending complete message body")
        return h11.NEED_DATA

    @property
    def unread(self) -> bool:
        """Whether something has come that no event has told yet."""
        return bool(self._held) or (not self._passing and bool(self._http.trailing_data[0]))

    @property
    def their_state(self) -> Any:
        """Of the peer."""
        return (h11.DONE if self._over else h11.SEND_BODY) if self._passing else self._http.their_state

    @property
    def our_state(self) -> Any:
        """Of ours."""
        return self._answered or self._http.our_state

    @property
    def their_http_version(self) -> bytes | None:
        """What the peer speaks, as in ``b"1.1"``; ``None`` before its first request."""
        return self._http.their_http_version

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        """Whether the peer sends its body when it is told to."""
        return self._http.they_are_waiting_for_100_continue and not (self._passing and self._begun)

    def answer(
        self, status: int, reason: str, headers: Sequence[tuple[str, str]], body: bytes, *, last: bool
    ) -> bytes:
        """The bytes of a response that is here as a whole, as h11 would send it.

        :param last: whether the connection is to be closed behind it, whatever the request said.
        :raises ValueError: there is the end of a line in a header.
        """
        lines = [f"HTTP/1.1 {status} {reason}\r\n", *[f"{name}: {value}\r\n" for name, value in headers]]
        last = last or not self._keep or ("Connection", "close") in headers
        if last and ("Connection", "close") not in headers:
            lines.append("Connection: close\r\n")
        head = "".join(lines)
        if head.count("\n") != len(lines) or head.count("\r") != len(lines):
            raise ValueError("a header of a response has more than one line")
        self._answered = h11.MUST_CLOSE if last else h11.DONE
        return head.encode("ascii") + b"\r\n" + body

    def send(self, event: Any) -> bytes:
        """The bytes of an event."""
        return self._http.send(event) or b""

    def send_with_data_passthrough(self, event: Any) -> Any:
        """See h11."""
        return self._http.send_with_data_passthrough(event)

    def start_next_cycle(self) -> None:
        """Go on with the next request: both sides are done with this one."""
        if not self._passing:
            self._take_back()
        self._http, self._passing, self._fresh = h11.Connection(h11.SERVER, self._most), False, True
        self._answered = None


def _words(request: h11.Request) -> list[bytes]:
    """What its headers say of the connection."""
    said = [value for name, value in request.headers if name == b"connection"]
    return [word.strip().lower() for word in b",".join(said).split(b",")]
