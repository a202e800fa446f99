"""Live streams over HTTP beside the RTMP server, and viewers with curl, ffmpeg and a browser."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThread

from imsys.config import ResourcesConfig
from imsys.protocols.crowd import Crowd
from imsys.protocols.identifiers import encode_id
from imsys.resources.live.web_handlers import live_routes
from imsys.resources.web.routes import http_settings, site
from imsys.security.tickets import Right
from imsys.services.common import ListenService
from imsys.services.tls import public_context
from imsys.store.live import LiveStream
from imsys.web.server import HttpServer
from tests.resources.live.programs import Program, film, publishing
from tests.resources.live.scene import LiveCase
from tests.resources.web.scene import Reply
from tests.support.servers import certificates


class WebLiveCase(LiveCase):
    """A test with one server, and its HTTP port with TLS and without."""

    web = ResourcesConfig(cors_origins=("https://chat.example.org",))

    async def setUp(self) -> None:
        await super().setUp()
        self.serve()

    def serve(self) -> None:
        """Open the HTTP ports."""
        routes = live_routes(
            self.reactor, self.live, self.tickets, self.granted, self.stores.live, self.streams, time.time
        )
        self.http = HttpServer(
            self.reactor,
            http_settings(self.web),
            site(self.web, routes).answer,
            time.time,
            Crowd(self.reactor, 4000),
        )
        self.https_port, self.http_port = (
            ListenService(self.reactor, self.http, "127.0.0.1", 0, context, "http_port")
            for context in (public_context(certificates()), None)
        )
        ours = [self.http, self.https_port, self.http_port]
        for part in ours:
            part.startService()
        # the stream manager ends its streams before the connections are waited for
        self.parts[:0] = ours

    async def publishing(self, stream: LiveStream, **more: Any) -> Program:
        """ffmpeg publishes the film, over and over; it has begun."""
        program = self.run_program(*publishing(self.url(stream, Right.PUBLISH), film(), loop=True, **more))
        await self.until_begun(stream)
        return program

    def watch_key(self, stream: LiveStream, user: int | None = None, **more: Any) -> str:
        """A key to watch, of Bert."""
        return self.tickets.issue(stream.stream_id, self.bert if user is None else user, Right.PLAY, **more)

    def path(self, stream: LiveStream, what: str = "/live/{}.flv", key: str | None = None) -> str:
        """A path, with a key in it."""
        return (
            f"{what.format(encode_id(stream.stream_id))}?key={self.watch_key(stream) if key is None else key}"
        )

    def link(self, stream: LiveStream, what: str = "/live/{}.flv", key: str | None = None) -> str:
        """The same as an address."""
        return f"https://127.0.0.1:{self.https_port.port}{self.path(stream, what, key)}"

    async def ask(self, method: str, path: str, headers: Mapping[str, str] = {}) -> Reply:
        """One request over TLS on a connection of its own."""

        def work() -> Reply:
            context = ssl.create_default_context(cafile=certificates().ca)
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.https_port.port, timeout=40, context=context
            )
            try:
                connection.request(method, path, headers=dict(headers))
                response = connection.getresponse()
                return Reply(response.status, response.headers, response.read())
            finally:
                connection.close()

        return await deferToThread(work)

    async def halt(self, *parts: Any) -> None:
        """Stop parts in this order."""
        for part in parts:
            if part in self.parts:
                self.parts.remove(part)
            await maybeDeferred(part.stopService)

    def later(self, work: Any) -> Deferred[Any]:
        """A coroutine as a Deferred."""
        return Deferred.fromCoroutine(work)
