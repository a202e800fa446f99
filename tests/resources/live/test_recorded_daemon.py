"""The resources server as a process that is killed while it records."""

from __future__ import annotations

import json
import signal
import ssl
import urllib.request
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.config import DatabaseConfig
from imsys.keyring import add_key
from imsys.store.files import File, FileStore, Purpose, State
from imsys.store.live import LiveState, LiveStream
from imsys.tickets import Right, TicketKeys, Tickets, encode_id, new_file_id
from tests.resources.live.programs import film, hashes, programs, publishing
from tests.shared_redis import redis_for
from tests.support.children import folder, free_port
from tests.support.daemons import start
from tests.support.servers import certificates, redis_server
from tests.support.stores import OnSqlite

PATIENCE = 60.0


class KilledTests(OnSqlite):
    timeout = 180.0

    def database_config(self) -> DatabaseConfig:
        self.home = folder("recorded")
        return DatabaseConfig(engine="sqlite", path=str(self.home / "imsys.db"))

    async def setUp(self) -> None:
        await super().setUp()
        redis, tls = redis_server(), certificates()
        redis_for(self, redis)
        keys, masters = self.home / "tickets.keys", self.home / "files.keys"
        add_key(keys, 1)
        add_key(masters, 1)
        self.tickets = Tickets(TicketKeys(keys), self.reactor.seconds, 3600)
        self.files = FileStore(self.database, self.reactor.seconds)
        self.ports = {key: free_port() for key in ("port", "plain_port", "http_port", "grpc_port", "rtmp_port", "rtmps_port")}
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
            **{f"RESOURCES_{key}".upper(): str(port) for key, port in self.ports.items()},
        }

    def key(self, stream: LiveStream, right: Right) -> str:
        return self.tickets.issue(stream.stream_id, stream.owner, right)

    async def get(self, path: str) -> bytes:
        def work() -> bytes:
            context = ssl.create_default_context(cafile=certificates().ca)
            with urllib.request.urlopen(f"https://127.0.0.1:{self.ports['http_port']}{path}", timeout=30, context=context) as answer:
                return bytes(answer.read())

        return await deferToThread(work)

    async def until(self, look: Any, what: str) -> Any:
        for _ in range(round(PATIENCE / 0.05)):
            if found := await look():
                return found
            await deferLater(self.reactor, 0.05)
        self.fail(f"not in {PATIENCE:g} s: {what}")

    async def test_killed(self) -> None:
        """What had been made durable of a stream when the server was killed is a whole file after its restart, and nothing else is left."""
        anna, bert = await self.people("anna", "bert")
        thread = await self.befriend(anna, bert)
        draft = LiveStream(stream_id=new_file_id(), owner=anna, thread_id=thread, title="Cats", server="resources1", record=True)
        stream = await self.stores.live.start(draft, 5, wait=600, longest=3600)
        name = encode_id(stream.stream_id)
        await start(self, "imsys-balance", self.settings)
        server = await start(self, "imsys-resources", self.settings)
        url = f"rtmp://127.0.0.1:{self.ports['rtmp_port']}/live/{name}?key={self.key(stream, Right.PUBLISH)}"
        publisher = programs(self).run(publishing(url, film(), speed=2))
        recordings = self.home / "files" / "resources1" / "recordings"

        async def state() -> Any:
            told = json.loads(await self.get(f"/watch/{name}/state?key={self.key(stream, Right.PLAY)}"))
            return told["state"] == "live"

        await self.until(state, "it is live")
        self.assertIn(b"<title>Cats</title>", await self.get(f"/watch/{name}?key={self.key(stream, Right.PLAY)}"))

        async def enough() -> Any:
            return sum(path.stat().st_size for path in recordings.glob("*.part")) > 150_000

        await self.until(enough, "some of it is on the disk")
        self.assertEqual(await server.stop(signal.SIGKILL), -signal.SIGKILL)
        publisher.kill()
        self.assertTrue(list(recordings.glob("*.json")))
        found = await self.stores.live.find(stream.stream_id)
        assert found is not None
        self.assertEqual(found.state, LiveState.LIVE)
        server = await start(self, "imsys-resources", self.settings)

        async def whole() -> File | None:
            page = await self.files.page(b"", 10, user=anna)
            return next((file for file in page if file.state is State.WHOLE and file.purpose is Purpose.MESSAGE), None)

        file: File = await self.until(whole, "it is a file")

        async def tidy() -> bool:
            return not list(recordings.iterdir()) and not list((self.home / "files" / "resources1" / "spool").iterdir())

        await self.until(tidy, "nothing is left")
        data = await self.get(f"/files/{encode_id(file.file_id)}?ticket={self.tickets.issue(file.file_id, bert, Right.READ)}")
        self.assertEqual(len(data), file.size)
        path = Path(folder("recorded")) / "recording.flv"
        path.write_bytes(data)
        sent, kept = hashes(film()), hashes(path)
        self.assertEqual(kept.extradata, sent.extradata)
        for kind in (0, 1):
            self.assertEqual(kept.of(kind), sent.of(kind)[: len(kept.of(kind))])
        self.assertGreater(len(kept.of(0)), 50)
        self.assertEqual(await server.stop(), -signal.SIGTERM)
