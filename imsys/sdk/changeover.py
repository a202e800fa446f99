"""Replace one connection by another without losing a request in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

from imsys.errors import Refused
from imsys.util.events import Event

_QUIET = 0.5
"""Seconds to wait for answers on the old connection before it is replaced anyway."""


class Changeover:
    """Lets pending requests be answered on the old connection, and holds new ones for the new connection.

    The login on the new connection ends the session of the old one. So while that login is pending, the end
    of the old connection is no failure yet; what it means depends on the outcome of the login.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.holding = False
        """Whether new requests must wait."""
        self.logging_in = False
        """Whether the login on the new connection may be pending."""
        self._clock = clock
        self._asking = 0
        self._quiet = Event(is_set=True)
        self._lost: Refused | None = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count a request as pending within this context."""
        self._asking += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._quiet.set()

    async def begin(self) -> None:
        """Hold new requests; return when the pending ones are answered, or have taken too long."""
        self.holding = True
        with suppress(DeferredTimeout):
            await self._quiet.wait().addTimeout(_QUIET, self._clock)
        self.logging_in = True

    def lost(self, problem: Refused) -> None:
        """Record that the old connection, or its session, has ended."""
        self._lost = self._lost or problem

    def end(self) -> Refused | None:
        """Stop holding requests; return what ended the old connection meanwhile, if it ended."""
        self.holding = self.logging_in = False
        lost, self._lost = self._lost, None
        return lost
