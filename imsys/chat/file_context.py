"""What the handlers of files work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from imsys.config import FilesConfig
from imsys.security.tickets import Tickets


class ResourcesServer(Protocol):
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
    """Chooses resources servers for files, and finds them again; see :class:`imsys.cluster.resources_directory.Places`."""

    async def pick(self, size: int, *, plaintext: bool) -> ResourcesServer:
        """One with room for so many bytes. :raises Refused: 11, there is none."""
        ...

    async def named(self, name: str, *, plaintext: bool) -> ResourcesServer:
        """The one of a name. :raises Refused: 11, it is away."""
        ...


@dataclass(frozen=True, slots=True)
class FileContext:
    """Where files are asked for; ``chunk`` is what clients are told to send at once, in bytes."""

    config: FilesConfig
    chunk: int
    tickets: Tickets
    places: Places
