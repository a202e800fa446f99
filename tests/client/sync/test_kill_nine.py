"""The client is killed while it sends: nothing that was written is lost, and nothing is sent twice."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys

from twisted.internet.task import deferLater

from client.core.model import Mark
from imsys.sdk import Client
from tests.cli.running import PASSWORD
from tests.client.sync.scene import AccountCase
from tests.support.daemons import ROOT, Process, environment


class KillTests(AccountCase):
    timeout = 90

    async def run_killed(self, name: str, thread: int, work: tuple[str, ...], said: str, after: float) -> str:
        """Run it, and kill it a moment after it said something; all that it said."""
        arguments = [
            sys.executable,
            "-m",
            "tests.client.sync.program",
            self.server.url,
            self.server.ca,
            str(self.home / name),
            name,
            str(thread),
        ]
        process = Process(self.reactor, [*arguments, *work], environment() | {"PASSWORD": PASSWORD}, ROOT)
        try:
            await process.says(said)
            await deferLater(self.reactor, after)
        finally:
            process.send(signal.SIGKILL)
            await process.end()
        return process.text

    async def said(self, ben: Client, thread: int) -> list[str]:
        """What is on the server, in order."""
        return [
            one.attachment.filename if one.attachment else one.text
            async for one in ben.history.records(thread)
        ]

    async def test_texts(self) -> None:
        """Killed four times while it writes: each text that it had taken is on the server once, in order."""
        anna, ben, thread = await self.pair()
        name = anna.me.username
        await anna.close()
        chance = random.Random(7)
        written = 0
        for _ in range(4):
            output = await self.run_killed(name, thread, ("200",), "wrote 5\n", chance.random() * 0.2)
            written += output.count("wrote")
        anna = await self.account(name)
        page = await self.shows(
            anna, thread, lambda page: all(one.mark >= Mark.STORED for one in page), 2_000
        )
        there = [text for text in await self.said(ben, thread) if text.startswith("text")]
        # the last one of each run may have been taken, and not been said
        self.assertGreaterEqual(len(there), written)
        self.assertLessEqual(len(there), written + 4)
        runs = [index for index, text in enumerate(there) if text == "text 0"] + [len(there)]
        self.assertEqual(len(runs), 5)
        for start, end in itertools.pairwise(runs):
            self.assertEqual(there[start:end], [f"text {number}" for number in range(end - start)])
        self.assertEqual([one.text for one in page if one.text.startswith("text")], there)
        self.assertEqual(len({one.key for one in page}), len(page))

    async def test_a_file(self) -> None:
        """Killed at several moments: it goes on where it was, and is there once, with its caption after it."""
        anna, ben, thread = await self.pair()
        name = anna.me.username
        await anna.close()
        path = self.file("film.bin", os.urandom(40_000_000))
        await self.run_killed(name, thread, ("0", str(path)), "transfer hashing", 0.05)
        for after in (0.0, 0.02, 0.1):
            if "transfer done" in await self.run_killed(name, thread, (), "transfer moving", after):
                break
        anna = await self.account(name)
        page = await self.shows(
            anna, thread, lambda page: page[-1].text == "the caption" and page[-1].mark >= Mark.STORED
        )
        there = await self.said(ben, thread)
        self.assertEqual((there.count("film.bin"), there.count("the caption")), (1, 1))
        self.assertLess(there.index("film.bin"), there.index("the caption"))
        self.assertEqual([one.attachment.path for one in page if one.attachment is not None], [str(path)])
        self.assertEqual(list(anna.transfers()), [])
