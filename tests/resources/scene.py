"""A resources server in the test's process, over TLS and in plaintext, and raw clients of it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from imsys.config import ResourcesConfig
from imsys.protocols.framing import RESOURCES, FrameDecoder
from imsys.resources.disk import Disk
from imsys.resources.files import Files
from imsys.resources.handlers import Resources
from imsys.resources.sessions import Sessions
from imsys.services.common import ListenService, public_context
from imsys.services.resources import Storage, connections_of
from imsys.tokens import Tokens
from tests.shared_redis import redis_for
from tests.support.chat import RawClient
from tests.support.children import folder
from tests.support.servers import certificates


class Client(RawClient):
    """Frames of the resources port, as JSON objects."""

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)
        self._decoder = FrameDecoder(RESOURCES, 1 << 20)

    def send(self, service: int, /, **keys: Any) -> None:
        """Send a frame."""
        self.send_raw(RESOURCES.encode(service, json.dumps(keys, ensure_ascii=False).encode()))

    async def upload(self, filename: str, data: bytes, size: int = 1000, **more: Any) -> dict[str, Any]:
        """Send a whole file, a block after each response; gives back the last response."""
        for request in blocks(filename, data, size, **more):
            response = await self.ask(30, **request)
            if response["error"]:
                return response
        return response


def blocks(filename: str, data: bytes, size: int = 1000, **more: Any) -> list[dict[str, Any]]:
    """The requests of a whole file, as the original system's client makes them."""
    parts = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
    common = {"filename": filename, "checksum": hashlib.md5(data).hexdigest(), "file_size": str(len(data)), "last_seq": str(len(parts))}
    return [
        {
            **common,
            "block": base64.b64encode(part).decode(),
            "cur_size": str(size * index + len(part)),
            "cur_seq": str(index + 1),
            "EOF": "1" if index + 1 == len(parts) else "0",
            **more,
        }
        for index, part in enumerate(parts)
    ]


class ResourcesCase(TestCase):
    """A test with one resources server."""

    config = ResourcesConfig()
    max_file = 1 << 31
    tls = True
    clock: Clock | None = None
    """What the deadlines of connections go by; ``None``: real time."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.redis = redis_for(self, self.redis_config())
        self.folder = folder("files")
        ours = dataclasses.replace(self.config, path=str(self.folder))
        self.tokens = Tokens(self.redis, reactor.seconds, 600, 86400)
        self.sessions = Sessions(reactor, self.tokens, 3600)
        self.disk = Disk(reactor, ours.disk_workers)
        self.files = Files(Path(ours.path), ours.name)
        self.connections = connections_of(self.clock or reactor, Resources(ours, self.max_file, self.sessions, self.files, self.disk))
        context = public_context(certificates()) if self.tls else None
        self.port = ListenService(reactor, self.connections, "127.0.0.1", 0, context, "port")
        self.parts = [Storage(self.files), self.disk, self.sessions, self.connections, self.port]
        for part in self.parts:
            part.startService()
        self.addCleanup(self.stop)

    def redis_config(self) -> Any:
        """Which Redis; ``None`` for the shared one."""
        return None

    def stop(self) -> Deferred[None]:
        """Stop the server (idempotent)."""

        async def stop() -> None:
            parts, self.parts = self.parts, []
            for part in reversed(parts):
                await maybeDeferred(part.stopService)

        return Deferred.fromCoroutine(stop())

    async def connect(self) -> Client:
        """A new connection, not logged in."""
        endpoint: IStreamClientEndpoint = HostnameEndpoint(self.reactor, "127.0.0.1", self.port.port)
        if self.tls:
            ca = Certificate.loadPEM(Path(certificates().ca).read_bytes())
            endpoint = wrapClientTLS(optionsForClientTLS("127.0.0.1", trustRoot=ca), endpoint)
        client: Client = await connectProtocol(endpoint, Client(self.reactor))
        self.addCleanup(self.drop, client)
        return client

    async def drop(self, client: Client) -> None:
        """Break a connection off."""
        if not client.closed:
            assert client.transport is not None
            client.transport.abortConnection()  # type: ignore[attr-defined]
            await client.until_closed()

    async def login(self, user: int = 7) -> Client:
        """A new connection that is logged in."""
        client = await self.connect()
        response = await client.ask(5, uuid=str(user), token=await self.tokens.issue(user))
        self.assertEqual(response, {"error": 0, "uuid": str(user)})
        return client

    def kept(self) -> dict[str, bytes]:
        """Every visible file: its path below the store's ``users/``, and its bytes."""
        users = self.folder / "users"
        return {str(path.relative_to(users)): path.read_bytes() for path in users.rglob("*") if path.is_file()}

    def visible(self, user: int = 7) -> dict[str, bytes]:
        """The visible files of a user, by the names that they have on the disk."""
        return {Path(path).name: data for path, data in self.kept().items() if path.startswith(f"{user}/")}

    def arriving(self) -> list[Path]:
        """Files that are not whole."""
        return list((self.folder / "incoming" / self.config.name).iterdir())

    async def until(self, condition: Any) -> None:
        """Return when a condition holds."""
        while not condition():
            await deferLater(self.reactor, 0.005)
