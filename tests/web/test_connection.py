"""HTTP/1.1 byte by byte, with the clock in the hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import h11
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.protocols.crowd import Crowd
from imsys.protocols.source import Proxies
from imsys.web.answers import PeerGone, Problem, Response
from imsys.web.connection import HEAD_BYTES, LEAST_PIECE, LINGER, PIECES, TURN
from imsys.web.requests import Request
from tests.web.wire import CAPACITY, SETTINGS, Wire, problem, responses

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"


async def echo(request: Request) -> Response:
    """What came, behind its method and path."""
    body = b""
    while piece := await request.body.read():
        body += piece
    return Response(200, (), f"{request.method} {request.path} ".encode() + body)


class Waiting:
    """A handler that reads when it is told to."""

    def __init__(self) -> None:
        self.read: list[bytes] = []
        self.error: Exception | None = None
        self.go: Deferred[None] = Deferred()

    async def __call__(self, request: Request) -> Response:
        try:
            while True:
                await self.go
                piece = await request.body.read()
                self.read.append(piece)
                if not piece:
                    return Response(204)
        except Exception as error:
            self.error = error
            raise

    def once(self) -> None:
        """Take one piece."""
        go, self.go = self.go, Deferred()
        go.callback(None)


class Pieces:
    """A stream whose pieces are given from outside."""

    def __init__(self, length: int | None) -> None:
        self.length = length
        self.wanted: Deferred[bytes | None] | None = None
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self.wanted = Deferred()
        piece = await self.wanted
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        self.closed = True

    def give(self, piece: bytes | None) -> None:
        """The next piece; none: the end."""
        wanted, self.wanted = self.wanted, None
        assert wanted is not None, "nobody wants more"
        wanted.callback(piece)


class RequestTests(SynchronousTestCase):
    def test_bytewise(self) -> None:
        """A request that comes byte by byte is answered as one that comes at once, with Content-Length and in
        chunks.
        """
        for request in (
            b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
            b"POST http://x/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ):
            for how in (Wire.send, Wire.bytewise):
                wire = Wire(echo)
                how(wire, request)
                ((status, headers, body),) = responses(wire.received(), "POST")
                self.assertEqual((status, body), (200, b"POST /a hello"))
                self.assertEqual(headers["x-content-type-options"], "nosniff")
                self.assertEqual(headers["date"], "Tue, 14 Nov 2023 22:13:20 GMT")

    def test_pipelined(self) -> None:
        """Thousands of requests in one piece are answered one after the other, in order, a few in each turn."""
        wire, data = Wire(echo), b""
        wire.send(b"".join(GET % number for number in range(3000)))
        self.assertTrue(wire.transport.paused)
        while new := wire.received():
            self.assertLessEqual(new.count(b"HTTP/1.1 200"), TURN // 8)
            data += new
            wire.turn()
        self.assertFalse(wire.transport.paused)
        for number, (status, _, body) in enumerate(responses(data, *["GET"] * 3000)):
            self.assertEqual((status, body), (200, f"GET /{number} ".encode()))

    def test_empty_line(self) -> None:
        """One empty line before a request, which some clients send behind the one before it, is passed over.

        Two are none.
        """
        wire = Wire(echo)
        for data in (b"\r\n" + GET % 1, b"\r", b"\n", GET % 2, GET % 3 + b"\r\n" + GET % 4):
            wire.send(data)
        bodies = [body for _, _, body in responses(wire.received(), *["GET"] * 4)]
        self.assertEqual(bodies, [b"GET /%d " % number for number in (1, 2, 3, 4)])
        wire.send(b"\r\n\r\n")
        self.assertEqual([status for status, _, _ in responses(wire.received(), "GET")], [400])

    def test_host(self) -> None:
        """A request of HTTP/1.1 names one host; none, two, or what is none is a 400."""
        for hosts, expected in (
            ((), 400), (("x", "x"), 400), (("x", "y"), 400), (("a b",), 400), (("x/y",), 400), (("x@y",), 400), (("[::1",), 400),
            (("x:y",), 400), (("*",), 200),
            (("x",), 200), (("x:8443",), 200), (("[::1]:8443",), 200), (("127.0.0.1",), 200), (("",), 200), (("b\xfccher.example",), 400),
        ):  # fmt: skip
            wire = Wire(echo)
            wire.send(
                "".join(["GET /1 HTTP/1.1\r\n", *(f"Host: {host}\r\n" for host in hosts), "\r\n"]).encode(
                    "latin-1"
                )
            )
            self.assertEqual(
                [status for status, _, _ in responses(wire.received(), "GET")], [expected], hosts
            )

    def test_only_over_tls(self) -> None:
        """Over TLS, here or before a proxy that is trusted, a response says to come so from now on.

        Without it none does.
        """
        wire = Wire(echo)
        wire.send(GET % 1 + b"nonsense\r\n\r\n")
        for _, headers, _ in responses(wire.received(), "GET", "GET"):
            self.assertNotIn("strict-transport-security", headers)
        wire = wire.another(tls=True)
        wire.send(GET % 1 + b"nonsense\r\n\r\n")
        for _, headers, _ in responses(wire.received(), "GET", "GET"):
            self.assertEqual(headers["strict-transport-security"], "max-age=31536000")
        wire = Wire(echo, proxies=Proxies(["10.0.0.1"])).another(IPv4Address("TCP", "10.0.0.1", 5))
        wire.send(b"GET /1 HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n" + GET % 2)
        secure = [
            "strict-transport-security" in headers
            for _, headers, _ in responses(wire.received(), "GET", "GET")
        ]
        self.assertEqual(secure, [True, False])

    def test_one_at_a_time(self) -> None:
        """The next request waits, and nothing more is read, until the one before it is answered."""
        turns: list[Deferred[None]] = []

        async def slow(request: Request) -> Response:
            turns.append(Deferred())
            await turns[-1]
            return Response(200, (), request.path.encode())

        wire = Wire(slow)
        wire.send(GET % 1)
        self.assertFalse(wire.transport.paused)
        wire.send((GET % 2)[:10])
        self.assertTrue(wire.transport.paused)
        self.assertEqual(len(turns), 1)
        turns[0].callback(None)
        self.assertFalse(wire.transport.paused)
        wire.send((GET % 2)[10:])
        self.assertEqual(len(turns), 2)
        turns[1].callback(None)
        self.assertEqual([body for _, _, body in responses(wire.received(), "GET", "GET")], [b"/1", b"/2"])

    def test_head(self) -> None:
        """The response to HEAD has the length of the body, and no body; the connection goes on."""
        wire = Wire(echo)
        wire.send(b"HEAD /1 HTTP/1.1\r\nHost: x\r\n\r\n" + GET % 2)
        (_, headers, nothing), (_, _, body) = responses(wire.received(), "HEAD", "GET")
        self.assertEqual((headers["content-length"], nothing, body), ("8", b"", b"GET /2 "))

    def test_http_1_0(self) -> None:
        """A client with HTTP/1.0 is answered, and the connection closed."""
        wire = Wire(echo)
        wire.send(b"GET /1 HTTP/1.0\r\n\r\n")
        self.assertTrue(wire.received().endswith(b"GET /1 "))
        self.assertTrue(wire.transport.finished)

    def test_connection_close(self) -> None:
        """A client that wants the connection closed after this response gets that."""
        wire = Wire(echo)
        wire.send(b"GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        ((_, headers, _),) = responses(wire.received(), "GET")
        self.assertEqual((headers["connection"], wire.transport.finished), ("close", True))

    def test_half_closed(self) -> None:
        """A client that closes its half after the request is answered.

        One that closes it amid the body is not.
        """
        wire = Wire(echo)
        turn: Deferred[None] = Deferred()
        wire.send(GET % 1)
        wire.connection.readConnectionLost()
        self.assertEqual([status for status, _, _ in responses(wire.received(), "GET")], [200])
        self.assertTrue(wire.transport.disconnecting)
        turn.callback(None)
        handler = Waiting()
        wire = Wire(handler)
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel")
        handler.once()
        handler.once()
        wire.connection.readConnectionLost()
        self.assertEqual((handler.read, type(handler.error)), ([b"hel"], PeerGone))
        self.assertTrue(wire.transport.disconnecting)

    def test_failing_handler(self) -> None:
        """A handler that fails is logged and answered with 500, a refusal with what it says.

        The connection goes on.
        """

        async def fails(request: Request) -> Response:
            if request.path == "/1":
                raise ValueError("a fault of ours")
            if request.path == "/2":
                raise Refused(Status.SERVER_BUSY, "Not now.", retry_after=2.5)
            raise Refused(Status.FILE_OPEN_ERROR, "Not here.")

        wire = Wire(fails)
        wire.send(GET % 1 + GET % 2 + GET % 3)
        found = list(responses(wire.received(), "GET", "GET", "GET"))
        self.assertEqual(
            [(status, problem(body)) for status, _, body in found], [(500, 75), (503, 73), (404, 38)]
        )
        self.assertEqual(found[1][1]["retry-after"], "3")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class BodyTests(SynchronousTestCase):
    HEAD = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n"
    CHUNKED = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    def test_judged_first(self) -> None:
        """A request that is refused by its head is answered before a byte of its body.

        The rest is passed over, up to a bound.
        """

        async def no(request: Request) -> Response:
            raise Problem(403, Status.PERMISSION_DENIED, "No.")

        wire = Wire(no)
        wire.send(self.HEAD + b"\r\n")
        ((status, headers, body),) = responses(wire.received(), "PUT")
        self.assertEqual((status, problem(body), headers["connection"]), (403, 65, "close"))
        self.assertTrue(wire.transport.finished)
        for _ in range(SETTINGS.linger // 65536):
            wire.send(bytes(65536))
        self.assertFalse(wire.transport.aborted)
        wire.send(b"x")
        self.assertTrue(wire.transport.aborted)

    def test_a_body_that_is_here(self) -> None:
        """A body that nobody asked for, and that is here already, does not end the connection."""

        async def yes(request: Request) -> Response:
            return Response(204)

        wire = Wire(yes)
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + GET % 1)
        self.assertEqual([status for status, _, _ in responses(wire.received(), "POST", "GET")], [204, 204])

    def test_continue(self) -> None:
        """A client that asks first is told to go on when its body is asked for, and not where the head is
        refused.
        """
        handler = Waiting()
        wire = Wire(handler)
        wire.send(self.HEAD + b"Expect: 100-continue\r\n\r\n")
        self.assertEqual(wire.received(), b"")
        handler.once()
        self.assertTrue(wire.received().startswith(b"HTTP/1.1 100 "))

        async def no(request: Request) -> Response:
            raise Problem(507, Status.QUOTA_EXCEEDED, "No.")

        wire = Wire(no)
        wire.send(self.HEAD + b"Expect: 100-continue\r\n\r\n")
        ((status, headers, _),) = responses(wire.received(), "PUT")
        self.assertEqual((status, headers["connection"]), (507, "close"))

    def test_back_pressure(self) -> None:
        """Nothing is read from the peer while the handler asks for nothing."""
        handler = Waiting()
        wire = Wire(handler)
        wire.send(self.HEAD + b"\r\n")
        self.assertFalse(wire.transport.paused)
        wire.send(b"a" * 1000)
        self.assertTrue(wire.transport.paused)
        handler.once()
        self.assertEqual(handler.read, [b"a" * 1000])
        self.assertTrue(wire.transport.paused)
        handler.once()
        self.assertFalse(wire.transport.paused)
        wire.send(b"b" * 1000)
        self.assertEqual(handler.read[1:], [b"b" * 1000])

    def test_broken_off(self) -> None:
        """A handler that waits for more of a body learns that the peer has gone; what came before it has."""
        handler = Waiting()
        wire = Wire(handler)
        wire.send(self.HEAD + b"\r\nabc")
        handler.once()
        handler.once()
        wire.lose()
        self.assertEqual((handler.read, type(handler.error)), ([b"abc"], PeerGone))
        self.assertEqual(len(wire.server.connections), 0)

    def test_malformed_chunks(self) -> None:
        """A body that is not formed as HTTP wants is a 400, after what was in order."""
        handler = Waiting()
        wire = Wire(handler)
        wire.send(b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n")
        handler.once()
        handler.once()
        ((status, _, body),) = responses(wire.received(), "PUT")
        self.assertEqual((status, problem(body), handler.read), (400, 1, [b"abc"]))

    def test_two_lengths(self) -> None:
        """A request that says in two ways where it ends is refused, and what follows is no request."""
        for first, second in (
            (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
            (b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        ):
            wire = Wire(echo)
            wire.send(
                b"PUT /1 HTTP/1.1\r\nHost: x\r\n" + first + b"\r\n" + second + b"\r\n\r\n0\r\n\r\n" + GET % 2
            )
            ((status, headers, body),) = responses(wire.received(), "PUT")
            self.assertEqual(
                (status, problem(body), headers["connection"], wire.transport.finished),
                (400, 1, "close", True),
            )

    def test_malformed_is_not_repeated(self) -> None:
        """Nothing of what cannot be read comes back: behind a proxy it may be the beginning of somebody
        else's request.
        """
        secret = b"GET / HTTP/1.1\r\nAuthorization: Bearer secret"
        for before in (
            b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\n",
            b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na",
            b"PUT / HTTP/1.1\r\nHost: x\r\nX :",
            b"nonsense ",
        ):
            wire = Wire(echo)
            wire.send(before + secret + b"\r\n\r\n")
            ((status, _, body),) = responses(wire.received(), "PUT")
            self.assertEqual((status, problem(body)), (400, 1))
            self.assertNotRegex(body, rb"secret|GET|Auth|bytearray")

    def test_stalled(self) -> None:
        """A body that comes to a halt is a 408; one that crawls below the least pace as well."""
        handler = Waiting()
        wire = Wire(handler)
        wire.send(self.HEAD + b"\r\n")
        handler.once()
        wire.clock.advance(SETTINGS.stalled + 1)
        ((status, _, _),) = responses(wire.received(), "PUT")
        self.assertEqual(status, 408)
        wire = Wire(echo)
        wire.send(self.HEAD + b"\r\n")
        for _ in range(3):
            wire.clock.advance(60)
            if not wire.transport.finished:
                wire.send(b"x")
        self.assertEqual([status for status, _, _ in responses(wire.received(), "PUT")], [408])

    def test_slow_but_sure(self) -> None:
        """A body that keeps the least pace arrives, and time that we took ourselves does not count."""
        handler = Waiting()
        wire = Wire(handler)
        wire.send(self.HEAD + b"\r\n")
        for _ in range(4):
            wire.clock.pump([1.0] * 200)  # nobody reads
            handler.once()
            wire.clock.pump([1.0] * 100)
            wire.send(bytes(5000))
        self.assertEqual((len(handler.read), handler.error, wire.received()), (4, None, b""))

    def test_interrupted(self) -> None:
        """What fails a body from elsewhere is what its reader gets, and is harmless when the request is over."""
        seen: list[Request] = []

        async def reads(request: Request) -> Response:
            seen.append(request)
            return await echo(request)

        wire = Wire(reads)
        wire.send(self.HEAD + b"\r\n")
        seen[0].body.fail(Refused(Status.QUOTA_EXCEEDED, "Full."))
        ((status, _, body),) = responses(wire.received(), "PUT")
        self.assertEqual((status, problem(body)), (507, 68))
        wire = Wire(reads)
        wire.send(GET % 1)
        seen[1].body.fail(Refused(Status.QUOTA_EXCEEDED, "Full."))
        wire.send(GET % 2)
        self.assertEqual([status for status, _, _ in responses(wire.received(), "GET", "GET")], [200, 200])


class StreamTests(SynchronousTestCase):
    def streaming(self, length: int | None) -> tuple[Wire, Pieces]:
        pieces = Pieces(length)

        async def answer(request: Request) -> Response:
            return Response(200, (), pieces)

        wire = Wire(answer)
        wire.send(GET % 1)
        return wire, pieces

    def test_known_length(self) -> None:
        """A stream of known length is sent as it comes, and the connection goes on."""
        wire, pieces = self.streaming(6)
        pieces.give(b"abc")
        self.assertTrue(wire.transport.value().endswith(b"\r\n\r\nabc"))
        pieces.give(b"def")
        pieces.give(None)
        self.assertEqual([body for _, _, body in responses(wire.received(), "GET")], [b"abcdef"])
        self.assertTrue(pieces.closed)
        wire.send(GET % 2)
        self.assertIn(b"200", wire.received())

    def test_unknown_length(self) -> None:
        """A stream of unknown length, a live one for example, goes out in chunks."""
        wire, pieces = self.streaming(None)
        pieces.give(b"abc")
        pieces.give(b"defg")
        pieces.give(None)
        ((_, headers, body),) = responses(wire.received(), "GET")
        self.assertEqual((headers["transfer-encoding"], body), ("chunked", b"abcdefg"))

    def test_slow_reader(self) -> None:
        """No further piece is asked for while the peer does not take what was sent.

        One that never does is cut off.
        """
        wire, pieces = self.streaming(9)
        wire.connection.pauseProducing()
        pieces.give(b"abc")
        self.assertIsNone(pieces.wanted)
        wire.connection.resumeProducing()
        self.assertIsNotNone(pieces.wanted)
        wire.connection.pauseProducing()
        pieces.give(b"def")
        wire.clock.advance(SETTINGS.stalled + 1)
        self.assertTrue(wire.transport.aborted)
        wire.lose()
        self.assertTrue(pieces.closed)

    def test_slow_reader_of_many(self) -> None:
        """Nothing is answered for a client that sends requests and takes no responses."""
        wire = Wire(echo)
        wire.connection.pauseProducing()
        wire.send(GET % 1 + GET % 2)
        self.assertEqual((wire.received(), wire.transport.paused), (b"", True))
        wire.connection.resumeProducing()
        self.assertEqual(len(list(responses(wire.received(), "GET", "GET"))), 2)

    def test_peer_gone(self) -> None:
        """A stream that waits for its next piece is closed when the connection breaks."""
        wire, pieces = self.streaming(None)
        wire.lose()
        self.assertTrue(pieces.closed)

    def test_damaged(self) -> None:
        """A stream that fails, or ends too early, breaks the connection off: nobody takes it for whole."""
        for outcome in (Refused(Status.FILE_WRITE_ERROR, "Damaged."), None):
            wire, pieces = self.streaming(9)
            pieces.give(b"abc")
            if outcome is None:
                pieces.give(None)
                self.assertEqual(len(self.flushLoggedErrors(h11.LocalProtocolError)), 1)
            else:
                assert pieces.wanted is not None
                pieces.wanted.errback(outcome)
            self.assertTrue(wire.transport.aborted)
            self.assertTrue(pieces.closed)

    def test_head(self) -> None:
        """HEAD takes nothing of a stream, and closes it."""
        pieces = Pieces(7)

        async def answer(request: Request) -> Response:
            return Response(200, (), pieces)

        wire = Wire(answer)
        wire.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        ((_, headers, _),) = responses(wire.received(), "HEAD")
        self.assertEqual((headers["content-length"], pieces.closed, pieces.wanted), ("7", True, None))


class LimitTests(SynchronousTestCase):
    def test_large_head(self) -> None:
        """A head past its limit is a 431, whether it ends or not, and the connection is closed."""
        for end in (b"", b"\r\n\r\n"):
            wire = Wire(echo)
            wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * HEAD_BYTES + end)
            ((status, _, body),) = responses(wire.received(), "GET")
            self.assertEqual((status, problem(body), wire.transport.finished), (431, 1, True))

    def test_slow_head(self) -> None:
        """A head that does not come in time is a 408.

        A connection that asks for nothing is closed without a word.
        """
        wire = Wire(echo)
        wire.clock.advance(5)
        wire.send(b"GET / HT")
        for _ in range(3):
            wire.clock.advance(4)
            if not wire.transport.finished:
                wire.send(b"T")
        ((status, _, _),) = responses(wire.received(), "GET")
        self.assertEqual(status, 408)
        wire = Wire(echo)
        wire.clock.advance(SETTINGS.head + 1)
        self.assertEqual((wire.received(), wire.transport.finished), (b"", True))

    def test_idle(self) -> None:
        """Between two requests a connection may be idle for longer; then it is closed."""
        wire = Wire(echo)
        wire.send(GET % 1)
        wire.clock.advance(SETTINGS.idle - 1)
        wire.send(GET % 2)
        self.assertEqual(len(list(responses(wire.received(), "GET", "GET"))), 2)
        wire.clock.advance(SETTINGS.idle + 1)
        self.assertEqual((wire.received(), wire.transport.finished), (b"", True))

    def test_lingering(self) -> None:
        """A peer that does not close in time is cut off."""
        wire = Wire(echo)
        wire.send(b"GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wire.clock.advance(LINGER + 1)
        self.assertTrue(wire.transport.aborted)

    def test_room(self) -> None:
        """Who comes takes the place of the oldest that has nothing to be answered.

        Where all have, there is no room.
        """
        turn: Deferred[None] = Deferred()

        async def granted(request: Request) -> Response:
            request.known(int(request.path[1:]))
            await turn
            return Response(204)

        wires = [Wire(granted)]
        for _ in range(3):
            wires.append(wires[0].another())
        self.assertEqual([wire.transport.aborted for wire in wires], [True, True, False, False])
        for number in (1, 2, 3):
            wires[-1].send(GET % number)
            wires.append(wires[0].another())
        wires[2].send(GET % 4)  # which is gone
        wires[-1].send(GET % 5)
        self.assertEqual(len(wires[0].server.connections.crowd), CAPACITY)
        self.assertIsNone(wires[0].server.buildProtocol(None))
        turn.callback(None)
        another = wires[0].another()
        self.assertEqual(
            [wire.transport.aborted for wire in (*wires[3:], another)], [True, False, False, False, False]
        )

    def test_too_small_chunks(self) -> None:
        """A body in chunks of a byte takes a little of each turn, and is refused in the end.

        Large ones are not.
        """
        wire, chunk = Wire(echo), b"1\r\nx\r\n"
        wire.send(BodyTests.CHUNKED + chunk * 2 * PIECES)
        turns = 0
        while not (answer := wire.received()):
            self.assertTrue(wire.transport.paused)
            wire.turn()
            turns += 1
        self.assertGreater(turns, PIECES // TURN - 2)
        ((status, _, body),) = responses(answer, "PUT")
        self.assertEqual((status, problem(body)), (400, 1))
        wire = Wire(echo)
        wire.send(
            BodyTests.CHUNKED
            + (b"%x\r\n" % (2 * LEAST_PIECE) + bytes(2 * LEAST_PIECE) + b"\r\n") * 2 * PIECES
            + b"0\r\n\r\n"
        )
        while not (answer := wire.received()):
            wire.turn()
        self.assertEqual([status for status, _, _ in responses(answer, "PUT")], [200])

    def test_chunks_that_nobody_wants(self) -> None:
        """Of a refused body in many small chunks few are looked at: the connection is closed behind the
        answer.
        """

        async def no(request: Request) -> Response:
            raise Problem(401, Status.PERMISSION_DENIED, "No.")

        wire = Wire(no)
        wire.send(BodyTests.CHUNKED + b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n" + GET % 1)
        ((status, headers, _),) = responses(wire.received(), "PUT")
        self.assertEqual((status, headers["connection"], wire.transport.finished), (401, "close", True))
        wire.turn()
        self.assertEqual(wire.received(), b"")

    def test_large_heads(self) -> None:
        """A head far past its limit is refused before it is parsed, whether it is one header or thousands."""
        for lines in (b"X: " + b"x" * 250_000 + b"\r\n", b"a:\r\n" * 50_000):
            wire = Wire(echo)
            wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
            ((status, _, _),) = responses(wire.received(), "GET")
            self.assertEqual(status, 431)

    def test_deadline_from_the_beginning(self) -> None:
        """The first head has to be here in time from the connect, whenever it begins."""
        wire = Wire(echo)
        wire.clock.advance(SETTINGS.head - 1)
        wire.send(b"GET ")
        wire.clock.advance(2)
        self.assertEqual([status for status, _, _ in responses(wire.received(), "GET")], [408])

    def test_on_behalf(self) -> None:
        """Behind a proxy that is trusted the address that it names is counted, for as long as its request
        takes; not the proxy's.
        """
        turn: Deferred[None] = Deferred()
        seen: list[str] = []

        async def slow(request: Request) -> Response:
            seen.append(request.source.limit_key)
            request.known(0)
            await turn
            return Response(204)

        proxy, head = (
            IPv4Address("TCP", "10.0.0.1", 5),
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\n\r\n",
        )
        crowd = Crowd(Clock(), 20, source=2)
        first = Wire(slow, proxies=Proxies(["10.0.0.0/8"]), crowd=crowd)
        wires = [first.another(proxy) for _ in range(4)]
        for wire, address in zip(
            wires, (b"192.0.2.1", b"192.0.2.1", b"192.0.2.2", b"192.0.2.1"), strict=True
        ):
            wire.send(head % address)
        ((status, headers, body),) = responses(wires[3].received(), "GET")
        self.assertEqual(
            (status, problem(body), headers["retry-after"], seen),
            (429, 64, "1", ["192.0.2.1"] * 2 + ["192.0.2.2"]),
        )
        turn.callback(None)
        again = first.another(proxy)
        again.send(head % b"192.0.2.1")
        self.assertEqual([status for status, _, _ in responses(again.received(), "GET")], [204])

    def test_drained(self) -> None:
        """A server that stops closes idle connections, and the others after their present requests."""
        turn: Deferred[None] = Deferred()

        async def slow(request: Request) -> Response:
            await turn
            return Response(200)

        idle, busy = Wire(slow), Wire(slow)
        busy.send(GET % 1 + GET % 2)
        for wire in (idle, busy):
            wire.server.drain()
        self.assertEqual((idle.transport.finished, busy.transport.finished), (True, False))
        turn.callback(None)
        ((status, headers, _),) = responses(busy.received(), "GET")
        self.assertEqual((status, headers["connection"], busy.transport.finished), (200, "close", True))

    def test_stopped(self) -> None:
        """Whoever is not done when the server has waited long enough is cut off."""
        handler = Waiting()
        wire = Wire(handler)
        wire.server.startService()
        wire.send(BodyTests.HEAD + b"\r\n")
        handler.once()
        stopped = wire.server.stopService()
        wire.clock.advance(11)
        self.assertTrue(wire.transport.aborted)
        wire.lose()
        self.successResultOf(stopped)


class GarbageTests(SynchronousTestCase):
    STREAM = (
        GET % 1
        + b"POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n" + b"GET / HTTP/1"
        + b"POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n12345\r\n1\r\n6\r\n0\r\nTrailer: x\r\n\r\n"
        + GET % 4
    )  # fmt: skip

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.integers(0, len(STREAM)), max_size=20))
    def test_cut_anywhere(self, cuts: list[int]) -> None:
        """Wherever the network cuts a stream of requests, the answers are the same."""
        wire, at = Wire(echo), 0
        for cut in (*sorted(set(cuts) - {0, len(self.STREAM)}), len(self.STREAM)):
            wire.send(self.STREAM[at:cut])
            at = cut
        found = [body for _, _, body in responses(wire.received(), "GET", "POST", "POST", "GET")]
        self.assertEqual(found, [b"GET /1 ", b"POST /2 GET / HTTP/1", b"POST /3 123456", b"GET /4 "])

    FORMS = st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [b"GET ", b"/ ", b"HTTP/1.1", b"HTTP/1.7", b"\r\n", b"\n", b"Host: x", b"Content-Length: 3", b"Content-Length: -1",
                 b"Transfer-Encoding: chunked", b":", b" ", b"\0", b"abc", b"Expect: 100-continue", b"Connection: close", b"Upgrade: x",
                 b"CONNECT",
                 b"\xff", b"* ", b"HEAD / "]
            ),
            max_size=30,
        ).map(b"".join),
    )  # fmt: skip

    @settings(max_examples=300, deadline=None)
    @given(FORMS, st.booleans())
    def test_garbage(self, data: bytes, bytewise: bool) -> None:
        """Whatever comes as a head is answered with HTTP, or waited for, and never is a fault of ours."""
        wire = Wire(echo)
        (Wire.bytewise if bytewise else Wire.send)(wire, data) if data else None
        answer = wire.received()
        if answer:
            self.assertRegex(answer, rb"^HTTP/1\.1 (100|200|400|431|501|505) ")
        self.assertFalse(wire.transport.aborted)
        self.assertEqual(self.flushLoggedErrors(), [])
        wire.connection.readConnectionLost()
        wire.lose()
        self.assertEqual(len(wire.server.connections), 0)
        self.assertEqual(self.flushLoggedErrors(), [])
