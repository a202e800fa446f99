"""A chat server that is killed or frozen, as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

from imsys.balance.suspicions import Suspicions
from imsys.cluster.peers import RemotePush
from imsys.protocols.framing import CHAT
from tests.cluster.nodes import Node, NodesCase, Proxy, connected, eventually

CHILD = """
import sys
from twisted.internet import reactor
from imsys.config import BalanceConfig, ClusterConfig, Config
from tests.cluster.nodes import Node

class Balance:
    config = Config(
        balance=BalanceConfig(addresses=(("127.0.0.1", int(sys.argv[1])),), interval=float(sys.argv[3])),
        cluster=ClusterConfig(allow_plaintext=True),
    )

node = Node(Balance, "two", grpc_port=int(sys.argv[2]))
reactor.callWhenRunning(node.service.startService)
reactor.run()
"""


class ChildCase(NodesCase):
    interval = 0.05

    def child(self, port: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(self.balance.port), str(port), str(self.interval)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process


class KilledTests(ChildCase):
    async def test_killed_and_back(self) -> None:
        """Its peers find it dead by its lease and have their sessions catch up.

        Once it is back, pushes flow again.
        """
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


class SuspectedTests(ChildCase):
    """With leases that outlast the test: what happens is not their doing."""

    lease = 600.0
    interval = 100.0

    async def begin(self) -> tuple[Node, subprocess.Popen[bytes]]:
        one = await self.node("one")
        process = self.child(0)
        await eventually(lambda: connected(one, "two"))
        return one, process

    async def until_unfit(self, unfit: str) -> float:
        """Return when balance says this of the other server; after how many seconds."""
        since = time.monotonic()
        while (await self.balance.servers())["two"].unfit != unfit:
            await eventually(lambda: True)
        return time.monotonic() - since

    async def test_killed(self) -> None:
        """Its peer says that it is gone, balance finds nobody there, and the peer learns it at once: sessions
        catch up.
        """
        one, process = await self.begin()
        process.kill()
        one.peers.send("two", [RemotePush((5,), CHAT.encode(25, b"{}"))])
        await eventually(lambda: None in one.handler.resyncs and [5] in one.handler.resyncs)
        self.assertEqual((list(await self.balance.servers()), list(one.membership.peers)), (["one"], []))
        self.assertEqual(one.handler.breaks, 1)

    async def test_frozen(self) -> None:
        """One that is frozen is set aside within seconds, whether there are pushes for it or not, and is back
        when it goes on.
        """
        one, process = await self.begin()
        for pushes in ([RemotePush((5,), CHAT.encode(25, b"{}"))], []):
            process.send_signal(signal.SIGSTOP)
            one.peers.send("two", pushes)
            self.assertLess(await self.until_unfit("It does not answer."), 10.0)
            self.assertEqual(list(one.membership.peers), ["two"])
            process.send_signal(signal.SIGCONT)
            self.assertLess(await self.until_unfit(""), 10.0)
        self.assertEqual(one.handler.resyncs, [])

    async def test_out_of_reach_for_a_peer_only(self) -> None:
        """One that a peer cannot reach, and balance can, stays as it is."""
        proxy = Proxy(self)
        one, two = await self.node("one"), await self.node("two", behind=proxy)
        await eventually(lambda: connected(one, "two"))
        watch = next(part for part in self.balance.service if isinstance(part, Suspicions))
        probe, probed = watch._probe, 0

        async def past_the_proxy(host: str, port: int) -> Any:
            nonlocal probed
            answer = await probe(host, two.grpc.port)
            probed += 1
            return answer

        watch._probe = past_the_proxy
        proxy.block(True)
        await eventually(lambda: probed == 2)
        self.assertEqual((await self.balance.servers())["two"].unfit, "")
        proxy.block(False)
        await eventually(lambda: connected(one, "two"))
