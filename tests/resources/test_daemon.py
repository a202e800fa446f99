"""The resources server as a process, with a balance server beside it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.config import FilesConfig, ResourcesConfig
from imsys.files.configured import spool_folder
from imsys.store.migrations import migrate
from tests.redis.shared import redis_for
from tests.resources.scene import Client, blocks, system_in, whole_files
from tests.support.children import folder, free_port
from tests.support.daemons import start
from tests.support.servers import certificates, cluster_channel, redis_server
from tests.support.tokens import tokens_for


class DaemonTests(TestCase):
    timeout = 60.0

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.home = folder("resources")
        redis = redis_server()
        tls = certificates()
        self.system = system_in(self.home, ResourcesConfig(), FilesConfig())
        migrate(self.system.database)
        self.tokens = tokens_for(self, redis_for(self, redis), self.system.database)
        keys = ("port", "plain_port", "http_port", "grpc_port")
        self.ports = {key: free_port() for key in keys}
        self.balance_port = free_port()
        self.settings = {
            "HOME": str(self.home),
            "FILES_TICKET_KEYS": self.system.files.ticket_keys,
            "FILES_MASTER_KEYS": self.system.files.master_keys,
            "REDIS_MODE": "server",
            "REDIS_SOCKET": redis.socket,
            "REDIS_PREFIX": redis.prefix,
            "TLS_CERTIFICATE": tls.certificate,
            "TLS_KEY": tls.key,
            "BALANCE_GRPC_PORT": str(self.balance_port),
            "BALANCE_ADDRESSES": f"127.0.0.1:{self.balance_port}",
            **{f"RESOURCES_{key}".upper(): str(port) for key, port in self.ports.items()},
        }

    async def login(self, *, tls: bool) -> Client:
        endpoint: Any = HostnameEndpoint(
            self.reactor, "127.0.0.1", self.ports["port" if tls else "plain_port"]
        )
        if tls:
            ca = Certificate.loadPEM(Path(certificates().ca).read_bytes())
            endpoint = wrapClientTLS(optionsForClientTLS("127.0.0.1", trustRoot=ca), endpoint)
        client: Client = await connectProtocol(endpoint, Client(self.reactor))

        async def drop() -> None:
            if not client.closed:
                client.transport.abortConnection()  # type: ignore[union-attr]
                await client.until_closed()

        self.addCleanup(drop)
        self.assertEqual((await client.ask(5, uuid="7", token=await self.tokens.issue(7)))["error"], 0)
        return client

    def kept(self) -> list[bytes]:
        return sorted(data for _, _, data in whole_files(self.system))

    def arriving(self) -> list[Path]:
        return list(spool_folder(self.system.resources).glob("*.part"))

    def registered(self) -> Any:
        with cluster_channel(self.balance_port) as channel:
            return (
                imsys_v1_pb2_grpc.RegistryStub(channel)
                .List(imsys_v1_pb2.ListRequest(kind="resources"), timeout=10)
                .servers
            )

    async def test_killed(self) -> None:
        """A server that is killed in the middle of an upload shows no half file, and is there again,
        empty-handed, after its restart.
        """
        await start(self, "imsys-balance", self.settings)
        server = await start(self, "imsys-resources", self.settings)
        (found,) = await deferToThread(self.registered)
        self.assertEqual((found.name, found.host), ("resources1", "127.0.0.1"))
        self.assertGreater(found.free, 0)
        self.assertEqual(
            (found.ports.tls, found.ports.plain, found.ports.http, found.ports.grpc),
            (self.ports["port"], self.ports["plain_port"], self.ports["http_port"], self.ports["grpc_port"]),
        )
        data = os.urandom(3000)
        for tls in (True, False):
            client = await self.login(tls=tls)
            for request in blocks("half", data)[:2]:
                self.assertEqual((await client.ask(30, **request))["error"], 0)
        self.assertTrue((await client.upload("whole", data))["EOF"])
        self.assertEqual(await server.stop(signal.SIGKILL), -signal.SIGKILL)
        self.assertEqual(self.kept(), [data])
        self.assertEqual(len(self.arriving()), 2)
        server = await start(self, "imsys-resources", self.settings)
        while self.arriving():
            await deferLater(self.reactor, 0.01)
        client = await self.login(tls=True)
        self.assertEqual((await client.ask(30, **blocks("half", data)[2]))["error"], 36)
        self.assertTrue((await client.upload("half", data))["EOF"])
        self.assertEqual(self.kept(), [data, data])
        self.assertEqual(await server.stop(), -signal.SIGTERM)
        await client.until_closed()
        self.assertEqual(await deferToThread(lambda: list(self.registered())), [])
