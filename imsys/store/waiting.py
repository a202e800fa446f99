"""Let synchronous code wait without blocking the reactor's thread.

A driver of a database calls ``read`` and wants an answer. On the reactor's thread nothing may wait for one, so the
code runs in a greenlet, which is left where it would wait, and entered again with what it has waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from greenlet import getcurrent, greenlet
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

Resume = Callable[[Any], None]
"""Goes on with code that waits; its argument is the result of :func:`wait`."""


def run(function: Callable[[], T]) -> Deferred[T]:
    """Call a function that may :func:`wait`; fire with its result, or whatever it raises."""
    result: Deferred[T] = Deferred()
    task = greenlet(function)

    def resume(*value: Any) -> None:
        # what it ends for, or waits, is told to whoever resumes it, not to whoever began it
        task.parent = getcurrent()
        try:
            outcome = task.switch(*value)
        except BaseException:
            result.errback(Failure())
            return
        if task.dead:
            result.callback(outcome)
        else:
            cast("Callable[[Resume], object]", outcome)(resume)

    resume()
    return result


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
