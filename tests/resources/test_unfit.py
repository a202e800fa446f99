"""A resources server whose disk, or whose database, does not work: what it still does, and who is sent there."""

from __future__ import annotations

import os
import time

from twisted.internet.task import deferLater

from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.errors import Status
from imsys.files.configured import spool_folder
from imsys.protocols.identifiers import encode_id
from imsys.resources.engine import trial
from tests.resources.process import TUS, ServerCase, in_thread
from tests.support.servers import cluster_channel

SOON = 12.0
"""Seconds in which balance knows what takes three at most when the machine has nothing else to do."""


class UnfitTests(ServerCase):
    async def begin(self) -> None:
        """Start the servers, and have a file there, and the beginning of another."""
        await self.balance()
        await self.serve(BALANCE_LEASE="600", BALANCE_INTERVAL="100")
        self.spool = spool_folder(self.system.resources)
        self.data = os.urandom(300_000)
        self.here, self.begun = await self.offer(len(self.data)), await self.offer(len(self.data))
        self.client = await self.login()
        await self.send(self.here, len(self.data))
        await self.client.acknowledged(len(self.data))
        await self.send(self.begun, 100_000)

    async def send(self, file_id: bytes, until: int) -> None:
        await self.client.open(file_id, self.write(file_id))
        await self.client.move(lambda offset, length: self.data[offset : offset + length], until)

    def listed(self) -> str:
        """Why balance says that it is unfit."""
        with cluster_channel(self.settings["BALANCE_GRPC_PORT"]) as channel:
            (server,) = (
                imsys_v1_pb2_grpc.RegistryStub(channel).List(imsys_v1_pb2.ListRequest(), timeout=10).servers
            )
        return str(server.unfit)

    async def until_listed(self, unfit: str) -> None:
        since = time.monotonic()
        while (said := await in_thread(self.listed)) != unfit:
            self.assertLess(time.monotonic() - since, SOON, said)
            await deferLater(self.reactor, 0.05)

    async def refused(self, reason: str) -> None:
        """Nothing new is begun, by whichever door."""
        with self.assertRaisesRegex(AssertionError, "73"):
            await self.login()
        for answer in (
            await self.patch(self.begun, 0, b""),
            await self.http("HEAD", self.begun, self.write(self.begun), headers=TUS),
        ):
            self.assertEqual(answer.status, 503)
        opened = await self.client.ask(72, file_id=encode_id(self.begun), ticket=self.write(self.begun))
        self.assertEqual(opened["error"], Status.SERVER_BUSY, opened)
        self.assertIn(reason, opened["message"])

    async def works(self) -> None:
        """All goes on where it was."""
        await self.until_listed("")
        offset = await self.client.open(self.begun, self.write(self.begun))
        await self.client.move(lambda at, length: self.data[at : at + length], len(self.data))
        await self.client.acknowledged(len(self.data))
        self.assertLessEqual(offset, 100_000)
        self.assertEqual((await self.http("GET", self.begun, self.read(self.begun))).body, self.data)

    async def test_not_writable(self) -> None:
        """Where the spool cannot be written, nothing new is taken; what is there can be had.

        And it comes back by itself.
        """
        await self.begin()
        away = self.spool.rename(self.spool.with_name("away"))
        reason = "The disk does not work: No such file or directory."
        await self.until_listed(reason)
        await self.refused(reason)
        self.assertEqual((await self.http("GET", self.here, self.read(self.here))).body, self.data)
        away.rename(self.spool)
        await self.works()

    async def test_hangs(self) -> None:
        """A disk that does not answer at all gives nothing either.

        That is said at once, and nobody waits for it.
        """
        await self.begin()
        os.mkfifo(self.home / "pipe")
        # whoever opens it to write waits for somebody who reads
        (self.home / "pipe").rename(self.spool / trial.NAME)
        reason = "The disk does not answer."
        await self.until_listed(reason)
        await self.refused(reason)
        since = time.monotonic()
        self.assertEqual((await self.http("GET", self.here, self.read(self.here))).status, 503)
        self.assertLess(time.monotonic() - since, 3.0)
        reader = os.open(self.spool / trial.NAME, os.O_RDONLY | os.O_NONBLOCK)
        (self.spool / trial.NAME).unlink()
        self.addCleanup(os.close, reader)
        await self.works()
