"""A resources server in the test's process, over TLS and in plaintext, and raw clients of it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock, deferLater

from imsys.config import (
    BalanceConfig,
    Config,
    DatabaseConfig,
    FilesConfig,
    Imsys,
    LimitsConfig,
    ResourcesConfig,
)
from imsys.files.blobs import SealedFile
from imsys.files.configured import blob_store, master_keys, spool_folder
from imsys.files.master import Wrapped
from imsys.protocols.framing import RESOURCES, FrameDecoder
from imsys.redis.tokens import Tokens
from imsys.resources.engine.janitor import Janitor
from imsys.resources.granted import Granted
from imsys.resources.handlers import Resources
from imsys.resources.sessions import Sessions
from imsys.security.keyring import add_key
from imsys.security.tickets import TicketKeys, Tickets
from imsys.services.common import ListenService
from imsys.services.crowds import crowd_of
from imsys.services.resources import connections_of, engine_of
from imsys.services.tls import public_context
from imsys.store import Database
from imsys.store.migrations import migrate
from tests.redis.shared import redis_for
from tests.resources.port import PortCase
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
    common = {
        "filename": filename,
        "checksum": hashlib.md5(data).hexdigest(),
        "file_size": str(len(data)),
        "last_seq": str(len(parts)),
    }
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


class ResourcesCase(PortCase[Client]):
    """A test with one resources server."""

    config = ResourcesConfig()
    rules = FilesConfig()
    limits = LimitsConfig()
    client = Client
    clock: Clock | None = None
    """What the deadlines of connections go by; ``None``: real time."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.redis = redis_for(self, self.redis_config())
        self.folder = folder("files")
        self.system = system_in(self.folder, self.config, self.rules)
        migrate(self.system.database)
        self.start()
        self.addCleanup(self.stop)

    def start(self) -> None:
        """Start the server, on what an earlier one has left."""
        reactor, ours = self.reactor, self.system.resources
        self.database = Database(reactor, self.system.database)
        self.tokens = Tokens(self.redis, self.database, time.time, 86400, 864000)
        self.granted = Granted(reactor, self.tokens.live, 3600)
        self.sessions = Sessions(self.tokens, self.granted, time.time)
        self.engine = engine_of(reactor, self.system, self.database, lambda: None, time.time)
        self.disk = self.engine.storage.disk
        self.tickets = Tickets(TicketKeys(Path(self.system.files.ticket_keys)), time.time, 3600)
        resources = Resources(
            ours,
            self.sessions,
            self.granted,
            self.disk,
            self.engine.uploads,
            self.engine.downloads,
            self.engine.legacy,
            self.tickets,
        )
        self.connections = connections_of(
            self.clock or reactor, resources, crowd_of(self.clock or reactor, self.limits, ours.capacity)
        )
        context = public_context(certificates()) if self.tls else None
        self.port = ListenService(reactor, self.connections, "127.0.0.1", 0, context, "port")
        # which would use the disk when it likes
        engine = [part for part in self.engine.parts if not isinstance(part, Janitor)]
        self.parts = [self.database, *engine, self.granted, self.connections, self.port]
        for part in self.parts:
            part.startService()

    def redis_config(self) -> Any:
        """Which Redis; ``None`` for the shared one."""
        return None

    async def login(self, user: int = 7) -> Client:
        """A new connection that is logged in."""
        client = await self.connect()
        response = await client.ask(5, uuid=str(user), token=await self.tokens.issue(user))
        self.assertEqual(response, {"error": 0, "uuid": str(user)})
        return client

    def kept(self) -> dict[str, bytes]:
        """Every visible file, by its user and its name, ``7/name``."""
        return {f"{user}/{name}": data for user, name, data in whole_files(self.system)}

    def visible(self, user: int = 7) -> dict[str, bytes]:
        """The visible files of a user."""
        return {name: data for owner, name, data in whole_files(self.system) if owner == user}

    def arriving(self) -> list[Path]:
        """What is in the spool of files that are not whole; each has one of these."""
        return sorted(spool_folder(self.system.resources).glob("*.part"))

    async def quiet(self) -> None:
        """Return when nothing is being done, on the disk or in the database."""
        await self.until(
            lambda: (
                not (self.disk.pending or self.engine.uploads.working or any(self.database._waiting.values()))
            )
        )

    async def until(self, condition: Any) -> None:
        """Return when a condition holds."""
        while not condition():
            await deferLater(self.reactor, 0.005)


def system_in(home: Path, resources: ResourcesConfig, rules: FilesConfig) -> Config:
    """A configuration with everything in one folder, and its keys, which are made."""
    tickets, masters = home / rules.ticket_keys, home / rules.master_keys
    for path in (tickets, masters):
        if not path.exists():
            add_key(path, 1)
    return Config(
        imsys=Imsys(home=str(home)),
        balance=BalanceConfig(interval=200),
        database=DatabaseConfig(engine="sqlite", path=str(home / "imsys.db")),
        resources=dataclasses.replace(resources, path=str(home / "files")),
        files=dataclasses.replace(rules, ticket_keys=str(tickets), master_keys=str(masters)),
    )


def whole_files(system: Config) -> Iterator[tuple[int, str, bytes]]:
    """Owner, name and bytes of every whole file, as they are on the disk."""
    store, masters = blob_store(system), master_keys(system.files)
    with closing(sqlite3.connect(system.database.path)) as connection:
        rows = connection.execute(
            "SELECT owner_id, filename, blob_name, c.size, c.key_id, c.wrapped_key FROM files JOIN contents c USING (content_id) "
            "WHERE state = 1"
        ).fetchall()
    for owner, name, blob, size, key_id, wrapped in rows:
        yield owner, name, SealedFile(store, blob, masters.seal(Wrapped(key_id, wrapped)), size).read(0, size)
