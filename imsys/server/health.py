"""Whether a server can serve: what it stands on is tried all the time, and counts as broken as soon as it does not answer."""

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
"""Seconds between two looks at what is under way."""

PAUSE = 0.5
"""Seconds after an answer until it is asked for again."""

PATIENCE = 1.25
"""Seconds that an answer may take. Those in which this process itself stood still do not count."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a server stands on.

    :param what: it, as a sentence begins: ``The database``.
    :param attempt: uses it; raises when it does not work. With status 73 there was no room to try: that is overload, and no fault.
    :param progress: changes when others have used it with success. While it does, what is under way may take as long as it likes:
        where much is to be done, it waits behind that.
    :param proof: whether such success of others shows all that an attempt would: while they have it, there is none, and nothing is
        spent on it where most is to be done.
    """

    what: str
    attempt: Callable[[], Awaitable[object]]
    progress: Callable[[], int] = lambda: 0
    proof: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, as a sentence; ``silent``: there is no answer at all."""

    reason: str
    silent: bool


class Health(Service):
    """Tries each thing twice a second or so.

    :param checks: by names; the first one that is broken is the one that is told of.
    """

    def __init__(self, clock: IReactorTime, checks: Mapping[str, Check]) -> None:
        self._watched = {name: _Watched(check, self._look) for name, check in checks.items()}
        self._listeners: list[Callable[[], None]] = []
        self._ticks = LoopingCall(self._tick)
        self._ticks.clock = clock
        self.unfit = ""
        """Why this server cannot serve anybody now, as a sentence; empty: it can."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have this called whenever :attr:`unfit` has changed."""
        self._listeners.append(listener)

    def fault(self, name: str) -> Fault | None:
        """What is wrong with one thing."""
        return self._watched[name].fault

    def demand(self, *names: str, silent: bool = False) -> None:
        """See that these work (none named: all of them).

        :param silent: only one that does not answer at all counts.
        :raises Refused: 73, one does not.
        """
        for name in names or self._watched:
            fault = self._watched[name].fault
            if fault is not None and (fault.silent or not silent):
                raise Refused(Status.SERVER_BUSY, f"This server cannot do that now. {fault.reason}", retry_after=1.0)

    def startService(self) -> None:
        """Begin to try."""
        super().startService()
        self._ticks.start(TICK, now=False)

    def stopService(self) -> None:
        """Try no more."""
        super().stopService()
        self._ticks.stop()
        for watched in self._watched.values():
            watched.stop()

    def _tick(self) -> None:
        for watched in self._watched.values():
            watched.tick()

    def _look(self) -> None:
        """Something broke, or works again."""
        before = self.unfit
        self.unfit = next((watched.fault.reason for watched in self._watched.values() if watched.fault is not None), "")
        if self.unfit == before:
            return
        if not before:
            _log.warn("this server cannot serve, and takes nobody: {reason}", reason=self.unfit)
        elif not self.unfit:
            _log.info("this server can serve again")
        for listener in self._listeners:
            listener()


class _Watched:
    """One thing, and what is known of it. Time is counted in ticks: a process that stood still has counted none."""

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
                self._crowded, self._pause = False, round(PAUSE / TICK)
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
            return  # nobody tries any more
        self._attempt = None
        self._waited = 0
        self._set(None)

    def _failed(self, failure: Failure, attempt: Deferred[None]) -> None:
        if self._attempt is not attempt:
            return
        self._attempt = None
        error = failure.value
        if isinstance(error, Refused) and error.status is Status.SERVER_BUSY and not isinstance(error, Unavailable):
            self._crowded, self._pause = True, 1
            return
        self._waited = 0
        if isinstance(error, Unavailable):
            self._set(self._silence())
        else:
            reason = getattr(error, "strerror", None) or getattr(error, "message", None) or type(error).__name__
            self._set(Fault(f"{self._check.what} does not work: {str(reason).rstrip('.')}.", False))

    def _silence(self) -> Fault:
        return Fault(f"{self._check.what} does not answer.", True)

    def _set(self, fault: Fault | None) -> None:
        if fault != self.fault:
            self.fault = fault
            self._changed()
