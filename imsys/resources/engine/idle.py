"""Uploads that nobody holds, remembered for a while."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imsys.resources.engine.upload_state import UploadState

MOST = 256
"""Uploads that are remembered; each takes up to a segment (64 KiB)."""

SECONDS = 300.0
"""How long."""


class Idle:
    """The ones that were let go of last.

    :param forget: called to forget one; false when it is not idle.
    """

    def __init__(self, clock: IReactorTime, forget: Callable[[UploadState], bool]) -> None:
        self._clock = clock
        self._forget = forget
        self._since: dict[UploadState, float] = {}  # the longest first
        self._call: IDelayedCall | None = None

    def __len__(self) -> int:
        return len(self._since)

    def add(self, state: UploadState) -> None:
        """Remember one from now on."""
        self._since.pop(state, None)
        self._since[state] = self._clock.seconds()
        if len(self._since) > MOST:
            self._turn()
        self._schedule()

    def discard(self, state: UploadState) -> None:
        """It is not idle any more."""
        self._since.pop(state, None)
        if not self._since:
            self.clear()

    def clear(self) -> None:
        """Remember none."""
        self._since.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _schedule(self) -> None:
        if self._call is None and self._since:
            oldest = next(iter(self._since.values()))
            self._call = self._clock.callLater(max(0.0, oldest + SECONDS - self._clock.seconds()), self._due)

    def _due(self) -> None:
        self._call = None
        self._turn()
        self._schedule()

    def _turn(self) -> None:
        """Forget those whose time is over, and the oldest where there are too many."""
        now = self._clock.seconds()
        for state, since in list(self._since.items()):
            if since + SECONDS > now and len(self._since) <= MOST:
                break
            self._since.pop(state, None)
            if not self._forget(state):
                self._since[state] = now
