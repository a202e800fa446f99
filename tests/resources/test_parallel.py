"""Two hundred uploads at the same time, of many users, through one port."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase

from imsys.config import ResourcesConfig
from imsys.protocols.identifiers import new_file_id
from imsys.resources.engine.memory import Memory
from imsys.security.tickets import Right
from imsys.store.files import FileStore, Offer, Purpose
from tests.resources.process import Mover
from tests.resources.scene import ResourcesCase

COUNT = 200
SIZE = int(os.environ.get("UPLOAD_BYTES", str(1 << 20)))
READ = 65536
"""Bytes that each connection may have read in the turn of the reactor in which the memory is used up."""

USERS = 40
CHUNK = 65536
WINDOW = 4
MEMORY = 4 << 20
"""Less than a window of each: they have to share it."""


class Sharer:
    """Notes when it may go on."""

    def __init__(self, memory: Memory, told: list[Sharer]) -> None:
        self.memory, self.told = memory, told

    def advance(self) -> None:
        if not self.memory.full:
            self.told.append(self)


class MemoryTests(SynchronousTestCase):
    def test_longest_waiting_first(self) -> None:
        """When there is memory again, those go on first that were not served for the longest time, whoever
        came first.
        """
        memory, told = Memory(100), list[Sharer]()
        anna, ben, carol, dora = sharers = [Sharer(memory, told) for _ in range(4)]
        for sharer in sharers:
            memory.join(sharer)
        for sharer in (carol, anna, carol):
            memory.take(sharer, 40)
        memory.leave(ben)
        memory.take(ben, 0)
        memory.give(45)
        self.assertEqual(told, [dora, anna, carol])


class ParallelTests(ResourcesCase):
    timeout = 120.0
    config = ResourcesConfig(chunk=CHUNK, window=WINDOW, memory=MEMORY)
    client: Any = Mover
    tls = False

    async def test_shares(self) -> None:
        """Uploads at the same time are all finished, in the memory that is configured.

        None is sent before an eighth of each is stored.
        """
        memory = self.engine.uploads.memory
        most, take = 0, memory.take

        def counted(sharer: Any, size: int) -> None:
            nonlocal most
            take(sharer, size)
            most = max(most, memory.used)

        self.patch(memory, "take", counted)
        chance = random.Random(7)
        sources = [chance.randbytes(SIZE) for _ in range(COUNT)]
        files = FileStore(self.database, time.time)
        movers: list[Mover] = []
        for number, source in enumerate(sources):
            user = 1 + number % USERS
            offer = Offer(
                file_id=new_file_id(),
                owner=user,
                purpose=Purpose.MESSAGE,
                thread_id=0,
                server=self.config.name,
                filename=f"{number}.bin",
                size=SIZE,
                mime="application/octet-stream",
                sha256=hashlib.sha256(source).digest(),
            )
            await files.offer(offer, life=3600, quota=0)
            mover: Any = await self.login(user)
            await mover.open(offer.file_id, self.tickets.issue(offer.file_id, user, Right.WRITE))
            movers.append(mover)
        behind: list[int] = []

        async def send(mover: Mover, source: bytes) -> None:
            await mover.move(lambda offset, length: source[offset : offset + length], SIZE)
            if not behind:  # the first one that is through: how far are the others?
                behind.extend(one.acked for one in movers)
            await mover.acknowledged(SIZE)

        await gatherResults(
            [Deferred.fromCoroutine(send(*one)) for one in zip(movers, sources, strict=True)],
            consumeErrors=True,
        )
        self.assertGreaterEqual(min(behind), SIZE // 8, Counter(behind))
        self.assertLessEqual(most, MEMORY + COUNT * READ)
        kept = self.kept()
        self.assertEqual(len(kept), COUNT)
        for number, source in enumerate(sources):
            self.assertEqual(kept[f"{1 + number % USERS}/{number}.bin"] == source, True)
        self.assertEqual((memory.used, self.arriving()), (0, []))
