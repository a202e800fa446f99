"""Hosts that can be cut off, programs that stand still, and what is said about texts: what the tests and
measurements of faults rest on.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from imsys.bench.lab.checks import Promise
from imsys.bench.lab.loopback import Loopback
from imsys.bench.lab.namespaces import Namespaces
from imsys.bench.lab.network import Host, NotHere
from imsys.bench.lab.programs import Program, says
from imsys.bench.lab.wires import Tapped
from imsys.bench.lab.words import Account, Guest, Heard, Text
from tests.support.children import folder
from tests.support.programs import program

_LISTENS = """
import socket, sys
listener = socket.create_server((sys.argv[1], 7000))
print("listens", flush=True)
while True:
    connection, _ = listener.accept()
    print("connected", flush=True)
    try:
        while data := connection.recv(1000):
            print("got", data.decode(), flush=True)
        print("ended", flush=True)
    except OSError as problem:
        print("broken", problem, flush=True)
"""

_SENDS = """
import socket, sys
connection = socket.create_connection((sys.argv[1], 7000), 5)
print("connected", flush=True)
for line in sys.stdin:
    connection.sendall(line.strip().encode())
    print("sent", flush=True)
"""


def eventually(
    test: SynchronousTestCase, holds: Callable[[], bool], what: str, seconds: float = 20.0
) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not holds():
        test.assertLess(time.monotonic(), end, what)
        time.sleep(0.01)


class Cutting(SynchronousTestCase):
    """Two hosts, one of which sends lines to the other."""

    def setUp(self) -> None:
        program("ip")
        try:
            self.network = Namespaces()
        except NotHere as problem:
            raise SkipTest(str(problem)) from None
        self.addCleanup(self.network.close)
        self.one, self.other = self.network.host("one"), self.network.host("other")
        self.log = folder("lab") / "log"
        command = [sys.executable, "-c", _LISTENS, self.other.address]
        self.listener = Program("other", command, os.environ, self.log, says("listens"), self.other.enter)
        self.addCleanup(self.listener.kill)
        self.listener.start()
        self.listener.wait()
        self.sender = self.send_from(self.one)

    def send_from(self, host: Host) -> subprocess.Popen[bytes]:
        """Connect; lines are sent by writing to its standard input."""
        command = [sys.executable, "-c", _SENDS, self.other.address]
        pipe = subprocess.PIPE
        child = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, preexec_fn=host.enter
        )
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        assert child.stdout is not None
        self.assertEqual(child.stdout.readline(), b"connected\n")
        return child

    def say(self, line: bytes) -> None:
        """Have a line written to the connection."""
        assert self.sender.stdin is not None
        assert self.sender.stdout is not None
        self.sender.stdin.write(line + b"\n")
        self.sender.stdin.flush()
        self.assertEqual(self.sender.stdout.readline(), b"sent\n")

    def hears(self, what: str) -> None:
        """The other one says something."""
        eventually(
            self, lambda: what in self.listener.written(), f"{what!r} is not in {self.listener.written()!r}"
        )

    def test_cut_and_healed(self) -> None:
        """What is sent between hosts that are cut off from each other lies in the sender's system, and
        arrives when they are not.
        """
        self.say(b"before")
        self.hears("got before")
        self.network.cut(self.one, self.other)
        self.say(b"meanwhile")
        eventually(
            self,
            lambda: sum(self.network.unsent(self.one, self.other).values()) == len("meanwhile"),
            "it is in the queue",
        )
        self.assertNotIn("meanwhile", self.listener.written())
        self.network.heal(self.one, self.other)
        self.hears("got meanwhile")

    def test_what_the_dead_leave(self) -> None:
        """What a program that was killed has written arrives when its host is no longer cut off, and its end
        after that.
        """
        self.network.cut(self.one, self.other)
        self.say(b"last words")
        self.sender.kill()
        self.sender.wait()
        self.assertNotIn("ended", self.listener.written())
        self.network.heal(self.one, self.other)
        self.hears("got last words\nended")

    def test_power_lost(self) -> None:
        """Of a machine that loses its power nothing arrives any more.

        The one in its place has the same address, and is heard.
        """
        self.say(b"before")
        self.network.isolate(self.one)
        self.say(b"last words")
        self.sender.kill()
        self.sender.wait()
        self.network.power_on(self.one)
        self.assertFalse(self.network.isolated(self.one))
        self.listener.kill()
        self.listener.start()
        self.listener.wait()
        self.sender = self.send_from(self.one)
        self.say(b"again")
        self.hears("got again")
        self.assertNotIn("last words", self.log.read_text())

    def test_crowd(self) -> None:
        """A host can be given thousands of addresses; what comes from any of them is answered."""
        prefix = self.network.crowd(self.one)
        code = "import socket, sys\nfor n in map(int, sys.argv[2:]):\n"
        code += f" socket.create_connection((sys.argv[1], 7000), 5, (f'{prefix}{{n >> 8}}.{{n & 255}}', 0))\n"
        numbers = map(str, (1, 255, 256, 40000, 65534))
        subprocess.run(
            [sys.executable, "-c", code, self.other.address, *numbers],
            preexec_fn=self.one.enter,
            check=True,
            timeout=30,
        )

    def test_nothing_is_left(self) -> None:
        """When the program that made a network is killed, its namespaces end."""
        code = "from imsys.bench.lab.namespaces import Namespaces\nn = Namespaces(); n.host('one')\n"
        code += "print(*(k.pid for k in n._keepers.values()), flush=True); input()"
        maker = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert maker.stdout is not None
        keepers = list(map(int, maker.stdout.readline().split()))
        self.assertEqual(len(keepers), 2)
        maker.send_signal(signal.SIGKILL)
        maker.communicate()
        eventually(
            self, lambda: not any(Path(f"/proc/{pid}").exists() for pid in keepers), f"{keepers} have ended"
        )


class Standing(SynchronousTestCase):
    def test_frozen(self) -> None:
        """A program that is frozen does nothing at all until it is thawed."""
        code = "import itertools, sys, time\nfor n in itertools.count():\n print(n, flush=True)\n time.sleep(0.001)"
        log = folder("lab") / "log"
        program = Program("counts", [sys.executable, "-c", code], os.environ, log, says("5"))
        self.addCleanup(program.kill)
        program.start()
        program.wait()
        program.freeze()
        position = program.position
        self.assertTrue(program.running)
        time.sleep(0.05)
        self.assertEqual(program.position, position)
        program.thaw()
        eventually(self, lambda: program.position > position, "it goes on")

    def test_loopback(self) -> None:
        """Hosts without namespaces have addresses of their own, and say in a sentence that they cannot be cut
        off.
        """
        network = Loopback()
        one, other = network.host("one"), network.host("other")
        for host in (one, other):
            with socket.create_server((host.address, 0)):
                pass
        self.assertNotEqual(one.address, other.address)
        self.assertFalse(network.severs)
        for refused in (lambda: network.cut(one, other), lambda: network.isolate(one)):
            with self.assertRaisesRegex(NotHere, "needs network namespaces"):
                refused()


class _Hears(Protocol):
    def __init__(self) -> None:
        self.data = b""
        self.ended: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.ended.callback(None)


class Wires(TestCase):
    timeout = 20.0

    async def asyncSetUp(self) -> tuple[_Hears, _Hears, Tapped]:
        """A client whose connections we know, and the server's end."""
        server = _Hears()
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
            Factory.forProtocol(lambda: server)
        )
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        tapped = Tapped(reactor)
        client: _Hears = await connectProtocol(HostnameEndpoint(tapped, "127.0.0.1", self.port), _Hears())
        while server.transport is None:
            await deferLater(reactor, 0.01)
        return client, server, tapped

    async def test_written(self) -> None:
        """The connection is reset when half of a frame has left; what is written after that is lost."""
        client, server, tapped = await self.asyncSetUp()
        assert client.transport is not None
        client.transport.write(b"whole" * 20)
        (wire,) = tapped.wires(self.port)
        wire.break_off("write")
        client.transport.write(b"half" * 20)
        client.transport.write(b"more" * 20)
        await server.ended
        await client.ended
        self.assertEqual(server.data, b"whole" * 20 + b"half" * 10)
        self.assertEqual(tapped.wires(self.port), [])

    async def test_read(self) -> None:
        """The connection is reset when half of a frame has come."""
        client, server, tapped = await self.asyncSetUp()
        assert server.transport is not None
        (wire,) = tapped.wires(self.port)
        wire.break_off("read")
        server.transport.write(b"half" * 20)
        await client.ended
        await server.ended
        self.assertEqual(client.data, b"half" * 10)


