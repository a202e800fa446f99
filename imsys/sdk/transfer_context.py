"""The shared context of a user's transfers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from imsys.sdk.attachments import Grant
from imsys.sdk.credentials import Credentials
from imsys.sdk.timing import Timing
from imsys.sdk.trust import Trust


class Files(Protocol):
    """Asks the chat server for grants to send or receive files; implemented by :class:`imsys.sdk.Client`."""

    async def offer_file(
        self, thread_id: int, filename: str, size: int, *, sha256: str = "", mime: str = ""
    ) -> Grant:
        """Offer a file to a thread; return the grant to send it."""

    async def offer_avatar(self, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a picture for the user's avatar; return the grant to send it."""

    async def offer_group_picture(
        self, filename: str, size: int, *, sha256: str = "", mime: str = ""
    ) -> Grant:
        """Offer a picture for a group; return the grant to send it."""

    async def get_file(self, file_id: str, *, write: bool = False, thumbnail: bool = False) -> Grant:
        """Ask for the grant to a file, or to a smaller picture of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferContext:
    """What all transfers of one user share; ``trust`` is ``None`` without TLS."""

    reactor: Any
    files: Files
    credentials: Credentials
    trust: Trust | None
    timing: Timing
