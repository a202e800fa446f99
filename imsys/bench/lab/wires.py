"""Connections of a client of ours as their user's machine sees them: where they lead, and reset in the middle
of a frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from zope.interface import directlyProvides, providedBy

_LONG = 64
"""Bytes from which on something written or read is part of a frame, and no greeting of TLS."""

_FLUSHED = 0.02
"""Seconds in which what was written has left."""


class Wire(ProtocolWrapper):
    """One TCP connection, below TLS."""

    _trap = ""
    _broken = False

    def write(self, data: bytes) -> None:
        """Pass bytes on; of a frame that is to be broken off, the first half."""
        if self._broken:
            return
        if self._trap == "write" and len(data) >= _LONG:
            data = self._half(data)
        super().write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """As :meth:`write`."""
        self.write(b"".join(data))

    def dataReceived(self, data: bytes) -> None:
        """Take bytes; of a frame that is to be broken off, the first half."""
        if self._broken:
            return
        if self._trap == "read" and len(data) >= _LONG:
            data = self._half(data)
        super().dataReceived(data)

    def break_off(self, when: str) -> None:
        """Reset the connection in the middle of the next frame to ``write`` or to ``read``."""
        self._trap = when

    def _half(self, data: bytes) -> bytes:
        self._broken = True
        factory: Any = self.factory
        factory.clock.callLater(_FLUSHED, self._abort)
        return data[: len(data) // 2]

    def _abort(self) -> None:
        transport: Any = self.transport
        if transport.connected:
            transport.abortConnection()


class Tapped:
    """A reactor for one client, which knows its connections."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._factories: list[WrappingFactory] = []
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def connectTCP(self, host: str, port: int, factory: Any, *arguments: Any, **keywords: Any) -> Any:
        """Connect, by a wire of ours."""
        wrapped = WrappingFactory(factory)
        wrapped.protocol = Wire
        wrapped.noisy = False
        wrapped.clock = self._reactor  # type: ignore[attr-defined]
        self._factories = [one for one in self._factories if one.protocols] + [wrapped]
        return self._reactor.connectTCP(host, port, wrapped, *arguments, **keywords)

    def wires(self, port: int) -> list[Wire]:
        """The connections to a port, of whatever host, that are open; the newest one is the last."""
        found = [wire for factory in self._factories for wire in factory.protocols]
        return [wire for wire in found if isinstance(wire, Wire) and wire.getPeer().port == port]
