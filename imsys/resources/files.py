"""Files on the disk: in parts while they arrive, under their users and names when they are whole.

Everything here blocks, and belongs into a thread. Under the folder of the
store, ``incoming/<server>/`` holds what is not whole yet, and
``users/<uuid>/<hash of the name>/<name>`` what is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from imsys.errors import ConfigError, Refused, Status
from imsys.resources.names import place


class Files:
    """The files of one resources server.

    :param folder: of the store; several servers may share it.
    :param server: name of this one, which no other with this folder has.
    """

    def __init__(self, folder: Path, server: str) -> None:
        self._incoming = folder / "incoming" / server
        self._users = folder / "users"

    def open(self) -> None:
        """Make the folders, and remove the parts that a crash of this server left behind.

        :raises ConfigError: the store cannot be written to.
        """
        try:
            for made in (self._incoming, self._users):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in self._incoming.iterdir():
                left.unlink()
        except OSError as error:
            raise ConfigError(f"[resources] path: {error.filename} cannot be used: {error.strerror}") from None

    def part(self) -> Part:
        """A new file, empty and without a name. :raises OSError: the disk does not take it."""
        return Part(self._incoming / secrets.token_hex(16))

    def keep(self, part: Part, user: int, filename: str) -> None:
        """Make a part the user's file of this name, durably and at once, in the place of an older one.

        :raises OSError: the disk does not take it.
        """
        folder, name = place(filename)
        target = self._users / str(user) / folder / name
        part.sync()
        missing = [parent for parent in (target.parent.parent, target.parent) if not parent.exists()]
        for made in missing:
            made.mkdir(mode=0o700, exist_ok=True)
        os.replace(part.path, target)
        part.over = True
        for changed in (target.parent, *(made.parent for made in missing)):
            _sync_folder(changed)


class Part:
    """A file that is not whole yet.

    It is opened for every block anew, so that any number of them needs no descriptors.
    """

    def __init__(self, path: Path) -> None:
        """:raises OSError: the disk does not take it."""
        self.path = path
        self.size = 0
        self.over = False
        """Whether it was kept or removed."""
        self._md5 = hashlib.md5(usedforsecurity=False)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def append(self, data: bytes) -> None:
        """Write at the end. :raises OSError: the disk does not take it; the part is of no use any more."""
        with self.path.open("r+b") as file:  # which, unlike "a", does not make it anew where it was removed
            file.seek(self.size)
            file.write(data)
        self._md5.update(data)
        self.size += len(data)

    def verify(self, checksum: str) -> None:
        """Compare with an MD5 in hex. :raises Refused: 69, it is another."""
        if self._md5.hexdigest() != checksum.lower():
            raise Refused(Status.CHECKSUM_MISMATCH, "The file has another MD5 than its checksum says.")

    def sync(self) -> None:
        """Wait until it is durable. :raises OSError: the disk does not take it."""
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())

    def discard(self) -> None:
        """Remove it, unless it was kept (idempotent)."""
        self.over = True
        with contextlib.suppress(OSError):
            self.path.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there, and names are durable without
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
