"""The HTTPS port of a resources server that is a process of its own, and is killed, or drained."""

from __future__ import annotations

import http.client
import random
import signal
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.config import DatabaseConfig
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.security.tickets import Right, TicketKeys, Tickets
from imsys.store import Database
from imsys.store.files import FileStore, Offer, Purpose
from imsys.store.migrations import migrate
from tests.resources.web.scene import BYTES, TUS
from tests.support.children import folder, free_port
from tests.support.daemons import start
from tests.support.servers import certificates, keys_of_files, redis_server

DATA = random.Random(5).randbytes(4_000_000)


class DaemonTests(TestCase):
    timeout = 90.0

    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        home = folder("web")
        redis, tls, balance = redis_server(), certificates(), free_port()
        self.port = free_port()
        self.tickets = Tickets(TicketKeys(Path(keys_of_files().ticket_keys)), time.time, 3600)
        self.settings = {
            "HOME": str(home),
            "REDIS_MODE": "server",
            "REDIS_SOCKET": redis.socket,
            "REDIS_PREFIX": redis.prefix,
            "TLS_CERTIFICATE": tls.certificate,
            "TLS_KEY": tls.key,
            "BALANCE_GRPC_PORT": str(balance),
            "BALANCE_ADDRESSES": f"127.0.0.1:{balance}",
            "RESOURCES_PORT": str(free_port()),
            "RESOURCES_GRPC_PORT": str(free_port()),
            "RESOURCES_HTTP_PORT": str(self.port),
        }
        where = DatabaseConfig(engine="sqlite", path=str(home / "imsys.db"))
        await deferToThread(migrate, where)
        database = Database(self.reactor, where)
        database.startService()
        self.addCleanup(database.stopService)
        self.files = FileStore(database, time.time)
        self.spool = home / "files" / "resources1" / "spool"

    def connected(self) -> http.client.HTTPSConnection:
        trusting = ssl.create_default_context(cafile=certificates().ca)
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting, timeout=20)

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, Any, bytes]:
        def work() -> tuple[int, Any, bytes]:
            connection = self.connected()
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            answer = response.status, response.headers, response.read()
            connection.close()
            return answer

        return await deferToThread(work)

    async def offer(self) -> bytes:
        """A file of these bytes that is on its way."""
        offer = Offer(
            file_id=new_file_id(),
            owner=7,
            purpose=Purpose.MESSAGE,
            thread_id=0,
            server="resources1",
            filename="a",
            size=len(DATA),
            mime="a/b",
        )
        await self.files.offer(offer, life=3600, quota=0)
        return offer.file_id

    async def test_drained(self) -> None:
        """A server that drains takes an upload to the end of its request, and then is gone."""
        file_id = await self.offer()
        await start(self, "imsys-balance", self.settings)
        server = await start(self, "imsys-resources", self.settings)
        connection = self.connected()
        self.addCleanup(connection.close)
        headers = {
            **BYTES,
            "Authorization": f"Bearer {self.tickets.issue(file_id, 7, Right.WRITE)}",
            "Upload-Offset": "0",
        }
        await deferToThread(self.begin, connection, f"/files/{encode_id(file_id)}", headers, DATA[:1_000_000])
        await deferToThread(self.until_spooled, 500_000)
        server.send(signal.SIGUSR2)
        await server.says(" drains")

        def finish() -> tuple[int, str | None]:
            connection.send(DATA[1_000_000:])
            response = connection.getresponse()
            response.read()
            return response.status, response.headers["Connection"]

        self.assertEqual(await deferToThread(finish), (204, "close"))
        connection.close()
        self.assertEqual(await server.end(), 0)

    async def test_killed(self) -> None:
        """A server that is killed amid uploads goes on, after its restart, where the bytes that are durable
        end; the file is equal.
        """
        file_id = await self.offer()
        path = f"/files/{encode_id(file_id)}"
        write = {**BYTES, "Authorization": f"Bearer {self.tickets.issue(file_id, 7, Right.WRITE)}"}
        await start(self, "imsys-balance", self.settings)
        offset = 0
        for part in (1_000_000, 1_700_000):
            server = await start(self, "imsys-resources", self.settings)
            (status, headers, _) = await self.ask(
                "HEAD", path, {**TUS, "Authorization": write["Authorization"]}
            )
            self.assertEqual(status, 200)
            self.assertTrue(offset <= int(headers["Upload-Offset"]) <= len(DATA))
            offset = int(headers["Upload-Offset"])
            connection = self.connected()
            await deferToThread(
                self.begin,
                connection,
                path,
                {**write, "Upload-Offset": str(offset)},
                DATA[offset : offset + part],
            )
            await deferToThread(self.until_spooled, offset + part // 2)
            await server.stop(signal.SIGKILL)
            connection.close()
            offset += 1  # something of it was durable
        server = await start(self, "imsys-resources", self.settings)
        (_, headers, _) = await self.ask("HEAD", path, {**TUS, "Authorization": write["Authorization"]})
        offset = int(headers["Upload-Offset"])
        (status, headers, _) = await self.ask(
            "PATCH", path, {**write, "Upload-Offset": str(offset)}, DATA[offset:]
        )
        self.assertEqual((status, headers["Upload-Offset"]), (204, str(len(DATA))))
        read = {"Authorization": f"Bearer {self.tickets.issue(file_id, 8, Right.READ)}"}
        (status, _, body) = await self.ask("GET", path, read)
        self.assertEqual((status, body == DATA), (200, True))
        self.assertNotIn(write["Authorization"].split()[1], server.text)

    @staticmethod
    def begin(
        connection: http.client.HTTPSConnection, path: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Send the head of a request for all that is left, and these bytes of it."""
        connection.putrequest("PATCH", path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(DATA) - int(headers["Upload-Offset"])))
        connection.endheaders()
        connection.send(body)

    def until_spooled(self, size: int) -> None:
        """Wait until so much lies in the spool."""
        give_up = time.monotonic() + 30
        while sum(path.stat().st_size for path in self.spool.rglob("*") if path.is_file()) < size:
            assert time.monotonic() < give_up, "nothing more arrives"
            time.sleep(0.01)
