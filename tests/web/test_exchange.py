"""The short way for bodies, beside h11's own."""

from __future__ import annotations

from typing import Any

import h11
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.web.exchange import Exchange

_BODIES = st.binary(max_size=40)


def _sized(body: bytes) -> bytes:
    return b"PATCH /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _expecting(body: bytes) -> bytes:
    return (
        b"PUT /b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )


def _chunked(body: bytes) -> bytes:
    chunk = b"%x\r\n" % len(body) + body + b"\r\n" if body else b""
    return b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n"


def _none(_: bytes) -> bytes:
    return b"GET /d HTTP/1.1\r\nHost: x\r\n\r\n"


def _last(body: bytes) -> bytes:
    return (
        b"PATCH /e HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )


def _old(body: bytes) -> bytes:
    return b"PUT /f HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _several(body: bytes) -> bytes:
    return (
        b"PUT /g HTTP/1.1\r\nHost: x\r\nConnection: TE\r\nConnection: x, Close\r\nContent-Length: %d\r\n\r\n"
        % len(body)
        + body
    )


_KINDS = (_sized, _expecting, _chunked, _none, _last, _old, _several)
_REQUESTS = st.tuples(st.sampled_from(_KINDS), _BODIES).map(lambda one: one[0](one[1]))


class ExchangeTests(SynchronousTestCase):
    @settings(max_examples=300, deadline=None)
    @given(st.lists(_REQUESTS, max_size=4), st.integers(0, 30), st.integers(1, 60), st.integers(1, 5))
    def test_as_h11(self, requests: list[bytes], cut: int, step: int, every: int) -> None:
        """Whatever comes, in pieces of whatever size, and broken off wherever: the same requests, bodies,
        states and errors.
        """
        data = b"".join(requests)
        data = data[: max(0, len(data) - cut)]
        pieces = [data[start : start + step] for start in range(0, len(data), step)] + [b""]
        self.assertEqual(
            _told(Exchange(1000), pieces, every), _told(h11.Connection(h11.SERVER, 1000), pieces, every)
        )

    def test_no_second_line(self) -> None:
        """What would make two lines of a header is no response."""
        for value in ("a\r\nX: y", "a\nX: y", "a\r", "a\n"):
            with self.assertRaises(ValueError):
                Exchange(1000).answer(200, "OK", [("Location", value)], b"", last=False)

    def test_not_copied(self) -> None:
        """A piece of a body is the one that came."""
        exchange, body = Exchange(1000), bytes(100_000)
        exchange.receive_data(_sized(body)[:-100_000])
        self.assertIsInstance(exchange.next_event(), h11.Request)
        exchange.receive_data(body)
        self.assertIs(exchange.next_event().data, body)


def _told(http: Any, pieces: list[bytes], every: int) -> list[Any]:
    """What the events say, asked for after every so many pieces, with an answer to each request."""
    told: list[Any] = []
    for number, piece in enumerate(pieces):
        http.receive_data(piece)
        if (number % every == 0 or not piece) and not _events(http, told):
            break
    return told


def _events(http: Any, told: list[Any]) -> bool:
    """Take events until more has to come; ``False``: the connection is over."""
    while True:
        try:
            event = http.next_event()
        except h11.RemoteProtocolError as error:
            told.append(("fault", error.error_status_hint))
            return False
        if event is h11.NEED_DATA:
            told.append(("waiting", http.they_are_waiting_for_100_continue, http.their_state))
            return True
        if isinstance(event, h11.Data):
            if told[-1][0] != "body":
                told.append(("body", b""))
            told[-1] = ("body", told[-1][1] + bytes(event.data))
        elif isinstance(event, h11.Request):
            told.append(("request", event.method, event.target, list(event.headers), http.their_state))
        elif isinstance(event, h11.EndOfMessage):
            if isinstance(http, Exchange):
                answer = http.answer(200, "OK", [("Content-Length", "2")], b"ok", last=False)
            else:
                head = http.send(
                    h11.Response(status_code=200, reason=b"OK", headers=[("Content-Length", "2")])
                )
                answer = head + http.send(h11.Data(data=b"ok")) + http.send(h11.EndOfMessage())
            told.append(("end", answer, http.our_state))
            if http.our_state is not h11.DONE:
                return False
            http.start_next_cycle()
        else:
            told.append((type(event).__name__,))
            return False
