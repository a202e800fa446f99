"""Live streams watched by the library over HTTPS, where RTMP's ports are closed: a real door behind them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from imsys.protocols.media import Media
from imsys.sdk.streaming import Purpose, Streaming, StreamLost, StreamOver, StreamRefused, open_stream
from imsys.sdk.trust import CertificateChanged, Trust
from imsys.security.tickets import Right
from imsys.store.live import LiveStream
from tests.resources.live.watching import AVC, inter, key, sound
from tests.resources.live.web_scene import WebLiveCase
from tests.support.servers import certificates


class FlvTests(WebLiveCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.seen: list[Media] = []
        self.ends: list[StreamLost] = []

    async def open(self, url: str, purpose: Purpose = Purpose.PLAY, trust: Trust | None = None) -> Streaming:
        """Open it; what comes is in ``seen``, how it ended in ``ends``."""
        trust = trust or Trust(certificates().ca)
        made = await open_stream(
            self.reactor, url, purpose, self.seen.append, self.ends.append, trust=trust, deadline=5
        )
        self.addCleanup(made.close)
        return made

    async def published(self, stream: LiveStream) -> Streaming:
        """Anna publishes a picture, a second one and a sound."""
        publisher = await self.open(self.url(stream, Right.PUBLISH, tls=True), Purpose.PUBLISH)
        for media in (AVC, key(0), inter(40), sound(50)):
            publisher.send(media)
        await self.until_begun(stream)
        return publisher

    async def test_watched(self) -> None:
        """What one publishes the other watches, as it is; when it ends, that is told, once."""
        stream = await self.stream()
        publisher = await self.published(stream)
        watched = await self.open(self.link(stream))
        await self.until(lambda: len(self.seen) >= 4, "all has come")
        self.assertEqual(
            [one.payload for one in self.seen], [one.payload for one in (AVC, key(0), inter(40), sound(50))]
        )
        publisher.send(inter(80))
        await self.until(lambda: len(self.seen) >= 5, "what is new comes too")
        with self.assertRaises(RuntimeError):
            watched.send(inter(120))
        publisher.close()
        self.streams.end(stream.stream_id)
        await self.until(lambda: self.ends, "it is over")
        self.assertEqual([type(end) for end in self.ends], [StreamOver])

    async def test_closed(self) -> None:
        """Who has seen enough closes: nothing more comes, nothing is told, and the server has one viewer less."""
        stream = await self.stream()
        publisher = await self.published(stream)
        watched = await self.open(self.link(stream))
        await self.until(lambda: self.seen and self.http.connections, "it is watched")
        watched.close()
        count = len(self.seen)
        await self.until(lambda: not self.http.connections, "the connection is gone")
        publisher.send(inter(80))
        self.assertEqual((len(self.seen), self.ends), (count, []))

    async def test_lost(self) -> None:
        """A connection that breaks is told as one, not as the end of the stream."""
        stream = await self.stream()
        await self.published(stream)
        await self.open(self.link(stream))
        await self.until(lambda: self.seen, "it is watched")
        for one in list(self.http.connections):
            one.transport.abortConnection()
        await self.until(lambda: self.ends, "it is told")
        self.assertEqual([type(end) for end in self.ends], [StreamLost])

    async def test_refused(self) -> None:
        """A key that is no key is refused with the server's status, and no error holds it."""
        stream = await self.stream()
        with self.assertRaises(StreamRefused) as caught:
            await self.open(self.link(stream, key="forged-key"))
        self.assertRegex(caught.exception.code, "^HTTP 4")
        self.assertNotIn("forged-key", repr(caught.exception))

    async def test_another_certificate(self) -> None:
        """Nothing is said to a server with another certificate."""
        stream = await self.stream()
        with self.assertRaises(CertificateChanged):
            await self.open(self.link(stream), trust=Trust(fingerprints=["00" * 32]))
        with self.assertRaises(StreamLost) as caught:
            await self.open(self.link(stream), trust=Trust())
        self.assertNotIn("key=", str(caught.exception))

    async def test_no_flv(self) -> None:
        """What answers with something else is no stream, and one that says nothing is given up.

        No connection stays.
        """
        here: list[Protocol] = []

        class Other(Protocol):
            transport: Any

            def connectionMade(self) -> None:
                here.append(self)

            def connectionLost(self, reason: Failure = connectionDone) -> None:
                here.remove(self)

            def dataReceived(self, data: bytes) -> None:
                if b"/page" in data:
                    self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<html>" + b"x" * 94)

        port = self.reactor.listenTCP(0, Factory.forProtocol(Other), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        at = f"http://127.0.0.1:{port.getHost().port}"
        await self.open(f"{at}/page?key=k")
        await self.until(lambda: self.ends, "it is no stream")
        self.assertIn("no FLV", str(self.ends[0]))
        with self.assertRaises(StreamLost) as caught:
            await open_stream(
                self.reactor,
                f"{at}/nothing?key=k",
                Purpose.PLAY,
                self.seen.append,
                self.ends.append,
                deadline=0.1,
            )
        self.assertEqual(str(caught.exception), "the server does not answer")
        await self.until(lambda: not here, "no connection is left")
        waiting = Deferred.fromCoroutine(self.open(f"{at}/nothing?key=k"))
        await self.until(lambda: here, "it is asked for")
        waiting.cancel()
        with self.assertRaises(CancelledError):
            await waiting
        await self.until(lambda: not here, "nor now")
