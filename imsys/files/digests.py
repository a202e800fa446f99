"""Digests of a file: SHA-256, by which everything here knows it, and MD5 where it came with one."""

from __future__ import annotations

import hashlib

from imsys.files.sealing import Bytes


class Digests:
    """Hashes bytes as they come.

    :param md5: whether their MD5 is wanted as well.
    """

    __slots__ = ("_md5", "_sha256")

    def __init__(self, *, md5: bool = False) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None

    def update(self, data: Bytes) -> None:
        """Add bytes; other threads run meanwhile."""
        self._sha256.update(data)
        if self._md5 is not None:
            self._md5.update(data)

    def copy(self) -> Digests:
        """Return what can go on from here by itself."""
        copied = Digests()
        copied._sha256 = self._sha256.copy()
        copied._md5 = None if self._md5 is None else self._md5.copy()
        return copied

    @property
    def sha256(self) -> bytes:
        """The 32 bytes of SHA-256."""
        return self._sha256.digest()

    @property
    def md5(self) -> str:
        """MD5 in hex, lower case; empty where it was not wanted."""
        return "" if self._md5 is None else self._md5.hexdigest()
