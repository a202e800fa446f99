"""Files in object storage."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from twisted.trial.unittest import SynchronousTestCase

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.files import s3
from imsys.files.blobs import SealedFile
from imsys.files.configured import blob_store
from imsys.files.s3 import S3Store
from imsys.files.sealing import AesGcm, Damaged
from imsys.files.spool import Spool
from tests.support.children import folder, free_port
from tests.support.object_storage import BUCKET, Road, object_storage

AB, CD = "ab" * 16, "cd" * 16
MIB = 1 << 20


def break_next(store: S3Store, road: Road, *, down: Sequence[int] = (), up: Sequence[int] = ()) -> None:
    """Have connections from now on break after so many bytes of answers or requests, one number a connection."""
    store._client.close()  # those that are open
    road.down, road.up = list(down), list(up)


class StoreCase(SynchronousTestCase):
    """A store of its own in the bucket."""

    def setUp(self) -> None:
        self.storage = object_storage()
        self.folder = folder("s3spool")
        self.prefix = f"{os.urandom(6).hex()}/"

    def store(self, **more: Any) -> S3Store:
        leftover = more.pop("leftover", s3.LEFTOVER)
        store = S3Store(
            self.storage.settings(
                **({"s3_prefix": self.prefix, "s3_part": 5 * MIB, "s3_timeout": 10} | more)
            ),
            leftover=leftover,
        )
        store.open()
        return store

    def by(self, road: Road, **more: Any) -> S3Store:
        self.addCleanup(road.close)
        return self.store(s3_endpoint=f"http://127.0.0.1:{road.port}", **more)

    def spooled(self, data: bytes, name: str = "spooled") -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def uploads(self) -> list[str]:
        """Uploads in parts that are on their way."""
        found = self.storage.client().list_multipart_uploads(Bucket=BUCKET, Prefix=self.prefix)
        return [upload["Key"] for upload in found.get("Uploads", ())]


class BlobTests(StoreCase):
    """There and back."""

    def test_there_and_back(self) -> None:
        """Files of all sizes are taken from the spool, listed, read anywhere, and removed."""
        store = self.store()
        source = random.Random(3)
        sizes = (1, 65_564, 5 * MIB, 5 * MIB + 1, 11 * MIB)
        for size in sizes:
            data, name = os.urandom(size), f"{size:032x}"
            path = self.spooled(data)
            store.keep(path, name)
            self.assertFalse(path.exists())
            self.assertEqual(store.read(name, 0, size + 10), data)
            for _ in range(5):
                start, length = source.randrange(size), source.randrange(1, size + 2)
                self.assertEqual(store.read(name, start, length), data[start : start + length])
            self.assertEqual((store.read(name, size, 10), store.read(name, 0, 0)), (b"", b""))
        found = {blob.name: blob.size for blob in store.blobs()}
        self.assertEqual(found, {f"{size:032x}": size for size in sizes})
        self.assertEqual(self.uploads(), [])
        for name in found:
            store.delete(name)
            store.delete(name)
            self.assertRaises(FileNotFoundError, store.read, name, 0, 1)
        self.assertEqual(list(store.blobs()), [])

    def test_apart(self) -> None:
        """Another prefix is another store."""
        self.store().keep(self.spooled(b"x"), AB)
        other = self.store(s3_prefix=self.prefix + "more/")
        self.assertEqual(list(other.blobs()), [])
        self.assertRaises(FileNotFoundError, other.read, AB, 0, 1)

    def test_of_others(self) -> None:
        """What else lies in the bucket is no blob, is not tidied up, and nobody can take it for an orphan."""
        store, client = self.store(leftover=0), self.storage.client()
        self.store(s3_prefix=self.prefix + "more/").keep(self.spooled(b"x"), AB)
        client.put_object(Bucket=BUCKET, Key=self.prefix + "report.pdf", Body=b"")
        theirs = [self.prefix + name for name in (f"more/{CD}", "report.zip")]
        for key in theirs:
            client.create_multipart_upload(Bucket=BUCKET, Key=key)
        store.keep(self.spooled(b"ours"), CD)
        self.assertEqual([blob.name for blob in store.blobs()], [CD])
        store.tidy()
        self.assertEqual(self.uploads(), theirs)

    def test_no_ranges(self) -> None:
        """A storage that sends the whole object whatever was asked for does not fill the memory."""
        store = self.store()
        store.keep(self.spooled(bytes(MIB)), AB)
        get = store._client.get_object
        self.patch(store._client, "get_object", lambda Range, **more: get(**more))
        self.assertEqual(store.read(AB, 0, 1000), bytes(1000))

    def test_crash_in_between(self) -> None:
        """A file that is stored already, whether the spool has it still or not, is that one.

        One that is nowhere is an error.
        """
        store = self.store()
        store.keep(self.spooled(b"first"), AB)
        changed = next(store.blobs()).changed
        store.keep(self.folder / "spooled", AB)
        again = self.spooled(b"other")
        store.keep(again, AB)
        self.assertEqual(
            (store.read(AB, 0, 9), again.exists(), next(store.blobs()).changed), (b"first", False, changed)
        )
        self.assertRaises(FileNotFoundError, store.keep, self.folder / "spooled", CD)

    def test_sealed(self) -> None:
        """A sealed file of 40 MiB goes up in parts, ranges of it open what they touch, and a flipped bit is
        an error.
        """
        store, seal, data = self.store(s3_part=16 * MIB), AesGcm(bytes(32)), os.urandom(40 * MIB)
        spool = Spool(self.folder, "x", seal, len(data))
        spool.open()
        spool.write([data])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        store.keep(spool.close(), AB)
        # KiB: parts are not held
        self.assertLess(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 32 << 10)
        file, source = SealedFile(store, AB, seal, len(data)), random.Random(3)
        for _ in range(10):
            start, length = source.randrange(len(data)), source.randrange(1, MIB)
            self.assertEqual(file.read(start, length), data[start : start + length])
        seen = hashlib.sha256()
        for start in range(0, len(data), 4 * MIB):
            seen.update(file.read(start, 4 * MIB))
        self.assertEqual(seen.digest(), hashlib.sha256(data).digest())
        stored = bytearray(store.read(AB, 0, len(data) * 2))
        self.assertGreater(len(stored), len(data))
        stored[20 * MIB] ^= 1
        self.storage.client().put_object(Bucket=BUCKET, Key=self.prefix + AB, Body=bytes(stored))
        self.assertRaises(Damaged, file.read, 20 * MIB - 65536, 131072)
        self.assertEqual(file.read(0, 100), data[:100])

    def test_many(self) -> None:
        """More objects than one answer lists are listed, all of them."""
        client = self.storage.client()
        for number in range(1003):
            client.put_object(Bucket=BUCKET, Key=f"{self.prefix}{number:032}", Body=b"")
        self.assertEqual(
            sorted(blob.name for blob in self.store().blobs()), [f"{number:032}" for number in range(1003)]
        )

    def test_leftovers(self) -> None:
        """What a crash left of an upload is aborted when it is old, and else left alone."""
        client = self.storage.client()
        upload = client.create_multipart_upload(Bucket=BUCKET, Key=self.prefix + AB)["UploadId"]
        client.upload_part(Bucket=BUCKET, Key=self.prefix + AB, UploadId=upload, PartNumber=1, Body=b"x")
        self.store(leftover=1e10).tidy()
        self.assertEqual(self.uploads(), [self.prefix + AB])
        self.store(leftover=0).tidy()
        self.assertEqual(self.uploads(), [])


class BrokenTests(StoreCase):
    """What a network does, and a storage."""

    def test_broken_read(self) -> None:
        """A read whose connection breaks in the middle goes on where it was."""
        data = os.urandom(3 * MIB)
        self.store().keep(self.spooled(data), AB)
        road = Road(self.storage.port)
        store = self.by(road)
        break_next(store, road, down=[MIB, MIB])
        self.assertTrue(store.read(AB, 0, 3 * MIB) == data)
        self.assertEqual(road.breaks, 2)

    def test_broken_off(self) -> None:
        """When it breaks again and again it is an error, and soon."""
        self.store().keep(self.spooled(bytes(3 * MIB)), AB)
        road = Road(self.storage.port)
        store = self.by(road)
        break_next(store, road, down=[1000] * 1000)
        self.assertRaises(OSError, store.read, AB, 0, 3 * MIB)
        self.assertLess(road.breaks, 20)

    def test_broken_upload(self) -> None:
        """A part whose connection breaks is sent again.

        An upload that cannot be done is aborted, and the spool has the file still.
        """
        data = os.urandom(11 * MIB)
        road = Road(self.storage.port)
        store = self.by(road)
        break_next(store, road, up=[3 * MIB] * 4)  # moto takes one request a connection; two are not of parts
        store.keep(self.spooled(data), AB)
        self.assertIn(road.breaks, (1, 2))
        self.assertTrue(store.read(AB, 0, 12 * MIB) == data)
        break_next(store, road, up=[MIB] * 1000)
        path = self.spooled(data)
        error = self.assertRaises(OSError, store.keep, path, CD)
        self.assertRegex(str(error), f"object storage: {CD} cannot be stored: ")
        self.assertTrue(path.exists())
        self.assertEqual(([blob.name for blob in self.store().blobs()], self.uploads()), ([AB], []))
        break_next(store, road)
        store.keep(path, CD)
        self.assertTrue(store.read(CD, 0, 12 * MIB) == data)

    def test_gone(self) -> None:
        """A storage that went away is an error, for all that is asked of it."""
        road = Road(self.storage.port)
        store = self.by(road, s3_timeout=1)
        break_next(store, road)
        road.close()
        for ask in (
            lambda: store.read(AB, 0, 1),
            lambda: store.keep(self.spooled(b"x"), AB),
            lambda: store.delete(AB),
        ):
            error = self.assertRaises(OSError, ask)
            self.assertNotIsInstance(error, FileNotFoundError)
        self.assertRaises(OSError, list, store.blobs())
        self.assertRaises(OSError, store.tidy)

    def test_full(self) -> None:
        """A storage that is full is a disk that is full."""
        store = self.store()

        def full(params: Any, **_: Any) -> None:
            error = {"Error": {"Code": "XMinioStorageFull"}, "ResponseMetadata": {"HTTPStatusCode": 507}}
            raise ClientError(error, "PutObject")  # type: ignore[arg-type]

        store._client.meta.events.register("before-call.s3.PutObject", full)
        self.assertEqual(self.assertRaises(OSError, store.keep, self.spooled(b"x"), AB).errno, errno.ENOSPC)


class ConfiguredTests(StoreCase):
    """What operators get wrong."""

    def wrong(self, key: str, **more: Any) -> str:
        error = str(self.assertRaises(ConfigError, self.store, **more))
        self.assertRegex(error, rf"^\[files\] {key}[^\n]*: [^\n]+$")
        for secret in (self.storage.secret_key, "wrong-secret", "pass-word"):
            self.assertNotIn(secret, error)
        return error

    def test_wrong(self) -> None:
        """Each mistake is one line that names the key, and no secret."""
        self.assertIn("no bucket missing", self.wrong("s3_bucket", s3_bucket="missing"))
        self.wrong("s3_bucket", s3_bucket="")
        self.assertIn("may not use", self.wrong("s3_access_key", s3_secret_key="wrong-secret"))
        self.assertIn("may not use", self.wrong("s3_access_key", s3_access_key="AKIAXXXXXXXXXXXXXXXX"))
        self.wrong("s3_access_key and s3_secret_key", s3_secret_key="")
        self.wrong("s3_endpoint", s3_endpoint=f"http://127.0.0.1:{free_port()}", s3_timeout=1)
        for endpoint in (
            "s3.example.org",
            "http://user:pass-word@127.0.0.1",
            "http://127.0.0.1/files",
            "ftp://127.0.0.1",
        ):
            self.wrong("s3_endpoint", s3_endpoint=endpoint)

    def test_configured(self) -> None:
        """A server with store s3 has this one."""
        store = blob_store(Config(files=self.storage.settings()))
        self.assertEqual((type(store), store.name), (S3Store, "s3"))

    def test_refused_later(self) -> None:
        """Keys that were taken away are an error, not a missing file."""
        store = self.store()
        other = S3Store(self.storage.settings(s3_prefix=self.prefix, s3_secret_key="wrong-secret"))
        store.keep(self.spooled(b"x"), AB)
        error = self.assertRaises(OSError, other.read, AB, 0, 1)
        self.assertNotIsInstance(error, FileNotFoundError)
        self.assertNotIn("wrong-secret", str(error))

    def test_not_installed(self) -> None:
        """Without boto3 it is said what to install."""
        script = (
            "import sys; sys.modules['boto3'] = None\n"
            "from imsys.config import FilesConfig\nfrom imsys.files.s3 import S3Store\nS3Store(FilesConfig(s3_bucket='x'))"
        )
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            (sys.executable, "-c", script), env=environ, capture_output=True, text=True, timeout=60
        )
        self.assertRegex(
            done.stderr.splitlines()[-1],
            r"ConfigError: \[files\] store: s3 needs boto3.*pip install 'imsys\[s3\]'",
        )
