"""A service of parts that depend on each other."""

from __future__ import annotations

from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

_log = Logger()


class OrderedServices(MultiService):
    """Starts its parts in order, and stops them in reverse order, one after the other."""

    def stopService(self) -> Deferred[None]:
        """Stop the parts; fire when all have stopped."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for part in reversed(list(self)):
            stopped: Deferred[Any] = maybeDeferred(part.stopService)
            try:
                await stopped
            except Exception:
                _log.failure("{part} did not stop in an orderly way", part=type(part).__name__)
