"""Files on their way, and whole ones, behind the doors."""

from __future__ import annotations

import hashlib
import os

from imsys.errors import Status
from imsys.resources.transfers import Misplaced
from imsys.store.files import State
from tests.resources.engine import EngineCase, feed


class UploadTests(EngineCase):
    async def test_whole(self) -> None:
        """Files of all sizes, none included, arrive in pieces, are whole when they are finished, and are read as they were."""
        for size in (0, 1, 65536, 65537, 300_000):
            data = os.urandom(size)
            file_id = await self.send(data, sha256=hashlib.sha256(data).digest())
            file = await self.parts.files.find(file_id)
            assert file is not None
            assert file.content is not None
            self.assertEqual((file.state, file.content.size, file.content.sha256), (State.WHOLE, size, hashlib.sha256(data).digest()))
            self.assertEqual(await self.fetch(file_id), data)
        await self.quiet()
        self.assertEqual((self.spooled(), len(self.blobs()), self.parts.uploads.memory.used), ([], 5, 0))
        self.assertEqual(self.parts.announced, 5)

    async def test_not_the_next(self) -> None:
        """36 for a gap, an overlap, and too many bytes, with the offset where to go on; and nothing of them is taken."""
        data = os.urandom(1000)
        one = await self.take(await self.offer(1000))
        one.upload.feed(0, data[:500])
        for offset, piece in ((501, b"x"), (0, data[:500]), (499, b"x"), (500, data[:501])):
            misplaced = self.assertRaises(Misplaced, one.upload.feed, offset, piece)
            self.assertEqual((misplaced.status, misplaced.offset), (Status.FILE_UPLOAD_ERROR, 500))
        with self.assertRaises(Misplaced):
            await one.upload.finish()
        feed(one.upload, data)
        self.assertEqual(await one.upload.flushed(), 1000)
        self.assertEqual((one.durable[-1], one.lost), (1000, []))
        file = await one.upload.finish()
        self.assertEqual(await self.fetch(file.file_id), data)
