"""The context of the file handlers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from imsys.config import FilesConfig
from imsys.security.tickets import Tickets


class ResourcesServer(Protocol):
    """The addresses of a resources server that clients get."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def port(self) -> int: ...  # noqa: D102
    @property
    def http_port(self) -> int: ...  # noqa: D102


class Places(Protocol):
    """Picks and finds resources servers for files; see :class:`imsys.cluster.resources_directory.Places`."""

    async def pick(self, size: int, *, plaintext: bool) -> ResourcesServer:
        """Pick a server with room for so many bytes.

        :raises Refused: NO_AVAILABLE_RESOURCES_SERVER (11), there is none.
        """
        ...

    async def named(self, name: str, *, plaintext: bool) -> ResourcesServer:
        """Find a server by name. :raises Refused: NO_AVAILABLE_RESOURCES_SERVER (11), it is down."""
        ...


@dataclass(frozen=True, slots=True)
class FileContext:
    """What the file handlers share; ``chunk`` is the chunk size that clients are told, in bytes."""

    config: FilesConfig
    chunk: int
    tickets: Tickets
    places: Places
