"""The connections that are there: counted, and waited for."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred, succeed

from imsys.util.events import Waiters

T = TypeVar("T")


class Present(set[T]):
    """Those who are there."""

    def __init__(self) -> None:
        super().__init__()
        self._emptied: Waiters[None] = Waiters()

    def leave(self, one: T) -> None:
        """One is gone (idempotent)."""
        self.discard(one)
        if not self:
            self._emptied.fire(None)

    def emptied(self) -> Deferred[None]:
        """Fires when nobody is there."""
        return self._emptied.add() if self else succeed(None)
