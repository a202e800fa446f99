"""Many connections that do anything at any time with the same few files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater

from imsys.config import ResourcesConfig
from imsys.errors import Refused
from imsys.resources.transfers import TransferError
from imsys.store.files import State
from tests.resources.engine import Connection, EngineCase, feed

STEPS = (1, 1000, 65_536, 300_000)


class AtOnceTests(EngineCase):
    config = ResourcesConfig(disk_workers=2, memory=4_194_304)

    async def test_anything(self) -> None:
        """Connections take a file from each other, send it or other bytes, finish it twice, break off, and
        give it up, all at once.

        It is whole and right in the end, or it can be made so, or it was given up; and nothing is left of all
        that.
        """
        self.chance = random.Random(7)
        self.tidying = False
        for _ in range(25):
            size = self.chance.choice((0, 1, 65_536, 200_000, 700_000))
            data, other = os.urandom(size), os.urandom(size)
            file_id = await self.offer(size, sha256=hashlib.sha256(data).digest())
            actors = [
                Deferred.fromCoroutine(self.act(file_id, data, other))
                for _ in range(self.chance.randrange(1, 6))
            ]
            await gatherResults(actors, consumeErrors=True)
            await self.complete(file_id, data)
        for state in list(self.parts.uploads._states.values()):
            if state.handle is not None:
                state.release(state.handle)
        await self.parts.janitor.turn()
        await self.quiet()
        left = self.spooled(), self.parts.uploads.memory.used, self.parts.uploads._held
        self.assertEqual(left, ([], 0, {}))

    async def act(self, file_id: bytes, data: bytes, other: bytes) -> None:
        """One user's program, which begins anew a few times, and does not always clean up."""
        for _ in range(self.chance.randrange(1, 6)):
            one = Connection()
            with contextlib.suppress(Refused):
                one = await self.take(file_id)
                await self.send_some(one, file_id, data if self.chance.random() < 0.8 else other)
                if self.chance.random() < 0.7:
                    await self.finish(one)
            if one.upload is not None and self.chance.random() < 0.8:
                one.upload.release()

    async def send_some(self, one: Connection, file_id: bytes, data: bytes) -> None:
        for _ in range(self.chance.randrange(1, 5)):
            at = one.upload.fed
            one.upload.feed(at, data[at : at + self.chance.choice(STEPS)])
            what = self.chance.random()
            if what < 0.3:
                await one.upload.flushed()
            elif what < 0.5:
                await deferLater(self.reactor, self.chance.random() / 300)
            elif what < 0.55:
                await self.tidy()
            elif what < 0.56:
                await self.parts.uploads.terminate(file_id, 7)

    async def finish(self, one: Connection) -> None:
        finishings = [Deferred.fromCoroutine(one.upload.finish()) for _ in range(self.chance.randrange(1, 3))]
        if self.chance.random() < 0.2:
            one.upload.release()
        if self.chance.random() < 0.1:
            finishings[0].cancel()
        for finishing in finishings:
            with contextlib.suppress(Refused, CancelledError):
                await finishing

    async def tidy(self) -> None:
        """Have the janitor take a turn, one at a time as it does."""
        if not self.tidying:
            self.tidying = True
            await self.parts.janitor.turn()
            self.tidying = False

    async def complete(self, file_id: bytes, data: bytes) -> None:
        """Send what is missing of a file that is there.

        Other bytes of it that are here are found out at its end.
        """
        file = await self.parts.files.find(file_id)
        while file is not None and file.state is not State.WHOLE:
            one = await self.take(file_id)
            feed(one.upload, data)
            try:
                file = await one.upload.finish()
            except TransferError as misplaced:
                self.assertEqual((misplaced.status, misplaced.offset), (69, 0))
            one.upload.release()
        if file is not None:
            self.assertEqual(await self.fetch(file_id), data)
