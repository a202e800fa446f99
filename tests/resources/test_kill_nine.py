"""A resources server that is killed at random moments of uploads by frames, again and again."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
from functools import partial

from twisted.internet.task import deferLater

from tests.resources.process import Mover, ServerCase, in_thread
from tests.support.daemons import environment

SIZE = 24_000_011
"""Bytes of a file: some windows."""

KILLS = int(os.environ.get("KILLS", "7"))
"""Times that it is killed; each takes two seconds, mostly of a process that starts."""


class KillNineTests(ServerCase):
    timeout = 60.0 + 10 * KILLS

    async def test_kill_nine(self) -> None:
        """Whenever the server is killed, an upload goes on where its bytes are durable: at most one window is
        sent anew each time.

        In the end every file is equal, and nothing is left of those that nobody went on with.
        """
        seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
        self.addCleanup(lambda: print(f"(SEED={seed})", end=" ") if not self.whole else None)
        self.chance = random.Random(seed)
        self.whole: dict[bytes, str] = {}
        await self.balance()
        server = await self.serve()
        left = await self.given_up()
        self.data, file_id = self.chance.randbytes(SIZE), b""
        killed = 0
        while killed < KILLS or file_id:
            client = await self.login()
            if not file_id:
                self.data = self.chance.randbytes(SIZE)
                file_id = await self.offer(SIZE, sha256=hashlib.sha256(self.data).digest())
                durable, sent = 0, 0
            offset = await client.open(file_id, self.write(file_id))
            self.assertTrue(durable <= offset <= sent, (durable, offset, sent))
            self.assertLessEqual(sent - offset, client.window)
            if killed < KILLS:
                # in one of four times all of it is sent, and the kill comes while it is made whole
                target = SIZE if not self.chance.randrange(4) else self.chance.randrange(offset, SIZE + 1)
                await client.move(self.give, target)
                await deferLater(self.reactor, self.chance.choice((0, 0.001, 0.01, 0.05)))
                durable, sent = client.acked, client.sent
                await server.stop(signal.SIGKILL)
                killed += 1
                await client.until_closed()
                server = await self.serve()
            else:
                await client.move(self.give, SIZE)
                await client.acknowledged(SIZE)
            if client.acked == SIZE:  # whoever has heard that is not to lose it
                self.whole[file_id] = hashlib.sha256(self.data).hexdigest()
                file_id = b""
            await client.abort()
        for one, digest in self.whole.items():
            self.assertEqual(await self.digest(one), digest)
        await server.stop()
        await self.collected(left)

    def give(self, offset: int, length: int) -> bytes:
        """Bytes of the file of now."""
        return self.data[offset : offset + length]

    async def given_up(self) -> list[bytes]:
        """Uploads of which something is durable, and with which nobody goes on."""
        left = []
        for size in (500_000, SIZE):
            self.data = self.chance.randbytes(size)
            client: Mover = await self.login(8)
            left.append(await self.offer(size, user=8, life=5))
            await client.open(left[-1], self.write(left[-1], 8))
            await client.move(self.give, 400_000)
            while not client.acked:
                await client.news()
            await client.abort()
        return left

    async def collected(self, left: list[bytes]) -> None:
        """What is left when the server has tidied up, and the operator has collected orphans."""
        expired = "SELECT count(*) FROM files WHERE state = 0 AND expires_at > 1000 * strftime('%s', 'now')"
        await self.until(lambda: self.rows(expired) == [(0,)])
        server = await self.serve()
        given_up = "SELECT state, size FROM files WHERE owner_id = 8"
        await self.until(
            lambda: not self.spooled() and not self.rows(given_up),
            lambda: (self.spooled(), self.rows(given_up)),
        )
        await server.stop()
        command = [sys.executable, "-m", "imsys.ctl", "files"]
        settings = environment(**self.settings)
        for part, said in (("collect", "There are no orphans"), ("verify", " 0 damaged or missing.")):
            done = await in_thread(
                partial(
                    subprocess.run, [*command, part], capture_output=True, text=True, timeout=60, env=settings
                )
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
            self.assertIn(said, done.stdout)
        names = sorted(one.hex() for one in self.whole)
        self.assertEqual((self.spooled(), self.blobs()), ([], names))
        rows = "SELECT lower(hex(file_id)), state, refs, blob_name FROM files JOIN contents USING (content_id) ORDER BY 1"
        self.assertEqual(self.rows(rows), [(name, 1, 1, name) for name in names])
        self.assertEqual(self.rows("SELECT count(*) FROM files"), [(len(names),)])
        self.assertEqual(self.rows("SELECT count(*) FROM contents"), [(len(names),)])
        self.assertEqual(
            self.rows("SELECT lower(hex(file_id)) FROM file_outbox ORDER BY 1"), [(name,) for name in names]
        )
        used = [(7, SIZE * len(names), len(names)), (8, 0, 0)]
        self.assertEqual(self.rows("SELECT user_id, bytes, files FROM file_usage ORDER BY 1"), used)
