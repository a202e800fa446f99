"""Health checks: a server tries its dependencies all the time, and is unfit while one does not answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable

_log = Logger()

TICK = 0.25
"""Seconds between two looks at the attempts in progress."""

PAUSE = 0.5
"""Seconds from an answer to the next attempt."""

PATIENCE = 1.25
"""Seconds that an answer may take, not counting time in which this process itself was stopped."""


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency of a server.

    :param what: its name as the beginning of a sentence: ``The database``.
    :param attempt: uses it; raises if it does not work. SERVER_BUSY (73) means that there was no room for an
        attempt: that is overload, not a fault.
    :param progress: returns a number that changes when others use it with success. While it changes, an
        attempt may take any time, since it waits behind the others.
    :param proof: whether such a success shows all that an attempt would. Then none is made while others have
        it: it would cost most where most is to be done.
    """

    what: str
    attempt: Callable[[], Awaitable[object]]
    progress: Callable[[], int] = lambda: 0
    proof: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as a sentence; ``silent``: there is no answer at all."""

    reason: str
    silent: bool


class Health(Service):
    """Tries each dependency about twice a second.

    :param checks: checks by name; the first with a fault is the reason in :attr:`unfit`.
    """

    def __init__(self, clock: IReactorTime, checks: Mapping[str, Check]) -> None:
        self._watched = {name: _Watched(check, self._look) for name, check in checks.items()}
        self._listeners: list[Callable[[], None]] = []
        self._ticks = LoopingCall(self._tick)
        self._ticks.clock = clock
        self.unfit = ""
        """Why this server cannot serve now, as a sentence; empty: it can."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever :attr:`unfit` has changed."""
        self._listeners.append(listener)

    def fault(self, name: str) -> Fault | None:
        """Return the fault of one dependency, if any."""
        return self._watched[name].fault

    def demand(self, *names: str, silent: bool = False) -> None:
        """Check that these dependencies work (none named: all).

        :param silent: only count those that do not answer at all.
        :raises Refused: SERVER_BUSY (73), one does not work.
        """
        for name in names or self._watched:
            fault = self._watched[name].fault
            if fault is not None and (fault.silent or not silent):
                raise Refused(
                    Status.SERVER_BUSY, f"This server cannot do that now. {fault.reason}", retry_after=1.0
                )

    def startService(self) -> None:
        """Begin the attempts."""
        super().startService()
        self._ticks.start(TICK, now=False)

    def stopService(self) -> None:
        """Stop the attempts."""
        super().stopService()
        self._ticks.stop()
        for watched in self._watched.values():
            watched.stop()

    def _tick(self) -> None:
        for watched in self._watched.values():
            watched.tick()

    def _look(self) -> None:
        """Update :attr:`unfit` after a fault has come or gone."""
        before = self.unfit
        self.unfit = next(
            (watched.fault.reason for watched in self._watched.values() if watched.fault is not None), ""
        )
        if self.unfit == before:
            return
        if not before:
            _log.warn("this server cannot serve, and takes nobody: {reason}", reason=self.unfit)
        elif not self.unfit:
            _log.info("this server can serve again")
        for listener in self._listeners:
            listener()


class _Watched:
    """One dependency and its fault. Time is counted in ticks, so that a stopped process counts none."""

    def __init__(self, check: Check, changed: Callable[[], None]) -> None:
        self._check = check
        self._changed = changed
        self._attempt: Deferred[Any] | None = None
        self._crowded = False
        self._waited = 0
        self._pause = 0
        self._progress = check.progress()
        self.fault: Fault | None = None

    def tick(self) -> None:
        before, self._progress = self._progress, self._check.progress()
        if self._progress != before:
            self._waited = 0
            if self.fault is not None and self.fault.silent:
                self._set(None)
            if self._check.proof and self.fault is None and self._attempt is None:
                self._crowded, self._pause = False, round(PAUSE / TICK) + 1  # this tick is one of them
        elif self._attempt is not None or self._crowded:
            self._waited += 1
            if self._waited * TICK >= PATIENCE:
                self._set(self._silence())
        if self._attempt is None:
            self._pause -= 1
            if self._pause <= 0:
                self._try()

    def stop(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()

    def _try(self) -> None:
        self._crowded = False
        self._pause = round(PAUSE / TICK)
        attempt = self._attempt = Deferred.fromCoroutine(self._run())
        attempt.addCallbacks(self._succeeded, self._failed, (attempt,), {}, (attempt,))

    async def _run(self) -> None:
        await self._check.attempt()

    def _succeeded(self, _: None, attempt: Deferred[None]) -> None:
        if self._attempt is not attempt:
            return  # stopped meanwhile
        self._attempt = None
        self._waited = 0
        self._progress = self._check.progress()  # what the attempt itself has moved is no news
        self._set(None)

    def _failed(self, failure: Failure, attempt: Deferred[None]) -> None:
        if self._attempt is not attempt:
            return
        self._attempt = None
        error = failure.value
        if (
            isinstance(error, Refused)
            and error.status is Status.SERVER_BUSY
            and not isinstance(error, Unavailable)
        ):
            self._crowded, self._pause = True, 1
            return
        self._waited = 0
        if isinstance(error, Unavailable):
            self._set(self._silence())
        else:
            reason = (
                getattr(error, "strerror", None) or getattr(error, "message", None) or type(error).__name__
            )
            self._set(Fault(f"{self._check.what} does not work: {str(reason).rstrip('.')}.", False))

    def _silence(self) -> Fault:
        return Fault(f"{self._check.what} does not answer.", True)

    def _set(self, fault: Fault | None) -> None:
        if fault != self.fault:
            self.fault = fault
            self._changed()
