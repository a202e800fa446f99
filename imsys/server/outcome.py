"""A minimal Deferred for handlers that wait thousands of times a second."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

_PENDING: Any = object()


class Outcome(Generic[T]):
    """A future result, awaited by at most one coroutine, which :class:`imsys.server.dispatch.Call` drives.

    Other code must use :meth:`deferred`.
    """

    __slots__ = ("_error", "_result", "_resume")

    def __init__(self) -> None:
        self._result: T = _PENDING
        self._error: Exception | None = None
        self._resume: Callable[[Any], object] | None = None

    def succeed(self, result: T) -> None:
        """Set the result; the waiting coroutine resumes at once."""
        self._result = result
        self._settle()

    def fail(self, error: Exception) -> None:
        """Set an exception; it is raised in the waiting coroutine at once."""
        self._error = error
        self._settle()

    def _settle(self) -> None:
        resume, self._resume = self._resume, None  # it may know this outcome: no cycle is left to collect
        if resume is not None:
            resume(None)

    def when_settled(self, tell: Callable[[Any], object]) -> None:
        """Call ``tell`` once it is set, at once if it is; what it is given means nothing: see :meth:`get`."""
        if self._result is _PENDING and self._error is None:
            self._resume = tell
        else:
            tell(None)

    def get(self) -> T:
        """Return the result, which must be set, or raise the exception."""
        if self._error is not None:
            raise self._error
        return self._result

    def addCallbacks(self, resume: Callable[[Any], object], throw: Callable[[Any], object]) -> None:
        """Act like a Deferred for the driver of a coroutine; ``resume`` is called in both cases."""
        self._resume = resume

    def __await__(self) -> Generator[Any, Any, T]:
        return self  # type: ignore[return-value]  # await only needs an iterator

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Outcome[T]:
        if self._error is not None:
            raise self._error
        if self._result is _PENDING:
            return self
        raise StopIteration(self._result)

    def deferred(self) -> Deferred[T]:
        """Return a Deferred of the result."""
        made: Deferred[T] = Deferred()

        def settle(_: object) -> None:
            if self._error is not None:
                made.errback(self._error)
            else:
                made.callback(self._result)

        self.when_settled(settle)
        return made


def outcome_of(coroutine: Coroutine[Any, Any, T]) -> Outcome[T]:
    """Run a coroutine, for what takes an outcome."""
    outcome: Outcome[T] = Outcome()

    def failed(reason: Failure) -> None:
        error = reason.value
        outcome.fail(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    Deferred.fromCoroutine(coroutine).addCallbacks(outcome.succeed, failed)
    return outcome
