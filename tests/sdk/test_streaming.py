"""Live streams published and watched by the library, with a real door behind them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol

from imsys.protocols.media import Media
from imsys.sdk.streaming import (
    UNSENT_MOST,
    Purpose,
    Streaming,
    StreamLost,
    StreamOver,
    StreamRefused,
    open_stream,
)
from imsys.sdk.trust import CertificateChanged, Trust
from imsys.security.tickets import Right
from imsys.store.live import LiveStream
from tests.resources.live.scene import LiveCase
from tests.resources.live.watching import AVC, inter, key, sound
from tests.support.servers import certificates


class StreamingTests(LiveCase):
    def trust(self) -> Trust:
        return Trust(certificates().ca)

    async def open(
        self, stream: LiveStream, right: Right, *, tls: bool = True, trust: Trust | None = None
    ) -> Streaming:
        """Open it; what comes is in ``seen``, how it ended in ``ends``."""
        self.seen: list[Media] = getattr(self, "seen", [])
        self.ends: list[StreamLost] = getattr(self, "ends", [])
        purpose = Purpose.PUBLISH if right is Right.PUBLISH else Purpose.PLAY
        url = self.url(stream, right, tls=tls)
        made = await open_stream(
            self.reactor, url, purpose, self.seen.append, self.ends.append, trust=trust or self.trust()
        )
        self.addCleanup(made.close)
        return made

    async def test_publish_and_watch(self) -> None:
        """What one publishes over TLS the other watches; when it ends, that is told, once."""
        stream = await self.stream()
        publisher = await self.open(stream, Right.PUBLISH)
        for media in (AVC, key(0), inter(40), sound(50)):
            self.assertTrue(publisher.send(media))
        await self.until_begun(stream)
        await self.open(stream, Right.PLAY)
        await self.until(lambda: len(self.seen) >= 4, "all has come")
        self.assertEqual(
            [media.payload for media in self.seen],
            [media.payload for media in (AVC, key(0), inter(40), sound(50))],
        )
        self.nobody_comes()
        publisher.close()
        await self.until(lambda: self.ends, "it is over")
        self.assertIsInstance(self.ends[0], StreamOver)
        self.assertEqual(len(self.ends), 1)

    async def test_refused(self) -> None:
        """A key that is no key is refused, and no error holds it."""
        stream = await self.stream()
        url = self.url(stream, Right.PLAY, tls=True, key="forged-key")
        with self.assertRaises(StreamRefused) as caught:
            await open_stream(
                self.reactor, url, Purpose.PLAY, lambda _: None, lambda _: None, trust=self.trust()
            )
        self.assertNotIn("forged-key", repr(caught.exception))

    async def test_another_certificate(self) -> None:
        """Where another certificate was trusted, nothing is said to the server, and it is told apart from all
        else.
        """
        stream = await self.stream()
        with self.assertRaises(CertificateChanged):
            await self.open(stream, Right.PLAY, trust=Trust(fingerprints=["00" * 32]))
        with self.assertRaises(StreamLost):
            await self.open(stream, Right.PLAY, trust=Trust())

    async def test_nobody_there(self) -> None:
        """A port where nobody listens is an error without the URL; what is no URL of a stream is one, too."""
        stream = await self.stream()
        url = self.url(stream, Right.PLAY)
        await self.stop()
        with self.assertRaises(StreamLost) as caught:
            await open_stream(self.reactor, url, Purpose.PLAY, lambda _: None, lambda _: None)
        self.assertNotIn("key=", str(caught.exception))
        for wrong in ("file:///etc/passwd", "rtmp:///live/x", "rtmp://h:99999/live/x", "nothing"):
            with self.assertRaises(ValueError):
                await open_stream(self.reactor, wrong, Purpose.PLAY, lambda _: None, lambda _: None)
        with self.assertRaises(ValueError):
            await open_stream(
                self.reactor, "https://h/live/x.flv", Purpose.PUBLISH, lambda _: None, lambda _: None
            )

    async def silent(self) -> Any:
        """A port where somebody listens who says nothing, and reads nothing."""

        class Silent(Protocol):
            transport: Any

            def connectionMade(self) -> None:
                self.transport.pauseProducing()

        port = self.reactor.listenTCP(0, Factory.forProtocol(Silent), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return port.getHost().port

    async def test_silence(self) -> None:
        """A server that says nothing is given up.

        Who wants it no more can say so, and no connection stays.
        """
        url = f"rtmp://127.0.0.1:{await self.silent()}/live/x?key=k"
        with self.assertRaises(StreamLost) as caught:
            await open_stream(self.reactor, url, Purpose.PLAY, lambda _: None, lambda _: None, deadline=0.2)
        self.assertEqual(str(caught.exception), "the server does not answer")
        waiting = Deferred.fromCoroutine(
            open_stream(self.reactor, url, Purpose.PLAY, lambda _: None, lambda _: None)
        )
        self.reactor.callLater(0.05, waiting.cancel)
        with self.assertRaises(CancelledError):
            await waiting

    async def test_bound(self) -> None:
        """Who publishes more than goes out is told, and no more is held than the bound."""
        stream = await self.stream()
        publisher: Any = await self.open(stream, Right.PUBLISH, tls=False)
        publisher.pauseProducing()  # what the transport does when the system takes no more
        sent = 0
        while publisher.send(inter(sent, 100_000)):
            sent += 1
        self.assertLessEqual(sent * 100_000, UNSENT_MOST)
        publisher.resumeProducing()
        self.assertTrue(publisher.send(key(0)))
