"""The resources server as a process: its RTMP ports, and how it ends while somebody is live."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.security.tickets import Right, TicketKeys, Tickets
from imsys.store.live import LiveState, LiveStream
from tests.resources.live.programs import FFMPEG, Program, film, publishing
from tests.resources.live.scene import LiveCase
from tests.support.children import folder, free_port
from tests.support.daemons import Process, start
from tests.support.servers import certificates, cluster_channel, keys_of_files, redis_server


class DaemonTests(LiveCase):
    """The server of the scene stays unused; a process has the same database."""

    async def setUp(self) -> None:
        await super().setUp()
        await self.stop()
        tls, redis = certificates(), redis_server()
        self.tickets = Tickets(TicketKeys(Path(keys_of_files().ticket_keys)), time.time, 3600)
        self.balance = free_port()
        self.home = folder("resources")
        self.ports = {"RTMP": free_port(), "RTMPS": free_port()}
        self.environment = {
            "HOME": str(self.home),
            "DATABASE_PATH": self.config.path,
            "REDIS_MODE": "server",
            "REDIS_SOCKET": redis.socket,
            "REDIS_PREFIX": redis.prefix,
            "TLS_CERTIFICATE": tls.certificate,
            "TLS_KEY": tls.key,
            "BALANCE_GRPC_PORT": str(self.balance),
            "BALANCE_ADDRESSES": f"127.0.0.1:{self.balance}",
            **{f"RESOURCES_{name}_PORT": str(free_port()) for name in ("", "GRPC", "HTTP")},
            **{f"RESOURCES_{name}_PORT": str(port) for name, port in self.ports.items()},
        }
        self.environment["RESOURCES_PORT"] = self.environment.pop("RESOURCES__PORT")
        await start(self, "imsys-balance", self.environment)

    def port(self, *, tls: bool) -> int:
        return self.ports["RTMPS" if tls else "RTMP"]

    async def streaming(self, *, tls: bool) -> tuple[Process, LiveStream, Program, Program]:
        """A server, and somebody who publishes, and somebody who watches."""
        server = await start(self, "imsys-resources", self.environment)
        stream = await self.stream()
        publisher = self.run_program(*publishing(self.url(stream, Right.PUBLISH, tls=tls), film(), loop=True))
        await self.until_state(stream, LiveState.LIVE)
        saved = self.folder / "saved.flv"
        player = self.run_program(
            *FFMPEG, "-i", self.url(stream, Right.PLAY, tls=tls), "-c", "copy", str(saved)
        )
        await self.until(lambda: saved.exists() and saved.stat().st_size > 10_000, "it is seen")
        return server, stream, publisher, player

    async def test_registered(self) -> None:
        """Its ports are known at balance."""
        await start(self, "imsys-resources", self.environment)

        def listed() -> Any:
            with cluster_channel(self.balance) as channel:
                return imsys_v1_pb2_grpc.RegistryStub(channel).List(
                    imsys_v1_pb2.ListRequest(kind="resources"), timeout=10
                )

        ports = (await deferToThread(listed)).servers[0].ports
        self.assertEqual((ports.rtmp, ports.rtmps), (self.ports["RTMP"], self.ports["RTMPS"]))

    async def test_stopped(self) -> None:
        """SIGTERM: the player ends as at the end of the stream, the publisher is closed, the stream waits.

        No key is in the log.
        """
        server, stream, publisher, player = await self.streaming(tls=False)
        await server.stop()
        self.assertEqual(await player.ended(), 0, player.errors)
        self.assertNotEqual(await publisher.ended(), 0)
        await self.until_state(stream, LiveState.WAITING)
        said = server.text + "".join(path.read_text("utf-8") for path in (self.home / "log").glob("*.log*"))
        self.assertIn("live stream", said)
        self.assertNotIn("v1.", said)

    async def test_drained(self) -> None:
        """SIGUSR2: nobody new is let in, who is live goes on, and the process ends when the stream has."""
        server, stream, publisher, player = await self.streaming(tls=True)
        server.send(signal.SIGUSR2)
        await server.says(" drains")
        late = self.run_program(*FFMPEG, "-i", self.url(stream, Right.PLAY), "-f", "null", "-")
        self.assertNotEqual(await late.ended(), 0)
        self.assertTrue(publisher.running and player.running)
        publisher.send(signal.SIGTERM)
        await self.stores.live.end(stream.stream_id)
        self.assertEqual(await player.ended(), 0, player.errors)
        self.assertEqual(await server.end(), 0)
