"""The moment in which one connection takes the place of another: no request may fall in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

from imsys.errors import Refused
from imsys.util.events import Event

_QUIET = 0.5
"""Seconds that requests have to be answered on the old connection before it is replaced all the same."""


class Changeover:
    """Lets the requests of an application be answered on the old connection, and holds new ones for the other.

    The login on the new connection ends the session of the old one. So from that login on the end of the old connection
    says nothing, until it is known what became of the login.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.holding = False
        """Whether new requests are to wait."""
        self.logging_in = False
        """Whether the login on the new connection may be on its way."""
        self._clock = clock
        self._asking = 0
        self._quiet = Event(is_set=True)
        self._lost: Refused | None = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a request waits for its answer."""
        self._asking += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._quiet.set()

    async def begin(self) -> None:
        """Hold new requests; returns when the others are answered, or take too long."""
        self.holding = True
        with suppress(DeferredTimeout):
            await self._quiet.wait().addTimeout(_QUIET, self._clock)
        self.logging_in = True

    def lost(self, problem: Refused) -> None:
        """The old connection has ended, or its session has."""
        self._lost = self._lost or problem

    def end(self) -> Refused | None:
        """It is known what became of it: what ended the old connection meanwhile, if anything did."""
        self.holding = self.logging_in = False
        lost, self._lost = self._lost, None
        return lost
