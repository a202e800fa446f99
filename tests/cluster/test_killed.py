"""A chat server that is killed with SIGKILL, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from imsys.cluster.peers import RemotePush
from imsys.protocols.framing import CHAT
from tests.cluster.nodes import NodesCase, connected, eventually

CHILD = """
import sys
from twisted.internet import reactor
from imsys.config import BalanceConfig, Config
from tests.cluster.nodes import Node

class Balance:
    config = Config(balance=BalanceConfig(addresses=(("127.0.0.1", int(sys.argv[1])),), lease=0.5, interval=0.05))

node = Node(Balance, "two", grpc_port=int(sys.argv[2]))
reactor.callWhenRunning(node.service.startService)
reactor.run()
"""


class KilledTests(NodesCase):
    def child(self, port: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(self.balance.port), str(port)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    async def test_killed_and_back(self) -> None:
        """Its peers find it dead by its lease and have their sessions catch up; once it is back, pushes flow again."""
        one = await self.node("one")
        process = self.child(0)
        await eventually(lambda: connected(one, "two"))
        first = one.membership.peers["two"]
        process.kill()
        one.peers.send("two", [RemotePush((5,), CHAT.encode(25, b"{}"))])
        await eventually(lambda: None in one.handler.resyncs)
        self.assertNotIn(first.incarnation, [peer.incarnation for peer in one.membership.peers.values()])
        await eventually(lambda: [5] in one.handler.resyncs)
        self.child(first.port)
        await eventually(lambda: connected(one, "two"))
        one.peers.send("two", [RemotePush((6,), CHAT.encode(25, b"{}"))])
        await eventually(lambda: one.peers._links["two"]._outbox.idle)