class _Rows:
    """A database that answers whatever it is asked with rows of (thread, id, sender, content)."""

    def __init__(self, *rows: tuple[int, int, int, str]) -> None:
        self.found = list(rows)
        self.database = self

    def rows(self, sql: str) -> list[tuple[int, int, int, str]]:
        """Those that there are."""
        return self.found


class Promises(SynchronousTestCase):
    """Users 1 and 2 in thread 7: what 1 writes, 2 is to see."""

    def verdict(
        self, stored: list[tuple[int, int]], written: list[tuple[int, int]], heard: list[int]
    ) -> dict[str, int]:
        """What is said: of (number, id) as stored in this order, of (number, id of its acknowledgement), and
        of numbers as they came.
        """
        guests = [
            Guest(uuid=1, username="", token="", peer=2, thread=7, host="", port=0),
            Guest(uuid=2, username="", token="", peer=1, thread=7, host="", port=0),
        ]
        history: Any = _Rows(*((7, msg_id, 1, f"{number} text") for number, msg_id in stored))
        texts = [
            Text(number, 1, 0.0, 1.0 if msg_id else 0.0, msg_id, "" if msg_id else "given up")
            for number, msg_id in written
        ]
        account = Account(texts=texts, heard=[Heard(2, number, 0, 2.0) for number in heard], signed_out=[])
        return dict(Promise(history, guests).check(account).counts)

    def test_kept(self) -> None:
        """All is well where everything is stored and received once and in order, and what was given up is
        nowhere, or everywhere.
        """
        self.assertEqual(
            self.verdict([(1, 10), (2, 11), (4, 12)], [(1, 10), (2, 11), (3, 0), (4, 0)], [1, 2, 4]), {}
        )

    def test_broken(self) -> None:
        """A text that is acknowledged and not stored, stored twice, stored or received out of order, or never
        received, is found.
        """
        for stored, written, heard, wrong in (
            ([(1, 10)], [(1, 10), (2, 11)], [1], "lost"),
            ([(1, 10), (1, 11)], [(1, 10)], [1], "lost"),
            ([(1, 10), (1, 11)], [(1, 11)], [1], "duplicated"),
            ([(2, 10), (1, 11)], [(1, 11), (2, 10)], [2, 1], "misordered"),
            ([(1, 10), (2, 11)], [(1, 10), (2, 11)], [1], "unseen"),
            ([(1, 10), (2, 11)], [(1, 10), (2, 11)], [1, 2, 2], "seen twice"),
            ([(1, 10), (2, 11)], [(1, 10), (2, 11)], [2, 1], "seen misordered"),
        ):
            self.assertIn(wrong, self.verdict(stored, written, heard), (stored, written, heard))

    def test_seen_once(self) -> None:
        """What was looked at once is not looked at again: only what is later in its thread."""
        asked: list[str] = []

        class History(_Rows):
            def rows(self, sql: str) -> list[tuple[int, int, int, str]]:
                asked.append(sql)
                return super().rows(sql)

        history: Any = History((7, 10, 1, "1 text"))
        promise = Promise(history, [Guest(uuid=1, username="", token="", peer=2, thread=7, host="", port=0)])
        for _ in range(2):
            promise.check(Account(texts=[], heard=[], signed_out=[]))
        self.assertIn("thread_id = 7 AND msg_id > 0", asked[0])
        self.assertIn("thread_id = 7 AND msg_id > 10", asked[1])
