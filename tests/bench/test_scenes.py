"""The other scenes of imsys-bench, each for a moment, against servers of its own.

And what is made of their figures.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import xml.etree.ElementTree as ElementTree
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from imsys.bench import imload, page, svg
from imsys.bench.population import make_users
from imsys.bench.processes import children
from imsys.bench.profiling import hot_spots
from imsys.bench.scenes import GOALS, SCENES
from imsys.config import Config
from imsys.errors import ConfigError
from imsys.store.appending import Appended
from imsys.store.bulk import history
from imsys.store.ids import MessageIds
from tests.bench.test_bench import Bench
from tests.support.children import folder
from tests.support.daemons import ROOT, Process, environment
from tests.support.servers import redis_server
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase, text


class Scenes(Bench):
    timeout = 180

    async def test_overview(self) -> None:
        """First screens are asked for at the rate that was wanted, for each number of threads."""
        found = await self.run_bench(
            "overview",
            "--backend",
            "sqlite",
            "--threads",
            "3,5",
            "--readers",
            "2",
            "--rate",
            "20",
            "--time",
            "0.5",
            "--warmup",
            "0.2",
        )
        self.assertEqual([one["setting"]["threads"] for one in found], [3, 5])
        for one in found:
            self.assertEqual((one["counts"]["refused"], one["counts"]["unanswered"]), (0, 0))
            self.assertGreater(one["rates"]["done"], 5)

    async def test_login(self) -> None:
        """Everybody logs in once, over TLS."""
        found = await self.run_bench("login", "--logins", "20", "--tls", "--at-once", "4")
        self.assertEqual(found["counts"]["failed"], 0)
        self.assertGreater(found["rates"]["logins"], 0)
        self.assertGreater(found["latency"]["login"]["p50"], 0)

    async def test_idle(self) -> None:
        """Sessions are held by two processes, and their heartbeats are answered."""
        found = await self.run_bench(
            "idle", "--connections", "12", "--generators", "2", "--time", "1.2", "--beat", "0.3"
        )
        self.assertEqual([found["counts"][name] for name in ("held", "failed", "closed")], [12, 0, 0])
        self.assertGreater(found["rates"]["heartbeats"], 10)
        self.assertIn("KB a session", found["figures"])

    async def test_nodes(self) -> None:
        """Two chat servers with mutual TLS: what one acknowledges, the other delivers."""
        found = await self.run_bench(
            "nodes", "--pairs", "2", "--time", "0.5", "--warmup", "0.2", "--drain", "5"
        )
        self.assertGreater(found["counts"]["messages"], 4)
        self.assertEqual(found["counts"]["lost"], 0)
        self.assertLess({"balance", "chat 1", "chat 2"}, set(found["cpu_ms_per_1000"]))

    async def test_groups(self) -> None:
        """Two groups on two chat servers, half of whose members are there: everybody who is hears everything."""
        found = await self.run_bench(
            "groups",
            *("--members", "48", "--online", "50", "--groups", "2", "--nodes", "2"),
            *("--time", "0.5", "--warmup", "0.2", "--drain", "5"),
        )
        self.assertGreater(found["rates"]["messages"], 2)
        self.assertGreater(found["rates"]["deliveries"], 20 * found["rates"]["messages"])
        self.assertEqual([found["counts"][name] for name in ("lost", "duplicated", "misordered")], [0, 0, 0])
        self.assertIn("memory of a server, MB", found["figures"])
        self.assertGreater(found["latency"]["last receiver"]["p50"], 0)

    async def test_growth(self) -> None:
        """At each size every operation is measured, and pages are whole."""
        quick = (
            "--time",
            "0.4",
            "--warmup",
            "0.1",
            "--settle",
            "0",
            "--pages",
            "50",
            "--syncs",
            "50",
            "--texts",
            "50",
        )
        found = await self.run_bench(
            *(
                "growth",
                "--backend",
                "sqlite",
                "--readers",
                "4",
                "--reader-friends",
                "5",
                "--stored",
                "100,2000",
                "--friends",
                "3",
                *quick,
            )
        )
        sizes = {report["setting"]["stored"] for report in found}
        self.assertEqual(len(sizes), 2)
        self.assertGreater(max(sizes), 1000)
        self.assertEqual(len(found), 8)
        self.assertEqual([report["notes"] for report in found], [{}] * 8)
        pages = [report for report in found if report["setting"]["operation"] == "page of history"]
        self.assertTrue(all(report["latency"]["answer"]["p99"] > 0 for report in pages))

    async def test_ended_in_the_middle(self) -> None:
        """A measurement that is told to end takes its servers and its folder with it."""
        from twisted.internet import reactor

        place = folder("bench")
        environ = environment() | {"TMPDIR": str(place)}
        process = Process(
            reactor, [sys.executable, "-m", "imsys.bench", "chat", "--time", "60"], environ, ROOT
        )
        # the server, and the load
        while len(started := [child for child in children(process.pid) if _runs(child)]) < 2:
            await deferLater(reactor, 0.05)
        process.send(signal.SIGINT)
        self.assertEqual(await process.end(60), 130)
        self.assertEqual([child for child in started if _runs(child)], [])
        self.assertEqual(list(place.iterdir()), [])

    async def test_bad_requests(self) -> None:
        """What cannot work is said in one sentence."""
        for arguments, problem in (
            (("chat", "--size", "8"), "--size"),
            (("idle", "--processes", "2"), "SQLite is for one process"),
            (("nodes", "--backend", "sqlite"), "SQLite is for one process"),
            (("chat", "--generator", "/nowhere/imload", "--pairs", "1"), "/nowhere/imload"),
            (("all", "--only", "nothing"), "chat-mysql"),
        ):
            process = await deferToThread(_fails, arguments)
            self.assertIn(problem, process)
            self.assertEqual(process.count("\n"), 1)


def _runs(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}/exe")


def _fails(arguments: tuple[str, ...]) -> str:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "imsys.bench", *arguments],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done
    return done.stderr


class Users(StoreCase):
    async def test_like_those_who_registered(self) -> None:
        """Users that are made in bulk are friends, may write to each other, and have their friends' threads
        and tokens.
        """
        import dataclasses

        config = dataclasses.replace(Config(), database=self.config, redis=redis_server())
        lines = await make_users(self.reactor, config, 3, [("one", 1), ("two", 2)], friends=4)
        users = [line.split() for line in lines]
        self.assertEqual(
            [(user[2], user[3]) for user in users],
            [("one", "1"), ("two", "2"), ("two", "2"), ("one", "1"), ("one", "1"), ("two", "2")],
        )
        for uuid, token, _, _, peer, thread in users:
            me, other = int(uuid), int(peer)
            self.assertGreater(len(token), 40)
            friends = await self.stores.contacts.friends(me, 0, 10)
            self.assertEqual(
                [len(friends), friends[0].person.uuid, friends[0].thread_id], [4, other, int(thread)]
            )
            self.assertEqual(len(await self.stores.threads.of_user(me, 0, 10)), 4)
            (stored,) = await self.stores.messages.append(
                self.ids, [text(me, other, int(thread), f"from {me}")]
            )
            assert isinstance(stored, Appended), stored
            self.assertEqual(stored.receivers, (other,))
            page = await self.stores.messages.page(other, int(thread), 0, 10)
            self.assertEqual([record.content for record in page][:2], ["Hello!", "We are friends now!"])
        again = await make_users(self.reactor, config, 1, [("one", 1)])
        self.assertEqual(int(again[0].split()[0]), int(users[0][0]) + 9)

    async def test_history(self) -> None:
        """A history that the database made can be read page by page, and lies before what was there."""
        anna, bert = await self.people("anna", "bert")
        thread = await self.befriend(anna, bert)
        oldest = MessageIds(lambda: 1_700_000_000.0 + 86400 * 500, 0).next()
        sql = history(
            self.database.dialect.name,
            range(thread, thread + 1),
            every=1,
            but=0,
            begin=thread,
            count=30,
            oldest=oldest,
            position=5,
            step=1 << 22,
        )
        await self.database.write(lambda tx: tx.execute_literal(sql))
        records = await self.stores.messages.page(anna, thread, 0, 100)
        self.assertEqual(len(records), 32)
        self.assertEqual([record.content for record in records][-1], "We are friends now!")
        self.assertEqual({record.sender for record in records}, {anna, bert})
        self.assertEqual(records[0].msg_id, oldest + 5 * (1 << 22) + thread % 4096)


class SqliteUsersTests(Users, OnSqlite):
    """On SQLite."""


class MariaDbUsersTests(Users, OnMariaDb):
    """On MariaDB."""


del Users


class Figures(SynchronousTestCase):
    def results(self) -> dict[str, Any]:
        """Figures as 'all' writes them, of a few scenes."""
        wait = {"p50": 1.5, "p95": 2.0, "p99": 3.0, "max": 4.0}

        def report(rate: float, **setting: Any) -> dict[str, Any]:
            return {
                "scene": "chat",
                "setting": setting,
                "rates": {"acknowledged": rate, "logins": rate, "done": rate},
                "latency": {"ack": wait, "delivery": wait, "answer": wait},
                "counts": {"held": 19_000},
                "figures": {"KB a session": 2.5},
                "cpu_ms_per_1000": {"server": 25.0, "generator": 20.0},
            }

        def scene(*rates: float) -> dict[str, Any]:
            return {"arguments": ["chat"], "failures": [], "runs": [[report(rate)] for rate in rates]}

        growth = [report(1000, operation="page of history", stored=stored) for stored in (9_950, 9_950_000)]
        scenes = {
            "chat-mysql": scene(30_000, 40_000, 37_000),
            "chat-mysql-control": scene(3_000, 5_000, 3_700),
            "open-mysql": scene(5000),
            "idle-19000": scene(1900),
            "growth-mysql": {"arguments": ["growth"], "failures": [], "runs": [growth]},
        }
        machine = {"processor": "2 cores", "memory": "24 GiB", "system": "Linux", "Python": "3.11"}
        for entry in scenes.values():
            entry |= {"machine": machine, "finished": "2026-11-23 12:24 UTC"}
        return {"runs": 3, "quick": False, "scenes": scenes}

    def test_page(self) -> None:
        """Goals and figures stand beside each other; medians, spans and ratios are those of the runs.

        What was not measured says so.
        """
        made = page.render(self.results(), (ROOT / "docs/performance/text.md").read_text("utf-8"))
        self.assertIn("| ≥ 36,000 a second, ≤ 35 ms ack p99 | 37,000 a second, 3 ms ack p99 | yes |", made)
        self.assertIn("| ≥ 25,000 a second | not measured |  |", made)
        self.assertIn("| ≤ 0.25 s | 0.25 s | yes |", made)
        self.assertIn("37,000 (30,000–40,000)", made)
        self.assertIn("10.00 (8.00–10.00)", made)
        self.assertIn("| page of history | 1,000 | 1.5 / 3 | 1.5 / 3 |", made)
        self.assertIn("medians of 3 runs", made)
        self.assertNotIn("{{", made)

    def test_machines(self) -> None:
        """What is the same of all scenes is said once; what differs, of each few of them."""
        results = self.results()
        same = "2 cores, 24 GiB, Linux, "
        self.assertIn(f": {same}Python 3.11; 2026-11-23; medians of 3 runs", self.rendered(results))
        results["scenes"]["open-mysql"] |= {
            "machine": results["scenes"]["open-mysql"]["machine"] | {"Python": "3.12"},
            "finished": "2026-11-30 12:24 UTC",
        }
        results["scenes"]["idle-19000"]["finished"] = "2026-11-24 01:00 UTC"
        made = self.rendered(results)
        self.assertIn(": 2 cores, 24 GiB, Linux; medians of 3 runs", made)
        others = "chat-mysql, chat-mysql-control, idle-19000, growth-mysql"
        self.assertIn(f"\n* {others}: Python 3.11; 2026-11-23 to 2026-11-24\n", made)
        self.assertIn("\n* open-mysql: Python 3.12; 2026-11-30\n", made)

    def rendered(self, results: dict[str, Any]) -> str:
        return page.render(results, (ROOT / "docs/performance/text.md").read_text("utf-8"))

    def test_nothing_went_wrong(self) -> None:
        """Where no message was lost and no run failed, the page says so."""
        made = self.rendered(self.results())
        self.assertIn("Nothing went wrong in any of these runs.", made)
        self.assertNotIn("Something went wrong", made)

    def test_what_went_wrong(self) -> None:
        """A scene that lost messages in one of its runs meets no goal, nor one with users who were turned
        away; each is named.
        """
        results = self.results()
        results["scenes"]["chat-mysql"]["runs"][1][0]["counts"] |= {"lost": 1500, "refused": 2}
        results["scenes"]["chat-mysql-control"]["runs"][0][0]["counts"]["duplicated"] = 1
        results["scenes"]["idle-19000"]["runs"][0][0]["counts"] |= {"unanswered": 3, "failed": 4}
        made = self.rendered(results)
        self.assertIn("| 37,000 a second, 3 ms ack p99 | no (1,500 lost, 2 refused) |", made)
        self.assertIn("| 2.5 KB | no (3 unanswered, 4 failed) |", made)
        self.assertIn("counted over all runs: MariaDB: 1,500 lost, 2 refused.", made)
        self.assertIn("counted over all runs: MariaDB, stock reactor, no group commit: 1 duplicated.", made)
        self.assertIn("counted over all runs: 19,000: 3 unanswered, 4 failed.", made)

    def test_failed_runs(self) -> None:
        """A scene of which a run failed meets no goal.

        The page says why it failed, and how many runs there are.
        """
        results = self.results()
        results["scenes"]["chat-mysql"]["runs"].pop()
        results["scenes"]["chat-mysql"]["failures"].append("a server did not start:\n| no")
        results["scenes"]["nodes-2"] = results["scenes"]["open-mysql"] | {
            "arguments": ["nodes"],
            "failures": ["it took more than 900 s"],
            "runs": [],
        }
        made = self.rendered(results)
        self.assertIn("ms ack p99 | no (1 of its runs failed) |", made)
        self.assertIn("\n* chat-mysql: 2 instead of 3; one failed: a server did not start: | no\n", made)
        self.assertIn("\n* nodes-2: 0 instead of 3; one failed: it took more than 900 s\n", made)
        self.assertIn("\n* open-mysql: 1 instead of 3\n", made)
        self.assertNotIn("* growth-mysql", made)

    def test_absent(self) -> None:
        """What was not measured is said to be so; plots that there are not are not linked to."""
        made = self.rendered(self.results())
        self.assertIn("| SQLite, TLS | not measured |", made)
        self.assertIn("## Logins\n\nNot measured.", made)
        self.assertIn("\n\nSQLite: not measured.", made)
        self.assertIn("(performance/chat.svg)", made)
        made = self.rendered(self.results() | {"scenes": {}})
        self.assertNotIn("svg", made)
        self.assertNotIn("Nothing went wrong", made)

    def test_digits(self) -> None:
        """A figure just above its bound does not look like it."""
        self.assertEqual(
            [svg.number(value) for value in (5.04, 0.302, 3.0, 40.04, 32_000.4)],
            ["5.04", "0.302", "3", "40.0", "32,000"],
        )

    def test_unknown_place(self) -> None:
        """A table that is not known is named."""
        with self.assertRaises(ConfigError) as caught:
            page.render(self.results(), "{{tables}}")
        self.assertIn("{{tables}}", str(caught.exception))

    def test_plots(self) -> None:
        """Plots are well-formed, and show what there is."""
        plots = page.plots(self.results())
        self.assertEqual(set(plots), {"chat", "open", "growth-mysql"})
        for plot in plots.values():
            self.assertTrue(ElementTree.fromstring(plot).tag.endswith("svg"))
        self.assertIn("goal 36,000", plots["chat"])
        self.assertIn("&lt;b&gt;", svg.bars("<b>", [("a & b", [("x", 1.0)])]))

    def test_the_page_is_that_of_the_figures(self) -> None:
        """docs/performance.md and its plots were made from the figures and the text beside them."""
        place = ROOT / "docs/performance"
        if not (place / "results.json").exists():
            return
        results = json.loads((place / "results.json").read_text("utf-8"))
        self.assertEqual(
            (ROOT / "docs/performance.md").read_text("utf-8"),
            page.render(results, (place / "text.md").read_text("utf-8")),
        )
        for name, plot in page.plots(results).items():
            self.assertEqual((place / f"{name}.svg").read_text("utf-8"), plot)

    def test_scenes(self) -> None:
        """Names are unique; goals and controls name scenes that there are."""
        names = [scene.name for scene in SCENES]
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual(
            {scene.control_of for scene in SCENES} - {""} | {goal.scene for goal in GOALS}, set(names)
        )

    def test_other_generator(self) -> None:
        """The figures of the C++ load generator are read from what it prints."""
        printed = """mode=chat conns=100 pairs=50 window=1 size=64 rate=0 oneway=0 tls=0 loadavg_start=0.68
