"""A resources server as a process of its own, with a balance server beside it, and raw clients that send and
receive files by frames.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sqlite3
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.config import FilesConfig, ResourcesConfig
from imsys.files.configured import blob_store, spool_folder
from imsys.protocols.chunks import (
    CREDIT,
    DOWNLOAD_CHUNK,
    UPLOAD_ACK,
    UPLOAD_CHUNK,
    decode_chunk,
    decode_count,
    encode_chunk,
    encode_count,
)
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.resources.engine import trial
from imsys.security.tickets import Right, TicketKeys, Tickets
from imsys.store import Database
from imsys.store.files import FileStore, Offer, Purpose
from imsys.store.migrations import migrate
from tests.redis.shared import redis_for
from tests.resources.scene import Client, system_in
from tests.support.children import folder, free_port
from tests.support.daemons import Process, start
from tests.support.servers import certificates, redis_server
from tests.support.tokens import tokens_for

TUS = {"Tus-Resumable": "1.0.0"}

PATIENCE = 30.0
"""Seconds after which somebody who waits for something of a file has failed."""

T = TypeVar("T")
Give = Callable[[int, int], bytes]
"""Bytes of a file: from this offset on, so many."""


class Told(Exception):
    """The server says (79) that something was not taken; its body."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.body = body


class Mover(Client):
    """A client that moves one file at a time, and keeps nothing of it."""

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)
        self.acked = 0
        self.sent = 0
        """Bytes of the file before the next chunk that goes out."""
        self.sink: Callable[[bytes], object] = lambda data: None
        self.received = 0
        self._ended = False
        self._news: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            if frame.service == UPLOAD_ACK:
                self.acked = decode_count(frame.body).number
                self._tell()
            elif frame.service == DOWNLOAD_CHUNK:
                chunk = decode_chunk(frame.body)
                assert chunk.intact
                assert chunk.offset == self.received
                self.received += len(chunk.data)
                self._ended = not chunk.data
                self.sink(chunk.data)
                self._tell()
            else:
                self._frames.append(frame)
                if frame.service == 79:
                    self._tell()
        self._match()

    def connectionLost(self, reason: Any = None) -> None:
        super().connectionLost(reason)
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.called:
            news.callback(None)

    async def news(self) -> None:
        """Return when something was heard.

        :raises ConnectionError: the connection is gone.
        :raises Told: what is wrong.
        """
        if not self.closed:
            self._news = Deferred()
            try:
                await self._news.addTimeout(PATIENCE, self._reactor)
            except DeferredTimeout:
                raise AssertionError(
                    f"nothing was heard for {PATIENCE} s, after {self.acked} of {self.sent} bytes"
                ) from None
        if self.pending(79):
            raise Told(await self.next(79))
        if self.closed:
            raise ConnectionError

    async def open(self, file_id: bytes, ticket: str) -> int:
        """Go on with a file (72); the offset of the next byte."""
        opened = await self.ask(72, file_id=encode_id(file_id), ticket=ticket)
        assert opened["error"] == 0, opened
        while self.pending(79):  # those of chunks that came too late stand before the response
            await self.next(79)
        self._id, self._chunk, self._window = (
            file_id,
            opened["chunk_size"],
            opened["window"] * opened["chunk_size"],
        )
        self.sent = self.acked = opened["offset"]
        return self.sent

    @property
    def window(self) -> int:
        """Bytes that may be unacknowledged."""
        return int(self._window)

    async def move(self, give: Give, until: int) -> None:
        """Send bytes, a window ahead of the acknowledgements, until so many have gone out."""
        while self.sent < until:
            while self.sent < until and self.sent - self.acked < self._window:
                data = give(
                    self.sent, min(self._chunk, until - self.sent, self.acked + self._window - self.sent)
                )
                self.send_raw(encode_chunk(UPLOAD_CHUNK, self._id, self.sent, data))
                self.sent += len(data)
            if self.sent < until:
                await self.news()

    async def acknowledged(self, size: int) -> None:
        """Return when all of it is whole."""
        while self.acked < size:
            await self.news()

    async def fetch(
        self, file_id: bytes, ticket: str, sink: Callable[[bytes], object], ahead: int = 1 << 22
    ) -> int:
        """Receive a whole file, of which ``ahead`` bytes are granted beyond what came; its size."""
        self.sink, self.received, self._ended = sink, 0, False
        self.send(74, file_id=encode_id(file_id), ticket=ticket, offset=0)
        answer = await self.next(77)
        assert answer["error"] == 0, answer
        granted = 0
        while not self._ended:
            if granted - self.received <= ahead // 2:
                self.send_raw(encode_count(CREDIT, file_id, self.received + ahead - granted))
                granted = self.received + ahead
            await self.news()
        return int(answer["size"])


