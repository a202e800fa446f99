"""Sealing: stored files consist of segments of 64 KiB, each encrypted and authenticated by itself.

A stored segment is a nonce of 12 bytes, the ciphertext, and a tag of 16 bytes (AES-256-GCM, NIST SP 800-38D).
Its index, and whether it is the last one, are authenticated with it, so segments cannot be swapped, and
truncation is detected. Every write of a segment has a fresh random nonce: a key seals at most 2**28 segments
(16 TiB, the limit of ``[files] max_file``), each a few times, far below the bound for random nonces (2**32 by
SP 800-38D, section 8.3).

Without encryption a segment is its bytes and their CRC-32C, so that a flipped bit is detected, too.
"""

from __future__ import annotations

import os
import struct
from typing import Protocol

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEGMENT = 65536
"""Bytes of a file per segment; the last one may have fewer."""

KEY_BYTES = 32
"""Bytes of a file's key."""

Bytes = bytes | bytearray | memoryview

_NONCE = 12
_TAG = 16
_PLACE = struct.Struct("!8sQ?")
_MAGIC = b"imsys-f1"
_CRC = struct.Struct("!I")


class Damaged(Exception):
    """Stored data are corrupt: truncated, flipped or tampered with."""


class Seal(Protocol):
    """A format of stored segments, with the key of one file."""

    overhead: int
    """Additional stored bytes per segment."""

    def seal(self, index: int, final: bool, data: Bytes) -> bytes:
        """Seal a segment of up to :data:`SEGMENT` bytes for storage."""
        ...

    def open(self, index: int, final: bool, stored: Bytes) -> bytes:
        """Return the bytes of a stored segment.

        :raises Damaged: it is corrupt, or belongs to another place.
        """
        ...


class AesGcm:
    """Encrypted segments (AES-256-GCM)."""

    overhead = _NONCE + _TAG

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, index: int, final: bool, data: Bytes) -> bytes:
        """Encrypt; return nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, data, _PLACE.pack(_MAGIC, index, final))

    def open(self, index: int, final: bool, stored: Bytes) -> bytes:
        """Decrypt and verify. :raises Damaged: the tag does not match."""
        view = memoryview(stored)
        try:
            return self._aead.decrypt(view[:_NONCE], view[_NONCE:], _PLACE.pack(_MAGIC, index, final))
        except (InvalidTag, ValueError):
            raise Damaged(f"segment {index} is not what was stored") from None


class Checked:
    """Unencrypted segments with a checksum."""

    overhead = _CRC.size

    def seal(self, index: int, final: bool, data: Bytes) -> bytes:
        """Return the bytes and their checksum, which includes the index."""
        return b"".join((data, _CRC.pack(self._sum(index, final, data))))

    def open(self, index: int, final: bool, stored: Bytes) -> bytes:
        """Verify. :raises Damaged: the checksum does not match."""
        view = memoryview(stored)
        data = bytes(view[: -_CRC.size])
        if len(view) < _CRC.size or _CRC.unpack(view[-_CRC.size :])[0] != self._sum(index, final, data):
            raise Damaged(f"segment {index} is not what was stored")
        return data

    @staticmethod
    def _sum(index: int, final: bool, data: Bytes) -> int:
        crc: int = google_crc32c.extend(google_crc32c.value(_PLACE.pack(_MAGIC, index, final)), bytes(data))
        return crc


def segments(size: int) -> int:
    """Return the number of segments of a file of this size.

    An empty file has one, too, which shows its end.
    """
    return max(1, -(-size // SEGMENT))


def stored_size(size: int, overhead: int) -> int:
    """Return the stored bytes of a file of this size."""
    return size + segments(size) * overhead
