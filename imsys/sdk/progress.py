"""How far a transfer is, and the handle by which an application follows one."""

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
    """What is being done."""

    HASHING = "hashing"
    """Reading what is here, to know what it is."""
    MOVING = "moving"
    WAITING = "waiting"
    """For the next attempt, after ``problem``."""
    FINISHING = "finishing"
    """All bytes are there; the server looks at the whole."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is; ``done`` bytes of ``size``."""

    stage: Stage
    done: int
    size: int
    problem: BaseException | None = None


Report = Callable[[Progress], None]


class Transfer(Generic[T]):
    """One file on its way. It goes on by itself until it is there, is cancelled, or cannot succeed."""

    def __init__(self, run: Callable[[Report], Coroutine[Any, Any, T]]) -> None:
        self.on_progress: Signal[Progress] = Signal()
        self.progress = Progress(Stage.HASHING, 0, 0)
        self._result: Result[T] = Result()
        self._cancelled = False
        self.running = Deferred.fromCoroutine(run(self._report))
        self.running.addBoth(self._result.settle)

    def cancel(self) -> None:
        """Stop; what is there, here or on the server, stays, and a later one goes on with it."""
        if not self._result.settled:
            self._cancelled = True
            self.running.cancel()

    def result(self) -> Deferred[T]:
        """Fires with what came of it.

        It fails with :class:`imsys.errors.Refused` where the server does not take or give it, with :class:`OSError` (a changed file
        is one) where it cannot be read or written here, with ``CancelledError`` after :meth:`cancel`.
        """
        return self._result.wait()

    def _report(self, progress: Progress) -> None:
        if self._cancelled:
            raise CancelledError  # what it waited for said that it failed, as if that could pass
        self.progress = progress
        self.on_progress.emit(progress)
