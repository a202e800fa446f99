"""The progress of a transfer, and the handle with which an application follows it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred

from imsys.sdk.signals import Signal
from imsys.util.events import Result

T = TypeVar("T")


class Stage(enum.Enum):
    """What a transfer is doing."""

    HASHING = "hashing"
    """Hashing the local file."""
    MOVING = "moving"
    WAITING = "waiting"
    """Waiting for the next attempt after ``problem``."""
    FINISHING = "finishing"
    """All bytes are transferred; the whole file is being verified."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a transfer: ``done`` bytes of ``size``."""

    stage: Stage
    done: int
    size: int
    problem: BaseException | None = None


Report = Callable[[Progress], None]


class Transfer(Generic[T]):
    """The transfer of one file.

    It retries by itself until it is complete, is cancelled, or cannot succeed.
    """

    def __init__(self, run: Callable[[Report], Coroutine[Any, Any, T]]) -> None:
        self.on_progress: Signal[Progress] = Signal()
        self.progress = Progress(Stage.HASHING, 0, 0)
        self._result: Result[T] = Result()
        self._cancelled = False
        self.running = Deferred.fromCoroutine(run(self._report))
        self.running.addBoth(self._result.settle)

    def cancel(self) -> None:
        """Stop the transfer; the bytes transferred so far are kept, and a later transfer resumes there."""
        if not self._result.settled:
            self._cancelled = True
            self.running.cancel()

    def result(self) -> Deferred[T]:
        """Fire with the result of the transfer.

        It fails with :class:`imsys.errors.Refused` if the server refuses, with :class:`OSError` if the local
        file cannot be read or written or has changed (:class:`FileChanged`), with ``CancelledError`` after
        :meth:`cancel`.
        """
        return self._result.wait()

    def _report(self, progress: Progress) -> None:
        if self._cancelled:
            raise CancelledError  # the cancelled operation failed, and would be retried otherwise
        self.progress = progress
        self.on_progress.emit(progress)
