"""Let synchronous code wait without blocking the reactor's thread.

A driver of a database calls ``read`` and wants an answer. On the reactor's thread nothing may wait for one, so the
code runs in a greenlet, which is left where it would wait, and entered again with what it has waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from greenlet import getcurrent, greenlet
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

Resume = Callable[[Any], None]
"""Goes on with code that waits; its argument is the result of :func:`wait`."""


def run(function: Callable[[], T]) -> Deferred[T]:
    """Call a function that may :func:`wait`; fire with its result, or whatever it raises."""
    task = _Task(function)
    task.resume()
    return task.result


class _Task(Generic[T]):
    """Code that may wait. No part of it refers to itself when it has ended: a function that names itself would, and one such
    ring for each transaction is what a collection of garbage then takes 25 ms for.
    """

    __slots__ = ("_greenlet", "result")

    def __init__(self, function: Callable[[], T]) -> None:
        self._greenlet = greenlet(function)
        self.result: Deferred[T] = Deferred()

    def resume(self, *value: Any) -> None:
        task = self._greenlet
        # what it ends for, or waits, is told to whoever resumes it, not to whoever began it
        task.parent = getcurrent()
        try:
            outcome = task.switch(*value)
        except BaseException:
            self.result.errback(Failure())
            return
        if task.dead:
            self.result.callback(outcome)
        else:
            cast("Callable[[Resume], object]", outcome)(self.resume)


def wait(until: Callable[[Resume], object]) -> Any:
    """Leave a function that :func:`run` has called until it is resumed.

    :param until: is given what resumes it, which must be called once, on the same thread.
    """
    caller = getcurrent().parent
    if caller is None:
        raise RuntimeError("nothing can be waited for outside of run()")
    return caller.switch(until)


def wait_for(deferred: Deferred[T]) -> T:
    """Leave such a function until a Deferred fires; return its result or raise its exception."""
    outcome = wait(lambda resume: deferred.addBoth(resume))
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return cast("T", outcome)
