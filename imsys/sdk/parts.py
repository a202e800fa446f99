"""A file that is being received: a part file beside its target, until it is complete and verified."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from imsys.errors import PeerFault
from imsys.protocols.chunks import Chunk
from imsys.sdk.serial_executor import SerialExecutor

if sys.platform != "win32":
    import fcntl

_BLOCK = 1 << 20
"""Bytes that are hashed at a time."""
_LONGEST = 200
"""Bytes of the target's name that the name of the part file keeps, at most."""


class Damaged(PeerFault):
    """Received data differ from what was sent."""


class Part:
    """The part file ``<name>.<first 8 characters of the file id>.part`` beside its target.

    Every method may raise :class:`OSError`.
    """

    def __init__(self, reactor: Any, target: Path, file_id: str, *, overwrite: bool) -> None:
        self._turns = SerialExecutor(reactor)
        self._overwrite = overwrite
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self.target = target
        name = target.name.encode("utf-8", "surrogateescape")[:_LONGEST].decode("utf-8", "ignore")
        self.path = target.with_name(f"{name}.{file_id[:8]}.part")
        self.offset = 0
        """Bytes received so far."""

    async def open(self, told: Callable[[int], None]) -> None:
        """Open the part file and hash what it holds; ``told`` is called with the number of bytes hashed.

        :raises FileExistsError: the target exists already.
        """
        size = await self._turns.run(self._open)
        while self.offset < size:
            await self._turns.run(self._hash)
            told(self.offset)

    async def write(self, chunks: Sequence[Chunk]) -> None:
        """Append chunks. :raises Damaged: a chunk is corrupt, or is not the next one."""
        await self._turns.run(self._write, chunks)

    async def restart(self) -> None:
        """Discard the received bytes."""
        await self._turns.run(self._restart)

    async def keep(self, sha256: str) -> bool:
        """Verify the complete file and move it durably to its target; return ``False`` if its hash differs.

        :raises FileExistsError: the target exists by now.
        """
        return await self._turns.run(self._keep, sha256)

    async def close(self) -> None:
        """Close the part file; it stays for the next attempt."""
        await self._turns.run(self._close)

    def _open(self) -> int:
        self._check()
        self._file = os.fdopen(
            os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b", buffering=0
        )
        if sys.platform != "win32":
            try:
                fcntl.flock(self._opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise OSError(f"{self.path} is being received already.") from None
        return self._opened.seek(0, os.SEEK_END)

    @property
    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise OSError("The part file is closed.")
        return self._file

    def _check(self) -> None:
        if not self._overwrite and os.path.lexists(self.target):
            raise FileExistsError(f"{self.target} exists already.")

    def _hash(self) -> None:
        self._opened.seek(self.offset)
        data = self._opened.read(_BLOCK)
        self._digest.update(data)
        self.offset += len(data)

    def _write(self, chunks: Sequence[Chunk]) -> None:
        file = self._opened
        file.seek(self.offset)
        for chunk in chunks:
            if chunk.offset != self.offset or not chunk.intact:
                raise Damaged("a chunk is not what was sent, or not the next one")
            view = memoryview(chunk.data)
            while view:
                view = view[file.write(view) :]
            self._digest.update(chunk.data)
            self.offset += len(chunk.data)

    def _restart(self) -> None:
        self._opened.truncate(0)
        self._digest = hashlib.sha256()
        self.offset = 0

    def _keep(self, sha256: str) -> bool:
        if self._digest.hexdigest() != sha256:
            return False
        self._opened.truncate(self.offset)
        os.fsync(self._opened.fileno())
        self._check()
        if sys.platform == "win32":  # Windows cannot rename an open file
            self._close()
        os.replace(self.path, self.target)
        self._close()
        return True

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
