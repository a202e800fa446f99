"""The hosts of a cluster and what is between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from imsys.bench.lab.programs import Program
from imsys.errors import ConfigError


class NotHere(ConfigError):
    """Network namespaces are not permitted here, or a program that they need is missing; one sentence."""


@dataclass(eq=False, kw_only=True)
class Host:
    """A machine, as far as the others can see."""

    name: str
    address: str
    enter: Callable[[], None] = lambda: None
    """Moves the current process to this host; for a child between fork and exec."""
    programs: list[Program] = field(default_factory=list)
    """The programs started on it."""


class Network(Protocol):
    """Makes hosts, and cuts the links between them: packets are dropped silently."""

    severs: bool
    """Whether hosts can be cut off from each other.

    Else all that begins with 'cut' or 'isolate' raises :class:`NotHere`.
    """

    def host(self, name: str) -> Host:
        """A new host."""
        ...

    def cut(self, one: Host, other: Host) -> None:
        """Let nothing through between two hosts, either way."""
        ...

    def heal(self, one: Host, other: Host) -> None:
        """Undo :meth:`cut`; queued data is sent."""
        ...

    def heal_all(self) -> None:
        """Undo every :meth:`cut`."""
        ...

    def isolate(self, host: Host) -> None:
        """Let nothing through to or from a host."""
        ...

    def isolated(self, host: Host) -> bool:
        """Whether a host is isolated."""
        ...

    def rejoin(self, host: Host) -> None:
        """Undo :meth:`isolate`."""
        ...

    def power_on(self, host: Host) -> None:
        """Put a new machine with the same address in the place of one that was isolated and whose programs
        are dead.

        The old one's system goes on trying to send what its programs left, and none of that gets anywhere: so
        it is with a machine that lost its power.
        """
        ...

    def crowd(self, host: Host) -> str:
        """Give a host 65,000 addresses more, for users who come from different places.

        What they begin with.
        """
        ...

    def unsent(self, host: Host, other: Host) -> dict[int, int]:
        """Bytes that the system of one host has for another and got no receipt of, those of dead programs
        too, by local port.
        """
        ...

    def close(self) -> None:
        """Take everything away (idempotent)."""
        ...
