"""Two servers: a stream is published to one, and watched at the other."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from imsys.cluster.resources_directory import ResourcesServer
from imsys.config import LiveConfig
from imsys.errors import ConfigError, Refused, Status
from imsys.protocols.crowd import Crowd
from imsys.protocols.identifiers import encode_id
from imsys.resources.live import pulling
from imsys.resources.live.flv_handler import PEER
from imsys.resources.live.pulling import Pulls, trust
from imsys.resources.live.rtmp_server import RtmpServer
from imsys.resources.live.stream_manager import StreamManager
from imsys.resources.live.web_handlers import fetch_from, live_routes
from imsys.resources.web.routes import http_settings, site
from imsys.security.tickets import Right
from imsys.services.common import ListenService
from imsys.services.tls import public_context
from imsys.store.live import LiveState, LiveStream
from imsys.web.server import HttpServer
from tests.resources.live.programs import FFMPEG, HASHES, Program, film, hashes, publishing
from tests.resources.live.scene import SERVER
from tests.resources.live.web_scene import WebLiveCase
from tests.support.children import folder
from tests.support.servers import certificates

OTHER = "resources2"


class PullingTests(WebLiveCase):
    live = LiveConfig(away=60.0, streams=1000)

    async def setUp(self) -> None:
        await super().setUp()
        self.patch(pulling, "LOOK", 0.1)
        self.patch(pulling, "TELL", 0.2)
        self.streams2 = StreamManager(self.reactor, self.live, OTHER, self.stores.live, self.tell)
        self.rtmp_server2 = RtmpServer(
            self.reactor, self.settings, self.streams2, self.tickets, self.granted, Crowd(self.reactor, 4000)
        )
        routes = live_routes(
            self.reactor, self.live, self.tickets, self.granted, self.stores.live, self.streams2, time.time
        )
        self.http2 = HttpServer(
            self.reactor,
            http_settings(self.web),
            site(self.web, routes).answer,
            time.time,
            Crowd(self.reactor, 4000),
        )
        self.rtmp2 = ListenService(self.reactor, self.rtmp_server2, "127.0.0.1", 0, None, "rtmp_port")
        self.https2 = ListenService(
            self.reactor, self.http2, "127.0.0.1", 0, public_context(certificates()), "http_port"
        )
        self.away = False
        self.pulls, self.pulls2 = (
            Pulls(
                self.reactor, name, trust(certificates().ca), self.place, self.tickets, self.settings.longest
            )
            for name in (SERVER, OTHER)
        )
        fetch_from(self.streams, self.pulls)
        fetch_from(self.streams2, self.pulls2)
        ours = [
            self.http2,
            self.https2,
            self.pulls,
            self.pulls2,
            self.rtmp_server2,
            self.streams2,
            self.rtmp2,
        ]
        for part in ours:
            part.startService()
        self.parts += ours

    async def place(self, name: str) -> ResourcesServer:
        if self.away:
            raise Refused(Status.NO_AVAILABLE_RESOURCES_SERVER, "It is away.")
        return ResourcesServer(
            name, "127.0.0.1", 0, self.https_port.port if name == SERVER else self.https2.port
        )

    def url2(self, stream: LiveStream) -> str:
        return f"rtmp://127.0.0.1:{self.rtmp2.port}/live/{encode_id(stream.stream_id)}?key={self.watch_key(stream)}"

    def link2(self, stream: LiveStream) -> str:
        return f"https://127.0.0.1:{self.https2.port}{self.path(stream)}"

    async def test_both_protocols(self) -> None:
        """Players of both protocols get all of it from the other server, which sends it once.

        When the last has gone, no more.
        """
        stream = await self.stream()
        await self.publishing(stream)
        commands = [
            [*FFMPEG, "-i", self.url2(stream), "-t", "3", *HASHES, "-"],
            [*FFMPEG, "-ca_file", certificates().ca, "-i", self.link2(stream), "-t", "3", *HASHES, "-"],
        ]
        players = [self.run_program(*command) for command in commands for _ in range(2)]
        await self.until(lambda: self.streams2.find(stream.stream_id) and len(self.pulls2), "it is fetched")
        most = fetched = watched = 0

        def count() -> bool:
            nonlocal most, fetched, watched
            most, watched = (
                max(most, len(self.http.connections)),
                max(watched, self.broadcast(stream).players),
            )
            fetched = max(fetched, sum(isinstance(one._pushed, tuple) for one in self.http.connections))
            return not any(player.running for player in players)

        await self.until(count, "all have played")
        self.assertLessEqual(most, 2)  # and its word of how many watch
        self.assertEqual(fetched, 1)
        sent = hashes(film()).of(0)
        for player in players:
            self.assertEqual(await player.ended(), 0, player.errors)
            came = hashes(player.text).of(0)
            self.assertGreater(len(came), 70)
            first = sent.index(came[0])
            self.assertEqual(came, (sent * 3)[first : first + len(came)])
        self.assertEqual(watched, 4)  # a server is nobody who watches, but tells of those that do
        await self.until(
            lambda: not len(self.pulls2) and self.streams2.find(stream.stream_id) is None, "it is let go of"
        )
        await self.until(lambda: not len(self.http.connections), "its connection is closed")
        said = "\n".join(self.lines)
        self.assertNotIn("factory", said)  # of its requests, one every few seconds
        self.assertNotIn("is away", said)  # its publisher is where it was

    async def test_ends(self) -> None:
        """When the stream is over it is over there, too."""
        stream = await self.stream()
        await self.publishing(stream)
        player = self.run_program(
            *FFMPEG, "-ca_file", certificates().ca, "-i", self.link2(stream), *HASHES, "-"
        )
        await self.until(lambda: any(one._pushed for one in self.http2.connections), "it has begun to play")
        await self.stores.live.end(stream.stream_id)
        self.streams.end(stream.stream_id)
        self.assertEqual(await player.ended(), 0, player.errors)

    async def test_no_circle(self) -> None:
        """A server gives another only what is published there: not what it fetches itself, nor what it waits
        for.
        """
        stream = await self.stream()
        key = self.tickets.issue(stream.stream_id, PEER, Right.PLAY, life=60)
        reply = await self.ask("GET", self.path(stream, key=key))
        self.assertEqual((reply.status, reply.error), (404, 74))
        self.assertIsNone(self.streams.find(stream.stream_id))
        await self.publishing(stream)
        player = self.run_program(*FFMPEG, "-i", self.url2(stream), *HASHES, "-")
        await self.until(lambda: len(self.pulls2) and self.streams2.find(stream.stream_id), "it is fetched")

        def work() -> int:
            context = ssl.create_default_context(cafile=certificates().ca)
            plain = socket.create_connection(("127.0.0.1", self.https2.port), timeout=20)
            with plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                connection.sendall(f"GET {self.path(stream, key=key)} HTTP/1.0\r\n\r\n".encode())
                return int(connection.recv(100).split()[1])

        self.assertEqual(await deferToThread(work), 404)
        path = f"/live/{encode_id(stream.stream_id)}/watchers/resources9"
        for mine, count, status in ((self.watch_key(stream), "5", 403), (key, "x", 400), (key, "5", 204)):
            reply = await self.ask("PUT", f"{path}/{count}", {"Authorization": f"Bearer {mine}"})
            self.assertEqual(reply.status, status)
        player.kill()

    async def test_comes_back(self) -> None:
        """When the other server was away for a moment the stream goes on at this one, for the players that
        have stayed.
        """
        stream = await self.stream()
        await self.publishing(stream)
        player = self.run_program(*FFMPEG, "-i", self.url2(stream), *HASHES, "-")
        await self.until(lambda: self.fetched(stream), "it is watched")
        for connection in list(self.http.connections):
            connection.abort("a test")
        await self.until(lambda: not len(self.pulls2), "it comes no more")
        self.assertTrue(player.running)
        await self.until(lambda: len(self.pulls2), "it is fetched again")
        before = self.seen(stream)
        await self.until(lambda: self.seen(stream) > before + 50, "it goes on")
        self.assertTrue(player.running)

    def fetched(self, stream: LiveStream) -> bool:
        broadcast = self.streams2.find(stream.stream_id)
        return broadcast is not None and broadcast.begun

    def seen(self, stream: LiveStream) -> int:
        broadcast = self.streams2.find(stream.stream_id)
        assert broadcast is not None
        return broadcast._cache.end

    async def test_publisher_moves(self) -> None:
        """A publisher that comes to this server instead takes the place of what was fetched.

        The players notice a break at most.
        """
        stream = await self.stream()
        publisher = await self.publishing(stream)
        self.run_program(*FFMPEG, "-i", self.url2(stream), *HASHES, "-")
        await self.until(lambda: self.fetched(stream), "it is watched")
        publisher.kill()
        await self.until_state(stream, LiveState.WAITING)
        url = f"rtmp://127.0.0.1:{self.rtmp2.port}/live/{encode_id(stream.stream_id)}?key={self.key(stream, Right.PUBLISH)}"
        while not self.owned(stream):  # refused while what was fetched looks alive
            again = self.run_program(*publishing(url, film(), loop=True))
            await self.until(self.gone_or_owned(again, stream), "it is taken, or refused")
        self.assertEqual(len(self.pulls2), 0)
        found = await self.stores.live.find(stream.stream_id)
        assert found is not None
        self.assertEqual((found.server, found.state), (OTHER, LiveState.LIVE))

    def gone_or_owned(self, publisher: Program, stream: LiveStream) -> Callable[[], bool]:
        return lambda: not publisher.running or self.owned(stream)

    def owned(self, stream: LiveStream) -> bool:
        try:
            self.streams2.own(stream.stream_id)
        except Refused:
            return False
        return True

    async def test_unknown_certificate(self) -> None:
        """A server whose certificate nobody vouches for gets no key, and nothing is fetched from it."""
        stream = await self.stream()
        await self.publishing(stream)
        broken = Pulls(self.reactor, OTHER, trust(""), self.place, self.tickets, 1 << 20)
        broken.startService()
        left: Deferred[Any] = Deferred()
        found = await self.stores.live.find(stream.stream_id)
        assert found is not None
        broken.pull(found, self.broadcast(stream), left.callback)
        await left
        await self.until(lambda: not len(self.http.connections), "nobody is connected")
        self.assertTrue(self.broadcast(stream).idle)

    async def test_away(self) -> None:
        """Where the other server cannot be found, who waits is told in the end."""
        self.away = True
        stream = await self.stream()
        await self.publishing(stream)
        player = self.run_program(*FFMPEG, "-i", self.url2(stream), *HASHES, "-")
        await self.until(lambda: self.streams2.find(stream.stream_id), "it waits")
        await self.stores.live.end(stream.stream_id)
        self.streams.end(stream.stream_id)
        await player.ended()

    async def test_authorities(self) -> None:
        """A file with no authority in it is said to be none."""
        path = folder("ca") / "ca.pem"
        path.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        self.assertRaises(ConfigError, trust, str(path))
