"""Run coroutines in the background, or to their end even if the caller is cancelled."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused
from imsys.util.events import Event

T = TypeVar("T")


def run_in_background(
    work: Coroutine[Any, Any, object],
    log: Logger,
    failed: str,
    *,
    refused: Callable[[Refused], object] | None = None,
    **fields: Any,
) -> Deferred[None]:
    """Start a coroutine whose result is not needed.

    A refusal is logged in one line, another exception with its traceback; a cancellation is not logged.

    :param log: the logger of the calling module.
    :param failed: the log text; ``fields`` are for the braces in it.
    :param refused: called with a refusal, which is then not logged.
    :returns: fires when the work has ended in any way; cancelling it cancels the work.
    """

    def ended(failure: Failure) -> None:
        problem = failure.value
        if isinstance(problem, Refused):
            if refused is not None:
                refused(problem)
            else:
                log.warn(failed + ": {reason}", reason=str(problem), **fields)
        elif failure.check(CancelledError) is None:
            log.failure(failed, failure, **fields)

    return Deferred.fromCoroutine(work).addCallbacks(_nothing, ended)


def uncancelled(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    """Run a coroutine to its end even if the returned Deferred is cancelled: threads cannot be undone."""
    waiting: Deferred[T] = Deferred()
    Deferred.fromCoroutine(work).addCallbacks(waiting.callback, waiting.errback)
    return waiting


class Background:
    """The running background work of one object, which can be cancelled or waited for.

    :param log: this, ``failed`` and ``refused`` are as for :func:`run_in_background`.
    """

    def __init__(
        self, log: Logger, failed: str, *, refused: Callable[[Refused], object] | None = None
    ) -> None:
        self._log = log
        self._failed = failed
        self._refused = refused
        self._running: set[Deferred[None]] = set()
        self._idle = Event(is_set=True)

    def __len__(self) -> int:
        return len(self._running)

    def run(self, work: Coroutine[Any, Any, object]) -> None:
        """Start a coroutine."""
        running = run_in_background(work, self._log, self._failed, refused=self._refused)
        if not running.called:
            self._idle.clear()
            self._running.add(running)
            running.addCallback(self._ended, running)

    def cancel(self) -> None:
        """Cancel all running work."""
        for running in tuple(self._running):
            running.cancel()

    def idle(self) -> Deferred[None]:
        """Fire when nothing runs."""
        return self._idle.wait()

    def _ended(self, _: None, running: Deferred[None]) -> None:
        self._running.discard(running)
        if not self._running:
            self._idle.set()


def _nothing(_: object) -> None:
    return None
