"""imsys-bench: what it counts is checked against a server that misbehaves on purpose, then it runs for real."""

from __future__ import annotations

import io
import json
import sys
from argparse import Namespace
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.bench import suite
from imsys.bench.report import latency
from imsys.bench.scenes import Scene
from tests.sdk.fake import FakeServers, World
from tests.support.daemons import ROOT, environment
from tests.support.programs import need

QUICK = ("--time", "0.6", "--warmup", "0.2", "--drain", "1")


class Bench(TestCase):
    timeout = 120

    async def run_bench(self, *arguments: str, status: int = 0) -> Any:
        """Run it; its figures."""
        need("servers to measure")
        out, err, code = await getProcessOutputAndValue(
            sys.executable, ["-m", "imsys.bench", *arguments, "--json", "-"], environment(), str(ROOT)
        )
        self.assertEqual(code, status, (out + err).decode())
        self.assertFalse(err, err.decode())
        return json.loads(out)

    async def bench(self, *arguments: str, status: int = 0) -> Any:
        """Measure a chat; its figures, and its counts among them."""
        found = await self.run_bench("chat", *QUICK, *arguments, status=status)
        return found | found["counts"]


class Counting(Bench):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.world = World()
        self.servers = FakeServers(reactor, self.world)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.servers.stop()))
        lines = []
        for pair in range(3):
            one, two, thread = 2 * pair + 1, 2 * pair + 2, 10 + pair
            self.world.befriend(thread, one, two)
            for me, other in ((one, two), (two, one)):
                self.world.user(me, f"user{me}")
                lines.append(f"{me} {self.world.token(me)} 127.0.0.1 {self.world.chat_port} {other} {thread}")
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text("\n".join(lines))

    async def test_all_is_well(self) -> None:
        """Every text is acknowledged and delivered once and in order."""
        found = await self.bench("--users", str(self.path), "--window", "4")
        stored = sum(len(records) for records in self.world.records.values())
        self.assertEqual((found["messages"], found["setting"]["pairs"]), (stored, 3))
        self.assertGreater(found["rates"]["acknowledged"], 100)
        self.assertEqual(
            [found[name] for name in ("lost", "duplicated", "misordered", "unacknowledged", "closed")],
            [0] * 5,
        )
        ack = found["latency"]["ack"]
        self.assertLessEqual(ack["p50"], ack["p99"])
        self.assertLessEqual(ack["p99"], ack["max"])

    async def test_lost(self) -> None:
        """Texts that are acknowledged and never delivered are counted, and the exit status says that
        something is wrong.
        """
        self.world.lose = 3
        found = await self.bench("--users", str(self.path), status=1)
        self.assertEqual(found["lost"], 3)

    async def test_unacknowledged(self) -> None:
        """Texts without an acknowledgement are counted."""
        self.world.swallow = 2
        found = await self.bench("--users", str(self.path))
        self.assertEqual(found["unacknowledged"], 2)

    async def test_refused(self) -> None:
        """A text that is refused is counted, and its sender goes on."""
        self.world.refusals[23] = [{"error": 73, "message": "Busy."}]
        found = await self.bench("--users", str(self.path))
        self.assertEqual((found["refused"], found["unacknowledged"], found["lost"]), (1, 0, 0))
        self.assertGreater(found["messages"], 10)

    async def test_all(self) -> None:
        """'all' ends with a status that says that a scene lost messages, and leaves one file of figures, once
        it is whole.
        """
        self.world.lose = 3
        scene = Scene(
            name="lossy", title="", group="chat", arguments=("chat", "--users", str(self.path)), quick=QUICK
        )
        self.patch(suite, "SCENES", [scene])
        results = Path(self.mktemp()) / "results.json"
        options = Namespace(runs=1, quick=True, only=None, generator=None, generators=1, out=str(results))
        with redirect_stdout(io.StringIO()) as said:
            self.assertEqual(await deferToThread(suite._run, options), 1)
        self.assertIn("3 lost", said.getvalue())
        self.assertIn("at least once: lossy.", said.getvalue())
        self.assertEqual([path.name for path in results.parent.iterdir()], [results.name])
        (run,) = json.loads(results.read_text("utf-8"))["scenes"]["lossy"]["runs"]
        self.assertEqual(run[0]["counts"]["lost"], 3)

    async def test_open_loop(self) -> None:
        """With a rate, texts leave on schedule; one that is never acknowledged holds nobody up."""
        self.world.swallow = 2
        found = await self.bench("--users", str(self.path), "--rate", "200")
        self.assertEqual(
            found["messages"] + found["unacknowledged"], sum(map(len, self.world.records.values()))
        )
        self.assertEqual((found["unacknowledged"], found["messages"]), (2, 158))
        self.assertIn("generator late", found["latency"])

    async def test_repeated_and_misordered(self) -> None:
        """Pushes that come twice or out of order are counted."""
        push, told = self.world.push_text, []

        def twice_and_late(records: list[dict[str, Any]]) -> None:
            told.append(records)
            if len(told) == 1:
                return
            push(records)
            if len(told) == 2:
                push(told[0])
                push(told[0])

        self.world.push_text = twice_and_late  # type: ignore[method-assign]
        found = await self.bench(
            "--users", str(self.path), "--oneway", "--window", "2", "--pairs", "1", status=1
        )
        self.assertEqual((found["duplicated"], found["misordered"], found["lost"]), (1, 1, 0))


class Real(Bench):
    async def test_sqlite(self) -> None:
        """On SQLite, over TLS, with a server of its own."""
        found = await self.bench("--pairs", "3", "--tls")
        self.assertGreater(found["messages"], 10)
        self.assertGreater(found["cpu_ms_per_1000"]["server"], 0)

    async def test_mysql(self) -> None:
        """On MariaDB, with two generators, and servers of its own."""
        found = await self.bench("--pairs", "4", "--generators", "2", "--backend", "mysql")
        self.assertGreater(found["messages"], 10)
        self.assertIn("database", found["cpu_ms_per_1000"])


class Percentiles(SynchronousTestCase):
    def test_ranks(self) -> None:
        """Percentiles are values that occurred."""
        found = latency([*range(1000, 101_000, 1000)])
        self.assertEqual((found.p50, found.p95, found.p99, found.max), (51.0, 96.0, 100.0, 100.0))
        self.assertEqual(latency([]).max, 0.0)
