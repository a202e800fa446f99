"""What the handlers of files work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from imsys.config import FilesConfig
from imsys.security.tickets import Tickets


class Place(Protocol):
    """A resources server, as a client is told of it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def port(self) -> int: ...  # noqa: D102
    @property
    def http_port(self) -> int: ...  # noqa: D102


class Places(Protocol):
    """Chooses resources servers for files, and finds them again; see :class:`imsys.cluster.places.Places`."""

    async def pick(self, size: int, *, plaintext: bool) -> Place:
        """One with room for so many bytes. :raises Refused: 11, there is none."""
        ...

    async def named(self, name: str, *, plaintext: bool) -> Place:
        """The one of a name. :raises Refused: 11, it is away."""
        ...


@dataclass(frozen=True, slots=True)
class FileDesk:
    """Where files are asked for; ``chunk`` is what clients are told to send at once, in bytes."""

    config: FilesConfig
    chunk: int
    tickets: Tickets
    places: Places
