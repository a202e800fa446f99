"""An engine over object storage, which other servers' engines share."""

from __future__ import annotations

import io
import os
from typing import Any

from PIL import Image
from twisted.internet.threads import deferToThread

from imsys.config import FilesConfig, ResourcesConfig
from imsys.errors import Refused
from imsys.files.s3 import S3Store
from imsys.resources.default_inspector import configured_inspector
from imsys.store.files import Purpose
from tests.resources.engine import EngineCase, feed
from tests.resources.parts import Parts
from tests.support.object_storage import ObjectStorage, Road, object_storage


class SharedTests(EngineCase):
    """Two servers, one store."""

    async def setUp(self) -> None:
        self.storage: ObjectStorage = object_storage()
        self.prefix = f"{os.urandom(6).hex()}/"
        await super().setUp()

    def start(self, config: ResourcesConfig | None = None, **more: Any) -> Parts:
        return super().start(
            config,
            store=more.pop("store", None) or self.bucket(),
            inspector=configured_inspector(FilesConfig(), self.folder),
            **more,
        )

    def bucket(self, **more: Any) -> S3Store:
        return S3Store(
            self.storage.settings(**({"s3_prefix": self.prefix, "s3_part": 5 << 20, "s3_timeout": 10} | more))
        )

    async def test_any_server(self) -> None:
        """What one server took, another one serves, with what was made of it.

        Equal content is stored once, and deleted with the last.
        """
        picture = io.BytesIO()
        Image.effect_noise((2600, 2600), 100).save(picture, "PNG")
        data = picture.getvalue()
        self.assertGreater(len(data), 5 << 20)
        first = await self.send(data)
        second = await self.send(data)
        me = await self.send(data, purpose=Purpose.AVATAR)
        await self.quiet()
        one, other = self.parts, self.start(ResourcesConfig(name="resources2", disk_workers=3))
        self.parts = other
        file = await other.files.find(first)
        assert file is not None
        assert file.thumbnail_id is not None
        self.assertTrue(await self.fetch(first) == await self.fetch(second) == data)
        self.assertEqual(Image.open(io.BytesIO(await self.fetch(file.thumbnail_id))).size, (320, 320))
        self.assertEqual(Image.open(io.BytesIO(await self.fetch(me))).size, (384, 384))
        self.assertEqual(len(await deferToThread(self.blobs)), 4)
        for file_id in (first, second, me):
            for content in await one.files.delete(file_id):
                await deferToThread(other.store.delete, content.blob)
        self.assertEqual(await deferToThread(self.blobs), [])

    async def test_away(self) -> None:
        """While the storage is away a file stays resumable.

        When it is back it becomes whole, and nothing is left in the spool.
        """
        road = Road(self.storage.port)
        await self.parts.stop()
        self.parts = self.start(store=self.bucket(s3_endpoint=f"http://127.0.0.1:{road.port}", s3_timeout=1))
        data = os.urandom(300_000)
        file_id = await self.offer(len(data))
        one = await self.take(file_id)
        feed(one.upload, data)
        await one.upload.flushed()
        road.up = [1] * 100
        try:
            await one.upload.finish()
        except Refused as refused:
            self.assertEqual(refused.status, 39)
        else:
            self.fail("it was not stored")
        road.up = []
        one = await self.take(file_id)
        self.assertEqual(one.upload.offset, len(data))
        await one.upload.finish()
        self.assertTrue(await self.fetch(file_id) == data)
        await self.quiet()
        self.assertEqual(self.spooled(), [])
        road.close()
