"""Resources servers as processes, with a balance server beside them, and a stream that is published to one of
them.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.config import DatabaseConfig
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.security.keyring import add_key
from imsys.security.tickets import Right, TicketKeys, Tickets
from imsys.store.files import FileStore
from imsys.store.live import LiveStream
from tests.redis.shared import redis_for
from tests.resources.live.programs import programs
from tests.support.children import folder, free_port
from tests.support.daemons import Process, start
from tests.support.servers import certificates, redis_server
from tests.support.stores import OnSqlite

PATIENCE = 60.0
"""Seconds in which what is expected has to have happened."""

PORTS = ("port", "plain_port", "http_port", "grpc_port", "rtmp_port", "rtmps_port")


class DaemonCase(OnSqlite):
    """A test with a balance server, and names of resources servers that it may start."""

    timeout = 180.0

    def database_config(self) -> DatabaseConfig:
        self.home = folder("daemons")
        return DatabaseConfig(engine="sqlite", path=str(self.home / "imsys.db"))

    async def setUp(self) -> None:
        await super().setUp()
        redis, tls = redis_server(), certificates()
        redis_for(self, redis)
        keys, masters = self.home / "tickets.keys", self.home / "files.keys"
        add_key(keys, 1)
        add_key(masters, 1)
        self.tickets = Tickets(TicketKeys(keys), time.time, 3600)
        self.files = FileStore(self.database, time.time)
        self.programs = programs(self)
        balance = free_port()
        self.settings = {
            "HOME": str(self.home),
            "FILES_TICKET_KEYS": str(keys),
            "FILES_MASTER_KEYS": str(masters),
            "REDIS_MODE": "server",
            "REDIS_SOCKET": redis.socket,
            "REDIS_PREFIX": redis.prefix,
            "TLS_CERTIFICATE": tls.certificate,
            "TLS_KEY": tls.key,
            "TLS_CA": tls.ca,
            "BALANCE_GRPC_PORT": str(balance),
            "BALANCE_ADDRESSES": f"127.0.0.1:{balance}",
            "BALANCE_INTERVAL": "0.5",
        }
        self.ports: dict[str, dict[str, int]] = {}
        self.anna, self.bert = await self.people("anna", "bert")
        self.thread = await self.befriend(self.anna, self.bert)
        await start(self, "imsys-balance", self.settings)

    async def server(self, name: str) -> Process:
        """Start the resources server of this name, on the ports that it had before."""
        ports = self.ports.setdefault(name, {key: free_port() for key in PORTS})
        ours = {
            "RESOURCES_NAME": name,
            **{f"RESOURCES_{key}".upper(): str(port) for key, port in ports.items()},
        }
        return await start(self, "imsys-resources", {**self.settings, **ours})

    async def stream(self, server: str, **more: Any) -> LiveStream:
        """A stream of Anna's that waits for her."""
        draft = LiveStream(
            stream_id=new_file_id(),
            owner=self.anna,
            thread_id=self.thread,
            title="Cats",
            server=server,
            **more,
        )
        return await self.stores.live.start(draft, 5, wait=600, longest=3600)

    def key(self, stream: LiveStream, right: Right) -> str:
        """A key of Anna's to publish, or of Bert's to watch."""
        return self.tickets.issue(stream.stream_id, self.anna if right is Right.PUBLISH else self.bert, right)

    def rtmp(self, server: str, stream: LiveStream, right: Right) -> str:
        """Where to publish or to play it."""
        return f"rtmp://127.0.0.1:{self.ports[server]['rtmp_port']}/live/{encode_id(stream.stream_id)}?key={self.key(stream, right)}"

    def https(self, server: str, path: str) -> str:
        """An address of a server."""
        return f"https://127.0.0.1:{self.ports[server]['http_port']}{path}"

    def path(self, stream: LiveStream, what: str) -> str:
        """A path with a key in it."""
        return f"{what.format(encode_id(stream.stream_id))}?key={self.key(stream, Right.PLAY)}"

    async def get(self, server: str, path: str) -> bytes:
        """What is there."""

        def work() -> bytes:
            context = ssl.create_default_context(cafile=certificates().ca)
            with urllib.request.urlopen(self.https(server, path), timeout=30, context=context) as answer:
                return bytes(answer.read())

        return await deferToThread(work)

    async def state(self, server: str, stream: LiveStream) -> dict[str, Any]:
        """What the watch page is told."""
        return dict(json.loads(await self.get(server, self.path(stream, "/watch/{}/state"))))

    async def until(self, look: Callable[[], Awaitable[Any]], what: str) -> Any:
        """Wait until something is so; what was found."""
        for _ in range(round(PATIENCE / 0.05)):
            if found := await look():
                return found
            await deferLater(self.reactor, 0.05)
        self.fail(f"not in {PATIENCE:g} s: {what}")

    def recordings(self, server: str) -> Path:
        """Where its recordings lie."""
        return self.home / "files" / server / "recordings"
