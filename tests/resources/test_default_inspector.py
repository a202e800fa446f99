"""What the engine finds out about files, before anybody sees them."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imsys.config import FilesConfig
from imsys.errors import ConfigError, Refused
from imsys.protocols.identifiers import encode_id
from imsys.resources.default_inspector import DefaultInspector, configured_inspector
from imsys.store.files import File, Purpose, State
from tests.resources.engine import EngineCase, feed
from tests.support.children import folder
from tests.support.programs import program
from tests.test_plugins import with_path

SCANNER = """#!/bin/sh
test -e "$0.broken" && exit 2
if grep -q virus; then echo "found one" >&2; exit 1; fi
"""


def photo(width: int, height: int, form: str = "JPEG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(made, form)
    return made.getvalue()


class JudgingTests(EngineCase):
    """With the engine, as it is in a server."""

    async def setUp(self) -> None:
        await super().setUp()
        self.scanner = self.folder / "scanner"
        self.scanner.write_text(SCANNER)
        self.scanner.chmod(0o700)
        await self.parts.stop()
        self.parts = self.start(inspector=self.inspector(scan=str(self.scanner)))

    def inspector(self, **settings: Any) -> DefaultInspector:
        return configured_inspector(FilesConfig(**settings), self.folder)

    async def found(self, file_id: bytes) -> File:
        file = await self.parts.files.find(file_id)
        assert file is not None
        return file

    async def shown(self, file_id: bytes | None) -> Image.Image:
        assert file_id is not None
        return Image.open(io.BytesIO(await self.fetch(file_id)))

    async def test_picture(self) -> None:
        """A picture is what its bytes say, whatever was offered, and has a thumbnail."""
        data = photo(640, 480)
        file = await self.found(await self.send(data, filename="page.html", mime="text/html"))
        self.assertEqual(file.mime, "image/jpeg")
        self.assertEqual((await self.shown(file.thumbnail_id)).size, (320, 240))
        self.assertEqual(await self.fetch(file.file_id), data)
        thumbnail = await self.found(file.thumbnail_id or b"")
        self.assertEqual((thumbnail.mime, thumbnail.purpose), ("image/jpeg", Purpose.DERIVED))

    async def test_video(self) -> None:
        """A video has a poster."""
        path = self.folder / "a.mp4"
        command = (
            program("ffmpeg"),
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=640x360:rate=5",
            "-t",
            "1",
            "-pix_fmt",
            "yuv420p",
        )
        await deferToThread(
            subprocess.run, (*command, str(path)), check=True, timeout=60, stdin=subprocess.DEVNULL
        )
        file = await self.found(await self.send(path.read_bytes(), filename="a.mp4", mime="image/png"))
        self.assertEqual(file.mime, "video/mp4")
        self.assertEqual((await self.shown(file.thumbnail_id)).size, (320, 180))

    async def test_active(self) -> None:
        """A page that says that it is a picture is a page."""
        file = await self.found(
            await self.send(b"<html><script>alert(1)</script>", filename="x.png", mime="image/png")
        )
        self.assertEqual((file.mime, file.thumbnail_id), ("text/html", None))

    async def test_no_thumbnails(self) -> None:
        """There are none where they are not wanted, nor of files that no message shows."""
        self.assertIsNone(
            (await self.found(await self.send(photo(9, 9), purpose=Purpose.ORIGINAL))).thumbnail_id
        )
        await self.parts.stop()
        self.parts = self.start(inspector=self.inspector(thumbnails=False))
        file = await self.found(await self.send(photo(640, 480)))
        self.assertEqual((file.mime, file.thumbnail_id), ("image/jpeg", None))

    async def test_avatar(self) -> None:
        """An avatar is kept as a square in two sizes, and nothing of the photo that it was cut from."""
        file = await self.found(
            await self.send(photo(1000, 600, "PNG"), purpose=Purpose.AVATAR, filename="me.png")
        )
        self.assertEqual(file.mime, "image/jpeg")
        self.assertEqual((await self.shown(file.file_id)).size, (384, 384))
        self.assertEqual((await self.shown(file.thumbnail_id)).size, (96, 96))

    async def test_no_avatar(self) -> None:
        """What is no picture is no avatar."""
        for data in (b"letters", b"<svg xmlns='http://www.w3.org/2000/svg'/>", photo(10, 10)[:200]):
            error = await self.refusal(data, purpose=Purpose.AVATAR)
            self.assertEqual(error.status, 65)

    async def test_refused(self) -> None:
        """65 for what the command refuses; why is in the log alone. Nothing of it is left."""
        error = await self.refusal(b"a virus")
        self.assertEqual((error.status, self.blobs(), self.spooled()), (65, [], []))
        self.assertNotIn("found one", str(error))

    async def test_not_now(self) -> None:
        """73 while the command is out of order: nobody sees the file, and it can be finished later."""
        broken = self.folder / "scanner.broken"
        broken.touch()
        file_id = await self.offer(4)
        one = await self.take(file_id)
        feed(one.upload, b"fine")
        with capturedLogs() as logged:
            error = await self.assertFailure(self.finishing(one), Refused)
        self.assertEqual((error.status, (await self.found(file_id)).state), (73, State.ARRIVING))
        # as imsys-ctl and clients call it
        self.assertIn(encode_id(file_id), [event.get("name") for event in logged])
        broken.unlink()
        self.assertEqual((await one.upload.finish()).state, State.WHOLE)

    async def refusal(self, data: bytes, **more: Any) -> Refused:
        file_id = await self.offer(len(data), **more)
        one = await self.take(file_id)
        feed(one.upload, data)
        error: Refused = await self.assertFailure(self.finishing(one), Refused)
        self.assertEqual((await self.found(file_id)).state, State.REFUSED)
        return error

    def finishing(self, connection: Any) -> Any:
        return Deferred.fromCoroutine(connection.upload.finish())


LOOK = "from imsys.resources.judges import discover_judges as d; print([(j.name(), j.refuses(None, 'about')) for j in d()])"


class PluginTests(SynchronousTestCase):
    """Judges of others."""

    def discovered(self, module: str) -> str:
        installed = folder("judge")
        (installed / "twisted" / "plugins").mkdir(parents=True)
        (installed / "twisted" / "plugins" / "imsys_sizes.py").write_text(
            "from imsys.plugins import FileJudge\nsizes = FileJudge('sizes', 'imsys_sizes')\n"
        )
        (installed / "imsys_sizes.py").write_text(module)
        done = subprocess.run(
            (sys.executable, "-c", LOOK),
            env=with_path(installed),
            capture_output=True,
            text=True,
            timeout=60,
            cwd=installed,
        )
        return done.stdout.strip() or done.stderr.strip().splitlines()[-1]

    def test_found(self) -> None:
        """A judge that is installed is found by its plug-in, and asked."""
        self.assertEqual(
            self.discovered("def refuses(file, about): return f'never, {about}'\n"),
            "[('sizes', 'never, about')]",
        )

    def test_faulty(self) -> None:
        """One that cannot work is said in a line when the server starts."""
        for module, reason in (
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("refuses = 1", "TypeError: refuses is no function"),
        ):
            said = self.discovered(module)
            self.assertEqual(
                said, f"imsys.errors.ConfigError: plug-in sizes: it cannot be imported: {reason}"
            )

    def test_none(self) -> None:
        """Without plug-ins there are none; a command that cannot be used is said."""
        self.assertRaises(
            ConfigError, configured_inspector, FilesConfig(scan="/no/such/scanner"), Path("/tmp")
        )
