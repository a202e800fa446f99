"""What every transfer works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from imsys.sdk.attachments import Grant
from imsys.sdk.credentials import Credentials
from imsys.sdk.timing import Timing
from imsys.sdk.trust import Trust


class Files(Protocol):
    """Asks the chat server for the right to send or to read files; :class:`imsys.sdk.Client` does."""

    async def offer_file(self, thread_id: int, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a file to a thread; the right to send it."""

    async def offer_avatar(self, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a picture that is to be the user's avatar; the right to send it."""

    async def get_file(self, file_id: str, *, write: bool = False, thumbnail: bool = False) -> Grant:
        """The right to a file, or to a smaller picture of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferContext:
    """What every transfer of one user works with; ``trust`` is ``None`` where there is no TLS."""

    reactor: Any
    files: Files
    credentials: Credentials
    trust: Trust | None
    timing: Timing
