"""Work that nobody waits for, or that goes on when nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused

T = TypeVar("T")


def uncancelled(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    """Run a coroutine to its end, whether or not the result is cancelled: a thread cannot be taken back."""
    waiting: Deferred[T] = Deferred()
    Deferred.fromCoroutine(work).addCallbacks(waiting.callback, waiting.errback)
    return waiting


def run_in_background(work: Coroutine[Any, Any, object], log: Logger, failed: str) -> Deferred[None]:
    """Run a coroutine whose result nobody waits for, and log what goes wrong. Fires when it has ended.

    :param log: of the module that begins it.
    :param failed: what the log says then.
    """

    def ended(failure: Failure) -> None:
        if failure.check(Refused) is not None:
            log.warn(failed + ": {reason}", reason=str(failure.value))
        else:
            log.failure(failed, failure)

    return Deferred.fromCoroutine(work).addCallbacks(lambda _: None, ended)
