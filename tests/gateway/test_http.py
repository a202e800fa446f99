"""JSON over HTTP, byte by byte."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from imsys.errors import Refused, Status, Unavailable
from imsys.gateway.http import Endpoint, Handler, JsonApi
from imsys.protocols.crowd import Crowd
from imsys.protocols.source import ClientAddress, Proxies
from imsys.services.common import ListenService
from imsys.web.connection import HttpSettings
from imsys.web.server import HttpServer
from tests.gateway.raw_http import RawHttp, RawResponse, chunked, post
from tests.web.wire import Transport

LIMIT = 65536


class Question(msgspec.Struct):
    text: str
    number: int = 0


class Reply(msgspec.Struct):
    text: str
    error: int = 0


def server(clock: Any, ask: Handler, proxies: Proxies) -> HttpServer:
    """A server of one path."""
    api = JsonApi(clock, {"/ask": Endpoint(Question, ask)}, body_limit=LIMIT, timeout=30.0)
    times = HttpSettings(head=30.0, idle=30.0, stalled=30.0, linger=1 << 20)
    return HttpServer(clock, times, api.answer, time.time, Crowd(clock, 100), proxies)


class HttpTests(TestCase):
    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.seen: list[tuple[Question, ClientAddress]] = []
        self.outcome: Any = None
        self.server = server(reactor, self.ask, Proxies(["127.0.0.1"]))
        self.server.startService()
        self.addCleanup(self.server.stopService)
        listening = ListenService(reactor, self.server, "127.0.0.1", 0, None, "test")
        listening.startService()
        self.addCleanup(listening.stopService)
        self.port = listening.port
        self.http = await self.connect(self.port)

    async def connect(self, port: int) -> RawHttp:
        http = await RawHttp.connect(port)

        def close() -> Deferred[None]:
            http.close()
            return http.closed

        self.addCleanup(close)
        return http

    async def ask(self, question: Question, source: ClientAddress) -> Reply:
        self.seen.append((question, source))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if isinstance(self.outcome, Deferred):
            await self.outcome
        return Reply(question.text)

    async def exchange(self, data: bytes) -> RawResponse:
        self.http.send(data)
        return await self.http.response()

    async def test_answer(self) -> None:
        """A JSON object on a known path is answered with 200 and JSON, and the connection stays for the next."""
        for text in ("eins", "zw\u00f6lf"):
            response = await self.exchange(post("/ask", json.dumps({"text": text, "more": [1, {}]}).encode()))
            self.assertEqual((response.status, response.json), (200, {"text": text, "error": 0}))
        self.assertEqual(response.headers["content-type"], "application/json")
        self.assertEqual(response.headers["cache-control"], "no-store")
        self.assertIn("GMT", response.headers["date"])

    async def test_no_banner(self) -> None:
        """No response says what software answers it."""
        for data in (post("/ask", b"{}"), post("/x", b"{}"), post("/ask", b"[")):
            self.assertNotIn("server", (await self.exchange(data)).headers)

    async def test_bytewise(self) -> None:
        """A request that arrives byte by byte is one request."""
        for byte in post("/ask", b'{"text": "slow"}'):
            self.http.send(bytes([byte]))
        self.assertEqual((await self.http.response()).json["text"], "slow")

    async def test_pipelined(self) -> None:
        """Requests sent without waiting are answered in order, one after the other."""
        self.http.send(b"".join(post("/ask", b'{"text": "%d"}' % n) for n in range(20)))
        self.assertEqual(
            [(await self.http.response()).json["text"] for _ in range(20)], [str(n) for n in range(20)]
        )

    async def test_chunked(self) -> None:
        """A body in chunks is refused, whatever they are, and the connection closed: no client of ours sends
        any.
        """
        for chunks in ((b'{"te', b'xt": "chu', b'nks"}'), (b"x",) * 5000):
            http = await self.connect(self.port)
            http.send(chunked("/ask", *chunks))
            response = await http.response()
            self.assertEqual(
                (response.status, response.json["error"], response.headers["connection"]), (411, 1, "close")
            )
            await http.closed
        self.assertEqual(self.seen, [])

    async def test_no_object(self) -> None:
        """What is not one JSON object gets 400 and error 1, whatever it is."""
        bodies = [
            b"", b" ", b"null", b"[]", b'[{"text": "a"}]', b'"text"', b"1", b"{", b'{"text": "a"', b'{"text": "a"}}', b'{"text": 1, x',
            b'{"text": "a"} {}', b'{"text": "\xff"}', b'{"text": "a", "y": "\xff"}', b'{"\xff": 1}', b'{"text": "\\ud800"}', b"\xff\xfe",
            b"text=a", b"{'text': 'a'}", b'{"text": NaN}', b"[" * 60_000, b'{"a":' * 12_000, b'{"text": "a", "b": ' + b"[" * 60_000,
            b'{"text": "a\x00"}', b"\xef\xbb\xbf[]",
        ]  # fmt: skip
        for body in bodies:
            response = await self.exchange(post("/ask", body))
            self.assertEqual((response.status, response.json["error"]), (400, 1), body[:40])
        self.assertEqual(self.seen, [])

    async def test_wrong_object(self) -> None:
        """A JSON object that lacks or mistypes a key gets 200 and error 1, with a sentence."""
        bodies = [
            b"{}", b'{"Text": "a"}', b'{"text": 1}', b'{"text": null}', b'{"text": ["a"]}', b'{"text": {"text": "a"}}', b'{"text": true}',
            b'{"text": "a", "number": "1"}', b'{"text": "a", "number": 1.5}', b'{"text": ' + b"9" * 60_000 + b"}",
        ]  # fmt: skip
        for body in bodies:
            response = await self.exchange(post("/ask", body))
            self.assertEqual((response.status, response.json["error"]), (200, 1), body[:40])
            self.assertTrue(response.json["message"].endswith("."))
        self.assertEqual(self.seen, [])

    async def test_deep_nesting(self) -> None:
        """Nesting up to the size limit never does more than refuse."""
        body = b'{"text": "a", "deep": ' + b"[" * 32_000 + b"]" * 32_000 + b"}"
        self.assertIn((await self.exchange(post("/ask", body))).status, (200, 400))
        self.assertEqual((await self.exchange(post("/ask", b'{"text": "on"}'))).json["text"], "on")

    async def test_unknown_path(self) -> None:
        """An unknown path gets 404, whatever the method."""
        for path in ("/", "/ask/", "/ASK", "//ask", "/%61sk", "/../ask"):
            head, _, body = post(path, b'{"text": "a"}').partition(b"{")
            self.http.send(head)
            await self.pause()
            response = await self.exchange(b"{" + body)
            self.assertEqual((response.status, response.json["error"]), (404, 1), path)
        self.assertEqual((await self.exchange(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")).status, 404)

    async def test_wrong_method(self) -> None:
        """Any method but POST gets 405 with the one that is allowed; HEAD without a body."""
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH", "post", "BREW"):
            response = await self.exchange(f"{method} /ask HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            self.assertEqual(
                (response.status, response.headers["allow"], response.json["error"]), (405, "POST", 1), method
            )
        self.http.send(b"HEAD /ask HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual((await self.http.response(head=True)).status, 405)
        self.assertEqual((await self.exchange(post("/ask?a=b", b'{"text": "query"}'))).json["text"], "query")

    async def test_largest_body(self) -> None:
        """A body of exactly 64 KiB passes; one byte more is 413."""
        body = b'{"text": "a"}'.ljust(LIMIT)
        self.assertEqual((await self.exchange(post("/ask", body))).status, 200)
        response = await self.exchange(post("/ask", body + b" "))
        self.assertEqual(
            (response.status, response.json["error"], response.headers["connection"]), (413, 1, "close")
        )
        await self.http.closed
        self.assertEqual(len(self.seen), 1)

    async def test_too_large_is_drained(self) -> None:
        """Of up to 1 MiB everything is read before the connection is closed, so the answer arrives."""
        response = await self.exchange(post("/ask", b" " * (1 << 20)))
        self.assertEqual(response.status, 413)
        await self.http.closed

    async def test_too_large_is_answered_early(self) -> None:
        """The answer does not wait for the end of a body that is too large already."""
        self.http.send(b"POST /ask HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b" " * 10)
        self.assertEqual((await self.http.response()).status, 413)

    async def test_far_too_large(self) -> None:
        """Past 1 MiB the connection is closed, and no memory holds the body."""
        self.http.send(b"POST /ask HTTP/1.1\r\nHost: x\r\nContent-Length: 2621440\r\n\r\n" + b" " * 2621440)
        await self.http.closed

    async def test_malformed_http(self) -> None:
        """What is not HTTP is answered with a 4xx and closed, whatever follows, with nothing in the log.

        The next client is served.
        """
        requests = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"nonsense\r\n\r\n\r\n\r\n" * 20,
            b"\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /ask HTTP/1.1\r\n\r\n",
            b"POST /ask HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
            b"POST /ask HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
            b"POST /ask HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST /ask HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST /ask HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        ]
        for request in requests:
            http = await self.connect(self.port)
            http.send(request)
            await http.closed
            self.assertRegex(http.received, rb"\AHTTP/1\.1 (400|411|431|505) ")
        self.assertEqual((await self.exchange(post("/ask", b'{"text": "on"}'))).json["text"], "on")

    async def test_http_1_0(self) -> None:
        """A client of HTTP/1.0 gets its answer, and the end of the connection."""
        response = await self.exchange(post("/ask", b'{"text": "old"}', version="1.0"))
        self.assertEqual(response.json["text"], "old")
        await self.http.closed

    async def test_domain_refusal(self) -> None:
        """A refusal is status 200 with its code and its sentence, and nothing else."""
        self.outcome = Refused(Status.USERNAME_TAKEN, "This name is taken.")
        response = await self.exchange(post("/ask", b'{"text": "a"}'))
        self.assertEqual(
            (response.status, response.json), (200, {"error": 71, "message": "This name is taken."})
        )

    async def test_rate_limited(self) -> None:
        """A rate limit is 429 with error 64, and says in whole seconds when to come back, rounded up."""
        for wait, header in ((0.2, "1"), (1.0, "1"), (12.001, "13")):
            self.outcome = Refused(Status.RATE_LIMITED, "Too many.", retry_after=wait)
            response = await self.exchange(post("/ask", b'{"text": "a"}'))
            self.assertEqual(
                (response.status, response.json["error"], response.headers["retry-after"]), (429, 64, header)
            )
            self.assertEqual(response.reason, "Too Many Requests")

    async def test_unavailable(self) -> None:
        """Whatever is down behind it, the answer is 503 with error 73."""
        for status in (
            Status.REDIS_UNKNOWN_ERROR,
            Status.GRPC_ERROR,
            Status.MYSQL_INTERNAL_ERROR,
            Status.SERVER_BUSY,
        ):
            self.outcome = Unavailable(status, "It is down.")
            response = await self.exchange(post("/ask", b'{"text": "a"}'))
            self.assertEqual((response.status, response.json["error"]), (503, 73))
        self.outcome = Refused(Status.SERVER_BUSY, "Busy.")
        self.assertEqual((await self.exchange(post("/ask", b'{"text": "a"}'))).status, 503)

    async def test_bug(self) -> None:
        """A fault of ours is logged, and answered without details."""
        self.outcome = ZeroDivisionError("secret detail")
        response = await self.exchange(post("/ask", b'{"text": "a"}'))
        self.assertEqual((response.status, response.json["error"]), (500, 75))
        self.assertNotIn(b"secret", response.body)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_source(self) -> None:
        """The handler learns where the request came from, through the trusted proxy, and whether over TLS."""
        await self.exchange(
            post("/ask", b'{"text": "a"}', "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 203.0.113.5")
        )
        await self.exchange(post("/ask", b'{"text": "a"}', "X-Forwarded-Proto: https"))
        await self.exchange(post("/ask", b'{"text": "a"}', "X-Forwarded-For: \xff\x01"))
        self.assertEqual(
            [source for _, source in self.seen],
            [
                ClientAddress("203.0.113.5", False, "203.0.113.5"),
                ClientAddress("127.0.0.1", True, "127.0.0.1"),
                ClientAddress("127.0.0.1", False, "127.0.0.1"),
            ],
        )

    async def test_client_gone(self) -> None:
        """A client that leaves before its answer disturbs nobody, and its request is worked on to the end."""
        self.outcome = Deferred()
        self.http.send(post("/ask", b'{"text": "a"}'))
        other = await self.connect(self.port)
        other.send(post("/ask", b'{"text": "b"}'))
        while len(self.seen) < 2:
            await self.pause()
        self.http.close()
        await self.http.closed
        self.outcome.callback(None)
        self.assertEqual((await other.response()).json["text"], "b")

    async def test_draining(self) -> None:
        """When draining, what is being worked on is answered and closed; then it has drained."""
        self.outcome = Deferred()
        self.http.send(post("/ask", b'{"text": "last"}'))
        while not self.seen:
            await self.pause()
        stopped = self.server.stopService()
        self.assertFalse(stopped.called)
        self.outcome.callback(None)
        response = await self.http.response()
        self.assertEqual((response.json["text"], response.headers["connection"]), ("last", "close"))
        self.http.close()
        await stopped

    def pause(self) -> Deferred[None]:
        from twisted.internet import reactor
        from twisted.internet.task import deferLater

        return deferLater(reactor, 0.001)

    async def test_nothing_of_a_request_is_logged(self) -> None:
        """No log line of any level holds a part of a body or of a query."""
        with capturedLogs() as events:
            await self.exchange(post("/ask?password=sesame", b'{"text": "sesame"}'))
            await self.exchange(post("/ask?password=sesame", b'{"text": "sesame", "number": "x"}'))
            await self.exchange(post("/ask", b'["sesame"]'))
            self.outcome = Unavailable(Status.GRPC_ERROR, "It is down.")
            await self.exchange(post("/ask", b'{"text": "sesame"}'))
        self.assertTrue(events)
        self.assertNotIn("sesame", repr(events))


class TimeoutTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        build: Any = server(self.clock, self.ask, Proxies([])).buildProtocol
        self.protocol = build(None)
        self.transport = Transport()
        self.protocol.makeConnection(self.transport)
        self.never: Deferred[Reply] = Deferred()

    async def ask(self, question: Question, source: ClientAddress) -> Reply:
        return await self.never

    def test_silence(self) -> None:
        """A connection on which nothing arrives is closed after the time-out."""
        self.clock.advance(29)
        self.assertFalse(self.transport.finished)
        self.clock.advance(2)
        self.assertTrue(self.transport.finished)

    def test_trickle(self) -> None:
        """A head must arrive within the time-out, and so must a body, however regularly their bytes come."""
        self.protocol.dataReceived(b"POST /ask HTTP/1.1\r\nHost: x\r\n")
        for _ in range(14):
            self.clock.advance(1)
            self.protocol.dataReceived(b"X: y\r\n")
        self.protocol.dataReceived(b"Content-Length: 60000\r\n\r\n")
        for _ in range(29):
            self.clock.advance(1)
            self.protocol.dataReceived(b" " * 1000)
        self.assertFalse(self.transport.finished)
        self.clock.advance(2)
        self.assertTrue(self.transport.finished)
        self.assertIn(b" 408 ", self.transport.value())
        self.setUp()
        self.protocol.dataReceived(b"POST /ask HTTP/1.1\r\n")
        for _ in range(29):
            self.clock.advance(1)
            self.protocol.dataReceived(b"X: y\r\n")
        self.assertFalse(self.transport.finished)
        self.clock.advance(2)
        self.assertTrue(self.transport.finished)

    def test_working(self) -> None:
        """While a request is worked on the client may be silent; after the answer the time begins anew."""
        self.protocol.dataReceived(post("/ask", b'{"text": "a"}'))
        self.clock.advance(100)
        self.assertFalse(self.transport.finished)
        self.never.callback(Reply("a"))
        self.assertIn(b'{"text":"a","error":0}', self.transport.value())
        self.clock.advance(29)
        self.assertFalse(self.transport.finished)
        self.clock.advance(2)
        self.assertTrue(self.transport.finished)
