"""Hosts without namespaces: addresses of loopback.

Programs can be killed and frozen; what is between them cannot be cut.
"""

from __future__ import annotations

import random

from imsys.bench.lab.network import Host, NotHere


class Loopback:
    """A network of addresses ``127.x.y.n``, drawn so that two of these do not meet."""

    severs = False

    def __init__(self) -> None:
        chance = random.SystemRandom()
        self._net = f"127.{chance.randrange(1, 255)}.{chance.randrange(1, 255)}."
        self._count = 0

    def host(self, name: str) -> Host:
        """A new host, with the next address."""
        self._count += 1
        return Host(name=name, address=f"{self._net}{self._count}")

    def cut(self, one: Host, other: Host) -> None:
        """Raise :class:`NotHere`: loopback cannot be cut."""
        raise _not_here()

    def heal(self, one: Host, other: Host) -> None:
        """Do nothing: no link is cut."""

    def heal_all(self) -> None:
        """Do nothing: no link is cut."""

    def isolate(self, host: Host) -> None:
        """Raise :class:`NotHere`: loopback cannot be cut."""
        raise _not_here()

    def isolated(self, host: Host) -> bool:
        """Return ``False``: no host can be isolated."""
        return False

    def rejoin(self, host: Host) -> None:
        """Do nothing: no host is isolated."""

    def power_on(self, host: Host) -> None:
        """Do nothing: no host is isolated."""

    def crowd(self, host: Host) -> str:
        """All of loopback is everybody's."""
        return f"127.{random.SystemRandom().randrange(1, 255)}."

    def unsent(self, host: Host, other: Host) -> dict[int, int]:
        """Raise :class:`NotHere`, as :meth:`cut` does."""
        raise _not_here()

    def close(self) -> None:
        """Do nothing: there is nothing to remove."""


def _not_here() -> NotHere:
    return NotHere("hosts on loopback cannot be cut off: that needs network namespaces")
