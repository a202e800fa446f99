"""Sealing: files on a disk are segments of 64 KiB, each encrypted and authenticated by itself.

A segment on the disk is a nonce of 12 bytes, the ciphertext, and a tag of 16 bytes (AES-256-GCM,
NIST SP 800-38D). Its place in the file and whether it is the last one are authenticated with it, so
segments cannot change places, and a file that was cut is told from a whole one. Every write of a segment has a
fresh random nonce: a key seals at most 2**28 segments (16 TiB: more ``[files] max_file`` cannot be), each a few times,
far from where random nonces may meet (2**32 by SP 800-38D, section 8.3).

Without encryption a segment is its bytes and their CRC-32C, so that a flipped bit is an error there, too.
"""

from __future__ import annotations

import os
import struct
from typing import Protocol

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEGMENT = 65536
"""Bytes of a file in one segment; the last one may have fewer."""

KEY_BYTES = 32
"""Bytes of a file's key."""

Bytes = bytes | bytearray | memoryview

_NONCE = 12
_TAG = 16
_PLACE = struct.Struct("!8sQ?")
_MAGIC = b"imsys-f1"
_CRC = struct.Struct("!I")


class Damaged(Exception):
    """What is stored is not what was written: it was cut, flipped or tampered with."""


class Seal(Protocol):
    """A way to put segments on a disk, with one file's key in it."""

    overhead: int
    """Bytes that a segment takes on the disk beside its own."""

    def seal(self, index: int, final: bool, data: Bytes) -> bytes:
        """Seal a segment of up to :data:`SEGMENT` bytes."""
        ...

    def open(self, index: int, final: bool, stored: Bytes) -> bytes:
        """Open a sealed segment. :raises Damaged: they are not what was sealed, or not at this place."""
        ...


class AesGcm:
    """Encrypts segments with AES-256-GCM."""

    overhead = _NONCE + _TAG

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, index: int, final: bool, data: Bytes) -> bytes:
        """Encrypt; a nonce, the ciphertext and its tag."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, data, _PLACE.pack(_MAGIC, index, final))

    def open(self, index: int, final: bool, stored: Bytes) -> bytes:
        """Decrypt and verify. :raises Damaged: the tag does not fit."""
        view = memoryview(stored)
        try:
            return self._aead.decrypt(view[:_NONCE], view[_NONCE:], _PLACE.pack(_MAGIC, index, final))
        except (InvalidTag, ValueError):
            raise Damaged(f"segment {index} is not what was stored") from None


class Checked:
    """Keeps segments in the clear, with a checksum."""

    overhead = _CRC.size

    def seal(self, index: int, final: bool, data: Bytes) -> bytes:
        """Add a checksum, which goes over the place as well."""
        return b"".join((data, _CRC.pack(self._sum(index, final, data))))

    def open(self, index: int, final: bool, stored: Bytes) -> bytes:
        """Verify. :raises Damaged: the checksum does not fit."""
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
    """Count the segments of a file of this size; an empty one has one, too, which says that it is whole."""
    return max(1, -(-size // SEGMENT))


def stored_size(size: int, overhead: int) -> int:
    """Bytes on the disk of a file of this size."""
    return size + segments(size) * overhead
