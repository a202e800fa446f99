"""Unix sockets, and certificates that are replaced while servers run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from imsys.cluster.client import GrpcClient
from imsys.cluster.probing import Answered, ControlProbe, Silence
from imsys.cluster.server import GrpcServer
from imsys.cluster.trust import Trust, address
from imsys.config import ClusterConfig
from imsys.errors import ConfigError, Unavailable
from imsys.util.sockets import make_socket_folder
from tests.cluster.certs import Authority
from tests.cluster.test_calls import ADD, Bridged, Users, login
from tests.support.children import folder


class SocketTests(Bridged):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.trust = Trust(ClusterConfig(deadline=5.0))
        self.path = str(make_socket_folder(folder("home")) / "balance.sock")

    def socket(self) -> GrpcServer:
        server = GrpcServer(self.reactor, self.trust, self.path, 0, [(ADD, Users())])
        server.startService()
        self.addCleanup(server.stopService)
        return server

    async def test_calls(self) -> None:
        """A server at a socket is called there, without certificates.

        One that comes after it is not kept out by what it left behind.
        """
        client = GrpcClient(self.reactor, self.trust, [(self.path, 0)])
        client.startService()
        self.addCleanup(client.stopService)
        for _ in range(2):
            server = self.socket()
            self.assertGreater(server.port, 0, "as of any server that can be called")
            self.assertEqual(await login(client, 9), 9)
            await server.stopService()
        self.assertEqual(address(self.path, 0), f"unix:{self.path}")

    async def test_taken(self) -> None:
        """A socket that a server has is not taken away from it."""
        self.socket()
        with self.assertRaises(ConfigError) as caught:
            self.socket()
        self.assertIn("another process", str(caught.exception))

    async def test_probed(self) -> None:
        """A server at a socket is probed as any other."""
        probe = ControlProbe(self.reactor, self.trust)
        self.assertIsInstance(await probe(self.path, 1), Silence)
        self.socket()
        self.assertEqual(await probe(self.path, 1), Answered("", ""))


class RenewedTests(Bridged):
    """Files of certificates that are replaced by others."""

    def setUp(self) -> None:
        base = Path(self.mktemp())
        self.old, self.new = Authority(base / "old", "old"), Authority(base / "new", "new")
        self.old.issue("server")
        self.new.issue("server")
        self.folder = base / "used"
        shutil.copytree(self.old.folder, self.folder)
        ca, certificate, key = (str(self.folder / name) for name in ("ca.pem", "server.pem", "server.key"))
        self.trust = Trust(ClusterConfig(ca=ca, certificate=certificate, key=key, deadline=5.0))

    def replace(self, *names: str) -> None:
        for name in names or ("ca.pem", "server.pem", "server.key"):
            shutil.copy(self.new.folder / name, self.folder / name)
        self.trust.renew_certificates()

    def begin(self) -> tuple[GrpcServer, GrpcClient]:
        from twisted.internet import reactor

        server = GrpcServer(reactor, self.trust, "127.0.0.1", 0, [(ADD, Users())])
        server.startService()
        self.addCleanup(server.stopService)
        client = GrpcClient(reactor, self.trust, [("127.0.0.1", server.port)])
        client.startService()
        self.addCleanup(client.stopService)
        return server, client

    async def test_renewed(self) -> None:
        """New connections prove themselves by the new certificates, on both sides.

        Old ones stay, and so do the calls on them.
        """
        server, client = self.begin()
        before = self.client(server.port, config=self.old.cluster("before"))
        self.assertEqual((await login(client, 9), await login(before, 9)), (9, 9))
        under_way = Deferred.fromCoroutine(login(client, 3, deadline=6.0))
        self.replace()
        self.assertEqual(await login(client, 9), 9)
        self.assertEqual(await login(self.client(server.port, config=self.new.cluster("after")), 9), 9)
        self.assertEqual(await login(before, 9), 9, "it was connected before")
        with self.assertRaises(Unavailable):
            await login(self.client(server.port, config=self.old.cluster("late")), 9)
        self.assertFalse(under_way.called)
        (ended,) = await gatherResults([under_way.addErrback(lambda failure: failure.type)])
        self.assertIs(ended, Unavailable, "nothing ended it but its own deadline")

    async def test_wrong_files(self) -> None:
        """A certificate without its key changes nothing, and is logged.

        When the key has come, too, both are used.
        """
        server, client = self.begin()
        self.replace("server.pem")
        self.assertEqual(self.trust.generation, 0)
        self.assertEqual(await login(self.client(server.port, config=self.old.cluster("x")), 9), 9)
        self.replace()
        self.assertEqual(self.trust.generation, 1)
        self.assertEqual(await login(client, 9), 9)

    def test_not_its_key(self) -> None:
        """At the start, that is one clear line."""
        ca, certificate, key = (
            self.old.folder / "ca.pem",
            self.old.folder / "server.pem",
            self.new.folder / "server.key",
        )
        with self.assertRaises(ConfigError) as caught:
            Trust(ClusterConfig(ca=str(ca), certificate=str(certificate), key=str(key)))
        self.assertIn("[cluster] key", str(caught.exception))
