"""The connections to MySQL by which small reads are made on the reactor's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

from imsys.store.dialects import Dialect, Use
from imsys.store.reactor_connection import ReactorConnection

T = TypeVar("T")

READ_CONNECTIONS = 4
"""That are open, at most. Most reads are answered before the next one is asked."""


class ReadConnections:
    """The connections for small reads; each read, in the order in which they come, takes one that is free."""

    def __init__(self, reactor: Any, dialect: Dialect, seconds: float) -> None:
        self._all = [
            ReactorConnection(reactor, dialect, Use.GENERAL, seconds) for _ in range(READ_CONNECTIONS)
        ]
        self._free = list(self._all)
        self._turns = DeferredSemaphore(len(self._all))

    def run(self, function: Callable[[ReactorConnection], T]) -> Deferred[T]:
        """Call a function with one of them; see :meth:`ReactorConnection.run`."""
        result: Deferred[T] = Deferred()
        self._turns.run(self._on_one, function).chainDeferred(result)
        return result

    def renew(self) -> None:
        """Have them reopened before their next use; callable from any thread."""
        for connection in self._all:
            connection.renew()

    def close(self) -> Deferred[Any]:
        """Close each when what it runs has ended; what still waits for one is refused."""
        return gatherResults([connection.close() for connection in self._all])

    def _on_one(self, function: Callable[[ReactorConnection], T]) -> Deferred[T]:
        # the one used last: where one is enough no other is opened
        connection = self._free.pop()
        return connection.run(function).addBoth(self._give_back, connection)

    def _give_back(self, outcome: Any, connection: ReactorConnection) -> Any:
        self._free.append(connection)
        return outcome
