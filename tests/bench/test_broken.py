"""imsys-bench faults and storm: what they count, and each for a moment on a cluster of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import select
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase

from imsys.bench import broken
from imsys.bench.faults import chosen, figures
from imsys.bench.faults.kinds import KINDS, Concern
from imsys.bench.faults.stage import DEADLINE, Outcome
from imsys.bench.lab.checks import PromiseCheck
from imsys.bench.report import faults
from imsys.bench.scenes import GOALS, SCENES
from imsys.bench.storm.loop import Connection, Loop, Steps, Wait, connect
from imsys.errors import ConfigError
from tests.bench.test_bench import Bench
from tests.support.daemons import ROOT, environment
from tests.support.servers import certificates


class Runs(Bench):
    """On addresses of loopback, so that these run everywhere."""

    timeout = 180

    async def test_faults(self) -> None:
        """A chat server is killed among users who write: all are served again, and nothing is missing."""
        arguments = (
            "faults",
            "--loopback",
            "--runs",
            "1",
            "--only",
            "nothing,kill",
            "--pairs",
            "3",
            "--rate",
            "30",
        )
        nothing, kill, both = await self.run_quietly(*arguments)
        for report in (nothing, kill):
            self.assertEqual(report["counts"]["faults"], 1)
            self.assertGreater(report["counts"]["texts"], 6)
            self.assertGreater(report["latency"][figures.THERE]["p50"], 0)
            self.assertGreater(report["latency"][figures.OTHERS]["p50"], 0)
            self.assertEqual(report["notes"], {})
        self.assertEqual(faults([both]), "")
        self.assertIn("lost node, worst p99, s", both["figures"])

    async def test_storm(self) -> None:
        """Users whose server is killed are all back on others, without a refusal."""
        found = await self.run_quietly(
            "storm", "--loopback", "--sessions", "12", "--others", "3", "--generators", "2"
        )
        self.assertEqual(faults([found]), "", found["notes"])
        self.assertEqual(found["counts"]["resumed"], 12)
        self.assertGreater(found["latency"]["resumed"]["p50"], 0)
        self.assertGreater(found["figures"]["resumed a second of CPU"], 0)
        self.assertLess({"chat2", "chat3", "gateway1", "db1", "redis1"}, set(found["cpu_ms_per_1000"]))

    async def run_quietly(self, *arguments: str) -> Any:
        """Run a command; its figures. What it says meanwhile is not looked at."""
        command = [
            "-c",
            "import os, sys; os.dup2(os.open(os.devnull, os.O_WRONLY), 2); from imsys.bench import main; main(sys.argv[1:])",
        ]
        out, _, code = await getProcessOutputAndValue(
            sys.executable, [*command, *arguments, "--json", "-"], environment(), str(ROOT)
        )
        self.assertEqual(code, 0, out.decode())
        return json.loads(out)


def outcome(**more: Any) -> Outcome:
    """One of two users on the node concerned, and two on others."""
    usual: dict[str, Any] = {
        "there": [2.0, 3.0],
        "others": [0.1, 0.2],
        "locked": (),
        "coming": (),
        "back": (),
        "received": [0.01],
        "waiting": 0,
        "texts": 40,
        "refused": 0,
        "unacknowledged": 0,
        "signed_out": (),
        "verdict": PromiseCheck(counts=Counter(), examples=[]),
    }
    return Outcome(**usual | more)


class Figures(SynchronousTestCase):
    def test_goals(self) -> None:
        """The report about all has the worst of each kind, as the goals ask for it.

        Without a database, it counts when that is back.
        """
        outcomes = {
            "nothing": [outcome(others=[9.0])],
            "kill": [outcome(), outcome(there=[7.0], locked=[4.0])],
            "vanish-transaction": [outcome(others=[1.2], locked=[5.5])],
            "cut-redis": [outcome(there=[0.5], coming=[1.1])],
            "redis-away": [outcome(there=[0.7], others=(), coming=[2.4])],
            "database-stop": [outcome(there=[6.5], others=(), back=[1.5])],
        }
        *each, summary = figures.reports(outcomes, {"users": 4}, 60.0)
        self.assertEqual(len(each), len(outcomes))
        wanted = {
            "others": 1.2,
            "others, locked threads": 5.5,
            "lost node": 7.0,
            "node": 0.5,
            "Redis": 0.7,
            "database": 1.5,
        }
        wanted["signing in meanwhile"] = 2.4
        self.assertEqual(summary.figures, {f"{name}, worst p99, s": value for name, value in wanted.items()})
        asked = {figure.path[-1] for goal in GOALS if goal.scene == "faults" for figure in goal.figures}
        self.assertEqual(asked, set(summary.figures))
        self.assertEqual(summary.counts["texts"], 40 * 7)

    def test_wrong(self) -> None:
        """What must not happen is counted, and meets no goal.

        Who never writes again counts with the deadline.
        """
        verdict = PromiseCheck(
            counts=Counter({"lost": 1, "seen twice": 2, "unseen": 3}), examples=["lost: text 7"]
        )
        bad = outcome(there=[DEADLINE], waiting=1, signed_out=["You logged in elsewhere."], verdict=verdict)
        kill, summary = figures.reports({"kill": [bad]}, {}, 1.0)
        self.assertEqual(
            faults([{"counts": summary.counts}]), "1 lost, 2 duplicated, 3 unseen, 1 unanswered, 1 signed out"
        )
        self.assertTrue(summary.wrong)
        self.assertEqual(kill.latency[figures.THERE].max, DEADLINE * 1000)
        self.assertEqual(kill.notes, {"lost: text 7": 1, "signed out: You logged in elsewhere.": 1})

    def test_tables(self) -> None:
        """For people and for the page: a row a kind, in seconds, and what went wrong."""
        found = figures.reports(
            {"kill": [outcome()], "database-kill": [outcome(back=[0.25])]}, {"users": 4}, 60.0
        )
        text = figures.table(found)
        self.assertRegex(text, r"killed \(-9\) +1 +3\.00 / 3\.00 / 3\.00 +0\.20 / 0\.20 / 0\.20")
        results = {
            "scenes": {"faults": {"runs": [[dataclasses.asdict(report) for report in found]], "failures": []}}
        }
        page = broken.faults_table(results)
        self.assertIn("| a chat server is killed (-9) | 1 | 3 / 3 / 3 |", page)
        self.assertIn("| 0.25 / 0.25 / 0.25 |", page)
        self.assertIn("Nothing went wrong", page)
        self.assertEqual(broken.faults_table({"scenes": {}}), "Not measured.")
        self.assertEqual(broken.storm_table({"scenes": {}}), "Not measured.")

    def test_kinds(self) -> None:
        """Kinds are chosen by how their names begin.

        Those of networks need one that can be cut, which a sentence says.
        """
        names = {"kill", "cut-database", "cut-transaction", "cut-redis", "cut-balance", "cut-peer"}
        self.assertEqual({kind.name for kind in chosen("cut,kill", severs=True)}, names)
        self.assertFalse([kind for kind in chosen(None, severs=False) if kind.severs])
        self.assertEqual(chosen(None, severs=True), list(KINDS))
        self.assertEqual({kind.concern for kind in KINDS}, set(Concern))
        for only, severs, sentence in (
            ("earthquake", True, "there are nothing, kill"),
            ("vanish", False, "need network namespaces"),
        ):
            with self.assertRaisesRegex(ConfigError, sentence):
                chosen(only, severs=severs)

    def test_scenes(self) -> None:
        """'imsys-bench all' runs them, and gives processes that make load only to those that can use them."""
        found = {scene.name: scene for scene in SCENES}
        self.assertFalse(found["faults"].generators)
        self.assertTrue(found["storm-3000"].generators)
        self.assertEqual(found["storm-10000"].arguments, ("storm", "--sessions", "10000"))


class Loops(SynchronousTestCase):
    """What the light clients run on."""

    def run_all(self, *several: Steps[None]) -> None:
        """Run these until each has ended."""
        loop, left = Loop(), [len(several)]

        def counted(steps: Steps[None]) -> Steps[None]:
            yield from steps
            left[0] -= 1

        for steps in several:
            loop.begin(counted(steps))
        for _ in range(1000):
            if not left[0]:
                return
            loop.turn(0.1)
        self.fail("not all have ended")

    def test_sockets_with_the_same_number(self) -> None:
        """Who is refused, and connects with another socket that gets the same number, goes on all the same.

        Who hears nothing, stops.
        """
        tls = certificates()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(tls.certificate, tls.key)
        listener, closed = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        nobody = closed.getsockname()
        closed.close()
        heard: list[bytes] = []

        def serve() -> None:
            for _ in range(20):
                with (
                    contextlib.suppress(OSError),
                    server.wrap_socket(listener.accept()[0], server_side=True) as connection,
                ):
                    connection.sendall(connection.recv(100).upper())

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join, 20)
        client = ssl.create_default_context(cafile=tls.ca)

        def come(number: int) -> Steps[None]:
            until = time.monotonic() + 20
            with contextlib.suppress(ConnectionRefusedError):
                yield from connect(nobody, "", client, until)
            connection: Connection = yield from connect(
                listener.getsockname(), f"127.0.0.{number + 2}", client, until
            )
            yield from connection.send(b"hello", until)
            heard.append((yield from connection.receive(until)))
            connection.close()

        self.run_all(*(come(number) for number in range(20)))
        self.assertEqual(heard, [b"HELLO"] * 20)

    def test_deadlines(self) -> None:
        """Who waits for something that does not come goes on when the time is over, and no earlier timer
        disturbs a later wait.
        """
        one, other = socket.socketpair()
        self.addCleanup(one.close)
        self.addCleanup(other.close)
        got: list[int] = []

        def wait() -> Steps[None]:
            other.send(b"x")
            got.append((yield Wait(time.monotonic() + 0.02, one, select.EPOLLIN)))
            one.recv(1)
            got.append((yield Wait(time.monotonic() + 0.05, one, select.EPOLLIN)))
            got.append((yield Wait(time.monotonic() + 0.01)))

        begun = time.monotonic()
        self.run_all(wait())
        self.assertEqual(got, [1, 0, 0])
        self.assertGreaterEqual(time.monotonic() - begun, 0.06)
