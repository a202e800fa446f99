"""imsys-ctl status, as an operator and a monitor have it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from tests.scenes.test_daemons import DaemonTestCase
from tests.support.children import free_port
from tests.support.daemons import environment, run, twistd


class StatusTests(DaemonTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.settings |= {"REDIS_TIMEOUT": "1"}
        self.process = run(self, "--nodaemon", "--pidfile=", "imsys", settings=self.settings)
        await self.process.says("imsys is running")

    async def look(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """Its status, and what it says."""
        argv = [twistd()[0], "-m", "imsys.ctl", "status", *arguments]
        done = await deferToThread(
            subprocess.run,
            argv,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(**self.settings | settings),
            cwd=self.home,
        )
        self.assertEqual(done.stderr, "")
        return done.returncode, str(done.stdout)

    async def seen(self, **settings: str) -> tuple[int, dict[str, Any]]:
        status, text = await self.look("--json", **settings)
        return status, json.loads(text)

    async def test_everything_works(self) -> None:
        """Servers, what they stand on, and certificates are listed, for people and for programs.

        The status is 0.
        """
        status, text = await self.look()
        self.assertEqual(status, 0, text)
        for line in (
            "chat +chat1 .* ready",
            "resources +resources1 .* ready",
            "gateway +127.0.0.1:.* ready",
            "captcha +unix:.* ready",
        ):
            self.assertRegex(text, rf"(?m)^{line}$")
        self.assertRegex(text, r"(?m)^\[tls\] certificate .* 82[45] days$")
        self.assertNotIn("cannot", text)
        status, seen = await self.seen()
        self.assertEqual((status, seen["ok"], seen["troubles"]), (0, True, []))
        chat, _ = seen["servers"]
        self.assertEqual((chat["kind"], chat["name"], chat["unfit"]), ("chat", "chat1", ""))
        self.assertEqual(
            {part["kind"] for part in seen["parts"] if part["ok"]},
            {"gateway", "balance", "captcha", "database", "Redis"},
        )
        self.assertEqual({one["what"]: one["days_left"] // 10 for one in seen["certificates"]}["gateway"], 82)

    async def test_no_gateway(self) -> None:
        """Without a gateway nobody can log in; without captcha everybody can who has an account."""
        status, seen = await self.seen(GATEWAY_PORT=str(free_port()))
        self.assertEqual((status, seen["ok"], len(seen["troubles"])), (1, False, 1))
        self.assertRegex(
            seen["troubles"][0], r"^Gateway at 127.0.0.1:\d+: it does not answer \(Connection refused\)\.$"
        )
        status, seen = await self.seen(
            GATEWAY_ADDRESSES=f"127.0.0.1:{free_port()}, 127.0.0.1:{self.settings['GATEWAY_PORT']}"
        )
        self.assertEqual(
            (status, [part["ok"] for part in seen["parts"] if part["kind"] == "gateway"]), (0, [False, True])
        )

    async def test_no_redis(self) -> None:
        """A Redis that stands still is named, and the status is 1."""
        pids = [
            path.parent.name
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if str(self.home).encode() in path.read_bytes()
        ]
        (redis,) = [int(pid) for pid in pids if b"valkey-server" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(redis, signal.SIGSTOP)
        self.addCleanup(os.kill, redis, signal.SIGCONT)
        status, seen = await self.seen()
        self.assertEqual(
            (status, [part["kind"] for part in seen["parts"] if part["kind"] == "Redis" and part["fault"]]),
            (1, ["Redis"]),
        )
        os.kill(redis, signal.SIGCONT)

    async def test_nothing_runs(self) -> None:
        """When everything has stopped, that is what it says."""
        self.assertEqual(await self.process.stop(), -signal.SIGTERM)
        status, text = await self.look()
        self.assertEqual(status, 1)
        self.assertIn("No server is registered.\n", text)
        self.assertRegex(text, r"(?m)^database .* ready$")
        self.assertRegex(text, r"(?m)^balance +unix:\S+ +it does not answer$")