class ServerCase(TestCase):
    """A test with processes of its own, on one folder and one SQLite."""

    timeout = 120.0
    rules = FilesConfig()
    limits = ResourcesConfig()
    tls = True

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.home = folder("resources")
        redis, tls = redis_server(), certificates()
        self.system = system_in(self.home, self.limits, self.rules)
        migrate(self.system.database)
        self.tokens = tokens_for(self, redis_for(self, redis), self.system.database)
        database = Database(self.reactor, self.system.database)
        database.startService()
        self.addCleanup(database.stopService)
        self.files = FileStore(database, time.time)
        self.tickets = Tickets(TicketKeys(Path(self.system.files.ticket_keys)), time.time, 3600)
        self.ports = {key: free_port() for key in ("port", "plain_port", "http_port", "grpc_port")}
        balance = free_port()
        self.settings = {
            "HOME": str(self.home),
            "DATABASE_PATH": self.system.database.path,
            "RESOURCES_PATH": self.system.resources.path,
            "FILES_TICKET_KEYS": self.system.files.ticket_keys,
            "FILES_MASTER_KEYS": self.system.files.master_keys,
            "REDIS_MODE": "server",
            "REDIS_SOCKET": redis.socket,
            "REDIS_PREFIX": redis.prefix,
            "TLS_CERTIFICATE": tls.certificate,
            "TLS_KEY": tls.key,
            "BALANCE_GRPC_PORT": str(balance),
            "BALANCE_ADDRESSES": f"127.0.0.1:{balance}",
            **{f"RESOURCES_{key}".upper(): str(port) for key, port in self.ports.items()},
        }

    async def balance(self) -> Process:
        """Start the balance server."""
        return await start(self, "imsys-balance", self.settings)

    async def serve(self, **settings: str) -> Process:
        """Start the resources server, on what is there."""
        return await start(self, "imsys-resources", self.settings | settings)

    async def login(self, user: int = 7) -> Mover:
        """A new connection that is logged in."""
        endpoint: Any = HostnameEndpoint(
            self.reactor, "127.0.0.1", self.ports["port" if self.tls else "plain_port"]
        )
        if self.tls:
            ca = Certificate.loadPEM(Path(certificates().ca).read_bytes())
            endpoint = wrapClientTLS(optionsForClientTLS("127.0.0.1", trustRoot=ca), endpoint)
        client: Mover = await connectProtocol(endpoint, Mover(self.reactor))
        self.addCleanup(client.abort)
        answer = await client.ask(5, uuid=str(user), token=await self.tokens.issue(user))
        self.assertEqual(answer["error"], 0)
        return client

    async def offer(
        self,
        size: int,
        *,
        sha256: bytes | None = None,
        user: int = 7,
        life: float = 3600,
        filename: str = "a.bin",
    ) -> bytes:
        """Make a file that is on its way; its identifier."""
        file_id = new_file_id()
        offer = Offer(
            file_id=file_id,
            owner=user,
            purpose=Purpose.MESSAGE,
            thread_id=0,
            server=self.system.resources.name,
            filename=filename,
            size=size,
            mime="application/octet-stream",
            sha256=sha256,
        )
        await self.files.offer(offer, life=life, quota=0)
        return file_id

    def write(self, file_id: bytes, user: int = 7) -> str:
        """A ticket to send a file."""
        return self.tickets.issue(file_id, user, Right.WRITE)

    def read(self, file_id: bytes, user: int = 7) -> str:
        """A ticket to get it."""
        return self.tickets.issue(file_id, user, Right.READ)

    def spooled(self) -> list[str]:
        """Names of what is in the spool, but for what the server tries its disk with."""
        return sorted(
            path.name for path in spool_folder(self.system.resources).iterdir() if path.name != trial.NAME
        )

    def blobs(self) -> list[str]:
        """Names of what is in the store."""
        return sorted(blob.name for blob in blob_store(self.system).blobs())

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with closing(sqlite3.connect(self.system.database.path)) as connection:
            return connection.execute(statement).fetchall()

    async def until(self, condition: Callable[[], bool], what: Callable[[], object] = lambda: "") -> None:
        """Return when a condition holds; ``what`` says what there is instead."""
        give_up = self.reactor.seconds() + PATIENCE
        while not condition():
            self.assertLess(self.reactor.seconds(), give_up, what())
            await deferLater(self.reactor, 0.01)

    async def http(
        self,
        method: str,
        file_id: bytes | None,
        ticket: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> Reply:
        """One request on a connection of its own."""
        path = "/files/" if file_id is None else f"/files/{encode_id(file_id)}"

        def work() -> Reply:
            trusting = ssl.create_default_context(cafile=certificates().ca)
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.ports["http_port"], context=trusting, timeout=PATIENCE
            )
            with closing(connection):
                connection.request(method, path, body, {**headers, "Authorization": f"Bearer {ticket}"})
                response = connection.getresponse()
                try:
                    return Reply(response.status, response.headers, response.read())
                except http.client.IncompleteRead as cut:
                    return Reply(response.status, response.headers, cut.partial, False)

        return await in_thread(work)

    async def patch(self, file_id: bytes, offset: int, body: bytes, ticket: str = "") -> Reply:
        """Send bytes by tus."""
        headers = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return await self.http("PATCH", file_id, ticket or self.write(file_id), body, headers)

    async def digest(self, file_id: bytes, user: int = 7) -> str:
        """The SHA-256 of what comes when a file is fetched by frames."""
        client, sha256 = await self.login(user), hashlib.sha256()
        await client.fetch(file_id, self.read(file_id, user), sha256.update)
        await client.abort()
        return sha256.hexdigest()


@dataclass(frozen=True)
class Reply:
    """One response over HTTPS; ``body`` may be cut short, then ``whole`` is false."""

    status: int
    headers: Any
    body: bytes
    whole: bool = True

    @property
    def error(self) -> int:
        """The code of a refusal."""
        return int(json.loads(self.body)["error"])


async def in_thread(work: Callable[[], T]) -> T:
    """The result of something that blocks."""
    result: T = await deferToThread(work)
    return result