ready=100 of 100 in 0.200 s: logins_per_s=500.0 failed=2
proc 77: after_connect cpu_s=0.02 rss_kb=70000 (before 69000) rss_kb_per_conn=10.00
measured_s=2.00 sent_per_s=1000.5 acked_per_s=1000.0 delivered_per_s=999.5
ack_latency_ms: n=2000 mean=2.000 p50=1.500 p95=3.000 p99=4.000 max=5.000
delivery_latency_ms: n=2000 mean=2.100 p50=1.600 p95=3.100 p99=4.100 max=5.100
total sent=2600 acked=2590 delivered=2580 nacked=3 unacked=7 ack_timeouts=0
lost(acked,never delivered)=10 duplicated=2 out_of_order=1 delivered_without_ack=0 forward_errors=0 stray=0
proc 77: cpu_s=0.50 cpu_pct=25.0 rss_kb_before=70000 rss_kb_after=71000 cpu_s_per_10k_msgs=2.500
note text_error_73=3
note closed_by_server=3
note write_error=1
loadgen_cpu_s=0.10
"""
        found = imload.parse(printed, {}, {"server": 77})
        self.assertEqual(
            (found.rates["acknowledged"], found.latency["ack"].p99, found.latency["delivery"].max),
            (1000.0, 4.0, 5.1),
        )
        self.assertEqual(found.cpu_ms_per_1000, {"server": 250.0})
        counts = {
            "messages": 2590,
            "refused": 3,
            "unacknowledged": 7,
            "lost": 10,
            "duplicated": 2,
            "misordered": 1,
        }
        self.assertEqual(found.counts, {**counts, "closed": 4, "failed": 2})
        self.assertEqual(found.notes, {"text_error_73": 3, "closed_by_server": 3, "write_error": 1})
        self.assertTrue(found.wrong)

    def test_hot_spots(self) -> None:
        """Functions are counted once for each sample, without their lines; threads that wait are left out."""
        recording = "main (a.py:1);work (a.py:5) 3\nmain (a.py:2);work (a.py:9);main (a.py:1) 1\nrun (b.py:1);Condition.wait (threading.py:3) 50\n"  # noqa: E501
        self.assertEqual(hot_spots(recording), [("work (a.py)", 0.75, 1.0), ("main (a.py)", 0.25, 1.0)])
