"""h11, with a short way for the body of a request whose length is known: its bytes pass it by, and are not copied.

Everything else is h11's: heads, chunked bodies, what may follow what, and when a connection can be used again.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import h11


class Exchange:
    """Stands where an :class:`h11.Connection` of a server would, as far as ours uses one, and behaves the same.

    :param most: bytes of a head that is not whole yet.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._http = h11.Connection(h11.SERVER, most)
        self._passing = False  # from the head of a request whose body passes by to the next request
        self._begun = False  # some of that body has come
        self._left = 0  # bytes of that body that have not come
        self._parts: deque[bytes] = deque()  # what has come of it
        self._behind: list[bytes] = []  # what has come after it
        self._ended = False  # the peer sends no more
        self._over = False  # that body's end was told

    def receive_data(self, data: bytes) -> None:
        """Take what has come; nothing: the end."""
        self._ended = self._ended or not data
        if not self._passing:
            self._http.receive_data(data)
        elif len(data) <= self._left:
            self._left -= len(data)
            if data:
                self._begun = True
                self._parts.append(data)
        else:
            if self._left:
                self._begun = True
                self._parts.append(data[: self._left])
                data, self._left = data[self._left :], 0
            self._behind.append(data)

    def next_event(self) -> Any:
        """See h11. :raises h11.RemoteProtocolError: the peer does not speak HTTP, or has gone too early."""
        if self._passing:
            return self._next_of_body()
        event = self._http.next_event()
        if isinstance(event, h11.Request):
            names = dict(event.headers)
            if b"transfer-encoding" not in names and (length := int(names.get(b"content-length", 0))):
                self._passing, self._begun, self._over, self._left = True, False, False, length
                here, _ = self._http.trailing_data
                if here:
                    self.receive_data(here)
        return event

    def _next_of_body(self) -> Any:
        if self._parts:
            return h11.Data(data=self._parts.popleft())
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
        return bool(self._parts or self._behind) if self._passing else bool(self._http.trailing_data[0])

    @property
    def their_state(self) -> Any:
        """Of the peer."""
        return (h11.DONE if self._over else h11.SEND_BODY) if self._passing else self._http.their_state

    @property
    def our_state(self) -> Any:
        """Of ours."""
        return self._http.our_state

    @property
    def their_http_version(self) -> bytes | None:
        """Of the newest request; ``None``: there was none yet."""
        return self._http.their_http_version

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        """Whether the peer sends its body when it is told to."""
        return self._http.they_are_waiting_for_100_continue and not (self._passing and self._begun)

    def send(self, event: Any) -> bytes:
        """The bytes of an event."""
        return self._http.send(event) or b""

    def send_with_data_passthrough(self, event: Any) -> Any:
        """See h11."""
        return self._http.send_with_data_passthrough(event)

    def start_next_cycle(self) -> None:
        """Go on with the next request."""
        if not self._passing:
            self._http.start_next_cycle()
            return
        self._http, self._passing = h11.Connection(h11.SERVER, self._most), False
        behind, self._behind = self._behind, []
        for data in behind:
            self._http.receive_data(data)
        if self._ended:
            self._http.receive_data(b"")
