"""One connection's hold on an upload."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeVar

from twisted.logger import Logger

from imsys.resources.transfers import TransferError
from imsys.resources.upload_listener import UploadListener

_log = Logger()
T = TypeVar("T")

PROGRESS = 16384
"""Bytes without which an upload is stalled (or all that is left of the file): a byte a minute is no progress.
"""


class Hold(enum.Enum):
    """What the connection may do."""

    SENDING = enum.auto()
    PAUSED = enum.auto()
    """Nothing, until there is room for more."""
    RELEASED = enum.auto()
    """Nothing any more: it let go of the upload."""
    LOST = enum.auto()
    """Nothing any more: the upload was taken from it."""
    COMPLETE = enum.auto()
    """Nothing but ask for the file, which was finished, or given up meanwhile."""


class UploadHandle:
    """Says what one connection may do with the upload that it holds, and tells its listener.

    :param window: bytes that it may have waiting at most.
    :param fed: bytes that had come before it.
    """

    def __init__(self, listener: UploadListener, window: int, fed: int) -> None:
        self._listener = listener
        self._counted = fed
        self.window = window
        self.hold = Hold.SENDING
        self.reason: TransferError | None = None
        """Why nothing may be done any more."""

    @property
    def paused(self) -> bool:
        """Whether the connection was told to send no more for now."""
        return self.hold is Hold.PAUSED

    def check(self) -> None:
        """See whether the connection holds the upload.

        :raises TransferError: the reason for which it does not.
        """
        if self.reason is not None:
            raise self.reason

    def is_progress(self, fed: int, size: int) -> bool:
        """Whether enough has come since the last progress to put the deadline off.

        :param fed: bytes that have come. :param size: bytes of the file.
        """
        if fed < self._counted:  # it begins anew
            self._counted = fed
        if fed - self._counted < PROGRESS and fed != size:
            return False
        self._counted = fed
        return True

    def pause(self, paused: bool) -> bool:
        """Tell the connection to send no more for now, or to go on, unless it was told so already.

        Whether it pauses then.
        """
        if paused is not self.paused and self.reason is None:
            self.hold = Hold.PAUSED if paused else Hold.SENDING
            self._tell(self._listener.hold, paused)
        return paused

    def durable(self, offset: int) -> None:
        """Tell the connection how far its bytes are durable."""
        self._tell(self._listener.durable, offset)

    def end(self, hold: Hold, reason: TransferError) -> None:
        """Let the connection do nothing any more (idempotent), and tell it why where it did not ask for that."""
        if self.reason is None:
            paused, self.hold, self.reason = self.paused, hold, reason
            if paused:
                self._tell(self._listener.hold, False)
            if hold is Hold.LOST:
                self._tell(self._listener.lost, reason)

    def _tell(self, call: Callable[[T], None], value: T) -> None:
        try:
            call(value)
        except Exception:
            _log.failure("a connection could not be told of its upload")
