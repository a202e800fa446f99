"""Reload rotated keys without a restart."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

_log = Logger()

INTERVAL = 10.0
"""Seconds between two looks at the file."""


class Keys(Protocol):
    """Keys in a file."""

    @property
    def newest(self) -> str:
        """The id of the key for new data."""
        ...

    def refresh(self) -> str:
        """Read the file if it has changed; return its problem, or an empty text. It blocks."""
        ...


class KeyReloader(Service):
    """Checks the file of the keys every few seconds."""

    def __init__(self, reactor: Any, keys: Keys) -> None:
        self._reactor = reactor
        self._keys = keys
        self._looking: Deferred[None] = succeed(None)
        self._problem = ""
        self._newest = keys.newest
        self._loop = LoopingCall(self._look)
        self._loop.clock = reactor

    def startService(self) -> None:
        """Begin to check."""
        super().startService()
        self._loop.start(INTERVAL, now=False).addErrback(
            lambda reason: _log.failure("the keys are not looked at any more", reason)
        )

    def stopService(self) -> Deferred[None]:
        """Stop checking; fire when a check in progress has ended."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        return self._looking

    def _look(self) -> Deferred[None]:
        looked: Deferred[str] = deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), self._keys.refresh
        )
        self._looking = looked.addCallback(self._looked)
        self._looking.addErrback(lambda reason: _log.failure("the keys could not be looked at", reason))
        return self._looking

    def _looked(self, problem: str) -> None:
        if problem and problem != self._problem:  # log the same problem once
            _log.error("the keys stay what they were: {reason}", reason=problem)
        self._problem = problem
        if self._keys.newest != self._newest:
            self._newest = self._keys.newest
            _log.info("the key {key} is used from now on", key=self._newest)
