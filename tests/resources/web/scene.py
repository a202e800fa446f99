"""The HTTP door with the real engine behind it, and clients that know nothing of either."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from imsys.protocols.crowd import Crowd
from imsys.protocols.identifiers import encode_id
from imsys.resources.web.routes import file_routes, http_settings, site
from imsys.security.keyring import add_key
from imsys.security.tickets import Right, TicketKeys, Tickets
from imsys.services.common import ListenService
from imsys.services.tls import public_context
from imsys.web.server import HttpServer
from tests.resources.engine import EngineCase
from tests.resources.leave import leave
from tests.support.children import die_with_parent
from tests.support.servers import certificates

MAX_FILE = 1 << 30
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass
class Reply:
    """One response; header names as they please."""

    status: int
    headers: Any
    body: bytes

    @property
    def error(self) -> int:
        """The code of a refusal."""
        return int(json.loads(self.body)["error"])


class WebCase(EngineCase):
    """A test with an engine, the HTTP door before it, with TLS and without, and tickets."""

    async def setUp(self) -> None:
        await super().setUp()
        keys = self.folder / "tickets.keys"
        add_key(keys, 1)
        self.late = 0.0  # seconds that the clock of tickets is ahead
        self.tickets = Tickets(TicketKeys(keys), lambda: time.time() + self.late, 3600)
        self.serve()

    def serve(self) -> None:
        """Open the door, before the engine of now."""
        config = self.parts.config
        routes = file_routes(
            config, MAX_FILE, self.tickets, leave(self.reactor), self.parts.uploads, self.parts.downloads
        )
        self.site = site(config, routes)
        self.http = HttpServer(
            self.reactor, http_settings(config), self.site.answer, time.time, Crowd(self.reactor, 4000)
        )
        self.plain, self.tls = (
            ListenService(self.reactor, self.http, "127.0.0.1", 0, context, "port")
            for context in (None, public_context(certificates()))
        )
        for service in (self.http, self.plain, self.tls):
            service.startService()
            self.addCleanup(service.stopService)

    def bearer(self, file_id: bytes, right: Right = Right.WRITE, user: int = 7) -> dict[str, str]:
        """The header with a ticket."""
        return {"Authorization": f"Bearer {self.tickets.issue(file_id, user, right)}"}

    def path(self, file_id: bytes) -> str:
        """Where a file is."""
        return f"/files/{encode_id(file_id)}"

    def url(self, file_id: bytes | None = None) -> str:
        """The same, or where files are created, over TLS."""
        return f"https://127.0.0.1:{self.tls.port}{self.path(file_id) if file_id is not None else '/files/'}"

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes | None = None
    ) -> Reply:
        """One request on a connection of its own."""

        def work() -> Reply:
            connection = http.client.HTTPConnection("127.0.0.1", self.plain.port, timeout=20)
            try:
                connection.request(method, path, body, dict(headers))
                response = connection.getresponse()
                return Reply(response.status, response.headers, response.read())
            finally:
                connection.close()

        return await deferToThread(work)

    async def patch(self, file_id: bytes, offset: int, body: bytes, headers: Mapping[str, str] = {}) -> Reply:
        """Send bytes of a file."""
        return await self.ask(
            "PATCH",
            self.path(file_id),
            {**BYTES, **self.bearer(file_id), "Upload-Offset": str(offset), **headers},
            body,
        )

    async def offset(self, file_id: bytes) -> int:
        """How far an upload is."""
        reply = await self.ask("HEAD", self.path(file_id), {**TUS, **self.bearer(file_id)})
        assert reply.status == 200, reply
        return int(reply.headers["Upload-Offset"])

    async def raw(self, data: bytes) -> socket.socket:
        """A connection that has sent this."""

        def work() -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", self.plain.port), timeout=20)
            connection.sendall(data)
            return connection

        opened = await deferToThread(work)
        self.addCleanup(opened.close)
        return opened

    async def begun(self, file_id: bytes, offset: int, length: int, data: bytes) -> socket.socket:
        """A connection with a PATCH that has begun, and of which this much was sent."""
        head = [f"PATCH {self.path(file_id)} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
        headers = {**BYTES, **self.bearer(file_id), "Upload-Offset": str(offset)}
        head += [f"{name}: {value}" for name, value in headers.items()]
        return await self.raw("\r\n".join([*head, "", ""]).encode() + data)

    async def arrived(self, file_id: bytes, size: int) -> None:
        """Return when so many bytes of a file are durable."""
        await self.until(lambda: self.durable(file_id) >= size)

    def durable(self, file_id: bytes) -> int:
        """Bytes of a file that are durable, as its engine knows."""
        state = self.parts.uploads._states.get(file_id)
        return 0 if state is None else state.offset

    async def run_client(
        self, *command: str, environ: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program to its end; it trusts our certificates."""
        child = self.client(*command, environ=environ)

        def work() -> subprocess.CompletedProcess[bytes]:
            output, errors = child.communicate(timeout=40)
            return subprocess.CompletedProcess(command, child.returncode, output, errors)

        return await deferToThread(work)

    def client(self, *command: str, environ: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
        """Start a program; killed after the test."""
        ca = certificates().ca
        trust = {"NODE_EXTRA_CA_CERTS": ca, "REQUESTS_CA_BUNDLE": ca, "CURL_CA_BUNDLE": ca}
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **trust, **environ},
            preexec_fn=die_with_parent,
        )  # fmt: skip

        def kill() -> None:
            child.kill()
            child.communicate()

        self.addCleanup(kill)
        return child

    def python(self, script: str, *arguments: str) -> list[str]:
        """The command of one of the client scripts beside this file."""
        return [sys.executable, str(Path(__file__).with_name(script)), *arguments]

    def file(self, data: bytes) -> str:
        """A file on the disk, to be sent by a program."""
        path = self.folder / "source.bin"
        path.write_bytes(data)
        return str(path)
