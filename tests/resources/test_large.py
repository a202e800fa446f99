"""Large files and many of them, through a server that is a process of its own: what that takes of its memory,
and who gets how much.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from tests.resources.process import ServerCase, in_thread

LARGE = int(os.environ.get("LARGE_MIB", "256")) << 20
"""Bytes of the large file; the source is sparse, and what is sealed of it is not."""

MEMORY = 64 << 20
"""Bytes that the server may grow by, whatever a file's size."""


def peak(pid: int) -> int:
    """Bytes of memory that a process had at most (``VmHWM``)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


class LargeTests(ServerCase):
    timeout = 60.0 + LARGE / (10 << 20)

    async def test_sparse(self) -> None:
        """A large file goes up and down, and the server's peak of memory grows by less than 64 MiB."""
        await self.balance()
        server = await self.serve()
        source = self.home / "sparse.bin"
        with source.open("wb") as file:
            file.truncate(LARGE)
            for place in (0, LARGE // 3, LARGE - 5):
                file.seek(place)
                file.write(b"12345")
        descriptor = os.open(source, os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        sha256 = await self.of(descriptor)
        # all code paths have run, and their memory is there
        small = await self.sent(1 << 20, os.urandom(1 << 20))
        await self.digest(small)
        before = peak(server.pid)
        file_id = await self.offer(LARGE, sha256=sha256)
        client = await self.login()
        await client.open(file_id, self.write(file_id))
        await client.move(lambda offset, length: os.pread(descriptor, length, offset), LARGE)
        await client.acknowledged(LARGE)
        up = peak(server.pid) - before
        self.assertEqual(await self.digest(file_id), sha256.hex())
        down = peak(server.pid) - before
        self.assertLess(max(up, down), MEMORY, (up, down))

    async def of(self, descriptor: int) -> bytes:
        """The SHA-256 of an open file."""
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return bytes((await in_thread(lambda: hashlib.file_digest(file, "sha256"))).digest())

    async def sent(self, size: int, data: bytes) -> bytes:
        """A file that is whole; its identifier."""
        file_id, client = await self.offer(size), await self.login()
        await client.open(file_id, self.write(file_id))
        await client.move(lambda offset, length: data[offset : offset + length], size)
        await client.acknowledged(size)
        await client.abort()
        return file_id
