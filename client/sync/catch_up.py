"""Comparing everything with the server, whenever there is a connection."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from imsys.sdk import Refused

_log = logging.getLogger(__name__)


class Feature(Protocol):
    """One kind of thing that an account keeps as the server has it; see :mod:`client.sync.features`."""

    async def read(self) -> None:
        """Compare all of it with the server. :raises Refused: that cannot be done now."""
        ...


class CatchUp:
    """Reads features one after the other, in this order."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features
        self._running = False

    def soon(self) -> None:
        """Begin, unless it is under way."""
        if not self._running:
            self._running = True
            Deferred.fromCoroutine(self._read()).addErrback(self._failed)

    async def _read(self) -> None:
        try:
            for feature in self._features:
                await feature.read()
        finally:
            self._running = False

    def _failed(self, reason: Any) -> None:
        if reason.check(Refused):
            _log.info("people and conversations could not be read: %s", reason.value)
        else:
            _log.error("people and conversations could not be read: %s", reason.getTraceback())
