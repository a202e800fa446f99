"""The connections that are there: counted, and waited for."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


class Present(set[T]):
    """Those who are there."""

    def __init__(self) -> None:
        super().__init__()
        self._emptied: list[Deferred[None]] = []

    def leave(self, one: T) -> None:
        """One is gone (idempotent)."""
        self.discard(one)
        if not self:
            waiting, self._emptied = self._emptied, []
            for empty in waiting:
                empty.callback(None)

    def emptied(self) -> Deferred[None]:
        """Fires when nobody is there."""
        empty: Deferred[None] = Deferred()
        if self:
            self._emptied.append(empty)
        else:
            empty.callback(None)
        return empty
