"""Work that nobody waits for, or that goes on when nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused

_log = Logger()
T = TypeVar("T")


def uncancelled(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    """Run a coroutine to its end, whether or not the result is cancelled: a thread cannot be taken back."""
    waiting: Deferred[T] = Deferred()
    Deferred.fromCoroutine(work).addCallbacks(waiting.callback, waiting.errback)
    return waiting


def run_in_background(work: Coroutine[Any, Any, object], what: str) -> Deferred[None]:
    """Run a coroutine whose result nobody waits for, and log what goes wrong. Fires when it has ended.

    :param what: the work, as the log names it: "tidying up".
    """

    def failed(failure: Failure) -> None:
        if failure.check(Refused) is not None:
            _log.warn("{what} failed: {reason}", what=what, reason=str(failure.value))
        else:
            _log.failure("{what} failed", failure, what=what)

    return Deferred.fromCoroutine(work).addCallbacks(lambda _: None, failed)
