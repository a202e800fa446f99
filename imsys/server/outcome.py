"""What a handler waits for when thousands do a second: a Deferred, less all that is not needed for that."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")

_PENDING: Any = object()


class Outcome(Generic[T]):
    """A result to come, awaited by at most one coroutine, which :class:`imsys.server.dispatch.Call` drives.

    Anybody else makes a Deferred of it: see :meth:`deferred`.
    """

    __slots__ = ("_error", "_result", "_resume")

    def __init__(self) -> None:
        self._result: T = _PENDING
        self._error: Exception | None = None
        self._resume: Callable[[Any], object] | None = None

    def succeed(self, result: T) -> None:
        """Here it is: whoever waits goes on at once."""
        self._result = result
        if self._resume is not None:
            self._resume(None)

    def fail(self, error: Exception) -> None:
        """There will be none: whoever waits gets this exception at once."""
        self._error = error
        if self._resume is not None:
            self._resume(None)

    def addCallbacks(self, resume: Callable[[Any], object], throw: Callable[[Any], object]) -> None:
        """As a Deferred's, so that a driver of coroutines need not tell them apart; ``resume`` is called in both cases."""
        self._resume = resume

    def __await__(self) -> Generator[Any, Any, T]:
        return self  # type: ignore[return-value]  # an iterator is all that an await needs

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Outcome[T]:
        if self._error is not None:
            raise self._error
        if self._result is _PENDING:
            return self
        raise StopIteration(self._result)

    def deferred(self) -> Deferred[T]:
        """The same for everybody else."""
        made: Deferred[T] = Deferred()

        def settle(_: object) -> None:
            if self._error is not None:
                made.errback(self._error)
            else:
                made.callback(self._result)

        if self._result is _PENDING and self._error is None:
            self._resume = settle
        else:
            settle(None)
        return made
