"""Work that nobody waits for, or that goes on when nobody does any more."""

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
    """Begin a coroutine whose result nobody needs. What it fails with is logged: a refusal in one line, a fault with its traceback.

    That it was cancelled is not.

    :param log: of the module that begins it.
    :param failed: what the log says then; ``fields`` are for the braces in it.
    :param refused: takes a refusal instead of the log.
    :returns: fires when it has ended, however that was; cancelling it cancels the work.
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
    """The result of a coroutine that runs to its end whether or not this is cancelled: a thread cannot be taken back."""
    waiting: Deferred[T] = Deferred()
    Deferred.fromCoroutine(work).addCallbacks(waiting.callback, waiting.errback)
    return waiting


class Background:
    """What one object has begun with :func:`run_in_background` and has not ended, so that it can be cancelled or waited for.

    :param log: and ``failed``, ``refused``: see there.
    """

    def __init__(self, log: Logger, failed: str, *, refused: Callable[[Refused], object] | None = None) -> None:
        self._log = log
        self._failed = failed
        self._refused = refused
        self._running: set[Deferred[None]] = set()
        self._idle = Event(is_set=True)

    def __len__(self) -> int:
        return len(self._running)

    def run(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin a coroutine."""
        running = run_in_background(work, self._log, self._failed, refused=self._refused)
        if not running.called:
            self._idle.clear()
            self._running.add(running)
            running.addCallback(self._ended, running)

    def cancel(self) -> None:
        """Cancel all that runs."""
        for running in tuple(self._running):
            running.cancel()

    def idle(self) -> Deferred[None]:
        """Fires when nothing runs."""
        return self._idle.wait()

    def _ended(self, _: None, running: Deferred[None]) -> None:
        self._running.discard(running)
        if not self._running:
            self._idle.set()


def _nothing(_: object) -> None:
    return None
