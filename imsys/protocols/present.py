"""The connections that are there: counted, turned away, waited for."""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol

T = TypeVar("T")


class TurnedAway(Protocol):
    """Closes at once. (A factory that builds nothing does not go with TLS.)"""

    transport: Any

    def connectionMade(self) -> None:
        """Close."""
        self.transport.abortConnection()


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
