"""What servers answer to operators and to balance, through gRPC."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import TestCase

from imsys.cluster.client import GrpcClient
from imsys.cluster.control import Control, control_services
from imsys.cluster.server import GrpcServer
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust
from tests.support.servers import PLAINTEXT


class ControlTests(TestCase):
    def setUp(self) -> None:
        self.unfit = ""
        self.asked: list[float] = []

    async def ask(self, method: str, request: Any, *, alone: bool = True) -> Any:
        """One call to a server of our own."""
        from twisted.internet import reactor

        control = Control("inc", lambda: self.unfit, self.drain if alone else None)
        server = GrpcServer(reactor, Trust(PLAINTEXT), "127.0.0.1", 0, control_services(control))
        server.startService()
        client = GrpcClient(reactor, Trust(PLAINTEXT), [("127.0.0.1", server.port)])
        client.startService()
        try:
            return await client.call(imsys_v1_pb2_grpc.ControlStub, method, request)
        finally:
            client.stopService()
            await server.stopService()

    def drain(self, seconds: float) -> int:
        self.asked.append(seconds)
        return 17

    async def test_probe(self) -> None:
        """A probe is answered with the start of the server, and with what keeps it from serving."""
        for unfit in ("", "The database is away."):
            self.unfit = unfit
            answer = await self.ask("Probe", imsys_v1_pb2.ProbeRequest())
            self.assertEqual((answer.error, answer.incarnation, answer.unfit), (0, "inc", unfit))

    async def test_drain(self) -> None:
        """A drain begins, within the seconds that were asked for, and the answer says how many connections
        are left.
        """
        for seconds in (0.0, 2.5):
            answer = await self.ask("Drain", imsys_v1_pb2.DrainRequest(seconds=seconds))
            self.assertEqual((answer.error, answer.connections), (0, 17))
        self.assertEqual(self.asked, [0.0, 2.5])

    async def test_refused(self) -> None:
        """Seconds that cannot be are refused; so is a server that is one of several of its process."""
        for seconds in (-1.0, float("nan"), float("inf"), 1e6):
            self.assertEqual((await self.ask("Drain", imsys_v1_pb2.DrainRequest(seconds=seconds))).error, 70)
        answer = await self.ask("Drain", imsys_v1_pb2.DrainRequest(), alone=False)
        self.assertEqual(
            (answer.error, answer.message),
            (65, "All servers are one process here, which is stopped as a whole."),
        )
        self.assertEqual(self.asked, [])
