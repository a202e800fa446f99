"""What a whole file is found to be, before anybody sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from imsys.files.blobs import SealedFile
from imsys.store.files import File


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is, and what was made of it."""

    mime: str
    replacement: bytes | None = None
    """What is kept in the file's place (an avatar is cut to a square); ``None``: what was sent."""
    thumbnail: bytes | None = None
    """A small picture of it; ``None``: there is none."""
    thumbnail_mime: str = "image/jpeg"


class FileInspector(Protocol):
    """Looks at whole files; :class:`imsys.resources.default_inspector.DefaultInspector` is the one of
    servers.
    """

    def inspect(self, file: File, content: SealedFile) -> Inspection:
        """Find out what a file is. It blocks, and runs in a thread.

        :raises Refused: ``PERMISSION_DENIED``, nobody may have this file; ``SERVER_BUSY``, it cannot be
            inspected now.
        """
        ...
