"""Extract the parts of an audio or video file that decoding its beginning needs, into a seekable file.

The extract is a file without a name that holds parts of the sealed file at their offsets. On Linux it is in
memory, so that no plaintext gets to a disk.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from imsys.files.readable import ReadableFile, pieces

_INDEX = 32 << 20  # of an MP4: hours
_BOXES = 64
_MIN_BOX = 8


@contextlib.contextmanager
def unnamed(folder: Path) -> Iterator[int]:
    """Provide the descriptor of an empty file without a name, which vanishes when it is closed."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("extract")
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryFile(dir=folder) as file:
            yield file.fileno()


def copy_head(source: ReadableFile, file: int, size: int) -> None:
    """Copy the first ``size`` bytes."""
    _copy(source, file, 0, size)


def copy_index(source: ReadableFile, file: int, head: int) -> bool:
    """Copy an MP4's index (``moov``, ISO/IEC 14496-12); return whether there is one.

    The first ``head`` bytes are copied already.
    """
    offset, data_seen = 0, False
    for _ in range(_BOXES):
        start = source.read(offset, 16)
        size = int.from_bytes(start[:4])
        if size == 1:  # a 64-bit size follows
            size = int.from_bytes(start[8:16])
        elif size == 0:  # up to the end
            size = source.size - offset
        if len(start) < _MIN_BOX or size < _MIN_BOX or offset + size > source.size:
            return False
        if start[4:8] == b"moov":
            if size > _INDEX:
                return False
            _copy(source, file, max(offset, head), offset + size)
            if offset + size > head:
                # the media data after it, if the index comes first
                _copy(source, file, offset + size, offset + size + head)
            return True
        if start[4:8] == b"mdat" and not data_seen:
            data_seen = True
            _copy(source, file, max(offset, head), min(offset + size, offset + head))
        offset += size
    return False


def _copy(source: ReadableFile, file: int, start: int, end: int) -> None:
    for piece in pieces(source, start, end):
        os.pwrite(file, piece, start)
        start += len(piece)
